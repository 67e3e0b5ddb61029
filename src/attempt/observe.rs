//! Observes the server after an answer: at exit, when saves have settled, and after a crash.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use redis::Value;

use super::background::BackgroundTask;
use super::environment::{
    ensure_no_save_took_too_long, ensure_no_save_was_held_up, ensure_only_the_answer_is_judged,
    ensure_silence_is_explained, stall_matters,
};
use super::evidence::{self, Evidence, Observation};
use super::meanwhile::WatcherReport;
use super::restore::{blame_the_file, restore};
use super::timing::pause;
use super::validity::{
    ensure_disk_has_room, ensure_no_outside_change, server_end, was_kept_from_writing, why_invalid,
};
use super::{
    Beginning, FinishedAnswer, Fixture, Phase, SaveProgress,
    unknown_replies::resolve_unknown_replies,
};
use crate::error::EnvironmentError;
use crate::lesson::{Check, Crash, Exercise, Moment, Subject};
use crate::redis_cli::reply::{self, Printed};
use crate::redis_cli::words;
use crate::relay::Transcript;
use crate::server::{CallError, Server, ServerInfo, log};

/// The time limit for one look at an idle server.
pub(super) const LOOK_LIMIT: Duration = Duration::from_secs(5);
/// The time limit for the look when an answer ends. A later look would show another moment, at
/// which a save that the answer did not wait for may be done.
const LOOK_AT_EXIT_LIMIT: Duration = Duration::from_secs(1);
/// The same if the server is killed next: a server that is busy with a save must not get the time
/// to finish it.
const LOOK_BEFORE_CRASH_LIMIT: Duration = Duration::from_millis(400);
/// The same if a SAVE may be running whose client gave up.
const LOOK_BESIDE_SAVE_LIMIT: Duration = Duration::from_millis(100);
/// The same if the verdict no longer depends on the look.
const LOOK_IN_PASSING_LIMIT: Duration = Duration::from_millis(300);
/// The setting with which lessons make saves slow, so that waiting becomes visible.
pub(super) const SLOW_DOWN: &str = "rdb-key-save-delay";
/// How long a log line may take to come through a container engine.
const LOG_LIMIT: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(5);

/// Observes the server at every moment that the exercise asks for, and crashes it if the exercise
/// asks for that.
pub(super) fn observe(
    fixture: &mut Fixture<'_>,
    exercise: &Exercise,
    beginning: Beginning,
    finished: FinishedAnswer,
    deadline: Instant,
) -> Result<Evidence, EnvironmentError> {
    fixture.relay.end();
    let mut evidence = Evidence {
        dump_bytes_before: beginning.dump_bytes,
        took: beginning.began.elapsed(),
        ..Evidence::new(beginning.before.clone())
    };
    let is_overdue = finished.is_overdue();
    let held_up = finished.ensure_look_is_in_time();
    let server = &mut *fixture.server;
    let looked = match exercise.crash {
        _ if is_overdue => look_in_passing(server, exercise, &mut evidence),
        Crash::AtExit => {
            // A look that waits for a SAVE would give the SAVE time to finish.
            let may_be_saving = fixture.relay.has_unanswered("SAVE");
            let limit =
                if may_be_saving { LOOK_BESIDE_SAVE_LIMIT } else { LOOK_BEFORE_CRASH_LIMIT };
            look_once(server, exercise, &mut evidence, limit)
        }
        Crash::WhenSettled => {
            look_until_settled(server, exercise, &mut evidence, deadline, fixture.report)
        }
    };
    let Beginning { probe, watcher, contents, .. } = beginning;
    probe.iter().for_each(BackgroundTask::halt);
    // Not before the look: reading a long transcript would delay it.
    let report = watcher.map(BackgroundTask::finish).unwrap_or_default();
    evidence.transcript = with_outcomes(fixture.relay.transcript(), &report, &evidence);
    evidence.meanwhile = report.by(exercise);
    let server = &mut *fixture.server;
    evidence.invalid = match looked {
        Ok(()) => {
            ensure_silence_is_explained(server, &evidence)?;
            why_invalid(exercise, &evidence)
        }
        Err(why) => match server_end(server, &why)? {
            None => {
                // Only a timeout needs an explanation: a server that locks us out says so at once.
                if matches!(why, CallError::TimedOut(_)) {
                    ensure_silence_is_explained(server, &evidence)?;
                }
                Some(format!("the server says nothing any more: {why}"))
            }
            gone => gone,
        },
    };
    // An overdue answer fails, whatever else we find.
    let goes_on = evidence.invalid.is_none() && !is_overdue;
    let crash = exercise.needs_crash() && goes_on;
    if crash {
        (fixture.report)(Phase::Crash);
        fixture.kill()?;
    }
    // Not before: a process that holds the output open would delay the look and the crash.
    evidence.run = finished.into_run();
    evidence.waits = probe.map(BackgroundTask::finish);
    evidence.dump_bytes = fixture.server.dump_bytes()?;
    fixture.relay.check_connections()?;
    ensure_no_outside_change(fixture.server)?;
    ensure_disk_has_room(fixture.server, was_kept_from_writing(&evidence))?;
    if stall_matters(exercise, &evidence) {
        held_up?;
        ensure_no_save_was_held_up(fixture.server, &evidence)?;
    }
    ensure_no_save_took_too_long(exercise, &evidence, is_overdue)?;
    if !is_overdue {
        ensure_only_the_answer_is_judged(fixture.server, exercise, &evidence)?;
    }
    if exercise.needs_the_dump() && goes_on {
        (fixture.report)(Phase::Restore);
        evidence.restored = Some(restore(fixture.server, exercise, contents.as_ref())?);
    }
    if crash {
        look_after_crash(fixture, exercise, &mut evidence)?;
    }
    Ok(evidence)
}

