//! What happened to keys, and which keys an unmet check misses.

use std::collections::BTreeSet;
use std::time::Duration;

use redis::Value;

use super::effects::{Effect, Write, kind_read_by, writes_of};
use super::facts::{Facts, text};
use crate::attempt::evidence::{KeyChange, Observation, Violation};
use crate::checks;
use crate::checks::expected::Expected;
use crate::lesson::{Check, Moment};
use crate::redis_cli::reply::Printed;
use crate::redis_cli::{commands, words};
use crate::relay::{CommandOutcome, Exchange};
use crate::verdict::meanwhile::violation;

/// What is known about a key of database 0 at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyState {
    Absent,
    /// With its value where that is known.
    Stored(Option<Vec<u8>>),
    /// Absent or stored: the evidence does not show it.
    Unclear,
}

impl KeyState {
    fn after(self, write: &Write<'_>) -> Self {
        match (&write.effect, self) {
            (Effect::Stored(value), _) => Self::Stored(value.clone()),
            (Effect::Deleted | Effect::Flushed, _) | (Effect::Expires, Self::Absent) => {
                Self::Absent
            }
            (Effect::Expires | Effect::Unclear, _) => Self::Unclear,
        }
    }
}

/// A key that an unmet check misses, or finds with another value.
#[derive(Debug, Default)]
pub struct Missing<'a> {
    pub key: Vec<u8>,
    /// The name of the check's command, in upper case; `None` for `dump`.
    pub command: Option<String>,
    /// The reply that the check asks for.
    pub expected: Option<&'a Expected>,
    /// The reply that came.
    pub found: Option<&'a Printed>,
}

impl<'a> Missing<'a> {
    /// Whether nothing was found: there is no such key, or no such field in it.
    pub fn is_absent(&self) -> bool {
        self.found
            .is_none_or(|found| matches!(found.terminal.as_str(), "(nil)" | "(integer) 0" | "none"))
    }

    /// Whether there is no such key.
    pub fn is_surely_absent(&self) -> bool {
        let reads_keys = ["GET", "EXISTS", "TYPE", "HLEN", "LLEN", "SCARD", "ZCARD"];
        let command = self.command.as_deref();
        self.is_absent() && command.is_none_or(|command| reads_keys.contains(&command))
    }

    /// The value that GET must answer.
    pub fn value(&self) -> Option<&'a str> {
        self.expected?
            .exact()
            .filter(|text| self.command.as_deref() == Some("GET") && !text.starts_with('('))
    }

    pub fn name(&self) -> String {
        text(&self.key)
    }

    /// Whether this state of the key would meet the check; `None` if that is unknown.
    pub fn would_be_met_by(&self, state: &KeyState) -> Option<bool> {
        match (self.expected, self.command.as_deref()) {
            (Some(Expected::Replied(_)), _) => None,
            (Some(expected), Some(command)) => {
                answer(command, state).map(|reply| expected.is_met_by(&reply))
            }
            _ => is_there(state),
        }
    }

    /// Whether this state is what was found.
    pub fn shows(&self, state: &KeyState) -> bool {
        match (self.found, self.command.as_deref()) {
            (Some(found), Some(command)) => {
                answer(command, state).is_some_and(|reply| reply.terminal == found.terminal)
            }
            _ => is_there(state) == Some(false),
        }
    }
}

fn is_there(state: &KeyState) -> Option<bool> {
    match state {
        KeyState::Stored(_) => Some(true),
        KeyState::Absent => Some(false),
        KeyState::Unclear => None,
    }
}

/// What GET and EXISTS reply for a key in this state; `None` for other commands.
fn answer(command: &str, state: &KeyState) -> Option<Printed> {
    let value = match (command, state) {
        ("GET", KeyState::Stored(Some(value))) => Value::BulkString(value.clone()),
        ("GET", KeyState::Absent) => Value::Nil,
        ("EXISTS", state) => Value::Int(i64::from(is_there(state)?)),
        _ => return None,
    };
    Some(Printed::new(&value))
}

