//! A `redis` answer: each line as typed into redis-cli, on a connection of its own.

use std::time::{Duration, Instant};

use super::Stand;
use super::evidence::{Stopped, Typed, TypedExchange, is_saving};
use super::pace::pause;
use crate::redis_cli::{reply, words};
use crate::server::{CallError, Client, Server, Snapshot};

/// The runner's own line: wait until no background save runs.
pub const WAIT_BGSAVE: &str = "@wait-bgsave";

/// Runs the lines of `text` one after another on one connection, `limit` in all, until one takes too long.
pub(super) fn run(stand: &mut Stand<'_>, before: &Snapshot, text: &str, limit: Duration) -> Typed {
    let deadline = Instant::now() + limit;
    let mut client = Client::new(stand.target());
    let mut typed = Typed::default();
    // Some editors begin a file with a byte order mark.
    let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim).zip(1..);
    for (line, number) in lines.filter(|(line, _)| !words::is_comment(line)) {
        let limit = deadline.saturating_duration_since(Instant::now());
        let reply = run_line(stand.server, before, &mut client, line, limit);
        let reply = reply.unwrap_or_else(|stopped| {
            let text = shown(&stopped);
            typed.stopped = Some(stopped);
            text
        });
        typed.exchanges.push(TypedExchange { number, line: line.to_owned(), reply });
        if typed.stopped.is_some() {
            break;
        }
    }
    typed
}

fn run_line(
    server: &mut Server,
    before: &Snapshot,
    client: &mut Client,
    line: &str,
    limit: Duration,
) -> Result<String, Stopped> {
    if limit.is_zero() {
        Err(Stopped::OutOfTime)
    } else if is_wait(line) {
        wait_for_background_save(server, before, Instant::now() + limit)
    } else if line.starts_with('@') {
        Ok(format!("(error) redislings: {}", unknown_runner_line(line)))
    } else {
        type_line(client, line, limit)
    }
}

/// Says that a line with `@` in front is not the runner's.
pub fn unknown_runner_line(line: &str) -> String {
    format!("the runner's own line is `{WAIT_BGSAVE}`; `{line}` is not known")
}

fn shown(stopped: &Stopped) -> String {
    match stopped {
        Stopped::OutOfTime => "(no reply: the time limit is over)".to_owned(),
        Stopped::Endless(name) => format!("(not sent: {name} never ends)"),
    }
}

/// Whether a line is [`WAIT_BGSAVE`]. Commands may be in upper case and have a comment behind them here: so may
/// this line.
pub fn is_wait(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or_default();
    let rest = line[word.len()..].trim_start();
    word.eq_ignore_ascii_case(WAIT_BGSAVE) && (rest.is_empty() || rest.starts_with('#'))
}

fn type_line(client: &mut Client, line: &str, limit: Duration) -> Result<String, Stopped> {
    let Ok(words) = words::split(line) else { return Ok("Invalid argument(s)".to_owned()) };
    if let Some(name) = endless(&words) {
        return Err(Stopped::Endless(name));
    }
    match client.call(&words, limit) {
        Ok(value) => Ok(reply::format_reply_to(&words, &value)),
        Err(CallError::TimedOut(_)) => Err(Stopped::OutOfTime),
        Err(CallError::Closed(_)) => Ok("Error: Server closed the connection".to_owned()),
        Err(CallError::NotConnected(why) | CallError::Refused(why)) => {
            Ok(format!("Could not connect to Redis: {why}"))
        }
    }
}

/// Whether a line is a command after which the connection sends messages for ever instead of replies.
pub fn is_endless(line: &str) -> bool {
    words::split(line).is_ok_and(|words| endless(&words).is_some())
}

fn endless(words: &[Vec<u8>]) -> Option<String> {
    let name = String::from_utf8_lossy(words.first()?).to_uppercase();
    let endless = ["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR", "SYNC", "PSYNC"];
    endless.contains(&name.as_str()).then_some(name)
}

fn wait_for_background_save(
    server: &mut Server,
    before: &Snapshot,
    deadline: Instant,
) -> Result<String, Stopped> {
    let began = Instant::now();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Stopped::OutOfTime);
        }
        match server.snapshot(left) {
            Ok(now) if is_saving(&now, before) => pause(began),
            Ok(_) => return Ok("no background save runs".to_owned()),
            Err(error) => {
                return Ok(format!("cannot tell whether a background save runs: {error}"));
            }
        }
    }
}
