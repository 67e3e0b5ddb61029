//! The two streams. Nothing else of the program prints, but a session on its screen.

use std::borrow::Cow;
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::ColorWhen;

static LOST: AtomicBool = AtomicBool::new(false);
static ERR_COLORED: AtomicBool = AtomicBool::new(false);

/// One decision for each stream: `--color`, `NO_COLOR`, `CLICOLOR_FORCE`, the terminal.
pub(super) fn set_colors(when: ColorWhen) {
    let err = super::colors_wanted(when, std::io::stderr().is_terminal());
    let out = super::colors_wanted(when, std::io::stdout().is_terminal());
    ERR_COLORED.store(err, Ordering::Relaxed);
    colored::control::set_override(out);
}

/// Whether problems are drawn with colour.
pub(super) fn is_err_colored() -> bool {
    ERR_COLORED.load(Ordering::Relaxed)
}

/// To standard output; whoever closed it has seen enough, but a full disk has lost the result.
pub(super) fn out(text: &str) {
    crate::cleanup::stop_if_a_signal_came();
    let mut stream = std::io::stdout();
    let written = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    if written.is_err_and(|error| error.kind() != std::io::ErrorKind::BrokenPipe) {
        LOST.store(true, Ordering::Relaxed);
    }
}

/// Whether a result could not be written.
pub(super) fn is_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// To standard error.
pub(super) fn err(text: &str) {
    crate::cleanup::stop_if_a_signal_came();
    let _ = std::io::stderr().write_all(for_err(text).as_bytes());
}

/// Text with colours, or without them where standard error has none.
pub(super) fn for_err(text: &str) -> Cow<'_, str> {
    if is_err_colored() { Cow::Borrowed(text) } else { Cow::Owned(without_colors(text)) }
}

/// `colored` knows one decision only, that of standard output.
fn without_colors(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(without_colors("a \u{1b}[1;31mred\u{1b}[0m b"), "a red b");
        assert_eq!(without_colors("plain"), "plain");
    }
}
