//! The check `blocked`: how long another client had to wait.

use std::time::Duration;

use super::Seen;
use crate::attempt::evidence::Waits;
use crate::lesson::WaitLimit;

pub(super) fn look_at_waits(limit: WaitLimit, waits: Option<&Waits>) -> Seen {
    let expected = format!("the longest wait of another client: {limit}");
    let Some(waits) = waits else {
        return Seen::unmet(expected, "the waits of other clients were not measured");
    };
    let longest = waits.longest;
    let took = match longest.took.as_millis() {
        0 => "less than 1 ms".to_owned(),
        milliseconds => format!("{milliseconds} ms"),
    };
    let since = match longest.at.as_millis() {
        _ if longest.took <= Duration::from_millis(1) => String::new(),
        0 => ", from the start on".to_owned(),
        at => format!(", from +{at} ms on"),
    };
    Seen {
        met: limit.holds(longest.took),
        expected,
        found: format!("another client waited {took}{since}"),
    }
}
