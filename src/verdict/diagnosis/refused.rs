//! Commands that Redis refused or deferred.

use redis::Value;

use super::effects::Write;
use super::facts::{Facts, is_script, reply_text, text};
use super::keys::Missing;
use super::server::seen_at;
use super::symptom::Symptom;
use super::{Cause, Pointer};
use crate::relay::{CommandOutcome, Exchange};

const IN_PROGRESS: &str = "Background save already in progress";
const NOT_IN_MULTI: &str = "not allowed inside a transaction";

pub(super) fn save_while_saving(facts: &Facts<'_>) -> Option<Cause> {
    while_saving(facts, "SAVE", Symptom::NoSave)
}

pub(super) fn bgsave_while_saving(facts: &Facts<'_>) -> Option<Cause> {
    while_saving(facts, "BGSAVE", Symptom::NoBgsave)
}

fn while_saving(facts: &Facts<'_>, name: &str, missing: Symptom) -> Option<Cause> {
    let index = facts.last_refused(&[name], IN_PROGRESS)?;
    let explains = if facts.shows(Symptom::EndedBadly) {
        // redis-py leaves out the error code, and redis-rs and others may write it differently, so
        // only the end of the text is compared.
        facts.failed_saying("already in progress")
            && facts.last_refused(&["SAVE", "BGSAVE"], IN_PROGRESS) == Some(index)
    } else if facts.shows(missing) {
        true
    } else {
        is_the_last_try(facts, index)
            && (facts.shows(Symptom::StillSaving) || was_to_hold_the_data(facts, index))
    };
    let begun = facts.exchanges()[..index].iter().rposition(is_accepted_bgsave);
    let mut evidence = vec![Pointer::Exchange(index)];
    evidence.extend(begun.map(Pointer::Exchange));
    explains.then(|| Cause::at(evidence))
}

fn is_accepted_bgsave(exchange: &Exchange) -> bool {
    exchange.outcome == CommandOutcome::Done && exchange.name() == "BGSAVE"
}

/// Whether no later snapshot was accepted.
fn is_the_last_try(facts: &Facts<'_>, refused: usize) -> bool {
    facts.last_snapshot().is_none_or(|accepted| accepted < refused)
}

/// Whether the data that is missing from the snapshot was written before the refused save and after
/// the accepted one.
fn was_to_hold_the_data(facts: &Facts<'_>, refused: usize) -> bool {
    let Some(accepted) = facts.last_snapshot() else { return false };
    let last = super::snapshots::last_writes_after(facts, accepted);
    last.is_some_and(|writes| writes.iter().all(|write| *write < refused))
}

pub(super) fn bgsave_while_rewriting(facts: &Facts<'_>) -> Option<Cause> {
    let index = facts.last_refused(&["BGSAVE"], "Another child process is active")?;
    let explains = if facts.shows(Symptom::EndedBadly) {
        facts.failed_saying("Another child process")
    } else {
        is_the_last_try(facts, index)
    };
    explains.then(|| seen_at(index))
}

/// Refused since 7.0; in 6.2 it works and counts as done.
pub(super) fn save_in_multi(facts: &Facts<'_>) -> Option<Cause> {
    let index = facts.last_refused(&["SAVE"], NOT_IN_MULTI)?;
    let connection = facts.exchange(index)?.connection;
    let explains = if facts.shows(Symptom::EndedBadly) {
        facts.failed_saying(NOT_IN_MULTI) || facts.failed_saying("Transaction discarded")
    } else if facts.shows(Symptom::DataWrong) {
        let missing = facts.missing();
        !missing.is_empty()
            && missing.iter().all(|missing| was_only_queued(facts, connection, &missing.key))
    } else {
        facts.shows(Symptom::NoSave)
            || is_the_last_try(facts, index) && facts.last_snapshot().is_none()
    };
    explains.then(|| seen_at(index))
}

/// Whether a transaction of this connection was to store the key, and nothing else stored it.
fn was_only_queued(facts: &Facts<'_>, connection: u32, key: &[u8]) -> bool {
    let was_queued = facts.writes().iter().any(|write| {
        let exchange = facts.exchange(write.index);
        write.is_to_store(key)
            && write.outcome == CommandOutcome::NotRun
            && exchange.is_some_and(|exchange| exchange.connection == connection)
    });
    was_queued && !facts.was_stored(key)
}

