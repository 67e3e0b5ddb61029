//! How often somebody looks at what goes on.

use std::time::{Duration, Instant};

const SHORTEST: Duration = Duration::from_millis(5);
/// A write that comes so shortly before a background save's end may seem to come behind it.
const LONGEST: Duration = Duration::from_millis(20);

/// Waits until the next look at what began then. Its end is seen a fiftieth late at most; whoever looks at a long save each
/// five milliseconds, with fifteen others, keeps the machine from its work.
pub(super) fn pause(began: Instant) {
    std::thread::park_timeout(pause_for(began));
}

/// How long that is.
pub(super) fn pause_for(began: Instant) -> Duration {
    (began.elapsed() / 50).clamp(SHORTEST, LONGEST)
}
