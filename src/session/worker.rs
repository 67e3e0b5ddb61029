//! The worker: a thread that owns the servers, so that keys are answered while a server is busy.
//!
//! It takes [`Request`]s and sends [`WorkerEvent`]s; both are plain values.

mod at_hand;
pub(super) mod messages;
mod python;
mod thread;

use std::sync::mpsc::{self, Sender};

use self::messages::{CancellableRequest, FindRedis};
use self::thread::Worker;
use super::event::{Event, spawn};
use crate::error::EnvironmentError;
use crate::lesson::course::Package;

/// Starts the thread, which begins to look for a server at once. It ends after its current request
/// when the sender is dropped. There is no need to wait for that: everything that it has started
/// ends with the program ([`crate::cleanup`]).
pub(super) fn start(
    find_redis: Box<FindRedis>,
    python_packages: Vec<Package>,
    events: &Sender<Event>,
) -> Result<Sender<CancellableRequest>, EnvironmentError> {
    let (requests, for_thread) = mpsc::channel();
    let sender = events.clone();
    spawn("worker", events, move || {
        Worker::new(for_thread, sender, find_redis, python_packages).run();
    })?;
    Ok(requests)
}
