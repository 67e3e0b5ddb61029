//! Detects whether the machine stalled while an answer was running.
//!
//! A virtual machine may be paused or a program stopped. A busy Linux was seen to start and end no
//! process for up to 25 seconds, while running processes went on. Then we see an answer's end late,
//! and what the server did meanwhile (finish a background save, say) seems to have come before it;
//! or an answer that waits exceeds its time limit.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use super::cancelled::AttemptError;
use crate::cleanup::lock;
use crate::error::{EnvironmentError, EnvironmentErrorKind, no_thread};

/// Shorter than the saves that lessons slow down. With 20 processes competing for two cores, a
/// heartbeat took 60 ms.
const TOO_LONG: Duration = Duration::from_millis(500);
const HEARTBEAT: Duration = Duration::from_millis(20);
/// How many of the last stalls are kept; an attempt asks only for those since it began.
const KEPT: usize = 1000;

/// All attempts share it.
static HEART: Mutex<Heart> =
    Mutex::new(Heart { watches: 0, beats: false, since: None, stalls: VecDeque::new(), late: 0.0 });

/// Does `work` and returns its result. If the machine stalled meanwhile and that `matters` to the
/// result, returns an error of the kind [`EnvironmentErrorKind::Stall`] instead.
pub(super) fn watched<T>(
    work: impl FnOnce() -> Result<T, AttemptError>,
    matters: impl FnOnce(&T) -> bool,
) -> Result<T, AttemptError> {
    let watch = StallWatch::begin()?;
    let result = work();
    spoiled(refuse("stalled", watch.longest_stall()), result, matters)
}

fn spoiled<T>(
    stall: Result<(), EnvironmentError>,
    result: Result<T, AttemptError>,
    matters: impl FnOnce(&T) -> bool,
) -> Result<T, AttemptError> {
    match (stall, result) {
        (Ok(()), result) => result,
        (Err(_), Ok(done)) if !matters(&done) => Ok(done),
        (Err(stall), Ok(_)) => Err(stall.into()),
        (Err(_), Err(AttemptError::Cancelled)) => Err(AttemptError::Cancelled),
        (Err(_), Err(AttemptError::Environment(error))) => {
            Err(error.of(EnvironmentErrorKind::Stall).into())
        }
    }
}

/// An error if something that should be instant took too long; `what` says what the machine did.
pub fn refuse(what: &str, took: Duration) -> Result<(), EnvironmentError> {
    if took < TOO_LONG {
        return Ok(());
    }
    let seconds = took.as_secs_f64();
    Err(stalled(&format!("{what} for {seconds:.1} s while the answer was running")))
}

/// A stall whose length is unknown; `what` says what the machine did, and when.
pub(super) fn stalled(what: &str) -> EnvironmentError {
    let fact = format!("the machine {what}");
    let help = "try again; if it happens often, close other programs";
    EnvironmentError::new(fact, help).of(EnvironmentErrorKind::Stall)
}

struct Heart {
    /// How many attempts need it.
    watches: usize,
    beats: bool,
    /// When the current beat began.
    since: Option<Instant>,
    /// When each stall ended, and how long it lasted.
    stalls: VecDeque<(Instant, Duration)>,
    /// See [`machine_lateness`], in seconds.
    late: f64,
}

/// How late beats were lately: a moving average over about ten. Zero before the first attempt.
pub fn machine_lateness() -> Duration {
    let heart = lock(&HEART);
    let current = heart.since.map(|since| since.elapsed().saturating_sub(HEARTBEAT));
    Duration::from_secs_f64(heart.late).max(current.unwrap_or_default())
}

/// Keeps the heart beating while it exists.
struct StallWatch {
    began: Instant,
}

impl StallWatch {
    fn begin() -> Result<Self, EnvironmentError> {
        let mut heart = lock(&HEART);
        if !heart.beats {
            thread::Builder::new().name("heart".into()).spawn(beat).map_err(no_thread)?;
            heart.beats = true;
        }
        heart.watches += 1;
        Ok(Self { began: Instant::now() })
    }

    /// The longest stall that ended after the beginning, or is still going on.
    fn longest_stall(&self) -> Duration {
        let heart = lock(&HEART);
        let over = heart.stalls.iter().filter(|(ended, _)| *ended > self.began);
        let current = heart.since.map(|since| since.elapsed());
        over.map(|(_, took)| *took).chain(current).max().unwrap_or_default()
    }
}

impl Drop for StallWatch {
    fn drop(&mut self) {
        lock(&HEART).watches -= 1;
    }
}

/// Starts a thread that sleeps for a moment, and waits for its end, again and again: a machine that
/// starts and ends nothing holds that up, as one that is paused does.
fn beat() {
    while begin_beat() {
        let sleep = || thread::park_timeout(HEARTBEAT);
        match thread::Builder::new().name("beat".into()).spawn(sleep) {
            Ok(thread) => drop(thread.join()),
            Err(_) => sleep(),
        }
        end_beat();
    }
}

/// Whether an attempt still needs the heart.
fn begin_beat() -> bool {
    let mut heart = lock(&HEART);
    heart.beats = heart.watches > 0;
    heart.since = heart.beats.then(Instant::now);
    heart.beats
}

fn end_beat() {
    let mut heart = lock(&HEART);
    let now = Instant::now();
    let took = heart.since.take().map_or(Duration::ZERO, |since| now - since);
    heart.late += (took.saturating_sub(HEARTBEAT).as_secs_f64() - heart.late) / 10.0;
    if took >= TOO_LONG {
        heart.stalls.push_back((now, took));
        let too_many = heart.stalls.len().saturating_sub(KEPT);
        heart.stalls.drain(..too_many);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_stall_the_result_is_returned() {
        assert_eq!(watched(|| Ok(7), |_| true), Ok(7));
        let error = AttemptError::from(EnvironmentError::new("lost", "look for it"));
        assert_eq!(watched(|| Err::<(), _>(error.clone()), |()| true), Err(error));
    }

    #[test]
    fn a_stall_spoils_only_what_it_matters_to() {
        let stall = || refuse("stalled", TOO_LONG);
        assert_eq!(spoiled(stall(), Ok(7), |_| false), Ok(7));
        assert_eq!(spoiled(stall(), Ok(7), |_| true), Err(stall().unwrap_err().into()));
        let lost = AttemptError::from(EnvironmentError::new("lost", ""));
        assert!(spoiled(stall(), Err::<(), _>(lost), |()| false).unwrap_err().is_the_machines());
    }

    #[test]
    fn a_stall_does_not_make_a_cancelled_attempt_begin_again() {
        let stall = refuse("stalled", TOO_LONG);
        let cancelled = spoiled(stall, Err::<(), _>(AttemptError::Cancelled), |()| true);
        assert_eq!(cancelled, Err(AttemptError::Cancelled));
    }
}
