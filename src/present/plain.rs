//! The switch for plain output, for screen readers and for terminals without escape sequences: only
//! words, in order. No colour, no drawn lines, and no meaning that only a symbol carries.

use std::sync::atomic::{AtomicBool, Ordering};

static ON: AtomicBool = AtomicBool::new(false);

/// Applies to the whole process, as `colored::control::set_override` does. Set it once, before any
/// output.
pub fn set(on: bool) {
    ON.store(on, Ordering::Relaxed);
}

pub fn is_on() -> bool {
    #[cfg(test)]
    if HERE.get() {
        return true;
    }
    ON.load(Ordering::Relaxed)
}

/// The sign, or in plain output the words for it.
pub(super) fn sign_or(sign: &'static str, words: &'static str) -> &'static str {
    if is_on() { words } else { sign }
}

/// Replaces the signs in text from another stage.
pub(super) fn worded(text: &str) -> String {
    text.replace(" → ", " gives ").replace('…', "...")
}

#[cfg(test)]
thread_local! {
    /// Tests run in parallel in one process, so each thread has its own switch.
    static HERE: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Runs `work` in plain output.
#[cfg(test)]
pub(crate) fn while_on<T>(work: impl FnOnce() -> T) -> T {
    HERE.set(true);
    let result = work();
    HERE.set(false);
    result
}
