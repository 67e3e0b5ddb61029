//! Waiting for a background save: not at all, by a guess, for the wrong thing, for ever.

use std::time::Duration;

use super::case::{Case, info_field, lastsave, reply_text, time, took};
use super::ending::is_exception;
use super::server::seen_at;
use super::symptom::Symptom;
use super::{Found, Pointer};
use crate::attempt::commands::WAIT_BGSAVE;
use crate::attempt::evidence::Run;
use crate::lesson::Crash;
use crate::server::BgsaveEnd;
use crate::tap::{Exchange, Outcome};

/// So many equal answers make a loop that waits.
const POLLS: usize = 3;
/// A program's own end takes less than this.
const PAUSE: Duration = Duration::from_millis(90);

/// The last BGSAVE, where its child was still writing when the answer ended as it was meant to.
fn unfinished(case: &Case<'_>) -> Option<usize> {
    let index = case.last_done(&["BGSAVE"])?;
    let saved_since = case.last_done(&["SAVE"]).is_some_and(|save| save > index);
    // With save points it may be another save that runs.
    if super::snapshots::has_save_points(case) {
        return None;
    }
    (case.was_saving_at_exit() && !saved_since && case.ended_by_itself()).then_some(index)
}

/// INFO said it, the answer ended all the same: another field was looked at, or one look was taken for all.
pub(super) fn wrong_field(case: &Case<'_>) -> Option<Found> {
    let bgsave = unfinished(case)?;
    let is_look = |(index, it): &(usize, &Exchange)| *index > bgsave && it.name() == "INFO";
    let (index, last) = case.numbered().rev().find(is_look)?;
    (info_field(last, "rdb_bgsave_in_progress").as_deref() == Some("1"))
        .then(|| Found::at([Pointer::Exchange(index), Pointer::Exchange(bgsave)]))
}

/// `@wait-bgsave` above BGSAVE has nothing to wait for.
pub(super) fn waited_too_early(case: &Case<'_>) -> Option<Found> {
    let bgsave = unfinished(case)?;
    let Run::Typed(typed) = &case.evidence.run else { return None };
    let is_line = |line: &str, word: &str| {
        line.split_whitespace().next().is_some_and(|it| it.eq_ignore_ascii_case(word))
    };
    let lines = || typed.exchanges.iter();
    let waits = lines().rposition(|it| is_line(&it.line, WAIT_BGSAVE))?;
    let begins = lines().position(|it| is_line(&it.line, "BGSAVE"))?;
    (waits < begins).then(|| seen_at(bgsave))
}

/// A SAVE whose reply nobody waited for, and then the kill.
pub(super) fn save_not_awaited(case: &Case<'_>) -> Option<Found> {
    let (index, save) = case.numbered().rev().find(|(_, it)| it.name() == "SAVE")?;
    // Nor was one to come, where CLIENT REPLY had switched replies off.
    let has_no_replies = case.exchanges().iter().any(|exchange| {
        exchange.connection == save.connection && exchange.begins_with(&["CLIENT", "REPLY"])
    });
    let is_open = save.reply.is_none() && save.outcome == Outcome::Unknown && !has_no_replies;
    let saved_otherwise = case.last_done(&["SAVE"]).or(case.last_done(&["BGSAVE"])).is_some();
    let is_killed = case.exercise.crash == Crash::AtExit && !case.evidence.run.timed_out();
    (is_open && is_killed && !saved_otherwise).then(|| seen_at(index))
}

/// Time went by after the reply, and nobody asked.
pub(super) fn guessed(case: &Case<'_>) -> Option<Found> {
    let bgsave = unfinished(case)?;
    let last = case.exchanges().len() == bgsave + 1 && case.evidence.transcript.left_out == 0;
    let exchange = case.exchange(bgsave)?;
    let replied = exchange.at + took(exchange);
    let rest = case.evidence.took.checked_sub(replied)?;
    let is_program = matches!(case.evidence.run, Run::Program(_));
    (last && is_program && rest >= PAUSE).then(|| {
        Found::at([Pointer::Exchange(bgsave), Pointer::Row("rdb_bgsave_in_progress")])
            .with(time(rest))
    })
}

/// The most common mistake of all (Redis facts 10.1).
pub(super) fn reply_taken_as_done(case: &Case<'_>) -> Option<Found> {
    let bgsave = unfinished(case)?;
    // BGSAVE SCHEDULE behind an AOF rewrite had not even begun anything.
    let reply = case.exchange(bgsave).and_then(reply_text);
    let has_begun = reply.is_none_or(|reply| !reply.contains("scheduled"));
    let evidence = [Pointer::Exchange(bgsave), Pointer::Row("rdb_bgsave_in_progress")];
    has_begun.then(|| Found::at(evidence))
}

/// The last LASTSAVEs, all with the same answer: their indexes, and that answer.
fn lastsave_polls(case: &Case<'_>) -> Option<(Vec<usize>, i64)> {
    let polls: Vec<(usize, i64)> =
        case.numbered().filter_map(|(index, it)| Some((index, lastsave(it)?))).collect();
    let (_, time) = *polls.last()?;
    // Whatever came behind them, it was not they that never ended.
    let (last, _) = polls.last()?;
    let rest = &case.exchanges()[last + 1..];
    if !rest.iter().all(|it| matches!(it.name().as_str(), "INFO" | "PING" | "LASTSAVE")) {
        return None;
    }
    let same = polls.iter().rev().take_while(|(_, it)| *it == time).map(|(index, _)| *index);
    let mut same: Vec<usize> = same.collect();
    same.reverse();
    (same.len() >= POLLS && gave_up(case)).then_some((same, time))
}

