//! Failures of the environment: they are not the answer's fault, so there is no verdict.

use std::time::Duration;

use super::evidence::{Evidence, ProgramEnd, Run, Wait, forks_for_saves, is_saving};
use super::observe::{SLOW_DOWN, asks_for_bgsave_status, slow_down};
use super::stall;
use super::validity::has_set;
use crate::error::{EnvironmentError, EnvironmentErrorKind};
use crate::lesson::{Check, Exercise, Subject};
use crate::relay::{CommandOutcome, Exchange, Transcript};
use crate::server::{Server, ServerInfo, log};

/// Commands that took this long in total explain why a server did not reply at once.
const BUSY_MICROS: i64 = 300_000;
/// A server checks for its child's end `hz` times a second; `hz` is at least 1.
const SLOWEST_TICK: Duration = Duration::from_secs(1);
/// Bytes per microsecond (MB per second); ten times as much was measured (`tests/facts`, Speed of
/// saves).
const SLOWEST_WRITE: u64 = 10;
/// Commands that never keep the server busy.
const QUICK: [&str; 5] = ["BGSAVE", "BGREWRITEAOF", "INFO", "LASTSAVE", "PING"];
/// The probe's clock starts a moment before the transcript's.
const CLOCKS_DIFFER: Duration = Duration::from_millis(100);
const OVERLOADED: &str = "the machine is overloaded: try again when it has less to do";

pub(super) fn ensure_only_the_answer_is_judged(
    server: &Server,
    exercise: &Exercise,
    evidence: &Evidence,
) -> Result<(), EnvironmentError> {
    // Invalid evidence supports no conclusion, so nothing can be missing from it.
    if evidence.invalid.is_some() {
        return Ok(());
    }
    ensure_exit_was_observed(server, exercise, evidence)?;
    ensure_log_is_complete(server, exercise, evidence)?;
    ensure_waits_are_explained(exercise, evidence)
}

/// Whether a stall of the machine may have changed the evidence. It did not if the answer ran to
/// its end, nothing in the exercise depends on time, and the server did nothing by itself: it saved
/// nothing and expired no key.
pub(super) fn stall_matters(exercise: &Exercise, evidence: &Evidence) -> bool {
    let ended_well = match &evidence.run {
        Run::Typed(typed) => typed.stopped.is_none(),
        Run::Program(program) => program.end == ProgramEnd::Exited(0),
    };
    let Some(settled) = evidence.settled.as_ref().filter(|_| ended_well) else { return true };
    let (before, now) = (&evidence.before, &settled.info);
    let saves = forks_for_saves(now) - forks_for_saves(before);
    let asked_for = now.successful_calls("bgsave") - before.successful_calls("bgsave");
    exercise.depends_on_time()
        || evidence.invalid.is_some()
        || is_saving(now, before)
        || saves > asked_for
        || now.has_keys_that_expire()
        || now.number("expired_keys") > before.number("expired_keys")
}

/// An error if the server never replied to us, although no command kept it busy. One machine was
/// seen to hold a server up for 29 s while it forked for BGSAVE.
pub(super) fn ensure_silence_is_explained(
    server: &Server,
    evidence: &Evidence,
) -> Result<(), EnvironmentError> {
    let transcript = &evidence.transcript;
    let is_known = !transcript.is_incomplete && transcript.left_out_names.is_empty();
    if evidence.last().is_some() || !is_known || may_be_busy(transcript) || was_paused(transcript) {
        return Ok(());
    }
    let fact = format!("{} did not reply, although no command kept it busy", server.name());
    Err(EnvironmentError::new(fact, OVERLOADED).of(EnvironmentErrorKind::Stall))
}

/// An error if the machine delayed the fork of a background save or the end of its child. A busy
/// machine was seen to delay both by seconds, which must not count as the answer's time.
pub(super) fn ensure_no_save_was_held_up(
    server: &Server,
    evidence: &Evidence,
) -> Result<(), EnvironmentError> {
    let Some(last) = evidence.last().map(|look| &look.info) else { return Ok(()) };
    let has_forked = last.number("total_forks") > evidence.before.number("total_forks");
    if !has_forked || evidence.invalid.is_some() {
        return Ok(());
    }
    let fork = last.number("latest_fork_usec");
    stall::refuse("held up a fork", Duration::from_micros(fork.unsigned_abs()))?;
    // A server that was busy with other commands notices the end late by itself. BGSAVE's own time
    // contains the fork.
    let busy = last.busy_micros() - evidence.before.busy_micros() - fork;
    if busy > BUSY_MICROS || was_paused(&evidence.transcript) {
        return Ok(());
    }
    let end = server.log().as_deref().map(log::longest_child_end).unwrap_or_default();
    stall::refuse("held up the end of a background save", end.saturating_sub(SLOWEST_TICK))
}

