//! Everything that is shown: the only place where text gets its colours.

pub mod checks;
pub mod diff;
pub mod evidence;
pub mod export;
pub mod journal;
pub mod json;
pub mod markdown;
pub mod plain;
pub mod terminal;
pub mod text;
pub mod verify;
pub mod waiting;

use std::io::IsTerminal as _;
use std::net::SocketAddr;

use crate::attempt::evidence::Evidence;
use crate::tap::USUAL_PORT;
use crate::verdict::Verdict;
use evidence::Form;

/// A verdict below what the answer printed and above what it rests on; prose within `width` columns.
pub fn judged(
    exercise: &str,
    server: &str,
    evidence: &Evidence,
    verdict: &Verdict,
    form: Form,
    width: usize,
) -> String {
    // What the transcript says of typed commands is not said twice.
    let is_told = evidence::is_told_by(&evidence.run, &evidence.transcript);
    let printed = if is_told { String::new() } else { terminal::run(&evidence.run) };
    let blocks = evidence::blocks(evidence, verdict, form, width);
    terminal::verdict(exercise, server, &printed, verdict, &blocks, width)
}

/// For whoever has port 6379 in their fingers, where another program has it and the lesson's server is at `address`.
pub fn usual_port_taken(address: SocketAddr) -> String {
    let port = address.port();
    format!(
        "port {USUAL_PORT} belongs to another program (maybe another Redis): your Python code is redirected to the \
         lesson's server; for anything else use `redis-cli -p {port}`"
    )
}

/// The width for prose on standard output: that of the screen; a pipe has none, and what reads it
/// searches for whole sentences.
pub fn output_width() -> usize {
    if std::io::stdout().is_terminal() { screen_width() } else { usize::MAX }
}

/// The same for standard error.
pub fn error_width() -> usize {
    if std::io::stderr().is_terminal() { screen_width() } else { usize::MAX }
}

/// The screen's width in columns, 80 where there is none; long lines are hard to read, so never over 100.
pub fn screen_width() -> usize {
    crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns)).clamp(20, 100)
}
