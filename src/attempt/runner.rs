//! What the lines for the runner do to the server.

use std::time::{Duration, Instant};

use super::fixture::Fixture;
use super::restore::{Failure, failure};
use super::timing::pause;
use crate::error::{EnvironmentError, EnvironmentErrorKind};
use crate::lesson::problem::one_of;
use crate::redis_cli::words;
use crate::runner_line::{
    Awaited, CutFile, Place, RunnerLine, START_MARK, STOP_MARK, unknown_field,
};
use crate::server::{CallError, Disk, Ending, FileName, Server};

/// How long a server may take to end or to answer in a setup.
const LIMIT: Duration = Duration::from_secs(30);
/// How long a server may take from the end of its connections to its own.
const ENDING: Duration = Duration::from_secs(5);
/// A server that goes on answers earlier.
const ANSWER_LIMIT: Duration = Duration::from_secs(1);
/// So many of a server's files are named.
const SHOWN_FILES: usize = 8;

/// What the lines of an answer or a setup may do.
#[derive(Debug, Clone, Copy)]
pub(super) struct ServerControl<'e> {
    pub(super) place: Place,
    /// The settings for every later start.
    pub(super) restart: &'e [(String, String)],
    /// A setting with which nobody may start the server.
    pub(super) protected: Option<&'static str>,
}

impl ServerControl<'_> {
    /// For what belongs to no exercise.
    pub(super) const NONE: Self = Self { place: Place::Anywhere, restart: &[], protected: None };
}

/// What a line has done, or in plain words why it could not.
pub(super) type Done = Result<String, String>;

/// Does what a line of an answer asks for, and routes its clients to the server or to none.
pub(super) fn perform_for_an_answer(
    fixture: &mut Fixture<'_>,
    line: &RunnerLine,
    control: ServerControl<'_>,
    limit: Duration,
) -> Result<Done, EnvironmentError> {
    if let (RunnerLine::Start(settings), Some(protected)) = (line, control.protected)
        && settings.iter().any(|(name, _)| name == protected)
    {
        let why = "this exercise sees by it whether an answer waits";
        return Ok(Err(format!("the server did not start: leave `{protected}` as it is, {why}")));
    }
    let done = perform(fixture.server, line, control.restart, limit)?;
    match line {
        RunnerLine::Stop if done.is_ok() => {
            fixture.relay.refuse();
            fixture.relay.mark(STOP_MARK);
        }
        RunnerLine::Start(_) if done.is_ok() => {
            fixture.route_to_server();
            fixture.relay.mark(START_MARK);
        }
        _ => {}
    }
    Ok(done)
}

/// Does what a line of a setup asks for.
pub(super) fn perform_in_a_setup(
    server: &mut Server,
    line: &RunnerLine,
    control: ServerControl<'_>,
) -> Result<Done, EnvironmentError> {
    match line {
        RunnerLine::WaitFor(awaited) => {
            let began = Instant::now();
            while began.elapsed() < LIMIT && !server.cancel().is_cancelled() {
                match look_for(server, awaited, LIMIT.saturating_sub(began.elapsed())) {
                    Some(done) => return Ok(done),
                    None => pause(began),
                }
            }
            Ok(Err(format!("waited {} s, but it never came true: {awaited}", LIMIT.as_secs())))
        }
        line => perform(server, line, control.restart, LIMIT),
    }
}

fn perform(
    server: &mut Server,
    line: &RunnerLine,
    restart: &[(String, String)],
    limit: Duration,
) -> Result<Done, EnvironmentError> {
    match line {
        // A caller that has a time limit waits.
        RunnerLine::Wait(_) | RunnerLine::WaitFor(_) => return Ok(Ok(DONE.to_owned())),
        RunnerLine::Stop if server.is_down() => return Ok(Err(NOT_RUNNING.to_owned())),
        RunnerLine::Stop => return stop(server, limit),
        RunnerLine::Start(_) if !goes_down(server) => {
            return Ok(Err("the server is running already".to_owned()));
        }
        RunnerLine::Start(settings) => return start(server, settings, restart),
        RunnerLine::Copy { from, to } => return copy(server, from, to),
        RunnerLine::Cut { file, bytes } => return cut(server, file, *bytes),
        RunnerLine::Crash => {
            server.kill()?;
            return start(server, &[], restart);
        }
        RunnerLine::DiskRefuses => server.set_disk(Disk::Refuses)?,
        RunnerLine::DiskWorks => server.set_disk(Disk::Works)?,
    }
    Ok(Ok(DONE.to_owned()))
}

