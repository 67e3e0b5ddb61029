//! Writes the files of reports.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use nix::unistd::getuid;

use super::super::Stop;
use crate::backup::{folder_of, written_beside};
use crate::error::EnvironmentError;
use crate::private;
use crate::sanitize::ShownPath as _;

const ROOT: u32 = 0;

/// Checks that a report can be written there. It changes nothing and leaves no file behind.
pub(super) fn try_file(path: &Path) -> Result<(), Stop> {
    let folder = folder_of(path);
    if path.is_dir() {
        let fact = format!("the report can't be written to `{}`: it is a folder", path.shown());
        return Err(Stop::usage(fact, "name a file in it"));
    }
    if !folder.is_dir() {
        let fact = format!(
            "the report can't be written to `{}`: there is no folder `{}`",
            path.shown(),
            folder.shown()
        );
        return Err(Stop::usage(fact, "create the folder first, or name a file in another folder"));
    }
    let tried = ensure_trusted(path).and_then(|()| {
        if is_written_in_place(path) {
            OpenOptions::new().append(true).open(path).map(drop)
        } else {
            written_beside(path, "").map(drop)
        }
    });
    Ok(tried.map_err(|error| unwritable(path, &error))?)
}

/// The error before the run.
pub(super) fn unwritable(path: &Path, error: &io::Error) -> EnvironmentError {
    let fact = format!("the report can't be written to `{}`: {error}", path.shown());
    EnvironmentError::new(fact, "name a place that you can write to")
}

/// The error after the run.
pub(super) fn lost(path: &Path, error: &io::Error) -> EnvironmentError {
    let fact = format!("the result could not be written to `{}`: {error}", path.shown());
    EnvironmentError::new(fact, "free some space, or write it elsewhere")
}

/// A pipe or a device can't be replaced, nor can a file in a folder that we can't write to.
fn is_written_in_place(path: &Path) -> bool {
    path.exists() && (!path.is_file() || written_beside(path, "").is_err())
}

/// Refuses another user's link. In a folder where everybody may write, such a link could make the
/// report overwrite one of our files.
fn ensure_trusted(path: &Path) -> io::Result<()> {
    let Ok(metadata) = path.symlink_metadata() else { return Ok(()) };
    let is_trusted = [getuid().as_raw(), ROOT].contains(&metadata.uid());
    if metadata.is_symlink() && !is_trusted {
        return Err(io::Error::other("it is a link that another user has made"));
    }
    Ok(())
}

/// Opens a file that is written while the run goes on.
pub(super) fn create(path: &Path) -> io::Result<File> {
    ensure_trusted(path)?;
    private::open_shared(OpenOptions::new().write(true).create(true).truncate(true), path)
}

/// Replaces the file in one step, if possible. A link stays a link.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    ensure_trusted(path)?;
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if is_written_in_place(&path) {
        return std::fs::write(&path, text);
    }
    match written_beside(&path, text)?.persist(&path) {
        Ok(_) => Ok(()),
        // A file that is mounted into a container can be written, but not replaced.
        Err(_) if path.is_file() => std::fs::write(&path, text),
        Err(error) => Err(error.error),
    }
}

/// Appends to an existing file; never creates one.
pub(super) fn append(path: &Path, text: &str) -> io::Result<()> {
    ensure_trusted(path)?;
    OpenOptions::new().append(true).open(path)?.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_replaces_the_target_of_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        replace(&link, "new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
    }

    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        let device = Path::new("/dev/null");
        try_file(device).ok().unwrap();
        replace(device, "text").unwrap();
        assert!(!device.is_file());
    }
}
