//! Commands that Redis refused, or put off.

use redis::Value;

use super::case::{Case, is_script, reply_text, text};
use super::effects::Write;
use super::server::seen_at;
use super::symptom::Symptom;
use super::{Found, Pointer};
use crate::tap::{Exchange, Outcome};

const IN_PROGRESS: &str = "Background save already in progress";
const NOT_IN_MULTI: &str = "not allowed inside a transaction";

pub(super) fn save_while_saving(case: &Case<'_>) -> Option<Found> {
    while_saving(case, "SAVE", Symptom::NoSave)
}

pub(super) fn bgsave_while_saving(case: &Case<'_>) -> Option<Found> {
    while_saving(case, "BGSAVE", Symptom::NoBgsave)
}

fn while_saving(case: &Case<'_>, name: &str, missing: Symptom) -> Option<Found> {
    let index = case.last_refused(&[name], IN_PROGRESS)?;
    let explains = if case.shows(Symptom::EndedBadly) {
        // redis-py leaves out the code; redis-rs and others may write it differently, so only its end.
        case.failed_saying("already in progress")
            && case.last_refused(&["SAVE", "BGSAVE"], IN_PROGRESS) == Some(index)
    } else if case.shows(missing) {
        true
    } else {
        is_the_last_try(case, index)
            && (case.shows(Symptom::StillSaving) || was_to_hold(case, index))
    };
    let begun = case.numbered().rev().find(|(at, it)| *at < index && is_accepted_bgsave(it));
    let places = std::iter::once(index).chain(begun.map(|(at, _)| at));
    explains.then(|| Found::at(places.map(Pointer::Exchange).collect::<Vec<_>>()))
}

fn is_accepted_bgsave(exchange: &Exchange) -> bool {
    exchange.outcome == Outcome::Done && exchange.name() == "BGSAVE"
}

/// No snapshot was accepted behind it.
fn is_the_last_try(case: &Case<'_>, refused: usize) -> bool {
    case.last_snapshot().is_none_or(|accepted| accepted < refused)
}

/// What is missing from the snapshot was written before the save that was refused, and after the one that
/// was not.
fn was_to_hold(case: &Case<'_>, refused: usize) -> bool {
    let Some(accepted) = case.last_snapshot() else { return false };
    let last = super::snapshots::last_writes_after(case, accepted);
    last.is_some_and(|writes| writes.iter().all(|write| *write < refused))
}

pub(super) fn bgsave_while_rewriting(case: &Case<'_>) -> Option<Found> {
    let index = case.last_refused(&["BGSAVE"], "Another child process is active")?;
    let explains = if case.shows(Symptom::EndedBadly) {
        case.failed_saying("Another child process")
    } else {
        is_the_last_try(case, index)
    };
    explains.then(|| seen_at(index))
}

/// Refused since 7.0; in 6.2 it works, and is seen as done.
pub(super) fn save_in_multi(case: &Case<'_>) -> Option<Found> {
    let index = case.last_refused(&["SAVE"], NOT_IN_MULTI)?;
    let connection = case.exchange(index)?.connection;
    let stored_nothing = |key: &[u8]| {
        case.writes().iter().any(|write| {
            let came_from = case.exchange(write.index).map(|it| it.connection);
            write.is_to_store(key)
                && write.outcome == Outcome::NotRun
                && came_from == Some(connection)
        }) && !case.was_stored(key)
    };
    let explains = if case.shows(Symptom::EndedBadly) {
        case.failed_saying(NOT_IN_MULTI) || case.failed_saying("Transaction discarded")
    } else if case.shows(Symptom::DataWrong) {
        let missing = case.missing();
        !missing.is_empty() && missing.iter().all(|it| stored_nothing(&it.key))
    } else {
        case.shows(Symptom::NoSave)
            || is_the_last_try(case, index) && case.last_snapshot().is_none()
    };
    explains.then(|| seen_at(index))
}

