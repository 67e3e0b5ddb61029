//! `calls = { set = 1 }`: how many calls of commands succeeded since `before`.

use std::sync::Arc;

use super::values::{Comparison, comparison, each};
use super::{Kind, Seen, Subject, all, joined};
use crate::attempt::evidence::{Evidence, Observation};
use crate::lesson::Check;
use crate::lesson::toml_table::{Entry, Toml};
use crate::server::ServerInfo;
use crate::topics::is_durable;
use crate::verdict::diagnosis::Facts;

pub const KIND: Kind = Kind {
    key: "calls",
    rows: &[(
        "`calls = { set = 1, del = \">= 1\" }`",
        "so many calls of each command succeeded since `before` (INFO commandstats; refused and \
         failed calls are not counted). Names in lower case; `0` is a good way to forbid. \
         `\"set+mset\" = 1` adds up the calls of both",
    )],
    read: |toml, entry| {
        let counts = each(toml, entry, "{ set = 1 }", count)?;
        Some(Arc::new(Calls(counts)))
    },
};

/// Commands that no answer sends more often because something takes longer.
const TIMELESS: [&str; 5] = ["set", "mset", "hset", "del", "flushall"];

/// Each count, and the lower case names of the commands whose calls it adds up.
#[derive(Debug)]
pub struct Calls(pub Vec<(Vec<String>, Comparison)>);

fn count(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<(Vec<String>, Comparison)> {
    let names: Vec<String> = entry.key.split('+').map(str::to_lowercase).collect();
    if let Some(name) =
        names.iter().find(|name| name.is_empty() || name.contains(char::is_whitespace))
    {
        let help = "write a subcommand as `config|get`, and several commands as `set+mset`";
        toml.error(entry.key_span(), format!("`{name}` is not a command"), Some(help.to_owned()));
        return None;
    }
    let count = comparison(toml, entry)?;
    if count.number < 0.0 {
        toml.error(entry.value.span(), "calls cannot be fewer than 0", None);
        return None;
    }
    Some((names, count))
}

impl Subject for Calls {
    fn sentence(&self) -> String {
        joined(&self.0, |(names, count)| format!("successful calls of {}: {count}", shown(names)))
    }

    fn counted_commands(&self) -> Vec<&str> {
        self.0.iter().flat_map(|(names, _)| names).map(String::as_str).collect()
    }

    fn compares_with_before(&self) -> bool {
        true
    }

    fn is_timeless(&self) -> bool {
        let names = self.counted_commands();
        names.iter().all(|name| TIMELESS.contains(name) || is_durable(&name.to_uppercase()))
    }

    fn judge_at(&self, now: &Observation, evidence: &Evidence) -> Option<Seen> {
        let (now, before) = (&now.info, &evidence.before);
        if self.is_left_open(now, before) {
            return None;
        }
        Some(all(&self.0, |(names, count)| {
            let made = successful_calls(names, now, before);
            Seen {
                met: count.holds_for(made),
                expected: happens(names, "succeeds", &count.in_times()),
                found: happens(names, "succeeded", &times(made)),
            }
        }))
    }

    /// Counters only grow.
    fn is_spoilt(&self, now: &Observation, evidence: &Evidence) -> bool {
        let (now, before) = (&now.info, &evidence.before);
        self.0.iter().any(|(names, count)| {
            let least = successful_calls(names, now, before) - unsure_calls(names, now, before);
            count.is_exceeded_by(least)
        })
    }
}

impl Calls {
    /// Whether the result depends on calls of ours that a busy server may or may not have run: then
    /// it is unknown how many were the answer's.
    fn is_left_open(&self, now: &ServerInfo, before: &ServerInfo) -> bool {
        let mut is_open = false;
        for (names, count) in &self.0 {
            let most = successful_calls(names, now, before);
            let least = most - unsure_calls(names, now, before);
            match (count.holds_for(most), count.holds_for(least)) {
                // Unmet in any case.
                (false, false) => return false,
                (true, true) => {}
                (true, false) | (false, true) => is_open = true,
            }
        }
        is_open
    }
}

/// `SAVE never succeeded`, `SAVE succeeds at least once`.
fn happens(names: &[String], verb: &str, times: &str) -> String {
    let name = shown(names);
    match (times, names) {
        ("never", [_]) => format!("{name} never {verb}"),
        ("never", _) => format!("neither {} {verb}", name.replace(" or ", " nor ")),
        (times, _) => format!("{name} {verb} {times}"),
    }
}

/// `never`, `once`, `5 times`.
fn times(count: i64) -> String {
    match count {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}

/// How a count is missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    TooFew,
    TooMany,
}

/// How the calls at the check's moment miss this count; `None` if they don't, or nothing was seen.
pub fn difference(
    check: &Check,
    facts: &Facts<'_>,
    names: &[String],
    count: Comparison,
) -> Option<Difference> {
    let now = facts.evidence.at(check.at)?;
    let made = successful_calls(names, &now.info, &facts.evidence.before);
    if count.holds_for(made) {
        return None;
    }
    let is_too_few = (made + 1..made + 100).any(|number| count.holds_for(number));
    Some(if is_too_few { Difference::TooFew } else { Difference::TooMany })
}

/// `SAVE or BGSAVE`.
fn shown(names: &[String]) -> String {
    names.iter().map(|name| name.to_uppercase()).collect::<Vec<_>>().join(" or ")
}

/// The calls of all these commands since `before`, added up.
fn successful_calls(names: &[String], now: &ServerInfo, before: &ServerInfo) -> i64 {
    names.iter().map(|name| now.successful_calls(name) - before.successful_calls(name)).sum()
}

fn unsure_calls(names: &[String], now: &ServerInfo, before: &ServerInfo) -> i64 {
    names.iter().map(|name| now.unsure_calls(name) - before.unsure_calls(name)).sum()
}
