//! The user's files are written whole or not at all. The student's are never overwritten: an old
//! one is renamed.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::private;

/// A complete file that only lacks its name. It has the permissions of any file that the user
/// creates.
pub fn written_beside(path: &Path, text: &str) -> io::Result<NamedTempFile> {
    let folder = folder_of(path);
    private::make_shared_folder(folder)?;
    let mut file = NamedTempFile::new_in(folder)?;
    private::share(file.as_file())?;
    file.write_all(text.as_bytes())?;
    Ok(file)
}

pub fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Renames a file to the first free name of `name(1)`, `name(2)`, … and returns that name. Safe
/// against other processes that look for a free name at the same time.
pub fn set_aside(path: &Path, name: impl Fn(u32) -> PathBuf) -> io::Result<PathBuf> {
    for number in 1..=u32::MAX {
        let free = name(number);
        // An empty file reserves the name, on every file system.
        match OpenOptions::new().write(true).create_new(true).open(&free) {
            Ok(_) => {
                return match std::fs::rename(path, &free) {
                    Ok(()) => Ok(free),
                    Err(error) => std::fs::remove_file(&free).and(Err(error)),
                };
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("no free number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_set_aside_takes_the_first_free_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let name = |number: u32| folder.path().join(format!("a.{number}"));
        for number in 1..=1001 {
            std::fs::write(&path, number.to_string()).unwrap();
            assert_eq!(set_aside(&path, name).unwrap(), name(number));
        }
        std::fs::remove_file(name(7)).unwrap();
        std::fs::write(&path, "again").unwrap();
        assert_eq!(set_aside(&path, name).unwrap(), name(7));
        assert_eq!(std::fs::read_to_string(name(1001)).unwrap(), "1001");
    }

    #[test]
    fn a_file_that_is_not_there_leaves_no_name_behind() {
        let folder = tempfile::tempdir().unwrap();
        let name = |number: u32| folder.path().join(format!("a.{number}"));
        let error = set_aside(&folder.path().join("a"), name).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