/// Redis forbids both commands in any script; the script's text shows which of them it called.
pub(super) fn save_in_script(facts: &Facts<'_>) -> Option<Cause> {
    let (index, name) = facts.numbered().rev().find_map(|(index, exchange)| {
        let is_refused =
            exchange.error().is_some_and(|error| error.contains("not allowed from script"));
        let name = save_called_in(exchange).filter(|_| is_script(exchange) && is_refused)?;
        Some((index, name))
    })?;
    let explains = if facts.shows(Symptom::EndedBadly) {
        facts.failed_saying("not allowed from script")
    } else if facts.shows(Symptom::NoSave) {
        name == "SAVE"
    } else if facts.shows(Symptom::NoBgsave) {
        name == "BGSAVE"
    } else {
        facts.last_snapshot().is_none()
    };
    explains.then(|| seen_at(index).with(name))
}

/// The save that the script calls; `None` if it calls both, since the error does not say which of
/// them was refused.
fn save_called_in(script: &Exchange) -> Option<&'static str> {
    let source = script.words.get(1).map(|word| text(word).to_uppercase()).unwrap_or_default();
    let words: Vec<&str> = source
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    match (calls(&words, "SAVE"), calls(&words, "BGSAVE")) {
        (true, false) => Some("SAVE"),
        (false, true) => Some("BGSAVE"),
        _ => None,
    }
}

/// Whether `redis.call` or `redis.pcall` is followed by this name.
fn calls(words: &[&str], name: &str) -> bool {
    words.windows(2).any(|pair| pair[0].ends_with("CALL") && pair[1] == name)
}

/// Since 7.0 the save begins at the server's next tick: later than the command, and later than what
/// directly follows it.
pub(super) fn bgsave_in_multi(facts: &Facts<'_>) -> Option<Cause> {
    let index = facts.last_done(&["BGSAVE"])?;
    let bgsave = facts.exchange(index)?;
    let (exec, end) = facts.numbered().find(|(at, exchange)| {
        *at > index && exchange.connection == bgsave.connection && exchange.name() == "EXEC"
    })?;
    if !has_scheduled_a_save(end) {
        return None;
    }
    let found = Cause::at([Pointer::Exchange(index), Pointer::Exchange(exec)]);
    if facts.shows(Symptom::StillSaving) && facts.was_saving_at_exit() {
        return Some(found.with("the answer ended before it was done"));
    }
    is_of_a_later_moment(facts, index, exec)
        .then(|| found.with("what was written right behind EXEC is in the file"))
}

fn has_scheduled_a_save(exec: &Exchange) -> bool {
    match exec.reply.as_ref().map(|reply| &reply.value) {
        Some(Value::Array(items)) => items.iter().any(is_scheduled),
        _ => false,
    }
}

/// Whether the file of this snapshot contains what was written after that EXEC, and would have been
/// right at the time of EXEC.
fn is_of_a_later_moment(facts: &Facts<'_>, snapshot: usize, exec: usize) -> bool {
    let missing = facts.missing();
    let counted = facts.unmet_replies().len();
    let are_all = !missing.is_empty() && (counted == 0 || counted == missing.len());
    if !facts.shows(Symptom::DataLost) || !are_all || facts.last_snapshot() != Some(snapshot) {
        return false;
    }
    let writes = facts.writes();
    missing.iter().all(|missing| shows_a_later_write(facts, &writes, missing, exec))
}

