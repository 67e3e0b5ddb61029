//! Why a key that should end has no time to live.

use std::time::Duration;

use redis::Value;

use crate::attempt::evidence::KeyState;
use crate::lesson::{Check, Moment};
use crate::redis_cli::{commands, words};
use crate::relay::{CommandOutcome, Exchange, StepKind};
use crate::verdict::diagnosis::facts::{Facts, text};
use crate::verdict::diagnosis::{Cause, seen_at};

/// What a command does to the time to live of a key that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// The key gets one.
    Ends,
    /// The key gets a new value without one.
    Replaced,
    /// The key loses it and keeps its value.
    Persists,
    /// The value changes, or the key is made; a time to live that it has stays.
    Kept,
    /// The key is gone.
    Removed,
    Unclear,
}

/// A key that should end and does not, and what was done to it, in order.
struct Endless<'a> {
    key: Vec<u8>,
    before: &'a KeyState,
    story: Vec<(usize, Effect)>,
}

impl Endless<'_> {
    /// The last command that decided about its end, before this one.
    fn decided_before(&self, index: usize) -> Option<Effect> {
        let before = self.story.iter().rev().skip_while(|(at, _)| *at >= index);
        before.map(|(_, effect)| *effect).find(|effect| *effect != Effect::Kept)
    }

    /// The last command that decided about its end.
    fn decided(&self) -> Option<(usize, Effect)> {
        self.story.iter().rev().copied().find(|(_, effect)| *effect != Effect::Kept)
    }

    /// The command that made it, if it was not there before.
    fn made_by(&self) -> Option<usize> {
        let (first, _) = self.story.first().filter(|_| !self.before.exists())?;
        Some(*first)
    }

    fn name(&self) -> String {
        text(&self.key)
    }
}

/// SET, GETSET or MSET on a key that had an end.
pub fn replaced(facts: &Facts<'_>) -> Option<Cause> {
    endless(facts).iter().filter(|_| !time_passed(facts)).find_map(|key| {
        let (index, _) = key.decided().filter(|(_, effect)| *effect == Effect::Replaced)?;
        let had_an_end = match key.decided_before(index) {
            None => key.before.ends_in.is_some(),
            Some(effect) => effect == Effect::Ends,
        };
        let name = facts.exchange(index)?.name();
        had_an_end.then(|| seen_at(index).with(name).with(key.name()))
    })
}

/// A key that was given an end and has none now, although nothing took it away, had ended, and was
/// then made anew.
pub fn made_anew(facts: &Facts<'_>) -> Option<Cause> {
    let mut steps = facts.evidence.timeline.steps.iter().rev();
    let passed = steps.find(|step| matches!(step.what, StepKind::Passed(_)))?.at;
    endless(facts).iter().find_map(|key| {
        let had_an_end = match key.decided() {
            None => key.before.ends_in.is_some(),
            Some((_, effect)) => effect == Effect::Ends,
        };
        let (index, _) = key.story.iter().find(|(index, effect)| {
            *effect == Effect::Kept && facts.exchanges()[*index].at >= passed
        })?;
        let name = facts.exchange(*index)?.name();
        let is_before_its_end = key.decided().is_some_and(|(decided, _)| decided > *index);
        (had_an_end && !is_before_its_end).then(|| seen_at(*index).with(key.name()).with(name))
    })
}

pub fn killed_before_expire(facts: &Facts<'_>) -> Option<Cause> {
    let mut kills = facts.evidence.timeline.steps.iter();
    let kill = kills.find(|step| step.what == StepKind::KilledAnswer)?.at;
    let endless = endless(facts);
    let key = endless.iter().find(|key| is_without_an_end_from_the_start(key))?;
    let index = key.made_by()?;
    let made = facts.exchange(index)?;
    (made.ended() <= kill).then(|| seen_at(index).with(made.name()).with(key.name()))
}

pub fn never_given_an_end(facts: &Facts<'_>) -> Option<Cause> {
    let endless = endless(facts);
    let key = endless.iter().find(|key| is_without_an_end_from_the_start(key))?;
    let last = key.story.last()?.0;
    let is_given_later = end_after(facts, key).is_some();
    (facts.ended_by_itself() && !is_given_later).then(|| seen_at(last).with(key.name()))
}

/// The key must have an end at every moment, and got one only by a later command.
pub fn given_an_end_later(facts: &Facts<'_>) -> Option<Cause> {
    let endless = endless(facts);
    let key = endless.iter().find(|key| is_without_an_end_from_the_start(key))?;
    let first = key.made_by()?;
    let later = end_after(facts, key)?;
    let [made, gave] = [first, later].map(|index| facts.exchanges()[index].name());
    Some(seen_at(first).and(later).with(made).with(key.name()).with(gave))
}

/// The first command that gave the key an end, whenever the check looked.
fn end_after(facts: &Facts<'_>, key: &Endless<'_>) -> Option<usize> {
    let whole = story(facts, &key.key, None);
    whole.iter().find(|(_, effect)| *effect == Effect::Ends).map(|(index, _)| *index)
}

fn is_without_an_end_from_the_start(key: &Endless<'_>) -> bool {
    key.before.ends_in.is_none()
        && key.story.iter().all(|(_, effect)| matches!(effect, Effect::Kept | Effect::Replaced))
}

