//! What a check expects of a text: one language for every kind that compares a reply, a setting, a
//! field or an output.

use std::fmt;

use regex_lite::Regex;
use toml::de::DeValue;

use super::values::{Comparison, begins_with_a_sign, command, integer_as_f64};
use crate::checks::values::CommandStart;
use crate::lesson::pattern::{are_lines_like, matches};
use crate::lesson::toml_table::{Entry, Toml, Value, entries};
use crate::lesson::words::{self, RandomWords};
use crate::redis_cli::reply::Printed;
use crate::relay::{LastReply, Timeline};

/// From here on, not every integer has a number of its own in a comparison.
const TOO_LARGE: f64 = 9_007_199_254_740_992.0;
const TABLES: &str = "{ matches = \"regex\" }";
/// Stands for anything in a text.
const DOTS: &str = "...";

/// What is expected.
#[derive(Debug, Clone)]
pub enum Expected {
    /// This text, in which `...` stands for anything.
    Text(String),
    /// `{ text = "…" }`: exactly this text.
    Exact(String),
    /// Each of these comparisons.
    Numbers(Vec<Comparison>),
    /// `{ matches = "regex" }`: found in the text.
    Regex(Pattern),
    /// `{ replied = "PUBLISH orders" }`: what the answer's last such command was answered.
    Replied(CommandStart),
}

/// A regular expression, as it is written and for use.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: String,
    regex: Regex,
}

impl Pattern {
    /// Words in it do not matter to whether it is a regex.
    fn new(source: &str) -> Result<Self, regex_lite::Error> {
        let regex = Regex::new(&words::sample(source))?;
        Ok(Self { source: source.to_owned(), regex })
    }

    fn with_words(&self, words: &RandomWords) -> Self {
        let source = words::put(&self.source, words);
        Self::new(&source).unwrap_or_else(|_| self.clone())
    }

    pub fn is_found_in(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Whether it is about errors: any other does not match one by chance.
    fn is_about_errors(&self) -> bool {
        self.source.to_lowercase().contains("error")
    }
}

/// What a kind of check may expect besides text, numbers and regexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    Nothing,
    /// A boolean is text, and `{ replied = "…" }` is known.
    OfReplies,
}

impl Expected {
    /// Reads a value and reports what is wrong with it.
    pub(super) fn read(toml: &mut Toml<'_>, entry: Entry<'_>, extra: Extra) -> Option<Self> {
        match entry.value.get_ref() {
            DeValue::String(text) => Self::of_text(toml, entry.value, text),
            DeValue::Integer(_) => {
                toml.integer(entry, "").map(|number| Self::Text(number.to_string()))
            }
            DeValue::Float(number) => number_of(toml, entry.value, number.as_str()),
            DeValue::Boolean(value) if extra == Extra::OfReplies => {
                Some(Self::Text(value.to_string()))
            }
            DeValue::Array(items) if !items.is_empty() => {
                let all: Vec<_> = items.iter().map(|item| comparison(toml, entry, item)).collect();
                all.into_iter().collect::<Option<Vec<_>>>().map(Self::Numbers)
            }
            DeValue::Table(table) if table.len() == 1 => {
                let inner = entries(table)[0];
                Self::of_table(toml, inner, extra)
            }
            _ => {
                let expected = format!(
                    "a string, a number, a list of comparisons or a table such as `{TABLES}`"
                );
                toml.wrong_type(entry.key, entry.value, &expected);
                None
            }
        }
    }

    /// A string: a comparison if it begins with a sign, or else a text.
    pub(super) fn of_text(toml: &mut Toml<'_>, value: &Value<'_>, text: &str) -> Option<Self> {
        if begins_with_a_sign(text) && !text.trim().contains('\n') {
            return number_of(toml, value, text);
        }
        let text = without_outer_line_breaks(toml, value, text);
        if text.trim() == DOTS {
            let help = "write what must be there, such as \"!= 0\" or `{ matches = \".\" }`";
            toml.error(value.span(), "every reply is like `...`", Some(help.to_owned()));
            return None;
        }
        Some(Self::Text(text.to_owned()))
    }

