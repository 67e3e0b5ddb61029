//! The terminal: its modes, and the editor that has it to itself for a while.

use std::process::{Command, ExitStatus};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpgrp, tcgetpgrp};

use super::signals::INTERRUPTED;
use super::{IS_ENDING, lock, stop_if_a_signal_came};

/// How long a signal handler waits for the student's editor, which saves its text and restores the
/// terminal.
const EDITOR_DEADLINE: Duration = Duration::from_secs(2);
/// How long a signal handler waits for the terminal to accept output.
const TERMINAL_DEADLINE: Duration = Duration::from_secs(1);
/// The student's editor, while it runs.
static FOREGROUND: Mutex<Option<Pid>> = Mutex::new(None);
/// The terminal's modes at the start of the program.
static MODES: Mutex<Option<Termios>> = Mutex::new(None);
/// Restores the terminal; set by the session.
static RESTORE_TERMINAL: Mutex<Option<Box<dyn Fn() + Send>>> = Mutex::new(None);

pub(super) fn keep_modes() {
    if let Ok(modes) = tcgetattr(std::io::stdin()) {
        *lock(&MODES) = Some(modes);
    }
}

/// Whether a program has the terminal to itself.
pub(super) fn is_lent() -> bool {
    lock(&FOREGROUND).is_some()
}

/// Calls what [`restore_the_terminal_by`] was given.
pub(super) fn restore() {
    write_with_deadline(|| {
        if let Some(restore) = &*lock(&RESTORE_TERMINAL) {
            restore();
        }
    });
}

/// Restores the terminal's line editing and echo: a prompt that a signal interrupts had changed
/// them.
pub(super) fn restore_modes() {
    // In the background, the system would stop us for this call.
    let is_ours = tcgetpgrp(std::io::stdin()).is_ok_and(|group| group == getpgrp());
    if let (true, Some(modes)) = (is_ours, &*lock(&MODES)) {
        let _ = tcsetattr(std::io::stdin(), SetArg::TCSANOW, modes);
    }
}

/// Writes to the terminal with a deadline.
pub(super) fn write_with_deadline(write: impl FnOnce() + Send + 'static) {
    write_within(TERMINAL_DEADLINE, write);
}

/// Writes with a deadline: a terminal that accepts no output (a frozen window, a lost network
/// connection) would block for ever.
pub fn write_within(deadline: Duration, write: impl FnOnce() + Send + 'static) {
    let (done, end) = mpsc::channel::<()>();
    let is_ending = IS_ENDING.get();
    let work = move || {
        IS_ENDING.set(is_ending);
        write();
        drop(done);
    };
    if thread::Builder::new().name("terminal".into()).spawn(work).is_ok() {
        let _ = end.recv_timeout(deadline);
    }
}

/// Runs a program that has the terminal to itself: the student's editor. Meanwhile we ignore
/// Ctrl-C, which the terminal sends to us too; a signal that ends us ends the program first.
pub fn run_in_foreground(command: &mut Command) -> std::io::Result<ExitStatus> {
    stop_if_a_signal_came();
    let mut child = {
        let mut foreground = lock(&FOREGROUND);
        INTERRUPTED.store(false, Ordering::SeqCst);
        let child = command.spawn()?;
        *foreground = i32::try_from(child.id()).ok().map(Pid::from_raw);
        child
    };
    let status = child.wait();
    // A Ctrl-C just before the end is still the editor's, even if the signal thread sees it only
    // now.
    let deadline = Instant::now() + EDITOR_DEADLINE;
    while INTERRUPTED.load(Ordering::SeqCst) && Instant::now() < deadline {
        thread::park_timeout(Duration::from_millis(1));
    }
    *lock(&FOREGROUND) = None;
    stop_if_a_signal_came();
    status
}

pub(super) fn end_foreground() {
    let Some(editor) = *lock(&FOREGROUND) else { return };
    let _ = kill(editor, Signal::SIGTERM);
    let deadline = Instant::now() + EDITOR_DEADLINE;
    while lock(&FOREGROUND).is_some() && Instant::now() < deadline {
        thread::park_timeout(Duration::from_millis(10));
    }
    if lock(&FOREGROUND).is_some() {
        let _ = kill(editor, Signal::SIGKILL);
    }
}

/// Sets how a signal restores the terminal. It does so before it ends anything, which may take a
/// moment.
pub fn restore_the_terminal_by(restore: impl Fn() + Send + 'static) {
    *lock(&RESTORE_TERMINAL) = Some(Box::new(restore));
}
