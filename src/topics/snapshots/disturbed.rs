//! Saves that the machine disturbed, and ends of saves that cannot be seen: then the answer is not
//! judged.

use std::time::Duration;

use super::slow_down;
use crate::attempt::evidence::Evidence;
use crate::attempt::{BUSY_MICROS, OVERLOADED, has_set, refuse_stall, was_paused};
use crate::checks::Question;
use crate::error::{EnvironmentError, EnvironmentErrorKind};
use crate::lesson::{Exercise, Moment};
use crate::server::{Server, ServerInfo, log};

/// A server checks for its child's end `hz` times a second; `hz` is at least 1.
const SLOWEST_TICK: Duration = Duration::from_secs(1);
/// Bytes per microsecond (MB per second); ten times as much was measured (`tests/facts`, Speed of
/// saves).
const SLOWEST_WRITE: u64 = 10;

/// An error if the machine delayed the fork of a background save or the end of its child. A busy
/// machine was seen to delay both by seconds, which must not count as the answer's time.
pub fn ensure_no_save_was_held_up(
    server: &Server,
    evidence: &Evidence,
) -> Result<(), EnvironmentError> {
    let Some(last) = evidence.last().map(|look| &look.info) else { return Ok(()) };
    let has_forked = last.number("total_forks") > evidence.before.number("total_forks");
    if !has_forked || evidence.invalid.is_some() {
        return Ok(());
    }
    let fork = last.number("latest_fork_usec");
    refuse_stall("held up a fork", Duration::from_micros(fork.unsigned_abs()))?;
    // A server that was busy with other commands notices the end late by itself. BGSAVE's own time
    // contains the fork.
    let busy = last.busy_micros() - evidence.before.busy_micros() - fork;
    if busy > BUSY_MICROS || was_paused(&evidence.timeline) {
        return Ok(());
    }
    let end = server.log().as_deref().map(log::longest_child_end).unwrap_or_default();
    refuse_stall("held up the end of a background save", end.saturating_sub(SLOWEST_TICK))
}

/// An error if a background save took much longer than its work explains: one that is still
/// running, or one that an overdue answer may have waited for. A machine was seen to hold a child
/// up for ten seconds in the middle of its save.
pub fn ensure_no_save_took_too_long(
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
    let timeline = &evidence.timeline;
    let is_the_answers = was_paused(timeline) || has_set(timeline, slow_down::SETTING);
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
    let delay: u64 = slow_down::wanted(exercise).and_then(|value| value.parse().ok()).unwrap_or(0);
    Duration::from_micros(keys.unsigned_abs().saturating_mul(delay))
        + Duration::from_micros(bytes.unsigned_abs() / SLOWEST_WRITE)
}

/// A field in seconds, which is −1 where the server has no value.
fn seconds(info: &ServerInfo, field: &str) -> Duration {
    Duration::from_secs(info.number(field).max(0).unsigned_abs())
}

/// An error if only the server's log could show how a background save ended, and the log does not:
/// FLUSHALL kills a background save, but INFO does not report it (`tests/facts`, INFO persistence),
/// and we cannot read the log of a server given by address.
pub fn ensure_log_is_complete(
    server: &Server,
    exercise: &Exercise,
    evidence: &Evidence,
) -> Result<(), EnvironmentError> {
    let Some(settled) = evidence.at(Moment::Settled) else { return Ok(()) };
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
    let matters =
        exercise.checks.iter().any(|check| check.subject.questions().contains(&Question::Log));
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
