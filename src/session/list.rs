//! The list of lessons and exercises, in which the student chooses where to go.

use super::console::Key;
use super::{Session, View};
use crate::lesson::{Course, Exercise};
use crate::present::terminal;
use crate::progress::Progress;

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

    fn entries<'c>(&self, course: &'c Course, progress: &Progress) -> Vec<ListRow<'c>> {
        entries(course, |exercise| match self.filter {
            Filter::All => true,
            Filter::Open => !progress.has(&exercise.id),
            Filter::Done => progress.has(&exercise.id),
        })
    }

    /// Renders numbered lines and marks the chosen one.
    pub(super) fn text(
        &self,
        course: &Course,
        progress: &Progress,
        at: (usize, usize),
        width: usize,
    ) -> String {
        let shown = match self.filter {
            Filter::All => "all exercises",
            Filter::Open => "open exercises",
            Filter::Done => "exercises that are done",
        };
        let mut text = terminal::heading(&format!("{}: {shown}", course.title));
        for (index, entry) in self.entries(course, progress).iter().enumerate() {
            text.push_str(&terminal::list_line(
                &terminal::ListEntry {
                    number: index + 1,
                    title: entry.title,
                    id: entry.exercise.map(|exercise| exercise.id.as_str()),
                    passed: entry.exercise.is_some_and(|exercise| progress.has(&exercise.id)),
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

impl Session<'_> {
    pub(super) fn is_list(&self) -> bool {
        matches!(self.view, View::List(_))
    }

    pub(super) fn move_in_list(&mut self, key: Key) {
        let View::List(list) = &mut self.view else { return };
        let last = list.entries(self.course, &self.progress).len().saturating_sub(1);
        list.chosen = match key {
            Key::Up => list.chosen.saturating_sub(1),
            _ => (list.chosen + 1).min(last),
        };
        // The heading is the first line.
        let line = list.chosen + 1;
        if line < self.top + 1 {
            self.top = line.saturating_sub(1);
        } else if line + 1 > self.top + self.seen {
            self.top = (line + 1).saturating_sub(self.seen);
        }
        self.rendered = None;
    }

    pub(super) fn choose_number(&mut self, number: usize) {
        let View::List(list) = &mut self.view else { return };
        list.chosen = number.saturating_sub(1);
        self.choose_from_list();
    }

    pub(super) fn choose_from_list(&mut self) {
        let View::List(list) = &self.view else { return };
        let entries = list.entries(self.course, &self.progress);
        match entries.get(list.chosen).map(|entry| entry.place) {
            Some(place) => self.go_to(place),
            None => self.tell("no such number"),
        }
    }

    pub(super) fn filter_list(&mut self) {
        let View::List(list) = &mut self.view else { return };
        list.filter = match list.filter {
            Filter::All => Filter::Open,
            Filter::Open => Filter::Done,
            Filter::Done => Filter::All,
        };
        list.chosen = 0;
        self.top = 0;
        self.rendered = None;
    }
}
