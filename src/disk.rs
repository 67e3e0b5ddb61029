//! Where private files are made, and whether they can still be written: a full disk shows itself as anything but that.

use std::io::{Error, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

#[cfg(target_os = "linux")]
use nix::{
    sys::statvfs::{FsFlags, statvfs},
    unistd::{AccessFlags, access},
};

use crate::error::WorldError;
use crate::sanitize::ShownPath as _;

/// Linux keeps files in memory here.
const MEMORY: &str = "/dev/shm";
/// For many small snapshots and logs at a time. A container's `/dev/shm` has 64 MB if nobody asks for more.
#[cfg(target_os = "linux")]
const MEMORY_BYTES: u128 = 1024 * 1024 * 1024;

/// A log, an answer and a small snapshot fit.
const ROOM_BYTES: usize = 64 * 1024;

/// Tells of a directory in which no room is left; `otherwise` is where else it could be: `set TMPDIR to another place`.
/// What else may be wrong there is found by who writes.
pub fn check_room(directory: &Path, otherwise: &str) -> Result<(), WorldError> {
    let written = tempfile::tempfile_in(directory).and_then(fill);
    match written {
        Err(error) if is_full(&error) => {
            let fact = format!("no space is left in `{}`: {error}", directory.shown());
            Err(WorldError::new(fact, format!("free some there, or {otherwise}")))
        }
        _ => Ok(()),
    }
}

/// The folder in which private directories are made, the same throughout: where TMPDIR says, else in memory, else the
/// system's. SAVE and BGSAVE wait until the file system has stored the snapshot (`fsync`): on the disk of a busy machine
/// that took up to four seconds for 134 bytes, so that answers ran out of time.
pub fn temporary_folder() -> &'static Path {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let is_free = std::env::var_os("TMPDIR").is_none_or(|it| it.is_empty());
        let memory = Path::new(MEMORY);
        if is_free && is_roomy_memory(memory) { memory.to_owned() } else { std::env::temp_dir() }
    });
    &FOLDER
}

/// Where [`temporary_folder`] may be for another run of this user's with the same TMPDIR.
pub fn temporary_folders() -> [PathBuf; 2] {
    [std::env::temp_dir(), MEMORY.into()]
}

/// Programs are made there too.
#[cfg(target_os = "linux")]
fn is_roomy_memory(folder: &Path) -> bool {
    let Ok(system) = statvfs(folder) else { return false };
    let free = u128::from(system.blocks_available()) * u128::from(system.fragment_size());
    free >= MEMORY_BYTES
        && !system.flags().intersects(FsFlags::ST_NOEXEC | FsFlags::ST_RDONLY)
        && access(folder, AccessFlags::W_OK | AccessFlags::X_OK).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn is_roomy_memory(_: &Path) -> bool {
    false
}

fn fill(mut file: std::fs::File) -> std::io::Result<()> {
    file.write_all(&vec![0; ROOM_BYTES])
}

fn is_full(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}
