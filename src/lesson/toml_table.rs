//! TOML with the position of every value, read so that one mistake does not hide the next.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::block::BlockText;
use super::pattern::matches;
use super::problem::{Problems, suggestion};
use super::{Span, line_start};
use crate::sanitize::{clean, code_point, unsafe_characters};

/// A value and its span in the block.
pub type Value<'t> = Spanned<DeValue<'t>>;

/// A key and its value, with their spans in the block.
#[derive(Clone, Copy)]
pub struct Entry<'t> {
    pub key: &'t str,
    pub place: &'t Spanned<toml::de::DeString<'t>>,
    pub value: &'t Value<'t>,
}

impl Entry<'_> {
    pub fn key_span(&self) -> Span {
        self.place.span()
    }
}

/// The entries of a table in the order in which they are written.
pub fn entries<'t>(table: &'t DeTable<'t>) -> Vec<Entry<'t>> {
    let mut entries: Vec<Entry<'t>> =
        table.iter().map(|(place, value)| Entry { key: place.get_ref(), place, value }).collect();
    entries.sort_by_key(|entry| entry.place.span().start);
    entries
}

/// The entries of a table with these keys, in their order, and all others.
pub(super) fn split_fields<'t, const N: usize>(
    table: &'t DeTable<'t>,
    keys: [&str; N],
) -> ([Option<Entry<'t>>; N], Vec<Entry<'t>>) {
    let (known, others): (Vec<Entry<'t>>, Vec<Entry<'t>>) =
        entries(table).into_iter().partition(|entry| keys.contains(&entry.key));
    (keys.map(|key| known.iter().copied().find(|entry| entry.key == key)), others)
}

/// Reports what is wrong in one block of TOML.
pub struct Toml<'p> {
    block: &'p BlockText,
    problems: &'p mut Problems,
    /// The lines that are not TOML. What the parser recovered from them is not reported.
    broken_lines: Vec<Span>,
}

/// Whether a line is no TOML whatever is in front of it. One quote that is never closed breaks all
/// the lines behind it.
fn is_broken_alone(block: &BlockText, line: &Span) -> bool {
    let rest = &block.text()[line.start..];
    if !matches(r"(?s)\s*(\[|[A-Za-z0-9_-]+\s*=).*", rest) {
        return false;
    }
    let (_, errors) = DeTable::parse_recoverable(rest);
    errors.iter().any(|error| error.span().unwrap_or_default().start <= line.len())
}

impl<'p> Toml<'p> {
    /// Parses the block and reports the lines that are not TOML; the rest can be read.
    pub(super) fn parse(
        block: &'p BlockText,
        problems: &'p mut Problems,
    ) -> (DeTable<'p>, Toml<'p>) {
        let (table, mut errors) = DeTable::parse_recoverable(block.text());
        let mut toml = Toml { block, problems, broken_lines: Vec::new() };
        errors.sort_by_key(|error| error.span().unwrap_or_default().start);
        for error in errors {
            // The first error of a line explains the others.
            let span = error.span().unwrap_or_default();
            let line = toml.line_around(span.start);
            if toml.broken_lines.last() == Some(&line) {
                continue;
            }
            let before = toml.broken_lines.last().map_or(0, |broken| broken.end);
            let follows = before > 0 && block.text()[before..line.start].trim().is_empty();
            if !follows || error.message().contains("duplicate") || is_broken_alone(block, &line) {
                let message = format!("invalid TOML: {}", error.message());
                toml.problems.error(block.file_span(span), message, None);
            }
            toml.broken_lines.push(line);
        }
        (table.into_inner(), toml)
    }

    /// Whether all of the block was TOML.
    pub fn is_sound(&self) -> bool {
        self.broken_lines.is_empty()
    }

    /// Maps a span in the block to the file.
    pub fn file_span(&self, span: Span) -> Span {
        self.block.file_span(span)
    }

    /// The text of a span in the block.
    pub fn source(&self, span: Span) -> &str {
        self.block.text().get(span).unwrap_or_default()
    }

    pub fn error(&mut self, span: Span, message: impl Into<String>, help: Option<String>) {
        if !self.is_broken(&span) {
            self.problems.error(self.block.file_span(span), message, help);
        }
    }

    pub fn warning(&mut self, span: Span, message: impl Into<String>, help: Option<String>) {
        if !self.is_broken(&span) {
            self.problems.warning(self.block.file_span(span), message, help);
        }
    }

    /// Reports something missing, unless a line was not TOML: it may be in that line. `place` is a
    /// span in the file.
    pub fn missing(&mut self, place: Span, message: impl Into<String>, help: Option<String>) {
        if self.is_sound() {
            self.problems.error(place, message, help);
        }
    }

    /// Reports a key that `owner` does not have.
    pub fn unknown_key(&mut self, entry: Entry<'_>, owner: &str, known: &[&str]) {
        let help = suggestion(entry.key, known, "known keys:");
        self.error(entry.key_span(), format!("unknown key `{}` in {owner}", entry.key), Some(help));
    }

    /// Reports `` `exit` must be an integer, not a string ``.
    pub fn wrong_type(&mut self, key: &str, value: &Value<'_>, expected: &str) {
        let found = match value.get_ref().type_str() {
            "datetime" => "a date".to_owned(),
            vowel @ ("integer" | "array") => format!("an {vowel}"),
            other => format!("a {other}"),
        };
        self.error(value.span(), format!("`{key}` must be {expected}, not {found}"), None);
    }

