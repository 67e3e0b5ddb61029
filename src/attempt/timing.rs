//! How often a running save is polled.

use std::time::{Duration, Instant};

const SHORTEST: Duration = Duration::from_millis(5);
/// A write this shortly before a background save's end may seem to come after it.
pub(super) const LONGEST: Duration = Duration::from_millis(20);

/// Waits until the next look at something that began at `began`.
pub(super) fn pause(began: Instant) {
    std::thread::park_timeout(pause_for(began));
}

/// The interval between two looks grows with the time already spent, so that the end is seen at
/// most a fiftieth late. Sixteen attempts that each look every 5 ms at a long save would slow the
/// machine down.
pub(super) fn pause_for(began: Instant) -> Duration {
    (began.elapsed() / 50).clamp(SHORTEST, LONGEST)
}
