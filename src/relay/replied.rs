//! What the answer's commands were answered.

use std::collections::BTreeMap;

use redis::Value;

use super::timeline::{CommandOutcome, Reply, Timeline, is_shortened};
use crate::redis_cli::reply::Printed;

/// What the last command that begins like some words was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LastReply {
    /// There was no such command.
    Never,
    Was(Printed),
    /// It was not kept, or not whole.
    Unknown,
}

impl Timeline {
    /// What the last command that begins like this was answered. One inside MULTI was answered at
    /// EXEC's place, with its part of EXEC's reply; one that was never run was not answered.
    pub fn last_reply(&self, start: &[Vec<u8>]) -> LastReply {
        let replies = self.replies();
        let ran = self.as_they_ran().into_iter().rev();
        let mut such = ran.filter(|index| {
            let exchange = &self.exchanges[*index];
            exchange.outcome != CommandOutcome::NotRun && exchange.begins_with(start)
        });
        let Some(last) = such.next() else {
            return if self.may_have_lost(start) { LastReply::Unknown } else { LastReply::Never };
        };
        if self.is_incomplete || (self.may_have_lost(start) && last < self.complete_from) {
            return LastReply::Unknown;
        }
        replies.printed(last).map_or(LastReply::Unknown, LastReply::Was)
    }

    /// The reply to each exchange; for one inside MULTI, its part of EXEC's.
    pub fn replies(&self) -> Replies<'_> {
        let mut queued: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        let mut replies: Vec<Option<&Value>> = Vec::with_capacity(self.exchanges.len());
        for (index, exchange) in self.exchanges.iter().enumerate() {
            let reply = exchange.reply.as_ref().map(|Reply { value, .. }| value);
            let waiting = queued.entry(exchange.connection).or_default();
            match exchange.name().as_str() {
                "MULTI" | "DISCARD" | "RESET" => waiting.clear(),
                "EXEC" => {
                    if let Some(Value::Array(items)) = reply.filter(|_| !waiting.is_empty()) {
                        for (queued, item) in waiting.iter().zip(items) {
                            replies[*queued] = Some(item);
                        }
                    }
                    waiting.clear();
                }
                _ if exchange.is_queued() => waiting.push(index),
                _ => {}
            }
            replies.push(reply.filter(|_| !exchange.is_queued()));
        }
        Replies { timeline: self, values: replies }
    }
}

/// The reply to each exchange of a timeline.
pub struct Replies<'t> {
    timeline: &'t Timeline,
    values: Vec<Option<&'t Value>>,
}

impl Replies<'_> {
    /// The reply to this exchange as redis-cli prints it; `None` if it was not kept, or not whole.
    pub fn printed(&self, index: usize) -> Option<Printed> {
        let value = self.values[index].filter(|value| !is_cut(value))?;
        Some(Printed::of(&self.timeline.exchanges[index].words, value))
    }
}

/// Whether the recording left out a part of this reply.
fn is_cut(value: &Value) -> bool {
    match value {
        Value::BulkString(bytes) => is_shortened(bytes),
        Value::SimpleString(text) => is_shortened(text.as_bytes()),
        Value::Array(items) | Value::Set(items) => items.iter().any(is_cut),
        Value::Map(pairs) => pairs.iter().any(|(key, value)| is_cut(key) || is_cut(value)),
        _ => false,
    }
}
