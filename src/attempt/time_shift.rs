//! Moves time on for a server's data: keys, hash fields and pending entries are as they will be
//! then. The server's clock stays.

use std::time::Duration;

use redis::Value;

use super::environment::cannot;
use super::stall::stalled;
use crate::error::EnvironmentError;
use crate::redis_cli::reply;
use crate::server::{CallError, Client, ServerInfo};

const LIMIT: Duration = Duration::from_secs(5);
/// How many keys or pending entries are asked for at a time.
const PAGE: usize = 1000;
/// What is due gets this time to live, in milliseconds, and ends by itself. Redis before 7.2 looks
/// at the clock twice in PEXPIRE; if the time is over at the second look, it deletes the key, with
/// the event `del` instead of `expired`.
const DUE: i64 = 5;
/// Until what is due has ended.
const PAUSE: Duration = Duration::from_millis(7);

type Words = Vec<Vec<u8>>;

/// Lets so much time pass in every database. An error if the machine held up the server, so that
/// something was deleted instead of ending by itself.
pub(super) fn pass(client: &mut Client, time: Duration) -> Result<(), EnvironmentError> {
    match move_on(client, time) {
        Ok(true) => Ok(()),
        Ok(false) => Err(stalled("held up the server while time was moved on")),
        Err(why) => Err(cannot("move time on", &why)),
    }
}

/// Returns whether all that was due has ended by itself.
fn move_on(client: &mut Client, time: Duration) -> Result<bool, CallError> {
    let time = i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4);
    let databases = ServerInfo::take(client, LIMIT)?.database_numbers();
    let knows_fields = knows(client, "hpexpire")?;
    let mut shift = Shift { client, time, knows_fields, has_deleted: false };
    let mut due = Vec::new();
    for database in &databases {
        shift.client.call(&["SELECT", database], LIMIT)?;
        let mut cursor = b"0".to_vec();
        loop {
            let page =
                [&b"SCAN"[..], &cursor, b"COUNT", PAGE.to_string().as_bytes()].map(<[u8]>::to_vec);
            let (next, keys) = scanned(shift.client.call(&page, LIMIT)?);
            let ended = shift.keys(&keys)?;
            due.extend(ended.into_iter().map(|key| (database.clone(), key)));
            if next == b"0" || next.is_empty() {
                break;
            }
            cursor = next;
        }
    }
    if !due.is_empty() {
        std::thread::sleep(PAUSE);
        // Reading what is due makes it end now, with the server's own events.
        let reads = due.iter().flat_map(|(database, key)| {
            [words(&[b"SELECT", database.as_bytes()]), words(&[b"EXISTS", key])]
        });
        pipeline(shift.client, &reads.collect::<Vec<_>>())?;
    }
    shift.client.call(&["SELECT", "0"], LIMIT)?;
    Ok(!shift.has_deleted)
}

struct Shift<'c> {
    client: &'c mut Client,
    /// In milliseconds.
    time: i64,
    /// Whether the server knows fields of hashes that expire.
    knows_fields: bool,
    /// Whether a key was deleted that was to end by itself.
    has_deleted: bool,
}

