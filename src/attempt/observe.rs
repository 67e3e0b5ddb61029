//! The looks at the server after an answer: at exit, when settled, after a crash.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use redis::Value;

use super::beside::Beside;
use super::doubt::{
    doubt, refuse_a_full_disk, refuse_what_was_done_from_outside, server_end, was_kept_from_writing,
};
use super::evidence::{self, Evidence, Observation};
use super::meanwhile::WatcherReport;
use super::pace::pause;
use super::refusals::{
    refuse_a_save_that_takes_too_long, refuse_a_save_that_was_held_up,
    refuse_silence_of_the_machine, refuse_what_is_not_the_answers, stall_matters,
};
use super::restore::{blame_the_file, restore};
use super::{Beginning, Finished, Phase, SaveProgress, Stand, outcomes};
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
/// The same where a SAVE may be running whose client gave up.
const LOOK_BESIDE_SAVE_LIMIT: Duration = Duration::from_millis(100);
/// The same where nothing depends on it any more.
const LOOK_IN_PASSING_LIMIT: Duration = Duration::from_millis(300);
/// The setting by which lessons make waiting visible.
pub(super) const SLOW_DOWN: &str = "rdb-key-save-delay";
/// For a log that comes through an engine.
const LOG_LIMIT: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(5);

/// Looks at the server at every moment that the exercise asks for, and crashes it if it asks for that.
pub(super) fn observe(
    stand: &mut Stand<'_>,
    exercise: &Exercise,
    beginning: Beginning,
    finished: Finished,
    patience: Instant,
) -> Result<Evidence, WorldError> {
    stand.tap.end();
    let mut evidence = Evidence {
        dump_bytes_before: beginning.dump_bytes,
        took: beginning.began.elapsed(),
        ..Evidence::new(beginning.before.clone())
    };
    let is_overdue = finished.is_overdue();
    let held_up = finished.refuse_a_late_look();
    let server = &mut *stand.server;
    let looked = match exercise.crash {
        _ if is_overdue => look_in_passing(server, exercise, &mut evidence),
        Crash::AtExit => {
            // A look that waits for a SAVE would give it the time to finish.
            let may_be_saving = stand.tap.has_unanswered("SAVE");
            let limit =
                if may_be_saving { LOOK_BESIDE_SAVE_LIMIT } else { LOOK_BEFORE_CRASH_LIMIT };
            look_once(server, exercise, &mut evidence, limit)
        }
        Crash::WhenSettled => {
            look_until_settled(server, exercise, &mut evidence, patience, stand.telling)
        }
    };
    let Beginning { probe, watcher, contents, .. } = beginning;
    probe.iter().for_each(Beside::halt);
    // Read only now: it may be long, and the look must not wait for it.
    let noticed = watcher.map(Beside::finish).unwrap_or_default();
    evidence.transcript = with_outcomes(stand.tap.transcript(), &noticed, &evidence);
    evidence.meanwhile = noticed.by(exercise);
    let server = &mut *stand.server;
    evidence.doubt = match looked {
        Ok(()) => {
            refuse_silence_of_the_machine(server, &evidence)?;
            doubt(exercise, &evidence)
        }
        Err(why) => match server_end(server, &why)? {
            None => {
                // Who is locked out is told so at once.
                if matches!(why, CallError::TimedOut(_)) {
                    refuse_silence_of_the_machine(server, &evidence)?;
                }
                Some(format!("the server says nothing any more: {why}"))
            }
            gone => gone,
        },
    };
    // An answer that is out of time has not passed, whatever else is found.
    let goes_on = evidence.doubt.is_none() && !is_overdue;
    let crash = exercise.needs_crash() && goes_on;
    if crash {
        (stand.telling)(Phase::Crash);
        stand.kill()?;
    }
    // Not before: whoever holds the output would hold up the look and the crash.
    evidence.run = finished.into_run();
    evidence.waits = probe.map(Beside::finish);
    evidence.dump_bytes = stand.server.dump_bytes()?;
    stand.tap.check_connections()?;
    refuse_what_was_done_from_outside(stand.server)?;
    refuse_a_full_disk(stand.server, was_kept_from_writing(&evidence))?;
    if stall_matters(exercise, &evidence) {
        held_up?;
        refuse_a_save_that_was_held_up(stand.server, &evidence)?;
    }
    refuse_a_save_that_takes_too_long(exercise, &evidence, is_overdue)?;
    if !is_overdue {
        refuse_what_is_not_the_answers(stand.server, exercise, &evidence)?;
    }
    if exercise.needs_the_dump() && goes_on {
        (stand.telling)(Phase::Restore);
        evidence.restored = Some(restore(stand.server, exercise, contents.as_ref())?);
    }
    if crash {
        look_after_crash(stand, exercise, &mut evidence)?;
    }
    Ok(evidence)
}

