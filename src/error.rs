//! Failures of the environment: an answer or a lesson could not be checked; neither is at fault.

use serde::{Deserialize, Serialize};

use crate::sanitize::clean_lines;

/// What failed, and what to do next. Exit code 3; never a verdict on an answer or a lesson.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{fact}")]
pub struct EnvironmentError {
    /// What happened: lower case, no full stop, names in backticks.
    #[serde(rename = "reason")]
    pub fact: String,
    /// What to do next; may have several lines.
    pub help: String,
    /// For callers that can recover.
    #[serde(skip)]
    pub kind: EnvironmentErrorKind,
}

/// The failures from which a caller can recover.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EnvironmentErrorKind {
    /// No recovery is known.
    #[default]
    Other,
    /// A lesson's setup failed: it may be the lesson's fault.
    FailedSetup,
    /// A package of the course does not exist in its version: the course's fault.
    NoSuchPackage,
    /// The fork that ran an answer was lost: the answer is run again, in a process of its own.
    LostFork,
    /// What was observed of an answer may have come late: the answer is run again.
    Stall,
}

impl EnvironmentError {
    /// Cleans both texts, since they may quote a server, an engine or pip.
    pub fn new(fact: impl Into<String>, help: impl Into<String>) -> Self {
        let (fact, help) = (fact.into(), help.into());
        Self {
            fact: clean_lines(&fact).into_owned(),
            help: clean_lines(&help).into_owned(),
            kind: EnvironmentErrorKind::Other,
        }
    }

    /// Whether the machine itself, not the answer, made the attempt fail.
    pub fn is_the_machines(&self) -> bool {
        matches!(self.kind, EnvironmentErrorKind::LostFork | EnvironmentErrorKind::Stall)
    }

    /// Changes the kind.
    #[must_use]
    pub fn of(self, kind: EnvironmentErrorKind) -> Self {
        Self { kind, ..self }
    }
}

pub fn no_thread(error: std::io::Error) -> EnvironmentError {
    EnvironmentError::new(format!("cannot start a thread: {error}"), "try again")
}

/// An error with all its sources, since the outer one often hides the fact (`Connect` for a refused
/// permission).
pub fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    for inner in std::iter::successors(error.source(), |error| error.source()) {
        let inner = inner.to_string();
        if !text.contains(&inner) {
            text.push_str(": ");
            text.push_str(&inner);
        }
    }
    text
}
