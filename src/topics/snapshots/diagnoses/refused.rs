//! Saves that Redis refused or deferred, and writes that it refuses because a save failed.

use redis::Value;

use super::super::symptoms::{NO_BGSAVE, NO_SAVE, NO_SNAPSHOT, was_saving_at_exit};
use super::{last_snapshot, last_status, saved};
use crate::relay::{CommandOutcome, Exchange};
use crate::verdict::diagnosis::effects::Write;
use crate::verdict::diagnosis::facts::{Facts, is_script, reply_text, text};
use crate::verdict::diagnosis::keys::Missing;
use crate::verdict::diagnosis::symptom::{
    DATA_LOST, DATA_WRONG, ENDED_BADLY, STILL_RUNNING, Symptom,
};
use crate::verdict::diagnosis::{Cause, Pointer, seen_at};

const IN_PROGRESS: &str = "Background save already in progress";
const NOT_IN_MULTI: &str = "not allowed inside a transaction";

pub fn while_saving(facts: &Facts<'_>, name: &str, missing: Symptom) -> Option<Cause> {
    let index = facts.last_refused(&[name], IN_PROGRESS)?;
    let explains = if facts.shows(ENDED_BADLY) {
        // redis-py leaves out the error code, and redis-rs and others may write it differently, so
        // only the end of the text is compared.
        facts.failed_saying("already in progress")
            && facts.last_refused(&["SAVE", "BGSAVE"], IN_PROGRESS) == Some(index)
    } else if facts.shows(missing) {
        true
    } else {
        is_the_last_try(facts, index)
            && (facts.shows(STILL_RUNNING) || was_to_hold_the_data(facts, index))
    };
    let begun = facts.exchanges()[..index].iter().rposition(is_accepted_bgsave);
    explains.then(|| seen_at(index).and(begun))
}

fn is_accepted_bgsave(exchange: &Exchange) -> bool {
    exchange.outcome == CommandOutcome::Done && exchange.name() == "BGSAVE"
}

/// Whether no later snapshot was accepted.
fn is_the_last_try(facts: &Facts<'_>, refused: usize) -> bool {
    last_snapshot(facts).is_none_or(|accepted| accepted < refused)
}

/// Whether the data that is missing from the snapshot was written before the refused save and after
/// the accepted one.
fn was_to_hold_the_data(facts: &Facts<'_>, refused: usize) -> bool {
    let Some(accepted) = last_snapshot(facts) else { return false };
    let last = saved::last_writes_after(facts, accepted);
    last.is_some_and(|writes| writes.iter().all(|write| *write < refused))
}

pub fn bgsave_while_rewriting(facts: &Facts<'_>) -> Option<Cause> {
    let index = facts.last_refused(&["BGSAVE"], "Another child process is active")?;
    let explains = if facts.shows(ENDED_BADLY) {
        facts.failed_saying("Another child process")
    } else {
        is_the_last_try(facts, index)
    };
    explains.then(|| seen_at(index))
}

/// Refused since 7.0; in 6.2 it works and counts as done.
pub fn save_in_multi(facts: &Facts<'_>) -> Option<Cause> {
    let index = facts.last_refused(&["SAVE"], NOT_IN_MULTI)?;
    let connection = facts.exchange(index)?.connection;
    let explains = if facts.shows(ENDED_BADLY) {
        facts.failed_saying(NOT_IN_MULTI) || facts.failed_saying("Transaction discarded")
    } else if facts.shows(DATA_WRONG) {
        were_all_kept_from_storing(facts, |queued| {
            queued.outcome == CommandOutcome::NotRun && queued.connection == connection
        })
    } else {
        facts.shows(NO_SAVE) || is_the_last_try(facts, index) && last_snapshot(facts).is_none()
    };
    explains.then(|| seen_at(index))
}

/// Whether each missing key was to be stored by a command that was kept from it, and nothing else
/// stored it.
fn were_all_kept_from_storing(
    facts: &Facts<'_>,
    was_kept_from_it: impl Fn(&Exchange) -> bool,
) -> bool {
    let (missing, writes) = (facts.missing(), facts.writes());
    let were_all_kept = missing.iter().all(|missing| {
        let key = &missing.key;
        let mut tried = writes.iter().filter(|write| write.is_to_store(key));
        tried.any(|write| facts.exchange(write.index).is_some_and(&was_kept_from_it))
            && !facts.was_stored(key)
    });
    !missing.is_empty() && were_all_kept
}