    fn of_table(toml: &mut Toml<'_>, entry: Entry<'_>, extra: Extra) -> Option<Self> {
        match entry.key {
            "matches" => regex(toml, entry).map(Self::Regex),
            "text" => {
                let DeValue::String(text) = entry.value.get_ref() else {
                    toml.wrong_type(entry.key, entry.value, "a string");
                    return None;
                };
                let text = without_outer_line_breaks(toml, entry.value, text);
                Some(Self::Exact(text.to_owned()))
            }
            "replied" if extra == Extra::OfReplies => {
                let line = toml.string(entry)?;
                let words = command(toml, line, entry.value.span())?;
                Some(Self::Replied(CommandStart(words)))
            }
            _ => {
                let known: &[&str] = match extra {
                    Extra::Nothing => &["matches", "text"],
                    Extra::OfReplies => &["matches", "text", "replied"],
                };
                toml.unknown_key(entry, "an expected value", known);
                None
            }
        }
    }

    /// Whether the reply is what is expected; `None` if what was recorded does not decide.
    pub fn meets(&self, found: &Printed, timeline: &Timeline) -> Option<bool> {
        let Self::Replied(start) = self else { return Some(self.is_met_by(found)) };
        match timeline.last_reply(&start.0) {
            LastReply::Never => Some(false),
            LastReply::Was(replied) => Some(found.says_the_same(&replied)),
            LastReply::Unknown => None,
        }
    }

    /// The same for what needs no look at what was sent.
    pub fn is_met_by(&self, found: &Printed) -> bool {
        match self {
            Self::Text(text) if text.contains(DOTS) => {
                found.in_forms_of(text).any(|found| are_lines_like(found, text))
            }
            Self::Text(text) | Self::Exact(text) => found.is(text),
            Self::Numbers(all) => found
                .bare
                .as_deref()
                .and_then(number)
                .is_some_and(|number| all.iter().all(|one| one.holds(number))),
            Self::Regex(regex) => {
                (regex.is_about_errors() || !found.is_error())
                    && (found.bare.iter().any(|bare| regex.is_found_in(bare))
                        || regex.is_found_in(&found.terminal))
            }
            Self::Replied(_) => false,
        }
    }

    /// Whether plain text without redis-cli's quotes, such as a setting, is what is expected.
    pub fn is_met_by_text(&self, found: &str) -> bool {
        self.is_met_by(&Printed { terminal: found.to_owned(), bare: Some(found.to_owned()) })
    }

    /// The text that is expected, if there is only one.
    pub fn exact(&self) -> Option<&str> {
        match self {
            Self::Text(text) if text.contains(DOTS) => None,
            Self::Text(text) | Self::Exact(text) => Some(text),
            Self::Numbers(_) | Self::Regex(_) | Self::Replied(_) => None,
        }
    }

    /// What is written in the lesson.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Exact(text) => Some(text),
            Self::Regex(regex) => Some(&regex.source),
            Self::Numbers(_) | Self::Replied(_) => None,
        }
    }

    pub(super) fn with_words(&self, words: &RandomWords) -> Self {
        match self {
            Self::Text(text) => Self::Text(words::put(text, words).into_owned()),
            Self::Exact(text) => Self::Exact(words::put(text, words).into_owned()),
            Self::Regex(regex) => Self::Regex(regex.with_words(words)),
            Self::Numbers(_) | Self::Replied(_) => self.clone(),
        }
    }

    /// Whether an error reply is what is expected.
    pub fn is_an_error(&self) -> bool {
        match self {
            Self::Text(text) | Self::Exact(text) => text.starts_with("(error)"),
            Self::Regex(regex) => regex.is_about_errors(),
            Self::Numbers(_) | Self::Replied(_) => false,
        }
    }

    /// The expected lines, for a comparison line by line.
    pub fn lines(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Exact(text) => Some(text),
            Self::Numbers(_) | Self::Regex(_) | Self::Replied(_) => None,
        }
    }
}

