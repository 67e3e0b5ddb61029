//! `stdout = "text"`: what the program printed.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use regex_lite::Regex;
use toml::de::DeValue;

use super::{Kind, Scope, Seen, Subject};
use crate::attempt::evidence::{Evidence, Run};
use crate::lesson::Check;
use crate::lesson::toml_table::{Entry, Toml, Value, entries};
use crate::verdict::diagnosis::{Facts, Symptom, symptom};

pub const KIND: Kind = Kind {
    key: "stdout",
    rows: &[
        ("`stdout = \"text\"`", "the program printed these lines"),
        (
            "`stdout = { matches = \"regex\" }`",
            "the regular expression is found in what the program printed",
        ),
    ],
    read: |toml, entry| Some(Arc::new(read(toml, entry)?)),
};

/// What the program must print.
#[derive(Debug)]
enum Stdout {
    /// These consecutive lines; white space at their ends is ignored.
    Lines(String),
    /// `{ matches = "regex" }`, found anywhere in the output.
    Regex(Regex),
}

impl fmt::Display for Stdout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lines(text) => write!(f, "`{text}`"),
            Self::Regex(regex) => write!(f, "something that matches `{regex}`"),
        }
    }
}

impl Subject for Stdout {
    fn sentence(&self) -> String {
        format!("the program prints {self}")
    }

    fn scope(&self) -> Scope {
        Scope::Program
    }

    fn judge(&self, evidence: &Evidence) -> Option<Seen> {
        let Run::Program(program) = &evidence.run else {
            return Some(Seen { met: true, expected: String::new(), found: String::new() });
        };
        let printed = &program.stdout.text;
        let met = match self {
            Self::Lines(text) => has_lines(printed, text),
            Self::Regex(regex) => regex.is_match(printed),
        };
        let found = match printed.trim() {
            "" => "it printed nothing".to_owned(),
            text if met => format!("it printed {}", quoted(text)),
            text => format!("it printed {}{}", quoted(text), omitted(program.stdout.omitted)),
        };
        Some(Seen { met, expected: format!("it prints {self}"), found })
    }

    fn symptoms(&self, _check: &Check, _facts: &Facts<'_>) -> Vec<Symptom> {
        vec![symptom::NOT_PRINTED]
    }
}

fn read(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Stdout> {
    match entry.value.get_ref() {
        DeValue::String(_) => toml.string(entry).map(|text| Stdout::Lines(text.to_owned())),
        DeValue::Table(table) if !table.is_empty() => {
            let mut found = None;
            for entry in entries(table) {
                if entry.key == "matches" {
                    found = toml.string(entry).and_then(|text| regex(toml, entry.value, text));
                } else {
                    toml.unknown_key(entry, "`stdout`", &["matches"]);
                }
            }
            found.map(Stdout::Regex)
        }
        _ => {
            toml.wrong_type(entry.key, entry.value, "a string or `{ matches = \"regex\" }`");
            None
        }
    }
}

fn regex(toml: &mut Toml<'_>, value: &Value<'_>, text: &str) -> Option<Regex> {
    Regex::new(text)
        .map_err(|error| toml.error(value.span(), format!("invalid regex: {error}"), None))
        .ok()
}

/// Whether `printed` contains the lines of `text` one after another. White space around a line,
/// colours, and what a progress display left in front of the first line (dots, a carriage return)
/// do not matter.
fn has_lines(printed: &str, text: &str) -> bool {
    let mut wanted = text.trim().lines().map(plain_line);
    let Some(first) = wanted.next() else { return true };
    let rest: Vec<_> = wanted.collect();
    let mut lines = printed.trim().lines();
    while let Some(line) = lines.next() {
        let line = plain_line(line);
        let progress = line.strip_suffix(first.as_ref());
        if progress.is_some_and(|before| !before.contains(char::is_alphanumeric))
            && lines.clone().map(plain_line).take(rest.len()).eq(rest.iter().cloned())
        {
            return true;
        }
    }
    false
}

/// A line as a terminal shows it: without colours, and only what follows the last carriage return.
fn plain_line(line: &str) -> Cow<'_, str> {
    // There may be millions of lines, so most are not copied.
    if !line.contains(['\u{1b}', '\r']) {
        return Cow::Borrowed(line.trim());
    }
    let mut plain = String::new();
    let mut rest = line.trim();
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        rest = rest.get(1..).unwrap_or_default();
    }
    plain.push_str(rest);
    Cow::Owned(plain.rsplit('\r').next().unwrap_or_default().trim().to_owned())
}

/// The last three lines at most, and at most 160 characters.
pub fn quoted(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().rev().take(4).collect();
    let is_longer = lines.len() > 3;
    lines.truncate(3);
    lines.reverse();
    let shown = lines.join(" ⏎ ");
    let start = shown.char_indices().rev().nth(159).map_or(0, |(index, _)| index);
    let cut = if start > 0 || is_longer { "…" } else { "" };
    format!("{cut}`{}`", &shown[start..])
}

fn omitted(bytes: u64) -> String {
    if bytes == 0 { String::new() } else { format!(" ({bytes} bytes in the middle were not kept)") }
}
