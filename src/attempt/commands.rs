//! Runs a `redis` answer: each line as if typed into redis-cli, all on one connection.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::answer_control::{AnswerControl, RunControl};
use super::evidence::{Stopped, Typed, TypedExchange};
use super::fixture::Fixture;
use super::runner::{look_for, perform_for_an_answer, refused_while_down};
use super::subscriber::Subscriber;
use super::timing::pause;
use crate::error::EnvironmentError;
use crate::redis_cli::commands::never_ends;
use crate::redis_cli::words;
use crate::redis_prompt::{Executor, PromptOutcome, WhileWaiting};
use crate::resp::kinds::subscribes;
use crate::runner_line::{self, Place, RunnerLine};
use crate::server::{CallError, Server, ServerInfo};
use crate::topics::{BackgroundWork, awaited_by};

/// How long to wait for an unconfirmed command to reach the server.
const UNANSWERED_LIMIT: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(2);

/// Runs the lines of `text` one after another on one connection, for at most `limit` in total;
/// stops at a line that does not end in time. The times of its lines count from `began`. `serve` is
/// called while a line waits.
pub(super) fn run(
    fixture: &mut Fixture<'_>,
    text: &str,
    run: &RunControl<'_>,
) -> Result<Typed, EnvironmentError> {
    let &RunControl { before, began, limit, .. } = run;
    let deadline = Instant::now() + limit;
    let mut executor = Executor::for_an_answer(fixture.target());
    let mut subscriber = Subscriber::default();
    let mut typed = Typed::default();
    // Some editors put a byte order mark at the start of a file.
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim).zip(1..);
    let mut lines = lines.filter(|(line, _)| !words::is_comment(line)).peekable();
    while let Some((line, number)) = lines.next() {
        if fixture.cancel.is_cancelled() {
            // It was killed, or nobody waits for it any more: it has not ended by itself.
            typed.stopped = Some(Stopped::OutOfTime);
            break;
        }
        let at = began.elapsed();
        let limit = deadline.saturating_duration_since(Instant::now());
        if let Some(work) = awaited_by(line).filter(|_| executor.is_unconfirmed()) {
            wait_until_arrived(work, fixture.server, before, &typed, limit);
        }
        let sessions = (&mut executor, &mut subscriber);
        let reply = match run_line(fixture, sessions, line, run, limit)? {
            Ok(reply) => {
                let limit = deadline.saturating_duration_since(Instant::now());
                subscriber.add_messages(fixture, &mut executor, reply, limit, run.answer)
            }
            Err(stopped) => {
                let text = shown(&stopped);
                typed.stopped = Some(stopped);
                text
            }
        };
        if typed.stopped.is_none() && is_quit(line) && lines.peek().is_some() {
            typed.stopped = Some(Stopped::Quit);
        }
        let took = began.elapsed().saturating_sub(at);
        typed.exchanges.push(TypedExchange { number, line: line.to_owned(), reply, at, took });
        if typed.stopped.is_some() {
            break;
        }
    }
    if !fixture.cancel.is_cancelled() {
        executor.finish(deadline.saturating_duration_since(Instant::now()));
    }
    Ok(typed)
}

fn is_quit(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.next().is_some_and(|name| name.eq_ignore_ascii_case("quit"))
}

fn run_line(
    fixture: &mut Fixture<'_>,
    (executor, subscriber): (&mut Executor, &mut Subscriber),
    line: &str,
    run: &RunControl<'_>,
    limit: Duration,
) -> Result<Result<String, Stopped>, EnvironmentError> {
    let deadline = Instant::now() + limit;
    let control = run.server;
    Ok(if limit.is_zero() {
        Err(Stopped::OutOfTime)
    } else if !runner_line::is_for_the_runner(line) {
        let may_be_down = control.place == Place::WhereTheServerStops && fixture.server.is_down();
        match refused_while_down(line).filter(|_| may_be_down) {
            Some(refused) => Ok(refused),
            None if subscriber.takes(line, executor) => {
                subscriber.run(fixture, line, limit, run.answer)
            }
            None => type_line(executor, line, limit, fixture, run.answer),
        }
    } else {
        match runner_line::read(line, control.place) {
            Err((message, help)) => Ok(refused(&message, help.as_deref())),
            Ok(RunnerLine::Wait(work)) => wait(fixture, run, deadline, |server, limit| {
                look_whether_over(work, server, run.before, limit)
            }),
            Ok(RunnerLine::WaitFor(awaited)) => {
                wait(fixture, run, deadline, |server, limit| look_for(server, &awaited, limit))
                    .map(shown_as_reply)
            }
            Ok(asked) => {
                // The server has read everything by then, and closes the connection if it ends.
                executor.finish(limit);
                Ok(shown_as_reply(perform_for_an_answer(fixture, &asked, control, limit)?))
            }
        }
    })
}

