//! Whether the server's state after an answer is valid evidence.

use std::time::{Duration, Instant};

use super::evidence::Evidence;
use super::look::LOOK_LIMIT;
use super::timing::REPLY_LIMIT;
use crate::cleanup;
use crate::error::{EnvironmentError, EnvironmentErrorKind};
use crate::lesson::Exercise;
use crate::relay::{CommandOutcome, Exchange, StepKind, Timeline};
use crate::server::{CallError, Server, ServerInfo, log};
use crate::topics::{TOPICS, is_known_blocker};

/// How long a server's process may outlive its connections.
const END_LATENESS: Duration = Duration::from_millis(500);
const POLL: Duration = Duration::from_millis(5);

/// How a server that no longer replies has ended, or `None` if it has not. If it was killed from
/// outside (out of memory, say), that is an error: it is not the answer's fault.
pub(super) fn server_end(
    server: &mut Server,
    silence: &CallError,
) -> Result<Option<String>, EnvironmentError> {
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
        return Err(stopped_from_outside());
    }
    let signal = server.log().as_deref().and_then(log::ending_signal).map(str::to_owned);
    match (ended, signal) {
        (Some(ended), _) if ended.killed => {
            Err(from_outside(format!("the server was lost: {}", ended.what)))
        }
        (Some(_), Some(signal)) => {
            Err(from_outside(format!("the server was ended by a signal from outside: `{signal}`")))
        }
        (ended, _) => Ok(ended.map(|ended| format!("the server is gone: {}", ended.what))),
    }
}

fn stopped_from_outside() -> EnvironmentError {
    from_outside("the server was stopped by a signal from outside".to_owned())
}

/// An event that no Redis command causes, so we do not know who did it.
fn from_outside(fact: String) -> EnvironmentError {
    EnvironmentError::new(
        fact,
        "the cause may be the answer, another program, or the system when it runs out of memory: \
         check each, and the container engine if the server runs in a container; then try again",
    )
}

/// An error if the server was stopped, or its files were removed.
pub(super) fn ensure_no_outside_change(server: &Server) -> Result<(), EnvironmentError> {
    if server.is_stopped() {
        return Err(stopped_from_outside());
    }
    server.check_directory()
}

/// The error for a server that does not reply before the answer has begun.
pub fn silent(server: &mut Server, silence: &CallError) -> EnvironmentError {
    match server_end(server, silence) {
        Err(lost) => lost,
        Ok(ended) => {
            let is_late = ended.is_none() && matches!(silence, CallError::TimedOut(_));
            let why = ended.unwrap_or_else(|| silence.to_string());
            let fact = format!("{} does not report its state: {why}", server.name());
            let help = "try again, or try another server: see `redislings doctor`";
            let kind =
                if is_late { EnvironmentErrorKind::Stall } else { EnvironmentErrorKind::Other };
            EnvironmentError::new(fact, help).of(kind)
        }
    }
}

/// An error if the server was lost or the disk is full, either of which may make an example fail.
pub(super) fn ensure_server_alive(server: &mut Server) -> Result<(), EnvironmentError> {
    match server.info(LOOK_LIMIT) {
        Ok(now) => {
            server.check_directory()?;
            ensure_disk_has_room(server, failed_to_write(&now))
        }
        Err(silence) => server_end(server, &silence).map(drop),
    }
}

/// An error if the disk is full. The server's disk is checked only if the server failed to write.
pub(super) fn ensure_disk_has_room(
    server: &Server,
    failed_to_write: bool,
) -> Result<(), EnvironmentError> {
    cleanup::check_room()?;
    if failed_to_write { server.check_room() } else { Ok(()) }
}

/// Whether the server may have failed to write one of its files, for any reason.
pub(super) fn was_kept_from_writing(evidence: &Evidence) -> bool {
    evidence.before_the_crash().any(|look| failed_to_write(&look.info))
        || evidence.timeline.exchanges.iter().any(|exchange| {
            is_known_blocker(&exchange.name()) && exchange.outcome != CommandOutcome::Done
        })
}

fn failed_to_write(now: &ServerInfo) -> bool {
    let mut fields = TOPICS.iter().flat_map(|topic| topic.write_status_fields);
    fields.any(|field| now.field(field).is_some_and(|status| status != "ok"))
}

/// Why the evidence is invalid: the server's counters cannot be compared with `before`, or the
/// answer changed the settings that the evidence depends on. The diagnoses look for some of these
/// words.
pub(super) fn why_invalid(exercise: &Exercise, evidence: &Evidence) -> Option<String> {
    if let Some(why) = TOPICS.iter().find_map(|topic| (topic.why_invalid)(exercise, evidence)) {
        return Some(why);
    }
    let last = evidence.last()?;
    let (now, before) = (&last.info, &evidence.before);
    if evidence.timeline.steps.iter().any(|step| step.what == StepKind::KilledServer) {
        // Its counters begin anew, and no check compares them.
        return None;
    }
    let is_silent = evidence.before_the_crash().any(|look| look.log_is_silent);
    let text = if now.run_id() != before.run_id() {
        "the server was started anew while the answer ran (`run_id` changed)"
    } else if now.successful_calls("config|resetstat") > 0 {
        "the server's counters were reset while the answer ran (CONFIG RESETSTAT)"
    } else if let Some(counter) = now.counter_that_went_down(before) {
        // Redis 6.2 counts all of CONFIG's subcommands as one.
        let text = "the server's counters were reset while the answer ran";
        return Some(format!("{text} (`{counter}` went down)"));
    } else if is_silent && has_set(&evidence.timeline, "loglevel") {
        "the answer has changed `loglevel`, so the server's log does not show how a background \
         save ended"
    } else {
        return None;
    };
    Some(text.to_owned())
}

/// Why nothing counts where another client got no reply: the answer had paused it for longer than it
/// waits.
pub(super) fn paused_too_long(timeline: &Timeline) -> Option<String> {
    let pauses = timeline.exchanges.iter().filter_map(|exchange| pause(exchange, timeline));
    let text = "CLIENT PAUSE kept other clients waiting for so long that what they do in this \
                exercise did not happen";
    (pauses.max()? >= REPLY_LIMIT).then(|| text.to_owned())
}

/// For how long this command paused the clients, if that is what it did.
fn pause(exchange: &Exchange, timeline: &Timeline) -> Option<Duration> {
    let asked = exchange.asked_pause().filter(|_| exchange.outcome == CommandOutcome::Done)?;
    let later = timeline.exchanges.iter().filter(|other| other.begins_with(&["CLIENT", "UNPAUSE"]));
    let ended = later.filter_map(|end| end.ended().checked_sub(exchange.at)).min();
    Some(ended.map_or(asked, |ended| ended.min(asked)))
}

/// Whether CONFIG SET has set this setting, even to its old value.
pub fn has_set(timeline: &Timeline, setting: &str) -> bool {
    timeline.exchanges.iter().any(|exchange| {
        exchange.begins_with(&["CONFIG", "SET"])
            && exchange.outcome == CommandOutcome::Done
            && exchange.words.iter().any(|word| word.eq_ignore_ascii_case(setting.as_bytes()))
    })
}
