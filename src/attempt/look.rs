//! One look at the server: what the checks of a moment ask.

use std::time::{Duration, Instant};

use redis::Value;

use super::evidence::{Evidence, Observation};
use super::fixture::Fixture;
use super::phase::{Phase, WorkProgress};
use super::timing::pause;
use crate::checks::{Question, asked_in};
use crate::lesson::{Crash, Exercise, Moment};
use crate::redis_cli::reply::{self, Printed};
use crate::redis_cli::words;
use crate::server::info::Words;
use crate::server::{CallError, Server, ServerInfo, log};
use crate::topics::{self, TOPICS, known_blockers};

/// The time limit for one look at an idle server.
pub const LOOK_LIMIT: Duration = Duration::from_secs(5);
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
/// How long a log line may take to come through a container engine.
const LOG_LIMIT: Duration = Duration::from_secs(3);
const POLL: Duration = Duration::from_millis(5);

/// Looks at the server when the answer has ended, and again when nothing runs in the background any
/// more, if there is time for that; `None`: the answer was stopped at its time limit.
pub(super) fn look_at_the_end(
    fixture: &mut Fixture<'_>,
    exercise: &Exercise,
    evidence: &mut Evidence,
    settles_until: Option<Instant>,
) -> Result<(), CallError> {
    let Fixture { server, relay, report, .. } = fixture;
    match (exercise.crash, settles_until) {
        (_, None) => look_in_passing(server, exercise, evidence),
        (Crash::AtExit, _) => {
            // A look that waits for a SAVE would give the SAVE time to finish.
            let may_be_saving = known_blockers().any(|name| relay.has_unanswered(name));
            let limit =
                if may_be_saving { LOOK_BESIDE_SAVE_LIMIT } else { LOOK_BEFORE_CRASH_LIMIT };
            look_at_exit(server, exercise, evidence, limit)
        }
        (Crash::WhenSettled, Some(deadline)) => {
            look_until_settled(server, exercise, evidence, deadline, report)
        }
    }
}

/// Looks at the server when the answer has ended; if a kill is next, a server that is too busy to
/// reply is killed too.
fn look_at_exit(
    server: &mut Server,
    exercise: &Exercise,
    evidence: &mut Evidence,
    limit: Duration,
) -> Result<(), CallError> {
    let until = Instant::now() + limit;
    keep_if_in_time(evidence, Moment::Exit, observe_at(server, exercise, Moment::Exit, until))
}

/// Looks at exit, then waits until nothing runs in the background, until `deadline` at most, and
/// looks again.
fn look_until_settled(
    server: &mut Server,
    exercise: &Exercise,
    evidence: &mut Evidence,
    deadline: Instant,
    report: &dyn Fn(Phase),
) -> Result<(), CallError> {
    let began = Instant::now();
    look_at_exit(server, exercise, evidence, LOOK_AT_EXIT_LIMIT)?;
    let mut now = server.info(left(or_briefly(deadline)))?;
    while let Some(work) = topics::pending(&now, &evidence.before)
        && Instant::now() < deadline
    {
        report(Phase::Settling(WorkProgress::of(work, &now)));
        pause(began);
        now = server.info(left(or_briefly(deadline)))?;
    }
    if !topics::is_busy(&now, &evidence.before) {
        evidence.settled = Some(evidence.took + began.elapsed());
    }
    let until = or_briefly(deadline);
    let settled = ask_all(server, exercise, Moment::Settled, now, until)?;
    evidence.looks.insert(Moment::Settled, Ok(settled));
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
    look_at_exit(server, exercise, evidence, LOOK_IN_PASSING_LIMIT)?;
    let Some(exit) = evidence.at(Moment::Exit) else { return Ok(()) };
    let (now, until) = (exit.info.clone(), Instant::now() + LOOK_IN_PASSING_LIMIT);
    let settled = ask_all(server, exercise, Moment::Settled, now, until);
    keep_if_in_time(evidence, Moment::Settled, settled)
}

