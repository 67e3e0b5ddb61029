//! `redislings reset`: exercises from their beginning.

use std::fmt::Write as _;

use super::output::{is_err_colored, out};
use super::{Exit, Stop, find, is_interactive, load, tell_line};
use crate::ask::{Ask as _, NoAnswer, Prompt};
use crate::cli::Common;
use crate::error::WorldError;
use crate::lesson::{Course, Exercise};
use crate::present::{output_width, terminal};
use crate::progress::Progress;
use crate::reset;
use crate::sanitize::ShownPath as _;

/// What is to be reset, and whether the student has said yes already.
pub(super) struct Wish<'w> {
    pub(super) exercises: &'w [String],
    /// Every exercise, and where the student was.
    pub(super) all: bool,
    pub(super) yes: bool,
}

pub(super) fn reset(common: &Common, wish: &Wish<'_>) -> Result<Exit, Stop> {
    let course = load(common)?;
    let exercises = wanted(&course, wish)?;
    if !wish.yes {
        match confirm(&exercises)? {
            Ok(true) => {}
            Ok(false) | Err(NoAnswer::Cancelled) => {
                out(&terminal::notice("nothing was reset", output_width()));
                return Ok(Exit::Passed);
            }
            Err(NoAnswer::Interrupted) => return Ok(Exit::Interrupted),
            Err(NoAnswer::Failed(why)) => {
                let fact = format!("the terminal can't be asked: {why}");
                return Err(WorldError::new(fact, "say `--yes`").into());
            }
        }
    }
    let (mut progress, told) = Progress::of_the_user()?;
    if let Some(told) = told {
        tell_line(&told);
    }
    for exercise in exercises {
        let backups = reset::one(exercise, &mut progress)?;
        let mut line = format!("`{}` is as at its beginning", exercise.id);
        for backup in backups {
            let _ = write!(line, "; your answer is kept as `{}`", backup.shown());
        }
        out(&terminal::notice(&line, output_width()));
    }
    if wish.all {
        progress.forget_place()?;
    }
    Ok(Exit::Passed)
}

/// In the course's order, each once.
fn wanted<'c>(course: &'c Course, wish: &Wish<'_>) -> Result<Vec<&'c Exercise>, Stop> {
    for id in wish.exercises {
        find(course, id)?;
    }
    let is_wanted = |exercise: &Exercise| wish.all || wish.exercises.contains(&exercise.id);
    let all = course.exercises().map(|(_, _, exercise)| exercise);
    Ok(all.filter(|exercise| is_wanted(exercise)).collect())
}

fn confirm(exercises: &[&Exercise]) -> Result<Result<bool, NoAnswer>, Stop> {
    if !is_interactive() {
        return Err(Stop::Usage(
            "reset asks first, and this is no terminal to ask in".to_owned(),
            "say `--yes`; older answers are kept as backups".to_owned(),
        ));
    }
    let what = match exercises {
        [exercise] => format!("`{}`", exercise.id),
        several => format!("{} exercises", several.len()),
    };
    tell_line("what was passed is forgotten; your answers are kept as backups beside the new ones");
    Ok(Prompt::new(is_err_colored()).confirm(&format!("Reset {what}?")))
}
