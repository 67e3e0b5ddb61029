//! Work that goes on, so that nobody takes waiting for a hang.

use std::time::Duration;

use colored::Colorize as _;

use super::plain;
use super::text::{clean, truncate};
use crate::attempt::{Phase, SaveProgress};
use crate::telling::seconds;

const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MILLIS: u128 = 100;

/// One line without its end, at most `width` columns: a sign that turns with the time since the work began
/// (`elapsed`), how far the work is, and from a second on for how long it has not got any further
/// (`unchanged`). Drawn again and again, over itself.
pub fn line(text: &str, elapsed: Duration, unchanged: Duration, width: usize) -> String {
    let text = words(text, unchanged);
    if plain::is_on() {
        return text;
    }
    let turn = elapsed.as_millis() / FRAME_MILLIS % FRAMES.len() as u128;
    let frame = FRAMES[usize::try_from(turn).unwrap_or(0)];
    truncate(&format!("{} {text}", frame.cyan()), width)
}

/// The same without a sign, of any width: for a log.
pub fn words(text: &str, unchanged: Duration) -> String {
    match unchanged.as_secs() {
        0 => clean(text).into_owned(),
        _ => format!("{}, {}", clean(text), seconds(unchanged)),
    }
}

/// What is said of failures behind the number of cases; nothing where there are none.
pub fn failures(count: usize) -> String {
    match count {
        0 => String::new(),
        count => format!(", {count} broken"),
    }
}

/// What an attempt is busy with, in a few words.
pub fn phase(phase: Phase) -> String {
    match phase {
        Phase::Setup => "setting the server up".to_owned(),
        Phase::Answer { limit } => format!("the answer runs (at most {} s)", limit.as_secs_f64()),
        Phase::Saving(progress) => saving(progress),
        Phase::Crash => "killing the server and starting it again".to_owned(),
        Phase::Restore => "loading the snapshot in a second server".to_owned(),
    }
}

/// `a background save runs: 3 of 10 keys`.
pub fn saving(progress: SaveProgress) -> String {
    match progress {
        SaveProgress { of: 0, .. } => "a background save runs".to_owned(),
        SaveProgress { keys, of } => format!("a background save runs: {keys} of {of} keys"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::text::display_width;

    #[test]
    fn the_sign_turns_with_the_time() {
        colored::control::set_override(false);
        let at = |millis| line("pulling", Duration::from_millis(millis), Duration::ZERO, 80);
        assert_eq!([at(0), at(150), at(1000)], ["⠋ pulling", "⠙ pulling", "⠋ pulling"]);
    }

    #[test]
    fn a_long_line_is_cut_so_that_it_can_be_drawn_over() {
        let line = line(&"word ".repeat(50), Duration::ZERO, Duration::ZERO, 40);
        assert_eq!(display_width(&line), 40);
        assert!(line.ends_with('…'), "{line}");
    }

    #[test]
    fn in_words_only_there_is_no_sign() {
        let line = plain::while_on(|| line("pulling", Duration::ZERO, Duration::ZERO, 80));
        assert_eq!(line, "pulling");
    }

    #[test]
    fn what_gets_no_further_says_for_how_long() {
        colored::control::set_override(false);
        let after = |millis| line("starting", Duration::ZERO, Duration::from_millis(millis), 80);
        assert_eq!([after(900), after(3100)], ["⠋ starting", "⠋ starting, 3 s"]);
    }
}
