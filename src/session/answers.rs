//! The student's answers: plain files in one folder, opened in the student's own editor.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cleanup;
use crate::error::WorldError;
use crate::lesson::{Exercise, Language};
use crate::redis_cli::words;
use crate::server::source::on_path;

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

/// Opens the file in `$VISUAL` or `$EDITOR`, else in the first editor that is there, and waits for its end.
pub fn edit(path: &Path) -> Result<(), WorldError> {
    let (program, arguments) = editor()?;
    let failed = |why: String| {
        let fact = format!("the editor `{program}` failed: {why}");
        WorldError::new(
            fact,
            "set EDITOR to an editor that waits until you close the file, for example EDITOR=nano",
        )
    };
    let status = cleanup::run_in_foreground(Command::new(&program).args(arguments).arg(path))
        .map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(status.to_string())) }
}

/// How a menu calls the editor.
pub fn editor_name() -> Option<String> {
    let (program, _) = editor().ok()?;
    Path::new(&program).file_name().map(|name| name.to_string_lossy().into_owned())
}

fn editor() -> Result<(String, Vec<String>), WorldError> {
    let told = ["VISUAL", "EDITOR"].into_iter().filter_map(|name| std::env::var(name).ok());
    if let Some(command) = told.into_iter().find(|command| !command.trim().is_empty()) {
        let words = words::split(&command).unwrap_or_default();
        let mut words = words.into_iter().map(|word| String::from_utf8_lossy(&word).into_owned());
        let program = words.next().unwrap_or(command);
        return Ok((program, words.collect()));
    }
    let found = ["nano", "vim", "vi"].into_iter().find(|name| on_path(name).is_some());
    found.map(|name| (name.to_owned(), Vec::new())).ok_or_else(|| {
        WorldError::new(
            "no editor is known",
            "set EDITOR, or edit the file in a window of its own and choose check",
        )
    })
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
