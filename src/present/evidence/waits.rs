//! The waits as a bar chart: each column is a period, its height the longest wait.

use std::time::Duration;

use colored::Colorize as _;

use super::mark_behind;
use crate::attempt::evidence::{Wait, Waits};
use crate::present::text::display_width;

const LABEL: &str = "who had to wait";
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// A narrower screen shows only the numbers.
const NARROW: usize = 60;
const WIDEST_STRIP: usize = 40;

/// The bar chart and its numbers in one line.
pub(super) fn strip(waits: &Waits, is_marked: bool, width: usize) -> String {
    let numbers = numbers(waits);
    let mark = if is_marked { super::MARK.chars().count() + 2 } else { 0 };
    let taken = 2 + LABEL.len() + 2 + 2 + numbers.len() + mark;
    let columns = width.saturating_sub(taken).min(WIDEST_STRIP);
    let drawn = if width < NARROW || columns < 8 || waits.watched.is_zero() {
        String::new()
    } else {
        bars(waits, columns) + "  "
    };
    let indent = 2 + LABEL.len() + 2;
    let all = drawn + &numbers;
    let fits = indent + display_width(&all) + mark <= width;
    let (gap, indent) = if fits { ("  ", indent) } else { ("\n    ", 4) };
    let mark = if is_marked { mark_behind(&all, indent, width) } else { String::new() };
    format!("  {}{gap}{all}{mark}\n", LABEL.dimmed())
}

/// `longest 2816 ms of 4 PINGs`.
pub(in crate::present) fn numbers(waits: &Waits) -> String {
    format!("longest {} of {}", milliseconds(waits.longest.took), pings(waits.pings))
}

pub(super) fn pings(count: u64) -> String {
    if count == 1 { "1 PING".to_owned() } else { format!("{count} PINGs") }
}

/// One decimal below 10 ms, none above: `0.4 ms`, `12 ms`.
pub(super) fn milliseconds(duration: Duration) -> String {
    if duration < Duration::from_millis(10) {
        format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
    } else {
        format!("{} ms", duration.as_millis())
    }
}

/// The longest wait that overlaps each column.
fn bars(waits: &Waits, columns: usize) -> String {
    let watched = waits.watched.as_secs_f64();
    let share = watched / f64::from(u32::try_from(columns).unwrap_or(u32::MAX));
    let mut strip = String::new();
    for column in 0..u32::try_from(columns).unwrap_or(0) {
        let from = share * f64::from(column);
        let overlapping = waits.slow.iter().filter(|wait| overlaps(wait, from, from + share));
        let longest = overlapping.map(|wait| wait.took).max().unwrap_or_default();
        strip.push(BARS[height(longest)]);
    }
    strip
}

/// Whether a wait overlaps a period, given in seconds.
fn overlaps(wait: &Wait, from: f64, until: f64) -> bool {
    let at = wait.at.as_secs_f64();
    at < until && at + wait.took.as_secs_f64() > from
}

/// The height on a log scale: flat up to 1 ms, the maximum from 1 s.
pub(in crate::present) fn height(wait: Duration) -> usize {
    let above = [3, 7, 20, 52, 139, 373, 1000];
    above.iter().take_while(|&&millis| wait >= Duration::from_millis(millis)).count()
}