impl<'a> Facts<'a> {
    /// Everything that was done to keys, in the order of the timeline.
    pub fn writes(&self) -> Vec<Write<'a>> {
        writes_of(self.exchanges())
    }

    /// What was done to the key, in the order in which it was done; `None` where that is not sure.
    pub fn story<'w>(&self, writes: &'w [Write<'a>], key: &[u8]) -> Option<Vec<&'w Write<'a>>> {
        let story: Vec<&Write<'_>> = writes.iter().filter(|write| write.concerns(key)).collect();
        let is_ordered = story.windows(2).all(|pair| {
            let (one, next) = (pair[0].index, pair[1].index);
            one == next || self.surely_after(next, one)
        });
        let is_complete = self.evidence.timeline.left_out == 0;
        (is_complete && is_ordered).then_some(story)
    }

    /// The state in which setup left the key.
    pub fn state_at_start(&self, key: &[u8]) -> KeyState {
        let exchanges = self.done_by_setup();
        let writes = writes_of(&exchanges);
        let story = writes.iter().filter(|write| write.concerns(key));
        story.fold(KeyState::Absent, KeyState::after)
    }

    fn done_by_setup(&self) -> Vec<Exchange> {
        let lines = self.exercise.setup.iter().flat_map(|code| code.text.lines());
        let commands = lines.filter(|line| !words::is_comment(line) && !line.starts_with('@'));
        commands.filter_map(|line| words::split(line).ok()).map(done).collect()
    }

    /// The state of the key after setup and these writes.
    pub fn state_after(&self, story: &[&Write<'_>], key: &[u8]) -> KeyState {
        story.iter().fold(self.state_at_start(key), |state, write| state.after(write))
    }

    /// The state of the key in a snapshot that the exchange `snapshot` took.
    pub fn state_at(&self, snapshot: usize, writes: &[Write<'a>], key: &[u8]) -> KeyState {
        let Some(story) = self.story(writes, key) else { return KeyState::Unclear };
        let count =
            story.iter().take_while(|write| self.surely_after(snapshot, write.index)).count();
        let (before, rest) = story.split_at(count);
        if rest.iter().all(|write| self.surely_after(write.index, snapshot)) {
            self.state_after(before, key)
        } else {
            KeyState::Unclear
        }
    }

    /// How many keys the answer added before this exchange; `None` where that is not sure. Keys in
    /// arguments that the timeline left out count too, since it says how many they are.
    pub fn keys_added_before(&self, index: usize) -> Option<usize> {
        let writes = self.writes();
        let setup = self.done_by_setup();
        let setup: BTreeSet<&[u8]> = writes_of(&setup).iter().filter_map(Write::key).collect();
        let mut keys = BTreeSet::new();
        let mut unnamed = 0;
        for write in writes.iter().filter(|write| write.index < index) {
            let exchange = self.exchange(write.index)?;
            match (&write.effect, write.key(), write.outcome) {
                (_, _, CommandOutcome::Refused | CommandOutcome::NotRun) => {}
                (Effect::Stored(_), Some(key), _) => {
                    if !setup.contains(key) {
                        keys.insert((write.database, key));
                    }
                }
                // MSET with more pairs than the timeline keeps.
                (Effect::Unclear, None, CommandOutcome::Done) if exchange.name() == "MSET" => {
                    unnamed += exchange.arguments_left_out().unwrap_or(0) / 2;
                }
                _ => return None,
            }
        }
        (self.evidence.timeline.left_out == 0).then_some(keys.len() + unnamed)
    }

    /// Whether a command has stored the key, in any database, or may have.
    pub fn was_stored(&self, key: &[u8]) -> bool {
        self.writes().iter().any(|write| {
            let may_have_stored =
                write.effect == Effect::Unclear && write.names(key) && write.concerns(key);
            write.has_stored(key) || may_have_stored
        })
    }

    /// Whether the timeline names every key that anything can have changed.
    pub fn names_all_keys(&self) -> bool {
        self.evidence.timeline.left_out == 0
            && !self.has_script()
            && !self.writes().iter().any(may_concern_any_key)
            && !self.was_written_past_the_relay()
    }

    /// INFO also counts commands that bypassed the relay.
    fn was_written_past_the_relay(&self) -> bool {
        let Some(now) = self.last_look() else { return false };
        ["set", "mset", "setnx", "setex", "hset", "rpush", "lpush", "sadd", "zadd"]
            .iter()
            .any(|name| self.calls_at(now, name) > self.count_sent(name))
    }

    fn count_sent(&self, name: &str) -> i64 {
        let sent =
            self.exchanges().iter().filter(|exchange| exchange.name().eq_ignore_ascii_case(name));
        i64::try_from(sent.count()).unwrap_or(i64::MAX)
    }

    /// The keys that the unmet check misses, in replies and in the file.
    pub fn missing(&self) -> Vec<Missing<'a>> {
        let mut missing = Vec::new();
        for (command, expected, found) in self.unmet_replies() {
            if let Some((key, name)) = key_read_by(command) {
                let (expected, found) = (Some(expected), Some(found));
                missing.push(Missing { key, command: Some(name), expected, found });
            }
            missing.extend(absent_of_many(command, expected, found));
        }
        let keys = self.check.map(|check| check.subject.expected_keys()).unwrap_or_default();
        if let Some(now) = self.evidence.at(Moment::Restore) {
            let absent = keys.iter().filter(|key| checks::is_there(now, 0, key) == Some(false));
            missing.extend(
                absent.map(|key| Missing { key: key.as_bytes().to_vec(), ..Missing::default() }),
            );
        }
        missing
    }

    /// The commands of a `reply` check that got another reply, each with the expected reply and the
    /// one that came.
    pub fn unmet_replies(&self) -> Vec<(&'a str, &'a Expected, &'a Printed)> {
        let Some(check) = self.check else { return Vec::new() };
        let Some(now) = self.looked_at(check) else { return Vec::new() };
        let mut unmet = Vec::new();
        for (command, expected) in check.subject.expected_replies() {
            let timeline = &self.evidence.timeline;
            if let Some(found) = now.replies.get(command)
                && expected.meets(found, timeline) == Some(false)
            {
                unmet.push((command.as_str(), expected, found));
            }
        }
        unmet
    }

    /// The server when the check looked at it; if that was always, when it was first unmet.
    fn looked_at(&self, check: &Check) -> Option<&'a Observation> {
        let violation = self.violation(check);
        violation.map(|violation| &violation.seen).or_else(|| self.evidence.at(check.at))
    }

    /// The first moment at which a check with `at = "always"` was not met.
    pub fn violation(&self, check: &Check) -> Option<&'a Violation> {
        violation(check, self.exercise, self.evidence)
    }

    /// A key that checks ask about, before the answer and after it.
    pub fn key_change(&self, key: &[u8]) -> Option<&'a KeyChange> {
        let name = words::join(&[key]);
        self.evidence.keys.iter().find(|change| change.key == name)
    }

    /// The keys that the unmet check asks for.
    pub fn keys_of_the_check(&self) -> Vec<Vec<u8>> {
        self.check.map(keys_of).unwrap_or_default()
    }

    /// The keys that any check asks for.
    pub fn asked_keys(&self) -> Vec<Vec<u8>> {
        self.exercise.checks.iter().flat_map(keys_of).collect()
    }
}

