//! The user's state directory: files that outlive a session, and the lock by which concurrent
//! sessions take turns.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use etcetera::BaseStrategy as _;

use crate::error::EnvironmentError;
use crate::private;
use crate::sanitize::ShownPath as _;

/// A turn takes milliseconds; it takes longer only if the process is stopped in the middle.
const LONGEST_TURN: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(1);

/// `~/.local/state/redislings`, or below `XDG_STATE_HOME`; the data directory on systems that have
/// no state directory.
pub fn directory() -> Result<PathBuf, EnvironmentError> {
    let strategy = etcetera::choose_base_strategy().map_err(|_| {
        EnvironmentError::new("no home directory found", "set HOME or XDG_STATE_HOME")
    })?;
    let folder = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
    Ok(folder.join("redislings"))
}

/// Runs `work` while holding the lock file `lock`, which is created if it is missing.
///
/// On a file system without locks (some network homes) `work` runs without one: a student who can't
/// save anything is worse off than one who must not run two sessions at once.
pub fn in_turn<T>(lock: &Path, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let file = lock_file(lock)?;
    let deadline = Instant::now() + LONGEST_TURN;
    while let Err(TryLockError::WouldBlock) = file.try_lock() {
        if Instant::now() > deadline {
            let fact = format!("another process has locked `{}`", lock.shown());
            return Err(io::Error::new(io::ErrorKind::TimedOut, fact));
        }
        thread::park_timeout(POLL);
    }
    work()
}

/// Opens a file for locking and keeps its content; creates it and its folder if they are missing.
pub fn lock_file(path: &Path) -> io::Result<File> {
    private::make_private_folder(path.parent().unwrap_or(Path::new(".")))?;
    let mut options = OpenOptions::new();
    let file =
        options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    // Anybody could open and lock a file that an older version created.
    if file.metadata()?.mode() & 0o077 != 0 {
        // Some file systems have no permissions.
        let _ = file.set_permissions(Permissions::from_mode(0o600));
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_waits_for_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("lock");
        let inside = std::sync::atomic::AtomicU32::new(0);
        let alone = || {
            let before = inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            thread::park_timeout(Duration::from_millis(2));
            inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
            Ok(before == 0)
        };
        thread::scope(|scope| {
            let turns: Vec<_> =
                (0..8).map(|_| scope.spawn(|| in_turn(&lock, alone).unwrap())).collect();
            assert!(turns.into_iter().all(|turn| turn.join().unwrap()));
        });
    }
}
