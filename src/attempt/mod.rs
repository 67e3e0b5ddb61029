//! One answer against one fresh server: what was seen before, at exit, when settled, after a crash.

pub mod commands;
pub mod evidence;
pub mod program;
pub mod python;
mod setup;
mod stragglers;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use redis::Value;

pub use evidence::{Evidence, Observation, Run};
pub use python::Python;

use self::evidence::Typed;
use self::setup::SetUp;
use crate::cleanup;
use crate::error::WorldError;
use crate::lesson::{Check, Crash, Exercise, Language, Moment, Subject};
use crate::redis_cli::reply::{self, Printed};
use crate::redis_cli::words;
use crate::server::{CallError, Server, Snapshot, log};

/// For one look at a server that has nothing else to do.
const LOOK_LIMIT: Duration = Duration::from_secs(5);
/// For the look at the moment an answer ends: later it would be a look at another moment, when a save
/// that the answer did not wait for may be done.
const LOOK_AT_EXIT_LIMIT: Duration = Duration::from_secs(1);
/// The same where the server is killed next: a server that is busy with a save must not be given the
/// time to finish it.
const LOOK_BEFORE_CRASH_LIMIT: Duration = Duration::from_millis(400);
/// Commands that took so long altogether explain a server that does not answer for [`LOOK_AT_EXIT_LIMIT`].
const BUSY_MICROS: i64 = 300_000;
/// The setting by which lessons make waiting visible.
const SLOW_DOWN: &str = "rdb-key-save-delay";
const SETUP_SAVE_LIMIT: Duration = Duration::from_secs(20);
/// A save at the baseline's second would look like none: see [`wait_until_lastsave_can_move`].
const CLOCK_LIMIT: Duration = Duration::from_secs(5);
const COARSE_CLOCK_MARGIN_MICROS: i64 = 20_000;
const POLL: Duration = Duration::from_millis(5);

/// What the student (or the lesson) answers.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Of the text.
    pub language: Language,
    /// The whole text.
    pub text: String,
    /// The file it stands in, to be run in place so that a traceback names it; a `python` answer
    /// without one is written to a private file.
    pub path: Option<PathBuf>,
}

/// Runs `answer` on `server`, which must be fresh and started with the exercise's settings.
pub fn attempt(
    server: &mut Server,
    exercise: &Exercise,
    answer: &Answer,
    python: Option<&Python>,
) -> Result<Evidence, WorldError> {
    setup::refuse_what_an_address_cannot_do(server, exercise)?;
    let setup = SetUp::new(server, &exercise.setup)?;
    let evidence = baseline(server, exercise).and_then(|before| {
        let run = run_answer(server, answer, python, &before, exercise.time_limit)?;
        observe(server, exercise, before, run)
    });
    setup.take_out(server);
    // A signal may have ended the server in the middle: then nothing of this is true.
    cleanup::stop_if_a_signal_came();
    evidence
}

/// The same for commands that come one by one, each with the exercise's time limit for itself; `None`
/// when the answer is withdrawn.
pub fn attempt_lines(
    server: &mut Server,
    exercise: &Exercise,
    next_line: &mut commands::Lines<'_>,
) -> Result<Option<Evidence>, WorldError> {
    setup::refuse_what_an_address_cannot_do(server, exercise)?;
    let setup = SetUp::new(server, &exercise.setup)?;
    let evidence = baseline(server, exercise).and_then(|before| {
        let typed = commands::run_lines(server, &before, next_line);
        typed.map(|typed| observe(server, exercise, before, Finished::Typed(typed))).transpose()
    });
    setup.take_out(server);
    cleanup::stop_if_a_signal_came();
    evidence
}

/// Runs code on a fresh server without judging it: an example.
pub fn run_example(
    server: &mut Server,
    setup: &[crate::lesson::Code],
    answer: &Answer,
    python: Option<&Python>,
    limit: Duration,
) -> Result<Run, WorldError> {
    let setup = SetUp::new(server, setup)?;
    let run = look(server)
        .and_then(|before| run_answer(server, answer, python, &before, limit))
        .map(Finished::into_run);
    setup.take_out(server);
    cleanup::stop_if_a_signal_came();
    run
}

