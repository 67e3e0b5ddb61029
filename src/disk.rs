//! Where private files are made, and whether they can still be written: a full disk shows itself as anything but that.

use std::fs::OpenOptions;
use std::io::{Error, ErrorKind, Read, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use nix::fcntl::OFlag;
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

/// In bytes: of an answer.
const LARGEST_TEXT: u64 = 4 * 1024 * 1024;
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

/// The content of a text that somebody else has written: of a regular file, and not more than [`LARGEST_TEXT`]. A named
/// pipe would be waited for, a device may have no end.
pub fn read_text_file(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    // A pipe without a writer is opened at once then.
    let file = options.read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(Error::other("it is not a regular file"));
    }
    read_text(file)
}

/// All that comes, but not more than [`LARGEST_TEXT`].
pub fn read_text(from: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LARGEST_TEXT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_TEXT {
        return Err(Error::other("it has more than 4 MiB"));
    }
    Ok(bytes)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR).unwrap();
        let endless = folder.path().join("endless");
        std::os::unix::fs::symlink("/dev/zero", &endless).unwrap();
        for path in [&pipe, &endless, folder.path()] {
            let error = read_text_file(path).unwrap_err().to_string();
            assert!(error.contains("not a regular file"), "{error}");
        }
    }

    #[test]
    fn a_text_has_4_mib_at_most() {
        let text = |bytes: u64| read_text(std::io::repeat(b'a').take(bytes));
        assert_eq!(text(LARGEST_TEXT).unwrap().len() as u64, LARGEST_TEXT);
        assert!(text(LARGEST_TEXT + 1).unwrap_err().to_string().contains("4 MiB"));
    }
}
