//! The progress line, so that a wait does not look like a hang.

use std::time::Duration;

use colored::Colorize as _;

use super::plain;
use super::text::{clean, truncate};
use crate::attempt::{Phase, WorkProgress};
use crate::progress_event::seconds;

const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const FRAME_MILLIS: u128 = 100;

/// One line of at most `width` columns, without a line break: a spinner driven by the time since
/// the work began (`elapsed`), the progress and, after a second, the time without progress
/// (`unchanged`). Redrawn in place.
pub fn line(text: &str, elapsed: Duration, unchanged: Duration, width: usize) -> String {
    let text = words(text, unchanged);
    if plain::is_on() {
        return text;
    }
    let turn = elapsed.as_millis() / FRAME_MILLIS % FRAMES.len() as u128;
    let frame = FRAMES[usize::try_from(turn).unwrap_or(0)];
    truncate(&format!("{} {text}", frame.cyan()), width)
}

/// The same line without the spinner, of any width, for a log.
pub fn words(text: &str, unchanged: Duration) -> String {
    match unchanged.as_secs() {
        0 => clean(text).into_owned(),
        _ => format!("{}, {}", clean(text), seconds(unchanged)),
    }
}

/// The failures after the number of cases; empty if there are none.
pub fn failures(count: usize) -> String {
    match count {
        0 => String::new(),
        count => format!(", {count} broken"),
    }
}

pub fn phase(phase: Phase) -> String {
    match phase {
        Phase::Setup => "setting up the server".to_owned(),
        Phase::Answer { limit } => {
            format!("running the answer (at most {} s)", limit.as_secs_f64())
        }
        Phase::Settling(progress) => settling(progress),
        Phase::Crash => "killing and restarting the server".to_owned(),
        Phase::Restart => "ending and restarting the server".to_owned(),
        Phase::Restore => "loading the snapshot in a second server".to_owned(),
    }
}

/// `a background save runs: 3 of 10 keys`. Redis counts keys rarely: nothing is said before the
/// first.
pub fn settling(progress: WorkProgress) -> String {
    match progress {
        WorkProgress { work, keys: 0, .. } | WorkProgress { work, of: 0, .. } => {
            format!("a {} runs", work.name)
        }
        WorkProgress { work, keys, of } => format!("a {} runs: {keys} of {of} keys", work.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::present::text::display_width;

    fn at(millis: u64) -> String {
        line("pulling", Duration::from_millis(millis), Duration::ZERO, 80)
    }

    fn without_progress_for(millis: u64) -> String {
        line("starting", Duration::ZERO, Duration::from_millis(millis), 80)
    }

    #[test]
    fn the_spinner_turns_with_the_time() {
        colored::control::set_override(false);
        assert_eq!([at(0), at(150), at(1000)], ["⠋ pulling", "⠙ pulling", "⠋ pulling"]);
    }

    #[test]
    fn a_long_line_is_cut_so_that_it_can_be_drawn_over() {
        let line = line(&"word ".repeat(50), Duration::ZERO, Duration::ZERO, 40);
        assert_eq!(display_width(&line), 40);
        assert!(line.ends_with('…'), "{line}");
    }

    #[test]
    fn plain_output_has_no_spinner() {
        let line = plain::while_on(|| line("pulling", Duration::ZERO, Duration::ZERO, 80));
        assert_eq!(line, "pulling");
    }

    #[test]
    fn a_line_without_progress_says_for_how_long() {
        colored::control::set_override(false);
        let lines = [without_progress_for(900), without_progress_for(3100)];
        assert_eq!(lines, ["⠋ starting", "⠋ starting, 3 s"]);
    }
}
