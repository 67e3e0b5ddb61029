//! `redislings new`: writes a new lesson that passes `verify`, for its author to change.

use std::path::Path;

use super::course;
use super::output::out;
use super::shell::lessons_option;
use super::{Exit, Stop, load};
use crate::backup::written_beside;
use crate::cleanup;
use crate::cli::Common;
use crate::error::EnvironmentError;
use crate::lesson::Lesson;
use crate::lesson::course::has_no_lessons;
use crate::present::terminal;
use crate::sanitize::ShownPath as _;

/// Contains the placeholders `@NUMBER@`, `@TITLE@`, `@LESSON@` and `@EXERCISE@`.
const TEMPLATE: &str = include_str!("new/lesson.md");
/// In characters. Keeps file names and the output of `verify` readable.
const LONGEST_ID: usize = 60;

/// A lesson's name.
#[derive(Debug, PartialEq, Eq)]
struct Name {
    /// For its file's name: `counting-visits`.
    id: String,
    /// For its heading: `Counting visits`.
    title: String,
}

impl Name {
    /// Reads words or an id; `None` if it is not a file name that works on every system.
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if !text.starts_with(|c: char| c.is_ascii_alphabetic())
            || !text.chars().all(|c| c.is_ascii_alphanumeric() || c == ' ' || c == '-')
        {
            return None;
        }
        let words: Vec<&str> = text.split([' ', '-']).filter(|word| !word.is_empty()).collect();
        let id = words.join("-").to_ascii_lowercase();
        let title = if text == id { sentence(&words.join(" ")) } else { collapsed(text) };
        (id.len() <= LONGEST_ID).then_some(Self { id, title })
    }

    /// The id of the template's exercise.
    fn exercise(&self) -> String {
        format!("{}-1", self.id)
    }
}

