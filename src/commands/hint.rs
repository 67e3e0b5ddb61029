//! `redislings hint`: shows the hints of an exercise.

use super::course::named_or_next;
use super::github::CommandsStopped;
use super::output::out;
use super::shell::lessons_option;
use super::{Exit, Stop, load, report_message};
use crate::cli::Common;
use crate::lesson::Course;
use crate::present::{markdown, output_width, terminal};

/// Shows the hint with this number, from 1, or all.
pub(super) fn hint(
    common: &Common,
    exercise: Option<&str>,
    number: Option<u16>,
    all: bool,
) -> Result<Exit, Stop> {
    let course = load(common)?;
    let (exercise, number) = exercise_and_number(&course, exercise, number);
    let (_, exercise) = named_or_next(&course, exercise)?;
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

/// A lone number means a hint of the first open exercise, unless an exercise has that id.
fn exercise_and_number<'i>(
    course: &Course,
    exercise: Option<&'i str>,
    number: Option<u16>,
) -> (Option<&'i str>, usize) {
    let lone = exercise.filter(|id| number.is_none() && course.exercise(id).is_none());
    match lone.and_then(|id| id.parse::<u16>().ok()).filter(|&lone| lone > 0) {
        Some(lone) => (None, lone.into()),
        None => (exercise, number.unwrap_or(1).into()),
    }
}
