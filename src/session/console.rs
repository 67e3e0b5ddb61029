//! The student's terminal, as the session sees it: a frame is shown, keys come back.
//!
//! Two kinds: [`super::fullscreen`], which draws a screen, and [`super::linear`], which prints one line below the other
//! for screen readers and dumb terminals.

use std::time::Duration;

use crate::ask::Ask;
use crate::error::WorldError;

/// Columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Of one line.
    pub columns: usize,
    /// Of the screen.
    pub rows: usize,
}

/// What the student does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A key.
    Key(Key),
    /// The screen has another size now.
    Resized,
}

/// A key that means something somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// A character that prints, as typed; digits are [`Key::Number`].
    Char(char),
    /// A number: one digit where keys are read one by one.
    Number(usize),
    /// Enter.
    Enter,
    /// Escape.
    Escape,
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// One screen up.
    PageUp,
    /// One screen down.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-Z.
    Suspend,
    /// The keyboard is gone: the end of standard input.
    Closed,
}

/// Everything that is to be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// Where the student is: one line.
    pub title: String,
    /// What is read: lines, rendered for [`Size::columns`].
    pub body: String,
    /// The first line of the body that is seen.
    pub top: usize,
    /// How each check stands: a line each.
    pub checks: Vec<String>,
    /// The same in one line.
    pub checks_in_short: String,
    /// What has just happened, or is going on.
    pub status: String,
    /// Whether the status changes many times a second.
    pub is_busy: bool,
    /// What can be done: `c check`.
    pub keys: Vec<String>,
}

/// A terminal, of either kind.
pub trait Console: Ask {
    /// For which text is rendered.
    fn size(&self) -> Size;

    /// Shows the frame; gives the first line of the body that is really seen, and how many are.
    fn show(&mut self, frame: &Frame) -> (usize, usize);

    /// The next key, if one comes within `patience`.
    fn event(&mut self, patience: Duration) -> Result<Option<Event>, WorldError>;

    /// Lets somebody else have the terminal, as it was before the session: an editor, the Redis prompt.
    fn step_aside(&mut self);

    /// Takes it back. What was typed meanwhile is forgotten.
    fn come_back(&mut self);

    /// Ctrl-Z: the shell has the terminal until the student comes back.
    fn suspend(&mut self);
}
