//! Signals end the program, unless the editor has the terminal or a wait can be interrupted.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::terminal::{self, write_with_deadline};
use super::{CLOSING, ENDED, IS_ENDING, end_everything, lock, wait_for_the_end};
use crate::error::EnvironmentError;

/// Set by SIGINT itself, before the signal thread runs.
pub(super) static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
/// What Ctrl-C does in place of ending the program.
static ON_INTERRUPT: Mutex<Option<Box<dyn Fn() + Send>>> = Mutex::new(None);

/// Ends everything when dropped: hold one while the program runs.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Starts to listen for SIGINT, SIGTERM and SIGHUP.
    pub fn new() -> Result<Self, EnvironmentError> {
        terminal::keep_modes();
        let signals = Signals::new(heeded_signals()).map_err(cannot_listen)?;
        signal_hook::flag::register(SIGINT, Arc::clone(&INTERRUPTED)).map_err(cannot_listen)?;
        thread::Builder::new()
            .name("signals".into())
            .spawn(move || handle_signals(signals))
            .map_err(cannot_listen)?;
        Ok(Self(()))
    }
}

fn cannot_listen(error: std::io::Error) -> EnvironmentError {
    EnvironmentError::new(
        format!("cannot listen for signals: {error}"),
        "close other programs and try again",
    )
}

fn handle_signals(mut signals: Signals) {
    let mut ended = false;
    for signal in signals.forever() {
        if signal == SIGINT && terminal::is_lent() {
            INTERRUPTED.store(false, Ordering::SeqCst);
            continue;
        }
        if let (SIGINT, Some(interrupt)) = (signal, &*lock(&ON_INTERRUPT)) {
            interrupt();
            continue;
        }
        let ending = thread::Builder::new().name("ending".into());
        // After a second signal nobody wants to wait for the engine; the reaper cleans up.
        if ended || ending.spawn(move || end_by(signal)).is_err() {
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
        ended = true;
    }
}

/// Signals that were ignored when we started (`nohup`) stay ignored. Linux reports them in /proc;
/// other systems only to unsafe code.
fn heeded_signals() -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let mut signals = vec![SIGINT, SIGTERM, SIGHUP];
    signals.retain(|signal| ignored & (1 << (signal - 1)) == 0);
    signals
}

impl Drop for Guard {
    fn drop(&mut self) {
        if CLOSING.load(Ordering::SeqCst) {
            wait_for_the_end();
        }
        // Threads that still run must start nothing more.
        ENDED.store(true, Ordering::SeqCst);
        end_everything();
        terminal::restore_modes();
    }
}

fn end_by(signal: i32) {
    IS_ENDING.set(true);
    CLOSING.store(true, Ordering::SeqCst);
    terminal::restore();
    terminal::end_foreground();
    end_everything();
    terminal::restore_modes();
    write_with_deadline(|| {
        let mut stderr = std::io::stderr();
        if std::io::IsTerminal::is_terminal(&stderr) {
            // Undo what a prompt may have left: bracketed paste off, cursor on.
            let _ = stderr.write_all(b"\x1b[?2004l\x1b[?25h\n");
        }
    });
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}

/// While this lives, Ctrl-C interrupts a wait and not the program.
#[derive(Debug)]
pub struct InterruptibleWait(());

impl InterruptibleWait {
    /// From now on, Ctrl-C calls `interrupt`.
    pub fn begin(interrupt: impl Fn() + Send + 'static) -> Self {
        *lock(&ON_INTERRUPT) = Some(Box::new(interrupt));
        Self(())
    }
}

impl Drop for InterruptibleWait {
    fn drop(&mut self) {
        *lock(&ON_INTERRUPT) = None;
    }
}
