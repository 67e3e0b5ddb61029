//! `redislings hint`: shows the hints of an exercise.

use super::github::CommandsStopped;
use super::output::out;
use super::shell::lessons_option;
use super::{Exit, Stop, find, load, report_message};
use crate::cli::Common;
use crate::present::{markdown, output_width, terminal};

/// Shows the hint with this number, from 1, or all.
pub(super) fn hint(
    common: &Common,
    exercise: &str,
    number: usize,
    all: bool,
) -> Result<Exit, Stop> {
    let course = load(common)?;
    let (_, exercise) = find(&course, exercise)?;
    let count = exercise.hints.len();
    if !all && number > count {
        let fact = match count {
            1 => format!("`{}` has one hint, not {number}", exercise.id),
            _ => format!("`{}` has {count} hints, not {number}", exercise.id),
        };
        let help = format!("`redislings hint {} --all` shows all", exercise.id);
        return Err(Stop::Usage(fact, help));
    }
    let shown = if all { 1..=count } else { number..=number };
    let _stopped = CommandsStopped::new();
    let last = *shown.end();
    for number in shown {
        out(&terminal::heading(&format!("hint {number} of {count}")));
        out(&markdown::render(&exercise.hints[number - 1], output_width()));
    }
    if last < count {
        let lessons = lessons_option(common);
        report_message(&format!(
            "next hint: `redislings hint {} {}{lessons}`",
            exercise.id,
            last + 1
        ));
    }
    Ok(Exit::Passed)
}
