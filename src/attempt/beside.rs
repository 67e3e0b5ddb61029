//! Threads that work beside an answer and end with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use crate::error::WorldError;

/// A thread that gives a value when it is told to stop. Stopped when dropped, too: what it asks may soon be
/// somebody else's.
pub(super) struct Beside<T> {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<T>>,
}

/// Whether it is time to stop.
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    pub(super) fn is_told(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl<T: Default + Send + 'static> Beside<T> {
    pub(super) fn start(
        name: &str,
        work: impl FnOnce(Stop) -> T + Send + 'static,
    ) -> Result<Self, WorldError> {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Stop(Arc::clone(&stop));
        let thread = thread::Builder::new().name(name.into()).spawn(move || work(told));
        let thread = thread.map_err(|error| {
            WorldError::new(format!("a thread can't be started: {error}"), "try again")
        })?;
        Ok(Self { stop, thread: Some(thread) })
    }

    /// Tells it to stop and does not wait.
    pub(super) fn halt(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// What it has found out up to [`Self::halt`].
    pub(super) fn finish(mut self) -> T {
        self.halt();
        self.thread.take().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

impl<T> Drop for Beside<T> {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
