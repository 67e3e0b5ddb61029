//! The worker: a thread that owns the servers, so that keys are answered while a server is busy.
//!
//! It takes [`Request`]s and sends [`WorkerEvent`]s; both are plain values.

mod at_hand;
mod messages;
mod thread;

use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use self::thread::Worker;
use crate::error::{EnvironmentError, no_thread};
use crate::lesson::course::Package;

pub use self::messages::{
    ExampleRequest, FindRedis, JudgedAnswer, LiveEvent, Redis, Request, StepEvent, StepVisit,
    WorkerEvent,
};

/// The worker's handle. When it is dropped, the thread ends after its current request. There is no
/// need to wait for that: everything that it has started ends with the program
/// ([`crate::cleanup`]).
pub(super) struct WorkerHandle {
    requests: Sender<Request>,
    events: Receiver<StepEvent>,
    thread: JoinHandle<()>,
}

impl WorkerHandle {
    /// Starts the thread, which begins to look for a server at once.
    pub(super) fn start(
        find_redis: Box<FindRedis>,
        python_packages: Vec<Package>,
    ) -> Result<Self, EnvironmentError> {
        let (requests, for_thread) = mpsc::channel();
        let (sender, events) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("worker".into())
            .spawn(move || Worker::new(for_thread, sender, find_redis, python_packages).run())
            .map_err(no_thread)?;
        Ok(Self { requests, events, thread })
    }

    /// Whether the thread has ended. Only a panic ends it before the handle is dropped.
    pub(super) fn has_panicked(&self) -> bool {
        self.thread.is_finished()
    }

    pub(super) fn request(&self, request: Request) {
        // If the thread has ended, the session finds out by `has_panicked`.
        let _ = self.requests.send(request);
    }

    /// The channel of events, for another thread to wait on.
    pub(super) fn receiver(&mut self) -> &mut Receiver<StepEvent> {
        &mut self.events
    }

    /// The next event, if one has arrived.
    pub(super) fn next_event(&self) -> Option<StepEvent> {
        self.events.try_recv().ok()
    }
}
