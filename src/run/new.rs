//! `redislings new`: a lesson that holds as it is, for its author to change.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use super::course::{self, Place};
use super::output::out;
use super::shell::lessons_option;
use super::{Exit, Stop, load};
use crate::cleanup;
use crate::cli::Common;
use crate::error::WorldError;
use crate::lesson::Lesson;
use crate::lesson::course::has_no_lessons;
use crate::present::terminal;
use crate::private;
use crate::sanitize::ShownPath as _;

/// With `@NUMBER@`, `@TITLE@`, `@LESSON@` and `@EXERCISE@` where the lesson's own words belong.
const TEMPLATE: &str = include_str!("new/lesson.md");
/// So that file names, and lines of `verify`, stay readable.
const LONGEST_ID: usize = 60;

/// What a lesson is called.
#[derive(Debug, PartialEq, Eq)]
struct Name {
    /// In its file's name: `counting-visits`.
    id: String,
    /// In its heading: `Counting visits`.
    title: String,
}

impl Name {
    /// From words or an id; `None` where no file can have that name on every machine.
    fn parse(text: &str) -> Option<Self> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == ' ' || c == '-';
        let text = text.trim();
        if !text.starts_with(|c: char| c.is_ascii_alphabetic()) || !text.chars().all(is_plain) {
            return None;
        }
        let words: Vec<&str> = text.split([' ', '-']).filter(|word| !word.is_empty()).collect();
        let id = words.join("-").to_ascii_lowercase();
        let title = if text == id { sentence(&words.join(" ")) } else { collapsed(text) };
        (id.len() <= LONGEST_ID).then_some(Self { id, title })
    }

    /// Of the one exercise that the lesson begins with.
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
        let help = "take letters of a to z, digits, spaces and `-`, a letter first and not more than \
                    60; the heading in the file may say anything";
        Stop::Usage(format!("`{lesson}` cannot be the name of a lesson"), help.to_owned())
    })?;
    // A course may begin with this very lesson.
    let lessons = if has_no_lessons(folder) { Vec::new() } else { load(common)?.lessons };
    refuse_a_taken_id(&lessons, &name)?;
    let order = next_order(&lessons);
    let path = folder.join(format!("{order}-{}.md", name.id));
    write_new(&path, &text(&name, &order)).map_err(|error| {
        let fact = format!("`{}` cannot be written: {error}", path.shown());
        WorldError::new(fact, "free some space, or make the folder writable")
    })?;
    let lessons = lessons_option(common).map_or_else(String::new, |option| format!(" {option}"));
    out(&terminal::heading("made"));
    out(&format!("  {}\n", path.shown()));
    out(&terminal::heading("\ngo on with"));
    out(&format!("  redislings verify {}{lessons}\n", name.id));
    Ok(Exit::Passed)
}

/// Where the lesson goes.
fn folder(common: &Common) -> Result<&Path, Stop> {
    match Place::of(common) {
        Place::Given(path) if path.is_file() => Err(Stop::Usage(
            format!("`{}` is a file, and a lesson goes into a folder", path.shown()),
            "name a folder of lessons: `--lessons DIR`".to_owned(),
        )),
        Place::Given(path) => Ok(path),
        Place::BuiltIn => Err(Stop::Usage(
            format!("there is no folder `{}` here to put a lesson into", course::FOLDER),
            "`redislings init DIR` writes the built-in course out; `--lessons DIR` names a folder of \
             yours"
                .to_owned(),
        )),
    }
}

/// An id names one thing only, here and for `verify`.
fn refuse_a_taken_id(lessons: &[Lesson], name: &Name) -> Result<(), Stop> {
    let refuse = |what: &str, id: &str, lesson: &Lesson| {
        let fact = format!("there is {what} `{id}` already, in `{}`", lesson.path.shown());
        Err(Stop::Usage(fact, "choose another name".to_owned()))
    };
    for lesson in lessons {
        if lesson.id == name.id {
            return refuse("a lesson", &name.id, lesson);
        }
        for exercise in lesson.steps.iter().filter_map(|step| step.exercise.as_ref()) {
            if exercise.id == name.id || exercise.id == name.exercise() {
                return refuse("an exercise", &exercise.id, lesson);
            }
        }
    }
    Ok(())
}

/// One more than the last lesson's number, with as many digits.
fn next_order(lessons: &[Lesson]) -> String {
    let number = |digits: &str| Some((digits.parse::<u64>().ok()?, digits.len()));
    let last = lessons.iter().filter_map(Lesson::order).filter_map(number).max();
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

/// Whole or not at all, and never over another file.
fn write_new(path: &Path, text: &str) -> io::Result<()> {
    // Ctrl-C waits until all is there or nothing.
    let _creating = cleanup::creating();
    let mut file = private::open_shared(OpenOptions::new().write(true).create_new(true), path)?;
    file.write_all(text.as_bytes()).inspect_err(|_| {
        let _ = fs::remove_file(path);
    })
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
    fn a_name_that_is_no_file_name_everywhere_is_none() {
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
