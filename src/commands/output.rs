//! Standard output and standard error. Only this module and a session's screen print.

use std::borrow::Cow;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use super::github::{self, CommandsStopped, without_commands};
use crate::cli::{ColorWhen, Common};
use crate::present::charset;
use crate::present::text::without_colors;
use crate::present::theme;
pub(super) use crate::present::theme::{is_dumb, is_err_colored};

static LOST: AtomicBool = AtomicBool::new(false);

/// Decides on the look of both streams.
pub(super) fn set_looks(common: &Common) {
    let color = match common.color {
        ColorWhen::Auto => None,
        ColorWhen::Always => Some(true),
        ColorWhen::Never => Some(false),
    };
    theme::decide(common.plain, color);
}

/// Prints to standard output. A closed pipe is not an error, but on a full disk the result is lost.
pub(super) fn out(text: &str) {
    crate::cleanup::stop_if_a_signal_came();
    let mut stream = std::io::stdout();
    let written = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    if written.is_err_and(|error| error.kind() != std::io::ErrorKind::BrokenPipe) {
        LOST.store(true, Ordering::Relaxed);
    }
}

/// Prints the text of programs and lessons to standard output. GitHub runs no command in it.
pub(super) fn out_without_commands(text: &str) {
    let _stopped = CommandsStopped::new();
    out(&charset::fitting(text));
    if !text.ends_with('\n') {
        out("\n");
    }
}

/// Whether a result could not be written.
pub(super) fn is_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Prints to standard error.
pub(super) fn err(text: &str) {
    crate::cleanup::stop_if_a_signal_came();
    let text = for_err(text);
    let text = charset::fitting(&text);
    let text = if github::is_reading() { without_commands(&text).into() } else { text };
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Removes colours if standard error has none.
pub(super) fn for_err(text: &str) -> Cow<'_, str> {
    // `colored` has one setting for both streams, and it is set for standard output.
    if is_err_colored() { Cow::Borrowed(text) } else { Cow::Owned(without_colors(text)) }
}
