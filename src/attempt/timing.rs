//! How often the server is looked at, and how long we wait for it.

use std::time::{Duration, Instant};

const SHORTEST: Duration = Duration::from_millis(5);
/// A write this shortly before a background save's end may seem to come after it.
const LONGEST: Duration = Duration::from_millis(20);
/// Where nothing runs in the background, commands wait for a look, so that a late one only makes
/// what is done beside the answer late.
pub(super) const LONGEST_AT_REST: Duration = Duration::from_millis(50);

/// How long the server may be busy or paused before it replies to a client beside the answer.
pub(super) const REPLY_LIMIT: Duration = Duration::from_secs(5);

/// Waits until the next look at something that began at `began`.
pub(super) fn pause(began: Instant) {
    std::thread::park_timeout(pause_for(began));
}

/// The interval between two looks grows with the time already spent, so that the end is seen at
/// most a fiftieth late. Sixteen attempts that each look every 5 ms at a long save would slow the
/// machine down.
pub(super) fn pause_for(began: Instant) -> Duration {
    interval(began, LONGEST)
}

/// The same while nothing runs in the background.
pub(super) fn pause_at_rest(began: Instant) -> Duration {
    interval(began, LONGEST_AT_REST)
}

fn interval(began: Instant, longest: Duration) -> Duration {
    (began.elapsed() / 50).clamp(SHORTEST, longest)
}
