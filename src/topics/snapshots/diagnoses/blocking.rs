//! SAVE makes other clients wait, and its own.

use crate::relay::CommandOutcome;
use crate::verdict::diagnosis::blocking::{Blocker, blocker, says_timeout, waited};
use crate::verdict::diagnosis::facts::{Facts, time, took};
use crate::verdict::diagnosis::{Cause, Pointer, seen_at};

/// SAVE stops the server until the file is written (`tests/facts`, Common mistakes).
pub fn save_is_used(facts: &Facts<'_>) -> Option<Cause> {
    let index = facts.last_done(&["SAVE"])?;
    Some(seen_at(index).with(duration_of(facts, index)))
}

/// SAVE, where another client was seen to wait for it.
pub fn save_blocks(facts: &Facts<'_>) -> Option<Cause> {
    let Blocker { index, exchange, wait } = blocker(facts)?;
    (exchange.name() == "SAVE" && exchange.error().is_none())
        .then(|| waited(index).with(time(wait.took)))
}

/// The client gave up on SAVE; the server went on.
pub fn client_gave_up(facts: &Facts<'_>) -> Option<Cause> {
    let exchanges = facts.exchanges();
    let index = exchanges
        .iter()
        .rposition(|exchange| exchange.name() == "SAVE" && exchange.reply.is_none())?;
    let last =
        exchanges.iter().rposition(|exchange| exchange.outcome != CommandOutcome::Refused)?;
    let is_last =
        last == index || exchanges[index..].iter().all(|exchange| exchange.name() == "SAVE");
    (is_last && says_timeout(facts) && !facts.evidence.run.timed_out())
        .then(|| Cause::at([Pointer::Exchange(index), Pointer::ProgramErrors]))
}

fn duration_of(facts: &Facts<'_>, index: usize) -> String {
    let replied =
        facts.exchange(index).filter(|exchange| exchange.reply.is_some() && !exchange.is_queued());
    replied.map(|exchange| format!(" (here {})", time(took(exchange)))).unwrap_or_default()
}
