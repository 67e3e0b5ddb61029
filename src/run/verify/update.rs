//! `--update`: expected replies rewritten in the lessons' files.

use std::io::Write as _;
use std::path::Path;

use super::super::{Stop, folder_of, tell_line};
use crate::error::WorldError;
use crate::lesson::{Exchange, Lesson};
use crate::sanitize::{ShownPath as _, clean_lines};
use crate::verify::case::Expectation;
use crate::verify::update::{Unwritable, rewrite};
use crate::verify::{Case, CaseResult};

/// Whether the case's expected replies can be rewritten.
pub(super) fn has_replies(case: &Case<'_>) -> bool {
    matches!(case.expectation, Expectation::Example(example) if !example.dialogue.is_empty())
}

/// Writes what the examples were answered into their lessons; says of each reply that it did.
pub(super) fn write(cases: &[Case<'_>], results: &[Option<CaseResult>]) -> Result<(), Stop> {
    let mut lessons: Vec<&Lesson> = cases.iter().map(|case| case.lesson).collect();
    lessons.dedup_by_key(|lesson| &lesson.path);
    for lesson in lessons {
        let of_lesson =
            cases.iter().zip(results).filter(|(case, _)| case.lesson.path == lesson.path);
        let seen: Vec<(&Exchange, &str)> =
            of_lesson.flat_map(|(case, result)| seen(case, result.as_ref())).collect();
        let updated = rewrite(lesson, &seen).map_err(|why| unwritable(lesson, &why))?;
        if let Some(updated) = updated {
            replace(&lesson.path, &lesson.source, &updated.source)?;
            for command in updated.commands {
                let file = lesson.path.shown();
                tell_line(&format!("the reply to `{command}` is rewritten in `{file}`"));
            }
        }
    }
    Ok(())
}

fn seen<'s>(case: &'s Case<'_>, result: Option<&'s CaseResult>) -> Vec<(&'s Exchange, &'s str)> {
    let (Expectation::Example(example), Some(result)) = (&case.expectation, result) else {
        return Vec::new();
    };
    let replies = result.telling().map(|proof| proof.replies.as_slice()).unwrap_or_default();
    example.dialogue.iter().zip(replies.iter().map(String::as_str)).collect()
}

/// Whoever edits the file meanwhile loses nothing.
fn replace(path: &Path, old: &str, new: &str) -> Result<(), WorldError> {
    let failed = |error: std::io::Error| {
        let fact = format!("`{}` can't be rewritten: {error}", path.shown());
        WorldError::new(
            fact,
            "check the permissions of the file and its folder, and free some space",
        )
    };
    // A link stays a link.
    let path = path.canonicalize().map_err(failed)?;
    let bytes = std::fs::read(&path).map_err(failed)?;
    if bytes != old.as_bytes() {
        // The lesson was read without its control characters; the author's bytes stay.
        let is_cleaned = std::str::from_utf8(&bytes).is_ok_and(|text| clean_lines(text) == old);
        return Err(if is_cleaned {
            let fact =
                format!("`{}` holds control characters, so it is not rewritten", path.shown());
            WorldError::new(fact, "remove them: the warning names the first, with its line")
        } else {
            let fact = format!("`{}` was changed while its examples ran", path.shown());
            WorldError::new(fact, "run it again")
        });
    }
    let mut file = tempfile::NamedTempFile::new_in(folder_of(&path)).map_err(failed)?;
    file.write_all(new.as_bytes()).map_err(failed)?;
    let permissions = std::fs::metadata(&path).map_err(failed)?.permissions();
    file.as_file().set_permissions(permissions).map_err(failed)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    Ok(())
}

fn unwritable(lesson: &Lesson, why: &Unwritable) -> Stop {
    let place = format!("{}:{}", lesson.path.shown(), why.at);
    let fact = format!(
        "{place}: `{}` is answered by the line `{}`, which cannot stand in a block",
        why.command, why.line
    );
    Stop::Usage(fact, "change the example, or write `...` for that line".to_owned())
}
