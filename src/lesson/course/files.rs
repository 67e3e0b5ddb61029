//! Finds the files of a course and reads their text.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::super::parse::split_order;
use super::super::problem::{Problem, Problems, Severity};
use crate::sanitize::{self, ShownPath as _, clean_lines, code_point};

const SETTINGS: &str = "course.toml";
const README: &str = "readme";
const LARGEST: u64 = 4 * 1024 * 1024;
const GIVE_FOLDER: &str = "give the folder with the lessons: `--lessons DIR`";

/// A file and its text.
pub(super) type Text = (PathBuf, String);

/// The files of a course: their paths, or their texts.
#[derive(Debug)]
pub(super) struct Files<F> {
    /// In reading order.
    pub(super) lessons: Vec<F>,
    /// `course.toml`, if there is one.
    pub(super) settings: Option<F>,
    /// What could not be read.
    pub(super) problems: Vec<Problem>,
}

/// Reads the files that [`find`] finds.
pub(super) fn read_all(path: &Path) -> Result<Files<Text>, Problem> {
    let Files { lessons: files, settings, mut problems } = find(path)?;
    problems.extend(files.iter().filter_map(|file| unsafe_name(file)));
    let settings = settings.and_then(|file| read_clean(file, &mut problems));
    let mut lessons = Vec::new();
    for file in files {
        lessons.extend(read_clean(file, &mut problems));
    }
    Ok(Files { lessons, settings, problems })
}

fn read_clean(file: PathBuf, problems: &mut Vec<Problem>) -> Option<Text> {
    let text = read(&file).map_err(|problem| problems.push(problem)).ok()?;
    let text = cleaned(&file, text, problems);
    Some((file, text))
}

/// The name is the lesson's id, which appears in commands, reports and the student's progress.
fn unsafe_name(file: &Path) -> Option<Problem> {
    let name = file.file_name()?.to_string_lossy();
    let found = name.chars().find(|c| sanitize::is_unsafe(*c))?;
    let message = format!("the file name contains the control character {}", code_point(found));
    let help = "rename it, as in `01-strings.md`".to_owned();
    Some(Problem::of_path(file, message, Some(help)))
}

/// Replaces the control characters of a terminal and warns at the first of them. Spans refer to the
/// cleaned text.
fn cleaned(path: &Path, text: String, problems: &mut Vec<Problem>) -> String {
    let Some((at, first)) = sanitize::unsafe_characters(&text).next() else { return text };
    let more = sanitize::unsafe_characters(&text).count() - 1;
    let mut message = format!("the control character {} is replaced", code_point(first));
    if more > 0 {
        message = format!("{message}, and {more} more like it in this file");
    }
    let help = "remove it; where code needs it, write an escape such as `\\x1b`".to_owned();
    let text = clean_lines(&text).into_owned();
    let mut of_file = Problems::new(path, &text);
    of_file.warning(at..at + char::REPLACEMENT_CHARACTER.len_utf8(), message, Some(help));
    problems.extend(of_file.into_sorted());
    text
}

/// Finds the files of a folder; any other path is a lesson.
pub(super) fn find(path: &Path) -> Result<Files<PathBuf>, Problem> {
    let metadata = fs::metadata(path).map_err(|error| {
        let help = (error.kind() == ErrorKind::NotFound).then(|| GIVE_FOLDER.to_owned());
        unreadable(path, &error, help)
    })?;
    if !metadata.is_dir() {
        let lessons = vec![path.to_owned()];
        return Ok(Files { lessons, settings: None, problems: Vec::new() });
    }
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| unreadable(path, &error, None))? {
        match entry {
            Ok(entry) => files.push(path.join(entry.file_name())),
            Err(error) => problems.push(unreadable(path, &error, None)),
        }
    }
    let lessons = lessons_among(&files);
    if lessons.is_empty() {
        let help = "a lesson is a file such as `01-strings.md`; choose another folder with \
                    `--lessons DIR`";
        problems.push(Problem::of_path(path, "the folder has no lessons", Some(help.to_owned())));
    }
    problems.extend(unordered(&lessons));
    let settings = files.into_iter().find(|file| is_settings(file));
    Ok(Files { lessons, settings, problems })
}

