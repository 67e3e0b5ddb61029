//! What is started ahead of the cases that need it.
//!
//! LASTSAVE counts whole seconds, so an answer can start only when its server is a second old. A
//! server that waits longer than that only costs: 3 MB, and 0.14 % of a core.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cleanup::lock;

/// Older ones save nobody a wait.
const OLD_ENOUGH: Duration = Duration::from_millis(1200);
/// So many wait in any case: several cases may begin at once.
const FEW: usize = 8;

/// Takes items in the order in which they came. Those who add some wait while there are enough.
pub(super) struct Ahead<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    most: usize,
}

struct State<T> {
    waiting: VecDeque<(Instant, T)>,
    /// How many may still add items.
    starters: usize,
}

/// Somebody who adds items.
pub(super) struct Starter<'a, T>(&'a Ahead<T>);

impl<T> Ahead<T> {
    /// With so many [`Self::starter`]s to come: until the last one has ended, more items may come.
    pub(super) fn new(most: usize, starters: usize) -> Self {
        let state = State { waiting: VecDeque::new(), starters };
        Self { state: Mutex::new(state), changed: Condvar::new(), most }
    }

    /// One of those that [`Self::new`] has counted.
    pub(super) fn starter(&self) -> Starter<'_, T> {
        Starter(self)
    }

    /// Waits for the next item; `None` when no more can come.
    pub(super) fn next(&self) -> Option<T> {
        let mut state = lock(&self.state);
        loop {
            if let Some((_, item)) = state.waiting.pop_front() {
                self.changed.notify_all();
                return Some(item);
            }
            if state.starters == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<T> State<T> {
    fn is_full(&self, most: usize) -> bool {
        let is_old = |(since, _): &(Instant, T)| since.elapsed() > OLD_ENOUGH;
        let number = self.waiting.len();
        number >= most || (number >= FEW && self.waiting.front().is_some_and(is_old))
    }
}

impl<T> Starter<'_, T> {
    /// Waits until another item is wanted.
    pub(super) fn wait_until_wanted(&self) {
        let Ahead { state, changed, most } = self.0;
        let full = changed.wait_while(lock(state), |state| state.is_full(*most));
        drop(full.unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn add(&self, item: T) {
        lock(&self.0.state).waiting.push_back((Instant::now(), item));
        self.0.changed.notify_all();
    }
}

impl<T> Drop for Starter<'_, T> {
    fn drop(&mut self) {
        lock(&self.0.state).starters -= 1;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_in_their_order_and_end_with_the_starters() {
        let ahead = Ahead::new(48, 1);
        let starter = ahead.starter();
        starter.add(1);
        starter.add(2);
        drop(starter);
        assert_eq!([ahead.next(), ahead.next(), ahead.next()], [Some(1), Some(2), None]);
    }

    #[test]
    fn young_ones_are_enough_at_the_limit_and_old_ones_before_it() {
        let now = Instant::now();
        let old = now.checked_sub(2 * OLD_ENOUGH).expect("a clock that runs for seconds");
        let state = |number, since| State {
            waiting: VecDeque::from(vec![(since, ()); number]),
            starters: 1,
        };
        assert!(!state(47, now).is_full(48) && state(48, now).is_full(48));
        assert!(!state(FEW - 1, old).is_full(48) && state(FEW, old).is_full(48));
    }
}
