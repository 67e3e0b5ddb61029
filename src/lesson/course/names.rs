//! What the names of files say: which of them are lessons, and in which order.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::super::parse::split_order;
use super::super::problem::Problem;
use crate::sanitize::ShownPath as _;

/// The endings of lessons; text files are lessons only where there are no others.
pub(super) const MARKDOWN: &[&str] = &["md", "markdown"];
pub(super) const TEXT: &[&str] = &["txt"];
const SETTINGS: &str = "course.toml";
const README: &str = "readme";

pub(super) fn is_settings(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name == SETTINGS)
}

/// The lessons with these endings: neither a README nor a hidden file.
pub(super) fn lessons_among(files: &[PathBuf], extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = files.to_vec();
    found.retain(|file| {
        let is_hidden = lossy(file.file_stem()).starts_with('.');
        !is_readme(file) && !is_hidden && extensions.contains(&&*extension(file))
    });
    in_reading_order(found)
}

pub(super) fn is_readme(file: &Path) -> bool {
    let extension = extension(file);
    let is_page = MARKDOWN.iter().chain(TEXT).any(|known| *known == extension);
    is_page && lossy(file.file_stem()).eq_ignore_ascii_case(README)
}

pub(super) fn extension(file: &Path) -> String {
    lossy(file.extension()).to_lowercase()
}

/// By number, then by name; files without a number come last.
pub(super) fn in_reading_order(mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    files.sort_by_cached_key(|file| {
        let stem = lossy(file.file_stem());
        let number = split_order(&stem).0.map(|digits| digits.parse().unwrap_or(u128::MAX));
        let name = lossy(file.file_name()).into_owned();
        (number.is_none(), number.unwrap_or_default(), natural(&name), name)
    });
    files
}

/// A part of a name: `unit-10` comes after `unit-2`.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum NamePart {
    Number(u128),
    Text(String),
}

fn natural(name: &str) -> Vec<NamePart> {
    let characters: Vec<char> = name.chars().collect();
    let parts = characters.chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit());
    let parts = parts.map(|part| part.iter().collect::<String>());
    parts.map(|part| part.parse().map_or(NamePart::Text(part), NamePart::Number)).collect()
}

pub(super) fn lossy(part: Option<&OsStr>) -> Cow<'_, str> {
    part.unwrap_or_default().to_string_lossy()
}

/// Whether a name begins with a number, as a lesson's does.
pub(super) fn is_numbered(name: Option<&OsStr>) -> bool {
    split_order(&lossy(name)).0.is_some()
}

/// The number in front of a file's name.
fn number(file: &Path) -> Option<u128> {
    let stem = lossy(file.file_stem());
    split_order(&stem).0.and_then(|digits| digits.parse().ok())
}

/// Warnings about files without a number beside others that have one, and about equal numbers.
pub(super) fn unordered(lessons: &[PathBuf]) -> Vec<Problem> {
    let mut warnings = Vec::new();
    let are_numbered = lessons.iter().any(|file| number(file).is_some());
    for (index, file) in lessons.iter().enumerate().filter(|_| are_numbered) {
        let earlier = lessons[..index].last().filter(|earlier| number(earlier) == number(file));
        let (message, help) = match (number(file), earlier) {
            (None, _) => {
                let help = "if it is no lesson, put it into another folder; else begin its name \
                            with a number, as in `05-name.md`";
                ("a file without a number is taken for a lesson, the last one".to_owned(), help)
            }
            (Some(number), Some(earlier)) => {
                let earlier = earlier.shown();
                let help = "give one of them another number";
                (format!("`{earlier}` has the number {number} too"), help)
            }
            _ => continue,
        };
        warnings.push(Problem::of_path(file, message, Some(help.to_owned())).into_warning());
    }
    warnings
}
