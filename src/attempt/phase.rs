//! The phases of an attempt, for progress display.

use std::time::Duration;

use crate::server::ServerInfo;

/// A part of an attempt that may take long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The lesson's setup runs.
    Setup,
    /// The answer runs.
    Answer { limit: Duration },
    /// The answer has ended, and a background save is still running.
    Saving(SaveProgress),
    /// The server is killed and restarted.
    Crash,
    /// A second server loads the snapshot file.
    Restore,
}

/// How far a running background save is, from INFO: `current_save_keys_processed` of
/// `current_save_keys_total`, which the child reports about once a second (Redis 7.0's rdb.c).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SaveProgress {
    /// Keys written.
    pub keys: i64,
    /// Keys in total; 0 if the server does not report it.
    pub of: i64,
}

impl SaveProgress {
    pub fn of(now: &ServerInfo) -> Self {
        Self {
            keys: now.number("current_save_keys_processed"),
            of: now.number("current_save_keys_total"),
        }
    }
}