/// The number in front of a file's name.
fn number(file: &Path) -> Option<u128> {
    let stem = lossy(file.file_stem());
    split_order(&stem).0.and_then(|digits| digits.parse().ok())
}

/// Warnings about files without a number beside others that have one, and about equal numbers.
fn unordered(lessons: &[PathBuf]) -> Vec<Problem> {
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
        let problem = Problem::of_path(file, message, Some(help.to_owned()));
        warnings.push(Problem { severity: Severity::Warning, ..problem });
    }
    warnings
}

pub(super) fn is_settings(file: &Path) -> bool {
    file.file_name().is_some_and(|name| name == SETTINGS)
}

/// Markdown files or, if there are none, text files, which are read as markdown.
pub(super) fn lessons_among(files: &[PathBuf]) -> Vec<PathBuf> {
    let mut lessons = with_extension(files, &["md", "markdown"]);
    if lessons.is_empty() {
        lessons = with_extension(files, &["txt"]);
    }
    lessons.sort_by_cached_key(|file| reading_order(file));
    lessons
}

/// Neither a README nor a hidden file.
fn with_extension(files: &[PathBuf], extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = files.to_vec();
    found.retain(|file| {
        let stem = lossy(file.file_stem()).to_lowercase();
        let extension = lossy(file.extension()).to_lowercase();
        stem != README && !stem.starts_with('.') && extensions.contains(&extension.as_str())
    });
    found
}

/// By number, then by name; files without a number come last.
fn reading_order(file: &Path) -> (bool, u128, String) {
    let stem = lossy(file.file_stem());
    let number = split_order(&stem).0.map(|digits| digits.parse().unwrap_or(u128::MAX));
    (number.is_none(), number.unwrap_or_default(), lossy(file.file_name()).into_owned())
}

fn lossy(part: Option<&OsStr>) -> Cow<'_, str> {
    part.unwrap_or_default().to_string_lossy()
}

fn read(path: &Path) -> Result<String, Problem> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error, None))?;
    if metadata.is_dir() {
        let help = Some("give it another name".to_owned());
        return Err(Problem::of_path(path, "a folder, not a lesson", help));
    }
    if !metadata.is_file() {
        return Err(Problem::of_path(path, "not a regular file", None));
    }
    let mut bytes = Vec::new();
    // Do not trust the length: a file may grow, and some files report 0.
    File::open(path)
        .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| unreadable(path, &error, None))?;
    if bytes.len() as u64 > LARGEST {
        let help = Some("the largest lesson is 4 MiB".to_owned());
        return Err(Problem::of_path(path, "the file is too large", help));
    }
    String::from_utf8(bytes)
        .map_err(|error| not_utf8(path, error.as_bytes(), error.utf8_error().valid_up_to()))
}

fn not_utf8(path: &Path, bytes: &[u8], offset: usize) -> Problem {
    let message = format!("not UTF-8: the byte 0x{:02x} at offset {offset}", bytes[offset]);
    let problem = Problem::of_path(path, message, Some("save the file as UTF-8".to_owned()));
    let (good, rest) = bytes.split_at(offset);
    let good = clean_lines(&String::from_utf8_lossy(good)).into_owned();
    let offset = good.len();
    let source = good + &clean_lines(&String::from_utf8_lossy(rest));
    Problem { source: source.into(), span: Some(offset..offset), ..problem }
}

fn unreadable(path: &Path, error: &io::Error, help: Option<String>) -> Problem {
    let message = match error.kind() {
        ErrorKind::NotFound => "no such file or folder".to_owned(),
        ErrorKind::PermissionDenied => "no permission to read it".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    Problem::of_path(path, message, help)
}
