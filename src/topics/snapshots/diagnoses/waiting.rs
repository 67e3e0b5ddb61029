//! Waiting for a background save: not at all, for a guessed time, for the wrong thing, or forever.
//! And waiting for SAVE, which makes its own client wait, and all others.

use std::time::Duration;

use super::super::background::{WAIT, was_killed};
use super::super::slow_down;
use super::super::symptoms::was_saving_at_exit;
use super::{last_snapshot, last_status, lastsave, saved};
use crate::attempt::evidence::Run;
use crate::checks::calls::Calls;
use crate::lesson::Crash;
use crate::relay::CommandOutcome;
use crate::verdict::diagnosis::blocking::{Blocker, blocker, says_timeout, waited};
use crate::verdict::diagnosis::ending::is_exception;
use crate::verdict::diagnosis::facts::{Facts, info_field, reply_text, time, took};
use crate::verdict::diagnosis::symptom::ENDED_BADLY;
use crate::verdict::diagnosis::{Cause, Pointer, seen_at};

/// This many equal replies in a row make a loop that waits.
const POLLS: usize = 3;
/// A program takes less than this to exit.
const EXIT_TIME: Duration = Duration::from_millis(90);

/// The last BGSAVE, if its child was still writing when the answer ended by itself.
fn unfinished(facts: &Facts<'_>) -> Option<usize> {
    let index = facts.last_done(&["BGSAVE"])?;
    let saved_since = facts.last_done(&["SAVE"]).is_some_and(|save| save > index);
    // With save points the save that is running may be another one.
    if saved::has_save_points(facts) {
        return None;
    }
    (was_saving_at_exit(facts) && !saved_since && facts.ended_by_itself()).then_some(index)
}

/// INFO said that a save was running, and the answer ended anyway: it read another field, or looked
/// only once.
pub fn wrong_field(facts: &Facts<'_>) -> Option<Cause> {
    let bgsave = unfinished(facts)?;
    Some(seen_at(facts.last_info_says("rdb_bgsave_in_progress", bgsave)?).and(bgsave))
}

/// LASTSAVE had not moved when it was asked for the last time.
pub fn unmoved_lastsave(facts: &Facts<'_>) -> Option<Cause> {
    let bgsave = unfinished(facts)?;
    let (index, last) = facts.last_after(bgsave, &["LASTSAVE", "INFO"])?;
    let is_unmoved = lastsave(last) == Some(facts.evidence.before.lastsave);
    is_unmoved.then(|| seen_at(index).and(bgsave))
}

/// INFO was asked before BGSAVE only.
pub fn asked_too_early(facts: &Facts<'_>) -> Option<Cause> {
    let bgsave = unfinished(facts)?;
    let is_complete = facts.evidence.timeline.left_out == 0;
    let (index, _) = facts
        .numbered()
        .find(|(_, exchange)| info_field(exchange, "rdb_bgsave_in_progress").is_some())?;
    let asks_later = facts.last_after(bgsave, &["LASTSAVE", "INFO"]).is_some();
    let mut before = facts.exchanges()[..bgsave].iter();
    let is_first = before.all(|exchange| exchange.name() != "BGSAVE");
    (is_complete && is_first && index < bgsave && !asks_later).then(|| seen_at(index).and(bgsave))
}

/// BGSAVE was refused while a save was running, and sent again until it began one more.
pub fn sent_until_accepted(facts: &Facts<'_>) -> Option<Cause> {
    let bgsave = unfinished(facts)?;
    let refused = facts.last_refused(&["BGSAVE"], "already in progress")?;
    let exchanges = facts.exchanges();
    let has_begun = exchanges[..refused]
        .iter()
        .any(|exchange| exchange.name() == "BGSAVE" && exchange.outcome == CommandOutcome::Done);
    // Whoever asked or wrote in between meant another save.
    (refused + 1 == bgsave && has_begun).then(|| seen_at(bgsave))
}

/// WAIT is about replicas.
pub fn waited_for_replicas(facts: &Facts<'_>) -> Option<Cause> {
    let bgsave = unfinished(facts)?;
    let wait = facts.last_done(&["WAIT"]).filter(|wait| *wait > bgsave)?;
    Some(seen_at(wait))
}

/// `@wait-bgsave` above BGSAVE has nothing to wait for.
pub fn waited_too_early(facts: &Facts<'_>) -> Option<Cause> {
    let bgsave = unfinished(facts)?;
    let Run::Typed(typed) = &facts.evidence.run else { return None };
    let mut lines = typed.exchanges.iter().map(|exchange| exchange.line.as_str());
    let wait = lines.clone().rposition(|line| begins_with_word(line, WAIT))?;
    let begin = lines.position(|line| begins_with_word(line, "BGSAVE"))?;
    (wait < begin).then(|| seen_at(bgsave))
}

fn begins_with_word(line: &str, word: &str) -> bool {
    line.split_whitespace().next().is_some_and(|first| first.eq_ignore_ascii_case(word))
}

