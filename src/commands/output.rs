//! Standard output and standard error. Only this module and a session's screen print.

use std::borrow::Cow;
use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use super::github::{self, CommandsStopped, without_commands};
use crate::cli::{ColorWhen, Common};
use crate::present::plain;
use crate::present::text::without_colors;

static LOST: AtomicBool = AtomicBool::new(false);
static ERR_COLORED: AtomicBool = AtomicBool::new(false);

/// Sets plain mode, and colours for each stream.
pub(super) fn set_looks(common: &Common) {
    let when = common.color;
    // `--color always` on a dumb terminal means that it does know colours.
    let plain = common.plain || (is_dumb() && when != ColorWhen::Always);
    plain::set(plain);
    let variable = |name: &str| std::env::var(name).ok();
    let err_is_terminal = std::io::stderr().is_terminal();
    let err_colored = !plain && colors_wanted(when, err_is_terminal, &variable);
    ERR_COLORED.store(err_colored, Ordering::Relaxed);
    let out_is_terminal = std::io::stdout().is_terminal();
    let out_colored = !plain && colors_wanted(when, out_is_terminal, &variable);
    colored::control::set_override(out_colored);
}

/// Whether the terminal understands no escape sequences.
pub(super) fn is_dumb() -> bool {
    std::env::var("TERM").is_ok_and(|term| term == "dumb")
}

/// By precedence: `--color`, `NO_COLOR`, `CLICOLOR_FORCE`, `CLICOLOR`, the terminal. The crate
/// `colored` differs: there `CLICOLOR_FORCE` overrides `NO_COLOR`.
fn colors_wanted(
    when: ColorWhen,
    is_terminal: bool,
    variable: &dyn Fn(&str) -> Option<String>,
) -> bool {
    // An empty variable counts as not set.
    let [no_color, force, clicolor] = ["NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR"]
        .map(|name| variable(name).filter(|value| !value.is_empty()));
    match when {
        ColorWhen::Always => true,
        ColorWhen::Never => false,
        ColorWhen::Auto if no_color.is_some() => false,
        ColorWhen::Auto if force.as_deref().is_some_and(|value| value != "0") => true,
        ColorWhen::Auto => is_terminal && clicolor.as_deref().is_none_or(|value| value != "0"),
    }
}

/// Whether standard error has colours.
pub(super) fn is_err_colored() -> bool {
    ERR_COLORED.load(Ordering::Relaxed)
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
    out(text);
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
    let text = if github::is_reading() { without_commands(&text).into() } else { text };
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Removes colours if standard error has none.
pub(super) fn for_err(text: &str) -> Cow<'_, str> {
    // `colored` has one setting for both streams, and it is set for standard output.
    if is_err_colored() { Cow::Borrowed(text) } else { Cow::Owned(without_colors(text)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each variable is `NAME=value`.
    fn wanted(when: ColorWhen, is_terminal: bool, variables: &[&str]) -> bool {
        let variable = |name: &str| {
            let mut pairs = variables.iter().filter_map(|variable| variable.split_once('='));
            pairs.find(|(other, _)| *other == name).map(|(_, value)| value.to_owned())
        };
        colors_wanted(when, is_terminal, &variable)
    }

    #[test]
    fn no_color_overrides_clicolor_force() {
        assert!(!wanted(ColorWhen::Auto, true, &["NO_COLOR=1", "CLICOLOR_FORCE=1"]));
        assert!(wanted(ColorWhen::Auto, false, &["NO_COLOR=", "CLICOLOR_FORCE=1"]));
    }

    #[test]
    fn the_option_overrides_any_variable() {
        assert!(wanted(ColorWhen::Always, false, &["NO_COLOR=1"]));
        assert!(!wanted(ColorWhen::Never, true, &["CLICOLOR_FORCE=1"]));
    }

    #[test]
    fn a_terminal_has_colours_unless_clicolor_is_0() {
        assert!(wanted(ColorWhen::Auto, true, &["CLICOLOR=1", "CLICOLOR_FORCE=0"]));
        assert!(!wanted(ColorWhen::Auto, true, &["CLICOLOR=0"]));
        assert!(!wanted(ColorWhen::Auto, false, &["CLICOLOR=1"]));
    }
}
