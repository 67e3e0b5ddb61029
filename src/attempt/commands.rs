//! A `redis` answer: each line as typed into redis-cli, on a connection of its own.

use std::time::{Duration, Instant};

use super::Stand;
use super::evidence::{Stopped, Typed, TypedExchange, is_saving};
use crate::redis_cli::{reply, words};
use crate::server::{CallError, Client, Server, Snapshot};

/// The runner's own line: wait until no background save runs.
pub const WAIT_BGSAVE: &str = "@wait-bgsave";

const POLL: Duration = Duration::from_millis(5);

/// Runs the lines of `text` one after another, `limit` in all.
pub(super) fn run(stand: &mut Stand<'_>, before: &Snapshot, text: &str, limit: Duration) -> Typed {
    let deadline = Instant::now() + limit;
    // Some editors begin a file with a byte order mark.
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    run_lines(stand, before, &mut |_| {
        let limit = deadline.saturating_duration_since(Instant::now());
        lines.next().map_or(NextLine::End, |line| NextLine::Run { line: line.to_owned(), limit })
    })
    .unwrap_or_default()
}

/// What comes after a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NextLine {
    /// Another one, and how long it may take.
    Run {
        /// As typed.
        line: String,
        /// For this line alone.
        limit: Duration,
    },
    /// Nothing: the answer is complete.
    End,
    /// Nothing, and there is no answer to be judged.
    Withdrawn,
}

/// Gives the next line; is shown what became of the one before.
pub type Lines<'a> = dyn FnMut(Option<&TypedExchange>) -> NextLine + 'a;

/// Runs lines as they come, all on one connection, until there is none or one takes too long; `None`
/// when the answer is withdrawn.
pub(super) fn run_lines(
    stand: &mut Stand<'_>,
    before: &Snapshot,
    next_line: &mut Lines<'_>,
) -> Option<Typed> {
    let mut client = Client::new(stand.target());
    let mut typed = Typed::default();
    let mut done = 0;
    loop {
        let (line, limit) = match next_line(typed.exchanges.get(done)) {
            NextLine::Run { line, limit } => (line, limit),
            NextLine::End => return Some(typed),
            NextLine::Withdrawn => return None,
        };
        done = typed.exchanges.len();
        let line = line.trim();
        if words::is_comment(line) {
            continue;
        }
        let reply = run_line(stand.server, before, &mut client, line, limit);
        let reply = reply.unwrap_or_else(|stopped| {
            let text = shown(&stopped);
            typed.stopped = Some(stopped);
            text
        });
        typed.exchanges.push(TypedExchange { line: line.to_owned(), reply });
        if typed.stopped.is_some() {
            return Some(typed);
        }
    }
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
        Ok(format!(
            "(error) redislings: the runner's own line is `{WAIT_BGSAVE}`, this one is not known"
        ))
    } else {
        type_line(client, line, limit)
    }
}

fn shown(stopped: &Stopped) -> String {
    match stopped {
        Stopped::OutOfTime => "(no reply: the time limit is over)".to_owned(),
        Stopped::Endless(name) => format!("(not sent: {name} never ends)"),
    }
}

/// Commands may be in upper case and have a comment behind them here: so may this line.
fn is_wait(line: &str) -> bool {
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

/// Commands after which the connection sends messages for ever instead of replies.
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
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Stopped::OutOfTime);
        }
        match server.snapshot(left) {
            Ok(now) if is_saving(&now, before) => std::thread::park_timeout(POLL),
            Ok(_) => return Ok("no background save runs".to_owned()),
            Err(error) => {
                return Ok(format!("cannot tell whether a background save runs: {error}"));
            }
        }
    }
}
