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

/// For times that nobody watches: `40 s`, `12 min`, `3 h 5 min`.
pub fn rounded(time: Duration) -> String {
    let (seconds, minutes) = (time.as_secs(), time.as_secs() / 60);
    match minutes {
        0 => format!("{seconds} s"),
        1..60 => format!("{minutes} min"),
        _ if minutes.is_multiple_of(60) => format!("{} h", minutes / 60),
        _ => format!("{} h {} min", minutes / 60, minutes % 60),
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

    #[test]
    fn long_times_have_no_seconds() {
        let rounded = |seconds| rounded(Duration::from_secs(seconds));
        assert_eq!(
            [rounded(59), rounded(125), rounded(7200), rounded(11_100)],
            ["59 s", "2 min", "2 h", "3 h 5 min"]
        );
    }
}
