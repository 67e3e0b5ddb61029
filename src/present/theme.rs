//! The look of all output, decided once at the start. The only user of `supports_hyperlinks`.

use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::charset;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Escape sequences; also for links, if a click can open them.
    Colored { clickable: bool },
    /// No escape sequences; markdown keeps the markers of its source.
    Marked,
    /// Only words, in order, for screen readers and for terminals without escape sequences. No
    /// colour, no drawn lines, and no meaning that only a symbol carries.
    Plain,
}

static THEME: Mutex<Theme> = Mutex::new(Theme::Marked);
static ERR_COLORED: AtomicBool = AtomicBool::new(false);

impl Theme {
    /// The theme of standard output.
    pub fn current() -> Self {
        #[cfg(test)]
        if let Some(theme) = HERE.get() {
            return theme;
        }
        *THEME.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes it the theme of the whole process, also for `colored`.
    pub fn set(self) {
        *THEME.lock().unwrap_or_else(PoisonError::into_inner) = self;
        colored::control::set_override(self.is_colored());
    }

    pub fn is_colored(self) -> bool {
        matches!(self, Self::Colored { .. })
    }
}

/// Decides on the theme from the options `--plain` and `--color` (`None` is `auto`), the
/// environment and the terminal. To be called before any output.
pub fn decide(plain: bool, color: Option<bool>) {
    charset::decide();
    // `--color always` on a dumb terminal means that it does know colours.
    let is_plain = plain || (is_dumb() && color != Some(true));
    let variable = |name: &str| std::env::var(name).ok();
    let err_colored = colors_wanted(color, std::io::stderr().is_terminal(), &variable);
    ERR_COLORED.store(!is_plain && err_colored, Ordering::Relaxed);
    let theme = if is_plain {
        Theme::Plain
    } else if colors_wanted(color, std::io::stdout().is_terminal(), &variable) {
        // By the rules of `supports_hyperlinks`, which include `FORCE_HYPERLINK`.
        let clickable = supports_hyperlinks::on(supports_hyperlinks::Stream::Stdout);
        Theme::Colored { clickable }
    } else {
        Theme::Marked
    };
    theme.set();
}

/// Whether standard error has colours.
pub fn is_err_colored() -> bool {
    ERR_COLORED.load(Ordering::Relaxed)
}

/// Whether the terminal understands no escape sequences.
pub fn is_dumb() -> bool {
    std::env::var("TERM").is_ok_and(|term| term == "dumb")
}

/// By precedence: `--color`, `NO_COLOR`, `CLICOLOR_FORCE`, `CLICOLOR`, the terminal. The crate
/// `colored` differs: there `CLICOLOR_FORCE` overrides `NO_COLOR`.
fn colors_wanted(
    color: Option<bool>,
    is_terminal: bool,
    variable: &dyn Fn(&str) -> Option<String>,
) -> bool {
    // An empty variable counts as not set.
    let [no_color, force, clicolor] = ["NO_COLOR", "CLICOLOR_FORCE", "CLICOLOR"]
        .map(|name| variable(name).filter(|value| !value.is_empty()));
    color.unwrap_or_else(|| {
        let is_forced = force.is_some_and(|value| value != "0");
        let is_usual = is_terminal && clicolor.is_none_or(|value| value != "0");
        no_color.is_none() && (is_forced || is_usual)
    })
}

#[cfg(test)]
thread_local! {
    /// Tests run in parallel in one process, so each thread may have its own theme.
    static HERE: std::cell::Cell<Option<Theme>> = const { std::cell::Cell::new(None) };
}

/// Runs `work` with this theme, except for the colours of `colored`.
#[cfg(test)]
pub(crate) fn with<T>(theme: Theme, work: impl FnOnce() -> T) -> T {
    HERE.set(Some(theme));
    let result = work();
    HERE.set(None);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each variable is `NAME=value`.
    fn wanted(color: Option<bool>, is_terminal: bool, variables: &[&str]) -> bool {
        let variable = |name: &str| {
            let mut pairs = variables.iter().filter_map(|variable| variable.split_once('='));
            pairs.find(|(other, _)| *other == name).map(|(_, value)| value.to_owned())
        };
        colors_wanted(color, is_terminal, &variable)
    }

    #[test]
    fn no_color_overrides_clicolor_force() {
        assert!(!wanted(None, true, &["NO_COLOR=1", "CLICOLOR_FORCE=1"]));
        assert!(wanted(None, false, &["NO_COLOR=", "CLICOLOR_FORCE=1"]));
    }

    #[test]
    fn the_option_overrides_any_variable() {
        assert!(wanted(Some(true), false, &["NO_COLOR=1"]));
        assert!(!wanted(Some(false), true, &["CLICOLOR_FORCE=1"]));
    }

    #[test]
    fn a_terminal_has_colours_unless_clicolor_is_0() {
        assert!(wanted(None, true, &["CLICOLOR=1", "CLICOLOR_FORCE=0"]));
        assert!(!wanted(None, true, &["CLICOLOR=0"]));
        assert!(!wanted(None, false, &["CLICOLOR=1"]));
    }
}
