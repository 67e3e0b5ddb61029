//! Holds commands and replies back until somebody has looked at the server, so that what a look finds was there
//! before the one and after the other.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::Thread;
use std::time::Duration;

use tokio::sync::watch;

/// A server that says nothing for so long is not waited for.
const LIMIT: Duration = Duration::from_secs(1);

/// Between the relay, which holds back what comes, and a thread that looks at the server.
#[derive(Debug)]
pub struct Gate {
    /// How many looks were asked for.
    requested: AtomicU64,
    /// All that were asked for up to this one are done.
    done: watch::Sender<u64>,
    /// Packets that went on without a look.
    missed: AtomicU64,
    /// Whether what is waited for may happen now.
    is_shut: AtomicBool,
    looker: Mutex<Option<Thread>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            requested: AtomicU64::new(0),
            done: watch::Sender::new(0),
            missed: AtomicU64::new(0),
            is_shut: AtomicBool::new(false),
            looker: Mutex::new(None),
        }
    }
}

impl Gate {
    /// This thread looks from now on, and is unparked when a look is asked for.
    pub fn register_looker(&self) {
        *self.looker.lock().unwrap_or_else(PoisonError::into_inner) = Some(std::thread::current());
    }

    /// How many looks were asked for: to be given to [`Self::finish_look`] by a look that begins now.
    pub fn requested(&self) -> u64 {
        self.requested.load(Ordering::SeqCst)
    }

    /// Whether somebody waits for a look.
    pub fn has_waiters(&self) -> bool {
        *self.done.borrow() < self.requested()
    }

    /// The look is done that began when so many were asked for; `is_shut`: whether others have to wait for the next.
    pub fn finish_look(&self, asked: u64, is_shut: bool) {
        self.is_shut.store(is_shut, Ordering::SeqCst);
        self.done.send_if_modified(|done| {
            let is_news = *done < asked;
            *done = asked.max(*done);
            is_news
        });
    }

    /// How many packets went on though the server had not been looked at in time.
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::SeqCst)
    }

    /// Nothing is held back any more.
    pub fn open(&self) {
        self.finish_look(u64::MAX, false);
    }

    /// Where it is shut, waits until a look is done that begins from now on, but not for long.
    pub(super) async fn pass(&self) {
        if !self.is_shut.load(Ordering::SeqCst) {
            return;
        }
        let ticket = self.requested.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(looker) = &*self.looker.lock().unwrap_or_else(PoisonError::into_inner) {
            looker.unpark();
        }
        let mut done = self.done.subscribe();
        let looked = tokio::time::timeout(LIMIT, done.wait_for(|done| *done >= ticket)).await;
        if looked.is_err() {
            self.missed.fetch_add(1, Ordering::SeqCst);
        }
    }
}
