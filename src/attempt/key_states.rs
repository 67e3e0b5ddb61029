//! The keys that an exercise's checks ask about, before and after the answer: what has become of
//! them, for people. No check is judged by it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use redis::{Value, from_redis_value_ref};

use super::evidence::{GroupState, KeyChange, KeyState};
use crate::checks::Question;
use crate::lesson::Exercise;
use crate::redis_cli::{commands, reply, words};
use crate::server::{CallError, Client};

/// More would not be read.
const MOST_KEYS: usize = 8;
/// The index of the last byte that is read of a string.
const LAST_BYTE: &[u8] = b"39";
/// A server that does not reply at once is left alone.
const LIMIT: Duration = Duration::from_millis(500);

/// The keys in the questions of all checks, sorted.
fn named_keys(exercise: &Exercise) -> Vec<Vec<u8>> {
    let mut keys = BTreeSet::new();
    for question in exercise.checks.iter().flat_map(|check| check.subject.questions()) {
        let Question::Command(line) = question else { continue };
        let words = words::split(&line).unwrap_or_default();
        let positions = commands::of_words(&words).map(|command| command.keys(words.len()));
        keys.extend(positions.unwrap_or_default().into_iter().map(|at| words[at].clone()));
    }
    keys.into_iter().take(MOST_KEYS).collect()
}

/// The keys that checks ask about, with their states; none if the server did not tell them all at
/// once.
pub(super) fn of_named_keys(client: &mut Client, exercise: &Exercise) -> Vec<(Vec<u8>, KeyState)> {
    let keys = named_keys(exercise);
    let states = read(client, keys.iter());
    keys.into_iter().zip(states).collect()
}

/// The states in the order of the keys; none if the server did not tell them all at once.
fn read<'k>(client: &mut Client, keys: impl Iterator<Item = &'k Vec<u8>>) -> Vec<KeyState> {
    let states: Result<Vec<KeyState>, CallError> = keys.map(|key| read_key(client, key)).collect();
    states.unwrap_or_default()
}

/// These keys with their states now, so much later.
pub(super) fn changes(
    client: &mut Client,
    before: Vec<(Vec<u8>, KeyState)>,
    apart: Duration,
) -> Vec<KeyChange> {
    let after = read(client, before.iter().map(|(key, _)| key));
    let mut changes = Vec::new();
    for ((key, before), after) in before.into_iter().zip(after) {
        changes.push(KeyChange { key: words::join(&[key]), before, after, apart });
    }
    changes
}

fn read_key(client: &mut Client, key: &[u8]) -> Result<KeyState, CallError> {
    let replies = client.pipeline(&[&[b"TYPE", key], &[b"PTTL", key]], LIMIT)?;
    let [kind, ends_in] = &replies[..] else { return Ok(KeyState::default()) };
    let kind: String = from_redis_value_ref(kind).unwrap_or_default();
    let milliseconds: i64 = from_redis_value_ref(ends_in).unwrap_or(-1);
    let mut state = KeyState {
        ends_in: u64::try_from(milliseconds).ok().map(Duration::from_millis),
        ..KeyState::default()
    };
    let size: &[u8] = match kind.as_str() {
        "string" => {
            let value: [&[u8]; 4] = [b"GETRANGE", key, b"0", LAST_BYTE];
            state.value = Some(reply::format(&client.call(&value, LIMIT)?));
            b"STRLEN"
        }
        "list" => b"LLEN",
        "hash" => b"HLEN",
        "set" => b"SCARD",
        "zset" => b"ZCARD",
        "stream" => {
            state.groups = groups(&client.call(&[b"XINFO", b"GROUPS".as_slice(), key], LIMIT)?);
            b"XLEN"
        }
        _ => return Ok(state),
    };
    state.size = from_redis_value_ref(&client.call(&[size, key], LIMIT)?).ok();
    Ok(KeyState { kind, ..state })
}

/// The groups in XINFO GROUPS' reply: a list of maps, which RESP2 writes as lists.
fn groups(reply: &Value) -> Vec<GroupState> {
    let Value::Array(groups) = reply else { return Vec::new() };
    groups.iter().filter_map(group).collect()
}

fn group(reply: &Value) -> Option<GroupState> {
    let fields: BTreeMap<String, Value> = from_redis_value_ref(reply).ok()?;
    Some(GroupState {
        name: from_redis_value_ref(fields.get("name")?).ok()?,
        pending: from_redis_value_ref(fields.get("pending")?).ok()?,
    })
}
