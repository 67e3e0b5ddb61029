//! `--update`: rewrites the expected replies in the lessons' files.

use std::io;
use std::path::Path;

use super::super::{Stop, report_message};
use crate::backup::written_beside;
use crate::error::EnvironmentError;
use crate::lesson::course::decoded;
use crate::lesson::{ExampleExchange, Lesson};
use crate::sanitize::{ShownPath as _, clean_lines};
use crate::verify::case::Expectation;
use crate::verify::update::{Unwritable, rewrite};
use crate::verify::{Case, CaseResult};

/// Whether the case's expected replies can be rewritten.
pub(super) fn has_replies(case: &Case<'_>) -> bool {
    matches!(case.expectation, Expectation::Example(example) if !example.dialogue.is_empty())
}

/// Writes the replies to the examples into their lessons and reports each rewritten reply.
pub(super) fn write(cases: &[Case<'_>], results: &[Option<CaseResult>]) -> Result<(), Stop> {
    let mut lessons: Vec<&Lesson> = cases.iter().map(|case| case.lesson).collect();
    lessons.dedup_by_key(|lesson| &lesson.path);
    for lesson in lessons {
        let of_lesson =
            cases.iter().zip(results).filter(|(case, _)| case.lesson.path == lesson.path);
        let seen: Vec<(&ExampleExchange, &str)> =
            of_lesson.flat_map(|(case, result)| seen(case, result.as_ref())).collect();
        let updated = rewrite(lesson, &seen).map_err(|why| unwritable(lesson, &why))?;
        if let Some(updated) = updated {
            replace(&lesson.path, &lesson.source, &updated.source)?;
            for command in updated.commands {
                let file = lesson.path.shown();
                report_message(&format!("rewrote the reply to `{command}` in `{file}`"));
            }
        }
    }
    Ok(())
}

fn seen<'s>(
    case: &'s Case<'_>,
    result: Option<&'s CaseResult>,
) -> Vec<(&'s ExampleExchange, &'s str)> {
    let (Expectation::Example(example), Some(result)) = (&case.expectation, result) else {
        return Vec::new();
    };
    let replies = result.report().map(|run| run.replies.as_slice()).unwrap_or_default();
    example.dialogue.iter().zip(replies.iter().map(String::as_str)).collect()
}

/// Refuses to overwrite a file that somebody has edited meanwhile. A link stays a link.
fn replace(path: &Path, old: &str, new: &str) -> Result<(), EnvironmentError> {
    let path = &path.canonicalize().map_err(|error| failed(path, &error))?;
    let bytes = std::fs::read(path).map_err(|error| failed(path, &error))?;
    if bytes != old.as_bytes() {
        return Err(differs(path, &bytes, old));
    }
    write_over(path, new).map_err(|error| failed(path, &error))
}

fn write_over(path: &Path, text: &str) -> io::Result<()> {
    let file = written_beside(path, text)?;
    file.as_file().set_permissions(std::fs::metadata(path)?.permissions())?;
    file.persist(path)?;
    Ok(())
}

fn failed(path: &Path, error: &io::Error) -> EnvironmentError {
    let fact = format!("`{}` can't be rewritten: {error}", path.shown());
    let help = "check the permissions of the file and its folder, and free some space";
    EnvironmentError::new(fact, help)
}

/// The error for a file whose text is not `old`, the lesson's source.
fn differs(path: &Path, bytes: &[u8], old: &str) -> EnvironmentError {
    let name = path.shown();
    // The loader removes control characters. Rewriting would remove them from the author's file.
    if std::str::from_utf8(bytes).is_ok_and(|text| clean_lines(text) == old) {
        let fact = format!("`{name}` holds control characters, so it is not rewritten");
        EnvironmentError::new(fact, "remove them: the warning names the first, with its line")
    } else if decoded(bytes.to_vec()).is_ok_and(|text| clean_lines(&text) == old) {
        let fact = format!("`{name}` is UTF-16 or has lone carriage returns: it is not rewritten");
        EnvironmentError::new(fact, "save it as UTF-8 with Unix line endings")
    } else {
        let fact = format!("`{name}` changed while its examples ran");
        EnvironmentError::new(fact, "run it again")
    }
}

fn unwritable(lesson: &Lesson, why: &Unwritable) -> Stop {
    let place = format!("{}:{}", lesson.path.shown(), why.at);
    let fact = format!(
        "{place}: the reply to `{}` has the line `{}`, which a block cannot hold",
        why.command, why.line
    );
    Stop::usage(fact, "change the example, or write `...` for that line")
}
