//! `info = { total_forks = "+1" }`: fields of INFO.

use std::fmt;
use std::sync::Arc;

use toml::de::DeValue;

use super::expected::{Expected, Extra};
use super::values::{Comparison, begins_with_a_sign, each, integer_as_f64, not_a_comparison};
use super::{Kind, Question, Seen, Subject, all, joined};
use crate::attempt::evidence::{Evidence, Observation};
use crate::lesson::problem::did_you_mean;
use crate::lesson::toml_table::{Entry, Toml};
use crate::server::info_fields;
use crate::topics::TOPICS;

pub const KIND: Kind = Kind {
    key: "info",
    rows: &[("`info = { expired_keys = 1 }`", "each INFO field, of any section, has this value")],
    read: |toml, entry| {
        let fields = each(toml, entry, "{ total_forks = \"+1\" }", field)?;
        Some(Arc::new(Info(fields)))
    },
};

/// Names of fields, and their values.
#[derive(Debug)]
pub struct Info(pub Vec<(String, FieldValue)>);

/// What an INFO field must be.
#[derive(Debug, Clone)]
pub enum FieldValue {
    Is(Expected),
    /// `"+1"`, `"-1"`: the change since `before`.
    MoreBy(f64),
}

impl fmt::Display for FieldValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(expected) => expected.fmt(f),
            Self::MoreBy(difference) => write!(f, "{difference:+} compared with before"),
        }
    }
}

impl Subject for Info {
    fn sentence(&self) -> String {
        joined(&self.0, |(field, value)| format!("INFO {field}: {value}"))
    }

    fn questions(&self) -> Vec<Question> {
        let needs_the_log = self.0.iter().any(|(field, _)| is_logged(field));
        if needs_the_log { vec![Question::Log] } else { Vec::new() }
    }

    fn info_fields(&self) -> Vec<&str> {
        self.0.iter().map(|(field, _)| field.as_str()).collect()
    }

    fn compares_with_before(&self) -> bool {
        self.0.iter().any(|(_, expected)| matches!(expected, FieldValue::MoreBy(_)))
    }

    fn is_timeless(&self) -> bool {
        self.0.iter().all(|(field, _)| {
            TOPICS.iter().any(|topic| topic.timeless_fields.contains(&field.as_str()))
        })
    }

    fn judge_at(&self, now: &Observation, evidence: &Evidence) -> Option<Seen> {
        Some(all(&self.0, |(field, expected)| look_at(field, expected, now, evidence)))
    }
}

/// Whether only the server's log completes what INFO says in this field.
fn is_logged(field: &str) -> bool {
    TOPICS.iter().any(|topic| topic.write_status_fields.contains(&field))
}

fn look_at(field: &str, expected: &FieldValue, now: &Observation, evidence: &Evidence) -> Seen {
    let before = &evidence.before;
    let value = now.info.field(field).unwrap_or_default();
    let number = value.parse::<f64>().ok();
    let met = match expected {
        FieldValue::Is(expected) => expected.is_met_by_text(value),
        FieldValue::MoreBy(difference) => {
            let was = before.field(field).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
            Comparison::is(*difference).holds(number.unwrap_or(0.0) - was)
        }
    };
    let shown = if value.is_empty() { "missing" } else { value };
    let mut seen =
        Seen { met, expected: format!("{field} {expected}"), found: format!("{field} {shown}") };
    if let FieldValue::MoreBy(_) = expected {
        let was = before.field(field).unwrap_or("missing");
        seen.found = format!("{field} went from {was} to {shown}");
    }
    if seen.met
        && let Some(truth) =
            TOPICS.iter().find_map(|topic| (topic.what_info_misses)(field, value, now, evidence))
    {
        seen = Seen { met: false, found: truth, ..seen };
    }
    seen
}

fn field(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<(String, FieldValue)> {
    let name = entry.key;
    if !info_fields::is_known(name) {
        let message = format!("unknown INFO field `{name}`");
        let help = did_you_mean(name, info_fields::all());
        if help.is_some() {
            toml.error(entry.key_span(), message, help);
        } else {
            let help = Some(
                "check the spelling: the check cannot be judged on a server without this field"
                    .to_owned(),
            );
            toml.warning(entry.key_span(), message, help);
        }
    }
    Some((name.to_owned(), expected(toml, entry)?))
}

fn expected(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<FieldValue> {
    let DeValue::String(text) = entry.value.get_ref() else {
        if let DeValue::Integer(_) = entry.value.get_ref() {
            let number = integer_as_f64(toml, entry)?;
            return Some(exactly(number));
        }
        return Expected::read(toml, entry, Extra::Nothing).map(FieldValue::Is);
    };
    match of_sign_or_digit(text) {
        Ok(Some(value)) => Some(value),
        Ok(None) => Expected::of_text(toml, entry.value, text).map(FieldValue::Is),
        Err(()) => {
            not_a_comparison(toml, entry);
            None
        }
    }
}

fn exactly(number: f64) -> FieldValue {
    FieldValue::Is(Expected::Numbers(vec![Comparison::is(number)]))
}

/// A difference or a number; an error for text that only looks like one.
fn of_sign_or_digit(text: &str) -> Result<Option<FieldValue>, ()> {
    let trimmed = text.trim();
    if let Some(digits) = trimmed.strip_prefix(['+', '-'])
        && digits.starts_with(|c: char| c.is_ascii_digit())
    {
        // Without this, `+1e5` would be a number.
        let is_plain = digits.chars().all(|c| c.is_ascii_digit() || c == '.');
        let difference = trimmed.parse::<f64>().ok().filter(|_| is_plain);
        return difference.map(|difference| Some(FieldValue::MoreBy(difference))).ok_or(());
    }
    let starts_as_number = trimmed.starts_with(|c: char| c.is_ascii_digit());
    match Comparison::parse(trimmed) {
        Some(comparison) if starts_as_number => Ok(Some(exactly(comparison.number))),
        None if begins_with_a_sign(trimmed) => Err(()),
        _ => Ok(None),
    }
}