fn shown_as_reply(done: Result<String, String>) -> String {
    done.unwrap_or_else(|why| refused(&why, None))
}

/// The reply to a line for the runner that it does not take.
pub fn refused(message: &str, help: Option<&str>) -> String {
    let help = help.map(|help| format!("; {help}")).unwrap_or_default();
    format!("{REFUSED}{message}{help}")
}

/// How such a reply begins.
pub const REFUSED: &str = "(error) redislings: ";

fn shown(stopped: &Stopped) -> String {
    match stopped {
        Stopped::OutOfTime => "(no reply: the time limit is over)".to_owned(),
        Stopped::Endless(name) => format!("(not sent: {name} never ends)"),
        Stopped::Quit => String::new(),
    }
}

fn type_line(
    executor: &mut Executor,
    line: &str,
    limit: Duration,
    fixture: &mut Fixture<'_>,
    answer: &AnswerControl,
) -> Result<String, Stopped> {
    let words = words::split(line).unwrap_or_default();
    if let Some(name) = endless(&words)
        && !(subscribes(name.as_bytes()) && executor.goes_on_when_subscribed())
    {
        return Err(Stopped::Endless(name));
    }
    let mut messages = Vec::new();
    let mut reply = executor.run(line, limit, &mut |event| {
        if let WhileWaiting::Message(text) = event {
            messages.push(text.to_owned());
        }
        answer.serve(fixture);
        let is_cancelled = fixture.cancel.is_cancelled();
        if is_cancelled { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    messages.insert(0, std::mem::take(&mut reply.text));
    messages.retain(|text| !text.is_empty());
    match reply.end {
        // What is cancelled is not judged: it ends as at its time limit.
        PromptOutcome::TimedOut | PromptOutcome::Cancelled => Err(Stopped::OutOfTime),
        _ => Ok(messages.join("\n")),
    }
}

/// The name of a command after which the connection sends endless messages instead of replies.
fn endless(words: &[Vec<u8>]) -> Option<String> {
    let name = String::from_utf8_lossy(words.first()?).to_uppercase();
    never_ends(&name).then_some(name)
}

/// Without replies (CLIENT REPLY OFF), only the server's counters show whether the commands that
/// begin this work have arrived.
fn wait_until_arrived(
    work: &BackgroundWork,
    server: &mut Server,
    before: &ServerInfo,
    typed: &Typed,
    limit: Duration,
) {
    let sent = typed.exchanges.iter().filter(|exchange| work.is_begun_by(&exchange.line)).count();
    let sent = i64::try_from(sent).unwrap_or(0);
    let deadline = Instant::now() + limit.min(UNANSWERED_LIMIT);
    while Instant::now() < deadline {
        let Ok(now) = server.info(limit) else { return };
        if now.attempted_calls(work.begun_by) - before.attempted_calls(work.begun_by) >= sent {
            return;
        }
        std::thread::park_timeout(POLL);
    }
}

/// Asks the server through `look` until that has found something; meanwhile does what is to be done to
/// the server from beside the answer.
fn wait<T>(
    fixture: &mut Fixture<'_>,
    run: &RunControl<'_>,
    deadline: Instant,
    look: impl Fn(&mut Server, Duration) -> Option<T>,
) -> Result<T, Stopped> {
    let began = Instant::now();
    loop {
        run.answer.serve(fixture);
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || fixture.cancel.is_cancelled() {
            return Err(Stopped::OutOfTime);
        }
        match look(fixture.server, left) {
            Some(found) => return Ok(found),
            None => pause(began),
        }
    }
}

/// The reply to a line that waits for this work, once none runs; `None`: not yet.
fn look_whether_over(
    work: &BackgroundWork,
    server: &mut Server,
    before: &ServerInfo,
    limit: Duration,
) -> Option<String> {
    match server.info(limit) {
        Ok(now) if (work.is_pending)(&now, before) => None,
        Ok(_) => Some(work.none_runs()),
        // The time is over, or the server is busy: the next look tells.
        Err(CallError::TimedOut(_)) => None,
        Err(error) => Some(format!("cannot tell whether a {} is running: {error}", work.name)),
    }
}
