//! Back to the beginning of an exercise, with nothing of the student's own thrown away.

use std::path::PathBuf;

use crate::answers;
use crate::error::WorldError;
use crate::lesson::{Exercise, Language};
use crate::progress::Progress;

/// Forgets what is known of the exercise and begins its answers anew. Gives the names under which older answers
/// stay.
pub fn one(exercise: &Exercise, progress: &mut Progress) -> Result<Vec<PathBuf>, WorldError> {
    // Answers first: where they can't be moved, nothing is forgotten.
    let mut backups = Vec::new();
    for language in Language::ALL {
        backups.extend(answers::set_aside(exercise, language)?);
    }
    progress.forget(&[&exercise.id])?;
    Ok(backups)
}
