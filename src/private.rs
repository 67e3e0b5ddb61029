//! What a run makes is for its user alone; what the user asked for has the rights of any other file of theirs.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::Path;
use std::sync::OnceLock;

use nix::sys::stat::{Mode, umask};
use nix::unistd::getuid;

/// Nothing for the group and for others.
const PRIVATE: Mode = Mode::from_bits_retain(0o077);

/// The umask that the user has chosen.
static USERS_UMASK: OnceLock<Mode> = OnceLock::new();

/// From now on, only this user can read or write what this process makes, and what servers and answers make, which we
/// give no mode. To be called before any thread is started.
pub fn make_everything_private() {
    USERS_UMASK.get_or_init(|| umask(PRIVATE));
}

/// Gives a file that the user asked for, such as a report, the rights that their umask gives it.
pub fn share(file: &File) -> io::Result<()> {
    match users_mode(0o666) {
        Some(mode) => file.set_permissions(mode),
        None => Ok(()),
    }
}

/// Opens a file that the user asked for; a new one gets those rights.
pub fn open_shared(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let is_new = !path.exists();
    let file = options.open(path)?;
    if is_new {
        share(&file)?;
    }
    Ok(file)
}

/// The same for everything in a folder that was made for the user, and the folder itself.
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

/// Makes a folder that the user asked for, and those above it.
pub fn make_shared_folder(folder: &Path) -> io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make_shared_folder(above)?;
    }
    match std::fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        made => {
            made?;
            users_mode(0o777).map_or(Ok(()), |mode| std::fs::set_permissions(folder, mode))
        }
    }
}

/// Makes a folder of ours, and those above it, where it is missing, and takes the rights of others from one that was made
/// by an older version or under another umask.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let metadata = std::fs::metadata(folder)?;
    if metadata.uid() == getuid().as_raw() && metadata.mode() & 0o077 != 0 {
        // A file system that knows no rights keeps nobody out.
        let _ = std::fs::set_permissions(folder, Permissions::from_mode(0o700));
    }
    Ok(())
}

/// Writes a file of ours, also where [`make_everything_private`] was not called.
pub fn write(path: &Path, text: impl AsRef<[u8]>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options.open(path)?.write_all(text.as_ref())
}

/// The user's own rights, of those in `all`; `None` where nothing was made private.
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
    fn a_shared_folder_that_is_there_keeps_its_rights() {
        let above = tempfile::tempdir().unwrap();
        std::fs::set_permissions(above.path(), Permissions::from_mode(0o750)).unwrap();
        make_shared_folder(above.path()).unwrap();
        assert_eq!(mode(above.path()), 0o750);
    }
}