/// Ended by us, or by itself with a status of its own making.
fn gave_up(case: &Case<'_>) -> bool {
    let is_own_end = case.last_error().is_none_or(|line| {
        let raised = ["RuntimeError", "TimeoutError", "AssertionError", "Exception"];
        let name = line.split(':').next().unwrap_or_default();
        !is_exception(line) || raised.contains(&name)
    });
    case.shows(Symptom::EndedBadly) && (case.evidence.run.timed_out() || is_own_end)
}

/// A save that failed moves nothing (Redis facts 10.3).
pub(super) fn lastsave_after_failure(case: &Case<'_>) -> Option<Found> {
    let (polls, _) = lastsave_polls(case)?;
    let save = case.last_snapshot().or_else(|| case.last_refused(&["BGSAVE"], "ERR"))?;
    let last = *polls.last()?;
    let failed = case.last_status() == Some("err");
    (failed && save < last)
        .then(|| Found::at([Pointer::Exchange(last), Pointer::Row("rdb_last_bgsave_status")]))
}

/// The save succeeded within the second that LASTSAVE showed before (Redis facts 10.2).
pub(super) fn lastsave_within_a_second(case: &Case<'_>) -> Option<Found> {
    let (polls, time) = lastsave_polls(case)?;
    let save = case.last_snapshot()?;
    let (first, last) = (*polls.first()?, *polls.last()?);
    let watched = first < save && save < last;
    (watched && still_says(case, time) && has_succeeded(case, save))
        .then(|| Found::at([Pointer::Exchange(last), Pointer::Exchange(save)]))
}

/// The value to compare with was read when it had moved already.
pub(super) fn lastsave_read_too_late(case: &Case<'_>) -> Option<Found> {
    let (polls, time) = lastsave_polls(case)?;
    let save = case.last_done(&["SAVE"]).filter(|save| Some(*save) == case.last_snapshot())?;
    let first = *polls.first()?;
    let all = case.exchanges().iter().filter(|it| lastsave(it).is_some()).count();
    (save < first && all == polls.len() && still_says(case, time))
        .then(|| Found::at([Pointer::Exchange(first), Pointer::Exchange(save)]))
}

fn still_says(case: &Case<'_>, time: i64) -> bool {
    case.last_look().is_some_and(|now| now.snapshot.lastsave == time)
}

pub(super) fn has_succeeded(case: &Case<'_>, save: usize) -> bool {
    let Some(now) = case.last_look() else { return false };
    if case.exchange(save).is_some_and(|it| it.name() == "SAVE") {
        return true;
    }
    let ended = now.snapshot.number("rdb_bgsave_in_progress") == 0
        && now.snapshot.field("rdb_last_bgsave_time_sec").is_some_and(|it| it != "-1")
        && case.last_status() == Some("ok");
    let killed = now.bgsave_ends.last() == Some(&BgsaveEnd::Killed)
        || case.last_done(&["FLUSHALL"]).is_some_and(|flush| flush > save);
    ended && !killed && !case.was_saving_at_exit()
}

/// On a server that is slow on purpose, what the answer has added may take longer to save than the answer has.
pub(super) fn own_data_takes_too_long(case: &Case<'_>) -> Option<Found> {
    let settings = &case.exercise.settings;
    let delay = settings.iter().rev().find(|(name, _)| name == SLOW_DOWN)?.1.parse().ok()?;
    let delay = Duration::from_micros(delay);
    let (index, keys) = slow_save(case).filter(|_| case.evidence.run.timed_out())?;
    let added = keys - case.evidence.before.keys();
    let needed = delay.saturating_mul(u32::try_from(keys).ok()?);
    let limit = case.exercise.time_limit;
    let numbers = [keys.to_string(), added.to_string(), seconds(delay)];
    let found =
        numbers.into_iter().fold(seen_at(index).with(case.exchange(index)?.name()), Found::with);
    (added > 0 && needed > limit).then(|| found.with(seconds(needed)).with(seconds(limit)))
}

const SLOW_DOWN: &str = "rdb-key-save-delay";

/// The save that had not ended when the answer was out of time, and how many keys it has to write.
fn slow_save(case: &Case<'_>) -> Option<(usize, i64)> {
    if let Some(now) = case.last_look() {
        let bgsave = case.last_done(&["BGSAVE"]).filter(|_| case.was_saving_at_exit())?;
        let keys = match now.snapshot.number("current_save_keys_total") {
            0 => now.snapshot.keys(),
            keys => keys,
        };
        return (!super::snapshots::has_save_points(case)).then_some((bgsave, keys));
    }
    // Nobody is answered while SAVE runs: what it has to write follows from what was sent before.
    let is_open = |it: &Exchange| it.name() == "SAVE" && it.outcome == Outcome::Unknown;
    let (save, _) = case.numbered().find(|(_, it)| is_open(it))?;
    let rest = &case.exchanges()[save..];
    let is_stuck = rest.iter().all(|it| it.reply.is_none());
    let added = i64::try_from(case.keys_added_before(save)?).ok()?;
    is_stuck.then(|| (save, case.evidence.before.keys() + added))
}

/// `0.1`, `15.3`, `10`.
fn seconds(duration: Duration) -> String {
    let text = format!("{:.3}", duration.as_secs_f64());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The loop goes on although INFO says that the child is done.
pub(super) fn info_poll_never_ends(case: &Case<'_>) -> Option<Found> {
    let rest: Vec<usize> = case
        .numbered()
        .rev()
        .take_while(|(_, it)| it.name() == "INFO")
        .filter(|(_, it)| info_field(it, "rdb_bgsave_in_progress").as_deref() == Some("0"))
        .map(|(index, _)| index)
        .collect();
    let last = *rest.first()?;
    (case.evidence.run.timed_out() && rest.len() >= POLLS).then(|| seen_at(last))
}