/// Redis forbids both commands in any script; the script's text shows which of them it called.
pub fn save_in_script(facts: &Facts<'_>) -> Option<Cause> {
    let (index, name) = facts.numbered().rev().find_map(|(index, exchange)| {
        let is_refused =
            exchange.error().is_some_and(|error| error.contains("not allowed from script"));
        let name = save_called_in(exchange).filter(|_| is_script(exchange) && is_refused)?;
        Some((index, name))
    })?;
    let explains = if facts.shows(ENDED_BADLY) {
        facts.failed_saying("not allowed from script")
    } else if facts.shows(NO_SAVE) {
        name == "SAVE"
    } else if facts.shows(NO_BGSAVE) {
        name == "BGSAVE"
    } else {
        last_snapshot(facts).is_none()
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
pub fn bgsave_in_multi(facts: &Facts<'_>) -> Option<Cause> {
    let index = facts.last_done(&["BGSAVE"])?;
    let bgsave = facts.exchange(index)?;
    let (exec, end) = facts.numbered().find(|(at, exchange)| {
        *at > index && exchange.connection == bgsave.connection && exchange.name() == "EXEC"
    })?;
    if !has_scheduled_a_save(end) {
        return None;
    }
    let found = seen_at(index).and(exec);
    if facts.shows(STILL_RUNNING) && was_saving_at_exit(facts) {
        return Some(found.with("the answer ended before it was done"));
    }
    is_of_a_later_moment(facts, index, exec)
        .then(|| found.with("what was written right behind EXEC is in the file"))
}

fn has_scheduled_a_save(exec: &Exchange) -> bool {
    match exec.reply_value() {
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
    if !facts.shows(DATA_LOST) || !are_all || last_snapshot(facts) != Some(snapshot) {
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

/// Redis refuses writes since a background save failed.
pub fn misconf(facts: &Facts<'_>) -> Option<Cause> {
    let last = facts.exchanges().iter().rposition(is_misconf)?;
    let explains = if facts.shows(ENDED_BADLY) {
        facts.failed_saying("MISCONF") || facts.failed_saying("configured to save RDB snapshots")
    } else {
        were_all_kept_from_storing(facts, is_misconf)
    };
    explains.then(|| seen_at(last))
}

/// Errors of the append-only file are MISCONF too.
fn is_misconf(exchange: &Exchange) -> bool {
    exchange.error().is_some_and(|error| error.starts_with("MISCONF") && error.contains("RDB"))
}

/// The warning was switched off, and saves go on failing.
pub fn misconf_switched_off(facts: &Facts<'_>) -> Option<Cause> {
    let (index, value) = facts.last_set("stop-writes-on-bgsave-error")?;
    let still_failing = last_status(facts) == Some("err");
    (value.eq_ignore_ascii_case("no") && still_failing)
        .then(|| Cause::at([Pointer::Exchange(index), Pointer::Row("rdb_last_bgsave_status")]))
}

/// SAVE answers a disk error with a bare `ERR`, and BGSAVE a fork that failed.
pub fn bare_error(facts: &Facts<'_>, name: &str) -> Option<Cause> {
    let index = facts.exchanges().iter().rposition(|exchange| {
        exchange.name() == name && exchange.error().is_some_and(|error| error == "ERR")
    })?;
    let explains = !facts.shows(ENDED_BADLY) || failed_by_error_at(facts, index);
    let is_counted = facts.shows_any(&[NO_SAVE, NO_BGSAVE]);
    (explains && (is_counted || is_the_last_try(facts, index))).then(|| seen_at(index))
}

/// Whether the program ended with an error of Redis, and the one at `index` was the last.
fn failed_by_error_at(facts: &Facts<'_>, index: usize) -> bool {
    facts.failed_saying("ResponseError")
        && facts.exchanges()[index + 1..].iter().all(|exchange| exchange.error().is_none())
}

/// The child failed after BGSAVE had answered.
pub fn bgsave_failed(facts: &Facts<'_>) -> Option<Cause> {
    let index = facts.last_done(&["BGSAVE"])?;
    let was_ok = facts.evidence.before.field("rdb_last_bgsave_status") != Some("err");
    let reply = facts.exchange(index).and_then(reply_text);
    let has_begun =
        reply.is_some_and(|text| text.contains("started") || text.contains("scheduled"));
    let saved_since = facts.last_done(&["SAVE"]).is_some_and(|save| save > index);
    let has_failed = last_status(facts) == Some("err") && was_ok && has_begun && !saved_since;
    has_failed
        .then(|| Cause::at([Pointer::Row("rdb_last_bgsave_status"), Pointer::Exchange(index)]))
}

/// Whether a save of this name is missing, and no other save made up for the one that was refused
/// at `index`.
pub fn is_a_missing_save(facts: &Facts<'_>, name: &str, index: Option<usize>) -> bool {
    let missing = match name {
        "SAVE" => NO_SAVE,
        "BGSAVE" => NO_BGSAVE,
        _ => return false,
    };
    let is_last = index.is_none_or(|index| is_the_last_try(facts, index));
    facts.shows(missing) || (is_last && facts.shows(NO_SNAPSHOT))
}
