//! `redislings list`: lessons, exercises, progress.

use super::course::next_exercise;
use super::output::{out, out_without_commands};
use super::{Exit, Stop, load, progress};
use crate::cli::{Common, Format};
use crate::lesson::{Course, Exercise, Language, Lesson, Step, problem};
use crate::present::{json, terminal};
use crate::progress::Progress;
use crate::sanitize::ShownPath as _;

/// What of the course is listed.
pub(super) struct Filter<'f> {
    /// Ids of lessons and exercises; none: all.
    pub(super) only: &'f [String],
    pub(super) state: State,
}

/// Exercises by how far the student is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Any,
    Open,
    Done,
}

/// A lesson and those of its exercises that the filter leaves.
struct Listed<'c> {
    lesson: &'c Lesson,
    exercises: Vec<(&'c Step, &'c Exercise)>,
    /// Of all its exercises, whatever the filter leaves.
    tally: Tally,
}

/// How many exercises there are and how many of them are passed.
#[derive(Debug, Clone, Copy)]
struct Tally {
    passed: usize,
    all: usize,
}

pub(super) fn list(common: &Common, filter: &Filter<'_>, format: Format) -> Result<Exit, Stop> {
    let course = load(common)?;
    refuse_unknown(&course, filter.only)?;
    let progress = progress()?;
    let lessons = listed(&course, &progress, filter);
    match format {
        Format::Human => {
            out_without_commands(&human(&course, &progress, &lessons, filter.state));
        }
        Format::Json => out(&json::text(&document(&course, &progress, &lessons))),
    }
    Ok(Exit::Passed)
}

fn refuse_unknown(course: &Course, only: &[String]) -> Result<(), Stop> {
    let lessons = course.lessons.iter().map(|lesson| lesson.id.as_str());
    let exercises = course.exercises().map(|(.., exercise)| exercise.id.as_str());
    let ids: Vec<&str> = lessons.chain(exercises).collect();
    match only.iter().find(|id| !ids.contains(&id.as_str())) {
        None => Ok(()),
        Some(id) => {
            let meant = problem::did_you_mean(id, ids);
            let help = meant.unwrap_or_else(|| "`redislings list` shows all".to_owned());
            Err(Stop::Usage(format!("there is no lesson and no exercise `{id}`"), help))
        }
    }
}

fn listed<'c>(course: &'c Course, progress: &Progress, filter: &Filter<'_>) -> Vec<Listed<'c>> {
    let lesson = |lesson: &'c Lesson| {
        let is_named = |id: &String| filter.only.is_empty() || filter.only.contains(id);
        let is_left = |exercise: &Exercise| {
            let state = match filter.state {
                State::Any => true,
                State::Open => !progress.has(&exercise.id),
                State::Done => progress.has(&exercise.id),
            };
            state && (is_named(&lesson.id) || is_named(&exercise.id))
        };
        let left = exercises(lesson).filter(|(_, exercise)| is_left(exercise)).collect::<Vec<_>>();
        // A lesson to be read only is in no state.
        let is_to_read = filter.state == State::Any && is_named(&lesson.id);
        let tally = Tally::of(exercises(lesson).map(|(_, exercise)| exercise), progress);
        (is_to_read || !left.is_empty()).then_some(Listed { lesson, exercises: left, tally })
    };
    course.lessons.iter().filter_map(lesson).collect()
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

fn human(course: &Course, progress: &Progress, lessons: &[Listed<'_>], state: State) -> String {
    let ids = lessons.iter().flat_map(|it| it.exercises.iter().map(|(_, it)| it.id.len()));
    let width = ids.max().unwrap_or(0);
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
            State::Open => "none of the exercises is open\n",
            State::Any | State::Done => "none of the exercises is passed yet\n",
        };
    }
    text + &format!("\n{}\n", Tally::of_course(course, progress).sentence())
}

fn document<'c>(course: &'c Course, progress: &Progress, lessons: &[Listed<'c>]) -> json::List<'c> {
    let exercise = |(step, exercise): &(&'c Step, &'c Exercise)| json::ListExercise {
        id: &exercise.id,
        title: &step.title,
        languages: exercise.languages().into_iter().map(Language::word).collect(),
        passed: progress.has(&exercise.id),
    };
    let lesson = |listed: &Listed<'c>| json::ListLesson {
        id: &listed.lesson.id,
        title: &listed.lesson.title,
        file: listed.lesson.path.shown(),
        passed: listed.tally.passed,
        all: listed.tally.all,
        exercises: listed.exercises.iter().map(exercise).collect(),
    };
    let tally = Tally::of_course(course, progress);
    json::List {
        course: &course.title,
        passed: tally.passed,
        all: tally.all,
        next: next_exercise(course, progress).map(|exercise| exercise.id.as_str()),
        lessons: lessons.iter().map(lesson).collect(),
    }
}