/// A server that does not reply in time is a finding of its own, not an error.
fn keep_if_in_time(
    evidence: &mut Evidence,
    at: Moment,
    seen: Result<Observation, CallError>,
) -> Result<(), CallError> {
    match seen {
        Ok(seen) => {
            evidence.looks.insert(at, Ok(seen));
            Ok(())
        }
        Err(CallError::TimedOut(_)) => Ok(()),
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
    let mut questions: Vec<Question> = Vec::new();
    for check in exercise.checks.iter().filter(|check| check.at == at) {
        questions.extend(check.subject.questions());
    }
    if at == Moment::Exit && server.is_ours() {
        let settings = TOPICS.iter().filter_map(|topic| (topic.protected_setting)(exercise));
        questions.extend(settings.map(|name| Question::Config(name.to_owned())));
    }
    // Last, since an incomplete log may take all the time there is.
    questions.sort_by_key(|question| *question == Question::Log);
    let mut seen = Observation::of(info);
    for question in questions {
        ask(server, question, &mut seen, until)?;
    }
    Ok(seen)
}

/// Waits until the log shows the end of every child that has ended: a log line may come a moment
/// after the event.
fn complete_log(server: &Server, info: &ServerInfo, until: Instant) -> Option<String> {
    let deadline = until.min(Instant::now() + LOG_LIMIT);
    loop {
        let log = server.log()?;
        if is_complete(&log, info) || Instant::now() > deadline || server.cancel().is_cancelled() {
            return Some(log);
        }
        std::thread::park_timeout(POLL);
    }
}

/// Whether the log shows the end of every child that was forked and is no longer running.
fn is_complete(log: &str, info: &ServerInfo) -> bool {
    let in_background = topics::background().filter(|work| (work.is_running)(info)).count();
    let running = i64::try_from(in_background).unwrap_or(0);
    log::child_ends(log) >= info.number("total_forks") - running
}

fn ask(
    server: &mut Server,
    question: Question,
    seen: &mut Observation,
    until: Instant,
) -> Result<(), CallError> {
    let words = words_of(&question);
    match question {
        Question::Command(line) => {
            let value = server.client().call(&words, left(until))?;
            seen.replies.insert(line, Printed::of(&words, &value));
        }
        Question::CommandIn(database, line) => {
            let own = server.checker_target().redis_settings().db();
            let [select, back] = [i64::from(database), own]
                .map(|number| vec![b"SELECT".to_vec(), number.to_string().into_bytes()]);
            let replies = server.client().pipeline(&[&select, &words, &back], left(until))?;
            // An error of SELECT, if there is one, and else the reply in that database.
            let reply = replies.iter().take(2).find(|reply| **reply != Value::Okay);
            let reply = reply.or(replies.get(1)).unwrap_or(&Value::Nil);
            seen.replies.insert(asked_in(database, &line), Printed::of(&words, reply));
        }
        Question::Config(name) => {
            let reply = server.client().call(&words, left(until))?;
            seen.config.insert(name, config_value(&reply));
        }
        Question::Log if seen.log.is_none() => {
            seen.log = complete_log(server, &seen.info, until);
            seen.log_is_silent =
                seen.log.as_deref().is_some_and(|log| !is_complete(log, &seen.info));
        }
        Question::Log => {}
    }
    Ok(())
}

/// The words to ask this with in the database of the connection; none for the log.
pub(super) fn words_of(question: &Question) -> Words {
    match question {
        // The loader has rejected lines that cannot be split.
        Question::Command(line) | Question::CommandIn(_, line) => {
            words::split(line).unwrap_or_default()
        }
        Question::Config(name) => {
            ["CONFIG", "GET", name].map(|word| word.as_bytes().to_vec()).into()
        }
        Question::Log => Words::new(),
    }
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
