//! The student's answers: plain files in one folder, which may be under git.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::attempt::Answer;
use crate::backup;
use crate::disk;
use crate::error::EnvironmentError;
use crate::lesson::{Exercise, Language};
use crate::sanitize::ShownPath as _;

/// Relative to the folder in which redislings was started.
pub const FOLDER: &str = "answers";

/// `answers/creating-snapshots.py`.
pub fn path(exercise: &Exercise, language: Language) -> PathBuf {
    Path::new(FOLDER).join(format!("{}.{}", exercise.id, language.extension()))
}

/// The answer's file in each language of the exercise.
pub fn paths(exercise: &Exercise) -> impl Iterator<Item = (Language, PathBuf)> {
    let languages = exercise.languages().into_iter();
    languages.map(|language| (language, path(exercise, language)))
}

/// The languages in which the student has begun an answer, the most recently edited first.
pub fn begun(exercise: &Exercise) -> Vec<Language> {
    let mut begun = exercise.languages();
    begun.retain(|language| modified(exercise, *language).is_some());
    begun.sort_by_key(|language| std::cmp::Reverse(modified(exercise, *language)));
    begun
}

fn modified(exercise: &Exercise, language: Language) -> Option<SystemTime> {
    std::fs::metadata(path(exercise, language)).and_then(|metadata| metadata.modified()).ok()
}

