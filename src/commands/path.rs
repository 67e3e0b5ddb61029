//! `redislings path`: prints the files of answers, one per line, for editors and other tools.

use super::course::{languages, next_exercise};
use super::output::out;
use super::{Exit, Stop, find, load, progress};
use crate::answers;
use crate::cli::{Common, LanguageName};

pub(super) fn path(
    common: &Common,
    exercise: Option<&str>,
    language: Option<LanguageName>,
    begin: bool,
) -> Result<Exit, Stop> {
    let course = load(common)?;
    let exercise = match exercise {
        Some(id) => find(&course, id)?,
        None => next_exercise(&course, &progress()?).ok_or_else(|| {
            Stop::Usage(
                "no exercise is open".to_owned(),
                "name one from `redislings list`".to_owned(),
            )
        })?,
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
