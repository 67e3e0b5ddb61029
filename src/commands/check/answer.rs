//! Finds the answer that `check` judges: a named file, standard input, or the student's own in the
//! folder `answers`.

use std::io::IsTerminal as _;
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use super::super::course::require_language;
use super::super::{Stop, report_message};
use crate::answers;
use crate::attempt::Answer;
use crate::disk;
use crate::error::EnvironmentError;
use crate::lesson::{Exercise, Language};
use crate::sanitize::ShownPath as _;

/// `file` may be `-`. Reports which answer it is, unless the command line says so.
pub(super) fn find(
    exercise: &Exercise,
    file: Option<&Path>,
    language: Option<Language>,
) -> Result<Answer, Stop> {
    match file {
        Some(file) if file == Path::new("-") => from_input(exercise, language),
        Some(file) => from_file(exercise, file, language_of(exercise, file, language)?),
        None if input_was_given() => from_given_input(exercise, language),
        None => latest(exercise, language),
    }
}

/// Whether somebody has connected standard input to a pipe or a file. A job of CI often has
/// `/dev/null` there, which is nobody's answer.
fn input_was_given() -> bool {
    let input = std::io::stdin().as_fd().try_clone_to_owned().map(std::fs::File::from);
    let Ok(metadata) = input.and_then(|input| input.metadata()) else { return false };
    let kind = metadata.file_type();
    kind.is_file() || kind.is_fifo() || kind.is_socket()
}

/// Input that nobody has asked for on the command line. If it is empty, its writer may have failed,
/// or CI may have put it there: neither an empty answer nor another one is judged instead.
fn from_given_input(exercise: &Exercise, language: Option<Language>) -> Result<Answer, Stop> {
    let words = words_for(language);
    report_message(&format!("reading {words} from standard input"));
    let answer = from_input(exercise, language)?;
    if answer.text.trim().is_empty() {
        let id = &exercise.id;
        return Err(Stop::Usage(
            "standard input is empty".to_owned(),
            format!(
                "without a pipe, `redislings check {id}` judges the answer in `{}`:\n\
                 redislings check {id} </dev/null",
                answers::FOLDER
            ),
        ));
    }
    Ok(answer)
}

fn from_input(exercise: &Exercise, language: Option<Language>) -> Result<Answer, Stop> {
    let name = "standard input";
    if std::io::stdin().is_terminal() {
        let words = words_for(language);
        report_message(&format!("reading {words} from the terminal; Ctrl-D ends"));
    }
    let language = language.unwrap_or(Language::Redis);
    require_language(exercise, language)?;
    let bytes = disk::read_text(std::io::stdin()).map_err(|error| unreadable(name, &error))?;
    let text = answers::text(bytes, name, language).map_err(wrong_text)?;
    Ok(Answer { language, text, path: None })
}

fn words_for(language: Option<Language>) -> &'static str {
    match language {
        Some(Language::Python) => "a Python program",
        Some(Language::Redis) | None => "Redis commands",
    }
}

fn from_file(exercise: &Exercise, file: &Path, language: Language) -> Result<Answer, Stop> {
    require_language(exercise, language)?;
    let name = file.shown();
    let bytes = disk::read_text_file(file).map_err(|error| unreadable(&name, &error))?;
    answers::in_file(file, bytes, language).map_err(wrong_text)
}

/// The student's own answer that was edited last.
fn latest(exercise: &Exercise, language: Option<Language>) -> Result<Answer, Stop> {
    if let Some(language) = language {
        require_language(exercise, language)?;
    }
    let begun = answers::begun(exercise);
    let mut wanted = begun.iter().filter(|&&begun| language.is_none_or(|named| named == begun));
    let Some(&chosen) = wanted.next() else { return Err(no_answer(exercise, language)) };
    let file = answers::path(exercise, chosen);
    let why = if wanted.next().is_some() { ", edited last" } else { "" };
    report_message(&format!("answer: `{}`{why}", file.shown()));
    from_file(exercise, &file, chosen)
}

fn no_answer(exercise: &Exercise, language: Option<Language>) -> Stop {
    let mut files = Vec::new();
    for (begun, file) in answers::paths(exercise) {
        if language.is_none_or(|named| named == begun) {
            files.push(format!("`{}`", file.shown()));
        }
    }
    let id = &exercise.id;
    Stop::Usage(
        format!("`{id}` has no answer yet: there is no {}", files.join(" and no ")),
        format!(
            "begin one in the session, create it from the starter, or name its file:\n\
             redislings\n\
             redislings path {id} --begin\n\
             redislings check {id} FILE"
        ),
    )
}

fn wrong_text(error: EnvironmentError) -> Stop {
    Stop::Usage(error.fact, error.help)
}

fn unreadable(name: &str, error: &std::io::Error) -> Stop {
    let help = "name the answer's file, or use `-` for standard input";
    Stop::usage(format!("`{name}` can't be read: {error}"), help)
}

fn language_of(
    exercise: &Exercise,
    file: &Path,
    named: Option<Language>,
) -> Result<Language, Stop> {
    let extension = file.extension().and_then(|extension| extension.to_str());
    match (named, extension) {
        (Some(language), _) => Ok(language),
        (None, Some("py")) => Ok(Language::Python),
        (None, Some("redis")) => Ok(Language::Redis),
        // There is no other.
        (None, _) if exercise.languages().len() == 1 => Ok(exercise.languages()[0]),
        (None, _) => Err(Stop::usage(
            format!("cannot tell the language of `{}` from its extension", file.shown()),
            "add `--language python` or `--language redis`",
        )),
    }
}
