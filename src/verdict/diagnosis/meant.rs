//! What a line would have done if it had been run.

use super::effects::{Effect, Write, writes_of};
use super::facts::{Facts, text};
use super::keys::done;
use super::transactions::{drops_a_transaction, queued_and_missing};
use crate::redis_cli::words;

/// Whether this command would have met the check if it had been run, or, if it was refused at
/// `index`, spoilt the transaction that would have.
pub(super) fn would_have_met(facts: &Facts<'_>, meant: &[Vec<u8>], index: Option<usize>) -> bool {
    let name = meant.first().map(|name| text(name).to_uppercase()).unwrap_or_default();
    facts.misses(meant, index)
        || stores_what_is_missing(facts, meant)
        || index.is_some_and(|index| spoilt_a_transaction(facts, &name, index))
}

/// Whether a misspelt EXEC, or the error at `index`, kept a transaction from running.
fn spoilt_a_transaction(facts: &Facts<'_>, name: &str, index: usize) -> bool {
    let Some(refused) = facts.exchange(index) else { return false };
    let Some(queued) = queued_and_missing(facts, refused.connection) else { return false };
    let end = facts.numbered().find(|(at, exchange)| {
        *at > queued && exchange.connection == refused.connection && drops_a_transaction(exchange)
    });
    let begun = facts
        .numbered()
        .take(index)
        .any(|(_, earlier)| earlier.connection == refused.connection && earlier.name() == "MULTI");
    let ends = end.is_some_and(|(end, exchange)| exchange.name() == "EXEC" && index < end);
    begun && (ends || (name == "EXEC" && queued < index))
}

fn stores_what_is_missing(facts: &Facts<'_>, meant: &[Vec<u8>]) -> bool {
    let missing = facts.missing();
    missing.iter().any(|missing| {
        stores(meant, &missing.key, missing.value()) && !facts.was_stored(&missing.key)
    })
}

/// Whether the line, which Redis accepted as it is, was meant to store what is missing.
pub(super) fn was_to_store(facts: &Facts<'_>, meant: &[Vec<u8>], line: &str) -> bool {
    let sent = words::split(line).unwrap_or_default();
    facts.missing().iter().any(|missing| {
        let (key, value) = (missing.key.as_slice(), missing.value());
        if stores(&sent, key, value) || !stores(meant, key, value) {
            return false;
        }
        let found = missing.found.and_then(|found| found.bare.as_deref());
        found.is_some_and(|found| stores(&sent, key, Some(found))) || !facts.was_stored(key)
    })
}

/// Whether a command stores this value, or an unknown one, in this key.
fn stores(command: &[Vec<u8>], key: &[u8], value: Option<&str>) -> bool {
    let command = [done(command.to_vec())];
    writes_of(&command).iter().any(|write| stores_value(write, key, value))
}

fn stores_value(write: &Write<'_>, key: &[u8], value: Option<&str>) -> bool {
    let stored = match &write.effect {
        Effect::Stored(stored) => stored.as_ref(),
        _ => return false,
    };
    let is_same = stored.zip(value).is_none_or(|(stored, value)| stored == value.as_bytes());
    write.is_to_store(key) && is_same
}
