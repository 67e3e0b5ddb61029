//! Lines of the lists of lessons, exercises and groups.

use colored::Colorize as _;

use super::checks::Mark;
use super::terminal::within;
use super::text::{display_width, truncate};
use super::{output_width, plain};

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

/// A lesson or an exercise in a menu.
#[derive(Debug, Clone, Copy)]
pub struct ListEntry<'t> {
    /// From 1.
    pub number: usize,
    /// The title of the lesson, or of the exercise's step.
    pub title: &'t str,
    /// The id of the exercise; `None` for a lesson.
    pub id: Option<&'t str>,
    /// Whether the exercise is passed.
    pub passed: bool,
    /// Whether Enter opens it.
    pub is_chosen: bool,
    /// Whether the student is at it.
    pub is_here: bool,
}

/// One line of a menu.
pub fn list_line(entry: &ListEntry<'_>, width: usize) -> String {
    let title = entry.title;
    let here = if entry.is_here { "  (you are here)" } else { "" };
    if plain::is_on() {
        let state = match (entry.id, entry.passed) {
            (None, _) => "lesson",
            (Some(_), true) => "done",
            (Some(_), false) => "open",
        };
        return format!("{}: {state}: {title}{here}\n", entry.number);
    }
    let cursor = if entry.is_chosen { "> ".cyan().bold().to_string() } else { "  ".to_owned() };
    let line = match entry.id {
        None => format!("{cursor}{}", title.bold()),
        Some(id) => {
            let mark = if entry.passed { Mark::Met } else { Mark::Open };
            format!("{cursor}  {} {title}  {}{here}", mark.sign(), id.dimmed())
        }
    };
    format!("{}\n", truncate(&line, width))
}

/// A line of `check --all`: an answer's file and its outcome.
pub fn answer_line(file: &str, outcome: &str) -> String {
    if plain::is_on() { format!("{file}: {outcome}\n") } else { format!("{outcome}  {file}\n") }
}

/// A line of `verify`'s summary.
pub fn group_line(name: &str, good: usize, all: usize) -> String {
    let (word, mark) = if good == all { ("good:", Mark::Met) } else { ("broken:", Mark::Unmet) };
    let start = if plain::is_on() { word.to_owned() } else { mark.sign() };
    format!("{start} {name}: {good} of {all}\n")
}
