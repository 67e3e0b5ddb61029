//! `stdout = "text"`: what the program printed.

use std::borrow::Cow;
use std::sync::Arc;

use toml::de::DeValue;

use super::expected::{Expected, Extra};
use super::{Kind, Scope, Seen, Subject};
use crate::attempt::evidence::{Evidence, Run};
use crate::lesson::Check;
use crate::lesson::pattern::{captures, of_lines};
use crate::lesson::toml_table::{Entry, Toml};
use crate::lesson::words::RandomWords;
use crate::verdict::diagnosis::{Facts, Symptom, symptom};

pub const KIND: Kind = Kind {
    key: "stdout",
    rows: &[
        (
            "`stdout = \"text\"`",
            "the program printed these lines, or a line with such a number, see [Expected \
             values](#expected-values)",
        ),
        (
            "`stdout = { matches = \"regex\" }`",
            "the regular expression is found in what the program printed",
        ),
    ],
    read: |toml, entry| Some(Arc::new(read(toml, entry)?)),
};

/// What the program must print: consecutive lines, a number on a line of its own, or something that
/// matches a regex.
#[derive(Debug)]
struct Stdout(Expected);

impl Stdout {
    fn in_words(&self) -> String {
        match &self.0 {
            Expected::Text(text) | Expected::Exact(text) => {
                format!("`{}`", text.trim().lines().collect::<Vec<_>>().join(" ⏎ "))
            }
            Expected::Numbers(_) => format!("a line that is a number, {}", self.0),
            Expected::Regex(_) | Expected::Replied(_) => self.0.to_string(),
        }
    }

    fn is_in(&self, printed: &str) -> bool {
        match &self.0 {
            Expected::Text(text) if self.0.exact().is_none() => has_lines_like(printed, text),
            Expected::Text(text) | Expected::Exact(text) => has_lines(printed, text),
            Expected::Numbers(_) => {
                printed.lines().any(|line| self.0.is_met_by_text(&plain_line(line)))
            }
            Expected::Regex(regex) => regex.is_found_in(printed),
            Expected::Replied(_) => false,
        }
    }
}

impl Subject for Stdout {
    fn texts(&self) -> Vec<&str> {
        self.0.text().into_iter().collect()
    }

    fn with_words(&self, words: &RandomWords) -> Option<Arc<dyn Subject>> {
        Some(Arc::new(Self(self.0.with_words(words))))
    }

    fn sentence(&self) -> String {
        format!("the program prints {}", self.in_words())
    }

    fn scope(&self) -> Scope {
        Scope::Program
    }

    fn judge(&self, evidence: &Evidence) -> Option<Seen> {
        let Run::Program(program) = &evidence.run else {
            return Some(Seen { met: true, expected: String::new(), found: String::new() });
        };
        let printed = &program.stdout.text;
        let met = self.is_in(printed);
        let found = match printed.trim() {
            "" => "it printed nothing".to_owned(),
            text if met => format!("it printed {}", quoted(text)),
            text => format!("it printed {}{}", quoted(text), omitted(program.stdout.omitted)),
        };
        Some(Seen { met, expected: format!("it prints {}", self.in_words()), found })
    }

    fn symptoms(&self, _check: &Check, _facts: &Facts<'_>) -> Vec<Symptom> {
        vec![symptom::NOT_PRINTED]
    }
}

fn read(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Stdout> {
    if let DeValue::String(_) = entry.value.get_ref() {
        // An empty text would be in every output.
        toml.string(entry)?;
    }
    Expected::read(toml, entry, Extra::Nothing).map(Stdout)
}

/// The same for a text in which `...` stands for anything.
fn has_lines_like(printed: &str, text: &str) -> bool {
    let lines: Vec<Cow<'_, str>> = text.trim().lines().map(plain_line).collect();
    let pattern = format!(r"(?m)^([^A-Za-z0-9\n]*?)(?:{})$", of_lines(&lines.join("\n")));
    let printed: Vec<Cow<'_, str>> = printed.trim().lines().map(plain_line).collect();
    let printed = printed.join("\n");
    let found = captures(&pattern, &printed);
    // A progress display may stand in front of the first line, but no letters of any script.
    found.is_some_and(|found| !found[1].contains(char::is_alphanumeric))
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
