//! Threads that run beside an answer and end with it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use crate::cleanup::lock;
use crate::error::{EnvironmentError, no_thread};

/// A thread that collects a result until it is stopped. Dropping the task stops it too, because the
/// server that it talks to may soon belong to another attempt.
pub(super) struct BackgroundTask<T> {
    shared: Arc<Shared<T>>,
    thread: Option<JoinHandle<()>>,
}

/// The state that the thread and its owner share.
#[derive(Default)]
pub(super) struct Shared<T> {
    stop: AtomicBool,
    found: Mutex<T>,
}

impl<T> Shared<T> {
    pub(super) fn is_told_to_stop(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Updates the result.
    pub(super) fn note(&self, update: impl FnOnce(&mut T)) {
        update(&mut lock(&self.found));
    }
}

impl<T: Default + Clone + Send + 'static> BackgroundTask<T> {
    pub(super) fn start(
        name: &str,
        work: impl FnOnce(&Shared<T>) + Send + 'static,
    ) -> Result<Self, EnvironmentError> {
        let shared: Arc<Shared<T>> = Arc::default();
        let threads_own = Arc::clone(&shared);
        let thread = thread::Builder::new().name(name.into()).spawn(move || work(&threads_own));
        let thread = thread.map_err(no_thread)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// The result so far.
    pub(super) fn so_far(&self) -> T {
        lock(&self.shared.found).clone()
    }

    /// Stops the thread, waits for it, and returns the result.
    pub(super) fn finish(mut self) -> T {
        self.end();
        self.so_far()
    }
}

impl<T> BackgroundTask<T> {
    /// Asks the thread to stop, and does not wait for it.
    pub(super) fn halt(&self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    fn end(&mut self) {
        self.halt();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl<T> Drop for BackgroundTask<T> {
    fn drop(&mut self) {
        self.end();
    }
}
