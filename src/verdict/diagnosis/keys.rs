//! What commands do to keys, and which keys an unmet check misses.

use std::collections::HashMap;
use std::time::Duration;

use redis::Value;

use super::case::{Case, is_queued, is_script, text};
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
    /// The key is not there any more, if it ever was.
    Deleted,
    /// It takes all keys away.
    Flushed,
    /// It gives the key a time to live.
    Expires,
    /// Something that is not known here, or not for sure.
    Unclear,
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
    /// `None`: any key.
    key: Option<&'a [u8]>,
    /// What it does.
    pub(super) effect: Effect,
}

impl<'a> Write<'a> {
    /// Its key, if it has one.
    pub(super) fn key(&self) -> Option<&'a [u8]> {
        self.key
    }

    /// Whether it is about this key and no other.
    pub(super) fn names(&self, key: &[u8]) -> bool {
        self.key == Some(key)
    }

    /// Whether it stores this key, or would have.
    pub(super) fn is_to_store(&self, key: &[u8]) -> bool {
        self.names(key) && matches!(self.effect, Effect::Stored(_))
    }

    /// Whether it has stored this key, in any database.
    pub(super) fn has_stored(&self, key: &[u8]) -> bool {
        self.is_to_store(key) && self.outcome == Outcome::Done
    }

    /// Whether the effect came true, or may have, and concerns this key of database 0.
    fn concerns(&self, key: &[u8]) -> bool {
        matches!(self.outcome, Outcome::Done | Outcome::Unknown)
            && self.database.is_none_or(|database| database == 0)
            && self.key.is_none_or(|it| it == key)
    }
}

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
        let lines = self.exercise.setup.iter().flat_map(|code| code.text.lines());
        let commands = lines.filter(|line| !words::is_comment(line) && !line.starts_with('@'));
        let exchanges: Vec<Exchange> =
            commands.filter_map(|line| words::split(line).ok()).map(done).collect();
        let writes = writes_of(&exchanges);
        let story = writes.iter().filter(|write| write.concerns(key));
        story.fold(State::Absent, State::after)
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
            write.key.is_none()
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
            Subject::Dump(keys) => {
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
                keys.iter().filter(lacks).map(missing).collect()
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
                Subject::Dump(names) => {
                    keys.extend(names.iter().map(|name| name.as_bytes().to_vec()));
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

/// What a command reads that reads nothing else.
pub(super) fn kind_read_by(command: &str) -> Option<&'static str> {
    Some(match command {
        "GET" | "STRLEN" => "string",
        "HGET" | "HGETALL" | "HLEN" => "hash",
        "LLEN" | "LRANGE" => "list",
        "SCARD" | "SMEMBERS" | "SISMEMBER" => "set",
        "ZCARD" | "ZSCORE" | "ZRANGE" => "sorted set",
        "XLEN" => "stream",
        _ => return None,
    })
}

/// What a key holds after one of the commands that store something.
pub(super) fn kind_stored_by(command: &str) -> Option<&'static str> {
    Some(match command {
        "SET" | "GETSET" | "SETEX" | "PSETEX" | "MSET" | "MSETNX" | "SETNX" | "SETRANGE"
        | "APPEND" | "INCR" | "INCRBY" | "INCRBYFLOAT" | "DECR" | "DECRBY" | "SETBIT" | "PFADD" => {
            "string"
        }
        "HSET" | "HMSET" | "HSETNX" | "HINCRBY" | "HINCRBYFLOAT" => "hash",
        "LPUSH" | "RPUSH" => "list",
        "SADD" => "set",
        "ZADD" | "ZINCRBY" => "sorted set",
        "XADD" => "stream",
        _ => return None,
    })
}

/// A command of the setup: it was run with success, or there would be no evidence.
fn done(words: Vec<Vec<u8>>) -> Exchange {
    Exchange { at: Duration::ZERO, connection: 1, words, reply: None, outcome: Outcome::Done }
}

