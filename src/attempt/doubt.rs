//! Whether the server can be believed after an answer.

use std::time::{Duration, Instant};

use super::evidence::Evidence;
use super::observe::{LOOK_LIMIT, SLOW_DOWN, slow_down};
use crate::cleanup;
use crate::error::{WorldError, WorldErrorKind};
use crate::lesson::Exercise;
use crate::server::{CallError, Server, Snapshot, log};
use crate::tap::{Outcome, Transcript};

/// A server closes its connections a moment before its process has ended.
const END_LATENESS: Duration = Duration::from_millis(500);
const POLL: Duration = Duration::from_millis(5);

/// How a server ended that says nothing any more, if it did; killed from outside (out of memory), that is no answer's
/// fault.
pub(super) fn server_end(
    server: &mut Server,
    silence: &CallError,
) -> Result<Option<String>, WorldError> {
    cleanup::stop_if_a_signal_came();
    let is_busy = matches!(silence, CallError::TimedOut(_));
    let lateness = if is_busy { Duration::ZERO } else { END_LATENESS };
    let deadline = Instant::now() + lateness;
    let mut ended = server.ended();
    while ended.is_none() && server.is_ours() && Instant::now() < deadline {
        std::thread::park_timeout(POLL);
        ended = server.ended();
    }
    if server.is_stopped() {
        return Err(from_outside("the server was stopped by a signal, from outside".to_owned()));
    }
    let signal = server.log().as_deref().and_then(log::ending_signal).map(str::to_owned);
    match (ended, signal) {
        (Some(ended), _) if ended.killed => {
            Err(from_outside(format!("the server was lost: {}", ended.what)))
        }
        (Some(_), Some(signal)) => {
            Err(from_outside(format!("the server was ended by a signal, from outside: `{signal}`")))
        }
        (ended, _) => Ok(ended.map(|ended| format!("the server is gone: {}", ended.what))),
    }
}

/// What no command does, and of which nobody knows whose work it is.
fn from_outside(fact: String) -> WorldError {
    WorldError::new(
        fact,
        "whether the answer did it, another program, or the system for want of memory, is not known: look at each, and \
         at the engine if the server is in a container; then try again",
    )
}

/// An error where the server was stopped, or its files were taken away.
pub(super) fn refuse_what_was_done_from_outside(server: &Server) -> Result<(), WorldError> {
    if server.is_stopped() {
        return Err(from_outside("the server was stopped by a signal, from outside".to_owned()));
    }
    server.check_directory()
}

/// Why a server says nothing that was not yet asked to do anything but the lesson's setup.
pub(super) fn silent(server: &mut Server, silence: &CallError) -> WorldError {
    match server_end(server, silence) {
        Err(lost) => lost,
        Ok(ended) => {
            let is_late = ended.is_none() && matches!(silence, CallError::TimedOut(_));
            let why = ended.unwrap_or_else(|| silence.to_string());
            let fact = format!("{} does not tell its state: {why}", server.name());
            let help = "try again, or try another server: see `redislings doctor`";
            let kind = if is_late { WorldErrorKind::Standstill } else { WorldErrorKind::Other };
            WorldError::new(fact, help).of(kind)
        }
    }
}

/// For who judges an answer without looking at its server: it may have failed because that was lost, or the disk full.
pub(super) fn refuse_a_lost_world(server: &mut Server) -> Result<(), WorldError> {
    match server.snapshot(LOOK_LIMIT) {
        Ok(now) => {
            server.check_directory()?;
            refuse_a_full_disk(server, failed_to_write(&now))
        }
        Err(silence) => server_end(server, &silence).map(drop),
    }
}

/// Answers write beside their program; what the server could not write it tells itself, if asked.
pub(super) fn refuse_a_full_disk(server: &Server, failed_to_write: bool) -> Result<(), WorldError> {
    cleanup::check_room()?;
    if failed_to_write { server.check_room() } else { Ok(()) }
}

/// Whether the server was kept from writing one of its files, for whatever reason.
pub(super) fn was_kept_from_writing(evidence: &Evidence) -> bool {
    let mut looks = [&evidence.exit, &evidence.settled].into_iter().flatten();
    let mut saves = evidence.transcript.exchanges.iter().filter(|it| it.begins_with(&["SAVE"]));
    looks.any(|it| failed_to_write(&it.snapshot)) || saves.any(|it| it.outcome != Outcome::Done)
}

fn failed_to_write(now: &Snapshot) -> bool {
    ["rdb_last_bgsave_status", "aof_last_write_status", "aof_last_bgrewrite_status"]
        .iter()
        .any(|field| now.field(field).is_some_and(|status| status != "ok"))
}

/// Why what the server counts can't be compared with `before`, or its saves were not what they must be.
pub(super) fn doubt(exercise: &Exercise, evidence: &Evidence) -> Option<String> {
    if exercise.sees_slow_saves() && is_slow_down_changed(exercise, evidence) {
        let text = "by which this exercise sees whether an answer waits";
        return Some(format!("the answer has changed `{SLOW_DOWN}`, {text}"));
    }
    let last = evidence.last()?;
    let (now, before) = (&last.snapshot, &evidence.before);
    if now.run_id() != before.run_id() {
        let text = "the server was started anew while the answer ran (`run_id` changed)";
        return Some(text.to_owned());
    }
    if now.successful_calls("config|resetstat") > 0 {
        let text = "the server's counters were reset while the answer ran (CONFIG RESETSTAT)";
        return Some(text.to_owned());
    }
    // Redis 6.2 counts all of CONFIG's subcommands as one.
    if let Some(counter) = now.counter_that_went_down(before) {
        let text = "the server's counters were reset while the answer ran";
        return Some(format!("{text} (`{counter}` went down)"));
    }
    let observations = [&evidence.exit, &evidence.settled].into_iter().flatten();
    if observations.into_iter().any(|it| it.log_is_silent)
        && has_set(&evidence.transcript, "loglevel")
    {
        let text = "the answer has changed `loglevel`, and the server's log does not tell how a background \
                    save ended";
        return Some(text.to_owned());
    }
    None
}

/// Also if it was put back.
fn is_slow_down_changed(exercise: &Exercise, evidence: &Evidence) -> bool {
    let Some(wanted) = slow_down(exercise) else { return false };
    let found = evidence.exit.as_ref().and_then(|exit| exit.config.get(SLOW_DOWN));
    let mut set = evidence.transcript.values_set(SLOW_DOWN);
    found.is_some_and(|found| found != wanted) || set.any(|(_, value)| value != wanted)
}

/// Whether a setting was changed, or set to what it was.
pub(super) fn has_set(transcript: &Transcript, setting: &str) -> bool {
    let names = |word: &Vec<u8>| word.eq_ignore_ascii_case(setting.as_bytes());
    let sets = transcript.exchanges.iter().filter(|it| it.begins_with(&["CONFIG", "SET"]));
    sets.filter(|it| it.outcome == Outcome::Done).any(|it| it.words.iter().any(names))
}
