//! What an attempt is busy with.

use std::time::Duration;

use crate::server::Snapshot;

/// A stretch of an attempt that may take its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The lesson's setup runs.
    Setup,
    /// The answer runs.
    Answer {
        /// How long it may.
        limit: Duration,
    },
    /// The answer has ended, and a background save goes on.
    Saving(SaveProgress),
    /// The server is killed and started again.
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
    /// Keys in all; 0 where the server does not tell.
    pub of: i64,
}

impl SaveProgress {
    /// As this look at the server tells.
    pub fn of(now: &Snapshot) -> Self {
        Self {
            keys: now.number("current_save_keys_processed"),
            of: now.number("current_save_keys_total"),
        }
    }
}
