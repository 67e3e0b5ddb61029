//! The effects of commands on keys.

use std::collections::HashMap;

use redis::Value;

use super::facts::{is_script, text};
use crate::redis_cli::commands;
use crate::relay::timeline::is_any;
use crate::relay::{CommandOutcome, Exchange};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The key holds something new; with the value if that is a complete string.
    Stored(Option<Vec<u8>>),
    /// The key is absent, whether or not it existed before.
    Deleted,
    /// All keys are removed.
    Flushed,
    /// The key gets a time to live.
    Expires,
    /// The effect is not known here, or not for sure.
    Unclear,
}

/// A command and the effect that it has, or would have had, on a key.
#[derive(Debug)]
pub struct Write<'a> {
    /// The index of the exchange.
    pub index: usize,
    pub outcome: CommandOutcome,
    /// The database that its connection had selected; `None` for all of them.
    pub database: Option<i64>,
    /// `None`: any key.
    key: Option<&'a [u8]>,
    pub effect: Effect,
}

impl<'a> Write<'a> {
    /// `None`: any key.
    pub fn key(&self) -> Option<&'a [u8]> {
        self.key
    }

    /// Whether the command is about this key and no other.
    pub fn names(&self, key: &[u8]) -> bool {
        self.key == Some(key)
    }

    /// Whether the command stores this key, or would have.
    pub fn is_to_store(&self, key: &[u8]) -> bool {
        self.names(key) && matches!(self.effect, Effect::Stored(_))
    }

    /// Whether the command stored this key, in any database.
    pub fn has_stored(&self, key: &[u8]) -> bool {
        self.is_to_store(key) && self.outcome == CommandOutcome::Done
    }

    /// Whether the command ran, or may have run, and concerns this key of database 0.
    pub fn concerns(&self, key: &[u8]) -> bool {
        matches!(self.outcome, CommandOutcome::Done | CommandOutcome::Unknown)
            && self.database.is_none_or(|database| database == 0)
            && self.key.is_none_or(|own| own == key)
    }
}

/// What these exchanges do to keys, in order.
pub fn writes_of(exchanges: &[Exchange]) -> Vec<Write<'_>> {
    // By connection; `None`: unknown.
    let mut databases: HashMap<u32, Option<i64>> = HashMap::new();
    let mut writes = Vec::new();
    for (index, exchange) in exchanges.iter().enumerate() {
        let database = databases.entry(exchange.connection).or_insert(Some(0));
        select(database, exchange);
        let effects = effects(exchange).into_iter();
        writes
            .extend(effects.map(|(key, effect)| write_of(index, exchange, *database, key, effect)));
    }
    writes
}

/// Follows which database the connection has selected.
fn select(database: &mut Option<i64>, exchange: &Exchange) {
    match (exchange.name().as_str(), exchange.outcome) {
        ("SELECT", CommandOutcome::Done) => {
            *database = exchange.words.get(1).and_then(|word| text(word).parse().ok());
        }
        ("SELECT", CommandOutcome::Unknown) => *database = None,
        ("RESET", CommandOutcome::Done) => *database = Some(0),
        _ => {}
    }
}

fn write_of<'a>(
    index: usize,
    exchange: &Exchange,
    database: Option<i64>,
    key: Option<&'a [u8]>,
    effect: Effect,
) -> Write<'a> {
    // A script that failed has run everything before the error.
    let outcome = match exchange.outcome {
        CommandOutcome::Refused if is_script(exchange) => CommandOutcome::Unknown,
        outcome => outcome,
    };
    let is_unclear = effect == Effect::Unclear || outcome == CommandOutcome::Unknown;
    let is_everywhere = exchange.name() == "FLUSHALL" || (key.is_none() && is_unclear);
    Write {
        index,
        outcome,
        database: database.filter(|_| !is_everywhere),
        key,
        effect: if is_unclear || database.is_none() { Effect::Unclear } else { effect },
    }
}

/// Each effect with its key; `None`: any key.
type Effects<'a> = Vec<(Option<&'a [u8]>, Effect)>;

fn effects(exchange: &Exchange) -> Effects<'_> {
    let words = kept_arguments(exchange);
    let name = exchange.name();
    match name.as_str() {
        "SET" => set(words, exchange),
        "SETEX" | "PSETEX" => {
            let stored = on_first(words, stored(words.get(2), exchange));
            [stored, on_first(words, Effect::Expires)].concat()
        }
        "GETSET" => on_first(words, stored(words.get(1), exchange)),
        "SETNX" | "SETRANGE" | "HSETNX" | "XADD" => {
            if_applied(on_first(words, Effect::Stored(None)), exchange)
        }
        // With an option, such as NX or GT, the effect depends on what is there.
        "ZADD" if words.get(1).is_some_and(|word| text(word).parse::<f64>().is_err()) => {
            on_first(words, Effect::Unclear)
        }
        "MSET" => on_pairs(words, exchange),
        "MSETNX" => if_applied(on_pairs(words, exchange), exchange),
        name if kind_stored_by(name).is_some() => on_first(words, Effect::Stored(None)),
        "DEL" | "UNLINK" => on_each(words, &Effect::Deleted, exchange),
        "GETDEL" => on_first(words, Effect::Deleted),
        "EXPIRE" | "PEXPIRE" | "EXPIREAT" | "PEXPIREAT" => {
            if_applied(on_first(words, Effect::Expires), exchange)
        }
        "FLUSHALL" | "FLUSHDB" => vec![(None, Effect::Flushed)],
        _ if may_change_any_key(exchange) => vec![(None, Effect::Unclear)],
        _ if commands::changes_no_named_key(&exchange.words) => Vec::new(),
        _ => on_each(words, &Effect::Unclear, exchange),
    }
}

