//! Turns a recording into a timeline: decodes frames, hides passwords, and gives commands in
//! MULTI the outcome from EXEC.

use std::collections::BTreeMap;
use std::time::Instant;

use redis::Value;

use super::recorder::{RecordedCommand, RecordedMessage, Recorder};
use super::timeline::{BARRIER, CommandOutcome, Exchange, Message, Reply, Timeline, is_any};
use crate::redis_cli::words;
use crate::resp::kinds::first_words;

const HIDDEN: &[u8] = b"(hidden)";

pub(super) fn timeline(recorder: &Recorder) -> Timeline {
    let mut entries = recorder.entries();
    let after_gap = after_the_last_gap(&entries);
    entries.retain(|entry| !is_barrier(entry));
    let complete_from = entries.partition_point(|entry| entry.number < after_gap);
    let mut exchanges: Vec<Exchange> =
        entries.into_iter().map(|entry| exchange(entry, recorder.began)).collect();
    resolve_transactions(&mut exchanges);
    let recording = &recorder.recording;
    let messages = recording.messages.iter().filter_map(|entry| message(entry, recorder.began));
    Timeline {
        exchanges,
        messages: messages.collect(),
        complete_from,
        refusals: recording.refusals.iter().map(|(name, count)| (name.clone(), *count)).collect(),
        ..recording.known.clone()
    }
}

/// The number of the first command from which on none is left out.
fn after_the_last_gap(entries: &[&RecordedCommand]) -> u64 {
    let gap = entries.windows(2).rfind(|pair| pair[1].number > pair[0].number + 1);
    gap.map_or(0, |pair| pair[1].number)
}

/// Whether it is the runner's own PING on a connection of the answer.
fn is_barrier(entry: &RecordedCommand) -> bool {
    let [name, word, _] = first_words(&entry.command);
    name == "PING" && word.starts_with(BARRIER)
}

pub(super) fn exchange(entry: &RecordedCommand, began: Instant) -> Exchange {
    let reply = entry.reply.as_ref().map(|(frame, came)| Reply {
        value: value(frame),
        took: came.saturating_duration_since(entry.came),
    });
    let outcome = match &reply {
        None => CommandOutcome::Unknown,
        Some(Reply { value: Value::ServerError(_), .. }) => CommandOutcome::Refused,
        Some(_) => CommandOutcome::Done,
    };
    Exchange {
        at: entry.came.saturating_duration_since(began),
        connection: entry.connection,
        words: without_passwords(command_words(&entry.command)),
        reply,
        outcome,
    }
}

/// Redis sends `message CHANNEL TEXT`, `smessage CHANNEL TEXT` and `pmessage PATTERN CHANNEL TEXT`.
fn message(entry: &RecordedMessage, began: Instant) -> Option<Message> {
    let items = match value(&entry.frame) {
        Value::Array(items) => items,
        Value::Push { kind, data } => {
            std::iter::once(Value::BulkString(kind.to_string().into())).chain(data).collect()
        }
        _ => return None,
    };
    let mut parts: Vec<Vec<u8>> = strings(items);
    let payload = parts.pop()?;
    let channel = parts.pop()?;
    let pattern = parts.pop().filter(|_| !parts.is_empty());
    let at = entry.came.saturating_duration_since(began);
    Some(Message { at, connection: entry.connection, pattern, channel, payload })
}

fn strings(items: Vec<Value>) -> Vec<Vec<u8>> {
    let mut strings = Vec::new();
    for item in items {
        if let Value::BulkString(bytes) = item {
            strings.push(bytes);
        }
    }
    strings
}

fn value(frame: &[u8]) -> Value {
    redis::parse_redis_value(frame)
        .unwrap_or_else(|_| Value::SimpleString(String::from_utf8_lossy(frame).trim().to_owned()))
}

fn command_words(frame: &[u8]) -> Vec<Vec<u8>> {
    if frame.first() != Some(&b'*') {
        let line = String::from_utf8_lossy(frame);
        return words::split(line.trim_end()).unwrap_or_else(|_| {
            line.split_ascii_whitespace().map(|word| word.as_bytes().to_vec()).collect()
        });
    }
    let Value::Array(items) = value(frame) else { return Vec::new() };
    strings(items)
}

/// Hides passwords, as Redis' own SLOWLOG and MONITOR do.
fn without_passwords(mut words: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let Some(from) = first_secret(&words) else { return words };
    let has_rules = is_word(&words, 1, "SETUSER");
    for word in words.iter_mut().skip(from) {
        let is_rule = has_rules && !word.starts_with(b">") && !word.starts_with(b"#");
        if !is_rule {
            HIDDEN.clone_into(word);
        }
    }
    words
}

/// The index of the first argument that may be a password.
fn first_secret(words: &[Vec<u8>]) -> Option<usize> {
    if is_word(words, 0, "AUTH") {
        Some(1)
    } else if is_word(words, 0, "HELLO") || is_word(words, 0, "MIGRATE") {
        after_any(words, &["AUTH", "AUTH2"])
    } else if is_word(words, 0, "ACL") && is_word(words, 1, "SETUSER") {
        Some(3)
    } else if is_word(words, 0, "CONFIG") && is_word(words, 1, "SET") {
        after_any(words, &["requirepass", "masterauth", "primaryauth"])
    } else {
        None
    }
}

fn is_word(words: &[Vec<u8>], index: usize, name: &str) -> bool {
    words.get(index).is_some_and(|word| is_any(word, &[name]))
}

/// The index after the first word that is one of `names`.
fn after_any(words: &[Vec<u8>], names: &[&str]) -> Option<usize> {
    words.iter().position(|word| is_any(word, names)).map(|index| index + 1)
}

/// Gives commands in MULTI their outcome from EXEC's reply; without EXEC they never ran.
pub fn resolve_transactions(exchanges: &mut [Exchange]) {
    let mut open: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for index in 0..exchanges.len() {
        let exchange = &exchanges[index];
        let (connection, name) = (exchange.connection, exchange.name());
        let is_queued = exchange.is_queued();
        match name.as_str() {
            "MULTI" if exchange.outcome == CommandOutcome::Done => {
                open.insert(connection, Vec::new());
            }
            "EXEC" => {
                let Some(queued) = open.remove(&connection) else { continue };
                let outcomes = exec_outcomes(exchange, queued.len());
                for (queued, outcome) in queued.into_iter().zip(outcomes) {
                    exchanges[queued].outcome = outcome;
                }
            }
            "DISCARD" | "RESET" => {
                open.remove(&connection);
            }
            _ if is_queued => {
                if let Some(queued) = open.get_mut(&connection) {
                    queued.push(index);
                    exchanges[index].outcome = CommandOutcome::NotRun;
                }
            }
            _ => {}
        }
    }
}

fn exec_outcomes(exec: &Exchange, count: usize) -> Vec<CommandOutcome> {
    match exec.reply_value() {
        Some(Value::Array(items)) if items.len() == count => items.iter().map(outcome).collect(),
        // EXEC ran, but not all of its replies were kept.
        Some(Value::SimpleString(_)) | None => vec![CommandOutcome::Unknown; count],
        Some(_) => vec![CommandOutcome::NotRun; count],
    }
}

fn outcome(value: &Value) -> CommandOutcome {
    if matches!(value, Value::ServerError(_)) {
        CommandOutcome::Refused
    } else {
        CommandOutcome::Done
    }
}
