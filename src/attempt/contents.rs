//! All keys of a server, for comparing a snapshot file with the keys before the answer.

use std::collections::BTreeMap;

use redis::Value;
use sha2::{Digest as _, Sha256};

use super::baseline::microseconds;
use super::evidence::{Changed, Differences, SnapshotDifference};
use super::look::LOOK_LIMIT;
use crate::error::EnvironmentError;
use crate::lesson::Exercise;
use crate::redis_cli::words;
use crate::server::info::Words;
use crate::server::{CallError, Server};

/// More keys than any lesson needs; reading this many takes less than two seconds.
const MOST_KEYS: usize = 100_000;
/// Of all values together.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// Keys per request.
const BATCH: usize = 200;
/// Milliseconds. Expiry times may differ by this much, because a time to live and the server's
/// clock are not read at the same instant.
const SAME_END: i64 = 2_000;

/// Every key of every database.
#[derive(Debug)]
pub(super) struct Contents {
    keys: BTreeMap<(u32, Vec<u8>), SnapshotKey>,
}

/// The properties of a key that are compared.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SnapshotKey {
    /// Of its type and its value.
    digest: [u8; 32],
    bytes: usize,
    /// When it expires, by the server's clock: Unix time in milliseconds.
    ends: Option<i64>,
}

impl Contents {
    /// Reads all keys; an error if there are more than can be compared.
    pub(super) fn read(server: &mut Server, exercise: &Exercise) -> Result<Self, EnvironmentError> {
        let mut keys = BTreeMap::new();
        let mut bytes = 0;
        for database in databases(server).map_err(unreadable)? {
            let mut cursor = b"0".to_vec();
            loop {
                let (next, names) = scan(server, database, &cursor).map_err(unreadable)?;
                let found = read_keys(server, database, &names).map_err(unreadable)?;
                for (name, key) in names.into_iter().zip(found) {
                    let Some(key) = key else { continue };
                    bytes += key.bytes;
                    keys.insert((database, name), key);
                }
                if keys.len() > MOST_KEYS || bytes > MOST_BYTES {
                    return Err(too_much(exercise));
                }
                if next == b"0" {
                    break;
                }
                cursor = next;
            }
        }
        Ok(Self { keys })
    }

    /// The keys that this server does not hold unchanged. A key that has expired since may be
    /// missing.
    pub(super) fn compare(&self, server: &mut Server) -> Result<Differences, CallError> {
        let now = milliseconds(&server.client().call(&["TIME"], LOOK_LIMIT)?);
        let mut found = Vec::new();
        let known: Vec<(&(u32, Vec<u8>), &SnapshotKey)> = self.keys.iter().collect();
        for batch in known.chunks(BATCH) {
            for of_database in batch.chunk_by(|one, other| one.0.0 == other.0.0) {
                let database = of_database[0].0.0;
                let names: Vec<Vec<u8>> =
                    of_database.iter().map(|((_, name), _)| name.clone()).collect();
                let seen = read_keys(server, database, &names)?;
                for (((_, name), was), is) in of_database.iter().zip(seen) {
                    let Some(what) = was.changed_to(is.as_ref(), now) else { continue };
                    found.push(SnapshotDifference { database, key: words::join(&[name]), what });
                }
            }
        }
        Ok(Differences { compared: self.keys.len(), keys: found })
    }
}

fn unreadable(error: CallError) -> EnvironmentError {
    EnvironmentError::new(format!("cannot read the keys before the answer: {error}"), "try again")
}

impl SnapshotKey {
    fn changed_to(&self, is: Option<&Self>, now: i64) -> Option<Changed> {
        match is {
            None if self.ends.is_some_and(|ends| ends <= now + SAME_END) => None,
            None => Some(Changed::Missing),
            Some(is) if is.digest != self.digest => Some(Changed::Value),
            Some(is) => {
                let is_same = match (self.ends, is.ends) {
                    (Some(was), Some(is)) => (was - is).abs() <= SAME_END,
                    (None, None) => true,
                    _ => false,
                };
                (!is_same).then_some(Changed::TimeToLive)
            }
        }
    }
}

fn too_much(exercise: &Exercise) -> EnvironmentError {
    let fact = format!(
        "`{}` compares the snapshot with all keys before the answer, but there are more than \
         {MOST_KEYS} keys or {} MB",
        exercise.id,
        MOST_BYTES / 1024 / 1024
    );
    let help = "let the lesson's setup write less, or name keys: `dump = { keys = [\"…\"] }`";
    EnvironmentError::new(fact, help)
}

/// The databases that hold keys, from INFO's `db0:keys=3,…`.
fn databases(server: &mut Server) -> Result<Vec<u32>, CallError> {
    let info = server.client().call(&["INFO", "keyspace"], LOOK_LIMIT)?;
    Ok(text(&info).lines().filter_map(database_number).collect())
}

fn database_number(line: &str) -> Option<u32> {
    line.strip_prefix("db")?.split_once(':')?.0.parse().ok()
}

/// Runs commands in this database and returns their replies; the connection then returns to
/// database 0.
fn in_database(
    server: &mut Server,
    database: u32,
    commands: &[Words],
) -> Result<Vec<Value>, CallError> {
    let (there, back) = (select(database), select(0));
    let lines = std::iter::once(&there).chain(commands).chain([&back]);
    let lines: Vec<&[Vec<u8>]> = lines.map(Vec::as_slice).collect();
    let mut replies = server.client().pipeline(&lines, LOOK_LIMIT)?;
    replies.pop();
    replies.remove(0);
    Ok(replies)
}

