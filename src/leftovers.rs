//! What a run left behind that was killed together with its reaper: found and removed by the next.

use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::unistd::getuid;

use crate::disk;

/// How the private directories of runs are called.
pub const PREFIX: &str = "redislings-";
/// In each of them; held by its run for as long as that lives, and let go by the system however it ends.
const LOCK: &str = "lock";
/// What it holds. A directory of the user's may begin with the same word, and is never ours to remove.
const MARK: &str = "the private directory of a run of redislings\n";

/// Whether the run with this private directory still lives, or that can't be told.
pub fn is_alive(directory: &Path) -> bool {
    match take(directory) {
        Ok(lock) => lock.is_none(),
        Err(error) => error.kind() != ErrorKind::NotFound,
    }
}

/// An error where a run holds no lock: its file system knows none.
pub fn check_lock(directory: &Path) -> io::Result<()> {
    File::open(directory.join(LOCK)).map(drop)
}

/// Says for as long as the file is open that the run with this private directory lives. Others see the lock only when
/// it is held.
pub fn hold_lock(directory: &Path) -> io::Result<File> {
    let new = directory.join("lock.new");
    let mut file = File::create(&new)?;
    file.write_all(MARK.as_bytes())?;
    file.lock()?;
    std::fs::rename(new, directory.join(LOCK))?;
    Ok(file)
}

/// Calls `end` with every private directory of this user's whose run is dead.
pub fn sweep(end: impl Fn(&Path)) {
    for folder in disk::temporary_folders() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if !entry.file_name().to_string_lossy().starts_with(PREFIX) || !is_ours(&path) {
                continue;
            }
            // Held until all is gone: another run that sweeps leaves it to us.
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

/// The lock of a dead run; `None`: it lives.
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
