//! The phases of an attempt, for progress display.

use std::time::Duration;

use crate::server::ServerInfo;
use crate::topics::BackgroundWork;

/// A part of an attempt that may take long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The lesson's setup runs.
    Setup,
    /// The answer runs.
    Answer { limit: Duration },
    /// The answer has ended, and work in the background is still running.
    Settling(WorkProgress),
    /// The server is killed and restarted.
    Crash,
    /// The server ends in order and starts again.
    Restart,
    /// A second server loads the snapshot file.
    Restore,
}

/// How far work in the background is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkProgress {
    pub work: &'static BackgroundWork,
    /// Keys written.
    pub keys: i64,
    /// Keys in total; 0 if the server does not report it.
    pub of: i64,
}

impl WorkProgress {
    pub fn of(work: &'static BackgroundWork, now: &ServerInfo) -> Self {
        let (keys, of) = (work.progress)(now);
        Self { work, keys, of }
    }
}