/// Whether the server is down, or goes down just now: SHUTDOWN closes the connection a moment before
/// its process ends.
fn goes_down(server: &mut Server) -> bool {
    let began = Instant::now();
    while !server.is_down() {
        if server.info(ANSWER_LIMIT).is_ok() || began.elapsed() >= ENDING {
            return false;
        }
        pause(began);
    }
    true
}

const NOT_RUNNING: &str = "the server is not running";

/// What redis-cli prints for what is done.
const DONE: &str = "OK";

fn stop(server: &mut Server, limit: Duration) -> Result<Done, EnvironmentError> {
    Ok(match server.stop(limit)? {
        Ending::Ended => Ok(DONE.to_owned()),
        Ending::Refused(why) => Err(format!("the server did not stop: {why}")),
    })
}

fn start(
    server: &mut Server,
    settings: &[(String, String)],
    restart: &[(String, String)],
) -> Result<Done, EnvironmentError> {
    let Err(error) = server.restart(&[restart, settings].concat()) else {
        return Ok(Ok(DONE.to_owned()));
    };
    match failure(error)? {
        Failure::Files(why) => Ok(Err(format!("the server did not start: {why}"))),
        Failure::Setting(why) if !settings.is_empty() => {
            Ok(Err(format!("the server did not start: {why}")))
        }
        Failure::Setting(why) => Err(bad_restart(server, &why)),
    }
}

/// A setting in `[restart]` that this server refuses: the lesson's fault.
pub(super) fn bad_restart(server: &Server, why: &str) -> EnvironmentError {
    let fact = format!("{} did not start with the exercise's `[restart]`: {why}", server.name());
    let help = "the cause is the lesson's `[restart]`, not the answer";
    EnvironmentError::new(fact, help).of(EnvironmentErrorKind::FailedSetup)
}

fn copy(server: &mut Server, from: &FileName, to: &FileName) -> Result<Done, EnvironmentError> {
    let Some(content) = server.file(from)? else {
        return Ok(Err(why_no_file(from.as_str(), &server.files()?)));
    };
    server.put_file(to, &content)?;
    Ok(Ok(DONE.to_owned()))
}

fn cut(server: &mut Server, file: &CutFile, bytes: usize) -> Result<Done, EnvironmentError> {
    let name = match file {
        CutFile::Named(name) => Some(name.clone()),
        CutFile::LastOfTheLog => server.last_aof()?,
    };
    let Some(name) = name else {
        return Ok(Err("there is no append-only file".to_owned()));
    };
    let Some(content) = server.file(&name)? else {
        return Ok(Err(why_no_file(name.as_str(), &server.files()?)));
    };
    let Some(rest) = content.len().checked_sub(bytes) else {
        return Ok(Err(format!("`{name}` has only {} bytes", content.len())));
    };
    server.put_file(&name, &content[..rest])?;
    Ok(Ok(DONE.to_owned()))
}

/// What to say of a name that is no file: nothing has it, or a link.
pub(super) fn why_no_file(name: &str, files: &[FileName]) -> String {
    if files.iter().any(|file| file.as_str() == name) {
        return format!("`{name}` in the server's directory is a link, and not a file of its own");
    }
    let mut names: Vec<&str> = files.iter().take(SHOWN_FILES).map(FileName::as_str).collect();
    if files.len() > SHOWN_FILES {
        names.push("…");
    }
    let there = if names.is_empty() {
        "it holds none".to_owned()
    } else {
        format!("it holds {}", one_of(&names).replace(" or ", " and "))
    };
    format!("there is no `{name}` in the server's directory: {there}")
}

/// The line of an INFO field in INFO once it has this value, or why it never will; `None`: not yet.
pub(super) fn look_for(server: &mut Server, awaited: &Awaited, limit: Duration) -> Option<Done> {
    let now = match server.info(limit) {
        Ok(now) => now,
        // The time is over, or the server is busy: the next look tells.
        Err(CallError::TimedOut(_)) => return None,
        Err(_) if server.is_down() => return Some(Err(NOT_RUNNING.to_owned())),
        Err(error) => return Some(Err(format!("cannot ask for `{}`: {error}", awaited.field))),
    };
    match now.field(&awaited.field) {
        Some(value) if awaited.is_met_by(value) => Some(Ok(format!("{}:{value}", awaited.field))),
        Some(_) => None,
        None => unknown_field(&awaited.field).map(Err),
    }
}

/// What redis-cli would print while nobody listens.
pub(super) fn refused_while_down(line: &str) -> Option<String> {
    let is_command = words::split(line).is_ok_and(|words| !words.is_empty());
    is_command.then(|| format!("Could not connect to Redis: {NOT_RUNNING}"))
}
