//! The private directory of this run, and the reaper that removes it.

use std::fs::{DirBuilder, File, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::reaper::Reaper;
use super::{CLOSING, ENDED, lock};
use crate::error::EnvironmentError;
use crate::sanitize::ShownPath as _;
use crate::{disk, leftovers};

static NEXT_DIRECTORY: AtomicU32 = AtomicU32::new(0);
pub(super) static SESSION: Mutex<Option<RunState>> = Mutex::new(None);

pub(super) struct RunState {
    pub(super) directory: tempfile::TempDir,
    pub(super) reaper: Reaper,
    /// Held while the run lives; `None` if the file system has no locks.
    _lock: Option<File>,
}

/// The private directory of this run, removed however the program ends.
pub fn session_directory() -> Result<PathBuf, EnvironmentError> {
    with_session(|session| Ok(session.directory.path().to_owned()))
}

/// Fails if this run's private directory is gone, or if its disk is full.
pub fn check_room() -> Result<(), EnvironmentError> {
    let directory = session_directory()?;
    if directory.exists() {
        return disk::check_room(disk::temporary_folder(), "set TMPDIR to another place");
    }
    let fact = format!("`{}` was removed while redislings was running", directory.shown());
    Err(EnvironmentError::new(
        fact,
        "try again, and leave the files of redislings alone while it runs",
    ))
}

/// Creates an empty private directory, removed however the program ends.
pub fn private_directory(name: &str) -> Result<PathBuf, EnvironmentError> {
    let number = NEXT_DIRECTORY.fetch_add(1, Ordering::Relaxed);
    with_session(|session| {
        let path = session.directory.path().join(format!("{name}-{number}"));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(path)
    })
}

/// A private directory that is removed when this is dropped.
#[derive(Debug)]
pub struct PassingDirectory(PathBuf);

impl PassingDirectory {
    pub fn new(name: &str) -> Result<Self, EnvironmentError> {
        private_directory(name).map(Self)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for PassingDirectory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(super) fn with_session<T>(
    work: impl FnOnce(&RunState) -> std::io::Result<T>,
) -> Result<T, EnvironmentError> {
    let mut session = lock(&SESSION);
    let session = match &mut *session {
        Some(session) => session,
        // Nobody would remove what is created after the end.
        None if CLOSING.load(Ordering::SeqCst) || ENDED.load(Ordering::SeqCst) => {
            return Err(no_directory(std::io::Error::other("redislings is shutting down")));
        }
        none => none.insert(start_session().map_err(no_directory)?),
    };
    work(session).map_err(no_directory)
}

fn no_directory(error: std::io::Error) -> EnvironmentError {
    let folder = disk::temporary_folder();
    EnvironmentError::new(
        format!("cannot create a private directory in `{}`: {error}", folder.shown()),
        disk::help_to_write(&error, "set TMPDIR to a directory that you can write to"),
    )
}

fn start_session() -> std::io::Result<RunState> {
    let directory = tempfile::Builder::new()
        .prefix(leftovers::PREFIX)
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(disk::temporary_folder())?;
    let lock = leftovers::hold_lock(directory.path()).ok();
    let reaper = Reaper::start(directory.path())?;
    // If the thread can't start, the next run sweeps.
    let _ = thread::Builder::new().name("sweep".into()).spawn(|| leftovers::sweep(end_dead_run));
    Ok(RunState { directory, reaper, _lock: lock })
}

/// Does what the reaper of the dead run would have done.
fn end_dead_run(directory: &Path) {
    if let Ok(reaper) = Reaper::start(directory) {
        reaper.end();
    }
}
