//! The switch for those who hear the screen, or whose terminal knows no escape sequences: words only, one
//! thing after the other. No colour, no drawn lines, and nothing that only a sign tells.

use std::sync::atomic::{AtomicBool, Ordering};

static ON: AtomicBool = AtomicBool::new(false);

/// For the whole process, as `colored::control::set_override` is; set once, before anything is shown.
pub fn set(on: bool) {
    ON.store(on, Ordering::Relaxed);
}

/// Whether words only are wanted.
pub fn is_on() -> bool {
    #[cfg(test)]
    if HERE.get() {
        return true;
    }
    ON.load(Ordering::Relaxed)
}

/// The sign, or the words for it where words only are wanted.
pub(super) fn sign_or(sign: &'static str, words: &'static str) -> &'static str {
    if is_on() { words } else { sign }
}

/// Text of another stage without the signs that it may have in it.
pub(super) fn worded(text: &str) -> String {
    text.replace(" → ", " gives ").replace('…', "...")
}

#[cfg(test)]
thread_local! {
    /// Tests run side by side in one process: each has a switch of its own.
    static HERE: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// What a test does with the switch on.
#[cfg(test)]
pub(crate) fn while_on<T>(work: impl FnOnce() -> T) -> T {
    HERE.set(true);
    let result = work();
    HERE.set(false);
    result
}
