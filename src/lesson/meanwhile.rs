//! `[[meanwhile]]`: what happens beside the answer, as data.

use std::sync::Arc;
use std::time::Duration;

use super::Span;
use crate::checks::Subject;
use crate::topics::{self, BackgroundWork};

/// The finding that everything happened that was to happen beside the answer. Every exercise with
/// a `[[meanwhile]]` that waits for a condition or a mark, and then does something, has it.
pub const IT_CAME_TO_THAT: &str = "it-came-to-that";

/// The commands, in lower case, with which time is moved on for keys and pending entries.
pub const SENT_TO_MOVE_TIME: [&str; 13] = [
    "select", "scan", "type", "pttl", "pexpire", "exists", "hkeys", "hpttl", "hpexpire", "xinfo",
    "xpending", "xclaim", "xrange",
];

/// A `[[meanwhile]]`: a moment while an answer runs at which checks look at the server, and what is
/// done then. Each happens once.
#[derive(Debug, Clone)]
pub struct Meanwhile {
    /// For `at` of checks; lower case letters, digits and `-`.
    pub id: Option<String>,
    /// The span of the id, or of the table.
    pub span: Span,
    /// The only world in which it happens.
    pub world: Option<String>,
    pub when: Trigger,
    /// What is true at its moment, in the author's words.
    pub says: Option<String>,
    /// What is done at its moment.
    pub steps: Steps,
    /// The author's sentence for an answer in which the moment never came.
    pub otherwise: Option<String>,
}

impl Meanwhile {
    /// The moment, as a student is told of it; empty if every answer has it.
    pub fn moment(&self) -> String {
        match (&self.says, &self.when) {
            (Some(says), _) => format!("a moment at which {says}"),
            (None, Trigger::Condition(subject)) => {
                format!("a moment at which {}", subject.sentence())
            }
            (None, Trigger::Began(work)) => format!("a {} that begins", work.name),
            (None, Trigger::Ended(work)) => format!("a {} that ends", work.name),
            (None, Trigger::Start | Trigger::Command { .. }) => String::new(),
        }
    }

    /// Why the moment never came.
    pub fn never(&self) -> String {
        match &self.says {
            Some(says) => format!("it was never true that {says}"),
            None => self.when.never(),
        }
    }
}

/// What a [`Meanwhile`] waits for.
#[derive(Debug, Clone)]
pub enum Trigger {
    /// Nothing: it happens before the answer's first line.
    Start,
    /// The answer has run commands that begin like this, so many times with success.
    Command {
        /// As the author wrote it.
        line: String,
        words: Vec<Vec<u8>>,
        nth: usize,
    },
    /// The server meets this.
    Condition(Arc<dyn Subject>),
    /// This work in the background has begun.
    Began(&'static BackgroundWork),
    /// This work in the background has ended; for a look, the last of several counts.
    Ended(&'static BackgroundWork),
}

impl Trigger {
    /// Each mark, with the value of the key `when`.
    pub(super) fn marks() -> Vec<(&'static str, Self)> {
        let began = topics::background().map(|work| (work.begin_trigger, Self::Began(work)));
        let ended = topics::background().map(|work| (work.end_trigger, Self::Ended(work)));
        began.chain(ended).collect()
    }

    /// Why it never fired.
    fn never(&self) -> String {
        match self {
            Self::Start => "the answer never began".to_owned(),
            Self::Command { line, nth: 1, .. } => format!("`{line}` never succeeded"),
            Self::Command { line, nth, .. } => {
                format!("`{line}` succeeded fewer than {nth} times")
            }
            Self::Condition(subject) => {
                format!("it was never true that {}", subject.sentence())
            }
            Self::Began(work) => format!("no {} began", work.name),
            Self::Ended(work) => format!("no {} ended", work.name),
        }
    }

    /// Whether an answer must lead to it. A command need not be used.
    pub fn must_come(&self) -> bool {
        matches!(self, Self::Condition(_) | Self::Began(_) | Self::Ended(_))
    }

    /// Whether it is about work in the background, whose moments the clock decides.
    pub fn is_a_mark(&self) -> bool {
        matches!(self, Self::Began(_) | Self::Ended(_))
    }
}

/// What is done at the moment of a [`Meanwhile`], in the order of the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steps {
    /// So much time passes for keys and pending entries.
    pub later: Option<Duration>,
    /// Saves fail from now on, or work again.
    pub disk: Option<DiskChange>,
    /// Another client sends these lines, one after another.
    pub run: Vec<String>,
    /// SIGKILL.
    pub kill: Option<Kill>,
}

impl Steps {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What becomes of the server's saves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskChange {
    Refuses,
    Works,
}

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kill {
    /// The answer, which then begins again from its first line.
    Answer,
    /// The server, which is then started again with its files.
    Server,
}