/// The server was killed before SAVE had replied.
pub fn save_not_awaited(facts: &Facts<'_>) -> Option<Cause> {
    let (index, save) = facts.numbered().rev().find(|(_, exchange)| exchange.name() == "SAVE")?;
    // There was no reply to wait for if CLIENT REPLY had switched replies off.
    let has_no_replies = facts.exchanges().iter().any(|exchange| {
        exchange.connection == save.connection && exchange.begins_with(&["CLIENT", "REPLY"])
    });
    let is_open =
        save.reply.is_none() && save.outcome == CommandOutcome::Unknown && !has_no_replies;
    let saved_otherwise = facts.last_done(&["SAVE"]).or(facts.last_done(&["BGSAVE"])).is_some();
    let is_killed = facts.exercise.crash == Crash::AtExit && !facts.evidence.run.timed_out();
    (is_open && is_killed && !saved_otherwise).then(|| seen_at(index))
}

/// The answer let some time pass after the reply, and did not ask.
pub fn guessed(facts: &Facts<'_>) -> Option<Cause> {
    let bgsave = unfinished(facts)?;
    let is_last = facts.exchanges().len() == bgsave + 1 && facts.evidence.timeline.left_out == 0;
    let exchange = facts.exchange(bgsave)?;
    let replied = exchange.at + took(exchange);
    let rest = facts.evidence.took.checked_sub(replied)?;
    let is_program = matches!(facts.evidence.run, Run::Program(_));
    (is_last && is_program && rest >= EXIT_TIME).then(|| {
        Cause::at([Pointer::Exchange(bgsave), Pointer::Row("rdb_bgsave_in_progress")])
            .with(time(rest))
    })
}

/// The most common mistake of all (`tests/facts`, Common mistakes).
pub fn reply_taken_as_done(facts: &Facts<'_>) -> Option<Cause> {
    let bgsave = unfinished(facts)?;
    // BGSAVE SCHEDULE during an AOF rewrite has not even begun.
    let reply = facts.exchange(bgsave).and_then(reply_text);
    let has_begun = reply.is_none_or(|reply| !reply.contains("scheduled"));
    let evidence = [Pointer::Exchange(bgsave), Pointer::Row("rdb_bgsave_in_progress")];
    has_begun.then(|| Cause::at(evidence))
}

/// The last LASTSAVEs that all got the same reply: their indexes, and that reply.
fn lastsave_polls(facts: &Facts<'_>) -> Option<(Vec<usize>, i64)> {
    let polls: Vec<(usize, i64)> = facts
        .numbered()
        .filter_map(|(index, exchange)| Some((index, lastsave(exchange)?)))
        .collect();
    let (last, time) = *polls.last()?;
    // If another command came after them, they are not what never ended.
    let rest = &facts.exchanges()[last + 1..];
    if !rest.iter().all(|exchange| matches!(exchange.name().as_str(), "INFO" | "PING" | "LASTSAVE"))
    {
        return None;
    }
    let same = polls.iter().rev().take_while(|(_, reply)| *reply == time);
    let mut same: Vec<usize> = same.map(|(index, _)| *index).collect();
    same.reverse();
    (same.len() >= POLLS && gave_up(facts)).then_some((same, time))
}

/// Whether we ended the answer, or it ended itself deliberately with an error.
fn gave_up(facts: &Facts<'_>) -> bool {
    let is_deliberate = facts.last_error().is_none_or(is_raised_on_purpose);
    facts.shows(ENDED_BADLY) && (facts.evidence.run.timed_out() || is_deliberate)
}

fn is_raised_on_purpose(error: &str) -> bool {
    let name = error.split(':').next().unwrap_or_default();
    !is_exception(error)
        || ["RuntimeError", "TimeoutError", "AssertionError", "Exception"].contains(&name)
}

/// A save that failed does not move LASTSAVE (`tests/facts`, Common mistakes).
pub fn lastsave_after_failure(facts: &Facts<'_>) -> Option<Cause> {
    let (polls, _) = lastsave_polls(facts)?;
    let save = last_snapshot(facts).or_else(|| facts.last_refused(&["BGSAVE"], "ERR"))?;
    let last = *polls.last()?;
    let has_failed = last_status(facts) == Some("err");
    (has_failed && save < last)
        .then(|| Cause::at([Pointer::Exchange(last), Pointer::Row("rdb_last_bgsave_status")]))
}

/// The save succeeded within the second that LASTSAVE showed before (`tests/facts`, Common
/// mistakes).
pub fn lastsave_within_a_second(facts: &Facts<'_>) -> Option<Cause> {
    let (polls, time) = lastsave_polls(facts)?;
    let save = last_snapshot(facts)?;
    let (first, last) = (*polls.first()?, *polls.last()?);
    let was_watched = first < save && save < last;
    (was_watched && still_says(facts, time) && has_succeeded(facts, save))
        .then(|| seen_at(last).and(save))
}

