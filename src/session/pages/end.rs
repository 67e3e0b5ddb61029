//! The page at the end of a lesson, and at the end of the course.

use std::time::Duration;

use super::super::keys::{EndKeys, EndNext};
use crate::lesson::{Course, Exercise, Lesson, Step};
use crate::present::pages::{PageRow, ending_line, rows};
use crate::present::text::number;
use crate::present::{markdown, terminal};
use crate::progress::Record;
use crate::progress_event::rounded;

/// The open exercises that are named; the list has all.
const MOST_OPEN: usize = 6;

/// What has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Scope {
    /// The lesson at which the student is.
    Lesson,
    Course,
}

/// The parts of the page, as far as there are any.
pub(in super::super) struct Ending<'c> {
    scope: Scope,
    /// Whether there are other lessons.
    has_others: bool,
    lessons: &'c [Lesson],
    /// The exercises that are not passed, in order, with their places.
    pub(in super::super) open: Vec<((usize, usize), &'c Step)>,
    /// The passed exercise that took the most failed attempts, if more than one.
    pub(in super::super) hardest: Option<((usize, usize), &'c Exercise)>,
    passed: usize,
    all: usize,
    /// `None` if they were not counted for each of the passed exercises.
    attempts: Option<u32>,
    /// `None` if it was not measured for each of the passed exercises.
    time: Option<Duration>,
    /// The next lesson, if there is one.
    pub(in super::super) next: Option<&'c Lesson>,
}

impl<'c> Ending<'c> {
    /// The end of this lesson, or of the course.
    pub(in super::super) fn of(
        course: &'c Course,
        record: &Record,
        at: usize,
        scope: Scope,
    ) -> Self {
        let (first, lessons) = match scope {
            Scope::Lesson => (at, &course.lessons[at..=at]),
            Scope::Course => (0, &course.lessons[..]),
        };
        let mut ending = Self {
            scope,
            has_others: course.lessons.len() > 1,
            lessons,
            open: Vec::new(),
            hardest: None,
            passed: 0,
            all: 0,
            attempts: Some(0),
            time: Some(Duration::ZERO),
            next: course.lessons.get(at + 1).filter(|_| scope == Scope::Lesson),
        };
        let mut most_failed = 1;
        for (number, lesson) in lessons.iter().enumerate() {
            for (index, step) in lesson.steps.iter().enumerate() {
                let Some(exercise) = &step.exercise else { continue };
                let place = (first + number, index);
                let attempts = record.attempts(&exercise.id);
                let time = record.time_spent(&exercise.id);
                let is_passed = record.has(&exercise.id);
                ending.all += 1;
                ending.attempts = ending
                    .attempts
                    .filter(|_| attempts > 0 || !is_passed)
                    .map(|sum| sum + attempts);
                ending.time =
                    ending.time.filter(|_| !time.is_zero() || !is_passed).map(|sum| sum + time);
                if !is_passed {
                    ending.open.push((place, step));
                    continue;
                }
                ending.passed += 1;
                if attempts > most_failed + 1 {
                    most_failed = attempts - 1;
                    ending.hardest = Some((place, exercise));
                }
            }
        }
        ending
    }

    /// Whether the page of the course follows: it would repeat that of an only lesson.
    pub(in super::super) fn has_course_page(&self) -> bool {
        self.scope == Scope::Lesson && self.next.is_none() && self.has_others
    }

    pub(in super::super) fn keys(&self) -> EndKeys {
        let next = if self.next.is_some() {
            EndNext::Lesson
        } else if self.has_course_page() {
            EndNext::Course
        } else {
            EndNext::Nothing
        };
        let has_hardest = self.hardest.is_some();
        EndKeys { has_open: !self.open.is_empty(), has_hardest, next }
    }

    /// The first line: `Lesson 4 complete · 5 of 5 exercises · 9 attempts`.
    fn headline(&self) -> Vec<String> {
        let name = match self.scope {
            Scope::Lesson => short_name(&self.lessons[0].title),
            Scope::Course => "Course",
        };
        let is_complete = self.open.is_empty();
        let mut parts = vec![if is_complete {
            format!("{name} complete")
        } else {
            format!("End of {}", if self.scope == Scope::Course { "the course" } else { name })
        }];
        if self.all > 0 {
            parts.push(format!("{} of {}", self.passed, number(self.all, "exercise")));
        }
        if let Some(attempts) = self.attempts.filter(|attempts| *attempts > 0) {
            parts.push(number(attempts as usize, "attempt"));
        }
        if let Some(time) = self.time.filter(|time| !time.is_zero()) {
            parts.push(rounded(time));
        }
        parts
    }
}

/// `Lesson 4` of `Lesson 4: Snapshotting in Redis`; other titles as they are.
fn short_name(title: &str) -> &str {
    let (number, _) = title.split_once(':').unwrap_or((title, ""));
    if number.starts_with("Lesson ") { number } else { title }
}

/// The page: what was done, what is still open, what to keep in mind, and where to go.
pub(in super::super) fn ending(ending: &Ending<'_>, record: &Record, width: usize) -> String {
    let mut text = ending_line(&ending.headline(), ending.open.is_empty(), width);
    if !ending.open.is_empty() {
        text.push('\n');
        text.push_str(&still_open(ending, width));
    }
    let summary = match ending.scope {
        Scope::Lesson => ending.lessons[0].summary.as_deref(),
        Scope::Course => None,
    };
    if let Some(summary) = summary {
        text.push('\n');
        text.push_str(&terminal::heading("Keep in mind"));
        text.push_str(&markdown::render(summary, width));
    }
    text.push('\n');
    text + &rows(&where_to_go(ending, record), width)
}

fn still_open(ending: &Ending<'_>, width: usize) -> String {
    let mut open = Vec::new();
    for (_, step) in ending.open.iter().take(MOST_OPEN) {
        let is_first = open.is_empty();
        open.push(PageRow {
            name: if is_first { "Still open" } else { "" },
            text: step.title.clone(),
            key: is_first.then_some('N'),
        });
    }
    let more = ending.open.len().saturating_sub(MOST_OPEN);
    if more > 0 {
        open.push(PageRow { name: "", text: format!("and {more} more"), key: Some('l') });
    }
    rows(&open, width)
}

fn where_to_go(ending: &Ending<'_>, record: &Record) -> Vec<PageRow<'static>> {
    let mut rows = Vec::new();
    if let Some((_, exercise)) = ending.hardest {
        let attempts = number(record.attempts(&exercise.id) as usize, "attempt");
        let text = format!("{} ({attempts}): try it again", exercise.id);
        rows.push(PageRow { name: "Hardest for you", text, key: Some('r') });
    }
    if let Some(next) = ending.next {
        rows.push(PageRow { name: "Next", text: next.title.clone(), key: Some('n') });
    } else if ending.has_course_page() {
        let text = "the end of the course".to_owned();
        rows.push(PageRow { name: "Next", text, key: Some('n') });
    }
    if !ending.has_others && ending.all > 0 && ending.open.is_empty() {
        let text = "complete: this was its only lesson".to_owned();
        rows.push(PageRow { name: "Course", text, key: None });
    }
    if ending.passed > 0 {
        let text = "`redislings export session.md` writes down your work".to_owned();
        rows.push(PageRow { name: "Keep", text, key: None });
    }
    rows
}
