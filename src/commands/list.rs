//! `redislings list`: shows lessons, exercises and progress.

use super::course::next_exercise;
use super::output::{out, out_without_commands};
use super::{Exit, Stop, load, progress};
use crate::cli::{Common, Format};
use crate::lesson::{Course, Exercise, Language, Lesson, Step, problem};
use crate::present::{json, terminal};
use crate::progress::Progress;
use crate::sanitize::ShownPath as _;

pub(super) struct ListOptions<'f> {
    /// Ids of lessons and exercises; empty: all.
    pub(super) only: &'f [String],
    pub(super) state: PassState,
}

/// Which exercises to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PassState {
    Any,
    Open,
    Done,
}

/// A lesson and those of its exercises that the filter leaves.
struct Listed<'c> {
    lesson: &'c Lesson,
    exercises: Vec<(&'c Step, &'c Exercise)>,
    /// Counts all its exercises, not only the listed ones.
    tally: Tally,
}

#[derive(Debug, Clone, Copy)]
struct Tally {
    passed: usize,
    all: usize,
}

pub(super) fn list(
    common: &Common,
    options: &ListOptions<'_>,
    format: Format,
) -> Result<Exit, Stop> {
    let course = load(common)?;
    ensure_known(&course, options.only)?;
    let progress = progress()?;
    let lessons = listed(&course, &progress, options);
    match format {
        Format::Human => {
            out_without_commands(&human(&course, &progress, &lessons, options.state));
        }
        Format::Json => out(&json::text(&document(&course, &progress, &lessons))),
    }
    Ok(Exit::Passed)
}

fn ensure_known(course: &Course, only: &[String]) -> Result<(), Stop> {
    let lessons = course.lessons.iter().map(|lesson| lesson.id.as_str());
    let exercises = course.exercises().map(|(.., exercise)| exercise.id.as_str());
    let ids: Vec<&str> = lessons.chain(exercises).collect();
    match only.iter().find(|id| !ids.contains(&id.as_str())) {
        None => Ok(()),
        Some(id) => {
            let help = problem::did_you_mean(id, ids)
                .unwrap_or_else(|| "`redislings list` shows all".to_owned());
            Err(Stop::Usage(format!("there is no lesson and no exercise `{id}`"), help))
        }
    }
}

fn listed<'c>(
    course: &'c Course,
    progress: &Progress,
    options: &ListOptions<'_>,
) -> Vec<Listed<'c>> {
    let mut listed = Vec::new();
    for lesson in &course.lessons {
        let mut listed_exercises: Vec<(&'c Step, &'c Exercise)> = Vec::new();
        for (step, exercise) in exercises(lesson) {
            let is_named = options.names(&lesson.id) || options.names(&exercise.id);
            if is_named && options.state.includes(exercise, progress) {
                listed_exercises.push((step, exercise));
            }
        }
        // A lesson without exercises is listed too, unless only passed or open ones are.
        let is_whole = options.state == PassState::Any && options.names(&lesson.id);
        if is_whole || !listed_exercises.is_empty() {
            let tally = Tally::of(exercises(lesson).map(|(_, exercise)| exercise), progress);
            listed.push(Listed { lesson, exercises: listed_exercises, tally });
        }
    }
    listed
}

impl ListOptions<'_> {
    fn names(&self, id: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == id)
    }
}

impl PassState {
    fn includes(self, exercise: &Exercise, progress: &Progress) -> bool {
        match self {
            Self::Any => true,
            Self::Open => !progress.has(&exercise.id),
            Self::Done => progress.has(&exercise.id),
        }
    }
}

fn exercises(lesson: &Lesson) -> impl Iterator<Item = (&Step, &Exercise)> {
    lesson.steps.iter().filter_map(|step| Some((step, step.exercise.as_ref()?)))
}

impl Tally {
    fn of<'c>(exercises: impl Iterator<Item = &'c Exercise>, progress: &Progress) -> Self {
        exercises.fold(Self { passed: 0, all: 0 }, |tally, exercise| Self {
            passed: tally.passed + usize::from(progress.has(&exercise.id)),
            all: tally.all + 1,
        })
    }

    fn of_course(course: &Course, progress: &Progress) -> Self {
        Self::of(course.exercises().map(|(.., exercise)| exercise), progress)
    }

    fn sentence(self) -> String {
        format!("{} of {} exercises passed", self.passed, self.all)
    }
}

fn human(course: &Course, progress: &Progress, lessons: &[Listed<'_>], state: PassState) -> String {
    let exercises = lessons.iter().flat_map(|lesson| &lesson.exercises);
    let width = exercises.map(|(_, exercise)| exercise.id.len()).max().unwrap_or(0);
    let next = next_exercise(course, progress).map(|exercise| &exercise.id);
    let mut text = String::new();
    for Listed { lesson, exercises, tally } in lessons {
        text += &terminal::heading(&match tally.all {
            0 => lesson.title.clone(),
            _ => format!("{} ({})", lesson.title, tally.sentence()),
        });
        for (step, exercise) in exercises {
            let mark = if progress.has(&exercise.id) {
                terminal::ExerciseMark::Passed
            } else if Some(&exercise.id) == next {
                terminal::ExerciseMark::Next
            } else {
                terminal::ExerciseMark::Open
            };
            text += &terminal::exercise_line(&exercise.id, &step.title, mark, width);
        }
    }
    if lessons.is_empty() {
        text += match state {
            PassState::Open => "none of the exercises is open\n",
            PassState::Any | PassState::Done => "none of the exercises is passed yet\n",
        };
    }
    text + &format!("\n{}\n", Tally::of_course(course, progress).sentence())
}

fn document<'c>(
    course: &'c Course,
    progress: &Progress,
    lessons: &[Listed<'c>],
) -> json::ListDocument<'c> {
    let tally = Tally::of_course(course, progress);
    json::ListDocument {
        course: &course.title,
        passed: tally.passed,
        all: tally.all,
        next: next_exercise(course, progress).map(|exercise| exercise.id.as_str()),
        lessons: lessons.iter().map(|listed| json_lesson(listed, progress)).collect(),
    }
}

fn json_lesson<'c>(listed: &Listed<'c>, progress: &Progress) -> json::ListLesson<'c> {
    let exercises = listed.exercises.iter();
    json::ListLesson {
        id: &listed.lesson.id,
        title: &listed.lesson.title,
        file: listed.lesson.path.shown(),
        passed: listed.tally.passed,
        all: listed.tally.all,
        exercises: exercises
            .map(|(step, exercise)| json_exercise(step, exercise, progress))
            .collect(),
    }
}

fn json_exercise<'c>(
    step: &'c Step,
    exercise: &'c Exercise,
    progress: &Progress,
) -> json::ListExercise<'c> {
    json::ListExercise {
        id: &exercise.id,
        title: &step.title,
        languages: exercise.languages().into_iter().map(Language::word).collect(),
        passed: progress.has(&exercise.id),
    }
}
