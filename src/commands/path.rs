//! `redislings path`: prints the files of answers, one per line, for editors and other tools.

use super::course::{languages, next};
use super::output::out;
use super::{Exit, Stop, find, load};
use crate::answers;
use crate::cli::Common;
use crate::lesson::Language;

pub(super) fn path(
    common: &Common,
    exercise: Option<&str>,
    language: Option<Language>,
    begin: bool,
) -> Result<Exit, Stop> {
    let course = load(common)?;
    let (_, exercise) = match exercise {
        Some(id) => find(&course, id)?,
        None => next(&course)?,
    };
    for language in languages(exercise, language)? {
        let path = if begin {
            answers::begin(exercise, language)?
        } else {
            answers::path(exercise, language)
        };
        out(&format!("{}\n", path.display()));
    }
    Ok(Exit::Passed)
}
