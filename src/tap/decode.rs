//! The book as a transcript: frames decoded, passwords replaced, MULTI's commands given what EXEC said.

use std::collections::{BTreeMap, BTreeSet};

use redis::Value;

use super::book::{Book, Entry};
use super::transcript::{Exchange, Outcome, Reply, Transcript};
use crate::redis_cli::words;

const HIDDEN: &[u8] = b"(hidden)";

pub(super) fn transcript(book: &Book) -> Transcript {
    let mut exchanges: Vec<Exchange> =
        book.entries().into_iter().map(|entry| exchange(entry, book)).collect();
    settle_transactions(&mut exchanges);
    let page = book.page();
    Transcript {
        exchanges,
        left_out: page.left_out,
        left_out_names: page.left_out_names.clone(),
        is_incomplete: page.is_incomplete,
        came_past: BTreeSet::new(),
        refusals: page.refusals.iter().map(|(name, count)| (name.clone(), *count)).collect(),
    }
}

fn exchange(entry: &Entry, book: &Book) -> Exchange {
    let reply = entry.reply.as_ref().map(|(frame, came)| Reply {
        value: value(frame),
        took: came.saturating_duration_since(entry.came),
    });
    let outcome = match &reply {
        None => Outcome::Unknown,
        Some(Reply { value: Value::ServerError(_), .. }) => Outcome::Refused,
        Some(_) => Outcome::Done,
    };
    Exchange {
        at: entry.came.saturating_duration_since(book.page().began),
        connection: entry.connection,
        words: without_passwords(command_words(&entry.command)),
        reply,
        outcome,
    }
}

fn value(frame: &[u8]) -> Value {
    redis::parse_redis_value(frame)
        .unwrap_or_else(|_| Value::SimpleString(String::from_utf8_lossy(frame).trim().to_owned()))
}

fn command_words(frame: &[u8]) -> Vec<Vec<u8>> {
    if frame.first() != Some(&b'*') {
        let line = String::from_utf8_lossy(frame);
        let typed = |text: &str| {
            text.split_ascii_whitespace().map(|word| word.as_bytes().to_vec()).collect()
        };
        return words::split(line.trim_end()).unwrap_or_else(|_| typed(&line));
    }
    let Value::Array(items) = value(frame) else { return Vec::new() };
    let word = |item| match item {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    };
    items.into_iter().filter_map(word).collect()
}

/// As Redis's own SLOWLOG and MONITOR do.
fn without_passwords(mut words: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let is = |word: &[u8], name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    let second = words.get(1).cloned().unwrap_or_default();
    let from = match words.first() {
        Some(name) if is(name, "AUTH") => Some(1),
        Some(name) if is(name, "HELLO") || is(name, "MIGRATE") => {
            let auth = words.iter().position(|word| is(word, "AUTH") || is(word, "AUTH2"));
            auth.map(|position| position + 1)
        }
        Some(name) if is(name, "ACL") && is(&second, "SETUSER") => Some(3),
        Some(name) if is(name, "CONFIG") && is(&second, "SET") => {
            let secret = ["requirepass", "masterauth", "primaryauth"];
            let position = words.iter().position(|word| secret.iter().any(|name| is(word, name)));
            position.map(|position| position + 1)
        }
        _ => None,
    };
    for word in words.iter_mut().skip(from.unwrap_or(usize::MAX)) {
        let is_rule = is(&second, "SETUSER") && !word.starts_with(b">") && !word.starts_with(b"#");
        if !is_rule {
            HIDDEN.clone_into(word);
        }
    }
    words
}

/// What MULTI queued gets the outcome that EXEC tells; never run, if there is none.
fn settle_transactions(exchanges: &mut [Exchange]) {
    let mut open: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for index in 0..exchanges.len() {
        let exchange = &exchanges[index];
        let (connection, name) = (exchange.connection, exchange.name());
        let is_queued = exchange.is_queued();
        match name.as_str() {
            "MULTI" if exchange.outcome == Outcome::Done => {
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
                    exchanges[index].outcome = Outcome::NotRun;
                }
            }
            _ => {}
        }
    }
}

fn exec_outcomes(exec: &Exchange, count: usize) -> Vec<Outcome> {
    match exec.reply.as_ref().map(|reply| &reply.value) {
        Some(Value::Array(items)) if items.len() == count => items.iter().map(outcome).collect(),
        // Run, but with more replies than were kept.
        Some(Value::SimpleString(_)) | None => vec![Outcome::Unknown; count],
        Some(_) => vec![Outcome::NotRun; count],
    }
}

fn outcome(value: &Value) -> Outcome {
    if matches!(value, Value::ServerError(_)) { Outcome::Refused } else { Outcome::Done }
}
