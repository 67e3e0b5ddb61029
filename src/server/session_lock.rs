//! Which run of redislings a container belongs to, and whether that run still lives.
//!
//! A run holds a lock on a file in its private directory; the system frees it however the run ends, and
//! the directory itself goes with the run. What another user, machine or file system labelled (say a run
//! inside a container that shares the engine) carries another owner and is never ours to judge.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::cleanup;
use crate::disk;
use crate::error::WorldError;
use crate::leftovers;
use crate::sanitize::ShownPath as _;

/// This run's lock.
#[derive(Debug)]
pub struct SessionLock {
    owner: String,
    session: String,
}

impl SessionLock {
    /// Made at the first call.
    pub fn of_this_session() -> Result<&'static Self, WorldError> {
        static LOCK: OnceLock<Result<SessionLock, WorldError>> = OnceLock::new();
        LOCK.get_or_init(Self::create).as_ref().map_err(Clone::clone)
    }

    /// The same for all runs that may sweep each other's leftovers.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// This run.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// Whether the run that called itself `session` still runs.
    pub fn is_alive(&self, session: &str) -> bool {
        let plain = !session.is_empty() && !session.contains(['/', '.']);
        if !plain || session == self.session {
            // Not a name of ours: leave it alone.
            return true;
        }
        let folders = disk::temporary_folders();
        folders.iter().any(|folder| leftovers::is_alive(&folder.join(session)))
    }

    fn create() -> Result<Self, WorldError> {
        let directory = cleanup::session_directory()?;
        let failed = |error: std::io::Error| {
            let fact = format!("cannot lock a file in `{}`: {error}", directory.shown());
            WorldError::new(fact, "set TMPDIR to a directory on a local disk that you can write to")
        };
        leftovers::check_lock(&directory).map_err(failed)?;
        let session = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let owner = owner(&std::env::temp_dir()).map_err(failed)?;
        Ok(Self { owner, session })
    }
}

/// User, machine and temporary folder of the system: a run may choose another for its directory each time.
fn owner(folder: &Path) -> std::io::Result<String> {
    let folder: PathBuf = folder.canonicalize()?;
    let place = std::fs::metadata(&folder)?;
    let host = nix::unistd::gethostname().unwrap_or_default();
    let user = nix::unistd::getuid();
    Ok(format!("{user}-{:x}-{:x}@{}", place.dev(), place.ino(), host.to_string_lossy()))
}
