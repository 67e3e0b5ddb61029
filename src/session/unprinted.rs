//! Messages on their way from the server to the screen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// How many messages may wait to be printed: MONITOR can be faster than any terminal.
const MOST_UNPRINTED: usize = 256;

/// A message that is counted until it is printed.
pub(super) struct UnprintedMessage {
    pub(super) text: String,
    count: Arc<AtomicUsize>,
}

impl UnprintedMessage {
    pub(super) fn new(text: &str, count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self { text: text.to_owned(), count: Arc::clone(count) }
    }
}

impl Drop for UnprintedMessage {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Waits until a message may be sent, or the line is cancelled.
pub(super) fn wait_for_room(unprinted: &AtomicUsize, is_cancelled: &AtomicBool) {
    while unprinted.load(Ordering::SeqCst) >= MOST_UNPRINTED && !is_cancelled.load(Ordering::SeqCst)
    {
        thread::park_timeout(Duration::from_millis(1));
    }
}
