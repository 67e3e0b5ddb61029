//! Whether this machine stood still while an answer was watched.
//!
//! A virtual machine may be paused and a program stopped; a busy Linux was seen to begin and end no process for up to
//! 25 seconds, while those that ran went on. Then an answer's end is seen late, and what a server did meanwhile (say,
//! finish a background save) seems to have come before it; or an answer that waits is out of time.

use std::collections::VecDeque;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::cleanup::lock;
use crate::error::{WorldError, WorldErrorKind, no_thread};

/// Less than the saves take that lessons slow down. With 20 who wanted two cores, what is done here took 20 and 60 ms.
const TOO_LONG: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(150);
const BEAT: Duration = Duration::from_millis(20);
/// Of the last ones; an attempt asks for those of its own time.
const KEPT: usize = 1000;

static WAKING: Watcher = Watcher::new("waking", Duration::ZERO, || thread::park_timeout(BEAT));
static STARTING: Watcher = Watcher::new("starting", PAUSE, run_a_child);

/// Does what is worth nothing if the machine stalls meanwhile and that `matters` to what came of it: then its result is an
/// error of that kind.
pub(super) fn watched<T>(
    work: impl FnOnce() -> Result<T, WorldError>,
    matters: impl FnOnce(&T) -> bool,
) -> Result<T, WorldError> {
    let watch = Watch::begin()?;
    let result = work();
    spoiled(refuse("stalled", watch.longest_standstill()), result, matters)
}

fn spoiled<T>(
    stall: Result<(), WorldError>,
    result: Result<T, WorldError>,
    matters: impl FnOnce(&T) -> bool,
) -> Result<T, WorldError> {
    match (stall, result) {
        (Ok(()), result) => result,
        (Err(_), Ok(done)) if !matters(&done) => Ok(done),
        (Err(stall), Ok(_)) => Err(stall),
        (Err(_), Err(error)) => Err(error.of(WorldErrorKind::Standstill)),
    }
}

/// An error if that is how long something took which takes no time; `what`: what this machine did meanwhile.
pub(super) fn refuse(what: &str, took: Duration) -> Result<(), WorldError> {
    if took < TOO_LONG {
        return Ok(());
    }
    let seconds = took.as_secs_f64();
    let fact = format!("the machine {what} for {seconds:.1} s while the answer was running");
    let help = "try again; if it happens often, close other programs";
    Err(WorldError::new(fact, help).of(WorldErrorKind::Standstill))
}

fn run_a_child() {
    let mut child = Command::new("true");
    // Where there is none, nothing is told by it.
    let _ = child.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}

/// The watchers work for as long as one of these lives.
struct Watch {
    began: Instant,
}

impl Watch {
    fn begin() -> Result<Self, WorldError> {
        let watch = Self { began: Instant::now() };
        // Dropped if one can't be started: both are told.
        WAKING.watch().and(STARTING.watch()).map(|()| watch)
    }

    fn longest_standstill(&self) -> Duration {
        WAKING.longest_since(self.began).max(STARTING.longest_since(self.began))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        WAKING.leave();
        STARTING.leave();
    }
}

/// A thread that does again and again what takes no time, and notes when it did; one for all attempts.
struct Watcher {
    name: &'static str,
    pause: Duration,
    work: fn(),
    state: Mutex<State>,
}

struct State {
    watches: usize,
    runs: bool,
    /// While it works.
    since: Option<Instant>,
    /// When each standstill ended, and how long it was.
    standstills: VecDeque<(Instant, Duration)>,
}

impl Watcher {
    const fn new(name: &'static str, pause: Duration, work: fn()) -> Self {
        let state = State { watches: 0, runs: false, since: None, standstills: VecDeque::new() };
        Self { name, pause, work, state: Mutex::new(state) }
    }

    fn watch(&'static self) -> Result<(), WorldError> {
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

    /// Whether there is still somebody to watch for.
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
            state.standstills.push_back((now, took));
            let too_many = state.standstills.len().saturating_sub(KEPT);
            state.standstills.drain(..too_many);
        }
    }

    /// Also one that goes on.
    fn longest_since(&self, began: Instant) -> Duration {
        let state = lock(&self.state);
        let over = state.standstills.iter().filter(|(ended, _)| *ended > began);
        let goes_on = state.since.map(|since| since.elapsed());
        over.map(|(_, took)| *took).chain(goes_on).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_machine_that_goes_on_the_result_is_told() {
        assert_eq!(watched(|| Ok(7), |_| true), Ok(7));
        let error = WorldError::new("lost", "look for it");
        assert_eq!(watched(|| Err::<(), _>(error.clone()), |()| true), Err(error));
    }

    #[test]
    fn a_stall_spoils_only_what_it_matters_to() {
        let stall = || refuse("stalled", TOO_LONG);
        assert_eq!(spoiled(stall(), Ok(7), |_| false), Ok(7));
        assert_eq!(spoiled(stall(), Ok(7), |_| true), Err(stall().unwrap_err()));
        let lost = spoiled(stall(), Err::<(), _>(WorldError::new("lost", "")), |()| false);
        assert_eq!(lost.unwrap_err().kind, WorldErrorKind::Standstill);
    }
}
