//! What became of keys, and which keys an unmet check misses.

use std::collections::BTreeSet;
use std::time::Duration;

use redis::Value;

use super::case::{Case, text};
use super::effects::{Effect, Write, kind_read_by, writes_of};
use crate::attempt::evidence::Restored;
use crate::lesson::Subject;
use crate::redis_cli::reply::Printed;
use crate::redis_cli::words;
use crate::tap::{Exchange, Outcome};

/// What is known of a key of database 0 at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// It is not there.
    Absent,
    /// It is there; with its value where that is known.
    Stored(Option<Vec<u8>>),
    /// Nobody knows.
    Unclear,
}

impl State {
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
#[derive(Debug)]
pub(super) struct Missing<'a> {
    /// The key.
    pub(super) key: Vec<u8>,
    /// The name of the check's command, in upper case; `None` for `dump`.
    pub(super) command: Option<String>,
    /// What it must answer.
    pub(super) expected: Option<&'a str>,
    /// What was answered.
    pub(super) found: Option<&'a Printed>,
}

impl<'a> Missing<'a> {
    /// Whether nothing was found, be it that there is no such key or no such field in it.
    pub(super) fn is_absent(&self) -> bool {
        self.found
            .is_none_or(|found| matches!(found.terminal.as_str(), "(nil)" | "(integer) 0" | "none"))
    }

    /// Whether there is no such key.
    pub(super) fn is_surely_absent(&self) -> bool {
        let tells = ["GET", "EXISTS", "TYPE", "HLEN", "LLEN", "SCARD", "ZCARD"];
        let command = self.command.as_deref();
        self.is_absent() && command.is_none_or(|command| tells.contains(&command))
    }

    /// The value that GET must answer.
    pub(super) fn value(&self) -> Option<&'a str> {
        self.expected
            .filter(|text| self.command.as_deref() == Some("GET") && !text.starts_with('('))
    }

    pub(super) fn name(&self) -> String {
        text(&self.key)
    }

    /// Whether the check is met by this state of the key, as far as that can be told.
    pub(super) fn would_be_met_by(&self, state: &State) -> Option<bool> {
        match (self.expected, self.command.as_deref()) {
            (Some(expected), Some(command)) => Some(answer(command, state)?.is(expected)),
            _ => is_there(state),
        }
    }

    /// Whether this state is what was found.
    pub(super) fn shows(&self, state: &State) -> bool {
        match (self.found, self.command.as_deref()) {
            (Some(found), Some(command)) => {
                answer(command, state).is_some_and(|it| it.terminal == found.terminal)
            }
            _ => is_there(state) == Some(false),
        }
    }
}

fn is_there(state: &State) -> Option<bool> {
    match state {
        State::Stored(_) => Some(true),
        State::Absent => Some(false),
        State::Unclear => None,
    }
}

/// What GET and EXISTS say of a key in this state.
fn answer(command: &str, state: &State) -> Option<Printed> {
    let value = match (command, state) {
        ("GET", State::Stored(Some(value))) => Value::BulkString(value.clone()),
        ("GET", State::Absent) => Value::Nil,
        ("EXISTS", state) => Value::Int(i64::from(is_there(state)?)),
        _ => return None,
    };
    Some(Printed::new(&value))
}

