//! What no answer can be blamed for: then there is no verdict.

use std::time::Duration;

use super::doubt::has_set;
use super::evidence::{Evidence, Observation, ProgramEnd, Run, Wait, forks_for_saves, is_saving};
use super::observe::{SLOW_DOWN, asks_for_bgsave_status, slow_down};
use super::standstill;
use crate::error::{WorldError, WorldErrorKind};
use crate::lesson::{Check, Exercise, Subject};
use crate::server::{Server, Snapshot, log};
use crate::tap::{Exchange, Outcome, Transcript};

/// Commands that took so long altogether explain a server that does not answer at once.
const BUSY_MICROS: i64 = 300_000;
/// A server looks for its child's end `hz` times a second; `hz` is 1 at least.
const SLOWEST_TICK: Duration = Duration::from_secs(1);
/// Bytes a microsecond, so megabytes a second; the tenfold was measured (Redis facts 5).
const SLOWEST_WRITE: u64 = 10;
/// Commands that take no server's time.
const QUICK: [&str; 5] = ["BGSAVE", "BGREWRITEAOF", "INFO", "LASTSAVE", "PING"];
/// Who measures waits begins to count a moment before the answer does.
const CLOCKS_DIFFER: Duration = Duration::from_millis(100);
const OVERLOADED: &str = "the machine is overloaded: try again when it has less to do";

pub(super) fn refuse_what_is_not_the_answers(
    server: &Server,
    exercise: &Exercise,
    evidence: &Evidence,
) -> Result<(), WorldError> {
    // Where nothing is concluded, nothing is missing.
    if evidence.doubt.is_some() {
        return Ok(());
    }
    refuse_what_the_machine_hid(server, exercise, evidence)?;
    refuse_what_only_a_log_tells(server, exercise, evidence)?;
    refuse_waits_of_the_machine(exercise, evidence)
}

/// Whether what was seen may be another thing because the machine stalled. Not where the answer came to its end, nothing in
/// the exercise depends on time, and the server did nothing by itself: saved nothing, let no key expire.
pub(super) fn stall_matters(exercise: &Exercise, evidence: &Evidence) -> bool {
    let ended_well = match &evidence.run {
        Run::Typed(typed) => typed.stopped.is_none(),
        Run::Program(program) => program.end == ProgramEnd::Exited(0),
    };
    let Some(settled) = evidence.settled.as_ref().filter(|_| ended_well) else { return true };
    let (before, now) = (&evidence.before, &settled.snapshot);
    let saves = forks_for_saves(now) - forks_for_saves(before);
    let asked_for = now.successful_calls("bgsave") - before.successful_calls("bgsave");
    exercise.depends_on_time()
        || evidence.doubt.is_some()
        || is_saving(now, before)
        || saves > asked_for
        || now.has_keys_that_expire()
        || now.number("expired_keys") > before.number("expired_keys")
}

/// A server that was silent at every look, though nothing that it was asked keeps it busy. A machine was seen to hold one up
/// for 29 s where it forks for BGSAVE.
pub(super) fn refuse_silence_of_the_machine(
    server: &Server,
    evidence: &Evidence,
) -> Result<(), WorldError> {
    let transcript = &evidence.transcript;
    let is_known = !transcript.is_incomplete && transcript.left_out_names.is_empty();
    if evidence.last().is_some() || !is_known || may_be_busy(transcript) || was_paused(transcript) {
        return Ok(());
    }
    let fact = format!("{} said nothing, though nothing kept it busy", server.name());
    Err(WorldError::new(fact, OVERLOADED).of(WorldErrorKind::Standstill))
}

/// A busy machine was seen to let a server wait seconds for its child's beginning or its end: that is no answer's time.
pub(super) fn refuse_a_save_that_was_held_up(
    server: &Server,
    evidence: &Evidence,
) -> Result<(), WorldError> {
    let Some(Observation { snapshot: last, .. }) = evidence.last() else { return Ok(()) };
    let has_forked = last.number("total_forks") > evidence.before.number("total_forks");
    if !has_forked || evidence.doubt.is_some() {
        return Ok(());
    }
    let fork = last.number("latest_fork_usec");
    standstill::refuse("held up a fork", Duration::from_micros(fork.unsigned_abs()))?;
    // Where the server had something else to do, it noticed the end late by itself. The fork is part of BGSAVE's time.
    let busy = last.busy_micros() - evidence.before.busy_micros() - fork;
    if busy > BUSY_MICROS || was_paused(&evidence.transcript) {
        return Ok(());
    }
    let end = server.log().as_deref().map(log::longest_child_end).unwrap_or_default();
    standstill::refuse("held up the end of a background save", end.saturating_sub(SLOWEST_TICK))
}

