//! No process, private directory or container outlives redislings.
//!
//! The program can end in three ways:
//! - normally or by a panic: values are dropped, then [`Guard`] ends what is left;
//! - by SIGINT, SIGTERM or SIGHUP: a thread ends everything, then the signal has its default
//!   effect, so that the shell sees what happened;
//! - by SIGKILL: the *reaper*, a `sh` that reads a pipe from us, sees end of file. It kills the
//!   process groups that it watches, processes with our mark in their environment and those that
//!   work in the private directory, then removes the directory. A container ends by itself, since
//!   its input ends.
//!
//! If the reaper was killed too, the next run removes what is left: see `leftovers`.

mod group;
mod reaper;
mod run;
mod signals;
mod terminal;

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::thread;
use std::time::{Duration, Instant};

pub use self::group::{Leader, ProcessGroup};
pub use self::run::{PassingDirectory, check_room, private_directory, session_directory};
pub use self::signals::{Guard, InterruptibleWait};
pub use self::terminal::{restore_the_terminal_by, run_in_foreground, write_within};

/// How long a signal handler waits for a container that is being created.
const CREATION_DEADLINE: Duration = Duration::from_secs(15);
static CLOSING: AtomicBool = AtomicBool::new(false);
static ENDED: AtomicBool = AtomicBool::new(false);
static CREATING: RwLock<()> = RwLock::new(());
static AT_END: Mutex<Vec<Box<dyn FnOnce() + Send>>> = Mutex::new(Vec::new());

thread_local! {
    /// Whether this thread ends the program: it may still write.
    static IS_ENDING: Cell<bool> = const { Cell::new(false) };
}

/// After a signal has ended servers, nothing may be concluded from their absence: blocks until the
/// signal ends the process. Returns at once if no signal came.
pub fn stop_if_a_signal_came() {
    if CLOSING.load(Ordering::SeqCst) && !IS_ENDING.get() {
        wait_for_the_end();
    }
}

/// Like [`stop_if_a_signal_came`], but waits for a signal: we notice that a terminal is gone before
/// the system sends SIGHUP.
pub fn stop_if_a_signal_comes(within: Duration) {
    let deadline = Instant::now() + within;
    while Instant::now() < deadline {
        stop_if_a_signal_came();
        thread::park_timeout(Duration::from_millis(5));
    }
}

fn wait_for_the_end() {
    // `end_by` ends the process; the deadline is for a default handler that does not.
    thread::park_timeout(Duration::from_secs(60));
}

fn end_everything() {
    let deadline = Instant::now() + CREATION_DEADLINE;
    let mut creating = CREATING.try_write();
    while creating.is_err() && Instant::now() < deadline {
        thread::park_timeout(Duration::from_millis(10));
        creating = CREATING.try_write();
    }
    if let Some(session) = lock(&run::SESSION).take() {
        session.reaper.end();
        let _ = session.directory.close();
    }
    // What began last ends first.
    for end in std::mem::take(&mut *lock(&AT_END)).into_iter().rev() {
        end();
    }
}

/// Runs `end` when the program ends, normally or by a signal; before what was given earlier.
pub fn at_end(end: impl FnOnce() + Send + 'static) {
    lock(&AT_END).push(Box::new(end));
}

/// Hold the result while you create something that [`at_end`] must find: a signal waits for it.
pub fn creating() -> RwLockReadGuard<'static, ()> {
    stop_at_the_end();
    let guard = CREATING.read().unwrap_or_else(PoisonError::into_inner);
    stop_at_the_end();
    guard
}

fn stop_at_the_end() {
    stop_if_a_signal_came();
    if ENDED.load(Ordering::SeqCst) {
        wait_for_the_end();
    }
}

/// Locks a mutex, even if another thread panicked while it held the lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
