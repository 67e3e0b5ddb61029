//! ASCII in place of drawn characters, where the locale has no others.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

/// Each as wide as what it replaces. Characters of lessons and answers stay as they are.
const ASCII: &[(&str, char)] = &[
    ("─━╌┄", '-'),
    ("│├┤┼▌", '|'),
    ("•◦▪", '*'),
    ("○", 'o'),
    ("✓", '+'),
    ("✗☠", 'x'),
    ("–—", '-'),
    ("→►▸↪", '>'),
    ("◄", '<'),
    ("▲↑", '^'),
    ("↓", 'v'),
    ("▓█▇▆▅", '#'),
    ("▄▃▂", '='),
    ("▁░·…", '.'),
    ("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", '*'),
];

static IS_ASCII: AtomicBool = AtomicBool::new(false);

/// Decides by the environment. To be called before any output.
pub fn decide() {
    // By POSIX, the first one that is set decides. Many containers set none and show everything.
    let mut variables = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().map(std::env::var);
    let locale = variables.find_map(|value| value.ok().filter(|value| !value.is_empty()));
    let is_ascii = matches!(locale.as_deref(), Some("C" | "POSIX"));
    IS_ASCII.store(is_ascii, Ordering::Relaxed);
}

/// The text as the terminal can show it.
pub fn fitting(text: &str) -> Cow<'_, str> {
    if !IS_ASCII.load(Ordering::Relaxed) || text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(ascii).collect())
}

fn ascii(c: char) -> char {
    ASCII.iter().find(|(drawn, _)| drawn.contains(c)).map_or(c, |(_, ascii)| *ascii)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::text::display_width;

    #[test]
    fn a_replacement_is_as_wide_as_what_it_replaces() {
        for c in ASCII.iter().flat_map(|(drawn, _)| drawn.chars()) {
            assert_eq!(display_width(&c.to_string()), 1, "{c}");
            assert!(ascii(c).is_ascii(), "{c}");
        }
        assert_eq!(ascii('é'), 'é');
    }
}
