//! JSON for programs. The structs here are the format; no other type is serialized.

use serde::Serialize;

use crate::verdict::{Finding, Outcome, Verdict};

/// The document of `check --format json`.
#[derive(Debug, Serialize)]
pub struct Check<'a> {
    exercise: &'a str,
    outcome: &'static str,
    server: &'a str,
    findings: Vec<CheckFinding<'a>>,
    /// Why it could not be checked; only then there.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct CheckFinding<'a> {
    check: &'a str,
    outcome: &'static str,
    expected: &'a str,
    found: &'a str,
}

impl<'a> Check<'a> {
    /// A judged answer.
    pub fn judged(exercise: &'a str, server: &'a str, verdict: &'a Verdict) -> Self {
        let outcome = if verdict.passed() { "passed" } else { "failed" };
        let findings = verdict.findings.iter().map(finding).collect();
        Self { exercise, outcome, server, findings, reason: None }
    }

    /// An answer that could not be judged; `server` may be empty.
    pub fn unchecked(exercise: &'a str, server: &'a str, reason: &'a str) -> Self {
        Self { exercise, outcome: "unchecked", server, findings: Vec::new(), reason: Some(reason) }
    }
}

fn finding(finding: &Finding) -> CheckFinding<'_> {
    CheckFinding {
        check: &finding.check,
        outcome: match finding.outcome {
            Outcome::Met => "met",
            Outcome::Unmet => "unmet",
            Outcome::NotReached => "not-reached",
        },
        expected: &finding.expected,
        found: &finding.found,
    }
}

/// The document of `list --format json`.
#[derive(Debug, Serialize)]
pub struct List<'a> {
    /// The course's title.
    pub course: &'a str,
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
    /// The file.
    pub file: String,
    /// In reading order.
    pub exercises: Vec<ListExercise<'a>>,
}

/// An exercise of the list.
#[derive(Debug, Serialize)]
pub struct ListExercise<'a> {
    /// For `check`.
    pub id: &'a str,
    /// Its section's heading.
    pub title: &'a str,
    /// The languages of answers.
    pub languages: Vec<&'static str>,
    /// Whether the student has passed it.
    pub passed: bool,
}

/// The document of `verify --format json`.
#[derive(Debug, Serialize)]
pub struct Verify<'a> {
    /// `passed`, `failed` or `unchecked`.
    pub outcome: &'static str,
    /// `redis 7.0.15 (container)`.
    pub server: &'a str,
    /// In the lessons' order.
    pub cases: Vec<VerifyCase<'a>>,
}

/// The document of `verify --server-matrix --format json`.
#[derive(Debug, Serialize)]
pub struct VerifyMatrix<'a> {
    /// `failed` if a case failed on any server, else `unchecked` if one could not be checked.
    pub outcome: &'static str,
    /// In the order of `course.toml`.
    pub servers: Vec<VerifyServer<'a>>,
}

/// One server of the matrix.
#[derive(Debug, Serialize)]
pub struct VerifyServer<'a> {
    /// As in `course.toml`: `redis 6.2`.
    pub wanted: String,
    /// Why nothing was run; only then there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'a str>,
    /// As without the matrix.
    #[serde(flatten)]
    pub verified: Verify<'a>,
}

/// One case of `verify`.
#[derive(Debug, Serialize)]
pub struct VerifyCase<'a> {
    /// `creating-snapshots/python/wrong-2`.
    pub case: &'a str,
    /// `lessons/04-snapshotting.md`.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// `passed`, `failed` or `unchecked`.
    pub outcome: &'static str,
    /// What broke, a sentence each.
    pub problems: &'a [String],
    /// The command that repeats just this case.
    pub repeat: &'a str,
}

/// The document as text with a line's end.
pub fn text<T: Serialize>(document: &T) -> String {
    serde_json::to_string_pretty(document).map_or_else(|_| "{}\n".to_owned(), |text| text + "\n")
}
