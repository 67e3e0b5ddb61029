//! What a run is to do, told before it begins: by it the reports of several machines find together.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::case::{Case, Kind};
use super::choice::Slice;
use super::report::{CaseOutcome, CaseReport};
use crate::lesson::Course;
use crate::sanitize::ShownPath as _;

/// What a run is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The course's title.
    pub course: String,
    /// Which part of the wanted cases it is about; `None`: all.
    pub slice: Option<Slice>,
    /// How many cases all parts have together.
    pub wanted: usize,
    /// Alike where the texts of the lessons and the wanted cases are alike; hexadecimal.
    pub fingerprint: String,
    /// As in [`super::report::ServerReport::wanted`].
    pub servers: Vec<String>,
    /// Those of this part, in the lessons' order; on each server the same.
    pub cases: Vec<PlannedCase>,
}

/// A case that is to be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedCase {
    /// Its place among the wanted cases of all parts, from 0.
    pub place: usize,
    /// See [`CaseReport::id`].
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// The lesson's id.
    pub lesson: String,
    /// As the lesson was found.
    pub file: String,
    /// From 1.
    pub line: usize,
}

impl Plan {
    /// Of the cases that are wanted of this course, that part.
    pub fn new(
        course: &Course,
        wanted: &[Case<'_>],
        slice: Option<Slice>,
        servers: Vec<String>,
    ) -> Self {
        let all: Vec<PlannedCase> = wanted.iter().enumerate().map(planned).collect();
        Self {
            course: course.title.clone(),
            slice,
            wanted: wanted.len(),
            fingerprint: fingerprint(course, wanted),
            servers,
            cases: Slice::part(slice, all),
        }
    }
}

impl PlannedCase {
    /// The report of it as long as it has not run.
    pub fn not_run(&self) -> CaseReport {
        CaseReport {
            id: self.id.clone(),
            kind: self.kind,
            lesson: self.lesson.clone(),
            file: self.file.clone(),
            line: self.line,
            server: String::new(),
            outcome: CaseOutcome::NotRun,
            problems: Vec::new(),
            unchecked: None,
            details: String::new(),
            repeat: String::new(),
            runs: 0,
            again: 0,
            is_flaky: false,
            took: std::time::Duration::ZERO,
        }
    }
}

fn planned((place, case): (usize, &Case<'_>)) -> PlannedCase {
    PlannedCase {
        place,
        id: case.id.clone(),
        kind: case.kind(),
        lesson: case.lesson.id.clone(),
        file: case.lesson.path.shown(),
        line: case.line,
    }
}

/// Folders and line ends differ from machine to machine, and say nothing of the course.
fn fingerprint(course: &Course, wanted: &[Case<'_>]) -> String {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update(text);
        hash.update([0]);
    };
    for lesson in &course.lessons {
        add(&lesson.id);
        lesson.source.lines().for_each(&mut add);
    }
    for case in wanted {
        add(&case.id);
    }
    hash.finalize().iter().take(8).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
