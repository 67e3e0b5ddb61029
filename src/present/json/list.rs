//! The document of `list`.

use serde::Serialize;

/// The document of `list --format json`.
#[derive(Debug, Serialize)]
pub struct ListDocument<'a> {
    /// The course's title.
    pub course: &'a str,
    /// How many of its exercises are passed.
    pub passed: usize,
    /// How many exercises it has, listed or not.
    pub all: usize,
    /// The exercise where the student continues; `null` if all are passed.
    pub next: Option<&'a str>,
    /// In reading order.
    pub lessons: Vec<ListLesson<'a>>,
}

/// A lesson of the list.
#[derive(Debug, Serialize)]
pub struct ListLesson<'a> {
    /// From the file name.
    pub id: &'a str,
    /// The first heading.
    pub title: &'a str,
    /// The file; `<built-in>/…` for the built-in course.
    pub file: String,
    /// How many of its exercises are passed.
    pub passed: usize,
    /// How many exercises it has, listed or not.
    pub all: usize,
    /// In reading order.
    pub exercises: Vec<ListExercise<'a>>,
}

/// An exercise of the list.
#[derive(Debug, Serialize)]
pub struct ListExercise<'a> {
    /// For `check`.
    pub id: &'a str,
    /// The heading of its section.
    pub title: &'a str,
    /// The languages of answers.
    pub languages: Vec<&'static str>,
    /// Whether the student has passed it.
    pub passed: bool,
}