/// Redis forbids it in any script; which of the two it was is read from the script.
pub(super) fn save_in_script(case: &Case<'_>) -> Option<Found> {
    let names_save = |it: &Exchange| {
        let source = it.words.get(1).map(|word| text(word).to_uppercase()).unwrap_or_default();
        let words: Vec<&str> = source
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|it| !it.is_empty())
            .collect();
        let calls =
            |name: &str| words.windows(2).any(|it| it[0].ends_with("CALL") && it[1] == name);
        // Of several that are forbidden the error does not tell which it was.
        match (calls("SAVE"), calls("BGSAVE")) {
            (true, false) => Some("SAVE"),
            (false, true) => Some("BGSAVE"),
            _ => None,
        }
    };
    let (index, name) = case.numbered().rev().find_map(|(index, it)| {
        let refused = it.error().is_some_and(|error| error.contains("not allowed from script"));
        Some((index, names_save(it)?)).filter(|_| is_script(it) && refused)
    })?;
    let explains = if case.shows(Symptom::EndedBadly) {
        case.failed_saying("not allowed from script")
    } else if case.shows(Symptom::NoSave) {
        name == "SAVE"
    } else if case.shows(Symptom::NoBgsave) {
        name == "BGSAVE"
    } else {
        case.last_snapshot().is_none()
    };
    explains.then(|| seen_at(index).with(name))
}

/// Since 7.0 the save begins at the server's next tick: later than the command, and than what comes right behind it.
pub(super) fn bgsave_in_multi(case: &Case<'_>) -> Option<Found> {
    let index = case.last_done(&["BGSAVE"])?;
    let bgsave = case.exchange(index)?;
    let scheduled = |it: &Exchange| match it.reply.as_ref().map(|reply| &reply.value) {
        Some(Value::Array(items)) => items.iter().any(is_scheduled),
        _ => false,
    };
    let (exec, _) = case
        .numbered()
        .find(|(at, it)| *at > index && it.connection == bgsave.connection && it.name() == "EXEC")
        .filter(|(_, it)| scheduled(it))?;
    let found = Found::at([Pointer::Exchange(index), Pointer::Exchange(exec)]);
    if case.shows(Symptom::StillSaving) && case.was_saving_at_exit() {
        return Some(found.with("the answer ended before it was done"));
    }
    is_of_a_later_moment(case, index, exec)
        .then(|| found.with("what was written right behind EXEC is in the file"))
}

/// Whether the file of this snapshot holds what was written behind that EXEC, and would have been right at it.
fn is_of_a_later_moment(case: &Case<'_>, snapshot: usize, exec: usize) -> bool {
    let missing = case.missing();
    let counted = case.unmet_replies().len();
    let are_all = !missing.is_empty() && (counted == 0 || counted == missing.len());
    if !case.shows(Symptom::DataLost) || !are_all || case.last_snapshot() != Some(snapshot) {
        return false;
    }
    let writes = case.writes();
    missing.iter().all(|missing| {
        let Some(story) = case.story(&writes, &missing.key) else { return false };
        let behind = |write: &&Write<'_>| case.surely_after(write.index, exec);
        let first = story.iter().copied().take_while(|write| !behind(write)).count();
        let was_right = missing.would_be_met_by(&case.state_at(exec, &writes, &missing.key));
        let shows_a_later = (first + 1..=story.len())
            .any(|end| missing.shows(&case.state_after(&story[..end], &missing.key)));
        was_right == Some(true) && shows_a_later
    })
}

fn is_scheduled(value: &Value) -> bool {
    matches!(value, Value::SimpleString(text) if text.contains("scheduled"))
}

