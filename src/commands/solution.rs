//! `redislings solution`: shows the solutions of an exercise.

use super::course::{languages, named_or_next};
use super::github::CommandsStopped;
use super::output::out;
use super::{Exit, Stop, load, progress, tell};
use crate::cli::Common;
use crate::lesson::Language;
use crate::present::{markdown, output_width, terminal};

/// Before the exercise is passed, it shows solutions only with `--yes`. Otherwise it ends with the
/// exit code of a failed answer, so that a script can tell it from a wrong command line.
pub(super) fn solution(
    common: &Common,
    exercise: Option<&str>,
    language: Option<Language>,
    yes: bool,
) -> Result<Exit, Stop> {
    let course = load(common)?;
    let (lesson, exercise) = named_or_next(&course, exercise)?;
    let languages = languages(exercise, language)?;
    if !yes && !progress()?.has(&exercise.id) {
        tell(&Stop::Usage(
            format!("`{}` is not passed yet, so its solution stays hidden", exercise.id),
            format!("`redislings hint {}` helps; `--yes` shows the solution anyway", exercise.id),
        ));
        return Ok(Exit::FellShort);
    }
    let _stopped = CommandsStopped::new();
    let solutions = exercise.solutions.iter().filter(|code| languages.contains(&code.language));
    for (index, code) in solutions.enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        out(&terminal::heading(&format!("{gap}a solution in {}", code.language)));
        out(&markdown::render(&lesson.source[code.span.clone()], output_width()));
    }
    Ok(Exit::Passed)
}