fn sentence(words: &str) -> String {
    let (first, rest) = words.split_at(1);
    first.to_ascii_uppercase() + rest
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn new(common: &Common, lesson: &str) -> Result<Exit, Stop> {
    let folder = folder(common)?;
    let name = Name::parse(lesson).ok_or_else(|| {
        let help = "use letters from a to z, digits, spaces and `-`: a letter first, and at most \
                    60 characters; the heading in the file may say anything";
        Stop::usage(format!("`{lesson}` cannot be the name of a lesson"), help)
    })?;
    let is_new = make_folder(folder)?;
    // It may be the first lesson of a course.
    let lessons = if is_new || has_no_lessons(folder) { Vec::new() } else { load(common)?.lessons };
    ensure_unused(&lessons, &name)?;
    let order = next_order(&lessons);
    let path = folder.join(format!("{order}-{}.md", name.id));
    let written = {
        // Ctrl-C waits until everything is written or nothing is left.
        let _creating = cleanup::creating();
        let file = written_beside(&path, &text(&name, &order));
        file.and_then(|file| Ok(file.persist_noclobber(&path)?))
    };
    written.map_err(|error| {
        let fact = format!("`{}` cannot be written: {error}", path.shown());
        EnvironmentError::new(fact, "free some space, or make the folder writable")
    })?;
    let lessons = lessons_option(common);
    out(&terminal::heading("created"));
    out(&format!("  {}\n", path.shown()));
    out(&terminal::heading("\nnext"));
    out(&format!("  redislings verify {}{lessons}\n", name.id));
    Ok(Exit::Passed)
}

/// An author begins with no folder. Returns whether it had to be made.
fn make_folder(folder: &Path) -> Result<bool, Stop> {
    if folder.exists() {
        return Ok(false);
    }
    std::fs::create_dir_all(folder).map(|()| true).map_err(|error| {
        let fact = format!("`{}` cannot be made: {error}", folder.shown());
        EnvironmentError::new(fact, "name another folder: `--lessons DIR`").into()
    })
}

/// The folder for the new lesson.
fn folder(common: &Common) -> Result<&Path, Stop> {
    match course::folder(common) {
        Some(path) if path.is_file() => Err(Stop::usage(
            format!("`{}` is a file, but a new lesson needs a folder", path.shown()),
            "name a folder of lessons: `--lessons DIR`",
        )),
        Some(path) => Ok(path),
        None => Err(Stop::usage(
            format!("there is no folder `{}` here for the new lesson", course::FOLDER),
            "`redislings init DIR` writes the built-in course to a folder; `--lessons DIR` names a \
             folder of yours",
        )),
    }
}

/// Lessons and exercises share their ids, so that `verify` can select by id.
fn ensure_unused(lessons: &[Lesson], name: &Name) -> Result<(), Stop> {
    for lesson in lessons {
        if lesson.id == name.id {
            return Err(in_use("a lesson", &name.id, lesson));
        }
        for exercise in lesson.steps.iter().filter_map(|step| step.exercise.as_ref()) {
            if exercise.id == name.id || exercise.id == name.exercise() {
                return Err(in_use("an exercise", &exercise.id, lesson));
            }
        }
    }
    Ok(())
}

fn in_use(what: &str, id: &str, lesson: &Lesson) -> Stop {
    let fact = format!("there already is {what} `{id}` in `{}`", lesson.path.shown());
    Stop::usage(fact, "choose another name")
}

/// The number after the last lesson's, with as many digits.
fn next_order(lessons: &[Lesson]) -> String {
    let orders = lessons.iter().filter_map(Lesson::order);
    let last = orders.filter_map(|digits| Some((digits.parse::<u64>().ok()?, digits.len()))).max();
    let (last, width) = last.unwrap_or((0, 2));
    format!("{:0width$}", last.saturating_add(1))
}

fn text(name: &Name, order: &str) -> String {
    TEMPLATE
        .replace("@NUMBER@", order.trim_start_matches('0'))
        .replace("@TITLE@", &name.title)
        .replace("@LESSON@", &name.id)
        .replace("@EXERCISE@", &name.exercise())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::parse::parse;

    fn named(text: &str) -> (String, String) {
        let Name { id, title } = Name::parse(text).unwrap();
        (id, title)
    }

    fn lessons(files: &[&str]) -> Vec<Lesson> {
        files.iter().filter_map(|file| parse(Path::new(file), "text".to_owned()).0).collect()
    }

    #[test]
    fn words_and_an_id_name_the_same_lesson() {
        let visits = ("counting-visits".to_owned(), "Counting visits".to_owned());
        assert_eq!(named("Counting  visits"), visits);
        assert_eq!(named("counting-visits"), visits);
        assert_eq!(named("The XADD command").1, "The XADD command");
    }

    #[test]
    fn a_name_that_is_not_a_file_name_everywhere_is_refused() {
        let long = "a".repeat(61);
        for text in ["", "-", "../up", "a/b", "5 things", "Zähler", "a\nb", "--help", &long] {
            assert_eq!(Name::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_number_is_the_next_one_with_as_many_digits() {
        for (files, order) in [
            (&["04-a.md"][..], "05"),
            (&["009-a.md", "010-b.md", "c.md"], "011"),
            (&["9-a.md"], "10"),
            (&["a.md"], "01"),
            (&[], "01"),
        ] {
            assert_eq!(next_order(&lessons(files)), order, "{files:?}");
        }
    }

    #[test]
    fn a_new_lesson_has_neither_errors_nor_warnings() {
        let text = text(&Name::parse("Counting visits").unwrap(), "05");
        let (lesson, problems) = parse(Path::new("05-counting-visits.md"), text);
        assert!(problems.is_empty(), "{problems:?}");
        let lesson = lesson.unwrap();
        assert_eq!(lesson.title, "Lesson 5: Counting visits");
        assert!(!lesson.source.contains('@'), "every word of the template is replaced");
    }
}
