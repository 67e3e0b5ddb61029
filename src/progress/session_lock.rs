//! One session at a time has the word; a second one is told so.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use super::unusable;
use crate::error::WorldError;
use crate::state;

/// Held for as long as a session runs; the system frees it however the process ends.
#[derive(Debug)]
pub struct SessionLock {
    _file: File,
}

/// Why there is no lock. The session may run all the same: what it notes is merged with what others note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotLocked {
    /// Another session runs: its process id, if that is known.
    OtherSession(Option<u32>),
    /// The lock can't be had for another reason: a folder that can't be written to.
    World(WorldError),
}

impl SessionLock {
    pub(super) fn take(path: &Path) -> Result<Self, NotLocked> {
        let failed = |error: std::io::Error| NotLocked::World(unusable("lock", path, &error));
        let mut file = state::lock_file(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(NotLocked::OtherSession(process_in(&mut file)));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        // Only to be told to a second session, which can do without.
        let _ = note_process(&mut file);
        Ok(Self { _file: file })
    }
}

fn process_in(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn note_process(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}