/// Marks in the transcript where background saves ended, and resolves unknown replies.
pub(super) fn with_outcomes(
    mut transcript: Transcript,
    report: &WatcherReport,
    evidence: &Evidence,
) -> Transcript {
    for end in &report.bgsave_ends {
        transcript.mark_bgsave_ended(end.after, end.seen);
    }
    if let Some(last) = evidence.last() {
        resolve_unknown_replies(&mut transcript, &evidence.before, &last.info);
    }
    transcript
}

/// Restarts the killed server and looks at it. An answer can break the file that the server loads.
fn look_after_crash(
    fixture: &mut Fixture<'_>,
    exercise: &Exercise,
    evidence: &mut Evidence,
) -> Result<(), EnvironmentError> {
    if let Err(error) = fixture.restart() {
        evidence.restored = Some(blame_the_file(error)?);
        return Ok(());
    }
    let until = Instant::now() + LOOK_LIMIT;
    let seen = observe_at(fixture.server, exercise, Moment::Crash, until);
    evidence.crash = Some(seen.map_err(|why| {
        let fact = format!("the server does not reply after its restart: {why}");
        EnvironmentError::new(fact, "try again")
    })?);
    Ok(())
}

/// Whether a check asks for the INFO field that is complete only with the server's log.
pub(super) fn asks_for_bgsave_status(check: &Check) -> bool {
    let Subject::Info(fields) = &check.subject else { return false };
    fields.iter().any(|(field, _)| field == "rdb_last_bgsave_status")
}

/// Looks at the server before it is killed; a server that is too busy to reply is killed too.
fn look_once(
    server: &mut Server,
    exercise: &Exercise,
    evidence: &mut Evidence,
    limit: Duration,
) -> Result<(), CallError> {
    let until = Instant::now() + limit;
    evidence.exit = in_time(observe_at(server, exercise, Moment::Exit, until))?;
    Ok(())
}

/// Looks at exit, then waits until no save is running, until `deadline` at most, and looks again.
fn look_until_settled(
    server: &mut Server,
    exercise: &Exercise,
    evidence: &mut Evidence,
    deadline: Instant,
    report: &dyn Fn(Phase),
) -> Result<(), CallError> {
    let began = Instant::now();
    let until = began + LOOK_AT_EXIT_LIMIT;
    evidence.exit = in_time(observe_at(server, exercise, Moment::Exit, until))?;
    let mut now = server.info(left(or_briefly(deadline)))?;
    while evidence::is_saving(&now, &evidence.before) && Instant::now() < deadline {
        report(Phase::Saving(SaveProgress::of(&now)));
        pause(began);
        now = server.info(left(or_briefly(deadline)))?;
    }
    let until = or_briefly(deadline);
    evidence.settled = Some(ask_all(server, exercise, Moment::Settled, now, until)?);
    Ok(())
}

/// `deadline`, or a moment from now if that is later: the last look needs some time too.
fn or_briefly(deadline: Instant) -> Instant {
    deadline.max(Instant::now() + LOOK_IN_PASSING_LIMIT)
}

/// Looks once at the server of an overdue answer: the look can show why the answer fails, but not
/// make it pass.
fn look_in_passing(
    server: &mut Server,
    exercise: &Exercise,
    evidence: &mut Evidence,
) -> Result<(), CallError> {
    let until = Instant::now() + LOOK_IN_PASSING_LIMIT;
    evidence.exit = in_time(observe_at(server, exercise, Moment::Exit, until))?;
    if let Some(exit) = &evidence.exit {
        let (now, until) = (exit.info.clone(), Instant::now() + LOOK_IN_PASSING_LIMIT);
        let settled = ask_all(server, exercise, Moment::Settled, now, until);
        evidence.settled = in_time(settled)?;
    }
    Ok(())
}

