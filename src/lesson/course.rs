//! A folder of lessons.

mod elsewhere;
mod files;
mod links;
mod names;
mod package;
mod settings;
pub mod shipped;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

pub use files::decoded;
use files::{Files, Text};
pub use package::{Package, default_packages};
pub(super) use settings::versions;

use super::problem::{Problem, Severity};
use super::{Exercise, Lesson, Step, parse};
use crate::sanitize::ShownPath as _;

/// Whether the path is a folder without lessons, which [`Course::load`] refuses.
pub fn has_no_lessons(path: &Path) -> bool {
    files::find(path).is_ok_and(|found| found.lessons.is_empty())
}

/// All lessons of a folder, or the lesson of one file.
#[derive(Debug, Clone)]
pub struct Course {
    /// From `course.toml`, else the name of the folder, or the title of a single lesson.
    pub title: String,
    /// As given on the command line, or [`shipped::FOLDER`].
    pub path: PathBuf,
    /// The packages that Python answers may import, and their dependencies.
    pub python_packages: Vec<Package>,
    /// The servers that the course supports, by the beginning of their versions: `redis 7.0`; may
    /// be empty.
    pub server_versions: Vec<String>,
    /// In reading order.
    pub lessons: Vec<Lesson>,
}

impl Course {
    /// Reads a folder of lessons or a single file.
    ///
    /// Returns the course and its warnings or, if one problem is an error, all problems of all
    /// files.
    pub fn load(path: &Path) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let texts = files::read_all(path).map_err(|problem| vec![problem])?;
        let (course, mut problems) = Self::understand(path, texts)?;
        problems.extend(links::dead(&course.lessons, Path::exists));
        Ok((course, problems))
    }

    /// The built-in course, without reading a file. Returns the same as [`Self::load`].
    pub fn shipped() -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        Self::understand(Path::new(shipped::FOLDER), shipped::texts())
    }

    fn understand(path: &Path, texts: Files<Text>) -> Result<(Self, Vec<Problem>), Vec<Problem>> {
        let mut problems = texts.problems;
        let settings = texts.settings.map(|(file, source)| {
            let (settings, of_settings) = settings::parse(&file, &source);
            problems.extend(of_settings);
            settings
        });
        let mut lessons: Vec<Lesson> = Vec::new();
        for (file, source) in texts.lessons {
            let (lesson, of_lesson) = parse::parse(&file, source);
            problems.extend(of_lesson);
            lessons.extend(lesson);
        }
        problems.extend(tell_apart(&mut lessons));
        let settings = settings.unwrap_or_default();
        let course = Self {
            title: settings.title.unwrap_or_else(|| default_title(path, &lessons)),
            path: path.to_owned(),
            python_packages: settings.python_packages,
            server_versions: settings.server_versions,
            lessons,
        };
        problems.extend(course.duplicates());
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            return Err(problems);
        }
        Ok((course, problems))
    }

    /// Every exercise with its lesson and its step, in reading order.
    pub fn exercises(&self) -> impl Iterator<Item = (&Lesson, &Step, &Exercise)> {
        self.lessons.iter().flat_map(|lesson| {
            let steps = lesson.steps.iter();
            steps.filter_map(move |step| Some((lesson, step, step.exercise.as_ref()?)))
        })
    }

    pub fn exercise(&self, id: &str) -> Option<(&Lesson, &Exercise)> {
        let found = self.exercises().find(|(.., exercise)| exercise.id == id);
        found.map(|(lesson, _, exercise)| (lesson, exercise))
    }

    /// Ids must be unique in the whole course, because progress is stored by id.
    fn duplicates(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let by_id = self.lessons.iter().map(|lesson| (lesson.id.as_str(), lesson));
        for (first, lesson) in repeated(by_id) {
            let help = format!("the first is `{}`: rename one of them", first.path.shown());
            let message = format!("a second lesson with the id `{}`", lesson.id);
            problems.push(Problem::of_path(&lesson.path, message, Some(help)));
        }
        let by_id = self.exercises();
        let by_id = by_id.map(|(lesson, _, exercise)| (exercise.id.as_str(), (lesson, exercise)));
        for ((first_lesson, first), (lesson, exercise)) in repeated(by_id) {
            let message = format!("a second exercise with the id `{}`", exercise.id);
            let first = first_lesson.error(&first.span, String::new(), None).place();
            let help = format!("the first is at `{first}`: rename one of them");
            problems.push(lesson.error(&exercise.span, message, Some(help)));
        }
        problems
    }
}

/// Calls a lesson by its whole file name if another has the same id. Where there are exercises that
/// stays an error: students' progress is kept by ids.
fn tell_apart(lessons: &mut [Lesson]) -> Vec<Problem> {
    let (mut warnings, mut known) = (Vec::new(), HashSet::new());
    for lesson in lessons {
        let has_exercise = lesson.steps.iter().any(|step| step.exercise.is_some());
        if known.insert(lesson.id.clone()) || has_exercise {
            continue;
        }
        let names = [lesson.path.file_stem(), lesson.path.file_name()];
        let mut names = names.into_iter().flatten().map(|name| Path::new(name).shown());
        let Some(name) = names.find(|name| known.insert(name.clone())) else { continue };
        let message = format!("a second lesson with the id `{}`: this one is `{name}`", lesson.id);
        let help = Some("give it another name, not only another number".to_owned());
        warnings.push(Problem::of_path(&lesson.path, message, help).into_warning());
        lesson.id = name;
    }
    warnings
}

fn default_title(path: &Path, lessons: &[Lesson]) -> String {
    if let ([lesson], false) = (lessons, path.is_dir()) {
        return lesson.title.clone();
    }
    // `.` and `..` have no name of their own.
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let name = absolute.components().next_back();
    name.map_or_else(String::new, |name| Path::new(name.as_os_str()).shown())
}

/// Pairs each item that repeats an id with the first item of that id.
fn repeated<'i, T: Copy>(by_id: impl Iterator<Item = (&'i str, T)>) -> Vec<(T, T)> {
    let mut firsts: HashMap<&str, T> = HashMap::new();
    let mut pairs = Vec::new();
    for (id, item) in by_id {
        if let Some(first) = firsts.get(id) {
            pairs.push((*first, item));
        } else {
            firsts.insert(id, item);
        }
    }
    pairs
}
