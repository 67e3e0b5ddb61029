//! File permissions: files of a run are for its user alone; files that the user asked for have the
//! permissions of any other file of theirs.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::Path;
use std::sync::OnceLock;

use nix::sys::stat::{Mode, umask};
use nix::unistd::getuid;

/// No permissions for the group and for others.
const PRIVATE: Mode = Mode::from_bits_retain(0o077);

/// The umask with which the program was started.
static USERS_UMASK: OnceLock<Mode> = OnceLock::new();

/// From now on, only this user can read or write what this process creates, and what servers and
/// answers create, whose modes we do not control. Call this before any thread is started.
pub fn make_everything_private() {
    USERS_UMASK.get_or_init(|| umask(PRIVATE));
}

/// Gives a file that the user asked for, such as a report, the permissions of their umask.
pub fn share(file: &File) -> io::Result<()> {
    match users_mode(0o666) {
        Some(mode) => file.set_permissions(mode),
        None => Ok(()),
    }
}

/// Opens a file that the user asked for; a new one gets the permissions of their umask.
pub fn open_shared(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let is_new = !path.exists();
    let file = options.open(path)?;
    if is_new {
        share(&file)?;
    }
    Ok(file)
}

/// Gives a folder that was created for the user, and everything in it, the permissions of their
/// umask.
pub fn share_folder(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            share_folder(&path)?;
        } else {
            share(&File::open(&path)?)?;
        }
    }
    users_mode(0o777).map_or(Ok(()), |mode| std::fs::set_permissions(folder, mode))
}

/// Creates a folder that the user asked for, and missing parent folders.
pub fn make_shared_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make_shared_folder(parent)?;
    }
    match std::fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        made => {
            made?;
            users_mode(0o777).map_or(Ok(()), |mode| std::fs::set_permissions(folder, mode))
        }
    }
}

/// Creates a private folder and missing parent folders. If the folder exists, for example from an
/// older version or another umask, removes the permissions of others.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if std::fs::metadata(folder)?.uid() == getuid().as_raw() {
        // Some file systems have no permissions.
        let _ = close_to_others(folder);
    }
    Ok(())
}

/// Removes the permissions that others have in a folder.
pub fn close_to_others(folder: &Path) -> io::Result<()> {
    if std::fs::metadata(folder)?.mode() & 0o077 != 0 {
        std::fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Writes a private file, even if [`make_everything_private`] was not called.
pub fn write(path: &Path, text: impl AsRef<[u8]>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)?.write_all(text.as_ref())
}

/// The permissions in `all` that the user's umask allows; `None` if [`make_everything_private`] was
/// not called.
#[expect(clippy::useless_conversion, reason = "on macOS a mode has 16 bits")]
fn users_mode(all: u32) -> Option<Permissions> {
    let umask = u32::from(USERS_UMASK.get()?.bits());
    Some(Permissions::from_mode(all & !umask))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn a_private_folder_that_was_open_to_others_is_closed() {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("a/b");
        make_private_folder(&folder).unwrap();
        std::fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
        make_private_folder(&folder).unwrap();
        assert_eq!(mode(&folder), 0o700);
    }

    #[test]
    fn an_existing_shared_folder_keeps_its_permissions() {
        let above = tempfile::tempdir().unwrap();
        std::fs::set_permissions(above.path(), Permissions::from_mode(0o750)).unwrap();
        make_shared_folder(above.path()).unwrap();
        assert_eq!(mode(above.path()), 0o750);
    }
}
