//! Words in place of signs, for [`Theme::Plain`].

use super::theme::Theme;

pub fn is_on() -> bool {
    Theme::current() == Theme::Plain
}

/// The sign, or in plain output the words for it.
pub fn sign_or(sign: &'static str, words: &'static str) -> &'static str {
    if is_on() { words } else { sign }
}

/// Replaces the signs in text from another stage.
pub(super) fn worded(text: &str) -> String {
    text.replace(" → ", " gives ").replace('…', "...")
}

/// Runs `work` in plain output.
#[cfg(test)]
pub(crate) fn while_on<T>(work: impl FnOnce() -> T) -> T {
    super::theme::with(Theme::Plain, work)
}
