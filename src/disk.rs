//! Where private files are created, and whether there is room for them: a full disk causes
//! misleading errors.

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

use crate::error::EnvironmentError;
use crate::sanitize::ShownPath as _;

/// Linux keeps files here in memory.
const MEMORY: &str = "/dev/shm";
/// Room for many small snapshots and logs at a time. A container's `/dev/shm` has 64 MB by default.
#[cfg(target_os = "linux")]
const MEMORY_BYTES: u128 = 1024 * 1024 * 1024;

/// The largest answer, in bytes.
const LARGEST_TEXT: u64 = 4 * 1024 * 1024;
/// Enough for a log, an answer and a small snapshot.
const ROOM_BYTES: usize = 64 * 1024;

/// Fails if no space is left in the directory. `otherwise` completes the help, for example `set
/// TMPDIR to another place`. Other problems are found by the code that writes there.
pub fn check_room(directory: &Path, otherwise: &str) -> Result<(), EnvironmentError> {
    let written =
        tempfile::tempfile_in(directory).and_then(|mut file| file.write_all(&vec![0; ROOM_BYTES]));
    match written {
        Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
            let fact = format!("no space left in `{}`: {error}", directory.shown());
            Err(EnvironmentError::new(fact, format!("free some space there, or {otherwise}")))
        }
        _ => Ok(()),
    }
}

/// What to do about a failure to write. `otherwise` completes it, as in [`check_room`].
pub fn help_to_write(error: &Error, otherwise: &str) -> String {
    match error.kind() {
        ErrorKind::ReadOnlyFilesystem => otherwise.to_owned(),
        ErrorKind::PermissionDenied => format!("make it writable, or {otherwise}"),
        _ => format!("free some space, or {otherwise}"),
    }
}

/// Why this user can't create files in the folder: it is `read-only`, or `not writable for you`.
/// `None` if they can, or if something else is wrong, which the first write reports. `made` is the
/// result of making the folder.
pub fn why_unwritable(made: std::io::Result<()>, folder: &Path) -> Option<&'static str> {
    let tried = made.and_then(|()| tempfile::tempfile_in(folder).map(drop));
    match tried.err()?.kind() {
        ErrorKind::ReadOnlyFilesystem => Some("read-only"),
        ErrorKind::PermissionDenied => Some("not writable for you"),
        _ => None,
    }
}

/// Reads a text file that somebody else has written: a regular file of at most [`LARGEST_TEXT`]
/// bytes. Reading a named pipe could block, and a device may have no end.
pub fn read_text_file(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut options = OpenOptions::new();
    // With O_NONBLOCK, opening a pipe that has no writer does not block.
    let file = options.read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(Error::other("it is not a regular file"));
    }
    read_text(file)
}

/// Reads to the end; fails after more than [`LARGEST_TEXT`] bytes.
pub fn read_text(from: impl Read) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LARGEST_TEXT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_TEXT {
        return Err(Error::other("it is larger than 4 MiB"));
    }
    Ok(bytes)
}

/// The folder in which private directories are created; it never changes during a run: TMPDIR if
/// set, else memory, else the system's folder. SAVE and BGSAVE wait until the file system has
/// stored the snapshot (`fsync`): on the disk of a busy machine that took up to four seconds for
/// 134 bytes, and answers timed out.
pub fn temporary_folder() -> &'static Path {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let is_free = std::env::var_os("TMPDIR").is_none_or(|path| path.is_empty());
        let memory = Path::new(MEMORY);
        if is_free && is_roomy_memory(memory) { memory.to_owned() } else { std::env::temp_dir() }
    });
    &FOLDER
}

/// Every folder that [`temporary_folder`] may return in another run of this user with the same
/// TMPDIR.
pub fn temporary_folders() -> [PathBuf; 2] {
    [std::env::temp_dir(), MEMORY.into()]
}

/// Programs must be executable there too.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_space_is_asked_for_on_a_read_only_disk() {
        let help = |kind| help_to_write(&Error::from(kind), "set TMPDIR");
        assert_eq!(help(ErrorKind::ReadOnlyFilesystem), "set TMPDIR");
        assert_eq!(help(ErrorKind::PermissionDenied), "make it writable, or set TMPDIR");
        assert_eq!(help(ErrorKind::StorageFull), "free some space, or set TMPDIR");
    }

    #[test]
    fn a_folder_in_which_files_can_be_made_is_writable() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(why_unwritable(Ok(()), folder.path()), None);
        let refused = Err(Error::from(ErrorKind::ReadOnlyFilesystem));
        assert_eq!(why_unwritable(refused, folder.path()), Some("read-only"));
    }

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
