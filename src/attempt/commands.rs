//! A `redis` answer: each line as typed into redis-cli, on a connection of its own.

use std::time::{Duration, Instant};

use redis::Value;

use super::evidence::{Typed, TypedExchange, is_saving};
use crate::redis_cli::{reply, words};
use crate::server::{CallError, Client, Server, Snapshot};

/// The runner's own line: wait until no background save runs.
pub const WAIT_BGSAVE: &str = "@wait-bgsave";

const POLL: Duration = Duration::from_millis(5);

/// Runs the lines of `text` one after another, `limit` in all.
pub fn run(server: &mut Server, before: &Snapshot, text: &str, limit: Duration) -> Typed {
    let deadline = Instant::now() + limit;
    let mut lines = text.lines();
    run_lines(server, before, &mut |_| {
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
pub fn run_lines(
    server: &mut Server,
    before: &Snapshot,
    next_line: &mut Lines<'_>,
) -> Option<Typed> {
    let mut client = Client::new(server.target());
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
        let reply = run_line(server, before, &mut client, line, limit);
        typed.timed_out = reply.is_err();
        let reply =
            reply.unwrap_or_else(|OutOfTime| "(no reply: the time limit is over)".to_owned());
        typed.exchanges.push(TypedExchange { line: line.to_owned(), reply });
        if typed.timed_out {
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
) -> Result<String, OutOfTime> {
    if limit.is_zero() {
        Err(OutOfTime)
    } else if line == WAIT_BGSAVE {
        wait_for_background_save(server, before, Instant::now() + limit)
    } else {
        type_line(client, line, limit)
    }
}

struct OutOfTime;

fn type_line(client: &mut Client, line: &str, limit: Duration) -> Result<String, OutOfTime> {
    let Ok(words) = words::split(line) else { return Ok("Invalid argument(s)".to_owned()) };
    if let Some(refusal) = refusal(&words) {
        return Ok(reply::error_line("redislings", Some(&refusal)));
    }
    match client.call(&words, limit) {
        Ok(value) => Ok(reply::format_reply_to(&words, &value)),
        Err(CallError::TimedOut(_)) => Err(OutOfTime),
        Err(CallError::Closed(_)) => Ok("Error: Server closed the connection".to_owned()),
        Err(CallError::NotConnected(why)) => Ok(format!("Could not connect to Redis: {why}")),
    }
}

/// Commands after which the connection sends messages for ever instead of replies.
fn refusal(words: &[Vec<u8>]) -> Option<String> {
    let name = String::from_utf8_lossy(words.first()?).to_uppercase();
    let endless = ["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR", "SYNC", "PSYNC"];
    endless.contains(&name.as_str()).then(|| format!("`{name}` never ends, so it is not sent"))
}

fn wait_for_background_save(
    server: &mut Server,
    before: &Snapshot,
    deadline: Instant,
) -> Result<String, OutOfTime> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(OutOfTime);
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

/// Commands that prepare the server; the first that fails is an error.
pub fn prepare(client: &mut Client, text: &str, limit: Duration) -> Result<(), String> {
    let deadline = Instant::now() + limit;
    for line in text.lines().map(str::trim).filter(|line| !words::is_comment(line)) {
        let left = deadline.saturating_duration_since(Instant::now());
        let words = words::split(line).map_err(|error| format!("`{line}`: {error}"))?;
        match client.call(&words, left) {
            Ok(value @ Value::ServerError(_)) => {
                return Err(format!("`{line}`: {}", reply::format(&value)));
            }
            Ok(_) => {}
            Err(error) => return Err(format!("`{line}`: {error}")),
        }
    }
    Ok(())
}