fn select(database: u32) -> Words {
    vec![b"SELECT".to_vec(), database.to_string().into_bytes()]
}

/// The next cursor and a batch of key names.
fn scan(
    server: &mut Server,
    database: u32,
    cursor: &[u8],
) -> Result<(Vec<u8>, Vec<Vec<u8>>), CallError> {
    let command = [b"SCAN", cursor, b"COUNT", BATCH.to_string().as_bytes()].map(<[u8]>::to_vec);
    let reply = in_database(server, database, &[command.into()])?.into_iter().next();
    Ok(reply
        .and_then(|reply| redis::from_redis_value(reply).ok())
        .unwrap_or((b"0".to_vec(), Vec::new())))
}

/// Reads each of these keys; `None`: there is no such key.
fn read_keys(
    server: &mut Server,
    database: u32,
    names: &[Vec<u8>],
) -> Result<Vec<Option<SnapshotKey>>, CallError> {
    let mut questions: Vec<Words> = Vec::new();
    for name in names {
        questions.push(command("TYPE", name, &[]));
        questions.push(command("PTTL", name, &[]));
    }
    questions.push(vec![b"TIME".to_vec()]);
    let mut replies = in_database(server, database, &questions)?;
    let now = replies.pop().map_or(0, |time| milliseconds(&time));
    let kinds: Vec<String> = replies.iter().step_by(2).map(text).collect();
    let times_to_live = replies.iter().skip(1).step_by(2);
    let questions: Vec<Words> =
        names.iter().zip(&kinds).map(|(name, kind)| whole_value(name, kind)).collect();
    let values = in_database(server, database, &questions)?;
    let mut keys = Vec::new();
    for ((kind, value), left) in kinds.iter().zip(values).zip(times_to_live) {
        let (digest, bytes) = digest(kind, value);
        let ends = match left {
            Value::Int(left @ 0..) => Some(now + left),
            _ => None,
        };
        keys.push((kind != "none").then_some(SnapshotKey { digest, bytes, ends }));
    }
    Ok(keys)
}

fn command(name: &str, key: &[u8], rest: &[&str]) -> Words {
    let rest = rest.iter().map(|word| word.as_bytes().to_vec());
    [name.as_bytes().to_vec(), key.to_vec()].into_iter().chain(rest).collect()
}

/// The command that reads the whole value of a key. DUMP depends on a set's order in memory, which
/// changes when the set is loaded; but streams and module types have no other complete form.
fn whole_value(key: &[u8], kind: &str) -> Words {
    match kind {
        "string" => command("GET", key, &[]),
        "list" => command("LRANGE", key, &["0", "-1"]),
        "set" => command("SMEMBERS", key, &[]),
        "hash" => command("HGETALL", key, &[]),
        "zset" => command("ZRANGE", key, &["0", "-1", "WITHSCORES"]),
        _ => command("DUMP", key, &[]),
    }
}

/// The digest of a type and a value, and the value's size in bytes. Sets and hashes have no order.
fn digest(kind: &str, value: Value) -> ([u8; 32], usize) {
    let mut parts: Vec<Vec<u8>> = match value {
        Value::Array(items) | Value::Set(items) => items.iter().map(bytes).collect(),
        Value::Map(pairs) => {
            pairs.iter().flat_map(|(name, value)| [bytes(name), bytes(value)]).collect()
        }
        other => vec![bytes(&other)],
    };
    match kind {
        "set" => parts.sort_unstable(),
        "hash" => {
            let mut pairs: Vec<Vec<Vec<u8>>> = parts.chunks(2).map(<[_]>::to_vec).collect();
            pairs.sort_unstable();
            parts = pairs.into_iter().flatten().collect();
        }
        _ => {}
    }
    let mut hash = Sha256::new_with_prefix(kind);
    for part in &parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    (hash.finalize().into(), parts.iter().map(Vec::len).sum())
}

fn milliseconds(time: &Value) -> i64 {
    microseconds(time) / 1000
}

fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::BulkString(bytes) => bytes.clone(),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => text.clone().into_bytes(),
        other => format!("{other:?}").into_bytes(),
    }
}

fn text(value: &Value) -> String {
    String::from_utf8_lossy(&bytes(value)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    #[test]
    fn a_set_and_a_hash_have_no_order_and_a_list_has_one() {
        let one = || Value::Array(["a", "1", "b", "2"].map(bulk).into());
        let other = || Value::Array(["b", "2", "a", "1"].map(bulk).into());
        assert_eq!(digest("hash", one()), digest("hash", other()));
        assert_eq!(digest("set", one()), digest("set", other()));
        assert_ne!(digest("list", one()), digest("list", other()));
        assert_ne!(digest("list", one()), digest("set", one()));
    }

    #[test]
    fn a_key_that_was_to_end_by_now_may_be_gone() {
        let key = |ends| SnapshotKey { digest: [0; 32], bytes: 0, ends };
        assert_eq!(key(Some(5_000)).changed_to(None, 6_000), None);
        assert_eq!(key(Some(50_000)).changed_to(None, 6_000), Some(Changed::Missing));
        let shorter = key(Some(9_000));
        assert_eq!(key(Some(50_000)).changed_to(Some(&shorter), 0), Some(Changed::TimeToLive));
        assert_eq!(key(None).changed_to(Some(&shorter), 0), Some(Changed::TimeToLive));
        assert_eq!(key(Some(10_000)).changed_to(Some(&shorter), 0), None);
    }
}
