//! Failures of the environment: they are not the answer's fault, so there is no verdict.

use std::time::Duration;

use super::evidence::{Evidence, ProgramEnd, Run, Wait};
use crate::error::{EnvironmentError, EnvironmentErrorKind};
use crate::lesson::{Check, Exercise, Moment};
use crate::relay::{CommandOutcome, Exchange, Timeline};
use crate::server::{CallError, Server, ServerInfo};
use crate::topics::{self, TOPICS, is_durable, is_known_blocker};

/// Commands that took this long in total explain why a server did not reply at once.
pub const BUSY_MICROS: i64 = 300_000;
/// Commands that never keep the server busy, besides those of the topics.
const QUICK: [&str; 2] = ["BGREWRITEAOF", "PING"];
/// The probe's clock starts a moment before the timeline's.
const CLOCKS_DIFFER: Duration = Duration::from_millis(100);
pub const OVERLOADED: &str = "the machine is overloaded: try again when it has less to do";

/// The error for something that the server did not let the course do.
pub(super) fn cannot(what: &str, why: &CallError) -> EnvironmentError {
    let help = "the answer, or something else, keeps the server from replying to other clients";
    EnvironmentError::new(format!("cannot {what}: {why}"), help)
}

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
    for topic in TOPICS {
        (topic.ensure_visible)(server, exercise, evidence)?;
    }
    ensure_waits_are_explained(exercise, evidence)
}

/// Whether a stall of the machine may have changed the evidence. It did not if the answer ran to
/// its end, nothing in the exercise depends on time, and the server did nothing by itself: it wrote
/// no file and expired no key.
pub(super) fn stall_matters(exercise: &Exercise, evidence: &Evidence) -> bool {
    let ended_well = match &evidence.run {
        Run::Typed(typed) => typed.stopped.is_none(),
        Run::Program(program) => program.end == ProgramEnd::Exited(0),
    };
    let Some(settled) = evidence.at(Moment::Settled).filter(|_| ended_well) else { return true };
    let (before, now) = (&evidence.before, &settled.info);
    exercise.depends_on_time()
        || evidence.invalid.is_some()
        || topics::is_busy(now, before)
        || TOPICS.iter().any(|topic| (topic.acted_by_itself)(now, before))
        || now.has_keys_that_expire()
        || now.number("expired_keys") > before.number("expired_keys")
}

/// An error if the server never replied to us, although no command kept it busy. One machine was
/// seen to hold a server up for 29 s while it forked for BGSAVE.
pub(super) fn ensure_silence_is_explained(
    server: &Server,
    evidence: &Evidence,
) -> Result<(), EnvironmentError> {
    if evidence.last().is_some() { Ok(()) } else { ensure_may_be_busy(server, evidence) }
}

/// An error if the server did not reply at the end, although no command kept it busy.
pub(super) fn ensure_may_be_busy(
    server: &Server,
    evidence: &Evidence,
) -> Result<(), EnvironmentError> {
    if may_be_busy(evidence) {
        return Ok(());
    }
    let fact = format!("{} did not reply, although no command kept it busy", server.name());
    Err(EnvironmentError::new(fact, OVERLOADED).of(EnvironmentErrorKind::Stall))
}