/// The keys in the check's commands, and those that it names itself.
fn keys_of(check: &Check) -> Vec<Vec<u8>> {
    let named = check.subject.expected_keys().iter();
    let mut keys: Vec<Vec<u8>> = named.map(|name| name.as_bytes().to_vec()).collect();
    for (command, _) in check.subject.expected_replies() {
        let words = words::split(command).unwrap_or_default();
        keys.extend(commands::named_keys(&words).into_iter().map(|at| words[at].clone()));
    }
    keys
}

/// Whether the command was run, or may have been, and its effect on keys is unknown.
fn may_concern_any_key(write: &Write<'_>) -> bool {
    write.key().is_none()
        && write.effect == Effect::Unclear
        && matches!(write.outcome, CommandOutcome::Done | CommandOutcome::Unknown)
}

/// The key that a check's command reads, and the command's name in upper case.
fn key_read_by(command: &str) -> Option<(Vec<u8>, String)> {
    let words = words::split(command).ok()?;
    let name = String::from_utf8_lossy(words.first()?).to_uppercase();
    let reads = matches!(name.as_str(), "EXISTS" | "TYPE") || kind_read_by(&name).is_some();
    let key = words.get(1).filter(|_| reads)?;
    let is_the_only_one = name != "EXISTS" || words.len() == 2;
    is_the_only_one.then(|| (key.clone(), name))
}

/// The keys of an MGET that are not there, and are to be there.
fn absent_of_many<'a>(command: &str, expected: &Expected, found: &Printed) -> Vec<Missing<'a>> {
    let words = words::split(command).unwrap_or_default();
    let Some((name, keys)) = words.split_first() else { return Vec::new() };
    let Some(expected) = expected.exact().filter(|_| name.eq_ignore_ascii_case(b"MGET")) else {
        return Vec::new();
    };
    let is_nil = |line: &str| line.ends_with("(nil)");
    let lines = expected.lines().zip(found.terminal.lines());
    let absent = keys.iter().zip(lines);
    let absent = absent.filter(|(_, (expected, found))| is_nil(found) && !is_nil(expected));
    absent
        .map(|(key, _)| Missing {
            key: key.clone(),
            command: Some("MGET".to_owned()),
            ..Missing::default()
        })
        .collect()
}

/// A command that succeeded, such as those of the setup: else there would be no evidence.
pub fn done(words: Vec<Vec<u8>>) -> Exchange {
    Exchange {
        at: Duration::ZERO,
        connection: 1,
        words,
        reply: None,
        outcome: CommandOutcome::Done,
    }
}