/// A background save that has not ended, or of which an answer that is out of time had to wait for the end, and that took
/// much longer than its work explains. A machine was seen to hold up a child in the middle of it for ten seconds.
pub(super) fn refuse_a_save_that_takes_too_long(
    exercise: &Exercise,
    evidence: &Evidence,
    is_overdue: bool,
) -> Result<(), WorldError> {
    let Some(Observation { snapshot: last, .. }) = evidence.last() else { return Ok(()) };
    let goes_on = last.number("rdb_bgsave_in_progress") != 0;
    let took = match (goes_on, is_overdue) {
        (true, _) => seconds(last, "rdb_current_bgsave_time_sec"),
        (false, true) => seconds(last, "rdb_last_bgsave_time_sec"),
        (false, false) => return Ok(()),
    };
    let needed = time_for_a_save(exercise, &[&evidence.before, last]);
    // What else kept the server busy may have kept it from noticing the end; a SAVE is never beside a background save.
    let busy = |it: &Snapshot| it.busy_micros() - it.micros("save");
    let busy = Duration::from_micros(busy(last).abs_diff(busy(&evidence.before)));
    // Both times are differences of whole seconds.
    let is_long = took > needed.mul_f64(1.5) + busy + Duration::from_millis(1500);
    let transcript = &evidence.transcript;
    let is_the_answers = was_paused(transcript) || has_set(transcript, SLOW_DOWN);
    if evidence.doubt.is_some() || !is_long || is_the_answers {
        return Ok(());
    }
    let (took, needed) = (took.as_secs(), needed.as_secs_f64());
    let fact = format!("a background save took {took} s of which its keys explain {needed:.1} s");
    Err(WorldError::new(fact, OVERLOADED).of(WorldErrorKind::Standstill))
}

/// What the most that the server held takes to be written on a slow machine.
fn time_for_a_save(exercise: &Exercise, snapshots: &[&Snapshot]) -> Duration {
    let most = |count: fn(&Snapshot) -> i64| {
        let counts = snapshots.iter().map(|it| count(it));
        counts.max().unwrap_or_default().max(0).unsigned_abs()
    };
    let keys = most(Snapshot::keys).max(most(|it| it.number("current_save_keys_total")));
    let delay = slow_down(exercise).and_then(|it| it.parse().ok()).unwrap_or(0_u64);
    let bytes = most(|it| it.number("used_memory"));
    Duration::from_micros(keys.saturating_mul(delay)) + Duration::from_micros(bytes / SLOWEST_WRITE)
}

/// A field that is −1 where there is nothing to tell.
fn seconds(snapshot: &Snapshot, field: &str) -> Duration {
    Duration::from_secs(snapshot.number(field).max(0).unsigned_abs())
}

/// A server that could not be looked at in time, though nothing that the answer did kept it busy, was
/// held up by the machine: that is no answer's fault.
fn refuse_what_the_machine_hid(
    server: &Server,
    exercise: &Exercise,
    evidence: &Evidence,
) -> Result<(), WorldError> {
    let (None, Some(settled)) = (&evidence.exit, &evidence.settled) else { return Ok(()) };
    let busy = settled.snapshot.busy_micros() - evidence.before.busy_micros();
    if !exercise.looks_at_exit() || was_paused(&evidence.transcript) || busy > BUSY_MICROS {
        return Ok(());
    }
    let fact =
        format!("{} did not answer when the answer ended, for no reason of its own", server.name());
    Err(WorldError::new(fact, OVERLOADED).of(WorldErrorKind::Standstill))
}

