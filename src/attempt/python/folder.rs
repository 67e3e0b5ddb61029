//! Private folders of files that programs of answers read. An answer may change them, so they are
//! restored before the next one runs.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::cleanup::{self, lock};
use crate::error::EnvironmentError;
use crate::sanitize::ShownPath as _;

/// Answers that start in parallel share these folders.
static RESTORING: Mutex<()> = Mutex::new(());

#[derive(Debug, Clone, Copy)]
pub(super) struct PrivateFile {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    pub(super) mode: u32,
}

/// A private folder with these files and nothing else.
#[derive(Debug, Clone)]
pub(super) struct PrivateFolder {
    path: PathBuf,
    files: Vec<PrivateFile>,
}

impl PrivateFolder {
    pub(super) fn new(name: &str, files: Vec<PrivateFile>) -> Result<Self, EnvironmentError> {
        let folder = Self { path: cleanup::private_directory(name)?, files };
        folder.restore()?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Restores the folder's original state.
    pub(super) fn restore(&self) -> Result<(), EnvironmentError> {
        let _guard = lock(&RESTORING);
        self.try_to_restore().map_err(|error| {
            cleanup::check_room().err().unwrap_or_else(|| {
                let fact = format!("cannot write to `{}`: {error}", self.path.shown());
                let help = "free some space, and do not change the files of redislings";
                EnvironmentError::new(fact, help)
            })
        })
    }

    fn try_to_restore(&self) -> io::Result<()> {
        if !fs::symlink_metadata(&self.path).is_ok_and(|metadata| metadata.is_dir()) {
            remove(&self.path)?;
            fs::DirBuilder::new().mode(0o700).create(&self.path)?;
        }
        fs::set_permissions(&self.path, Permissions::from_mode(0o700))?;
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if !self.files.iter().any(|file| entry.file_name() == file.name) {
                remove(&entry.path())?;
            }
        }
        self.files.iter().try_for_each(|file| self.restore_file(file))
    }

    fn restore_file(&self, file: &PrivateFile) -> io::Result<()> {
        let path = self.path.join(file.name);
        let is_intact = fs::symlink_metadata(&path).is_ok_and(|metadata| {
            metadata.is_file()
                && metadata.len() == file.text.len() as u64
                && metadata.permissions().mode() & 0o7777 == file.mode
                && fs::read(&path).is_ok_and(|text| text == file.text.as_bytes())
        });
        if is_intact {
            return Ok(());
        }
        remove(&path)?;
        // Rename a complete file into place: a program that starts meanwhile must not read half of
        // it.
        let parent = self.path.parent().unwrap_or(&self.path);
        let mut new = tempfile::Builder::new().prefix("new-").tempfile_in(parent)?;
        new.write_all(file.text.as_bytes())?;
        new.as_file().set_permissions(Permissions::from_mode(file.mode))?;
        new.persist(&path).map(drop).map_err(|error| error.error)
    }
}

/// Removes a file, link or folder, if it exists.
fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> PrivateFolder {
        let file = PrivateFile { name: "sitecustomize.py", text: "pass\n", mode: 0o600 };
        PrivateFolder::new("folder-test", vec![file]).unwrap()
    }

    fn is_restored(folder: &PrivateFolder) {
        folder.restore().unwrap();
        let entries = fs::read_dir(folder.path()).unwrap();
        let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["sitecustomize.py"]);
        let file = folder.path().join("sitecustomize.py");
        assert_eq!(fs::read_to_string(&file).unwrap(), "pass\n");
        assert_eq!(fs::symlink_metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
    }

    #[test]
    fn a_file_that_was_changed_is_restored() {
        let folder = folder();
        let file = folder.path().join("sitecustomize.py");
        fs::write(&file, "evil\n").unwrap();
        is_restored(&folder);
        fs::set_permissions(&file, Permissions::from_mode(0o666)).unwrap();
        is_restored(&folder);
        fs::remove_file(&file).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
        is_restored(&folder);
    }

    #[test]
    fn what_was_dropped_beside_the_files_is_removed() {
        let folder = folder();
        fs::write(folder.path().join("socket.py"), "evil\n").unwrap();
        fs::create_dir_all(folder.path().join("__pycache__/deeper")).unwrap();
        std::os::unix::fs::symlink("/", folder.path().join("redis")).unwrap();
        is_restored(&folder);
    }

    #[test]
    fn a_folder_that_is_gone_or_a_link_is_made_again() {
        let folder = folder();
        fs::remove_dir_all(folder.path()).unwrap();
        is_restored(&folder);
        let elsewhere = tempfile::tempdir().unwrap();
        fs::remove_dir_all(folder.path()).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), folder.path()).unwrap();
        is_restored(&folder);
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}