/// MULTI without EXEC or DISCARD, and in it what is missing.
pub(super) fn multi_left_open(case: &Case<'_>) -> Option<Found> {
    let begins = |it: &Exchange| it.name() == "MULTI" && it.outcome == Outcome::Done;
    let (index, multi) = case.numbered().rev().find(|(_, it)| begins(it))?;
    let ends = |(at, it): (usize, &Exchange)| {
        at > index
            && it.connection == multi.connection
            && matches!(it.name().as_str(), "EXEC" | "DISCARD" | "RESET")
    };
    if case.evidence.transcript.left_out > 0 || !case.ended_well() || case.numbered().any(ends) {
        return None;
    }
    let queued = queued_and_missing(case, multi.connection)?;
    (queued > index).then(|| Found::at([Pointer::Exchange(index), Pointer::Exchange(queued)]))
}

/// DISCARD, or an EXEC that was aborted or gave up because a watched key had changed.
pub(super) fn transaction_discarded(case: &Case<'_>) -> Option<Found> {
    let (index, end) = case.numbered().rev().find(|(_, it)| drops_a_transaction(it))?;
    let queued = queued_and_missing(case, end.connection).filter(|queued| *queued < index)?;
    let explains = !case.shows(Symptom::EndedBadly) || case.failed_saying("Transaction discarded");
    explains.then(|| {
        let gave_up = end.reply.as_ref().is_some_and(|reply| reply.value == Value::Nil);
        let how = if gave_up { ", since a watched key had changed," } else { "" };
        let name = format!("{}{how}", end.name());
        Found::at([Pointer::Exchange(index), Pointer::Exchange(queued)]).with(name)
    })
}

pub(super) fn drops_a_transaction(end: &Exchange) -> bool {
    match end.name().as_str() {
        "DISCARD" => end.outcome == Outcome::Done,
        "EXEC" => {
            end.error().is_some_and(|error| error.starts_with("EXECABORT"))
                || end.reply.as_ref().is_some_and(|reply| reply.value == Value::Nil)
        }
        _ => false,
    }
}

/// A command of the connection that was queued, never run, and would have brought what is missing.
pub(super) fn queued_and_missing(case: &Case<'_>, connection: u32) -> Option<usize> {
    let missing = case.missing();
    let writes = case.writes();
    let stores_it = |index: usize| {
        let here = || writes.iter().filter(|write| write.index == index);
        let is_it = |key: &[u8]| here().any(|write| write.is_to_store(key));
        missing.iter().any(|missing| is_it(&missing.key) && !case.was_stored(&missing.key))
    };
    let saves = [
        ("SAVE", [Symptom::NoSave, Symptom::NoSnapshot]),
        ("BGSAVE", [Symptom::NoBgsave, Symptom::NoSnapshot]),
    ];
    let saves_it = |index: usize, it: &Exchange| {
        let wanted = saves.iter().find(|(name, _)| it.name() == *name);
        // It may have been made good.
        wanted.is_some_and(|(_, symptoms)| case.shows_any(symptoms))
            && case.last_snapshot().is_none_or(|snapshot| snapshot < index)
    };
    let is_it = |(index, it): &(usize, &Exchange)| {
        it.connection == connection
            && it.outcome == Outcome::NotRun
            && (saves_it(*index, it) || stores_it(*index))
    };
    case.numbered().find(is_it).map(|(index, _)| index)
}

/// Writes are refused since a background save failed.
pub(super) fn misconf(case: &Case<'_>) -> Option<Found> {
    // Errors of the append-only file are MISCONF too.
    let is_misconf = |it: &Exchange| {
        it.error().is_some_and(|it| it.starts_with("MISCONF") && it.contains("RDB"))
    };
    let refused: Vec<usize> =
        case.numbered().filter(|(_, it)| is_misconf(it)).map(|(index, _)| index).collect();
    let last = *refused.last()?;
    let writes = case.writes();
    let would_store = |key: &[u8]| {
        let is_it = |it: &Write<'_>| it.is_to_store(key) && refused.contains(&it.index);
        writes.iter().any(is_it) && !case.was_stored(key)
    };
    let explains = if case.shows(Symptom::EndedBadly) {
        case.failed_saying("MISCONF") || case.failed_saying("configured to save RDB snapshots")
    } else {
        let missing = case.missing();
        !missing.is_empty() && missing.iter().all(|it| would_store(&it.key))
    };
    explains.then(|| seen_at(last))
}

