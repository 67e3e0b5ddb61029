//! The looks at the server after an answer: at exit, when settled, after a crash.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use redis::Value;

use super::evidence::{self, Evidence, Observation, Run, Typed};
use super::probe::Probe;
use super::restore::restore;
use super::{Beginning, Finished, Stand};
use crate::cleanup;
use crate::error::WorldError;
use crate::lesson::{Check, Crash, Exercise, Moment, Subject};
use crate::redis_cli::reply::{self, Printed};
use crate::redis_cli::words;
use crate::server::{CallError, Server, Snapshot, log};
use crate::tap::Transcript;

/// For one look at a server that has nothing else to do.
pub(super) const LOOK_LIMIT: Duration = Duration::from_secs(5);
/// For the look at the moment an answer ends: later it would be a look at another moment, when a save
/// that the answer did not wait for may be done.
const LOOK_AT_EXIT_LIMIT: Duration = Duration::from_secs(1);
/// The same where the server is killed next: a server that is busy with a save must not be given the
/// time to finish it.
const LOOK_BEFORE_CRASH_LIMIT: Duration = Duration::from_millis(400);
/// The same where nothing depends on it any more.
const LOOK_IN_PASSING_LIMIT: Duration = Duration::from_millis(300);
/// How long after its time limit an answer's server is asked that does not answer.
const OVERRUN: Duration = Duration::from_secs(1);
/// Commands that took so long altogether explain a server that does not answer for [`LOOK_AT_EXIT_LIMIT`].
const BUSY_MICROS: i64 = 300_000;
/// The setting by which lessons make waiting visible.
pub(super) const SLOW_DOWN: &str = "rdb-key-save-delay";
/// For a log that comes through an engine.
const LOG_LIMIT: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(5);
const OVERLOADED: &str = "the machine is overloaded: try again when it has less to do";

/// Looks at the server at every moment that the exercise asks for, and crashes it if it asks for that.
pub(super) fn observe(
    stand: &mut Stand<'_>,
    exercise: &Exercise,
    beginning: Beginning,
    finished: Finished,
) -> Result<Evidence, WorldError> {
    let transcript = stand.tap.transcript();
    let mut evidence = evidence_before(beginning.before, beginning.dump_bytes, transcript);
    let is_overdue = finished.is_overdue();
    let patience = beginning.began + exercise.time_limit + OVERRUN;
    let server = &mut *stand.server;
    let looked = match exercise.crash {
        _ if is_overdue => look_in_passing(server, exercise, &mut evidence),
        Crash::AtExit => look_once(server, exercise, &mut evidence),
        Crash::WhenSettled => look_until_settled(server, exercise, &mut evidence, patience),
    };
    if let Some(probe) = &beginning.probe {
        probe.halt();
    }
    evidence.doubt = match looked {
        Ok(()) => doubt(exercise, &evidence),
        Err(why) => {
            let ended = server_end(server)?;
            Some(ended.unwrap_or_else(|| format!("the server says nothing any more: {why}")))
        }
    };
    // An answer that is out of time has not passed, whatever else is found.
    let goes_on = evidence.doubt.is_none() && !is_overdue;
    let crash = exercise.needs_crash() && goes_on;
    if crash {
        stand.kill()?;
    }
    // Not before: whoever holds the output would hold up the look and the crash.
    evidence.run = finished.into_run();
    evidence.waits = beginning.probe.map(Probe::waits);
    evidence.dump_bytes = stand.server.dump_bytes();
    if !is_overdue {
        refuse_what_the_machine_hid(stand.server, exercise, &evidence)?;
        refuse_what_only_a_log_tells(stand.server, exercise, &evidence)?;
        refuse_what_was_not_kept(exercise, &evidence)?;
        refuse_waits_of_the_machine(exercise, &evidence)?;
    }
    if exercise.needs_the_dump() && goes_on {
        evidence.restored = Some(restore(stand.server, exercise)?);
    }
    if crash {
        stand.restart()?;
        let seen = observe_at(stand.server, exercise, Moment::Crash, LOOK_LIMIT);
        evidence.crash = Some(seen.map_err(|why| {
            let fact = format!("the server says nothing after its restart: {why}");
            WorldError::new(fact, "try again")
        })?);
    }
    Ok(evidence)
}

fn evidence_before(
    before: Snapshot,
    dump_bytes_before: Option<u64>,
    transcript: Transcript,
) -> Evidence {
    Evidence {
        before,
        exit: None,
        settled: None,
        crash: None,
        restored: None,
        dump_bytes_before,
        dump_bytes: None,
        transcript,
        waits: None,
        run: Run::Typed(Typed::default()),
        doubt: None,
    }
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
    Err(WorldError::new(fact, OVERLOADED))
}

