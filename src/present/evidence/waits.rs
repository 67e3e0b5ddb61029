//! The waits of another client, where no picture shows them.

use std::time::Duration;

use colored::Colorize as _;

use super::mark_behind;
use crate::attempt::evidence::Waits;
use crate::present::text::{display_width, number};

const LABEL: &str = "who had to wait";

/// The numbers in one line, or below their label.
pub(super) fn block(waits: &Waits, is_marked: bool, width: usize) -> String {
    let numbers = numbers(waits);
    let mark = if is_marked { super::MARK.chars().count() + 2 } else { 0 };
    let indent = 2 + LABEL.len() + 2;
    let fits = indent + display_width(&numbers) + mark <= width;
    let (gap, indent) = if fits { ("  ", indent) } else { ("\n    ", 4) };
    let mark = if is_marked { mark_behind(&numbers, indent, width) } else { String::new() };
    format!("  {}{gap}{numbers}{mark}\n", LABEL.dimmed())
}

/// `4 PINGs, the longest wait 2816 ms`.
pub(in crate::present) fn numbers(waits: &Waits) -> String {
    format!("{}, the longest wait {}", pings(waits.pings), milliseconds(waits.longest.took))
}

pub(super) fn pings(count: u64) -> String {
    number(usize::try_from(count).unwrap_or(usize::MAX), "PING")
}

/// One decimal below 10 ms, none above: `0.4 ms`, `12 ms`.
pub(super) fn milliseconds(duration: Duration) -> String {
    if duration < Duration::from_millis(10) {
        format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
    } else {
        format!("{} ms", duration.as_millis())
    }
}
