//! `redislings list`: lessons, exercises, progress.

use super::output::out;
use super::{Exit, Stop, load, tell_line};
use crate::cli::{Common, Format};
use crate::lesson::{Course, Exercise, Language, Lesson, Step};
use crate::present::{json, terminal};
use crate::progress::Progress;

pub(super) fn list(common: &Common, format: Format) -> Result<Exit, Stop> {
    let course = load(common)?;
    let (progress, told) = Progress::of_the_user()?;
    if let Some(told) = told {
        tell_line(&told);
    }
    out(&match format {
        Format::Human => human(&course, &progress),
        Format::Json => json::text(&document(&course, &progress)),
    });
    Ok(Exit::Passed)
}

fn human(course: &Course, progress: &Progress) -> String {
    let width = course.exercises().map(|(_, _, exercise)| exercise.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for lesson in &course.lessons {
        text.push_str(&terminal::heading(&lesson.title));
        for (step, exercise) in exercises(lesson) {
            text.push_str(&terminal::exercise_line(
                &exercise.id,
                &step.title,
                progress.has(&exercise.id),
                width,
            ));
        }
    }
    let all = course.exercises().count();
    let passed = course.exercises().filter(|(_, _, exercise)| progress.has(&exercise.id)).count();
    text + &format!("\n{passed} of {all} exercises passed\n")
}

fn document<'c>(course: &'c Course, progress: &Progress) -> json::List<'c> {
    let exercise = |(step, exercise): (&'c Step, &'c Exercise)| json::ListExercise {
        id: &exercise.id,
        title: &step.title,
        languages: exercise.languages().into_iter().map(Language::word).collect(),
        passed: progress.has(&exercise.id),
    };
    let lesson = |lesson: &'c Lesson| json::ListLesson {
        id: &lesson.id,
        title: &lesson.title,
        file: lesson.path.display().to_string(),
        exercises: exercises(lesson).map(exercise).collect(),
    };
    json::List { course: &course.title, lessons: course.lessons.iter().map(lesson).collect() }
}

fn exercises(lesson: &Lesson) -> impl Iterator<Item = (&Step, &Exercise)> {
    lesson.steps.iter().filter_map(|step| Some((step, step.exercise.as_ref()?)))
}