/// Setup done, nothing saving, LASTSAVE free to move: the moment `before`.
fn baseline(server: &mut Server, exercise: &Exercise) -> Result<Snapshot, WorldError> {
    let deadline = Instant::now() + SETUP_SAVE_LIMIT;
    while look(server)?.number("rdb_bgsave_in_progress") != 0 {
        if Instant::now() > deadline {
            let seconds = SETUP_SAVE_LIMIT.as_secs();
            let fact = format!(
                "a background save of `{}`'s setup still runs after {seconds} s",
                exercise.id
            );
            return Err(WorldError::new(
                fact,
                "take the BGSAVE out of the lesson's `redis setup` block",
            ));
        }
        std::thread::park_timeout(POLL);
    }
    wait_until_lastsave_can_move(server)?;
    let before = look(server)?;
    refuse_unknown_fields(server, exercise, &before)?;
    Ok(before)
}

fn look(server: &mut Server) -> Result<Snapshot, WorldError> {
    server.snapshot(LOOK_LIMIT).map_err(|error| {
        let fact = format!("{} does not tell its state: {error}", server.name());
        WorldError::new(fact, "try again, or try another server: see `redislings doctor`")
    })
}

/// LASTSAVE counts whole seconds and is set at the server's start: a save within that second moves
/// nothing (Redis facts 1), and a student who polls LASTSAVE would wait for ever. The server's own clock
/// counts: the engine's machine may have another one than ours. LASTSAVE is read from a coarser clock than
/// TIME (`time(2)` lags by up to a tick of the kernel: of 12 saves sent as TIME crossed the second, 6 left
/// LASTSAVE unchanged; of 12 sent 5 ms later, none), hence the margin.
fn wait_until_lastsave_can_move(server: &mut Server) -> Result<(), WorldError> {
    let deadline = Instant::now() + CLOCK_LIMIT;
    loop {
        let replies = server.client().pipeline(&[&["TIME"], &["LASTSAVE"]], LOOK_LIMIT);
        if let Ok([Value::Array(time), Value::Int(lastsave)]) = replies.as_deref()
            && microseconds(time) >= (lastsave + 1) * 1_000_000 + COARSE_CLOCK_MARGIN_MICROS
        {
            return Ok(());
        }
        if Instant::now() > deadline {
            let fact = format!("the clock of {} stands before its LASTSAVE", server.name());
            return Err(WorldError::new(fact, "check the clock of the machine that runs it"));
        }
        std::thread::park_timeout(POLL);
    }
}

/// TIME's reply, seconds and microseconds, as one number.
fn microseconds(time: &[Value]) -> i64 {
    let number = |value: Option<&Value>| match value {
        Some(Value::BulkString(digits)) => {
            String::from_utf8_lossy(digits).parse::<i64>().unwrap_or_default()
        }
        _ => 0,
    };
    number(time.first()) * 1_000_000 + number(time.get(1))
}

/// A field that this server does not have can't be checked here, which is nobody's wrong answer.
fn refuse_unknown_fields(
    server: &Server,
    exercise: &Exercise,
    before: &Snapshot,
) -> Result<(), WorldError> {
    let comes_and_goes =
        |field: &str| ["db", "cmdstat_", "errorstat_"].iter().any(|it| field.starts_with(it));
    for check in &exercise.checks {
        let Subject::Info(fields) = &check.subject else { continue };
        for (field, _) in fields {
            if before.field(field).is_none() && !comes_and_goes(field) {
                let fact = format!(
                    "the check `{}` needs the INFO field `{field}`, which {} has not",
                    check.id,
                    server.name()
                );
                return Err(WorldError::new(fact, "use a newer server, or mend the check"));
            }
        }
    }
    Ok(())
}

/// An answer that has ended; a program's output may still be under way.
enum Finished {
    Typed(Typed),
    Program(program::Finished),
}

impl Finished {
    fn into_run(self) -> Run {
        match self {
            Self::Typed(typed) => Run::Typed(typed),
            Self::Program(program) => Run::Program(program.collect()),
        }
    }
}

fn run_answer(
    server: &mut Server,
    answer: &Answer,
    python: Option<&Python>,
    before: &Snapshot,
    limit: Duration,
) -> Result<Finished, WorldError> {
    match (answer.language, python) {
        (Language::Redis, _) => {
            Ok(Finished::Typed(commands::run(server, before, &answer.text, limit)))
        }
        (Language::Python, Some(python)) => {
            let endpoint = server.endpoint();
            let path = match &answer.path {
                Some(path) => path.clone(),
                None => private_file(&answer.text)?,
            };
            Ok(Finished::Program(python.run(&path, &endpoint, limit)?))
        }
        (Language::Python, None) => {
            Err(WorldError::new("no Python is at hand", "see `redislings doctor`"))
        }
    }
}