/// The keys that the unmet check wants to end, and that had no time to live when it looked. None
/// where not everything was seen that may have been done to them.
fn endless<'a>(facts: &Facts<'a>) -> Vec<Endless<'a>> {
    let Some(check) = facts.check.filter(|_| facts.names_all_keys()) else { return Vec::new() };
    let until = facts.violation(check).map(|violation| violation.at);
    let mut endless = Vec::new();
    for key in keys_without_an_end(facts, check) {
        let (Some(change), false) = (facts.key_change(&key), another_client_wrote(facts, &key))
        else {
            continue;
        };
        let story = story(facts, &key, until);
        if story.iter().all(|(_, effect)| *effect != Effect::Unclear) {
            endless.push(Endless { key, before: &change.before, story });
        }
    }
    endless
}

fn keys_without_an_end(facts: &Facts<'_>, check: &Check) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    for (command, _, found) in facts.unmet_replies() {
        let words = words::split(command).unwrap_or_default();
        let [name, key] = &words[..] else { continue };
        let name = text(name).to_uppercase();
        let is_endless = match name.as_str() {
            "TTL" | "PTTL" | "EXPIRETIME" | "PEXPIRETIME" => found.terminal == "(integer) -1",
            _ => matches!(check.at, Moment::Later(_)) && is_still_there_without_an_end(facts, key),
        };
        if is_endless {
            keys.push(key.clone());
        }
    }
    keys
}

fn is_still_there_without_an_end(facts: &Facts<'_>, key: &[u8]) -> bool {
    facts
        .key_change(key)
        .is_some_and(|change| change.after.exists() && change.after.ends_in.is_none())
}

fn another_client_wrote(facts: &Facts<'_>, key: &[u8]) -> bool {
    facts.evidence.timeline.steps.iter().any(|step| match &step.what {
        StepKind::Ran { line, .. } => {
            let words = words::split(line).unwrap_or_default();
            let keys = commands::named_keys(&words);
            !commands::only_reads(&words) && keys.iter().any(|index| words[*index] == key)
        }
        StepKind::KilledServer => true,
        _ => false,
    })
}

fn time_passed(facts: &Facts<'_>) -> bool {
    let mut steps = facts.evidence.timeline.steps.iter();
    steps.any(|step| matches!(step.what, StepKind::Passed(_)))
}

/// What was done to the key up to this time, in the order in which it was done.
fn story(facts: &Facts<'_>, key: &[u8], until: Option<Duration>) -> Vec<(usize, Effect)> {
    let mut story = Vec::new();
    for index in facts.evidence.timeline.as_they_ran() {
        let exchange = &facts.exchanges()[index];
        let is_flush = ["FLUSHALL", "FLUSHDB"].contains(&exchange.name().as_str());
        let is_early = until.is_none_or(|until| exchange.at <= until);
        if is_early && (is_flush || exchange.names_key(key)) {
            story.extend(effect(exchange, is_flush).map(|effect| (index, effect)));
        }
    }
    story
}

/// `None` if the command changed nothing.
fn effect(exchange: &Exchange, is_flush: bool) -> Option<Effect> {
    match exchange.outcome {
        CommandOutcome::Refused | CommandOutcome::NotRun => return None,
        _ if commands::only_reads(&exchange.words) => return None,
        CommandOutcome::Unknown => return Some(Effect::Unclear),
        // Its own part of EXEC's reply is not looked at.
        CommandOutcome::Done if exchange.is_queued() && has_a_condition(exchange) => {
            return Some(Effect::Unclear);
        }
        CommandOutcome::Done => {}
    }
    let did_nothing = matches!(exchange.reply_value(), Some(Value::Nil | Value::Int(0)));
    let name = exchange.name();
    match name.as_str() {
        _ if is_flush => Some(Effect::Removed),
        "SET" => set(exchange, did_nothing),
        name if CONDITIONAL.contains(&name) && did_nothing => None,
        "SETEX" | "PSETEX" | "EXPIRE" | "PEXPIRE" | "EXPIREAT" | "PEXPIREAT" => Some(Effect::Ends),
        "GETSET" | "MSET" | "SETNX" | "MSETNX" => Some(Effect::Replaced),
        "PERSIST" => Some(Effect::Persists),
        "DEL" | "UNLINK" | "GETDEL" => Some(Effect::Removed),
        name if KEEPS.contains(&name) => Some(Effect::Kept),
        _ => Some(Effect::Unclear),
    }
}

/// Commands that leave a time to live as it is (`tests/facts`, Keys that expire).
const KEEPS: &[&str] = &[
    "INCR",
    "INCRBY",
    "INCRBYFLOAT",
    "DECR",
    "DECRBY",
    "APPEND",
    "SETRANGE",
    "SETBIT",
    "HSET",
    "HMSET",
    "HSETNX",
    "HINCRBY",
    "HINCRBYFLOAT",
    "LPUSH",
    "RPUSH",
    "LSET",
    "SADD",
    "ZADD",
    "ZINCRBY",
    "XADD",
];

/// Commands whose reply says whether they did anything.
const CONDITIONAL: &[&str] =
    &["EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT", "PERSIST", "SETNX", "MSETNX"];

fn has_a_condition(exchange: &Exchange) -> bool {
    CONDITIONAL.contains(&exchange.name().as_str()) || exchange.has_option(&["NX", "XX"])
}

fn set(exchange: &Exchange, did_nothing: bool) -> Option<Effect> {
    if exchange.has_option(&["GET"]) {
        return Some(Effect::Unclear);
    }
    let gives_an_end = exchange.has_option(&["EX", "PX", "EXAT", "PXAT"]);
    match (did_nothing, gives_an_end, exchange.has_option(&["KEEPTTL"])) {
        (true, ..) => None,
        (_, true, _) => Some(Effect::Ends),
        (_, _, true) => Some(Effect::Kept),
        _ => Some(Effect::Replaced),
    }
}