fn writes_of(exchanges: &[Exchange]) -> Vec<Write<'_>> {
    // `None`: nobody knows which one.
    let mut databases: HashMap<u32, Option<i64>> = HashMap::new();
    let mut writes = Vec::new();
    for (index, exchange) in exchanges.iter().enumerate() {
        let name = exchange.name();
        let database = databases.entry(exchange.connection).or_insert(Some(0));
        match (name.as_str(), exchange.outcome) {
            ("SELECT", Outcome::Done) => {
                *database = exchange.words.get(1).and_then(|word| text(word).parse().ok());
            }
            ("SELECT", Outcome::Unknown) => *database = None,
            ("RESET", Outcome::Done) => *database = Some(0),
            _ => {}
        }
        // A script that fails has done what stands before that.
        let outcome = match exchange.outcome {
            Outcome::Refused if is_script(exchange) => Outcome::Unknown,
            outcome => outcome,
        };
        let write = |(key, effect): (Option<_>, Effect)| {
            let is_unclear = effect == Effect::Unclear || outcome == Outcome::Unknown;
            let is_everywhere = database.is_none() || name == "FLUSHALL";
            Write {
                index,
                outcome,
                database: database.filter(|_| !(is_everywhere || (key.is_none() && is_unclear))),
                key,
                effect: if is_unclear || database.is_none() { Effect::Unclear } else { effect },
            }
        };
        writes.extend(effects(exchange).into_iter().map(write));
    }
    writes
}

/// What the reply says to a command that does something under a condition.
enum Said {
    Done,
    NotDone,
    Unclear,
}

/// Of a command that was not run it is what it would have done that counts.
fn said(exchange: &Exchange) -> Said {
    if exchange.outcome != Outcome::Done {
        return Said::Done;
    }
    match exchange.reply.as_ref().map(|reply| &reply.value) {
        Some(Value::Int(0) | Value::Nil) => Said::NotDone,
        Some(_) if !is_queued(exchange) => Said::Done,
        _ => Said::Unclear,
    }
}

type Effects<'a> = Vec<(Option<&'a [u8]>, Effect)>;

fn effects(exchange: &Exchange) -> Effects<'_> {
    let lacks_some = exchange.lacks_arguments();
    let words = exchange.words.get(1..).unwrap_or_default();
    let words = &words[..words.len().saturating_sub(usize::from(lacks_some))];
    let value =
        |word: Option<&Vec<u8>>| Effect::Stored(word.filter(|_| !exchange.is_cut()).cloned());
    let one = |effect: Effect| -> Effects<'_> {
        words.first().map(|key| (Some(key.as_slice()), effect)).into_iter().collect()
    };
    let each = |effect: &Effect| -> Effects<'_> {
        words.iter().map(|key| (Some(key.as_slice()), effect.clone())).collect()
    };
    // What is left out may be any key.
    let rest = || lacks_some.then_some((None, Effect::Unclear));
    let name = exchange.name();
    match name.as_str() {
        "SET" => set(words, value(words.get(1)), exchange),
        "SETEX" | "PSETEX" => [one(value(words.get(2))), one(Effect::Expires)].concat(),
        "GETSET" => one(value(words.get(1))),
        "SETNX" | "SETRANGE" | "HSETNX" | "XADD" => if_done(one(Effect::Stored(None)), exchange),
        "ZADD" if words.get(1).is_some_and(|word| text(word).parse::<f64>().is_err()) => {
            one(Effect::Unclear)
        }
        "MSET" | "MSETNX" => {
            let pairs = words.chunks_exact(2);
            let pairs = pairs.map(|pair| (Some(pair[0].as_slice()), value(pair.get(1))));
            let all = rest().into_iter().chain(pairs).collect();
            if name == "MSETNX" { if_done(all, exchange) } else { all }
        }
        name if kind_stored_by(name).is_some() => one(Effect::Stored(None)),
        "DEL" | "UNLINK" => rest().into_iter().chain(each(&Effect::Deleted)).collect(),
        "GETDEL" => one(Effect::Deleted),
        "EXPIRE" | "PEXPIRE" | "EXPIREAT" | "PEXPIREAT" => if_done(one(Effect::Expires), exchange),
        "FLUSHALL" | "FLUSHDB" => vec![(None, Effect::Flushed)],
        _ if may_change_any_key(exchange) => vec![(None, Effect::Unclear)],
        name if changes_no_key(name) => Vec::new(),
        _ => rest().into_iter().chain(each(&Effect::Unclear)).collect(),
    }
}