/// The texts of the answers that the student has begun, the most recently edited first.
pub fn all(exercise: &Exercise) -> Vec<(Language, String)> {
    let mut answers = Vec::new();
    for language in begun(exercise) {
        if let Ok(bytes) = disk::read_text_file(&path(exercise, language)) {
            answers.push((language, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    answers
}

/// Reads the answer in a file.
pub fn read(path: &Path, language: Language) -> Result<Answer, EnvironmentError> {
    let bytes = disk::read_text_file(path).map_err(|error| unreadable(path, &error))?;
    in_file(path, bytes, language)
}

/// The answer in a file with this content. It runs from its own path, so that a traceback names the
/// student's file.
pub fn in_file(
    path: &Path,
    bytes: Vec<u8>,
    language: Language,
) -> Result<Answer, EnvironmentError> {
    let text = text(bytes, &path.shown(), language)?;
    let path = path.canonicalize().ok().filter(|_| language == Language::Python);
    Ok(Answer { language, text, path })
}

/// Decodes an answer's text; `name` is its file or stream. Python reads the file itself and reports
/// a wrong encoding in its own words; Redis commands must be UTF-8.
pub fn text(bytes: Vec<u8>, name: &str, language: Language) -> Result<String, EnvironmentError> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) if language == Language::Python => {
            Ok(String::from_utf8_lossy(error.as_bytes()).into_owned())
        }
        Err(error) => {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = good.split(|&byte| byte == b'\n').count();
            let fact = format!("`{name}` is not UTF-8 text (line {line})");
            let help = "save it as UTF-8; in commands, write other bytes as \"\\x00\"";
            Err(EnvironmentError::new(fact, help))
        }
    }
}

/// Returns the answer's file; creates it with the lesson's starter if there is none yet.
pub fn begin(exercise: &Exercise, language: Language) -> Result<PathBuf, EnvironmentError> {
    let path = path(exercise, language);
    if path.exists() {
        // If it is a pipe, an editor would wait for it for ever, and so would we.
        disk::read_text_file(&path).map_err(|error| unreadable(&path, &error))?;
    } else {
        write_if_none(&path, starter(exercise, language).unwrap_or_default())?;
    }
    Ok(path)
}

/// Saves typed commands as an answer. An older answer is kept under a name with a number.
pub fn keep_typed(exercise: &Exercise, text: &str) -> Result<PathBuf, EnvironmentError> {
    let path = path(exercise, Language::Redis);
    if !holds(&path, text) {
        replace(&path, Some(text)).map_err(|error| unwritable(&path, &error))?;
    }
    Ok(path)
}

/// Begins an answer anew, with the lesson's starter if it has one. Returns the name under which the
/// older answer is kept (`answers/creating-snapshots.1.py`), or `None` if the student had written
/// nothing.
pub fn set_aside(
    exercise: &Exercise,
    language: Language,
) -> Result<Option<PathBuf>, EnvironmentError> {
    let path = path(exercise, language);
    let starter = starter(exercise, language);
    if !path.exists() || starter.is_some_and(|starter| holds(&path, starter)) {
        return Ok(None);
    }
    replace(&path, starter).map_err(|error| unwritable(&path, &error))
}

fn starter(exercise: &Exercise, language: Language) -> Option<&str> {
    let starter = exercise.starters.iter().find(|starter| starter.code.language == language)?;
    Some(&starter.code.text)
}

fn holds(path: &Path, text: &str) -> bool {
    disk::read_text_file(path).is_ok_and(|bytes| bytes == text.as_bytes())
}

/// Replaces an answer by a new text, or by nothing, and returns the name under which the old one is
/// kept. The new text is on disk before the old one moves, so a full disk changes nothing.
fn replace(path: &Path, text: Option<&str>) -> std::io::Result<Option<PathBuf>> {
    let new = text.map(|text| backup::written_beside(path, text)).transpose()?;
    let ending = path.extension().unwrap_or_default().display().to_string();
    let aside = backup::set_aside(path, |number| path.with_extension(format!("{number}.{ending}")));
    let aside = match aside {
        Ok(aside) => Some(aside),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if let Some(new) = new {
        new.persist_noclobber(path)?;
    }
    Ok(aside)
}

/// Never overwrites an answer that an editor or another session has begun in the meantime.
fn write_if_none(path: &Path, text: &str) -> Result<(), EnvironmentError> {
    let new = backup::written_beside(path, text).map_err(|error| unwritable(path, &error))?;
    match new.persist_noclobber(path) {
        Err(error) if error.error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(unwritable(path, &error.error))
        }
        _ => Ok(()),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> EnvironmentError {
    let fact = format!("cannot read `{}`: {error}", path.shown());
    EnvironmentError::new(fact, "an answer is a text file of at most 4 MiB")
}

fn unwritable(path: &Path, error: &std::io::Error) -> EnvironmentError {
    let fact = format!("cannot write `{}`: {error}", path.shown());
    let otherwise = "start redislings in a folder that you can write to";
    EnvironmentError::new(fact, disk::help_to_write(error, otherwise))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &Path) -> String {
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_replaced_answer_stays_under_a_name_with_a_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers/saving.py");
        write_if_none(&path, "first").unwrap();
        assert_eq!(
            replace(&path, Some("second")).unwrap(),
            Some(folder.path().join("answers/saving.1.py"))
        );
        assert_eq!(replace(&path, None).unwrap(), Some(folder.path().join("answers/saving.2.py")));
        assert_eq!(read(&folder.path().join("answers/saving.1.py")), "first");
        assert_eq!(read(&folder.path().join("answers/saving.2.py")), "second");
        assert!(!path.exists());
    }

    #[test]
    fn an_answer_that_is_not_there_is_just_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("saving.redis");
        assert_eq!(replace(&path, Some("SAVE\n")).unwrap(), None);
        assert_eq!(read(&path), "SAVE\n");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_answer_that_somebody_else_has_begun_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("saving.py");
        std::fs::write(&path, "by the editor").unwrap();
        write_if_none(&path, "the starter").unwrap();
        assert_eq!(read(&path), "by the editor");
    }

    #[test]
    fn answers_replaced_at_the_same_time_are_all_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("saving.py");
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    for number in 0..10 {
                        // Somebody else may have put an answer there meanwhile: then the next try
                        // moves it.
                        while replace(path, Some(&format!("{thread}-{number}"))).is_err() {}
                    }
                });
            }
        });
        let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut texts: Vec<String> = files.map(|file| read(&file)).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), 40, "{texts:?}");
    }
}
