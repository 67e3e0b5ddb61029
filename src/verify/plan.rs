//! What a run is going to do. Its report begins with the plan, so that `merge` can match the
//! reports of several machines.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::case::{Case, CaseKind};
use super::choice::Slice;
use super::report::CaseReport;
use crate::lesson::Course;
use crate::sanitize::ShownPath as _;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// The course's title.
    pub course: String,
    /// The part of the wanted cases that this run covers; `None`: all.
    pub slice: Option<Slice>,
    /// The number of cases in all parts together.
    pub wanted: usize,
    /// A hash of the lessons' text and the wanted cases; hexadecimal.
    pub fingerprint: String,
    /// As in [`super::report::ServerReport::wanted`].
    pub servers: Vec<String>,
    /// The cases of this part, in the lessons' order; the same on each server.
    pub cases: Vec<PlannedCase>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCase {
    /// Its index among the wanted cases of all parts, from 0.
    pub place: usize,
    /// See [`CaseReport::id`].
    #[serde(rename = "case")]
    pub id: String,
    pub kind: CaseKind,
    /// The lesson's id.
    pub lesson: String,
    /// The lesson's path, as given.
    pub file: String,
    /// From 1.
    pub line: usize,
}

impl Plan {
    /// `wanted` holds the wanted cases of all parts; `slice` selects this run's part.
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
    /// The report of a case that has not run.
    pub fn not_run(&self) -> CaseReport {
        CaseReport {
            id: self.id.clone(),
            kind: self.kind,
            lesson: self.lesson.clone(),
            file: self.file.clone(),
            line: self.line,
            ..CaseReport::default()
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

/// Ignores folders and line endings, since they differ between machines.
fn fingerprint(course: &Course, wanted: &[Case<'_>]) -> String {
    let mut hash = Sha256::new();
    for lesson in &course.lessons {
        add(&mut hash, &lesson.id);
        for line in lesson.source.lines() {
            add(&mut hash, line);
        }
    }
    for case in wanted {
        add(&mut hash, &case.id);
    }
    format!("{:x}", hash.finalize())[..16].to_owned()
}

/// The zero byte keeps `ab`, `c` apart from `a`, `bc`.
fn add(hash: &mut Sha256, text: &str) {
    hash.update(text);
    hash.update([0]);
}
