//! `calls = { set = 1 }`: how many calls of commands succeeded since `before`.

use std::sync::Arc;

use super::values::{Comparison, comparison, each};
use super::{Kind, Seen, Subject, all, joined};
use crate::attempt::evidence::{Evidence, Observation};
use crate::lesson::Check;
use crate::lesson::toml_table::{Entry, Toml};
use crate::relay::CommandOutcome;
use crate::server::ServerInfo;
use crate::server::versions::{counts_subcommands, name_in_commandstats};
use crate::topics::is_durable;
use crate::verdict::diagnosis::{Facts, Symptom, symptom};

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
        let now = &now.info;
        if self.is_left_open(now, evidence) {
            return None;
        }
        Some(all(&self.0, |(names, count)| {
            let made = Made::of(names, now, evidence).most;
            Seen {
                met: count.holds_for(made),
                expected: happens(names, "succeeds", &count.in_times()),
                found: happens(names, "succeeded", &times(made)),
            }
        }))
    }

    fn symptoms(&self, check: &Check, facts: &Facts<'_>) -> Vec<Symptom> {
        let is_unwanted = self.0.iter().any(|(names, count)| {
            is_zero(*count) && difference(check, facts, names, *count).is_some()
        });
        if is_unwanted { vec![symptom::UNWANTED] } else { Vec::new() }
    }

    /// Counters only grow.
    fn is_spoilt(&self, now: &Observation, evidence: &Evidence) -> bool {
        let now = &now.info;
        self.0
            .iter()
            .any(|(names, count)| count.is_exceeded_by(Made::of(names, now, evidence).least))
    }
}

impl Calls {
    /// The commands of which none may succeed, in lower case.
    pub fn unwanted(&self) -> impl Iterator<Item = &str> {
        let zero = self.0.iter().filter(|(_, count)| is_zero(*count));
        zero.flat_map(|(names, _)| names).map(String::as_str)
    }

    /// Whether the result depends on calls of ours that a busy server may or may not have run, or on
    /// calls that no server counts apart and that nobody saw: then it is unknown how many were the
    /// answer's.
    fn is_left_open(&self, now: &ServerInfo, evidence: &Evidence) -> bool {
        let mut is_open = false;
        for (names, count) in &self.0 {
            let Made { least, most } = Made::of(names, now, evidence);
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

fn is_zero(count: Comparison) -> bool {
    count.holds_for(0) && !count.holds_for(1)
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
    let made = Made::of(names, &now.info, facts.evidence).most;
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

/// How many calls of some commands succeeded since `before`, added up.
struct Made {
    least: i64,
    most: i64,
}

impl Made {
    fn of(names: &[String], now: &ServerInfo, evidence: &Evidence) -> Self {
        let mut made = Self { least: 0, most: 0 };
        for name in names {
            let one = match name.split_once('|') {
                Some((command, _)) if !counts_subcommands(&evidence.before) => {
                    Self::of_subcommand(command, name, now, evidence)
                }
                _ => Self::of_command(name, now, &evidence.before),
            };
            made.least += one.least;
            made.most += one.most;
        }
        made
    }

    fn of_command(name: &str, now: &ServerInfo, before: &ServerInfo) -> Self {
        let most = now.successful_calls(name) - before.successful_calls(name);
        let unsure = now.unsure_calls(name) - before.unsure_calls(name);
        Self { least: most - unsure, most }
    }

    /// Before Redis 7.0 a server counts only the command. The timeline shows which subcommands were
    /// called; calls that it does not show, as in scripts, may have been of any.
    fn of_subcommand(command: &str, name: &str, now: &ServerInfo, evidence: &Evidence) -> Self {
        let all = Self::of_command(command, now, &evidence.before).most;
        let exchanges = evidence.timeline.exchanges.iter();
        let done = exchanges.filter(|exchange| exchange.outcome == CommandOutcome::Done);
        let (mut seen, mut seen_of_all) = (0, 0);
        for exchange in done.filter(|exchange| exchange.name().eq_ignore_ascii_case(command)) {
            seen_of_all += 1;
            seen += i64::from(name_in_commandstats(&exchange.words) == name);
        }
        Self { least: seen, most: seen + (all - seen_of_all).max(0) }
    }
}
