//! One look at the server while an answer runs, as a plain value.

use std::time::Duration;

use redis::Value;

use crate::server::ServerInfo;
use crate::topics::BackgroundWork;

/// One look at the server that got its replies.
#[derive(Clone)]
pub(super) struct WatchLook {
    pub(super) asked_at: Duration,
    /// How many packets had passed the gate without a look by then.
    pub(super) missed: u64,
    /// Which work in the background was running.
    pub(super) running: Vec<&'static BackgroundWork>,
    pub(super) replies: Vec<Value>,
    pub(super) info: ServerInfo,
}

impl WatchLook {
    /// Whether something may change with no command.
    pub(super) fn may_change_by_itself(&self) -> bool {
        !self.running.is_empty() || self.info.has_keys_that_expire()
    }
}
