//! One entry of a timeline, and what is of no connection of the answer: marks and steps.

use std::time::Duration;

use redis::Value;

use super::timeline::{Exchange, Message};

/// One entry of a timeline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event<'t> {
    Exchange(&'t Exchange),
    Message(&'t Message),
    Mark(&'t Mark),
    Step(&'t Step),
}

impl<'t> Event<'t> {
    pub(super) fn at(&self) -> Duration {
        match self {
            Self::Exchange(exchange) => exchange.at,
            Self::Message(message) => message.at,
            Self::Mark(mark) => mark.at,
            Self::Step(step) => step.at,
        }
    }

    pub fn exchange(self) -> Option<&'t Exchange> {
        match self {
            Self::Exchange(exchange) => Some(exchange),
            Self::Message(_) | Self::Mark(_) | Self::Step(_) => None,
        }
    }

    /// The number of the answer's connection; `None` for what is of no connection.
    pub fn connection(self) -> Option<u32> {
        match self {
            Self::Exchange(exchange) => Some(exchange.connection),
            Self::Message(message) => Some(message.connection),
            Self::Mark(_) | Self::Step(_) => None,
        }
    }
}

/// What the runner has seen, such as that work in the background has ended. Its times count from
/// the answer's beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The trigger of a `[[meanwhile]]`.
    pub word: &'static str,
    /// The last moment at which it had not happened yet.
    pub at: Duration,
    /// When it was seen.
    pub seen: Duration,
}

/// What a `[[meanwhile]]` did beside the answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// When it was done, counted from the answer's beginning.
    pub at: Duration,
    pub what: StepKind,
}

#[derive(Debug, Clone, PartialEq)]
pub enum StepKind {
    /// Another client sent this line, and got this reply.
    Ran {
        line: String,
        reply: Value,
    },
    /// So much time passed for keys and pending entries.
    Passed(Duration),
    /// From now on saves fail.
    DiskRefuses,
    DiskWorks,
    /// The answer was killed, and began again.
    KilledAnswer,
    /// The server was killed, and started again.
    KilledServer,
}
