//! Which course a command works on, and what it holds.

use std::path::Path;

use super::Stop;
use super::output::{err, is_err_colored};
use crate::cli::{Common, LanguageName};
use crate::lesson::{Course, Exercise, Language, Lesson, Problem, problem};
use crate::present::{plain, terminal};
use crate::progress::Progress;

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

pub(super) fn tell_problems(problems: &[Problem]) {
    let colored = is_err_colored();
    for problem in problems {
        if plain::is_on() {
            err(&terminal::problem(problem));
        } else {
            err(&format!("{}\n\n", problem::draw(problem, colored).trim_end()));
        }
    }
}

/// The exercise with this id, or what was perhaps meant.
pub(super) fn find<'c>(course: &'c Course, id: &str) -> Result<&'c Exercise, Stop> {
    find_with_lesson(course, id).map(|(_, exercise)| exercise)
}

/// The same with the lesson in which it stands.
pub(super) fn find_with_lesson<'c>(
    course: &'c Course,
    id: &str,
) -> Result<(&'c Lesson, &'c Exercise), Stop> {
    course.exercise(id).ok_or_else(|| {
        let ids: Vec<&str> =
            course.exercises().map(|(_, _, exercise)| exercise.id.as_str()).collect();
        let meant = problem::did_you_mean(id, ids.iter().copied());
        let help = meant.unwrap_or_else(|| "`redislings list` shows all".to_owned());
        Stop::Usage(format!("there is no exercise `{id}`"), help)
    })
}

/// The exercise with which the student goes on: the first that is open.
pub(super) fn next_exercise<'c>(course: &'c Course, progress: &Progress) -> Option<&'c Exercise> {
    let mut exercises = course.exercises().map(|(.., exercise)| exercise);
    exercises.find(|exercise| !progress.has(&exercise.id))
}

/// The languages in which the exercise can be answered; of them only the one that was named.
pub(super) fn languages(
    exercise: &Exercise,
    named: Option<LanguageName>,
) -> Result<Vec<Language>, Stop> {
    let Some(name) = named else { return Ok(exercise.languages()) };
    let language = language_of_name(name);
    require_language(exercise, language)?;
    Ok(vec![language])
}

pub(super) fn language_of_name(name: LanguageName) -> Language {
    match name {
        LanguageName::Python => Language::Python,
        LanguageName::Redis => Language::Redis,
    }
}

/// Refuses a language in which the exercise has no solution.
pub(super) fn require_language(exercise: &Exercise, language: Language) -> Result<(), Stop> {
    let languages = exercise.languages();
    if languages.contains(&language) {
        return Ok(());
    }
    let fact = format!("`{}` has no answers in {language}", exercise.id);
    let words: Vec<&str> = languages.into_iter().map(Language::word).collect();
    Err(Stop::Usage(fact, format!("answer it in {}", words.join(" or "))))
}
