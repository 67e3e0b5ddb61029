//! `blocked = "< 200ms"`: how long another client had to wait while the answer ran.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use toml::de::DeValue;

use super::values::Relation;
use super::{Kind, Scope, Seen, Subject};
use crate::attempt::evidence::{Evidence, Observation};
use crate::lesson::toml_table::{Entry, Toml};
use crate::lesson::{Check, duration};
use crate::verdict::diagnosis::{Facts, Symptom, symptom};

pub const KIND: Kind = Kind {
    key: "blocked",
    rows: &[(
        "`blocked = \"< 200ms\"`",
        "no other client had to wait that long while the answer ran, see [Waiting](#waiting)",
    )],
    read: |toml, entry| Some(Arc::new(Blocked(limit(toml, entry)?))),
};

#[derive(Debug)]
struct Blocked(WaitLimit);

/// A time compared with a limit: `"< 200ms"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitLimit {
    pub relation: Relation,
    pub limit: Duration,
}

impl WaitLimit {
    /// Whether the longest wait satisfies the limit. Compares whole milliseconds, as the student
    /// sees them: one PING a millisecond is no more precise.
    pub fn holds(self, longest: Duration) -> bool {
        self.relation.holds(longest.as_millis(), self.limit.as_millis())
    }

    /// Whether it forbids longer waits, and does not ask for them.
    pub fn forbids(self) -> bool {
        !matches!(self.relation, Relation::MoreThan | Relation::AtLeast)
    }

    /// Whether the longest wait exceeds the limit, whether the check requires or forbids that.
    pub fn is_exceeded(self, longest: Duration) -> bool {
        let asks_for_more = matches!(self.relation, Relation::MoreThan | Relation::AtLeast);
        self.holds(longest) == asks_for_more
    }
}

impl fmt::Display for WaitLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{} ms", self.relation.words(), self.limit.as_millis())
    }
}

impl Subject for Blocked {
    fn sentence(&self) -> String {
        format!("the longest wait of another client: {}", self.0)
    }

    fn scope(&self) -> Scope {
        Scope::Run
    }

    fn wait_limit(&self) -> Option<WaitLimit> {
        Some(self.0)
    }

    fn judge(&self, evidence: &Evidence) -> Option<Seen> {
        let expected = self.sentence();
        let Some(waits) = &evidence.waits else {
            return Some(Seen::unmet(expected, "the waits of other clients were not measured"));
        };
        let longest = waits.longest;
        let took = match longest.took.as_millis() {
            0 => "less than 1 ms".to_owned(),
            milliseconds => format!("{milliseconds} ms"),
        };
        let since = match longest.at.as_millis() {
            _ if longest.took <= Duration::from_millis(1) => String::new(),
            0 => ", from the start on".to_owned(),
            at => format!(", from +{at} ms on"),
        };
        let found = format!("another client waited {took}{since}");
        Some(Seen { met: self.0.holds(longest.took), expected, found })
    }

    /// The longest wait only grows.
    fn is_spoilt(&self, _now: &Observation, evidence: &Evidence) -> bool {
        let waits = evidence.waits.as_ref();
        self.0.forbids() && waits.is_some_and(|waits| !self.0.holds(waits.longest.took))
    }

    fn symptoms(&self, _check: &Check, _facts: &Facts<'_>) -> Vec<Symptom> {
        vec![symptom::BLOCKED]
    }
}

fn limit(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<WaitLimit> {
    let DeValue::String(text) = entry.value.get_ref() else {
        toml.wrong_type(entry.key, entry.value, "a string such as \"< 200ms\"");
        return None;
    };
    let (relation, limit) = Relation::split(text);
    // A duration alone would require a wait of exactly that length.
    let compares = !matches!(relation, Relation::Is | Relation::IsNot);
    let limit = duration(limit).filter(|_| compares && limit.ends_with('s'));
    let Some(limit) = limit else {
        let help = Some("write \"< 200ms\", \"<= 200ms\", \"> 1s\" or \">= 1s\"".to_owned());
        toml.error(
            entry.value.span(),
            format!("`{text}` is not a comparison with a duration"),
            help,
        );
        return None;
    };
    if limit.is_zero() {
        let help = Some("it must be more than 0".to_owned());
        toml.error(entry.value.span(), format!("`{text}` cannot be the limit of a wait"), help);
        return None;
    }
    Some(WaitLimit { relation, limit })
}
