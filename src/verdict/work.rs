//! Work that went on for a while, such as a save, as far as the evidence shows it: plain values.

use std::time::Duration;

use crate::attempt::evidence::Evidence;
use crate::topics::TOPICS;

/// One piece of work. Its times count from the answer's beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkSpan {
    /// Without an article: `background save`.
    pub name: &'static str,
    /// The lane for work of this kind: `save`.
    pub lane: &'static str,
    /// What the worker does, in words, from the longest form to the shortest: `a child writes`.
    pub doing: &'static [&'static str],
    pub worker: Worker,
    pub from: Duration,
    /// Whether it was only scheduled, and began at some moment after `from`.
    pub is_scheduled: bool,
    /// The last moment at which it was seen to run; `from` if it never was.
    pub ran_until: Duration,
    pub end: WorkEnd,
    /// Whether its file, which holds the keys of the moment `from`, was the last one written.
    pub made_the_file: bool,
}

/// Who does the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worker {
    /// The server itself, so that every client waits.
    Server,
    /// A child of the server.
    Child,
}

/// How the work ended. It had ended at the given time at the latest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkEnd {
    Succeeded(Duration),
    Failed(Duration),
    /// A signal ended it.
    Stopped(Duration),
    /// It ended, and the evidence does not show how.
    Ended(Duration),
    /// The server was killed while it ran.
    Killed,
    /// It was still running at the last look.
    StillRunning,
    Unknown,
}

impl WorkEnd {
    /// The time at which it had ended at the latest, if it is known.
    pub fn at(self) -> Option<Duration> {
        match self {
            Self::Succeeded(at) | Self::Failed(at) | Self::Stopped(at) | Self::Ended(at) => {
                Some(at)
            }
            Self::Killed | Self::StillRunning | Self::Unknown => None,
        }
    }
}

/// The work of all topics, in the order in which it began.
pub fn work(evidence: &Evidence) -> Vec<WorkSpan> {
    let mut spans: Vec<WorkSpan> = TOPICS.iter().flat_map(|topic| (topic.work)(evidence)).collect();
    spans.sort_by_key(|span| span.from);
    spans
}
