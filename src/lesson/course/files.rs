//! Finds the files of a course and reads their text.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

use super::super::parse::lone_carriage_return;
use super::super::problem::{Problem, Problems};
use super::elsewhere::{self, Below};
use super::names::{MARKDOWN, TEXT, is_settings, lessons_among, unordered};
use crate::sanitize::{self, clean_lines, code_point};

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
    let bytes = read(&file).map_err(|problem| problems.push(problem)).ok()?;
    let decoded = decode(bytes).map_err(|error| problems.push(not_utf8(&file, &error))).ok()?;
    problems.extend(decoded.warnings(&file));
    let text = cleaned(&file, decoded.text, problems);
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
    let below = Below::of(path);
    let mut lessons = lessons_among(&files, MARKDOWN);
    if lessons.is_empty() && below.is_empty() {
        lessons = lessons_among(&files, TEXT);
    }
    if lessons.is_empty() {
        let help = if below.is_empty() {
            "a lesson is a file such as `01-strings.md`; choose another folder with `--lessons DIR`"
                .to_owned()
        } else {
            below.help(path)
        };
        problems.push(Problem::of_path(path, "the folder has no lessons", Some(help)));
    } else {
        problems.extend(below.warning(path));
    }
    problems.extend(elsewhere::misnamed(&files, &lessons));
    problems.extend(unordered(&lessons));
    let settings = files.into_iter().find(|file| is_settings(file));
    Ok(Files { lessons, settings, problems })
}

fn read(path: &Path) -> Result<Vec<u8>, Problem> {
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
    Ok(bytes)
}

/// The text of a file, and where it is not that of the file.
struct Decoded {
    text: String,
    oddity: Option<Oddity>,
}

enum Oddity {
    Utf16,
    /// Where the first one ends a line of the text.
    LoneCarriageReturn(usize),
}

/// The text of a file as it is loaded, but for control characters.
pub fn decoded(bytes: Vec<u8>) -> Result<String, FromUtf8Error> {
    decode(bytes).map(|decoded| decoded.text)
}

/// UTF-16 is known by its mark. A carriage return without a line feed ends a line in markdown, but
/// not in editors: every later position would be reported wrongly.
fn decode(bytes: Vec<u8>) -> Result<Decoded, FromUtf8Error> {
    let (text, is_utf16) = match utf16(&bytes) {
        Some(text) => (text, true),
        None => (String::from_utf8(bytes)?, false),
    };
    let utf16 = is_utf16.then_some(Oddity::Utf16);
    let Some(at) = lone_carriage_return(&text) else { return Ok(Decoded { text, oddity: utf16 }) };
    let at = at - text[..at].matches("\r\n").count();
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    Ok(Decoded { text, oddity: utf16.or(Some(Oddity::LoneCarriageReturn(at))) })
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let unit: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
    String::from_utf16(&units).ok()
}

impl Decoded {
    fn warnings(&self, path: &Path) -> Vec<Problem> {
        let (at, message, help) = match self.oddity {
            None => return Vec::new(),
            Some(Oddity::Utf16) => (0, "the file is UTF-16", "save the file as UTF-8"),
            Some(Oddity::LoneCarriageReturn(at)) => {
                let message = "a carriage return without a line feed is read as the end of a line";
                (at, message, "save the file with Unix line endings")
            }
        };
        let mut problems = Problems::new(path, &self.text);
        problems.warning(at..at, message, Some(help.to_owned()));
        problems.into_sorted()
    }
}

fn not_utf8(path: &Path, error: &FromUtf8Error) -> Problem {
    let (bytes, offset) = (error.as_bytes(), error.utf8_error().valid_up_to());
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
