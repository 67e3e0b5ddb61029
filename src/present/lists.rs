//! Lines of the lists of lessons, exercises and groups.

use colored::Colorize as _;

use super::checks::Mark;
use super::screen::bar;
use super::terminal::within;
use super::text::{display_width, truncate};
use super::{output_width, plain};

/// The columns of a lesson's progress bar.
const LESSON_BAR: usize = 10;

/// The columns of the longest notes after a step's title.
const NOTES: usize = 26;

/// The title above a list.
pub fn heading(text: &str) -> String {
    format!("{}\n", text.bold())
}

/// An exercise in a list.
pub fn exercise_line(id: &str, title: &str, mark: ExerciseMark, width: usize) -> String {
    let (state, sign, more) = match mark {
        ExerciseMark::Passed => ("passed", "✓".green(), String::new()),
        ExerciseMark::Open => ("open", "○".dimmed(), String::new()),
        ExerciseMark::Next => ("open, next", "○".normal(), format!("  {}", "◄ next".yellow())),
    };
    if plain::is_on() {
        return format!("  {id}: {title}, {state}\n");
    }
    let fits = 4 + width + 2 + display_width(title) + display_width(&more) <= output_width();
    let (width, gap) = if fits { (width, "  ") } else { (0, "\n    ") };
    let title = within(title, output_width(), 4).dimmed();
    format!("  {sign} {id:<width$}{gap}{title}{more}\n")
}

/// The progress of an exercise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExerciseMark {
    Passed,
    Open,
    /// Not passed; the student continues here.
    Next,
}

/// A lesson or one of its steps in a menu.
#[derive(Debug, Clone, Copy)]
pub struct ListEntry<'t> {
    /// From 1.
    pub number: usize,
    pub title: &'t str,
    pub kind: EntryKind,
    /// Whether Enter opens it.
    pub is_chosen: bool,
    /// Whether the student is at it.
    pub is_here: bool,
}

#[derive(Debug, Clone, Copy)]
pub enum EntryKind {
    /// With the number of its exercises that are passed, and of all.
    Lesson {
        passed: usize,
        all: usize,
    },
    Reading,
    Exercise {
        passed: bool,
        attempts: u32,
    },
}

/// One line of a menu; if there is room, the notes after titles begin in the same column.
pub fn list_line(entry: &ListEntry<'_>, title_width: usize, width: usize) -> String {
    let title = entry.title;
    if plain::is_on() {
        return list_line_in_words(entry);
    }
    let cursor = if entry.is_chosen { "▸ ".cyan().bold().to_string() } else { "  ".to_owned() };
    let (sign, note) = match entry.kind {
        EntryKind::Lesson { passed, all } => {
            return lesson_line(&format!("{cursor}{}", title.bold()), (passed, all), width);
        }
        EntryKind::Reading => (" ".to_owned(), "reading".to_owned()),
        EntryKind::Exercise { passed, attempts } => {
            let mark = if passed { Mark::Met } else { Mark::Open };
            (mark.sign(), attempts_in_words(attempts))
        }
    };
    let here = if entry.is_here { "◄ you are here" } else { "" };
    let has_columns = 6 + title_width + 2 + NOTES <= width;
    let (title, notes) = if has_columns {
        let gap = " ".repeat(title_width.saturating_sub(display_width(title)));
        (format!("{title}{gap}"), format!("{note:<12}{here}"))
    } else {
        (title.to_owned(), format!("{note}{}{here}", if note.is_empty() { "" } else { "  " }))
    };
    let line = format!("{cursor}  {sign} {title}  {}", notes.trim_end().dimmed());
    format!("{}\n", truncate(line.trim_end(), width))
}

fn list_line_in_words(entry: &ListEntry<'_>) -> String {
    let (kind, note) = match entry.kind {
        EntryKind::Lesson { all: 0, .. } => ("lesson", String::new()),
        EntryKind::Lesson { passed, all } => ("lesson", format!("{passed} of {all} passed")),
        EntryKind::Reading => ("reading", String::new()),
        EntryKind::Exercise { passed: true, attempts } => ("done", attempts_in_words(attempts)),
        EntryKind::Exercise { passed: false, attempts } => ("open", attempts_in_words(attempts)),
    };
    let note = if note.is_empty() { note } else { format!(", {note}") };
    let here = if entry.is_here { "  (you are here)" } else { "" };
    format!("{}: {kind}: {}{note}{here}\n", entry.number, entry.title)
}

/// A lesson with its progress at the right edge. A narrow screen drops the bar first.
fn lesson_line(left: &str, (passed, all): (usize, usize), width: usize) -> String {
    let count = if all == 0 { String::new() } else { format!("{passed} of {all}") };
    let with_bar = format!("{} {count}", bar(passed, all, LESSON_BAR));
    for right in [&with_bar, &count].into_iter().filter(|_| all > 0) {
        let gap = width.saturating_sub(display_width(left) + display_width(right));
        if gap >= 1 {
            return format!("{left}{}{right}\n", " ".repeat(gap));
        }
    }
    format!("{}\n", truncate(left, width))
}

fn attempts_in_words(attempts: u32) -> String {
    match attempts {
        0 => String::new(),
        1 => "1 attempt".to_owned(),
        attempts => format!("{attempts} attempts"),
    }
}

/// A line of `check --all`: an answer's file and its outcome.
pub fn answer_line(file: &str, outcome: &str) -> String {
    if plain::is_on() { format!("{file}: {outcome}\n") } else { format!("{outcome}  {file}\n") }
}

/// A line of `verify`'s summary.
pub fn group_line(name: &str, good: usize, all: usize, is_broken: bool) -> String {
    let (word, mark) = match (good == all, is_broken) {
        (true, _) => ("good:", Mark::Met),
        (_, true) => ("broken:", Mark::Unmet),
        _ => ("not run:", Mark::NotReached),
    };
    let start = if plain::is_on() { word.to_owned() } else { mark.sign() };
    format!("{start} {name}: {good} of {all}\n")
}
