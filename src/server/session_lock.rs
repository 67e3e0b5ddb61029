//! Which run of redislings a container belongs to, and whether that run still lives.
//!
//! A run holds a lock on a file in its private directory. The system releases it however the run
//! ends, and the directory is removed with the run. Containers of another user, machine or file
//! system (for example of a run inside a container that shares the engine) have another owner
//! label; we can't judge those, so we leave them alone.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::OnceLock;

use crate::cleanup;
use crate::disk;
use crate::error::EnvironmentError;
use crate::leftovers;
use crate::sanitize::ShownPath as _;

/// This run's lock.
#[derive(Debug)]
pub struct SessionLock {
    /// The same for all runs that may remove each other's leftovers.
    pub(super) owner: String,
    /// The name of this run.
    pub(super) session: String,
}

impl SessionLock {
    /// Created at the first call.
    pub fn of_this_session() -> Result<&'static Self, EnvironmentError> {
        static LOCK: OnceLock<Result<SessionLock, EnvironmentError>> = OnceLock::new();
        LOCK.get_or_init(Self::create).as_ref().map_err(Clone::clone)
    }

    /// Whether the run named `session` still lives.
    pub fn is_alive(&self, session: &str) -> bool {
        let is_valid = !session.is_empty() && !session.contains(['/', '.']);
        if !is_valid || session == self.session {
            // A name that we can't check counts as alive, so that it is left alone.
            return true;
        }
        let folders = disk::temporary_folders();
        folders.iter().any(|folder| leftovers::is_alive(&folder.join(session)))
    }

    fn create() -> Result<Self, EnvironmentError> {
        let directory = cleanup::session_directory()?;
        let session = directory.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match leftovers::check_lock(&directory).and_then(|()| owner(&std::env::temp_dir())) {
            Ok(owner) => Ok(Self { owner, session }),
            Err(error) => Err(EnvironmentError::new(
                format!("cannot lock a file in `{}`: {error}", directory.shown()),
                "set TMPDIR to a directory on a local disk that you can write to",
            )),
        }
    }
}

/// The user, the machine and the system's temporary folder, which stays the same even if each run
/// chooses another folder for its directory.
fn owner(folder: &Path) -> std::io::Result<String> {
    let metadata = std::fs::metadata(folder)?;
    let host = nix::unistd::gethostname().unwrap_or_default();
    let user = nix::unistd::getuid();
    Ok(format!("{user}-{:x}-{:x}@{}", metadata.dev(), metadata.ino(), host.to_string_lossy()))
}