/// A wait over an exercise's limit that nothing the server did explains was the machine's, which makes waits longer and
/// never shorter.
fn refuse_waits_of_the_machine(exercise: &Exercise, evidence: &Evidence) -> Result<(), WorldError> {
    let (Some(waits), Some(last)) = (&evidence.waits, evidence.last()) else { return Ok(()) };
    let last = &last.snapshot;
    let is_exceeded = |check: &Check| matches!(check.subject, Subject::Blocked(limit) if limit.is_exceeded(waits.longest.took));
    let busy = last.slow_micros(&evidence.before) + last.number("latest_fork_usec");
    let explained = u128::from(busy.max(0).unsigned_abs()) * 2 >= waits.longest.took.as_micros();
    if !exercise.checks.iter().any(is_exceeded) || explained || was_paused(&evidence.transcript) {
        return Ok(());
    }
    let took = waits.longest.took.as_millis();
    if closed_connections(&evidence.transcript, waits.longest) {
        let fact = format!(
            "CLIENT KILL closed connections while another client waited {took} ms: whether it waited for the server \
             can't be told"
        );
        let help = "leave CLIENT KILL out: it also closes the connection by which redislings measures who has to wait";
        return Err(WorldError::new(fact, help));
    }
    let fact =
        format!("another client waited {took} ms, and nothing that the server did explains it");
    Err(WorldError::new(fact, OVERLOADED).of(WorldErrorKind::Standstill))
}

/// Whether a command that takes time was not answered.
fn may_be_busy(transcript: &Transcript) -> bool {
    let is_quick = |it: &Exchange| it.is_mark() || QUICK.contains(&it.name().as_str());
    transcript.exchanges.iter().any(|it| it.reply.is_none() && !is_quick(it))
}

/// Whether CLIENT KILL closed somebody's connection at the time of this wait.
fn closed_connections(transcript: &Transcript, wait: Wait) -> bool {
    let from = wait.at.saturating_sub(CLOCKS_DIFFER);
    let until = wait.at + wait.took + CLOCKS_DIFFER;
    transcript.exchanges.iter().any(|exchange| {
        let is_then = exchange.at >= from && exchange.at <= until;
        is_then && exchange.outcome == Outcome::Done && exchange.begins_with(&["CLIENT", "KILL"])
    })
}

/// By CLIENT PAUSE, of which the server's busy time tells nothing.
fn was_paused(transcript: &Transcript) -> bool {
    transcript.exchanges.iter().any(|exchange| exchange.begins_with(&["CLIENT", "PAUSE"]))
}

/// FLUSHALL kills a background save, of which INFO says nothing (Redis facts 2.2); a server behind an
/// address shows no log.
fn refuse_what_only_a_log_tells(
    server: &Server,
    exercise: &Exercise,
    evidence: &Evidence,
) -> Result<(), WorldError> {
    let Some(settled) = evidence.settled.as_ref() else { return Ok(()) };
    if settled.log_is_silent {
        let fact = "the server's log does not tell how a background save ended";
        return Err(WorldError::new(fact, "try again, and leave the server's `loglevel` as it is"));
    }
    if server.is_ours() {
        return Ok(());
    }
    let called = |name: &str| {
        settled.snapshot.successful_calls(name) > evidence.before.successful_calls(name)
    };
    let matters = exercise.checks.iter().any(asks_for_bgsave_status);
    if !(matters && called("flushall") && called("bgsave")) {
        return Ok(());
    }
    let fact = "FLUSHALL may have ended the background save, which only the server's log tells";
    Err(WorldError::new(
        fact,
        "leave `--server` out: redislings reads the log of a server that it starts",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_be_busy_with_what_takes_time_and_was_not_answered() {
        let may_be_busy_with = |command: &str| {
            let exchange = Exchange {
                at: Duration::ZERO,
                connection: 1,
                words: command.split(' ').map(|word| word.as_bytes().to_vec()).collect(),
                reply: None,
                outcome: Outcome::Unknown,
            };
            may_be_busy(&Transcript { exchanges: vec![exchange], ..Transcript::default() })
        };
        assert!(!may_be_busy_with("BGSAVE SCHEDULE") && !may_be_busy_with("INFO"));
        assert!(may_be_busy_with("SAVE") && may_be_busy_with("EVAL code 0"));
    }
}
