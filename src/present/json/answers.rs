//! The document of `check --all`.

use serde::Serialize;

use super::CheckDocument;

/// The document of `check --all --format json`.
#[derive(Debug, Serialize)]
pub struct AnswersDocument<'a> {
    /// The worst of the answers: `passed`, `failed` or `unchecked`.
    pub outcome: &'static str,
    /// How many of the answers passed.
    pub passed: usize,
    /// How many answers there are.
    pub all: usize,
    /// In the course's order.
    pub answers: Vec<CheckedAnswer<'a>>,
}

/// The document of `check` and the answer's file.
#[derive(Debug, Serialize)]
pub struct CheckedAnswer<'a> {
    pub file: String,
    pub language: &'static str,
    #[serde(flatten)]
    pub check: CheckDocument<'a>,
}