/// Whether the key was right at EXEC, and what was found is its state after a later write.
fn shows_a_later_write(
    facts: &Facts<'_>,
    writes: &[Write<'_>],
    missing: &Missing<'_>,
    exec: usize,
) -> bool {
    let Some(story) = facts.story(writes, &missing.key) else { return false };
    let before = story.iter().take_while(|write| !facts.surely_after(write.index, exec)).count();
    let was_right = missing.would_be_met_by(&facts.state_at(exec, writes, &missing.key));
    let mut later = (before + 1..=story.len()).map(|end| &story[..end]);
    was_right == Some(true)
        && later.any(|story| missing.shows(&facts.state_after(story, &missing.key)))
}

fn is_scheduled(value: &Value) -> bool {
    matches!(value, Value::SimpleString(text) if text.contains("scheduled"))
}

/// A MULTI that queued the missing command, without EXEC or DISCARD.
pub(super) fn multi_left_open(facts: &Facts<'_>) -> Option<Cause> {
    let (index, multi) = facts.numbered().rev().find(|(_, exchange)| {
        exchange.name() == "MULTI" && exchange.outcome == CommandOutcome::Done
    })?;
    let has_ended = facts.exchanges()[index + 1..].iter().any(|exchange| {
        exchange.connection == multi.connection
            && matches!(exchange.name().as_str(), "EXEC" | "DISCARD" | "RESET")
    });
    if facts.evidence.transcript.left_out > 0 || !facts.ended_well() || has_ended {
        return None;
    }
    let queued = queued_and_missing(facts, multi.connection)?;
    (queued > index).then(|| Cause::at([Pointer::Exchange(index), Pointer::Exchange(queued)]))
}

/// DISCARD, or an EXEC that was aborted or gave up because a watched key had changed.
pub(super) fn transaction_discarded(facts: &Facts<'_>) -> Option<Cause> {
    let (index, end) =
        facts.numbered().rev().find(|(_, exchange)| drops_a_transaction(exchange))?;
    let queued = queued_and_missing(facts, end.connection).filter(|queued| *queued < index)?;
    let explains =
        !facts.shows(Symptom::EndedBadly) || facts.failed_saying("Transaction discarded");
    explains.then(|| {
        let how = if is_nil(end) { ", since a watched key had changed," } else { "" };
        let name = format!("{}{how}", end.name());
        Cause::at([Pointer::Exchange(index), Pointer::Exchange(queued)]).with(name)
    })
}

fn is_nil(exchange: &Exchange) -> bool {
    exchange.reply.as_ref().is_some_and(|reply| reply.value == Value::Nil)
}

pub(super) fn drops_a_transaction(end: &Exchange) -> bool {
    match end.name().as_str() {
        "DISCARD" => end.outcome == CommandOutcome::Done,
        "EXEC" => end.error().is_some_and(|error| error.starts_with("EXECABORT")) || is_nil(end),
        _ => false,
    }
}

/// A command of this connection that was queued, was never run, and would have met the check.
pub(super) fn queued_and_missing(facts: &Facts<'_>, connection: u32) -> Option<usize> {
    let missing = facts.missing();
    let writes = facts.writes();
    facts
        .numbered()
        .find(|(index, exchange)| {
            exchange.connection == connection
                && exchange.outcome == CommandOutcome::NotRun
                && (would_have_saved(facts, *index, exchange)
                    || would_have_stored(facts, *index, &writes, &missing))
        })
        .map(|(index, _)| index)
}

/// Whether the check misses this save, and no later one made up for it.
fn would_have_saved(facts: &Facts<'_>, index: usize, exchange: &Exchange) -> bool {
    let symptom = match exchange.name().as_str() {
        "SAVE" => Symptom::NoSave,
        "BGSAVE" => Symptom::NoBgsave,
        _ => return false,
    };
    facts.shows_any(&[symptom, Symptom::NoSnapshot]) && is_the_last_try(facts, index)
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

/// Redis refuses writes since a background save failed.
pub(super) fn misconf(facts: &Facts<'_>) -> Option<Cause> {
    let last = facts.exchanges().iter().rposition(is_misconf)?;
    let explains = if facts.shows(Symptom::EndedBadly) {
        facts.failed_saying("MISCONF") || facts.failed_saying("configured to save RDB snapshots")
    } else {
        let missing = facts.missing();
        !missing.is_empty()
            && missing.iter().all(|missing| was_refused_by_misconf(facts, &missing.key))
    };
    explains.then(|| seen_at(last))
}

/// Errors of the append-only file are MISCONF too.
fn is_misconf(exchange: &Exchange) -> bool {
    exchange.error().is_some_and(|error| error.starts_with("MISCONF") && error.contains("RDB"))
}

/// Whether MISCONF refused a write of the key, and nothing else stored it.
fn was_refused_by_misconf(facts: &Facts<'_>, key: &[u8]) -> bool {
    let was_refused = facts
        .writes()
        .iter()
        .any(|write| write.is_to_store(key) && facts.exchange(write.index).is_some_and(is_misconf));
    was_refused && !facts.was_stored(key)
}

/// The warning was switched off, and saves go on failing.
pub(super) fn misconf_switched_off(facts: &Facts<'_>) -> Option<Cause> {
    let (index, value) = facts.last_set("stop-writes-on-bgsave-error")?;
    let still_failing = facts.last_status() == Some("err");
    (value.eq_ignore_ascii_case("no") && still_failing)
        .then(|| Cause::at([Pointer::Exchange(index), Pointer::Row("rdb_last_bgsave_status")]))
}

/// A disk error: SAVE answers a bare `ERR`.
pub(super) fn save_failed(facts: &Facts<'_>) -> Option<Cause> {
    bare_error(facts, "SAVE")
}

/// A fork that failed: BGSAVE answers a bare `ERR`.
pub(super) fn bgsave_could_not_fork(facts: &Facts<'_>) -> Option<Cause> {
    bare_error(facts, "BGSAVE")
}

fn bare_error(facts: &Facts<'_>, name: &str) -> Option<Cause> {
    let index = facts.exchanges().iter().rposition(|exchange| {
        exchange.name() == name && exchange.error().is_some_and(|error| error == "ERR")
    })?;
    let explains = !facts.shows(Symptom::EndedBadly) || failed_by_error_at(facts, index);
    let is_counted = facts.shows_any(&[Symptom::NoSave, Symptom::NoBgsave]);
    (explains && (is_counted || is_the_last_try(facts, index))).then(|| seen_at(index))
}

/// Whether the program ended with an error of Redis, and the one at `index` was the last.
fn failed_by_error_at(facts: &Facts<'_>, index: usize) -> bool {
    facts.failed_saying("ResponseError")
        && facts.exchanges()[index + 1..].iter().all(|exchange| exchange.error().is_none())
}

/// The child failed after BGSAVE had answered.
pub(super) fn bgsave_failed(facts: &Facts<'_>) -> Option<Cause> {
    let index = facts.last_done(&["BGSAVE"])?;
    let was_ok = facts.evidence.before.field("rdb_last_bgsave_status") != Some("err");
    let reply = facts.exchange(index).and_then(reply_text);
    let has_begun =
        reply.is_some_and(|text| text.contains("started") || text.contains("scheduled"));
    let saved_since = facts.last_done(&["SAVE"]).is_some_and(|save| save > index);
    let has_failed = facts.last_status() == Some("err") && was_ok && has_begun && !saved_since;
    has_failed
        .then(|| Cause::at([Pointer::Row("rdb_last_bgsave_status"), Pointer::Exchange(index)]))
}

/// Any other command that Redis refused, if the program stopped with exactly that error or the
/// command is the missing save.
pub(super) fn command_refused(facts: &Facts<'_>) -> Option<Cause> {
    let (index, exchange, error) = facts.numbered().rev().find_map(|(index, exchange)| {
        let error = exchange.error()?;
        let explains = if facts.shows(Symptom::EndedBadly) {
            failed_by(facts, &error)
        } else {
            is_a_missing_save(facts, &exchange.name(), Some(index))
        };
        explains.then_some((index, exchange, error))
    })?;
    Some(seen_at(index).with(exchange.name()).with(error.trim()))
}

/// Whether a save of this name is missing, and no other save made up for the one that was refused
/// at `index`.
pub(super) fn is_a_missing_save(facts: &Facts<'_>, name: &str, index: Option<usize>) -> bool {
    let missing = match name {
        "SAVE" => Symptom::NoSave,
        "BGSAVE" => Symptom::NoBgsave,
        _ => return false,
    };
    let is_last = index.is_none_or(|index| is_the_last_try(facts, index));
    facts.shows(missing) || (is_last && facts.shows(Symptom::NoSnapshot))
}

/// Whether the program ended with this error of Redis, whose code clients may leave out.
pub(super) fn failed_by(facts: &Facts<'_>, error: &str) -> bool {
    let details = error.split_once(' ').map_or("", |(_, details)| details).trim();
    details.len() >= 8 && facts.failed_saying(details)
}
