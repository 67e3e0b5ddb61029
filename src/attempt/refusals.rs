//! What no answer can be blamed for: then there is no verdict.

use std::time::Duration;

use super::evidence::Evidence;
use super::observe::asks_for_bgsave_status;
use super::standstill;
use crate::error::{WorldError, WorldErrorKind};
use crate::lesson::{Check, Exercise, Subject};
use crate::server::{Server, log};
use crate::tap::Transcript;

/// Commands that took so long altogether explain a server that does not answer at once.
const BUSY_MICROS: i64 = 300_000;
/// A server looks for its child's end `hz` times a second; `hz` is 1 at least.
const SLOWEST_TICK: Duration = Duration::from_secs(1);
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

/// A busy machine was seen to let a server wait seconds for its child's beginning or its end: that is no answer's time.
pub(super) fn refuse_a_save_that_was_held_up(
    server: &Server,
    evidence: &Evidence,
) -> Result<(), WorldError> {
    let looks = [&evidence.exit, &evidence.settled].into_iter().flatten();
    let Some(last) = looks.last().map(|it| &it.snapshot) else { return Ok(()) };
    let has_forked = last.number("total_forks") > evidence.before.number("total_forks");
    if !has_forked || evidence.doubt.is_some() {
        return Ok(());
    }
    let fork = last.number("latest_fork_usec");
    standstill::refuse(Duration::from_micros(fork.unsigned_abs()))?;
    // Where the server had something else to do, it noticed the end late by itself. The fork is part of BGSAVE's time.
    let busy = last.busy_micros() - evidence.before.busy_micros() - fork;
    if busy > BUSY_MICROS || was_paused(&evidence.transcript) {
        return Ok(());
    }
    let end = server.log().as_deref().map(log::longest_child_end).unwrap_or_default();
    standstill::refuse(end.saturating_sub(SLOWEST_TICK))
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
    let (Some(waits), Some(last)) =
        (&evidence.waits, evidence.settled.as_ref().or(evidence.exit.as_ref()))
    else {
        return Ok(());
    };
    let is_exceeded = |check: &Check| matches!(check.subject, Subject::Blocked(limit) if limit.is_exceeded(waits.longest.took));
    let busy =
        last.snapshot.slow_micros(&evidence.before) + last.snapshot.number("latest_fork_usec");
    let explained = u128::from(busy.max(0).unsigned_abs()) * 2 >= waits.longest.took.as_micros();
    if !exercise.checks.iter().any(is_exceeded) || explained || was_paused(&evidence.transcript) {
        return Ok(());
    }
    let fact = format!(
        "another client waited {} ms, and nothing that the server did explains it",
        waits.longest.took.as_millis()
    );
    Err(WorldError::new(fact, OVERLOADED).of(WorldErrorKind::Standstill))
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
