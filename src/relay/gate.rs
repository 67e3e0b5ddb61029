//! Holds commands and replies until a thread has looked at the server, so that each look shows the
//! server before the next command and after the last reply.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::Duration;

use tokio::sync::watch;

use crate::cleanup::lock;

/// How long a packet is held at most if the server does not reply to a look.
const LIMIT: Duration = Duration::from_secs(1);

/// Connects the relay, which holds packets, with a thread that looks at the server.
#[derive(Debug, Default)]
pub struct Gate {
    /// How many looks were requested.
    requested: AtomicU64,
    /// The number of the last finished request; all before it are finished too.
    done: watch::Sender<u64>,
    /// Packets that passed without a look.
    missed: AtomicU64,
    /// Whether packets must wait for a look.
    is_shut: AtomicBool,
    looker: Mutex<Option<Thread>>,
}

impl Gate {
    /// Makes this thread the looker: it is unparked when a look is requested.
    pub fn register_looker(&self) {
        *lock(&self.looker) = Some(std::thread::current());
    }

    /// How many looks were requested. Read it before a look, and pass it to [`Self::finish_look`]
    /// after the look.
    pub fn requested(&self) -> u64 {
        self.requested.load(Ordering::SeqCst)
    }

    /// Whether a packet waits for a look.
    pub fn has_waiters(&self) -> bool {
        *self.done.borrow() < self.requested()
    }

    /// Finishes a look that began when `asked` looks were requested. `is_shut`: whether later
    /// packets must wait for the next look.
    pub fn finish_look(&self, asked: u64, is_shut: bool) {
        self.is_shut.store(is_shut, Ordering::SeqCst);
        self.done.send_if_modified(|done| {
            let is_later = *done < asked;
            *done = asked.max(*done);
            is_later
        });
    }

    /// How many packets passed because no look was finished in time.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::SeqCst)
    }

    /// Lets every packet pass from now on.
    pub fn open(&self) {
        self.finish_look(u64::MAX, false);
    }

    /// If the gate is shut, requests a look and waits until it is finished, but not longer than
    /// the limit.
    pub(super) async fn pass(&self) {
        if !self.is_shut.load(Ordering::SeqCst) {
            return;
        }
        let ticket = self.requested.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(looker) = &*lock(&self.looker) {
            looker.unpark();
        }
        let mut done = self.done.subscribe();
        let looked = tokio::time::timeout(LIMIT, done.wait_for(|done| *done >= ticket)).await;
        if looked.is_err() {
            self.missed.fetch_add(1, Ordering::SeqCst);
        }
    }
}
