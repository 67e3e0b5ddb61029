//! What commands do to keys.

use std::collections::HashMap;

use redis::Value;

use super::case::{is_queued, is_script, text};
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
    pub(super) fn concerns(&self, key: &[u8]) -> bool {
        matches!(self.outcome, Outcome::Done | Outcome::Unknown)
            && self.database.is_none_or(|database| database == 0)
            && self.key.is_none_or(|it| it == key)
    }
}

/// What these exchanges do to keys, in order.
pub(super) fn writes_of(exchanges: &[Exchange]) -> Vec<Write<'_>> {
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
