//! `redislings list`: shows lessons, exercises and progress.

use super::course::{next_exercise, no_such};
use super::output::{out, out_without_commands};
use super::{Exit, Stop, load, progress};
use crate::cli::{Common, Format, ListOptions};
use crate::lesson::{Course, Language, Lesson};
use crate::present::json::{self, ListDocument, ListExercise, ListLesson};
use crate::present::terminal::{self, ExerciseMark};
use crate::progress::Progress;
use crate::sanitize::ShownPath as _;

pub(super) fn list(common: &Common, options: &ListOptions) -> Result<Exit, Stop> {
    let course = load(common)?;
    ensure_known(&course, &options.only)?;
    let document = document(&course, &progress()?, options);
    match options.output.format {
        Format::Human => out_without_commands(&human(&document, options.open)),
        Format::Json => out(&json::text(&document)),
    }
    Ok(Exit::Passed)
}

fn ensure_known(course: &Course, only: &[String]) -> Result<(), Stop> {
    let lessons = course.lessons.iter().map(|lesson| lesson.id.as_str());
    let exercises = course.exercises().map(|(.., exercise)| exercise.id.as_str());
    let ids: Vec<&str> = lessons.chain(exercises).collect();
    match only.iter().find(|id| !ids.contains(&id.as_str())) {
        None => Ok(()),
        Some(id) => Err(no_such("lesson and no exercise", id, ids)),
    }
}

fn document<'c>(
    course: &'c Course,
    progress: &Progress,
    options: &ListOptions,
) -> ListDocument<'c> {
    let next = next_exercise(course, progress).map(|(_, exercise)| exercise.id.as_str());
    let mut document =
        ListDocument { course: &course.title, passed: 0, all: 0, next, lessons: Vec::new() };
    for lesson in &course.lessons {
        let listed = listed(lesson, progress, options);
        document.passed += listed.passed;
        document.all += listed.all;
        // A lesson without exercises is listed too, unless only passed or open ones are.
        let is_whole = !options.open && !options.done && names(options, &lesson.id);
        if is_whole || !listed.exercises.is_empty() {
            document.lessons.push(listed);
        }
    }
    document
}

/// Counts all exercises of the lesson, but holds only the wanted ones.
fn listed<'c>(lesson: &'c Lesson, progress: &Progress, options: &ListOptions) -> ListLesson<'c> {
    let mut listed = ListLesson {
        id: &lesson.id,
        title: &lesson.title,
        file: lesson.path.shown(),
        passed: 0,
        all: 0,
        exercises: Vec::new(),
    };
    for step in &lesson.steps {
        let Some(exercise) = &step.exercise else { continue };
        let passed = progress.has(&exercise.id);
        listed.all += 1;
        listed.passed += usize::from(passed);
        let is_named = names(options, &lesson.id) || names(options, &exercise.id);
        let is_left_out = if passed { options.open } else { options.done };
        if is_named && !is_left_out {
            listed.exercises.push(ListExercise {
                id: &exercise.id,
                title: &step.title,
                languages: exercise.languages().into_iter().map(Language::word).collect(),
                passed,
            });
        }
    }
    listed
}

fn names(options: &ListOptions, id: &str) -> bool {
    options.only.is_empty() || options.only.iter().any(|name| name == id)
}

fn human(document: &ListDocument<'_>, only_open: bool) -> String {
    let exercises = document.lessons.iter().flat_map(|lesson| &lesson.exercises);
    let width = exercises.map(|exercise| exercise.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for ListLesson { title, passed, all, exercises, .. } in &document.lessons {
        text += &terminal::heading(&match all {
            0 => (*title).to_owned(),
            _ => format!("{title} ({})", tally(*passed, *all)),
        });
        for exercise in exercises {
            let mark = match exercise.passed {
                true => ExerciseMark::Passed,
                false if Some(exercise.id) == document.next => ExerciseMark::Next,
                false => ExerciseMark::Open,
            };
            text += &terminal::exercise_line(exercise.id, exercise.title, mark, width);
        }
    }
    if document.lessons.is_empty() {
        text += if only_open {
            "none of the exercises is open\n"
        } else {
            "none of the exercises is passed yet\n"
        };
    }
    text + &format!("\n{}\n", tally(document.passed, document.all))
}

fn tally(passed: usize, all: usize) -> String {
    format!("{passed} of {all} exercises passed")
}
