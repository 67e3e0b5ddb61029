//! When the world fails: an answer or a lesson that could not be checked, whoever's fault it isn't.

use std::fmt;

use crate::sanitize::clean_lines;

/// A fact and the next step. Exit code 3; never a verdict on an answer or a lesson.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldError {
    /// What happened: lower case, no full stop, names in backticks.
    pub fact: String,
    /// What to do next; may have several lines.
    pub help: String,
    /// For those who do something about it.
    pub kind: WorldErrorKind,
}

/// What a caller can do something about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorldErrorKind {
    /// Nothing is known that would help.
    Other,
    /// A lesson's setup failed: it may be the lesson's fault.
    FailedSetup,
    /// The fork that ran an answer was lost: it is begun again, in a process of its own.
    LostFork,
    /// What was seen of an answer may have come late: it is begun again.
    Standstill,
}

impl WorldError {
    /// Both texts, as they will be shown. They may quote a server, an engine or pip.
    pub fn new(fact: impl Into<String>, help: impl Into<String>) -> Self {
        let (fact, help) = (fact.into(), help.into());
        Self {
            fact: clean_lines(&fact).into_owned(),
            help: clean_lines(&help).into_owned(),
            kind: WorldErrorKind::Other,
        }
    }

    /// Whether the machine is shown to have failed what was tried.
    pub fn is_the_machines(&self) -> bool {
        matches!(self.kind, WorldErrorKind::LostFork | WorldErrorKind::Standstill)
    }

    /// The same of this kind.
    #[must_use]
    pub fn of(self, kind: WorldErrorKind) -> Self {
        Self { kind, ..self }
    }
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fact)
    }
}

impl std::error::Error for WorldError {}

/// Where the system gives no thread.
pub fn no_thread(error: std::io::Error) -> WorldError {
    WorldError::new(format!("a thread can't be started: {error}"), "try again")
}

/// An error with all its sources, since the outer one often hides the fact (`Connect` for a refused
/// permission).
pub fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    text
}
