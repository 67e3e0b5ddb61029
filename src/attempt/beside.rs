//! Threads that work beside an answer and end with it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use crate::cleanup::lock;
use crate::error::{WorldError, no_thread};

/// A thread that finds something out until it is told to stop. Stopped when dropped, too: what it asks may
/// soon be somebody else's.
pub(super) struct Beside<T> {
    shared: Arc<Shared<T>>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread and its owner know of each other.
#[derive(Default)]
pub(super) struct Shared<T> {
    stop: AtomicBool,
    found: Mutex<T>,
}

impl<T> Shared<T> {
    /// Whether it is time to stop.
    pub(super) fn is_told_to_stop(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Writes down what was found out.
    pub(super) fn note(&self, note: impl FnOnce(&mut T)) {
        note(&mut lock(&self.found));
    }
}

impl<T: Default + Clone + Send + 'static> Beside<T> {
    pub(super) fn start(
        name: &str,
        work: impl FnOnce(&Shared<T>) + Send + 'static,
    ) -> Result<Self, WorldError> {
        let shared: Arc<Shared<T>> = Arc::default();
        let told = Arc::clone(&shared);
        let thread = thread::Builder::new().name(name.into()).spawn(move || work(&told));
        let thread = thread.map_err(no_thread)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// What it has found out so far.
    pub(super) fn so_far(&self) -> T {
        lock(&self.shared.found).clone()
    }

    /// What it has found out up to [`Self::halt`].
    pub(super) fn finish(mut self) -> T {
        self.halt();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.so_far()
    }
}

impl<T> Beside<T> {
    /// Tells it to stop and does not wait.
    pub(super) fn halt(&self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl<T> Drop for Beside<T> {
    fn drop(&mut self) {
        self.halt();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
