//! Lines of a full screen that do not scroll.

use colored::Colorize as _;

use super::text::{display_width, truncate};

/// The columns of a progress bar in the title.
const TITLE_BAR: usize = 6;
/// A shorter rest of a title tells nothing.
const SHORTEST_TITLE: usize = 8;

/// A part of the title: how far the student is, as a bar and in words.
#[derive(Debug, Clone)]
pub struct ProgressPart {
    pub done: usize,
    pub all: usize,
    pub words: String,
}

impl ProgressPart {
    fn with_bar(&self) -> String {
        format!("{} {}", bar(self.done, self.all, TITLE_BAR), self.words.dimmed())
    }
}

/// The title line: where the student is on the left, how far on the right. A narrow screen drops
/// the bars first, then the end of the name.
pub fn title(name: &str, parts: &[ProgressPart], width: usize) -> String {
    let words: Vec<&str> = parts.iter().map(|part| part.words.as_str()).collect();
    let words = words.join(" · ");
    let bars = parts.len() * (TITLE_BAR + 1);
    let gap = width.checked_sub(display_width(name) + display_width(&words));
    match gap {
        Some(gap) if gap >= bars + 2 => {
            let right: Vec<String> = parts.iter().map(ProgressPart::with_bar).collect();
            let separator = " · ".dimmed().to_string();
            format!("{}{}{}", name.dimmed(), " ".repeat(gap - bars), right.join(&separator))
        }
        Some(gap) if gap >= 2 => {
            format!("{}{}{}", name.dimmed(), " ".repeat(gap), words.dimmed())
        }
        _ => {
            let room = width.saturating_sub(display_width(&words) + 2);
            if room < SHORTEST_TITLE {
                return truncate(&words, width).dimmed().to_string();
            }
            format!("{}  {}", truncate(name, room).dimmed(), words.dimmed())
        }
    }
}

/// A progress bar. It is full only at the end, and empty only at the beginning.
pub fn bar(done: usize, all: usize, cells: usize) -> String {
    let full = match (done, all) {
        (0, _) | (_, 0) => 0,
        (done, all) if done >= all => cells,
        (done, all) => ((done * cells + all / 2) / all).clamp(1, cells.saturating_sub(1).max(1)),
    };
    format!("{}{}", "▓".repeat(full).green(), "░".repeat(cells - full).dimmed())
}

/// A line with the first of the notes that fits after its left part, and a part at the right edge.
/// On a narrow screen there is no note, and the right part gets a line of its own.
pub fn spread(left: &str, notes: &[&str], right: &str, width: usize) -> Vec<String> {
    let noted = notes.iter().map(|note| format!("{left}   {note}"));
    for left in noted.chain([left.to_owned()]) {
        let used = display_width(&left) + display_width(right);
        if used + 2 <= width || (right.is_empty() && used <= width) {
            let gap = " ".repeat(width - used);
            return vec![format!("{left}{gap}{right}").trim_end().to_owned()];
        }
    }
    let mut lines = vec![truncate(left, width)];
    if !right.is_empty() {
        lines.push(truncate(right, width));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(width: usize) -> String {
        colored::control::set_override(false);
        let parts = [(9, 11, "step 9 of 11"), (12, 41, "12 of 41 passed")];
        let parts = parts.map(|(done, all, words)| ProgressPart { done, all, words: words.into() });
        title("Lesson 4: Snapshotting", &parts, width)
    }

    #[test]
    fn a_narrow_title_drops_its_bars_first() {
        assert_eq!(
            at(80),
            "Lesson 4: Snapshotting              ▓▓▓▓▓░ step 9 of 11 · ▓▓░░░░ 12 of 41 passed"
        );
        assert_eq!(at(56), "Lesson 4: Snapshotting    step 9 of 11 · 12 of 41 passed");
        assert_eq!(at(40), "Lesson …  step 9 of 11 · 12 of 41 passed");
        assert_eq!(at(34), "step 9 of 11 · 12 of 41 passed");
    }

    #[test]
    fn a_title_is_never_too_wide() {
        for width in 1..100 {
            assert!(display_width(&at(width)) <= width, "{width}: {}", at(width));
        }
    }

    #[test]
    fn a_bar_is_full_only_at_the_end() {
        colored::control::set_override(false);
        let bars = [(0, 41), (1, 41), (20, 41), (40, 41), (41, 41), (0, 0)];
        let bars = bars.map(|(done, all)| bar(done, all, 4));
        assert_eq!(bars, ["░░░░", "▓░░░", "▓▓░░", "▓▓▓░", "▓▓▓▓", "░░░░"]);
    }

    #[test]
    fn a_line_that_does_not_fit_loses_its_note_and_then_its_right_part() {
        let notes = &["saved", "ok"];
        assert_eq!(spread("file", notes, "cli", 20), ["file   saved     cli"]);
        assert_eq!(spread("file", notes, "cli", 14), ["file   ok  cli".to_owned()]);
        assert_eq!(spread("file", notes, "cli", 12), ["file     cli"]);
        assert_eq!(spread("file", notes, "cli", 6), ["file", "cli"]);
    }
}