/// A server that does not reply in time is a finding of its own, not an error.
fn in_time(seen: Result<Observation, CallError>) -> Result<Option<Observation>, CallError> {
    match seen {
        Ok(observation) => Ok(Some(observation)),
        Err(CallError::TimedOut(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A complete look at the server, which ends at `until` at the latest.
pub(super) fn observe_at(
    server: &mut Server,
    exercise: &Exercise,
    at: Moment,
    until: Instant,
) -> Result<Observation, CallError> {
    let info = server.info(left(until))?;
    ask_all(server, exercise, at, info, until)
}

/// The time limit for one question of a look.
fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).min(LOOK_LIMIT)
}

/// Asks for everything that the checks of a moment need besides `info`.
pub(super) fn ask_all(
    server: &mut Server,
    exercise: &Exercise,
    at: Moment,
    info: ServerInfo,
    until: Instant,
) -> Result<Observation, CallError> {
    let mut replies = BTreeMap::new();
    let mut config = BTreeMap::new();
    for check in exercise.checks.iter().filter(|check| check.at == at) {
        ask_for(server, check, &mut replies, &mut config, until)?;
    }
    if at == Moment::Exit
        && server.is_ours()
        && exercise.sees_slow_saves()
        && slow_down(exercise).is_some()
    {
        config.insert(SLOW_DOWN.to_owned(), ask_config(server, SLOW_DOWN, until)?);
    }
    let log_matters =
        exercise.checks.iter().any(|check| check.at == at && asks_for_bgsave_status(check));
    let log = if log_matters { complete_log(server, &info, until) } else { None };
    let log_is_silent = log.as_deref().is_some_and(|log| !is_complete(log, &info));
    let bgsave_ends = log.as_deref().map(log::bgsave_ends).unwrap_or_default();
    Ok(Observation { info, replies, config, bgsave_ends, log_is_silent })
}

/// Waits until the log shows the end of every child that has ended: a log line may come a moment
/// after the event.
fn complete_log(server: &Server, info: &ServerInfo, until: Instant) -> Option<String> {
    let deadline = until.min(Instant::now() + LOG_LIMIT);
    loop {
        let log = server.log()?;
        if is_complete(&log, info) || Instant::now() > deadline {
            return Some(log);
        }
        std::thread::park_timeout(POLL);
    }
}

/// Whether the log shows the end of every child that was forked and is no longer running.
fn is_complete(log: &str, info: &ServerInfo) -> bool {
    let running = info.number("rdb_bgsave_in_progress") + info.number("aof_rewrite_in_progress");
    log::child_ends(log) >= info.number("total_forks") - running
}

/// The value to which the lesson sets [`SLOW_DOWN`], if it does.
pub(super) fn slow_down(exercise: &Exercise) -> Option<&str> {
    let setting = exercise.settings.iter().find(|(name, _)| name == SLOW_DOWN);
    setting.map(|(_, value)| value.as_str())
}

fn ask_for(
    server: &mut Server,
    check: &Check,
    replies: &mut BTreeMap<String, Printed>,
    config: &mut BTreeMap<String, String>,
    until: Instant,
) -> Result<(), CallError> {
    match &check.subject {
        Subject::Reply(expected) => {
            for (command, _) in expected {
                // The loader has rejected lines that cannot be split.
                let words = words::split(command).unwrap_or_default();
                let value = server.client().call(&words, left(until))?;
                replies.insert(command.clone(), Printed::new(&value));
            }
        }
        Subject::Config(expected) => {
            for (name, _) in expected {
                config.insert(name.clone(), ask_config(server, name, until)?);
            }
        }
        _ => {}
    }
    Ok(())
}

fn ask_config(server: &mut Server, name: &str, until: Instant) -> Result<String, CallError> {
    server.client().call(&["CONFIG", "GET", name], left(until)).map(|value| config_value(&value))
}

/// The value in CONFIG GET's reply, which consists of name and value.
pub(super) fn config_value(value: &Value) -> String {
    let pair = match value {
        Value::Array(items) => items.get(1),
        Value::Map(pairs) => pairs.first().map(|(_, value)| value),
        _ => None,
    };
    let printed = Printed::new(pair.unwrap_or(value));
    printed.bare.unwrap_or_else(|| reply::format(value))
}
