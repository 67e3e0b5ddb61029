//! Which course a command works on, and what it holds.

use std::path::Path;

use super::Stop;
use super::output::{err, is_err_colored};
use crate::cli::Common;
use crate::lesson::{Course, Exercise, Problem, problem};

/// The folder that is looked for where `--lessons` names none.
pub(super) const FOLDER: &str = "lessons";

/// Where the lessons come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'p> {
    /// Named by `--lessons`, or the folder `lessons` here.
    Given(&'p Path),
    /// In the program itself.
    BuiltIn,
}

impl<'p> Place<'p> {
    /// From the command line.
    pub(super) fn of(common: &'p Common) -> Self {
        match &common.lessons {
            Some(path) => Self::Given(path),
            None if Path::new(FOLDER).is_dir() => Self::Given(Path::new(FOLDER)),
            None => Self::BuiltIn,
        }
    }

    /// See [`Course::load`].
    pub(super) fn load(self) -> Result<(Course, Vec<Problem>), Vec<Problem>> {
        match self {
            Self::Given(path) => Course::load(path),
            Self::BuiltIn => Course::shipped(),
        }
    }
}

/// The course; its problems are told, all of them.
pub(super) fn load(common: &Common) -> Result<Course, Stop> {
    match Place::of(common).load() {
        Ok((course, warnings)) => {
            tell_problems(&warnings);
            Ok(course)
        }
        Err(problems) => {
            tell_problems(&problems);
            Err(Stop::Lessons)
        }
    }
}

fn tell_problems(problems: &[Problem]) {
    let colored = is_err_colored();
    for problem in problems {
        err(&format!("{}\n\n", problem::draw(problem, colored).trim_end()));
    }
}

/// The exercise's lesson and itself, or what was perhaps meant.
pub(super) fn find<'c>(course: &'c Course, id: &str) -> Result<&'c Exercise, Stop> {
    course.exercise(id).map(|(_, exercise)| exercise).ok_or_else(|| {
        let ids: Vec<&str> =
            course.exercises().map(|(_, _, exercise)| exercise.id.as_str()).collect();
        let meant = problem::did_you_mean(id, ids.iter().copied());
        let help = meant.unwrap_or_else(|| "`redislings list` shows all".to_owned());
        Stop::Usage(format!("there is no exercise `{id}`"), help)
    })
}