/// The alarm was switched off, and what it warns of goes on.
pub(super) fn misconf_switched_off(case: &Case<'_>) -> Option<Found> {
    let (index, value) = case.last_set("stop-writes-on-bgsave-error")?;
    let still_failing = case.last_status() == Some("err");
    (value.eq_ignore_ascii_case("no") && still_failing)
        .then(|| Found::at([Pointer::Exchange(index), Pointer::Row("rdb_last_bgsave_status")]))
}

/// A disk error: SAVE answers a bare `ERR`.
pub(super) fn save_failed(case: &Case<'_>) -> Option<Found> {
    bare_error(case, "SAVE")
}

/// A fork that failed: so does BGSAVE.
pub(super) fn bgsave_could_not_fork(case: &Case<'_>) -> Option<Found> {
    bare_error(case, "BGSAVE")
}

fn bare_error(case: &Case<'_>, name: &str) -> Option<Found> {
    let is_it = |it: &Exchange| it.name() == name && it.error().is_some_and(|it| it == "ERR");
    let (index, _) = case.numbered().rev().find(|(_, it)| is_it(it))?;
    let is_last = || case.exchanges()[index + 1..].iter().all(|it| it.error().is_none());
    let explains = !case.shows(Symptom::EndedBadly) || (has_response_error(case) && is_last());
    let counted = case.shows_any(&[Symptom::NoSave, Symptom::NoBgsave]);
    (explains && (counted || is_the_last_try(case, index))).then(|| seen_at(index))
}

fn has_response_error(case: &Case<'_>) -> bool {
    case.failed_saying("ResponseError")
}

/// The child failed after BGSAVE had answered.
pub(super) fn bgsave_failed(case: &Case<'_>) -> Option<Found> {
    let index = case.last_done(&["BGSAVE"])?;
    let was_ok = case.evidence.before.field("rdb_last_bgsave_status") != Some("err");
    let answered = case.exchange(index).and_then(reply_text);
    let began = answered.is_some_and(|text| text.contains("started") || text.contains("scheduled"));
    let saved_since = case.last_done(&["SAVE"]).is_some_and(|save| save > index);
    let failed = case.last_status() == Some("err") && was_ok && began && !saved_since;
    failed.then(|| Found::at([Pointer::Row("rdb_last_bgsave_status"), Pointer::Exchange(index)]))
}

/// Any other command that Redis refused, where the program broke off at exactly that, or it is a save that is missing.
pub(super) fn command_refused(case: &Case<'_>) -> Option<Found> {
    let is_it = |(index, exchange): &(usize, &Exchange)| {
        let error = exchange.error();
        if case.shows(Symptom::EndedBadly) {
            error.is_some_and(|error| failed_by(case, &error))
        } else {
            error.is_some() && is_a_missing_save(case, &exchange.name(), Some(*index))
        }
    };
    let (index, exchange) = case.numbered().rev().find(is_it)?;
    Some(seen_at(index).with(exchange.name()).with(exchange.error()?.trim()))
}

/// Whether a save of this name is missing, and a refused one at `index` was not made good by another.
pub(super) fn is_a_missing_save(case: &Case<'_>, name: &str, index: Option<usize>) -> bool {
    let missing = match name {
        "SAVE" => Symptom::NoSave,
        "BGSAVE" => Symptom::NoBgsave,
        _ => return false,
    };
    let is_last = index.is_none_or(|index| is_the_last_try(case, index));
    case.shows(missing) || (is_last && case.shows(Symptom::NoSnapshot))
}

/// Whether a program ended with this error of Redis, whose code clients may leave out.
pub(super) fn failed_by(case: &Case<'_>, error: &str) -> bool {
    let details = error.split_once(' ').map_or("", |(_, details)| details).trim();
    details.len() >= 8 && case.failed_saying(details)
}