fn if_done<'a>(effects: Effects<'a>, exchange: &Exchange) -> Effects<'a> {
    match said(exchange) {
        Said::Done => effects,
        Said::NotDone => Vec::new(),
        Said::Unclear => effects.into_iter().map(|(key, _)| (key, Effect::Unclear)).collect(),
    }
}

fn set<'a>(words: &'a [Vec<u8>], stored: Effect, exchange: &Exchange) -> Effects<'a> {
    let Some(key) = words.first().map(Vec::as_slice) else { return Vec::new() };
    let is = |word: &[u8], names: &[&str]| {
        names.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
    };
    let has = |names: &[&str]| words.iter().skip(2).any(|word| is(word, names));
    let is_known = |word: &Vec<u8>| {
        is(word, &["EX", "PX", "EXAT", "PXAT", "NX", "XX", "KEEPTTL"])
            || text(word).parse::<i64>().is_ok()
    };
    if exchange.outcome == Outcome::Done && !words.iter().skip(2).all(is_known) {
        return vec![(Some(key), Effect::Unclear)];
    }
    let expires = has(&["EX", "PX", "EXAT", "PXAT"]).then_some((Some(key), Effect::Expires));
    let effects = std::iter::once((Some(key), stored)).chain(expires).collect();
    if has(&["NX", "XX"]) { if_done(effects, exchange) } else { effects }
}

fn may_change_any_key(exchange: &Exchange) -> bool {
    let second = exchange.words.get(1).map(|word| text(word).to_uppercase()).unwrap_or_default();
    match exchange.name().as_str() {
        "SWAPDB" | "REPLICAOF" | "SLAVEOF" | "FAILOVER" | "CLUSTER" | "MODULE" => true,
        "DEBUG" => !matches!(second.as_str(), "SLEEP" | "OBJECT"),
        // Redis throws keys away where its memory is full.
        "CONFIG" => {
            second == "SET"
                && exchange
                    .words
                    .iter()
                    .any(|word| text(word).to_lowercase().starts_with("maxmemory"))
        }
        _ => is_script(exchange),
    }
}

fn changes_no_key(name: &str) -> bool {
    let kinds = ["GET", "EXISTS", "TYPE"].contains(&name) || kind_read_by(name).is_some();
    let reads = [
        "MGET",
        "TTL",
        "PTTL",
        "EXPIRETIME",
        "PEXPIRETIME",
        "GETRANGE",
        "GETBIT",
        "BITCOUNT",
        "HMGET",
        "HKEYS",
        "HVALS",
        "HEXISTS",
        "HSTRLEN",
        "HSCAN",
        "LINDEX",
        "LPOS",
        "SMISMEMBER",
        "SSCAN",
        "ZMSCORE",
        "ZRANK",
        "ZCOUNT",
        "ZSCAN",
        "ZREVRANGE",
        "ZRANGEBYSCORE",
        "XRANGE",
        "XREVRANGE",
        "PFCOUNT",
        "DUMP",
        "OBJECT",
        "MEMORY",
        "TOUCH",
        "SCAN",
        "KEYS",
        "DBSIZE",
        "RANDOMKEY",
    ];
    let others = [
        "ACL",
        "AUTH",
        "BGREWRITEAOF",
        "BGSAVE",
        "CLIENT",
        "COMMAND",
        "CONFIG",
        "DEBUG",
        "DISCARD",
        "ECHO",
        "EXEC",
        "FUNCTION",
        "HELLO",
        "INFO",
        "LASTSAVE",
        "LATENCY",
        "LOLWUT",
        "MONITOR",
        "MULTI",
        "PING",
        "PSUBSCRIBE",
        "PUBLISH",
        "PUBSUB",
        "QUIT",
        "RESET",
        "ROLE",
        "SAVE",
        "SCRIPT",
        "SELECT",
        "SHUTDOWN",
        "SLOWLOG",
        "SUBSCRIBE",
        "TIME",
        "UNWATCH",
        "WAIT",
        "WATCH",
    ];
    kinds || reads.contains(&name) || others.contains(&name)
}
