//! The two streams. Nothing else of the program prints, but a session on its screen.

use std::borrow::Cow;
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use super::github::{self, CommandsStopped, without_commands};
use crate::cli::{ColorWhen, Common};
use crate::present::plain;
use crate::present::text::without_colors;

static LOST: AtomicBool = AtomicBool::new(false);
static ERR_COLORED: AtomicBool = AtomicBool::new(false);

/// Words only, or colours: the latter is one decision for each stream.
pub(super) fn set_looks(common: &Common) {
    let when = common.color;
    // Who asks a dumb terminal for colour knows that it is not that dumb.
    let plain = common.plain || (is_dumb() && when != ColorWhen::Always);
    plain::set(plain);
    let variable = |name: &str| std::env::var(name).ok();
    let colors = |is_terminal| !plain && colors_wanted(when, is_terminal, &variable);
    ERR_COLORED.store(colors(std::io::stderr().is_terminal()), Ordering::Relaxed);
    colored::control::set_override(colors(std::io::stdout().is_terminal()));
}

/// Whether the terminal says that it knows no escape sequences.
pub(super) fn is_dumb() -> bool {
    std::env::var("TERM").is_ok_and(|term| term == "dumb")
}

/// The strongest first: `--color`, `NO_COLOR`, `CLICOLOR_FORCE`, `CLICOLOR`, the terminal. Not the order of
/// `colored`, which lets `CLICOLOR_FORCE` win over `NO_COLOR`.
fn colors_wanted(
    when: ColorWhen,
    is_terminal: bool,
    variable: &dyn Fn(&str) -> Option<String>,
) -> bool {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto if set("NO_COLOR").is_some() => false,
        ColorWhen::Auto if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        ColorWhen::Auto => is_terminal && set("CLICOLOR").is_none_or(|value| value != "0"),
    }
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

/// To standard output, where GitHub must find no command in it: text of programs and lessons.
pub(super) fn out_without_commands(text: &str) {
    let _stopped = CommandsStopped::new();
    out(text);
    if !text.ends_with('\n') {
        out("\n");
    }
}

/// Whether a result could not be written.
pub(super) fn is_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// To standard error.
pub(super) fn err(text: &str) {
    crate::cleanup::stop_if_a_signal_came();
    let text = for_err(text);
    let text = if github::is_reading() { without_commands(&text).into() } else { text };
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Text with colours, or without them where standard error has none.
pub(super) fn for_err(text: &str) -> Cow<'_, str> {
    // `colored` knows one decision only, that of standard output.
    if is_err_colored() { Cow::Borrowed(text) } else { Cow::Owned(without_colors(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether there are colours with these variables, `NAME=value` each.
    fn wanted(when: ColorWhen, is_terminal: bool, variables: &[&str]) -> bool {
        let variable = |name: &str| {
            let pairs = variables.iter().filter_map(|it| it.split_once('='));
            pairs.filter(|(it, _)| *it == name).map(|(_, value)| value.to_owned()).next()
        };
        colors_wanted(when, is_terminal, &variable)
    }

    #[test]
    fn no_color_is_stronger_than_clicolor_force() {
        assert!(!wanted(ColorWhen::Auto, true, &["NO_COLOR=1", "CLICOLOR_FORCE=1"]));
        assert!(wanted(ColorWhen::Auto, false, &["NO_COLOR=", "CLICOLOR_FORCE=1"]));
    }

    #[test]
    fn the_option_is_stronger_than_any_variable() {
        assert!(wanted(ColorWhen::Always, false, &["NO_COLOR=1"]));
        assert!(!wanted(ColorWhen::Never, true, &["CLICOLOR_FORCE=1"]));
    }

    #[test]
    fn a_terminal_has_colours_unless_it_is_told_otherwise() {
        assert!(wanted(ColorWhen::Auto, true, &["CLICOLOR=1", "CLICOLOR_FORCE=0"]));
        assert!(!wanted(ColorWhen::Auto, true, &["CLICOLOR=0"]));
        assert!(!wanted(ColorWhen::Auto, false, &["CLICOLOR=1"]));
    }
}
