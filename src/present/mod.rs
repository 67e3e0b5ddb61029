//! Presentation: the only modules that add colour to text.

pub mod charset;
pub mod checks;
pub mod diff;
pub mod evidence;
pub mod export;
pub mod journal;
pub mod judged;
pub mod json;
pub mod lanes;
mod lists;
pub mod markdown;
pub mod pages;
pub mod plain;
pub mod screen;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod verify;
pub mod waiting;

use std::io::IsTerminal as _;
use std::net::SocketAddr;

use crate::relay::USUAL_PORT;

/// The notice that another program uses port 6379 and the lesson's server is at `address`.
pub fn usual_port_taken(address: SocketAddr) -> String {
    let port = address.port();
    format!(
        "port {USUAL_PORT} is in use by another program (maybe another Redis): your Python code is \
         redirected to the lesson's server; for anything else, use `redis-cli -p {port}`"
    )
}

/// The same in one short line.
pub fn usual_port_taken_in_short(address: SocketAddr) -> String {
    let port = address.port();
    format!(
        "port {USUAL_PORT} is taken: use `redis-cli -p {port}` (your Python code is redirected)"
    )
}

/// The width for prose on standard output: the width of the screen. Unlimited for a pipe, whose
/// reader may search for whole sentences.
pub fn output_width() -> usize {
    if std::io::stdout().is_terminal() { screen_width() } else { usize::MAX }
}

/// The same for standard error.
pub fn error_width() -> usize {
    if std::io::stderr().is_terminal() { screen_width() } else { usize::MAX }
}

/// The width of the screen in columns, 80 without a screen. At most 100, because long lines are
/// hard to read.
pub fn screen_width() -> usize {
    crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns)).clamp(20, 100)
}
