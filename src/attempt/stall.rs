//! Detects whether the machine stalled while an answer was running.
//!
//! A virtual machine may be paused or a program stopped. A busy Linux was seen to start and end no
//! process for up to 25 seconds, while running processes went on. Then we see an answer's end late,
//! and what the server did meanwhile (finish a background save, say) seems to have come before it;
//! or an answer that waits exceeds its time limit.

use std::collections::VecDeque;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::cleanup::lock;
use crate::error::{EnvironmentError, EnvironmentErrorKind, no_thread};

/// Shorter than the saves that lessons slow down. With 20 processes competing for two cores, the
/// work of the two watchers took 20 and 60 ms.
const TOO_LONG: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(150);
const HEARTBEAT: Duration = Duration::from_millis(20);
/// How many of the last stalls are kept; an attempt asks only for those since it began.
const KEPT: usize = 1000;

static WAKING: HeartbeatWatcher =
    HeartbeatWatcher::new("waking", Duration::ZERO, || thread::park_timeout(HEARTBEAT));
static STARTING: HeartbeatWatcher = HeartbeatWatcher::new("starting", PAUSE, run_a_child);

/// Does `work` and returns its result. If the machine stalled meanwhile and that `matters` to the
/// result, returns an error of the kind [`EnvironmentErrorKind::Stall`] instead.
pub(super) fn watched<T>(
    work: impl FnOnce() -> Result<T, EnvironmentError>,
    matters: impl FnOnce(&T) -> bool,
) -> Result<T, EnvironmentError> {
    let watch = StallWatch::begin()?;
    let result = work();
    spoiled(refuse("stalled", watch.longest_stall()), result, matters)
}

fn spoiled<T>(
    stall: Result<(), EnvironmentError>,
    result: Result<T, EnvironmentError>,
    matters: impl FnOnce(&T) -> bool,
) -> Result<T, EnvironmentError> {
    match (stall, result) {
        (Ok(()), result) => result,
        (Err(_), Ok(done)) if !matters(&done) => Ok(done),
        (Err(stall), Ok(_)) => Err(stall),
        (Err(_), Err(error)) => Err(error.of(EnvironmentErrorKind::Stall)),
    }
}

/// An error if something that should be instant took too long; `what` says what the machine did.
pub(super) fn refuse(what: &str, took: Duration) -> Result<(), EnvironmentError> {
    if took < TOO_LONG {
        return Ok(());
    }
    let seconds = took.as_secs_f64();
    let fact = format!("the machine {what} for {seconds:.1} s while the answer was running");
    let help = "try again; if it happens often, close other programs";
    Err(EnvironmentError::new(fact, help).of(EnvironmentErrorKind::Stall))
}

fn run_a_child() {
    let mut child = Command::new("true");
    // On a system without `true`, this watcher detects nothing.
    let _ = child.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}

/// Keeps the watchers running while it exists.
struct StallWatch {
    began: Instant,
}

impl StallWatch {
    fn begin() -> Result<Self, EnvironmentError> {
        let watch = Self { began: Instant::now() };
        // Start both in any case: on an error, the drop of `watch` leaves both.
        WAKING.watch().and(STARTING.watch()).map(|()| watch)
    }

    fn longest_stall(&self) -> Duration {
        WAKING.longest_since(self.began).max(STARTING.longest_since(self.began))
    }
}

impl Drop for StallWatch {
    fn drop(&mut self) {
        WAKING.leave();
        STARTING.leave();
    }
}

/// A thread that repeats some instant work and records when it took long; all attempts share it.
struct HeartbeatWatcher {
    name: &'static str,
    pause: Duration,
    work: fn(),
    state: Mutex<StallState>,
}

struct StallState {
    watches: usize,
    runs: bool,
    /// When the current work began, if any.
    since: Option<Instant>,
    /// When each stall ended, and how long it lasted.
    stalls: VecDeque<(Instant, Duration)>,
}

impl HeartbeatWatcher {
    const fn new(name: &'static str, pause: Duration, work: fn()) -> Self {
        let state = StallState { watches: 0, runs: false, since: None, stalls: VecDeque::new() };
        Self { name, pause, work, state: Mutex::new(state) }
    }

    fn watch(&'static self) -> Result<(), EnvironmentError> {
        let mut state = lock(&self.state);
        state.watches += 1;
        if !state.runs {
            let thread = thread::Builder::new().name(self.name.into()).spawn(|| self.run());
            thread.map_err(no_thread)?;
            state.runs = true;
        }
        Ok(())
    }

    fn leave(&self) {
        lock(&self.state).watches -= 1;
    }

    fn run(&self) {
        while self.begins() {
            (self.work)();
            self.ends();
            if !self.pause.is_zero() {
                thread::park_timeout(self.pause);
            }
        }
    }

    /// Whether an attempt still needs this watcher.
    fn begins(&self) -> bool {
        let mut state = lock(&self.state);
        state.runs = state.watches > 0;
        state.since = state.runs.then(Instant::now);
        state.runs
    }

    fn ends(&self) {
        let mut state = lock(&self.state);
        let now = Instant::now();
        let took = state.since.take().map_or(Duration::ZERO, |since| now - since);
        if took >= TOO_LONG {
            state.stalls.push_back((now, took));
            let too_many = state.stalls.len().saturating_sub(KEPT);
            state.stalls.drain(..too_many);
        }
    }

    /// The longest stall that ended after `began`, or is still going on.
    fn longest_since(&self, began: Instant) -> Duration {
        let state = lock(&self.state);
        let over = state.stalls.iter().filter(|(ended, _)| *ended > began);
        let current = state.since.map(|since| since.elapsed());
        over.map(|(_, took)| *took).chain(current).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_stall_the_result_is_returned() {
        assert_eq!(watched(|| Ok(7), |_| true), Ok(7));
        let error = EnvironmentError::new("lost", "look for it");
        assert_eq!(watched(|| Err::<(), _>(error.clone()), |()| true), Err(error));
    }

    #[test]
    fn a_stall_spoils_only_what_it_matters_to() {
        let stall = || refuse("stalled", TOO_LONG);
        assert_eq!(spoiled(stall(), Ok(7), |_| false), Ok(7));
        assert_eq!(spoiled(stall(), Ok(7), |_| true), Err(stall().unwrap_err()));
        let lost = spoiled(stall(), Err::<(), _>(EnvironmentError::new("lost", "")), |()| false);
        assert_eq!(lost.unwrap_err().kind, EnvironmentErrorKind::Stall);
    }
}
