//! `redislings reset`: starts exercises over.

use std::fmt::Write as _;

use super::output::{is_err_colored, out};
use super::{Exit, Stop, find, is_interactive, load, progress, report_message};
use crate::ask::{Ask as _, NoAnswer, Prompt};
use crate::cli::{Common, ResetOptions};
use crate::error::EnvironmentError;
use crate::lesson::{Course, Exercise};
use crate::present::{output_width, terminal};
use crate::reset;
use crate::sanitize::ShownPath as _;

pub(super) fn reset(common: &Common, options: &ResetOptions) -> Result<Exit, Stop> {
    let course = load(common)?;
    let exercises = wanted(&course, options)?;
    if !options.yes {
        match confirm(&exercises)? {
            Ok(true) => {}
            Ok(false) | Err(NoAnswer::Cancelled) => {
                out(&terminal::notice("nothing was reset", output_width()));
                return Ok(Exit::Passed);
            }
            Err(NoAnswer::Interrupted) => return Ok(Exit::Interrupted),
            Err(NoAnswer::Failed(why)) => {
                let fact = format!("cannot ask in the terminal: {why}");
                return Err(EnvironmentError::new(fact, "use `--yes`").into());
            }
        }
    }
    let mut progress = progress()?;
    for exercise in exercises {
        let backups = reset::one(exercise, &mut progress)?;
        let mut line = format!("`{}` is reset", exercise.id);
        for backup in backups {
            let _ = write!(line, "; your answer is kept as `{}`", backup.shown());
        }
        out(&terminal::notice(&line, output_width()));
    }
    if options.all {
        progress.forget_place()?;
    }
    Ok(Exit::Passed)
}

/// The exercises in the course's order, each once.
fn wanted<'c>(course: &'c Course, options: &ResetOptions) -> Result<Vec<&'c Exercise>, Stop> {
    for id in &options.exercises {
        find(course, id)?;
    }
    let all = course.exercises().map(|(_, _, exercise)| exercise);
    Ok(all.filter(|exercise| options.all || options.exercises.contains(&exercise.id)).collect())
}

fn confirm(exercises: &[&Exercise]) -> Result<Result<bool, NoAnswer>, Stop> {
    if !is_interactive() {
        return Err(Stop::usage(
            "`reset` needs confirmation, but there is no terminal",
            "use `--yes`; your answers are kept as backups",
        ));
    }
    let what = match exercises {
        [exercise] => format!("`{}`", exercise.id),
        several => format!("{} exercises", several.len()),
    };
    report_message(
        "reset forgets what you have passed; your answers are kept as backups beside the new ones",
    );
    Ok(Prompt::new(is_err_colored()).confirm(&format!("Reset {what}?")))
}
