//! Expected values that several kinds of checks use, and how they are read from TOML.

use std::fmt;

use toml::de::DeValue;

use crate::lesson::Span;
use crate::lesson::problem::did_you_mean;
use crate::lesson::toml_table::{Entry, Toml};
use crate::redis_cli::words;

const COMPARISON: &str = "a number or a comparison such as \">= 1\"";

/// A number or a comparison written as a string: `1`, `">= 1"`, `"< 10"`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    pub relation: Relation,
    pub number: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The number alone, or `"= 1"`.
    Is,
    /// `"!= 1"`.
    IsNot,
    /// `">= 1"`.
    AtLeast,
    /// `"> 1"`.
    MoreThan,
    /// `"<= 1"`.
    AtMost,
    /// `"< 1"`.
    LessThan,
}

/// Each sign, and the words before the number in a sentence; a sign that begins like another one
/// comes first.
const RELATIONS: [(&str, Relation, &str); 6] = [
    (">=", Relation::AtLeast, "at least "),
    ("<=", Relation::AtMost, "at most "),
    ("!=", Relation::IsNot, "not "),
    (">", Relation::MoreThan, "more than "),
    ("<", Relation::LessThan, "less than "),
    ("=", Relation::Is, ""),
];

impl Relation {
    /// The words before the number in a sentence, with a trailing space.
    pub fn words(self) -> &'static str {
        let row = RELATIONS.iter().find(|(_, relation, _)| *relation == self);
        row.map_or("", |(.., words)| words)
    }

    /// Splits a comparison into its sign and the rest; no sign is [`Relation::Is`].
    pub fn split(text: &str) -> (Self, &str) {
        let text = text.trim();
        for (sign, relation, _) in RELATIONS {
            if let Some(rest) = text.strip_prefix(sign) {
                return (relation, rest.trim());
            }
        }
        (Self::Is, text)
    }

    pub fn holds<T: PartialOrd>(self, found: T, limit: T) -> bool {
        match self {
            Self::Is => found == limit,
            Self::IsNot => found != limit,
            Self::AtLeast => found >= limit,
            Self::MoreThan => found > limit,
            Self::AtMost => found <= limit,
            Self::LessThan => found < limit,
        }
    }
}

impl Comparison {
    pub fn is(number: f64) -> Self {
        Self { relation: Relation::Is, number }
    }

    /// Reads `1`, `>= 1`, `< 0.5`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (relation, number) = Relation::split(text);
        let number: f64 = number.parse().ok()?;
        number.is_finite().then_some(Self { relation, number })
    }

    pub fn holds(self, found: f64) -> bool {
        self.relation.holds(found, self.number)
    }

    /// In a sentence about how often something happens: `never`, `at least once`, `2 times`.
    pub fn in_times(self) -> String {
        match (self.relation, self.number) {
            (Relation::Is, 0.0) => "never".to_owned(),
            (relation, 1.0) => format!("{}once", relation.words()),
            _ => format!("{self} times"),
        }
    }

    /// Whether it holds for this counter.
    pub fn holds_for(self, count: i64) -> bool {
        self.holds(float(count))
    }
}

impl Comparison {
    /// Whether it holds neither for this counter nor for any higher one.
    pub fn is_exceeded_by(self, count: i64) -> bool {
        let count = float(count);
        match self.relation {
            Relation::Is | Relation::AtMost => count > self.number,
            Relation::LessThan => count >= self.number,
            Relation::IsNot | Relation::AtLeast | Relation::MoreThan => false,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.relation.words(), self.number)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counters stay far below 2^53")]
fn float(number: i64) -> f64 {
    number as f64
}

/// Whether the text looks like a comparison.
pub(super) fn begins_with_a_sign(text: &str) -> bool {
    text.trim_start().starts_with(['<', '>', '=', '!'])
}

/// The beginning of a command line: `SET`, `SET order:1001`, `CONFIG SET`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandStart(pub Vec<Vec<u8>>);

impl AsRef<[Vec<u8>]> for CommandStart {
    fn as_ref(&self) -> &[Vec<u8>] {
        &self.0
    }
}

impl fmt::Display for CommandStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&words::join(&self.0))
    }
}

/// Reads every entry of a table, to report every problem; `None` if one of them has a problem.
pub fn each<T>(
    toml: &mut Toml<'_>,
    entry: Entry<'_>,
    example: &str,
    read: impl Fn(&mut Toml<'_>, Entry<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    let entries = toml.table(entry, &format!("a table such as `{example}`"));
    let values: Vec<Option<T>> = entries.into_iter().map(|entry| read(toml, entry)).collect();
    values.into_iter().collect::<Option<Vec<T>>>().filter(|values| !values.is_empty())
}

/// Reads every string of an array, which must not be empty; `None` if one of them has a problem.
pub fn each_string<T>(
    toml: &mut Toml<'_>,
    entry: Entry<'_>,
    or_one: bool,
    read: impl Fn(&mut Toml<'_>, &str, Span) -> Option<T>,
) -> Option<Vec<T>> {
    let strings = toml.strings(entry, or_one);
    let count = match entry.value.get_ref() {
        DeValue::Array(items) => items.len(),
        _ => 1,
    };
    if count == 0 {
        toml.error(entry.value.span(), format!("`{}` is empty", entry.key), None);
    }
    let values: Vec<T> =
        strings.into_iter().filter_map(|(text, span)| read(toml, text, span)).collect();
    (values.len() == count && count > 0).then_some(values)
}

/// One of these words, or `None` after a report with `help`.
pub fn word<'t>(
    toml: &mut Toml<'_>,
    entry: Entry<'t>,
    words: &[&str],
    help: &str,
) -> Option<&'t str> {
    let word = toml.string(entry)?;
    if words.contains(&word) {
        return Some(word);
    }
    let help = did_you_mean(word, words.iter().copied()).or_else(|| Some(help.to_owned()));
    toml.error(entry.value.span(), format!("`{}` cannot be `{word}`", entry.key), help);
    None
}

/// The words of a command line.
pub fn command(toml: &mut Toml<'_>, line: &str, span: Span) -> Option<Vec<Vec<u8>>> {
    let words = words::split(line);
    words
        .map_err(|error| {
            toml.error(span, format!("redis-cli refuses this line: {error}"), None);
        })
        .ok()
}

/// A number, or a string with a number or a comparison.
pub(super) fn comparison(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Comparison> {
    let comparison = match entry.value.get_ref() {
        DeValue::Integer(_) => return integer_as_f64(toml, entry).map(Comparison::is),
        DeValue::String(text) => Comparison::parse(text),
        _ => {
            toml.wrong_type(entry.key, entry.value, COMPARISON);
            return None;
        }
    };
    if comparison.is_none() {
        not_a_comparison(toml, entry);
    }
    comparison
}

pub(super) fn not_a_comparison(toml: &mut Toml<'_>, entry: Entry<'_>) {
    let help = Some("write `1`, \">= 1\", \"> 1\", \"<= 1\", \"< 1\" or \"!= 1\"".to_owned());
    toml.error(entry.value.span(), format!("`{}` needs a number or a comparison", entry.key), help);
}

pub(super) fn integer_as_f64(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<f64> {
    toml.integer(entry, "a number").and_then(|number| number.to_string().parse().ok())
}
