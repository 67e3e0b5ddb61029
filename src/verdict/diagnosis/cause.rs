//! A mistake, and how it is recognised.

use super::diagnosed::Pointer;
use super::facts::Facts;
use super::symptom::Symptom;

/// One mistake that the evidence can show.
#[derive(Debug)]
pub struct Diagnosis {
    /// In kebab-case.
    pub id: &'static str,
    pub stage: Stage,
    /// The cause in one sentence for the student; a name or a number replaces each `{}`.
    pub cause: &'static str,
    pub explains: &'static [Symptom],
    /// `None` if the evidence does not show this mistake.
    pub recognise: fn(&Facts<'_>) -> Option<Cause>,
}

/// When a diagnosis is tried: those of an earlier stage leave less for the later ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The server was ended, locked or changed, or the answer never reached it.
    Server,
    /// What the topic teaches was refused or failed.
    Refused,
    /// Lines of the answer are no commands.
    Lines,
    /// What was begun was not finished in time.
    Unfinished,
    /// Other clients had to wait.
    Blocked,
    /// Commands were not run.
    NotRun,
    /// What is missing was never asked for.
    NeverAsked,
    /// Keys were taken away.
    Gone,
    /// A file was replaced.
    Replaced,
    /// Keys hold other values.
    Values,
}

/// What a recogniser found.
#[derive(Debug, Default)]
pub struct Cause {
    /// For the `{}` of the cause, in order.
    pub fills: Vec<String>,
    /// Where the mistake can be seen.
    pub evidence: Vec<Pointer>,
}

impl Cause {
    pub fn at(evidence: impl Into<Vec<Pointer>>) -> Self {
        Self { fills: Vec::new(), evidence: evidence.into() }
    }

    /// Fills in one more `{}`.
    #[must_use]
    pub fn with(mut self, fill: impl Into<String>) -> Self {
        self.fills.push(fill.into());
        self
    }
}