/// An error if the server did not reply in time when the answer ended, although the answer did not
/// keep it busy: then the machine held it up.
fn ensure_exit_was_observed(
    server: &Server,
    exercise: &Exercise,
    evidence: &Evidence,
) -> Result<(), EnvironmentError> {
    let (None, Some(settled)) = (evidence.at(Moment::Exit), evidence.at(Moment::Settled)) else {
        return Ok(());
    };
    let busy = settled.info.busy_micros() - evidence.before.busy_micros();
    // What has been answered keeps the server busy no more.
    let is_explained = busy > BUSY_MICROS && may_be_busy(evidence);
    if !exercise.looks_at_exit() || was_paused(&evidence.timeline) || is_explained {
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
    let was_busy = may_have_been_busy(&evidence.timeline, waits.longest);
    let explained =
        explained_wait(&evidence.before, &last.info, was_busy) * 2 >= waits.longest.took;
    let exceeds_limit =
        exercise.checks.iter().any(|check| is_exceeded_by(check, waits.longest.took));
    if !exceeds_limit || explained || was_paused(&evidence.timeline) {
        return Ok(());
    }
    let took = waits.longest.took.as_millis();
    if closed_connections(&evidence.timeline, waits.longest) {
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

/// How long others had to wait for what the server did: for its forks and, if it `was_busy` with the
/// answer then, for commands. The server counts our commands too, and takes long for one in the
/// middle of which it gets no processor.
fn explained_wait(before: &ServerInfo, last: &ServerInfo, was_busy: bool) -> Duration {
    let fork = last.number("latest_fork_usec");
    let held_up = (fork - slow_fork_micros(last)).max(0);
    // BGSAVE's own time contains the fork.
    let commands = if was_busy { last.slow_micros(before) - held_up } else { 0 };
    let micros = commands + fork - held_up;
    Duration::from_micros(micros.max(0).unsigned_abs())
}

/// Whether a command of the answer that may take long was at the server during this wait, as far as
/// its commands are known.
fn may_have_been_busy(timeline: &Timeline, wait: Wait) -> bool {
    let (from, until) = bounds(wait);
    lacks_commands(timeline)
        || timeline.exchanges.iter().any(|exchange| {
            let had_ended = exchange.reply.is_some() && exchange.ended() < from;
            exchange.at <= until && !had_ended && !is_quick(exchange)
        })
}

/// When a wait began at the earliest, and ended at the latest, by the timeline's clock.
fn bounds(wait: Wait) -> (Duration, Duration) {
    (wait.at.saturating_sub(CLOCKS_DIFFER), wait.at + wait.took + CLOCKS_DIFFER)
}

/// Whether the answer may have sent commands that are not known.
fn lacks_commands(timeline: &Timeline) -> bool {
    timeline.is_incomplete || !timeline.left_out_names.is_empty() || !timeline.came_past.is_empty()
}

/// How long a fork takes on a slow machine that does not hold it up, in microseconds: 0.25 s for each
/// GiB, as Redis' documentation of latency measured on old virtual machines, and 0.1 s more.
fn slow_fork_micros(info: &ServerInfo) -> i64 {
    100_000 + info.number("used_memory") / 4295
}

fn is_exceeded_by(check: &Check, wait: Duration) -> bool {
    check.subject.wait_limit().is_some_and(|limit| limit.is_exceeded(wait))
}

/// Whether a command that may take long had no reply when the answer ended, as far as the commands
/// are known. The reply may have come later: a client can give up and leave.
fn may_be_busy(evidence: &Evidence) -> bool {
    let timeline = &evidence.timeline;
    lacks_commands(timeline)
        || was_paused(timeline)
        || timeline.exchanges.iter().any(|exchange| {
            let is_open = match &exchange.reply {
                None => !was_answered_after(timeline, exchange),
                Some(_) => exchange.ended() >= evidence.took,
            };
            is_open && !is_quick(exchange)
        })
}

/// Whether the server has replied to a later command, and so was not busy with this one: it waits for
/// another client, or its own client was killed.
fn was_answered_after(timeline: &Timeline, exchange: &Exchange) -> bool {
    timeline.exchanges.iter().any(|other| other.at > exchange.at && other.reply.is_some())
}

fn is_quick(exchange: &Exchange) -> bool {
    let name = exchange.name();
    let is_in_background = is_durable(&name) && !is_known_blocker(&name);
    is_in_background
        || QUICK.contains(&name.as_str())
        || topics::status_commands().any(|status| status == name)
}

/// Whether CLIENT KILL closed a connection during this wait.
fn closed_connections(timeline: &Timeline, wait: Wait) -> bool {
    let (from, until) = bounds(wait);
    timeline.exchanges.iter().any(|exchange| {
        let is_then = exchange.at >= from && exchange.at <= until;
        is_then
            && exchange.outcome == CommandOutcome::Done
            && exchange.begins_with(&["CLIENT", "KILL"])
    })
}

/// Whether CLIENT PAUSE ran: it delays replies, but the server's busy time does not show it.
pub fn was_paused(timeline: &Timeline) -> bool {
    timeline.exchanges.iter().any(|exchange| exchange.begins_with(&["CLIENT", "PAUSE"]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::Reply;

    fn may_be_busy_with(command: &str, reply: Option<Reply>) -> bool {
        let exchange = Exchange {
            at: Duration::ZERO,
            connection: 1,
            words: command.split(' ').map(|word| word.as_bytes().to_vec()).collect(),
            reply,
            outcome: CommandOutcome::Unknown,
        };
        let timeline = Timeline { exchanges: vec![exchange], ..Timeline::default() };
        let took = Duration::from_secs(4);
        may_be_busy(&Evidence { took, timeline, ..Evidence::default() })
    }

    #[test]
    fn a_fork_that_the_machine_held_up_explains_no_wait() {
        let explained = |fork: i64, command: i64| {
            let info = format!(
                "used_memory:1000000\nlatest_fork_usec:{fork}\n\
                 cmdstat_eval:calls=1,usec={command},usec_per_call=1\n"
            );
            explained_wait(&ServerInfo::of(1, ""), &ServerInfo::of(1, &info), true).as_micros()
        };
        assert!(explained(490_000, 495_000) * 2 < 503_000);
        assert!(explained(20_000, 2_000_000) > 1_900_000);
    }

    #[test]
    fn a_command_explains_a_wait_only_while_it_is_at_the_server() {
        let wait = Wait { at: Duration::from_secs(3), took: Duration::from_millis(600) };
        let busy = |at, command: &str, took: Option<u64>| {
            let exchange = Exchange {
                at: Duration::from_millis(at),
                connection: 1,
                words: vec![command.as_bytes().to_vec()],
                reply: took.map(|took| Reply {
                    value: redis::Value::Okay,
                    took: Duration::from_millis(took),
                }),
                outcome: CommandOutcome::Done,
            };
            let timeline = Timeline { exchanges: vec![exchange], ..Timeline::default() };
            may_have_been_busy(&timeline, wait)
        };
        assert!(busy(2_900, "SAVE", Some(800)) && busy(1_000, "SAVE", None));
        assert!(!busy(1, "SAVE", Some(2)) && !busy(3_900, "SAVE", Some(2_000)));
        assert!(!busy(3_000, "INFO", Some(600)));
    }

    #[test]
    fn commands_explain_no_wait_during_which_the_answer_had_none_at_the_server() {
        let info = ServerInfo::of(1, "cmdstat_keys:calls=1,usec=400000,usec_per_call=1\n");
        let explained = |was_busy| explained_wait(&ServerInfo::of(1, ""), &info, was_busy);
        assert_eq!(explained(true), Duration::from_millis(400));
        assert_eq!(explained(false), Duration::ZERO);
    }

    #[test]
    fn a_server_may_be_busy_with_what_takes_time_and_was_not_answered() {
        assert!(!may_be_busy_with("BGSAVE SCHEDULE", None) && !may_be_busy_with("INFO", None));
        assert!(may_be_busy_with("SAVE", None) && may_be_busy_with("EVAL code 0", None));
    }

    #[test]
    fn a_command_without_a_reply_keeps_no_server_busy_that_has_replied_to_a_later_one() {
        let exchange = |at, reply| Exchange {
            at: Duration::from_millis(at),
            connection: 1,
            words: vec![b"XREADGROUP".to_vec()],
            reply,
            outcome: CommandOutcome::Unknown,
        };
        let reply = || Some(Reply { value: redis::Value::Okay, took: Duration::from_millis(1) });
        let busy = |exchanges: Vec<Exchange>| {
            let timeline = Timeline { exchanges, ..Timeline::default() };
            let took = Duration::from_secs(4);
            may_be_busy(&Evidence { took, timeline, ..Evidence::default() })
        };
        assert!(busy(vec![exchange(1, reply()), exchange(2, None)]));
        assert!(!busy(vec![exchange(1, None), exchange(2, reply())]));
    }

    #[test]
    fn what_was_answered_keeps_no_server_busy() {
        let after = |seconds| {
            let took = Duration::from_secs(seconds);
            Some(Reply { value: redis::Value::Okay, took })
        };
        assert!(!may_be_busy_with("SAVE", after(3)));
        assert!(may_be_busy_with("SAVE", after(5)));
    }
}
