//! `blocked`: how long another client had to wait.

use std::time::Duration;

use super::Seen;
use crate::attempt::evidence::Waits;
use crate::lesson::WaitLimit;

pub(super) fn look_at_waits(limit: WaitLimit, waits: Option<&Waits>) -> Seen {
    let expected = format!("the longest wait of another client: {limit}");
    let Some(waits) = waits else {
        return Seen::unmet(expected, "nobody watched how long other clients had to wait");
    };
    let took = match waits.longest.as_millis() {
        0 => "less than 1 ms".to_owned(),
        longest => format!("{longest} ms"),
    };
    let longest = waits.slow.iter().max_by_key(|wait| wait.took);
    let since = match longest.map(|wait| wait.at) {
        Some(at) if at >= Duration::from_millis(1) => format!(", from +{} ms on", at.as_millis()),
        Some(_) => ", from the start on".to_owned(),
        None => String::new(),
    };
    Seen {
        met: limit.holds(waits.longest),
        expected,
        found: format!("another client waited {took}{since}"),
    }
}
