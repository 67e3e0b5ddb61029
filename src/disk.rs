//! Whether files can still be written: a full disk shows itself as anything but that.

use std::io::{Error, ErrorKind, Write as _};
use std::path::Path;

use crate::error::WorldError;

/// A log, an answer and a small snapshot fit.
const ROOM_BYTES: usize = 64 * 1024;

/// Tells of a directory in which no room is left; `otherwise` is where else it could be: `set TMPDIR to another place`.
/// What else may be wrong there is found by who writes.
pub fn check_room(directory: &Path, otherwise: &str) -> Result<(), WorldError> {
    let written = tempfile::tempfile_in(directory).and_then(fill);
    match written {
        Err(error) if is_full(&error) => {
            let fact = format!("no space is left in `{}`: {error}", directory.display());
            Err(WorldError::new(fact, format!("free some there, or {otherwise}")))
        }
        _ => Ok(()),
    }
}

/// The same for temporary files.
pub fn check_temporary_room() -> Result<(), WorldError> {
    check_room(&std::env::temp_dir(), "set TMPDIR to another place")
}

fn fill(mut file: std::fs::File) -> std::io::Result<()> {
    file.write_all(&vec![0; ROOM_BYTES])
}

fn is_full(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}