/// LASTSAVE had already moved when the answer read the value to compare with.
pub fn lastsave_read_too_late(facts: &Facts<'_>) -> Option<Cause> {
    let (polls, time) = lastsave_polls(facts)?;
    let save = facts.last_done(&["SAVE"]).filter(|save| Some(*save) == last_snapshot(facts))?;
    let first = *polls.first()?;
    let all = facts.exchanges().iter().filter(|exchange| lastsave(exchange).is_some()).count();
    (save < first && all == polls.len() && still_says(facts, time))
        .then(|| seen_at(first).and(save))
}

fn still_says(facts: &Facts<'_>, time: i64) -> bool {
    facts.last_look().is_some_and(|now| now.info.lastsave == time)
}

pub fn has_succeeded(facts: &Facts<'_>, save: usize) -> bool {
    let Some(now) = facts.last_look() else { return false };
    if facts.exchange(save).is_some_and(|exchange| exchange.name() == "SAVE") {
        return true;
    }
    let has_ended = now.info.number("rdb_bgsave_in_progress") == 0
        && now.info.field("rdb_last_bgsave_time_sec").is_some_and(|seconds| seconds != "-1")
        && last_status(facts) == Some("ok");
    let was_killed =
        was_killed(now) || facts.last_done(&["FLUSHALL"]).is_some_and(|flush| flush > save);
    has_ended && !was_killed && !was_saving_at_exit(facts)
}

/// On a server that is slow on purpose, saving the answer's own data may take longer than the
/// answer's time limit.
pub fn own_data_takes_too_long(facts: &Facts<'_>) -> Option<Cause> {
    let delay = slow_down::wanted(facts.exercise)?.parse().ok()?;
    let delay = Duration::from_micros(delay);
    let (index, keys) = slow_save(facts).filter(|_| facts.evidence.run.timed_out())?;
    let added = keys - facts.evidence.before.keys();
    let needed = delay.saturating_mul(u32::try_from(keys).ok()?);
    let limit = facts.exercise.time_limit;
    let command = facts.exchange(index)?.name();
    (added > 0 && needed > limit).then(|| {
        seen_at(index)
            .with(command)
            .with(keys.to_string())
            .with(added.to_string())
            .with(seconds(delay))
            .with(seconds(needed))
            .with(seconds(limit))
    })
}

/// The save that was still running when the answer ran out of time, and how many keys it has to
/// write.
fn slow_save(facts: &Facts<'_>) -> Option<(usize, i64)> {
    if let Some(now) = facts.last_look() {
        let bgsave = facts.last_done(&["BGSAVE"]).filter(|_| was_saving_at_exit(facts))?;
        let keys = match now.info.number("current_save_keys_total") {
            0 => now.info.keys(),
            keys => keys,
        };
        return (!saved::has_save_points(facts)).then_some((bgsave, keys));
    }
    // The server answers nobody while SAVE runs: what was sent before shows what it has to write.
    let save = facts.exchanges().iter().position(|exchange| {
        exchange.name() == "SAVE" && exchange.outcome == CommandOutcome::Unknown
    })?;
    let is_stuck = facts.exchanges()[save..].iter().all(|exchange| exchange.reply.is_none());
    let added = i64::try_from(facts.keys_added_before(save)?).ok()?;
    is_stuck.then(|| (save, facts.evidence.before.keys() + added))
}

/// `0.1`, `15.3`, `10`.
fn seconds(duration: Duration) -> String {
    let text = format!("{:.3}", duration.as_secs_f64());
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The loop goes on although INFO says that the child is done.
pub fn info_poll_never_ends(facts: &Facts<'_>) -> Option<Cause> {
    let idle: Vec<usize> = facts
        .numbered()
        .rev()
        .take_while(|(_, exchange)| exchange.name() == "INFO")
        .filter(|(_, info)| info_field(info, "rdb_bgsave_in_progress").as_deref() == Some("0"))
        .map(|(index, _)| index)
        .collect();
    let last = *idle.first()?;
    (facts.evidence.run.timed_out() && idle.len() >= POLLS).then(|| seen_at(last))
}

// Waiting for SAVE.

/// SAVE stops the server until the file is written (`tests/facts`, Common mistakes): where BGSAVE is
/// unwanted too, that is not the point.
pub fn save_is_used(facts: &Facts<'_>) -> Option<Cause> {
    let calls = facts.exercise.checks.iter().filter_map(|check| check.of_kind::<Calls>());
    if calls.flat_map(Calls::unwanted).any(|name| name == "bgsave") {
        return None;
    }
    // One SAVE too many is no SAVE that nobody wants.
    let counted = facts.check.and_then(|check| check.of_kind::<Calls>());
    if counted.is_some_and(|calls| !calls.unwanted().any(|name| name == "save")) {
        return None;
    }
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
