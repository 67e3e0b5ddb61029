//! Progress reports of slow work, for whoever has a screen.

use std::time::Duration;

/// The longest time between two reports of the same work.
pub const TICK: Duration = Duration::from_millis(250);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgressEvent<'t> {
    /// A line that stays on the screen.
    Message(&'t str),
    /// How far the work is, in a few words. Replaces the previous status, and disappears when the
    /// work ends.
    Status(&'t str),
}

/// Whole seconds, since smaller units would flicker: `12 s`, `2 min 5 s`.
pub fn seconds(elapsed: Duration) -> String {
    match elapsed.as_secs() {
        all @ 0..60 => format!("{all} s"),
        all => format!("{} min {} s", all / 60, all % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_shown_from_one_minute_on() {
        assert_eq!(seconds(Duration::from_millis(59_900)), "59 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 5 s");
    }
}
