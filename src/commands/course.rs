//! Finds and loads the course that a command works on.

use std::path::Path;

use super::output::{err, is_err_colored};
use super::{Stop, progress, report_message};
use crate::cli::Common;
use crate::error::{EnvironmentError, EnvironmentErrorKind};
use crate::lesson::course::Package;
use crate::lesson::{Course, Exercise, Language, Lesson, Problem, Severity, problem};
use crate::present::{plain, terminal};
use crate::progress::Progress;

/// The default of `--lessons`.
pub(super) const FOLDER: &str = "lessons";

/// The lessons named by `--lessons`, or the folder `lessons` in the working directory; `None`: the
/// course inside the program.
pub(super) fn folder(common: &Common) -> Option<&Path> {
    let usual = Path::new(FOLDER);
    common.lessons.as_deref().or_else(|| usual.is_dir().then_some(usual))
}

/// See [`Course::load`].
pub(super) fn read(common: &Common) -> Result<(Course, Vec<Problem>), Vec<Problem>> {
    folder(common).map_or_else(Course::shipped, Course::load)
}

/// Loads the course and reports its errors. Its warnings are for authors: `verify` reports them.
pub(super) fn load(common: &Common) -> Result<Course, Stop> {
    read(common).map(|(course, _)| course).map_err(|mut problems| {
        problems.retain(|problem| problem.severity == Severity::Error);
        report_problems(&problems);
        Stop::Lessons
    })
}

pub(super) fn report_problems(problems: &[Problem]) {
    let colored = is_err_colored();
    for problem in problems {
        if plain::is_on() {
            err(&terminal::problem(problem));
        } else {
            err(&format!("{}\n\n", problem::draw(problem, colored).trim_end()));
        }
    }
}

/// The line of `course.toml` that is at fault if this failed; `None` if the course is not.
pub(super) fn fault_of(course: &Course, error: &EnvironmentError) -> Option<Problem> {
    if error.kind != EnvironmentErrorKind::NoSuchPackage {
        return None;
    }
    let mut packages = course.python_packages.iter().map(Package::requirement);
    let package = packages.find(|package| error.fact.contains(&format!("`{package}`")))?;
    let path = course.path.join("course.toml");
    let source = std::fs::read_to_string(&path).ok()?;
    let start = source.find(package)?;
    let help = "pin a version that exists, with its hashes".to_owned();
    let of_path = Problem::of_path(&path, &error.fact, Some(help));
    Some(Problem { source: source.into(), span: Some(start..start + package.len()), ..of_path })
}

/// The exercise with this id, and its lesson; the error may suggest another.
pub(super) fn find<'c>(course: &'c Course, id: &str) -> Result<(&'c Lesson, &'c Exercise), Stop> {
    course.exercise(id).ok_or_else(|| {
        if id == "-" || Path::new(id).is_file() {
            let fact = format!("`{id}` is an answer, and its exercise comes first");
            return Stop::Usage(fact, "`redislings check EXERCISE FILE`".to_owned());
        }
        let ids = course.exercises().map(|(.., exercise)| exercise.id.as_str());
        no_such("exercise", id, ids)
    })
}

/// The exercise with this id or, without one, the first open one, which is reported.
pub(super) fn named_or_next<'c>(
    course: &'c Course,
    id: Option<&str>,
) -> Result<(&'c Lesson, &'c Exercise), Stop> {
    let Some(id) = id else {
        let (lesson, exercise) = next(course)?;
        report_message(&format!("exercise: `{}`, the first open one", exercise.id));
        return Ok((lesson, exercise));
    };
    find(course, id)
}

/// The first exercise that the student has not passed, and its lesson.
pub(super) fn next(course: &Course) -> Result<(&Lesson, &Exercise), Stop> {
    next_exercise(course, &progress()?)
        .ok_or_else(|| Stop::usage("no exercise is open", "name one from `redislings list`"))
}

/// The error for an unknown id, which may be a misspelt one of `ids`.
pub(super) fn no_such<'c>(what: &str, id: &str, ids: impl IntoIterator<Item = &'c str>) -> Stop {
    let help = problem::did_you_mean(id, ids);
    let help = help.unwrap_or_else(|| "`redislings list` shows all".to_owned());
    Stop::Usage(format!("there is no {what} `{id}`"), help)
}

/// The same, or `None` if all are passed.
pub(super) fn next_exercise<'c>(
    course: &'c Course,
    progress: &Progress,
) -> Option<(&'c Lesson, &'c Exercise)> {
    let mut exercises = course.exercises().map(|(lesson, _, exercise)| (lesson, exercise));
    exercises.find(|(_, exercise)| !progress.has(&exercise.id))
}

/// The languages in which the exercise can be answered, or only the named one.
pub(super) fn languages(
    exercise: &Exercise,
    named: Option<Language>,
) -> Result<Vec<Language>, Stop> {
    let Some(language) = named else { return Ok(exercise.languages()) };
    require_language(exercise, language)?;
    Ok(vec![language])
}

/// The error says that the exercise has no solution in this language.
pub(super) fn require_language(exercise: &Exercise, language: Language) -> Result<(), Stop> {
    let languages = exercise.languages();
    if languages.contains(&language) {
        return Ok(());
    }
    let fact = format!("`{}` cannot be answered in {language}", exercise.id);
    let words: Vec<&str> = languages.into_iter().map(Language::word).collect();
    Err(Stop::Usage(fact, format!("answer it in {}", words.join(" or "))))
}
