//! The user's state directory: what outlives a session, and how sessions at the same time take turns there.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use etcetera::BaseStrategy as _;

use crate::error::WorldError;
use crate::private;
use crate::sanitize::ShownPath as _;

/// A turn takes milliseconds; only a process that was stopped in the middle of one takes longer.
const LONGEST_TURN: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(1);

/// `~/.local/state/redislings` or what `XDG_STATE_HOME` says; on systems without such a place the one for data.
pub fn directory() -> Result<PathBuf, WorldError> {
    let no_home = |_| WorldError::new("no home directory is known", "set HOME, or XDG_STATE_HOME");
    let strategy = etcetera::choose_base_strategy().map_err(no_home)?;
    let folder = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
    Ok(folder.join("redislings"))
}

/// Does `work` while nobody else does any under the same `lock`, a file that is made if it is missing.
///
/// On a file system that knows no locks (some network homes) the work is done without one: a student who can't
/// keep anything at all is worse off than one who must not run two sessions at once.
pub fn in_turn<T>(lock: &Path, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let file = lock_file(lock)?;
    let deadline = Instant::now() + LONGEST_TURN;
    while let Err(TryLockError::WouldBlock) = file.try_lock() {
        if Instant::now() > deadline {
            let fact = format!("another process holds `{}`", lock.shown());
            return Err(io::Error::new(io::ErrorKind::TimedOut, fact));
        }
        thread::park_timeout(POLL);
    }
    work()
}

/// A file to be locked, with what is in it; its folder is made if it is missing.
pub fn lock_file(path: &Path) -> io::Result<File> {
    private::make_private_folder(path.parent().unwrap_or(Path::new(".")))?;
    let mut options = OpenOptions::new();
    let file =
        options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    // One that an older version made could be opened, and held, by anybody.
    if file.metadata()?.mode() & 0o077 != 0 {
        // A file system that knows no rights keeps nobody out.
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