/// A wait over an exercise's limit that nothing the server did explains was the machine's.
fn refuse_waits_of_the_machine(exercise: &Exercise, evidence: &Evidence) -> Result<(), WorldError> {
    let (Some(waits), Some(last)) =
        (&evidence.waits, evidence.settled.as_ref().or(evidence.exit.as_ref()))
    else {
        return Ok(());
    };
    let is_unmet = |check: &Check| matches!(check.subject, Subject::Blocked(limit) if !limit.holds(waits.longest));
    let busy = last.snapshot.busy_micros() - evidence.before.busy_micros()
        + last.snapshot.number("latest_fork_usec");
    let explained = u128::from(busy.max(0).unsigned_abs()) * 2 >= waits.longest.as_micros();
    if !exercise.checks.iter().any(is_unmet) || explained || was_paused(&evidence.transcript) {
        return Ok(());
    }
    let fact = format!(
        "another client waited {} ms, and nothing that the server did explains it",
        waits.longest.as_millis()
    );
    Err(WorldError::new(fact, OVERLOADED))
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

/// A transcript keeps the first and the last commands of a great many: where what decides a check may be one
/// of the others, nobody knows, and that is no answer's fault.
fn refuse_what_was_not_kept(exercise: &Exercise, evidence: &Evidence) -> Result<(), WorldError> {
    let is_open = |check: &&Check| match &check.subject {
        Subject::Sent(sent) => evidence.leaves_open(sent),
        _ => false,
    };
    // Whoever ran out of time does not pass, whatever else was sent.
    let undecided = exercise.checks.iter().find(is_open).filter(|_| !evidence.run.timed_out());
    let (Some(check), None) = (undecided, &evidence.doubt) else { return Ok(()) };
    let fact = format!(
        "`{}` can't be judged: {} of the answer's commands were not kept, it sent so many",
        check.id, evidence.transcript.left_out
    );
    Err(WorldError::new(fact, "send fewer commands, and poll less often"))
}

/// For which INFO field the server's log must be read too.
fn asks_for_bgsave_status(check: &Check) -> bool {
    matches!(&check.subject, Subject::Info(fields) if fields.iter().any(|(field, _)| field == "rdb_last_bgsave_status"))
}

/// A server that is too busy to say anything in time is killed all the same.
fn look_once(
    server: &mut Server,
    exercise: &Exercise,
    evidence: &mut Evidence,
) -> Result<(), CallError> {
    evidence.exit = in_time(observe_at(server, exercise, Moment::Exit, LOOK_BEFORE_CRASH_LIMIT))?;
    Ok(())
}

/// A server that does not answer is asked until `patience` is over; one that answers and is still saving
/// gets the answer's whole time again.
fn look_until_settled(
    server: &mut Server,
    exercise: &Exercise,
    evidence: &mut Evidence,
    patience: Instant,
) -> Result<(), CallError> {
    evidence.exit = in_time(observe_at(server, exercise, Moment::Exit, LOOK_AT_EXIT_LIMIT))?;
    let deadline = Instant::now() + exercise.time_limit;
    let left = patience.saturating_duration_since(Instant::now());
    let mut now = server.snapshot(left.clamp(LOOK_AT_EXIT_LIMIT, LOOK_LIMIT))?;
    while evidence::is_saving(&now, &evidence.before) && Instant::now() < deadline {
        std::thread::park_timeout(POLL);
        now = server.snapshot(LOOK_LIMIT)?;
    }
    evidence.settled = Some(ask_all(server, exercise, Moment::Settled, now, LOOK_LIMIT)?);
    Ok(())
}

/// One look is all that an answer gets which is out of time: it tells why, and can't make it pass.
fn look_in_passing(
    server: &mut Server,
    exercise: &Exercise,
    evidence: &mut Evidence,
) -> Result<(), CallError> {
    evidence.exit = in_time(observe_at(server, exercise, Moment::Exit, LOOK_IN_PASSING_LIMIT))?;
    if let Some(exit) = &evidence.exit {
        let now = exit.snapshot.clone();
        let settled = ask_all(server, exercise, Moment::Settled, now, LOOK_IN_PASSING_LIMIT);
        evidence.settled = in_time(settled)?;
    }
    Ok(())
}

/// No answer in time is a finding of its own, not the end of all evidence.
fn in_time(seen: Result<Observation, CallError>) -> Result<Option<Observation>, CallError> {
    match seen {
        Ok(observation) => Ok(Some(observation)),
        Err(CallError::TimedOut(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn observe_at(
    server: &mut Server,
    exercise: &Exercise,
    at: Moment,
    limit: Duration,
) -> Result<Observation, CallError> {
    let snapshot = server.snapshot(limit)?;
    ask_all(server, exercise, at, snapshot, limit)
}

/// All that the checks of a moment ask for beside the snapshot.
fn ask_all(
    server: &mut Server,
    exercise: &Exercise,
    at: Moment,
    snapshot: Snapshot,
    limit: Duration,
) -> Result<Observation, CallError> {
    let mut replies = BTreeMap::new();
    let mut config = BTreeMap::new();
    for check in exercise.checks.iter().filter(|check| check.at == at) {
        ask_for(server, check, &mut replies, &mut config, limit)?;
    }
    if at == Moment::Exit
        && server.is_ours()
        && exercise.sees_slow_saves()
        && slow_down(exercise).is_some()
    {
        config.insert(SLOW_DOWN.to_owned(), ask_config(server, SLOW_DOWN, limit)?);
    }
    let log_matters =
        exercise.checks.iter().any(|check| check.at == at && asks_for_bgsave_status(check));
    let log = if log_matters { whole_log(server, &snapshot, limit.min(LOG_LIMIT)) } else { None };
    let log_is_silent = log.as_deref().is_some_and(|log| !tells_all(log, &snapshot));
    let bgsave_ends = log.as_deref().map(log::bgsave_ends).unwrap_or_default();
    Ok(Observation { snapshot, replies, config, bgsave_ends, log_is_silent })
}

/// The log, when it tells of every child that has ended: an engine hands a container's log on with a delay.
fn whole_log(server: &Server, snapshot: &Snapshot, limit: Duration) -> Option<String> {
    let deadline = Instant::now() + limit;
    loop {
        let log = server.log()?;
        if tells_all(&log, snapshot) || Instant::now() > deadline {
            return Some(log);
        }
        std::thread::park_timeout(POLL);
    }
}

/// Whether as many children's ends are logged as children were forked and run no more.
fn tells_all(log: &str, snapshot: &Snapshot) -> bool {
    let running =
        snapshot.number("rdb_bgsave_in_progress") + snapshot.number("aof_rewrite_in_progress");
    log::child_ends(log) >= snapshot.number("total_forks") - running
}

/// The lesson's slow-down of saves, if it has one.
fn slow_down(exercise: &Exercise) -> Option<&str> {
    let setting = exercise.settings.iter().find(|(name, _)| name == SLOW_DOWN);
    setting.map(|(_, value)| value.as_str())
}

fn ask_for(
    server: &mut Server,
    check: &Check,
    replies: &mut BTreeMap<String, Printed>,
    config: &mut BTreeMap<String, String>,
    limit: Duration,
) -> Result<(), CallError> {
    match &check.subject {
        Subject::Reply(expected) => {
            for (command, _) in expected {
                // The loader has refused what has no words.
                let words = words::split(command).unwrap_or_default();
                let value = server.client().call(&words, limit)?;
                replies.insert(command.clone(), Printed::new(&value));
            }
        }
        Subject::Config(expected) => {
            for (name, _) in expected {
                config.insert(name.clone(), ask_config(server, name, limit)?);
            }
        }
        _ => {}
    }
    Ok(())
}

fn ask_config(server: &mut Server, name: &str, limit: Duration) -> Result<String, CallError> {
    server.client().call(&["CONFIG", "GET", name], limit).map(|value| config_value(&value))
}

/// The value in CONFIG GET's reply, which is name and value.
pub(super) fn config_value(value: &Value) -> String {
    let pair = match value {
        Value::Array(items) => items.get(1),
        Value::Map(pairs) => pairs.first().map(|(_, value)| value),
        _ => None,
    };
    let printed = Printed::new(pair.unwrap_or(value));
    printed.bare.unwrap_or_else(|| reply::format(value))
}

/// How the server ended, if it did; killed from outside (out of memory), that is no answer's fault.
fn server_end(server: &mut Server) -> Result<Option<String>, WorldError> {
    cleanup::stop_if_a_signal_came();
    match server.ended() {
        Some(ended) if ended.killed => Err(WorldError::new(
            format!("the server died by itself: {}", ended.what),
            "check the machine's memory and try again",
        )),
        ended => Ok(ended.map(|ended| format!("the server is gone: {}", ended.what))),
    }
}

/// Why what the server counts can't be compared with `before`, or its saves were not what they must be.
fn doubt(exercise: &Exercise, evidence: &Evidence) -> Option<String> {
    let last = evidence.settled.as_ref().or(evidence.exit.as_ref())?;
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
    let delay = evidence.exit.as_ref().and_then(|exit| exit.config.get(SLOW_DOWN))?;
    (slow_down(exercise) != Some(delay)).then(|| {
        format!("the answer has changed `{SLOW_DOWN}`, by which this exercise sees whether an answer waits")
    })
}