/// The arguments that the timeline kept.
fn kept_arguments(exchange: &Exchange) -> &[Vec<u8>] {
    let words = exchange.words.get(1..).unwrap_or_default();
    let note = usize::from(exchange.lacks_arguments());
    &words[..words.len().saturating_sub(note)]
}

fn stored(value: Option<&Vec<u8>>, exchange: &Exchange) -> Effect {
    Effect::Stored(value.filter(|_| !exchange.is_cut()).cloned())
}

/// The effect on the first argument.
fn on_first(words: &[Vec<u8>], effect: Effect) -> Effects<'_> {
    words.first().map(|key| (Some(key.as_slice()), effect)).into_iter().collect()
}

/// The effect on each argument.
fn on_each<'a>(words: &'a [Vec<u8>], effect: &Effect, exchange: &Exchange) -> Effects<'a> {
    let kept = words.iter().map(|key| (Some(key.as_slice()), effect.clone()));
    effect_of_the_rest(exchange).into_iter().chain(kept).collect()
}

/// Each pair of arguments is a key and its value.
fn on_pairs<'a>(words: &'a [Vec<u8>], exchange: &Exchange) -> Effects<'a> {
    let pairs = words.chunks_exact(2);
    let kept = pairs.map(|pair| (Some(pair[0].as_slice()), stored(pair.get(1), exchange)));
    effect_of_the_rest(exchange).into_iter().chain(kept).collect()
}

/// Arguments that the timeline left out may be any key.
fn effect_of_the_rest<'a>(exchange: &Exchange) -> Option<(Option<&'a [u8]>, Effect)> {
    exchange.lacks_arguments().then_some((None, Effect::Unclear))
}

/// The effects of a command that depends on a condition: its reply says whether it had them. For a
/// command that was not run, those count that it would have had.
fn if_applied<'a>(effects: Effects<'a>, exchange: &Exchange) -> Effects<'a> {
    if exchange.outcome != CommandOutcome::Done {
        return effects;
    }
    match exchange.reply_value() {
        Some(Value::Int(0) | Value::Nil) => Vec::new(),
        Some(_) if !exchange.is_queued() => effects,
        _ => effects.into_iter().map(|(key, _)| (key, Effect::Unclear)).collect(),
    }
}

fn set<'a>(words: &'a [Vec<u8>], exchange: &Exchange) -> Effects<'a> {
    let Some(key) = words.first().map(Vec::as_slice) else { return Vec::new() };
    let options = words.get(2..).unwrap_or_default();
    if exchange.outcome == CommandOutcome::Done && !options.iter().all(|word| is_known_option(word))
    {
        return vec![(Some(key), Effect::Unclear)];
    }
    let mut effects = vec![(Some(key), stored(words.get(1), exchange))];
    if exchange.has_option(&["EX", "PX", "EXAT", "PXAT"]) {
        effects.push((Some(key), Effect::Expires));
    }
    if exchange.has_option(&["NX", "XX"]) { if_applied(effects, exchange) } else { effects }
}

/// An option of SET whose effect is known here, or the number that belongs to one.
fn is_known_option(word: &[u8]) -> bool {
    is_any(word, &["EX", "PX", "EXAT", "PXAT", "NX", "XX", "KEEPTTL"])
        || text(word).parse::<i64>().is_ok()
}

fn may_change_any_key(exchange: &Exchange) -> bool {
    let second = exchange.words.get(1).map(|word| text(word).to_uppercase()).unwrap_or_default();
    match exchange.name().as_str() {
        "SWAPDB" | "REPLICAOF" | "SLAVEOF" | "FAILOVER" | "CLUSTER" | "MODULE" => true,
        "DEBUG" => !matches!(second.as_str(), "SLEEP" | "OBJECT"),
        // Redis evicts keys if its memory is full.
        "CONFIG" => {
            let mut words = exchange.words.iter().map(|word| text(word).to_lowercase());
            second == "SET" && words.any(|word| word.starts_with("maxmemory"))
        }
        _ => is_script(exchange),
    }
}

/// The type that a command reads, if it reads only one.
pub fn kind_read_by(command: &str) -> Option<&'static str> {
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

/// The type that a key has after this command stored something in it.
pub fn kind_stored_by(command: &str) -> Option<&'static str> {
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
