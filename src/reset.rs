//! Back to the beginning of an exercise, with nothing of the student's own thrown away.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::answers;
use crate::error::WorldError;
use crate::lesson::{Exercise, Language};
use crate::progress::Progress;
use crate::sanitize::ShownPath as _;

/// Forgets what is known of the exercise and begins its answers anew. Gives the names under which older answers
/// stay.
pub fn one(exercise: &Exercise, progress: &mut Progress) -> Result<Vec<PathBuf>, WorldError> {
    // Answers first: where they can't be moved, nothing is forgotten.
    let mut backups = Vec::new();
    for language in Language::ALL {
        backups.extend(answers::set_aside(exercise, language)?);
    }
    match progress.forget(&[&exercise.id]) {
        Ok(()) => Ok(backups),
        Err(error) => Err(naming(&backups, error)),
    }
}

/// Whatever failed afterwards, where the answers are must be said.
fn naming(backups: &[PathBuf], mut error: WorldError) -> WorldError {
    for backup in backups {
        let _ = write!(error.help, "\nyour answer is kept as `{}`", backup.shown());
    }
    error
}
