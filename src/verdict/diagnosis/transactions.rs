//! Commands that Redis refused, or that a transaction kept from running.

use redis::Value;

use super::cause::{Cause, seen_at};
use super::effects::Write;
use super::facts::Facts;
use super::keys::Missing;
use super::symptom::ENDED_BADLY;
use crate::relay::{CommandOutcome, Exchange};

/// A MULTI that queued the missing command, without EXEC or DISCARD.
pub fn multi_left_open(facts: &Facts<'_>) -> Option<Cause> {
    let (index, multi) = facts.numbered().rev().find(|(_, exchange)| {
        exchange.name() == "MULTI" && exchange.outcome == CommandOutcome::Done
    })?;
    let has_ended = facts.exchanges()[index + 1..].iter().any(|exchange| {
        exchange.connection == multi.connection
            && matches!(exchange.name().as_str(), "EXEC" | "DISCARD" | "RESET")
    });
    if facts.evidence.timeline.left_out > 0 || !facts.ended_well() || has_ended {
        return None;
    }
    let queued = queued_and_missing(facts, multi.connection)?;
    (queued > index).then(|| seen_at(index).and(queued))
}

/// DISCARD, or an EXEC that was aborted or gave up because a watched key had changed.
pub fn transaction_discarded(facts: &Facts<'_>) -> Option<Cause> {
    let (index, end) =
        facts.numbered().rev().find(|(_, exchange)| drops_a_transaction(exchange))?;
    let queued = queued_and_missing(facts, end.connection).filter(|queued| *queued < index)?;
    let explains = !facts.shows(ENDED_BADLY) || facts.failed_saying("Transaction discarded");
    explains.then(|| {
        let how = if is_nil(end) { ", since a watched key had changed," } else { "" };
        let name = format!("{}{how}", end.name());
        seen_at(index).and(queued).with(name)
    })
}

fn is_nil(exchange: &Exchange) -> bool {
    exchange.reply.as_ref().is_some_and(|reply| reply.value == Value::Nil)
}

pub fn drops_a_transaction(end: &Exchange) -> bool {
    match end.name().as_str() {
        "DISCARD" => end.outcome == CommandOutcome::Done,
        "EXEC" => end.error().is_some_and(|error| error.starts_with("EXECABORT")) || is_nil(end),
        _ => false,
    }
}

/// A command of this connection that was queued, was never run, and would have met the check.
pub fn queued_and_missing(facts: &Facts<'_>, connection: u32) -> Option<usize> {
    let missing = facts.missing();
    let writes = facts.writes();
    facts
        .numbered()
        .find(|(index, exchange)| {
            exchange.connection == connection
                && exchange.outcome == CommandOutcome::NotRun
                && (facts.misses(&exchange.words, Some(*index))
                    || would_have_stored(facts, *index, &writes, &missing))
        })
        .map(|(index, _)| index)
}

/// Whether the command at `index` was to store a missing key that nothing else stored.
fn would_have_stored(
    facts: &Facts<'_>,
    index: usize,
    writes: &[Write<'_>],
    missing: &[Missing<'_>],
) -> bool {
    missing.iter().any(|missing| {
        let key = &missing.key;
        let was_to_store =
            writes.iter().any(|write| write.index == index && write.is_to_store(key));
        was_to_store && !facts.was_stored(key)
    })
}

/// Any other command that Redis refused, if the program stopped with exactly that error or the
/// command is what the check misses.
pub fn command_refused(facts: &Facts<'_>) -> Option<Cause> {
    let (index, exchange, error) = facts.numbered().rev().find_map(|(index, exchange)| {
        let error = exchange.error()?;
        let explains = if facts.shows(ENDED_BADLY) {
            failed_by(facts, &error)
        } else {
            facts.misses(&exchange.words, Some(index))
        };
        explains.then_some((index, exchange, error))
    })?;
    Some(seen_at(index).with(exchange.name()).with(error.trim()))
}

/// Whether the program ended with this error of Redis, whose code clients may leave out.
pub fn failed_by(facts: &Facts<'_>, error: &str) -> bool {
    let details = error.split_once(' ').map_or("", |(_, details)| details).trim();
    details.len() >= 8 && facts.failed_saying(details)
}
