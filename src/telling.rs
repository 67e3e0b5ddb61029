//! What is told while something takes its time: by a stage that works, to whoever has a screen.

use std::time::Duration;

/// How often at least those who work tell how far they are.
pub const TICK: Duration = Duration::from_millis(250);

/// Something to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told<'t> {
    /// One line that stays.
    Line(&'t str),
    /// How far it is, in a few words: replaces the progress before, and is gone when the work has ended.
    Progress(&'t str),
}

/// Whole seconds, since more would only flicker: `12 s`, `2 min 5 s`.
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
    fn from_a_minute_on_minutes_are_told() {
        assert_eq!(seconds(Duration::from_millis(59_900)), "59 s");
        assert_eq!(seconds(Duration::from_secs(125)), "2 min 5 s");
    }
}