impl<'a> Case<'a> {
    /// Everything that was done to keys, in the order of the transcript.
    pub(super) fn writes(&self) -> Vec<Write<'a>> {
        writes_of(self.exchanges())
    }

    /// What was done to the key, in the order in which it was done; `None` where that is not sure.
    pub(super) fn story<'w>(
        &self,
        writes: &'w [Write<'a>],
        key: &[u8],
    ) -> Option<Vec<&'w Write<'a>>> {
        let story: Vec<&Write<'_>> = writes.iter().filter(|write| write.concerns(key)).collect();
        let follows = |pair: &[&Write<'_>]| {
            let [one, next] = [pair[0].index, pair[1].index];
            one == next || self.surely_after(next, one)
        };
        let is_whole = self.evidence.transcript.left_out == 0;
        (is_whole && story.windows(2).all(follows)).then_some(story)
    }

    /// What setup has made of the key.
    pub(super) fn state_at_start(&self, key: &[u8]) -> State {
        let exchanges = self.done_by_setup();
        let writes = writes_of(&exchanges);
        let story = writes.iter().filter(|write| write.concerns(key));
        story.fold(State::Absent, State::after)
    }

    fn done_by_setup(&self) -> Vec<Exchange> {
        let lines = self.exercise.setup.iter().flat_map(|code| code.text.lines());
        let commands = lines.filter(|line| !words::is_comment(line) && !line.starts_with('@'));
        commands.filter_map(|line| words::split(line).ok()).map(done).collect()
    }

    /// What all of this has made of the key.
    pub(super) fn state_after(&self, story: &[&Write<'_>], key: &[u8]) -> State {
        story.iter().fold(self.state_at_start(key), |state, write| state.after(write))
    }

    /// What a snapshot that was accepted there holds of the key.
    pub(super) fn state_at(&self, snapshot: usize, writes: &[Write<'a>], key: &[u8]) -> State {
        let Some(story) = self.story(writes, key) else { return State::Unclear };
        let before = |write: &&Write<'_>| self.surely_after(snapshot, write.index);
        let first: Vec<&Write<'_>> = story.iter().copied().take_while(before).collect();
        let behind = &story[first.len()..];
        if behind.iter().all(|write| self.surely_after(write.index, snapshot)) {
            self.state_after(&first, key)
        } else {
            State::Unclear
        }
    }

    /// How many keys the answer has added before this exchange; `None` where that is not sure. Keys that the answer has
    /// not named are counted if it says how many they are.
    pub(super) fn keys_added_before(&self, index: usize) -> Option<usize> {
        let writes = self.writes();
        let setup = self.done_by_setup();
        let setup: BTreeSet<&[u8]> = writes_of(&setup).iter().filter_map(Write::key).collect();
        let mut keys = BTreeSet::new();
        let mut unnamed = 0;
        for write in writes.iter().filter(|write| write.index < index) {
            let exchange = self.exchange(write.index)?;
            match (&write.effect, write.key(), write.outcome) {
                (_, _, Outcome::Refused | Outcome::NotRun) => {}
                (Effect::Stored(_), Some(key), _) => {
                    if !setup.contains(key) {
                        keys.insert((write.database, key));
                    }
                }
                // MSET with more pairs than are kept.
                (Effect::Unclear, None, Outcome::Done) if exchange.name() == "MSET" => {
                    unnamed += exchange.arguments_left_out() / 2;
                }
                _ => return None,
            }
        }
        (self.evidence.transcript.left_out == 0).then_some(keys.len() + unnamed)
    }

    /// Whether a command has stored the key, in any database, or may have.
    pub(super) fn was_stored(&self, key: &[u8]) -> bool {
        let may_have = |write: &Write<'_>| {
            write.effect == Effect::Unclear && write.names(key) && write.concerns(key)
        };
        self.writes().iter().any(|write| write.has_stored(key) || may_have(write))
    }

    /// Whether nothing can have come to a key that the transcript does not name.
    pub(super) fn names_all_keys(&self) -> bool {
        let may_be_any = |write: &Write<'_>| {
            write.key().is_none()
                && write.effect == Effect::Unclear
                && matches!(write.outcome, Outcome::Done | Outcome::Unknown)
        };
        self.evidence.transcript.left_out == 0
            && !self.has_script()
            && !self.writes().iter().any(may_be_any)
            && !self.was_written_past_the_tap()
    }

    /// INFO knows also of what came by another way.
    fn was_written_past_the_tap(&self) -> bool {
        let names = ["set", "mset", "setnx", "setex", "hset", "rpush", "lpush", "sadd", "zadd"];
        let sent = |name: &str| {
            let is_it = |it: &&Exchange| it.name().eq_ignore_ascii_case(name);
            i64::try_from(self.exchanges().iter().filter(is_it).count()).unwrap_or(i64::MAX)
        };
        self.last_look()
            .is_some_and(|now| names.iter().any(|name| self.calls_at(now, name) > sent(name)))
    }

    /// The keys that the unmet check misses.
    pub(super) fn missing(&self) -> Vec<Missing<'a>> {
        let Some(check) = self.check else { return Vec::new() };
        match &check.subject {
            Subject::Reply(_) => {
                let unmet = self.unmet_replies().into_iter();
                let missing = unmet.filter_map(|(command, expected, found)| {
                    let (key, name) = key_read_by(command)?;
                    let (expected, found) = (Some(expected), Some(found));
                    Some(Missing { key, command: Some(name), expected, found })
                });
                missing.collect()
            }
            Subject::Dump(dump) => {
                let Some(Restored::Loaded { holds, .. }) = &self.evidence.restored else {
                    return Vec::new();
                };
                let lacks = |key: &&String| holds.get(*key) == Some(&false);
                let missing = |key: &String| Missing {
                    key: key.as_bytes().to_vec(),
                    command: None,
                    expected: None,
                    found: None,
                };
                dump.keys.iter().filter(lacks).map(missing).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The commands of a `reply` check that were answered otherwise: with what was to come, and what came.
    pub(super) fn unmet_replies(&self) -> Vec<(&'a str, &'a str, &'a Printed)> {
        let Some((Subject::Reply(replies), at)) = self.check.map(|it| (&it.subject, it.at)) else {
            return Vec::new();
        };
        let Some(now) = self.observation(at) else { return Vec::new() };
        let unmet = |(command, expected): &'a (String, String)| {
            let found = now.replies.get(command).filter(|found| !found.is(expected))?;
            Some((command.as_str(), expected.as_str(), found))
        };
        replies.iter().filter_map(unmet).collect()
    }

    /// All keys that the exercise's checks ask for.
    pub(super) fn asked_keys(&self) -> Vec<Vec<u8>> {
        let mut keys = Vec::new();
        for check in &self.exercise.checks {
            match &check.subject {
                Subject::Reply(replies) => {
                    let read = replies.iter().filter_map(|(command, _)| key_read_by(command));
                    keys.extend(read.map(|(key, _)| key));
                }
                Subject::Dump(dump) => {
                    keys.extend(dump.keys.iter().map(|name| name.as_bytes().to_vec()));
                }
                _ => {}
            }
        }
        keys
    }
}

/// The key that a check's command reads, and the command's name.
fn key_read_by(command: &str) -> Option<(Vec<u8>, String)> {
    let words = words::split(command).ok()?;
    let name = String::from_utf8_lossy(words.first()?).to_uppercase();
    let reads = matches!(name.as_str(), "EXISTS" | "TYPE") || kind_read_by(&name).is_some();
    let key = words.get(1).filter(|_| reads)?;
    let is_the_only_one = name != "EXISTS" || words.len() == 2;
    is_the_only_one.then(|| (key.clone(), name))
}

/// A command of the setup: it was run with success, or there would be no evidence.
fn done(words: Vec<Vec<u8>>) -> Exchange {
    Exchange { at: Duration::ZERO, connection: 1, words, reply: None, outcome: Outcome::Done }
}
