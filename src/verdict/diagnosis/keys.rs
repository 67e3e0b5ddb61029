//! What commands do to keys, and which keys an unmet check misses.

use std::collections::HashMap;

use super::case::{Case, text};
use crate::attempt::evidence::Restored;
use crate::lesson::Subject;
use crate::redis_cli::reply::Printed;
use crate::redis_cli::words;
use crate::tap::{Exchange, Outcome};

/// What a command does to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// It stores something there; the value where it is a whole string.
    Stored(Option<Vec<u8>>),
    /// It takes the key away.
    Deleted,
    /// It takes all keys away.
    Flushed,
    /// It gives the key a time to live.
    Expires,
}

/// A command and what it does, or would have done, to a key.
#[derive(Debug)]
pub(super) struct Write<'a> {
    /// Of the exchange.
    pub(super) index: usize,
    /// What became of the command.
    pub(super) outcome: Outcome,
    /// The database that its connection had selected; `None` for all of them.
    pub(super) database: Option<i64>,
    /// Empty for [`Effect::Flushed`].
    pub(super) key: &'a [u8],
    /// What it does.
    pub(super) effect: Effect,
}

impl Write<'_> {
    /// Whether the effect came true and concerns this key of database 0.
    pub(super) fn concerns(&self, key: &[u8]) -> bool {
        self.outcome == Outcome::Done
            && self.database.is_none_or(|database| database == 0)
            && (self.key == key || self.effect == Effect::Flushed)
    }
}

/// A key that an unmet check misses, or finds with another value.
#[derive(Debug)]
pub(super) struct Missing<'a> {
    /// The key.
    pub(super) key: Vec<u8>,
    /// What GET must answer; `None` for other commands and for `dump`.
    pub(super) value: Option<&'a str>,
    /// What was answered.
    pub(super) found: Option<&'a Printed>,
}

impl Missing<'_> {
    /// Whether nothing is stored there.
    pub(super) fn is_absent(&self) -> bool {
        self.found
            .is_none_or(|found| matches!(found.terminal.as_str(), "(nil)" | "(integer) 0" | "none"))
    }

    pub(super) fn name(&self) -> String {
        text(&self.key)
    }
}

impl<'a> Case<'a> {
    /// Everything that was done to keys, in the order of the transcript.
    pub(super) fn writes(&self) -> Vec<Write<'a>> {
        let mut databases: HashMap<u32, i64> = HashMap::new();
        let mut writes = Vec::new();
        for (index, exchange) in self.numbered() {
            let database = databases.entry(exchange.connection).or_insert(0);
            if exchange.name() == "SELECT" && exchange.outcome == Outcome::Done {
                let number = exchange.words.get(1).and_then(|word| text(word).parse().ok());
                *database = number.unwrap_or(*database);
            }
            let everywhere = exchange.name() == "FLUSHALL";
            let database = Some(*database).filter(|_| !everywhere);
            let outcome = exchange.outcome;
            let write = |(key, effect)| Write { index, outcome, database, key, effect };
            writes.extend(effects(exchange).into_iter().map(write));
        }
        writes
    }

    /// The keys that the unmet check misses.
    pub(super) fn missing(&self) -> Vec<Missing<'a>> {
        let Some(check) = self.check else { return Vec::new() };
        match &check.subject {
            Subject::Reply(replies) => {
                let Some(now) = self.observation(check.at) else { return Vec::new() };
                let unmet = |(command, expected): &'a (String, String)| {
                    let found = now.replies.get(command)?;
                    let (key, is_get) = key_read_by(command).filter(|_| !found.is(expected))?;
                    let value = is_get.then_some(expected.as_str());
                    Some(Missing { key, value, found: Some(found) })
                };
                replies.iter().filter_map(unmet).collect()
            }
            Subject::Dump(keys) => {
                let Some(Restored::Loaded { holds, .. }) = &self.evidence.restored else {
                    return Vec::new();
                };
                let lacks = |key: &&String| holds.get(*key) == Some(&false);
                let missing = |key: &String| Missing {
                    key: key.as_bytes().to_vec(),
                    value: None,
                    found: None,
                };
                keys.iter().filter(lacks).map(missing).collect()
            }
            _ => Vec::new(),
        }
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
                Subject::Dump(names) => {
                    keys.extend(names.iter().map(|name| name.as_bytes().to_vec()));
                }
                _ => {}
            }
        }
        keys
    }
}

/// The key that a check's command reads, and whether it is read by GET.
fn key_read_by(command: &str) -> Option<(Vec<u8>, bool)> {
    let words = words::split(command).ok()?;
    let name = String::from_utf8_lossy(words.first()?).to_uppercase();
    let reads = [
        "GET",
        "EXISTS",
        "TYPE",
        "STRLEN",
        "HGET",
        "HGETALL",
        "HLEN",
        "LLEN",
        "LRANGE",
        "SCARD",
        "SMEMBERS",
        "SISMEMBER",
        "ZCARD",
        "ZSCORE",
        "ZRANGE",
        "XLEN",
    ];
    let key = words.get(1).filter(|_| reads.contains(&name.as_str()))?;
    let is_the_only_one = name != "EXISTS" || words.len() == 2;
    is_the_only_one.then(|| (key.clone(), name == "GET"))
}

fn effects(exchange: &Exchange) -> Vec<(&[u8], Effect)> {
    let words: Vec<&[u8]> = exchange.words.iter().map(Vec::as_slice).collect();
    let value = |index: usize| Effect::Stored(words.get(index).map(|it| it.to_vec()));
    let one = |effect: Effect| words.get(1).map(|key| (*key, effect)).into_iter().collect();
    match exchange.name().as_str() {
        "SET" if words.iter().skip(3).any(|word| is_time_to_live(word)) => {
            words.get(1).map_or(Vec::new(), |key| vec![(*key, value(2)), (*key, Effect::Expires)])
        }
        "SETEX" | "PSETEX" => {
            words.get(1).map_or(Vec::new(), |key| vec![(*key, value(3)), (*key, Effect::Expires)])
        }
        "SET" | "GETSET" => one(value(2)),
        "SETNX" | "SETRANGE" | "APPEND" | "INCR" | "INCRBY" | "INCRBYFLOAT" | "DECR" | "DECRBY"
        | "SETBIT" | "HSET" | "HMSET" | "HSETNX" | "HINCRBY" | "LPUSH" | "RPUSH" | "SADD"
        | "ZADD" | "ZINCRBY" | "XADD" | "PFADD" | "GEOADD" | "RESTORE" => one(Effect::Stored(None)),
        "MSET" | "MSETNX" => {
            let pairs = words.get(1..).unwrap_or_default().chunks_exact(2);
            pairs.map(|pair| (pair[0], Effect::Stored(Some(pair[1].to_vec())))).collect()
        }
        "DEL" | "UNLINK" => words.iter().skip(1).map(|key| (*key, Effect::Deleted)).collect(),
        "GETDEL" => one(Effect::Deleted),
        "EXPIRE" | "PEXPIRE" | "EXPIREAT" | "PEXPIREAT" => one(Effect::Expires),
        "FLUSHALL" | "FLUSHDB" => vec![(&[], Effect::Flushed)],
        _ => Vec::new(),
    }
}

fn is_time_to_live(word: &[u8]) -> bool {
    ["EX", "PX", "EXAT", "PXAT"].iter().any(|it| word.eq_ignore_ascii_case(it.as_bytes()))
}
