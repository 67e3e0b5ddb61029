//! The list of lessons and their steps, in which the student chooses where to go.

use super::console::Key;
use crate::lesson::{Course, Exercise, Lesson, Step};
use crate::present::terminal::{self, EntryKind};
use crate::present::text::display_width;
use crate::progress::Record;

/// Longer titles do not move the notes of all entries to the right.
const WIDEST_TITLE: usize = 40;

/// The list's filter, what is searched for, and the chosen entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List {
    chosen: usize,
    filter: Filter,
    search: String,
    /// Whether keys are added to the search.
    is_searching: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    All,
    Open,
    Done,
}

/// One entry of the list.
struct ListRow<'c> {
    place: (usize, usize),
    lesson: &'c Lesson,
    /// `None` for the lesson itself.
    step: Option<&'c Step>,
}

impl<'c> ListRow<'c> {
    fn title(&self) -> &'c str {
        self.step.map_or(&self.lesson.title, |step| &step.title)
    }

    fn exercise(&self) -> Option<&'c Exercise> {
        self.step?.exercise.as_ref()
    }

    /// Whether the title or the exercise's id contains the text, which is in lower case.
    fn contains(&self, text: &str) -> bool {
        let id = self.exercise().map_or("", |exercise| &exercise.id);
        self.title().to_lowercase().contains(text) || id.to_lowercase().contains(text)
    }
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
        Self { chosen: 0, filter: Filter::All, search: String::new(), is_searching: false }
    }

    /// The whole list, with the student's step chosen.
    pub(super) fn of(course: &Course, at: (usize, usize)) -> Self {
        let mut list = Self::at_the_beginning();
        list.choose_place(Some(at), course, &Record::default());
        list
    }

    /// Moves to the entry that `target` makes of the chosen one and the last.
    pub(super) fn move_choice(
        &mut self,
        course: &Course,
        record: &Record,
        target: impl Fn(usize, usize) -> usize,
    ) {
        let last = self.rows(course, record).len().saturating_sub(1);
        self.chosen = target(self.chosen, last).min(last);
    }

    pub(super) fn choose(&mut self, number: usize) {
        self.chosen = number.saturating_sub(1);
    }

    /// Chooses the entry of this step, or the last one before it.
    pub(super) fn choose_place(
        &mut self,
        place: Option<(usize, usize)>,
        course: &Course,
        record: &Record,
    ) {
        let rows = self.rows(course, record);
        let before = rows.iter().rposition(|row| Some(row.place) <= place);
        self.chosen = before.unwrap_or(0);
    }

    /// Chooses the first entry that is searched for; lessons are shown around their steps.
    pub(super) fn choose_first_match(&mut self, course: &Course, record: &Record) {
        let (rows, search) = (self.rows(course, record), self.search.to_lowercase());
        self.chosen = rows.iter().position(|row| row.contains(&search)).unwrap_or(0);
    }

    /// The step that is chosen, if there is such an entry.
    pub(super) fn chosen(&self, course: &Course, record: &Record) -> Option<(usize, usize)> {
        self.rows(course, record).get(self.chosen).map(|row| row.place)
    }

    /// The line of [`Self::text`] that must be visible.
    pub(super) fn cursor(&self) -> usize {
        // The heading is the first line, and is seen with the first entry.
        if self.chosen == 0 { 0 } else { self.chosen + 1 }
    }

    pub(super) fn filter_next(&mut self) {
        self.filter = match self.filter {
            Filter::All => Filter::Open,
            Filter::Open => Filter::Done,
            Filter::Done => Filter::All,
        };
    }

    /// Sets the filter, or removes it if it is set already.
    pub(super) fn toggle(&mut self, filter: Filter) {
        self.filter = if self.filter == filter { Filter::All } else { filter };
    }

    pub(super) fn is_searching(&self) -> bool {
        self.is_searching
    }

    pub(super) fn begin_search(&mut self) {
        self.is_searching = true;
        self.search.clear();
    }

    pub(super) fn end_search(&mut self) {
        self.is_searching = false;
        self.search.clear();
    }

    /// Returns whether the key is part of what is searched for.
    pub(super) fn type_search(&mut self, key: Key) -> bool {
        match key {
            _ if !self.is_searching => return false,
            Key::Char(letter) => self.search.push(letter),
            Key::Number(number) => self.search.push_str(&number.to_string()),
            Key::Backspace => drop(self.search.pop()),
            _ => return false,
        }
        true
    }

    /// What the student types to search for.
    pub(super) fn search(&self) -> Option<&str> {
        self.is_searching.then_some(&self.search)
    }

    fn rows<'c>(&self, course: &'c Course, record: &Record) -> Vec<ListRow<'c>> {
        let search = self.search.to_lowercase();
        let mut rows = Vec::new();
        for (number, lesson) in course.lessons.iter().enumerate() {
            let heading = ListRow { place: (number, 0), lesson, step: None };
            let mut steps = Vec::new();
            for (index, step) in lesson.steps.iter().enumerate() {
                let row = ListRow { place: (number, index), lesson, step: Some(step) };
                if self.shows(step, record) && !is_introduction(&row) && row.contains(&search) {
                    steps.push(row);
                }
            }
            let is_wanted = self.filter == Filter::All && heading.contains(&search);
            if is_wanted || !steps.is_empty() {
                rows.push(heading);
                rows.append(&mut steps);
            }
        }
        rows
    }

    fn shows(&self, step: &Step, record: &Record) -> bool {
        let passed = step.exercise.as_ref().map(|exercise| record.has(&exercise.id));
        match self.filter {
            Filter::All => true,
            Filter::Open => passed == Some(false),
            Filter::Done => passed == Some(true),
        }
    }

    /// Renders a heading and the entries; marks the chosen one.
    pub(super) fn text(
        &self,
        course: &Course,
        record: &Record,
        at: (usize, usize),
        width: usize,
    ) -> String {
        let shown = match self.filter {
            Filter::All => "all steps",
            Filter::Open => "open exercises",
            Filter::Done => "exercises that are done",
        };
        let mut text = terminal::heading(shown);
        let rows = self.rows(course, record);
        let steps = rows.iter().filter(|row| row.step.is_some());
        let title_width = steps.map(|row| display_width(row.title())).max().unwrap_or(0);
        for (index, row) in rows.iter().enumerate() {
            let entry = terminal::ListEntry {
                number: index + 1,
                title: row.title(),
                kind: kind(row, record),
                is_chosen: index == self.chosen,
                is_here: row.step.is_some() && row.place == at,
            };
            text.push_str(&terminal::list_line(&entry, title_width.min(WIDEST_TITLE), width));
        }
        if rows.is_empty() {
            text.push_str("nothing here\n");
        }
        text
    }
}

/// Whether the step is the text before a lesson's first section: the lesson's own entry leads to
/// it.
fn is_introduction(row: &ListRow<'_>) -> bool {
    row.place.1 == 0 && row.exercise().is_none() && row.title() == row.lesson.title
}

fn kind(row: &ListRow<'_>, record: &Record) -> EntryKind {
    match (row.step, row.exercise()) {
        (None, _) => {
            let exercises = row.lesson.steps.iter().filter_map(|step| step.exercise.as_ref());
            let (passed, all) = record.tally(exercises);
            EntryKind::Lesson { passed, all }
        }
        (Some(_), None) => EntryKind::Reading,
        (Some(_), Some(exercise)) => EntryKind::Exercise {
            passed: record.has(&exercise.id),
            attempts: record.attempts(&exercise.id),
        },
    }
}
