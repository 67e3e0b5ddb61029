//! Consumer groups: what is pending, for whom, and what takes it away.

use redis::Value;

use crate::lesson::Moment;
use crate::redis_cli::words;
use crate::relay::{CommandOutcome, Exchange, StepKind};
use crate::verdict::diagnosis::facts::{Facts, text};
use crate::verdict::diagnosis::{Cause, seen_at};

/// DELCONSUMER while entries were pending, of which nothing had been taken over.
pub fn thrown_away(facts: &Facts<'_>) -> Option<Cause> {
    // A snapshot may bring it back.
    let starts_again = facts
        .check
        .is_some_and(|check| matches!(check.at, Moment::Crash | Moment::Restart | Moment::Restore));
    if starts_again {
        return None;
    }
    let (index, exchange) = facts.numbered().rev().find(|(_, exchange)| {
        exchange.begins_with(&["XGROUP", "DELCONSUMER"])
            && matches!(exchange.reply_value(), Some(Value::Int(1..)))
    })?;
    let Some(Value::Int(count)) = exchange.reply_value() else { return None };
    let claimed_before = facts.exchanges()[..index].iter().any(takes_over);
    let entries = if *count == 1 { "1 entry".to_owned() } else { format!("{count} entries") };
    let consumer = text(exchange.words.get(4)?);
    (!claimed_before && !facts.has_script()).then(|| seen_at(index).with(consumer).with(entries))
}

fn takes_over(exchange: &Exchange) -> bool {
    ["XCLAIM", "XAUTOCLAIM"].contains(&&*exchange.name())
}

/// XREADGROUP with NOACK that gave something out.
pub fn read_with_noack(facts: &Facts<'_>) -> Option<Cause> {
    let (index, _) = facts.numbered().find(|(_, exchange)| {
        exchange.name() == "XREADGROUP"
            && exchange.has_option(&["NOACK"])
            && exchange.reply_value().is_some_and(|reply| !matches!(reply, Value::Nil))
    })?;
    (asks_for_pending(facts) && !facts.has_script()).then(|| seen_at(index))
}

/// The last XACK of an entry answered 0, and no other XACK acknowledged it. Where the group was to
/// give nothing out, that is the cause.
pub fn acknowledged_nothing(facts: &Facts<'_>) -> Option<Cause> {
    if !asks_for_pending(facts) || facts.has_script() || begins_behind(facts).is_some() {
        return None;
    }
    let acknowledges = |exchange: &&Exchange, id: &[u8]| {
        exchange.name() == "XACK"
            && !matches!(exchange.reply_value(), Some(Value::Int(0)))
            && exchange.words.iter().skip(3).any(|word| word == id)
    };
    let (index, exchange) = facts.numbered().rev().find(|(_, exchange)| {
        let did_nothing = matches!(exchange.reply_value(), Some(Value::Int(0)));
        let ids = exchange.words.get(3..).unwrap_or_default();
        exchange.name() == "XACK"
            && did_nothing
            && !ids.is_empty()
            && !ids.iter().any(|id| facts.exchanges().iter().any(|other| acknowledges(&other, id)))
    })?;
    Some(seen_at(index).with(words::join(&exchange.words[1..])))
}

/// XDEL of an entry that was delivered in a group, and no XACK of it.
pub fn deleted_in_place_of_acknowledged(facts: &Facts<'_>) -> Option<Cause> {
    if !asks_for_pending(facts) || facts.has_script() {
        return None;
    }
    let (index, deletion) = facts.numbered().rev().find(|(_, exchange)| {
        exchange.name() == "XDEL" && exchange.outcome == CommandOutcome::Done
    })?;
    let is_acknowledged = |id: &[u8]| {
        let mut sent = facts.exchanges().iter();
        sent.any(|exchange| {
            exchange.name() == "XACK" && exchange.words.iter().skip(3).any(|word| word == id)
        })
    };
    let id = deletion.words.iter().skip(2).find(|id| !is_acknowledged(id))?;
    let was_delivered = facts.exchanges()[..index].iter().any(|exchange| {
        ["XREADGROUP", "XCLAIM", "XAUTOCLAIM"].contains(&&*exchange.name())
            && exchange.reply_value().is_some_and(|reply| holds(reply, id))
    });
    was_delivered.then(|| seen_at(index).with(text(id)))
}