    /// Reports that a table at `place`, a span in the file, lacks an entry.
    pub(super) fn require(
        &mut self,
        entry: Option<Entry<'_>>,
        place: &Span,
        message: &str,
        help: impl Into<String>,
    ) {
        if entry.is_none() {
            self.missing(place.clone(), message, Some(help.into()));
        }
    }

    /// The entries of a table with these keys, in their order. Reports any other key.
    pub(super) fn fields<'t, const N: usize>(
        &mut self,
        table: &'t DeTable<'t>,
        owner: &str,
        keys: [&str; N],
    ) -> [Option<Entry<'t>>; N] {
        let (fields, others) = split_fields(table, keys);
        for entry in others {
            self.unknown_key(entry, owner, &keys);
        }
        fields
    }

    /// The tables that are written `[[key]]`, each with its span in the file.
    pub(super) fn tables<'t>(&mut self, entry: Entry<'t>) -> Vec<(&'t DeTable<'t>, Span)> {
        let DeValue::Array(items) = entry.value.get_ref() else {
            self.wrong_type(entry.key, entry.value, &format!("written `[[{}]]`", entry.key));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::Table(table) => tables.push((table, self.file_span(item.span()))),
                _ => self.wrong_type(entry.key, item, "a table"),
            }
        }
        tables
    }

    /// The value of one of these words; `what` names them in the message.
    pub(super) fn choice<T: Copy>(
        &mut self,
        entry: Entry<'_>,
        what: &str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let word = self.string(entry)?;
        let chosen = choices.iter().find(|(name, _)| *name == word);
        if chosen.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            let help = suggestion(word, &names, "use");
            self.error(entry.value.span(), format!("unknown {what} `{word}`"), Some(help));
        }
        chosen.map(|(_, value)| *value)
    }

    /// A string that is not blank.
    pub fn string<'t>(&mut self, entry: Entry<'t>) -> Option<&'t str> {
        match entry.value.get_ref() {
            DeValue::String(text) if text.trim().is_empty() => {
                self.error(entry.value.span(), format!("`{}` is empty", entry.key), None);
                None
            }
            DeValue::String(text) => Some(text),
            _ => {
                self.wrong_type(entry.key, entry.value, "a string");
                None
            }
        }
    }

    /// A string for people, cleaned to one line: an escape in TOML can produce any character.
    pub fn prose(&mut self, entry: Entry<'_>) -> Option<String> {
        let text = self.string(entry)?;
        if let Some((_, c)) = unsafe_characters(text).next() {
            let what = format!("the control character {} in `{}`", code_point(c), entry.key);
            let help = Some("remove it".to_owned());
            self.warning(entry.value.span(), format!("{what} is replaced"), help);
        }
        Some(clean(text).into_owned())
    }

    pub(super) fn boolean(&mut self, entry: Entry<'_>) -> Option<bool> {
        let DeValue::Boolean(value) = entry.value.get_ref() else {
            self.wrong_type(entry.key, entry.value, "`true` or `false`");
            return None;
        };
        Some(*value)
    }

    /// An integer; `expected` describes what the caller accepts.
    pub fn integer(&mut self, entry: Entry<'_>, expected: &str) -> Option<i64> {
        let DeValue::Integer(value) = entry.value.get_ref() else {
            self.wrong_type(entry.key, entry.value, expected);
            return None;
        };
        let number = i64::from_str_radix(value.as_str(), value.radix()).ok();
        if number.is_none() {
            self.error(entry.value.span(), format!("the number {value} is too large"), None);
        }
        number
    }

    /// The entries of a table; reports an empty one.
    pub fn table<'t>(&mut self, entry: Entry<'t>, expected: &str) -> Vec<Entry<'t>> {
        let DeValue::Table(table) = entry.value.get_ref() else {
            self.wrong_type(entry.key, entry.value, expected);
            return Vec::new();
        };
        if table.is_empty() {
            self.error(entry.value.span(), format!("`{}` is empty", entry.key), None);
        }
        entries(table)
    }

    /// An array of strings, each with its span; `or_one` also allows a single string.
    pub fn strings<'t>(&mut self, entry: Entry<'t>, or_one: bool) -> Vec<(&'t str, Span)> {
        let expected =
            if or_one { "a string or an array of strings" } else { "an array of strings" };
        let items: Vec<&Value<'_>> = match entry.value.get_ref() {
            DeValue::String(_) if or_one => vec![entry.value],
            DeValue::Array(items) => items.iter().collect(),
            _ => {
                self.wrong_type(entry.key, entry.value, expected);
                return Vec::new();
            }
        };
        let mut strings = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::String(text) => strings.push((&**text, item.span())),
                _ => self.wrong_type(entry.key, item, expected),
            }
        }
        strings
    }

    fn is_broken(&self, span: &Span) -> bool {
        // The parser gives recovered values an empty span at the start.
        let is_recovered = !self.is_sound() && *span == (0..0);
        is_recovered || self.broken_lines.contains(&self.line_around(span.start))
    }

    fn line_around(&self, offset: usize) -> Span {
        let text = self.block.text();
        let offset = super::problem::clamp(offset..offset, text).start;
        let end = text[offset..].find('\n').map_or(text.len(), |newline| offset + newline);
        line_start(text, offset)..end
    }
}