/// An error if a background save took much longer than its work explains: one that is still
/// running, or one that an overdue answer may have waited for. A machine was seen to hold a child
/// up for ten seconds in the middle of its save.
pub(super) fn ensure_no_save_took_too_long(
    exercise: &Exercise,
    evidence: &Evidence,
    is_overdue: bool,
) -> Result<(), EnvironmentError> {
    let Some(last) = evidence.last().map(|look| &look.info) else { return Ok(()) };
    let is_running = last.number("rdb_bgsave_in_progress") != 0;
    let took = match (is_running, is_overdue) {
        (true, _) => seconds(last, "rdb_current_bgsave_time_sec"),
        (false, true) => seconds(last, "rdb_last_bgsave_time_sec"),
        (false, false) => return Ok(()),
    };
    let needed = time_for_a_save(exercise, &evidence.before, last);
    // Other commands may have kept the server from noticing the end. SAVE does not count: it never
    // runs beside a background save.
    let busy = busy_without_save(last).abs_diff(busy_without_save(&evidence.before));
    let busy = Duration::from_micros(busy);
    // INFO reports both times as differences of whole seconds.
    let is_long = took > needed.mul_f64(1.5) + busy + Duration::from_millis(1500);
    let transcript = &evidence.transcript;
    let is_the_answers = was_paused(transcript) || has_set(transcript, SLOW_DOWN);
    if evidence.invalid.is_some() || !is_long || is_the_answers {
        return Ok(());
    }
    let (took, needed) = (took.as_secs(), needed.as_secs_f64());
    let fact = format!("a background save took {took} s; about {needed:.1} s was expected");
    Err(EnvironmentError::new(fact, OVERLOADED).of(EnvironmentErrorKind::Stall))
}

fn busy_without_save(info: &ServerInfo) -> i64 {
    info.busy_micros() - info.micros("save")
}

/// How long a slow machine needs to save the largest amount of data that the server held.
fn time_for_a_save(exercise: &Exercise, before: &ServerInfo, last: &ServerInfo) -> Duration {
    let mut keys: i64 = 0;
    let mut bytes: i64 = 0;
    for info in [before, last] {
        keys = keys.max(info.keys()).max(info.number("current_save_keys_total"));
        bytes = bytes.max(info.number("used_memory"));
    }
    let delay: u64 = slow_down(exercise).and_then(|value| value.parse().ok()).unwrap_or(0);
    Duration::from_micros(keys.unsigned_abs().saturating_mul(delay))
        + Duration::from_micros(bytes.unsigned_abs() / SLOWEST_WRITE)
}

/// A field in seconds, which is −1 where the server has no value.
fn seconds(info: &ServerInfo, field: &str) -> Duration {
    Duration::from_secs(info.number(field).max(0).unsigned_abs())
}

/// An error if the server did not reply in time when the answer ended, although the answer did not
/// keep it busy: then the machine held it up.
fn ensure_exit_was_observed(
    server: &Server,
    exercise: &Exercise,
    evidence: &Evidence,
) -> Result<(), EnvironmentError> {
    let (None, Some(settled)) = (&evidence.exit, &evidence.settled) else { return Ok(()) };
    let busy = settled.info.busy_micros() - evidence.before.busy_micros();
    if !exercise.looks_at_exit() || was_paused(&evidence.transcript) || busy > BUSY_MICROS {
        return Ok(());
    }
    let fact = format!("{} did not reply when the answer ended, but was not busy", server.name());
    Err(EnvironmentError::new(fact, OVERLOADED).of(EnvironmentErrorKind::Stall))
}