impl Shift<'_> {
    /// Returns the keys that are due.
    fn keys(&mut self, keys: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, CallError> {
        let questions: Vec<Words> =
            keys.iter().flat_map(|key| [words(&[b"PTTL", key]), words(&[b"TYPE", key])]).collect();
        let replies = pipeline(self.client, &questions)?;
        let (mut due, mut commands) = (Vec::new(), Vec::new());
        for (key, reply) in keys.iter().zip(replies.chunks(2)) {
            if let Value::Int(left @ 0..) = reply[0] {
                let left = left.saturating_sub(self.time).max(DUE);
                commands.push(words(&[b"PEXPIRE", key, left.to_string().as_bytes()]));
                if left == DUE {
                    due.push(key.clone());
                    commands.push(words(&[b"PTTL", key]));
                }
            }
            match &reply[1] {
                Value::SimpleString(kind) if kind == "hash" && self.knows_fields => {
                    self.fields(key)?;
                }
                Value::SimpleString(kind) if kind == "stream" => self.groups(key)?,
                _ => {}
            }
        }
        let replies = write(self.client, &commands)?;
        self.has_deleted |= has_deleted_a_key(&replies);
        Ok(due)
    }

    fn fields(&mut self, key: &[u8]) -> Result<(), CallError> {
        let fields = strings(self.client.call(&[&b"HKEYS"[..], key], LIMIT)?);
        let mut commands = Vec::new();
        for page in fields.chunks(PAGE) {
            let count = page.len().to_string();
            let mut question = words(&[b"HPTTL", key, b"FIELDS", count.as_bytes()]);
            question.extend_from_slice(page);
            let left = items(self.client.call(&question, LIMIT)?);
            for (field, left) in page.iter().zip(left) {
                let Value::Int(left @ 0..) = left else { continue };
                // 0 deletes a field that is due at once.
                let left = left.saturating_sub(self.time).max(0).to_string();
                let command =
                    [b"HPEXPIRE", key, left.as_bytes(), &b"FIELDS"[..], b"1", field.as_slice()];
                commands.push(words(&command));
            }
        }
        write(self.client, &commands)?;
        Ok(())
    }

    fn groups(&mut self, key: &[u8]) -> Result<(), CallError> {
        for group in items(self.client.call(&[&b"XINFO"[..], b"GROUPS", key], LIMIT)?) {
            // `name` is the first of the pairs.
            let name = match group {
                Value::Array(parts) => parts.into_iter().nth(1),
                Value::Map(pairs) => pairs.into_iter().next().map(|(_, name)| name),
                _ => None,
            };
            if let Some(Value::BulkString(name)) = name {
                self.pending(key, &name)?;
            }
        }
        Ok(())
    }

    /// Ages the pending entries of a group. XCLAIM keeps the owner, the number of deliveries and
    /// the group's last delivered id. An entry that is no longer in the stream stays as it is:
    /// XCLAIM would drop it.
    fn pending(&mut self, key: &[u8], group: &[u8]) -> Result<(), CallError> {
        let count = PAGE.to_string();
        let mut from = b"-".to_vec();
        loop {
            let question = words(&[b"XPENDING", key, group, &from, b"+", count.as_bytes()]);
            let page = items(self.client.call(&question, LIMIT)?);
            let is_last = page.len() < PAGE;
            let mut entries = Vec::new();
            for entry in page {
                let parts = items(entry);
                if let [
                    Value::BulkString(id),
                    Value::BulkString(owner),
                    Value::Int(idle),
                    Value::Int(deliveries),
                ] = parts.as_slice()
                {
                    entries.push((id.clone(), owner.clone(), *idle, *deliveries));
                }
            }
            let there: Vec<Words> =
                entries.iter().map(|(id, ..)| words(&[b"XRANGE", key, id, id])).collect();
            let there = pipeline(self.client, &there)?;
            let mut commands = Vec::new();
            for ((id, owner, idle, deliveries), found) in entries.iter().zip(there) {
                if items(found).is_empty() {
                    continue;
                }
                let idle = idle.saturating_add(self.time).to_string();
                let deliveries = deliveries.to_string();
                commands.push(words(&[
                    b"XCLAIM",
                    key,
                    group,
                    owner,
                    b"0",
                    id,
                    b"IDLE",
                    idle.as_bytes(),
                    b"RETRYCOUNT",
                    deliveries.as_bytes(),
                    b"JUSTID",
                ]));
            }
            write(self.client, &commands)?;
            let Some((last, ..)) = entries.last().filter(|_| !is_last) else { return Ok(()) };
            from = [b"(", last.as_slice()].concat();
        }
    }
}

fn knows(client: &mut Client, command: &str) -> Result<bool, CallError> {
    let reply = client.call(&["COMMAND", "INFO", command], LIMIT)?;
    Ok(items(reply).into_iter().any(|one| !items(one).is_empty()))
}

fn pipeline(client: &mut Client, commands: &[Words]) -> Result<Vec<Value>, CallError> {
    if commands.is_empty() {
        return Ok(Vec::new());
    }
    let lines: Vec<&[Vec<u8>]> = commands.iter().map(Vec::as_slice).collect();
    client.pipeline(&lines, LIMIT)
}

/// Whether a PEXPIRE succeeded, and the PTTL after it found no key. (Where the machine held up the
/// server between the two, the key may have ended by itself; nobody knows.)
fn has_deleted_a_key(replies: &[Value]) -> bool {
    replies.windows(2).any(|pair| matches!(pair, [Value::Int(1), Value::Int(-2)]))
}

/// Sends commands none of which may be refused.
fn write(client: &mut Client, commands: &[Words]) -> Result<Vec<Value>, CallError> {
    let replies = pipeline(client, commands)?;
    let refused = replies.iter().find_map(|reply| match reply {
        Value::ServerError(error) => Some(reply::error_line(error.code(), error.details())),
        _ => None,
    });
    refused.map_or(Ok(replies), |why| Err(CallError::Refused(why)))
}

fn words(words: &[&[u8]]) -> Words {
    words.iter().map(|word| word.to_vec()).collect()
}

fn scanned(reply: Value) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut parts = items(reply).into_iter();
    let cursor = match parts.next() {
        Some(Value::BulkString(cursor)) => cursor,
        _ => Vec::new(),
    };
    (cursor, parts.next().map(strings).unwrap_or_default())
}

fn items(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) | Value::Set(items) => items,
        _ => Vec::new(),
    }
}

fn strings(value: Value) -> Vec<Vec<u8>> {
    let mut strings = Vec::new();
    for item in items(value) {
        if let Value::BulkString(bytes) = item {
            strings.push(bytes);
        }
    }
    strings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_deleted_instead_of_ending_is_found() {
        let replies = |left| [1, 1, left, 1].map(Value::Int);
        assert!(has_deleted_a_key(&replies(-2)));
        assert!(!has_deleted_a_key(&replies(4)));
    }

    #[test]
    fn a_key_that_was_gone_already_was_not_deleted() {
        assert!(!has_deleted_a_key(&[0, -2].map(Value::Int)));
    }
}
