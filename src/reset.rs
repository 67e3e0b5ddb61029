//! Resets an exercise without losing any of the student's files.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::answers;
use crate::error::EnvironmentError;
use crate::lesson::{Exercise, Language};
use crate::progress::Progress;
use crate::sanitize::ShownPath as _;

/// Forgets the progress of the exercise and begins its answers anew. Returns the names under which
/// older answers are kept.
pub fn one(exercise: &Exercise, progress: &mut Progress) -> Result<Vec<PathBuf>, EnvironmentError> {
    // Answers first: if they can't be moved, the progress must stay.
    let mut backups = Vec::new();
    for language in Language::ALL {
        backups.extend(answers::set_aside(exercise, language)?);
    }
    match progress.forget(&[&exercise.id]) {
        Ok(()) => Ok(backups),
        Err(error) => Err(with_backups(&backups, error)),
    }
}

/// Adds to the help where the answers are now.
fn with_backups(backups: &[PathBuf], mut error: EnvironmentError) -> EnvironmentError {
    for backup in backups {
        let _ = write!(error.help, "\nyour answer is kept as `{}`", backup.shown());
    }
    error
}
