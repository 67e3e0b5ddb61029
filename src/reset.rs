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
        Err(mut error) => {
            for backup in backups {
                let _ = write!(error.help, "\nyour answer is kept as `{}`", backup.shown());
            }
            Err(error)
        }
    }
}