/// Whether the reply contains this string, at any depth.
fn holds(value: &Value, text: &[u8]) -> bool {
    match value {
        Value::BulkString(bytes) => bytes == text,
        Value::Array(items) | Value::Set(items) => items.iter().any(|item| holds(item, text)),
        Value::Map(pairs) => {
            pairs.iter().any(|(key, value)| holds(key, text) || holds(value, text))
        }
        _ => false,
    }
}

/// A consumer of another name after a kill, and no entry of the first one was taken over.
pub fn another_name(facts: &Facts<'_>) -> Option<Cause> {
    let reads = reads_around_the_kill(facts)?;
    let mut pairs = reads.before.iter().zip(std::iter::repeat(reads.after.last()?));
    let ((_, first), (index, later)) = pairs.find(|((_, before), (_, after))| {
        before.words.get(2) == after.words.get(2) && before.words.get(3) != after.words.get(3)
    })?;
    let used_again = reads.after.iter().any(|(_, after)| after.words.get(3) == first.words.get(3));
    let (first, later) = (first.words.get(3)?, later.words.get(3)?);
    (!used_again).then(|| seen_at(*index).with(text(first)).with(text(later)))
}

/// After the last kill every XREADGROUP asked for new entries only.
pub fn pending_never_asked_for(facts: &Facts<'_>) -> Option<Cause> {
    let reads = reads_around_the_kill(facts)?;
    let asks_for_new = |exchange: &Exchange| exchange.words.last().is_some_and(|word| word == b">");
    let is_new_only = reads.after.iter().all(|(_, exchange)| asks_for_new(exchange));
    let (index, _) = reads.after.first()?;
    is_new_only.then(|| seen_at(*index))
}

struct Reads<'a> {
    before: Vec<(usize, &'a Exchange)>,
    after: Vec<(usize, &'a Exchange)>,
}

/// The XREADGROUPs before the last kill of the program and after it, if it takes nothing over in
/// another way and something is kept pending.
fn reads_around_the_kill<'a>(facts: &Facts<'a>) -> Option<Reads<'a>> {
    let mut steps = facts.evidence.timeline.steps.iter().rev();
    let kill = steps.find(|step| step.what == StepKind::KilledAnswer)?.at;
    let is_another_way =
        |exchange: &Exchange| takes_over(exchange) || exchange.has_option(&["NOACK"]);
    if facts.has_script() || facts.exchanges().iter().any(is_another_way) {
        return None;
    }
    let reads = facts.numbered().filter(|(_, exchange)| exchange.name() == "XREADGROUP");
    let (before, after) = reads.partition(|(_, exchange)| exchange.at < kill);
    Some(Reads { before, after })
}

/// XGROUP CREATE at `$` on a stream that had entries.
pub fn begins_behind(facts: &Facts<'_>) -> Option<Cause> {
    let mut creations = facts.numbered().filter(|(_, exchange)| {
        exchange.begins_with(&["XGROUP", "CREATE"]) && exchange.outcome == CommandOutcome::Done
    });
    let (index, creation) = creations.next()?;
    let (key, group, id) = (creation.words.get(2)?, creation.words.get(3)?, creation.words.get(4)?);
    let change = facts.key_change(key)?;
    let had_entries = change.before.kind == "stream" && change.before.size > Some(0);
    let moved = facts.exchanges().iter().any(|exchange| {
        exchange.begins_with(&["XGROUP", "SETID"]) || exchange.begins_with(&["XGROUP", "DESTROY"])
    });
    let is_behind = id == b"$" && had_entries && !moved && creations.next().is_none();
    is_behind.then(|| seen_at(index).with(text(group)))
}

/// Whether the unmet check asks what is pending, in any way that it may ask.
fn asks_for_pending(facts: &Facts<'_>) -> bool {
    let Some(check) = facts.check else { return false };
    let mut commands = check.subject.expected_replies().iter();
    let asks = commands.any(|(command, _)| command.to_uppercase().starts_with("XPENDING"));
    asks || check.subject.expected_replies().is_empty() && check.subject.sentence().contains("XACK")
}