/// In a sentence, on one line.
impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Exact(text) => {
                f.write_str(&text.lines().map(str::trim).collect::<Vec<_>>().join("  "))
            }
            Self::Numbers(all) => {
                let all: Vec<String> = all.iter().map(Comparison::to_string).collect();
                f.write_str(&all.join(" and "))
            }
            Self::Regex(regex) => write!(f, "something that matches `{}`", regex.source),
            Self::Replied(start) => write!(f, "what `{start}` was answered"),
        }
    }
}

/// A regular expression that is not empty.
fn regex(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Pattern> {
    let text = toml.string(entry)?;
    Pattern::new(text)
        .map_err(|error| toml.error(entry.value.span(), format!("invalid regex: {error}"), None))
        .ok()
}

/// The text of a `"""` block without the line breaks that only begin and end the block.
fn without_outer_line_breaks<'t>(toml: &Toml<'_>, value: &Value<'_>, text: &'t str) -> &'t str {
    let source = toml.source(value.span());
    let is_block = source.starts_with("\"\"\"") || source.starts_with("'''");
    if is_block { text.trim_matches('\n') } else { text }
}

fn comparison(toml: &mut Toml<'_>, entry: Entry<'_>, item: &Value<'_>) -> Option<Comparison> {
    let comparison = match item.get_ref() {
        DeValue::String(text) => Comparison::parse(text),
        DeValue::Integer(_) => {
            integer_as_f64(toml, Entry { value: item, ..entry }).map(Comparison::is)
        }
        DeValue::Float(number) => Comparison::parse(number.as_str()),
        _ => {
            toml.wrong_type(entry.key, item, "a list of comparisons such as `[\">= 1\", \"< 5\"]`");
            return None;
        }
    };
    let comparison = comparison.filter(|comparison| comparison.number.abs() < TOO_LARGE);
    if comparison.is_none() {
        let text = toml.source(item.span()).to_owned();
        toml.error(item.span(), format!("{text} is not a comparison with a number"), None);
    }
    comparison
}

/// One comparison; reports text that only looks like one.
fn number_of(toml: &mut Toml<'_>, value: &Value<'_>, text: &str) -> Option<Expected> {
    let comparison = Comparison::parse(text);
    let fits = comparison.filter(|comparison| comparison.number.abs() < TOO_LARGE);
    if fits.is_none() {
        let help = format!(
            "write \">= 1\", \"> 1\", \"<= 1\", \"< 1\", \"= 1\" or \"!= 1\"; for exactly this \
             text, write `{{ text = {text:?} }}`"
        );
        let why = if comparison.is_some() { "has too large a number" } else { "is not one" };
        let message = format!("`{text}` looks like a comparison, but {why}");
        toml.error(value.span(), message, Some(help));
    }
    fits.map(|comparison| Expected::Numbers(vec![comparison]))
}

/// The number that the text is: what Redis prints, so neither `+1` nor `1e5`.
fn number(text: &str) -> Option<f64> {
    matches(r"-?[0-9]+(\.[0-9]+)?", text).then(|| text.parse().ok())?
}
/// The expected texts, which may hold random words.
pub(super) fn texts_of<N>(pairs: &[(N, Expected)]) -> Vec<&str> {
    pairs.iter().filter_map(|(_, expected)| expected.text()).collect()
}

/// The same pairs with these words in the values.
pub(super) fn pairs_with<N: Clone>(
    pairs: &[(N, Expected)],
    words: &RandomWords,
) -> Vec<(N, Expected)> {
    pairs.iter().map(|(name, expected)| (name.clone(), expected.with_words(words))).collect()
}
