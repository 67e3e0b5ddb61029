//! The student's terminal as the session sees it: it shows frames and returns keys.
//!
//! There are two kinds: [`super::fullscreen`] draws a screen; [`super::plain_console`] only appends
//! lines, for screen readers and dumb terminals.

use std::os::unix::net::UnixStream;

use crate::ask::Ask;
use crate::error::EnvironmentError;

/// The size of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub columns: usize,
    pub rows: usize,
}

/// A key that some screen uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A printable character, but not a digit.
    Char(char),
    /// A number; a single digit where keys are read one by one.
    Number(usize),
    Enter,
    Escape,
    Backspace,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-Z.
    Suspend,
    /// The end of standard input.
    Closed,
}

/// Everything on the screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// One line: the student's position and progress.
    pub title: String,
    /// Lines of text, rendered for [`Size::columns`].
    pub body: String,
    /// The first visible line of the body.
    pub top: usize,
    /// The line of the body that must be visible.
    pub cursor: Option<usize>,
    /// What the space bar does at the end of the body, such as `next`; may be empty.
    pub at_the_end: String,
    /// Lines about the exercise that do not scroll, for [`Size::columns`].
    pub fixed: Vec<String>,
    /// One line for each check; empty if they are folded.
    pub checks: Vec<String>,
    /// Whether the student has asked for them, even if only few lines of the body stay visible.
    pub are_checks_wanted: bool,
    /// All checks in one line; empty if none are shown.
    pub checks_in_short: String,
    /// What has just happened, or is happening.
    pub status: String,
    /// Whether the status changes many times a second.
    pub is_busy: bool,
    /// The labels of the available keys, such as `c check`.
    pub keys: Vec<String>,
    /// How many keys have been pressed: in line mode, each gets an answer.
    pub keys_pressed: usize,
}

/// Which part of the body is visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// The first visible line.
    pub top: usize,
    /// How many lines are visible.
    pub seen: usize,
    /// How many lines are below those.
    pub below: usize,
}

/// Waits for a key. `None` if the size of the screen may have changed, or a byte in the stream ends
/// the wait.
pub type ReadKey = fn(&UnixStream) -> Result<Option<Key>, EnvironmentError>;

/// A terminal of either kind.
pub trait Console: Ask {
    /// The size for which text is rendered.
    fn size(&self) -> Size;

    fn show(&mut self, frame: &Frame) -> Shown;

    /// How the input thread reads a key.
    fn read_key(&self) -> ReadKey;

    /// The signals that end the wait for a key.
    fn signals(&self) -> &'static [i32] {
        &[]
    }

    /// Hands the terminal, as it was before the session, to an editor or the Redis prompt.
    fn suspend_ui(&mut self);

    /// Takes the terminal back, and drops what was typed in between.
    fn resume_ui(&mut self);

    /// Suspends the program, as Ctrl-Z does, until the shell resumes it. Returns false at once where
    /// no shell could.
    fn suspend(&mut self) -> bool;
}
