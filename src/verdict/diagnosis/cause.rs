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
    /// Whether it reckons with what happened beside the answer.
    pub knows_others: bool,
    /// `None` if the evidence does not show this mistake.
    pub recognise: Recognise,
}

pub type Recognise = fn(&Facts<'_>) -> Option<Cause>;

/// A row of a table names what explains which symptoms, and then the cause.
impl Diagnosis {
    pub const fn of(stage: Stage, id: &'static str, recognise: Recognise) -> Self {
        let knows_others = stage.is_about_the_answer_alone();
        Self { id, stage, cause: "", explains: &[], knows_others, recognise }
    }

    /// It reckons with what happened beside the answer.
    #[must_use]
    pub const fn knowing_others(self) -> Self {
        Self { knows_others: true, ..self }
    }

    #[must_use]
    pub const fn explains(self, explains: &'static [Symptom]) -> Self {
        Self { explains, ..self }
    }

    #[must_use]
    pub const fn because(self, cause: &'static str) -> Self {
        Self { cause, ..self }
    }
}

/// The stages are tried in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// A setting was changed by which the answer is judged.
    Setting,
    /// The server was ended, locked or kept busy.
    Server,
    /// The answer waited for others, or did not reach the server as it is.
    Elsewhere,
    /// What the topic teaches was refused, failed, or is waited for in vain.
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
    /// Keys are elsewhere, of another type, or were taken away.
    Gone,
    /// A file was replaced.
    Replaced,
    /// Keys hold other values, or none; and what else was not understood.
    Values,
}

impl Stage {
    /// Whether its causes are about how the answer was sent and how it ended. What other clients did
    /// meanwhile, and what time did, makes none of them untrue.
    const fn is_about_the_answer_alone(self) -> bool {
        matches!(self, Self::Server | Self::Elsewhere | Self::Lines | Self::NotRun)
    }
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

    /// Adds where else it can be seen.
    #[must_use]
    pub fn and(mut self, exchange: impl Into<Option<usize>>) -> Self {
        self.evidence.extend(exchange.into().map(Pointer::Exchange));
        self
    }

    /// Fills in one more `{}`.
    #[must_use]
    pub fn with(mut self, fill: impl Into<String>) -> Self {
        self.fills.push(fill.into());
        self
    }
}

pub fn seen_at(index: usize) -> Cause {
    Cause::at([Pointer::Exchange(index)])
}