/// What went through the tap, with marks where background saves ended.
pub(super) fn with_outcomes(
    mut transcript: Transcript,
    noticed: &WatcherReport,
    evidence: &Evidence,
) -> Transcript {
    for end in &noticed.bgsave_ends {
        transcript.mark_bgsave_ended(end.after, end.seen);
    }
    if let Some(last) = evidence.last() {
        outcomes::settle(&mut transcript, &evidence.before, &last.snapshot);
    }
    transcript
}

/// Starts the killed server again and looks. An answer can spoil what it starts with.
fn look_after_crash(
    stand: &mut Stand<'_>,
    exercise: &Exercise,
    evidence: &mut Evidence,
) -> Result<(), WorldError> {
    if let Err(error) = stand.restart() {
        evidence.restored = Some(blame_the_file(error)?);
        return Ok(());
    }
    let until = Instant::now() + LOOK_LIMIT;
    let seen = observe_at(stand.server, exercise, Moment::Crash, until);
    evidence.crash = Some(seen.map_err(|why| {
        let fact = format!("the server says nothing after its restart: {why}");
        WorldError::new(fact, "try again")
    })?);
    Ok(())
}

/// For which INFO field the server's log must be read too.
pub(super) fn asks_for_bgsave_status(check: &Check) -> bool {
    matches!(&check.subject, Subject::Info(fields) if fields.iter().any(|(field, _)| field == "rdb_last_bgsave_status"))
}

/// A server that is too busy to say anything in time is killed all the same.
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

/// A server that does not answer, or is still saving, is asked until `patience` is over.
fn look_until_settled(
    server: &mut Server,
    exercise: &Exercise,
    evidence: &mut Evidence,
    patience: Instant,
    telling: &dyn Fn(Phase),
) -> Result<(), CallError> {
    let began = Instant::now();
    let until = began + LOOK_AT_EXIT_LIMIT;
    evidence.exit = in_time(observe_at(server, exercise, Moment::Exit, until))?;
    // The last look has its time too.
    let until = || patience.max(Instant::now() + LOOK_IN_PASSING_LIMIT);
    let mut now = server.snapshot(left(until()))?;
    while evidence::is_saving(&now, &evidence.before) && Instant::now() < patience {
        telling(Phase::Saving(SaveProgress::of(&now)));
        pause(began);
        now = server.snapshot(left(until()))?;
    }
    evidence.settled = Some(ask_all(server, exercise, Moment::Settled, now, until())?);
    Ok(())
}

/// One look is all that an answer gets which is out of time: it tells why, and can't make it pass.
fn look_in_passing(
    server: &mut Server,
    exercise: &Exercise,
    evidence: &mut Evidence,
) -> Result<(), CallError> {
    let until = Instant::now() + LOOK_IN_PASSING_LIMIT;
    evidence.exit = in_time(observe_at(server, exercise, Moment::Exit, until))?;
    if let Some(exit) = &evidence.exit {
        let (now, until) = (exit.snapshot.clone(), Instant::now() + LOOK_IN_PASSING_LIMIT);
        let settled = ask_all(server, exercise, Moment::Settled, now, until);
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

/// A whole look, until then at the latest.
pub(super) fn observe_at(
    server: &mut Server,
    exercise: &Exercise,
    at: Moment,
    until: Instant,
) -> Result<Observation, CallError> {
    let snapshot = server.snapshot(left(until))?;
    ask_all(server, exercise, at, snapshot, until)
}

/// For one question of a look.
fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).min(LOOK_LIMIT)
}

/// All that the checks of a moment ask for beside the snapshot.
pub(super) fn ask_all(
    server: &mut Server,
    exercise: &Exercise,
    at: Moment,
    snapshot: Snapshot,
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
    let log = if log_matters { whole_log(server, &snapshot, until) } else { None };
    let log_is_silent = log.as_deref().is_some_and(|log| !tells_all(log, &snapshot));
    let bgsave_ends = log.as_deref().map(log::bgsave_ends).unwrap_or_default();
    Ok(Observation { snapshot, replies, config, bgsave_ends, log_is_silent })
}

/// The log, when it tells of every child that has ended: a line may come a moment after what it tells of.
fn whole_log(server: &Server, snapshot: &Snapshot, until: Instant) -> Option<String> {
    let deadline = until.min(Instant::now() + LOG_LIMIT);
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
                // The loader has refused what has no words.
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
