//! The lock of the running session; a second session learns that it is not alone.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::unusable;
use crate::error::EnvironmentError;
use crate::state;

/// Why the lock was not taken. The session may run all the same: progress of several sessions is
/// merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotLocked {
    /// Another session runs: its process id, if that is known.
    OtherSession(Option<u32>),
    /// The lock failed for another reason, such as a folder that is not writable.
    Environment(EnvironmentError),
}

/// The lock is held while the file is open; the system releases it however the process ends.
pub(super) fn take(path: &Path) -> Result<File, NotLocked> {
    let file = state::lock_file(path).map_err(|error| failed(path, &error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(NotLocked::OtherSession(process_in(path)));
        }
        Err(TryLockError::Error(error)) => return Err(failed(path, &error)),
    }
    // Only shown to a second session, which works without it.
    let _ = std::fs::write(path, format!("{}\n", std::process::id()));
    Ok(file)
}

fn failed(path: &Path, error: &std::io::Error) -> NotLocked {
    NotLocked::Environment(unusable("lock", path, error))
}

fn process_in(path: &Path) -> Option<u32> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}
