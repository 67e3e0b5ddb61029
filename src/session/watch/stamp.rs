//! What tells, without reading it, that a file has changed.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How long a file must stay unchanged to count as saved: an editor may save in several steps.
pub(super) const SETTLED: Duration = Duration::from_millis(60);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileStamp {
    modified: Option<SystemTime>,
    bytes: u64,
    /// A file that replaces another may have the same size and time.
    inode: u64,
}

impl FileStamp {
    /// `None` if there is no such file.
    pub(super) fn of(file: &Path) -> Option<Self> {
        let found = std::fs::metadata(file).ok()?;
        Some(Self { modified: found.modified().ok(), bytes: found.len(), inode: found.ino() })
    }
}
