//! The student's answers: plain files in one folder, which may be under git.

use std::path::{Path, PathBuf};

use crate::error::WorldError;
use crate::lesson::{Exercise, Language};

/// Beside the place where redislings was started.
pub const FOLDER: &str = "answers";

/// `answers/creating-snapshots.py`.
pub fn path(exercise: &Exercise, language: Language) -> PathBuf {
    Path::new(FOLDER).join(format!("{}.{}", exercise.id, language.extension()))
}

/// The languages in which the student has begun an answer, the latest first.
pub fn begun(exercise: &Exercise) -> Vec<Language> {
    let changed = |language: &Language| {
        std::fs::metadata(path(exercise, *language)).and_then(|it| it.modified()).ok()
    };
    let mut begun: Vec<_> =
        exercise.languages().into_iter().filter(|it| changed(it).is_some()).collect();
    begun.sort_by_key(|language| std::cmp::Reverse(changed(language)));
    begun
}

/// The answer's file, begun with the lesson's starter if there is none yet.
pub fn begin(exercise: &Exercise, language: Language) -> Result<PathBuf, WorldError> {
    let path = path(exercise, language);
    if !path.exists() {
        let starter = exercise.starters.iter().find(|it| it.code.language == language);
        write(&path, starter.map_or("", |it| &it.code.text))?;
    }
    Ok(path)
}

/// Keeps what was typed as an answer. An older answer stays beside it, under a name with a number.
pub fn keep_typed(exercise: &Exercise, text: &str) -> Result<PathBuf, WorldError> {
    let path = path(exercise, Language::Redis);
    if std::fs::read(&path).is_ok_and(|old| old != text.as_bytes()) {
        let aside = |number: u32| path.with_extension(format!("{number}.redis"));
        let free = (1..1000).map(aside).find(|name| !name.exists()).unwrap_or_else(|| aside(0));
        std::fs::rename(&path, free).map_err(|error| unwritable(&path, &error))?;
    }
    write(&path, text)?;
    Ok(path)
}

fn write(path: &Path, text: &str) -> Result<(), WorldError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(path, text));
    written.map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> WorldError {
    let fact = format!("cannot write `{}`: {error}", path.display());
    WorldError::new(fact, "start redislings in a folder that you can write to")
}