fn private_file(text: &str) -> Result<PathBuf, WorldError> {
    let path = cleanup::private_directory("code")?.join("answer.py");
    std::fs::write(&path, text).map_err(|error| {
        WorldError::new(
            format!("cannot write `{}`: {error}", path.display()),
            "free some space there",
        )
    })?;
    Ok(path)
}

fn observe(
    server: &mut Server,
    exercise: &Exercise,
    before: Snapshot,
    finished: Finished,
) -> Result<Evidence, WorldError> {
    let run = Run::Typed(Typed::default());
    let mut evidence =
        Evidence { before, exit: None, settled: None, crash: None, run, doubt: None };
    let looked = match exercise.crash {
        Crash::AtExit => look_once(server, exercise, &mut evidence),
        Crash::WhenSettled => look_until_settled(server, exercise, &mut evidence),
    };
    evidence.doubt = match looked {
        Ok(()) => doubt(exercise, &evidence),
        Err(why) => {
            let ended = server_end(server)?;
            Some(ended.unwrap_or_else(|| format!("the server says nothing any more: {why}")))
        }
    };
    let crash = exercise.needs_crash() && evidence.doubt.is_none();
    if crash {
        server.kill()?;
    }
    // Not before: whoever holds the output would hold up the look and the crash.
    evidence.run = finished.into_run();
    refuse_what_the_machine_hid(server, exercise, &evidence)?;
    if crash {
        server.restart()?;
        let seen = observe_at(server, exercise, Moment::Crash, LOOK_LIMIT);
        evidence.crash = Some(seen.map_err(|why| {
            let fact = format!("the server says nothing after its restart: {why}");
            WorldError::new(fact, "try again")
        })?);
    }
    Ok(evidence)
}

/// A server that could not be looked at in time, though nothing that the answer did kept it busy, was
/// held up by the machine: that is no answer's fault.
fn refuse_what_the_machine_hid(
    server: &Server,
    exercise: &Exercise,
    evidence: &Evidence,
) -> Result<(), WorldError> {
    let (None, Some(settled)) = (&evidence.exit, &evidence.settled) else { return Ok(()) };
    let looks_at_exit = exercise
        .checks
        .iter()
        .any(|check| check.at == Moment::Exit && !check.subject.is_about_the_program());
    let busy = settled.snapshot.busy_micros() - evidence.before.busy_micros();
    let paused = settled.snapshot.successful_calls("client|pause") > 0
        || settled.snapshot.successful_calls("client") > 0;
    if !looks_at_exit || paused || busy > BUSY_MICROS {
        return Ok(());
    }
    let fact =
        format!("{} did not answer when the answer ended, for no reason of its own", server.name());
    Err(WorldError::new(fact, "the machine is overloaded: try again when it has less to do"))
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

fn look_until_settled(
    server: &mut Server,
    exercise: &Exercise,
    evidence: &mut Evidence,
) -> Result<(), CallError> {
    evidence.exit = in_time(observe_at(server, exercise, Moment::Exit, LOOK_AT_EXIT_LIMIT))?;
    let deadline = Instant::now() + exercise.time_limit;
    let mut now = server.snapshot(LOOK_LIMIT)?;
    while evidence::is_saving(&now, &evidence.before) && Instant::now() < deadline {
        std::thread::park_timeout(POLL);
        now = server.snapshot(LOOK_LIMIT)?;
    }
    evidence.settled = Some(ask_all(server, exercise, Moment::Settled, now, LOOK_LIMIT)?);
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

fn observe_at(
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
    if at == Moment::Exit && server.is_ours() && slow_down(exercise).is_some() {
        config.insert(SLOW_DOWN.to_owned(), ask_config(server, SLOW_DOWN, limit)?);
    }
    let log_matters =
        exercise.checks.iter().any(|check| check.at == at && asks_for_bgsave_status(check));
    let log = if log_matters { server.log() } else { None };
    let bgsave_ends = log.as_deref().map(log::bgsave_ends).unwrap_or_default();
    Ok(Observation { snapshot, replies, config, bgsave_ends })
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
fn config_value(value: &Value) -> String {
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