/// An error if a wait exceeded the exercise's limit, but nothing that the server did explains it:
/// then the machine made it longer. A machine never makes waits shorter.
fn ensure_waits_are_explained(
    exercise: &Exercise,
    evidence: &Evidence,
) -> Result<(), EnvironmentError> {
    let (Some(waits), Some(last)) = (&evidence.waits, evidence.last()) else { return Ok(()) };
    let last = &last.info;
    let busy = last.slow_micros(&evidence.before) + last.number("latest_fork_usec");
    let explained = u128::from(busy.max(0).unsigned_abs()) * 2 >= waits.longest.took.as_micros();
    let exceeds_limit =
        exercise.checks.iter().any(|check| is_exceeded_by(check, waits.longest.took));
    if !exceeds_limit || explained || was_paused(&evidence.transcript) {
        return Ok(());
    }
    let took = waits.longest.took.as_millis();
    if closed_connections(&evidence.transcript, waits.longest) {
        let fact = format!(
            "CLIENT KILL closed connections while another client waited {took} ms: cannot tell \
             whether it waited for the server"
        );
        let help = "leave out CLIENT KILL: it also closes the connection on which redislings \
                    measures waits";
        return Err(EnvironmentError::new(fact, help));
    }
    let fact =
        format!("another client waited {took} ms, and nothing that the server did explains it");
    Err(EnvironmentError::new(fact, OVERLOADED).of(EnvironmentErrorKind::Stall))
}

fn is_exceeded_by(check: &Check, wait: Duration) -> bool {
    matches!(check.subject, Subject::Blocked(limit) if limit.is_exceeded(wait))
}

/// Whether a command that may take long has no reply.
fn may_be_busy(transcript: &Transcript) -> bool {
    transcript.exchanges.iter().any(|exchange| exchange.reply.is_none() && !is_quick(exchange))
}

fn is_quick(exchange: &Exchange) -> bool {
    exchange.is_mark() || QUICK.contains(&exchange.name().as_str())
}

/// Whether CLIENT KILL closed a connection during this wait.
fn closed_connections(transcript: &Transcript, wait: Wait) -> bool {
    let from = wait.at.saturating_sub(CLOCKS_DIFFER);
    let until = wait.at + wait.took + CLOCKS_DIFFER;
    transcript.exchanges.iter().any(|exchange| {
        let is_then = exchange.at >= from && exchange.at <= until;
        is_then
            && exchange.outcome == CommandOutcome::Done
            && exchange.begins_with(&["CLIENT", "KILL"])
    })
}

/// Whether CLIENT PAUSE ran: it delays replies, but the server's busy time does not show it.
fn was_paused(transcript: &Transcript) -> bool {
    transcript.exchanges.iter().any(|exchange| exchange.begins_with(&["CLIENT", "PAUSE"]))
}

/// An error if only the server's log could show how a background save ended, and the log does not:
/// FLUSHALL kills a background save, but INFO does not report it (`tests/facts`, INFO persistence),
/// and we cannot read the log of a server given by address.
fn ensure_log_is_complete(
    server: &Server,
    exercise: &Exercise,
    evidence: &Evidence,
) -> Result<(), EnvironmentError> {
    let Some(settled) = evidence.settled.as_ref() else { return Ok(()) };
    if settled.log_is_silent {
        return Err(EnvironmentError::new(
            "the server's log does not show how a background save ended",
            "try again, and do not change the server's `loglevel`",
        ));
    }
    if server.is_ours() {
        return Ok(());
    }
    let (before, now) = (&evidence.before, &settled.info);
    let matters = exercise.checks.iter().any(asks_for_bgsave_status);
    if !(matters && was_called("flushall", before, now) && was_called("bgsave", before, now)) {
        return Ok(());
    }
    Err(EnvironmentError::new(
        "FLUSHALL may have ended the background save, but only the server's log shows that",
        "leave out `--server`: redislings reads the log of a server that it starts",
    ))
}

fn was_called(name: &str, before: &ServerInfo, now: &ServerInfo) -> bool {
    now.successful_calls(name) > before.successful_calls(name)
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
                outcome: CommandOutcome::Unknown,
            };
            may_be_busy(&Transcript { exchanges: vec![exchange], ..Transcript::default() })
        };
        assert!(!may_be_busy_with("BGSAVE SCHEDULE") && !may_be_busy_with("INFO"));
        assert!(may_be_busy_with("SAVE") && may_be_busy_with("EVAL code 0"));
    }
}
