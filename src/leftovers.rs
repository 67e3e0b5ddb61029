//! Leftovers of a run that was killed together with its reaper: the next run removes them.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::unistd::getuid;

use crate::disk;

/// Every run's private directory has a name with this prefix.
pub const PREFIX: &str = "redislings-";
/// A lock file in the private directory. The run holds the lock for as long as it lives; the system
/// releases it however the run ends.
const LOCK: &str = "lock";
/// The content of the lock file. A directory of the user's may have the same prefix, and must never
/// be removed.
const MARK: &str = "the private directory of a run of redislings\n";

/// Whether the run with this private directory still lives; also true if that can't be determined.
pub fn is_alive(directory: &Path) -> bool {
    match take(directory) {
        Ok(lock) => lock.is_none(),
        Err(error) => error.kind() != ErrorKind::NotFound,
    }
}

/// Fails if the run has no lock file because its file system does not support locks.
pub fn check_lock(directory: &Path) -> io::Result<()> {
    File::open(directory.join(LOCK)).map(drop)
}

/// Marks the run with this private directory as alive for as long as the returned file is open. The
/// lock file gets its name only once the lock is held, so others never see it unlocked.
pub fn hold_lock(directory: &Path) -> io::Result<File> {
    let new = directory.join("lock.new");
    let mut file = File::create(&new)?;
    file.write_all(MARK.as_bytes())?;
    file.lock()?;
    std::fs::rename(new, directory.join(LOCK))?;
    Ok(file)
}

/// Calls `end` with every private directory of this user whose run is dead.
pub fn sweep(end: impl Fn(&Path)) {
    for folder in disk::temporary_folders() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if !entry.file_name().to_string_lossy().starts_with(PREFIX) || !is_ours(&path) {
                continue;
            }
            // Hold the lock until the directory is gone, so that another sweeping run skips it.
            if let Ok(Some(lock)) = take(&path)
                && is_marked(&lock)
            {
                end(&path);
            }
        }
    }
}

fn is_marked(mut lock: &File) -> bool {
    let mut text = [0; MARK.len()];
    lock.read_exact(&mut text).is_ok_and(|()| text == MARK.as_bytes())
}

fn is_ours(path: &Path) -> bool {
    let metadata = path.symlink_metadata();
    metadata.is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == getuid().as_raw())
}

/// The lock of a dead run; `None` if the run lives.
fn take(directory: &Path) -> io::Result<Option<File>> {
    let file = File::open(directory.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_lives_as_long_as_it_holds_its_lock() {
        let directory = tempfile::tempdir().unwrap();
        assert!(!is_alive(directory.path()));
        let lock = hold_lock(directory.path()).unwrap();
        assert!(is_alive(directory.path()));
        drop(lock);
        assert!(!is_alive(directory.path()));
    }

    #[test]
    fn a_directory_with_another_lock_is_nobodys_leftover() {
        let directory = tempfile::tempdir().unwrap();
        let lock = |text: &str| {
            std::fs::write(directory.path().join(LOCK), text).unwrap();
            is_marked(&take(directory.path()).unwrap().unwrap())
        };
        assert!(!lock("") && !lock("of a course of mine, and long enough to be read\n"));
        assert!(lock(MARK));
    }
}
