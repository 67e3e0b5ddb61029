//! The list of lessons and exercises, in which the student chooses where to go.

use crate::lesson::{Course, Exercise};
use crate::present::terminal;
use crate::progress::Record;

/// The list's filter and its chosen entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List {
    chosen: usize,
    filter: Filter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    All,
    Open,
    Done,
}

/// One entry of the list.
struct ListRow<'c> {
    place: (usize, usize),
    /// `None` for the lesson itself.
    exercise: Option<&'c Exercise>,
    title: &'c str,
}

/// Every exercise with the indexes of its lesson and step.
pub(super) fn exercises(course: &Course) -> impl Iterator<Item = ((usize, usize), &Exercise)> {
    course.lessons.iter().enumerate().flat_map(|(number, lesson)| {
        let steps = lesson.steps.iter().enumerate();
        steps.filter_map(move |(index, step)| Some(((number, index), step.exercise.as_ref()?)))
    })
}

impl List {
    pub(super) fn at_the_beginning() -> Self {
        Self { chosen: 0, filter: Filter::All }
    }

    /// The unfiltered list, with the student's step chosen.
    pub(super) fn of(course: &Course, at: (usize, usize)) -> Self {
        let mut list = Self::at_the_beginning();
        let entries = entries(course, |_| true);
        list.chosen = entries.iter().rposition(|entry| entry.place <= at).unwrap_or(0);
        list
    }

    /// Moves the choice by one. Returns the line of the text on which it is.
    pub(super) fn move_choice(&mut self, down: bool, course: &Course, record: &Record) -> usize {
        let last = self.entries(course, record).len().saturating_sub(1);
        self.chosen =
            if down { (self.chosen + 1).min(last) } else { self.chosen.saturating_sub(1) };
        // The heading is the first line.
        self.chosen + 1
    }

    pub(super) fn choose(&mut self, number: usize) {
        self.chosen = number.saturating_sub(1);
    }

    /// The step that is chosen, if there is such an entry.
    pub(super) fn chosen(&self, course: &Course, record: &Record) -> Option<(usize, usize)> {
        self.entries(course, record).get(self.chosen).map(|entry| entry.place)
    }

    pub(super) fn filter(&mut self) {
        self.chosen = 0;
        self.filter = match self.filter {
            Filter::All => Filter::Open,
            Filter::Open => Filter::Done,
            Filter::Done => Filter::All,
        };
    }

    fn entries<'c>(&self, course: &'c Course, record: &Record) -> Vec<ListRow<'c>> {
        entries(course, |exercise| match self.filter {
            Filter::All => true,
            Filter::Open => !record.has(&exercise.id),
            Filter::Done => record.has(&exercise.id),
        })
    }

    /// Renders numbered lines and marks the chosen one.
    pub(super) fn text(
        &self,
        course: &Course,
        record: &Record,
        at: (usize, usize),
        width: usize,
    ) -> String {
        let shown = match self.filter {
            Filter::All => "all exercises",
            Filter::Open => "open exercises",
            Filter::Done => "exercises that are done",
        };
        let mut text = terminal::heading(&format!("{}: {shown}", course.title));
        for (index, entry) in self.entries(course, record).iter().enumerate() {
            text.push_str(&terminal::list_line(
                &terminal::ListEntry {
                    number: index + 1,
                    title: entry.title,
                    id: entry.exercise.map(|exercise| exercise.id.as_str()),
                    passed: entry.exercise.is_some_and(|exercise| record.has(&exercise.id)),
                    is_chosen: index == self.chosen,
                    is_here: entry.exercise.is_some() && entry.place == at,
                },
                width,
            ));
        }
        text
    }
}

fn entries(course: &Course, wanted: impl Fn(&Exercise) -> bool) -> Vec<ListRow<'_>> {
    let mut entries = Vec::new();
    for (number, lesson) in course.lessons.iter().enumerate() {
        entries.push(ListRow { place: (number, 0), exercise: None, title: &lesson.title });
        for (step_number, step) in lesson.steps.iter().enumerate() {
            let exercise = step.exercise.as_ref().filter(|exercise| wanted(exercise));
            let place = (number, step_number);
            if exercise.is_some() {
                entries.push(ListRow { place, exercise, title: &step.title });
            }
        }
    }
    entries
}
