//! Lays a frame out on a screen: which of its lines are visible, and where. Pure.

use super::console::{Frame, Size};
use crate::present::text::{display_width, fold, truncate, wrap};

/// If fewer lines would be left for the body, the checks are shown in one line.
const BODY_ROWS: usize = 9;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    /// From the top; none is wider than the screen, and there are no more than it has rows.
    pub rows: Vec<String>,
    /// The first visible line of the body.
    pub top: usize,
    /// How many lines of the body are visible.
    pub seen: usize,
}

pub fn lay_out(frame: &Frame, size: Size) -> Screen {
    let width = size.columns.max(1);
    let keys = key_rows(&frame.keys, width);
    let status = wrap_lines(&frame.status, width);
    let mut status: Vec<String> = status.lines().flat_map(|line| fold(line, width)).collect();
    if status.is_empty() {
        // Reserve its row, or the text would jump whenever the status appears.
        status.push(String::new());
    }
    // The title, the rule, the status and the keys.
    let fixed_rows = 2 + status.len() + keys.len();
    let has_room = fixed_rows + frame.checks.len() + BODY_ROWS <= size.rows;
    let checks = match (&frame.checks[..], has_room) {
        ([], _) => Vec::new(),
        (all, true) => all.to_vec(),
        (_, false) => vec![frame.checks_in_short.clone()],
    };
    let seen = size.rows.saturating_sub(fixed_rows + checks.len()).max(1);
    let body: Vec<String> = frame.body.lines().flat_map(|line| fold(line, width)).collect();
    let top = frame.top.min(body.len().saturating_sub(seen));
    let mut rows = vec![truncate(&frame.title, width)];
    rows.extend(body.iter().skip(top).take(seen).cloned());
    rows.resize(1 + seen, String::new());
    rows.push(rule(width, body.len(), top, seen));
    rows.extend(checks.iter().map(|check| truncate(check, width)));
    rows.extend(status);
    rows.extend(keys);
    rows.truncate(size.rows);
    Screen { rows, top, seen }
}

/// Breaks lines at spaces; [`fold`] breaks words that are longer than a line.
fn wrap_lines(text: &str, width: usize) -> String {
    let lines: Vec<String> = text.lines().map(|line| wrap(line, width, "")).collect();
    lines.join("\n")
}

/// The line under the body, with the number of body lines below the screen.
fn rule(width: usize, lines: usize, top: usize, seen: usize) -> String {
    let below = lines.saturating_sub(top + seen);
    let note = match (below, top) {
        (0, 0) => String::new(),
        (0, _) => " end ".to_owned(),
        (below, _) => format!(" {below} more · space ↓ "),
    };
    let note = truncate(&note, width);
    let line = "─".repeat(width.saturating_sub(display_width(&note) + 2));
    truncate(&format!("{line}{note}──"), width)
}

/// Puts as many keys into a row as fit.
fn key_rows(keys: &[String], width: usize) -> Vec<String> {
    let mut rows: Vec<String> = Vec::new();
    for key in keys {
        match rows.last_mut() {
            Some(row) if display_width(row) + 2 + display_width(key) <= width => {
                row.push_str("  ");
                row.push_str(key);
            }
            _ => rows.push(truncate(key, width)),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(lines: usize) -> Frame {
        let lines: Vec<String> = (1..=lines).map(|number| format!("line {number}")).collect();
        Frame {
            title: "title".to_owned(),
            body: lines.join("\n"),
            checks: words("first second third"),
            checks_in_short: "short".to_owned(),
            status: "status".to_owned(),
            keys: words("check hint next back quit"),
            ..Frame::default()
        }
    }

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_screen_has_as_many_rows_as_it_can_show_and_no_wider_ones() {
        for rows in 3..40 {
            for columns in 1..60 {
                let screen = lay_out(&frame(30), Size { columns, rows });
                assert!(screen.rows.len() <= rows, "{rows}×{columns}: {:#?}", screen.rows);
                assert!(screen.rows.iter().all(|row| display_width(row) <= columns));
            }
        }
    }

    #[test]
    fn whoever_scrolls_past_the_end_sees_the_end() {
        let size = Size { columns: 80, rows: 24 };
        let screen = lay_out(&Frame { top: 1000, ..frame(30) }, size);
        assert_eq!(screen.rows[screen.seen], "line 30");
        assert!(screen.rows[screen.seen + 1].contains(" end "));
    }

    #[test]
    fn what_is_below_is_counted() {
        let screen = lay_out(&frame(30), Size { columns: 80, rows: 24 });
        assert!(screen.rows[screen.seen + 1].contains(&format!(" {} more", 30 - screen.seen)));
    }

    #[test]
    fn on_a_low_screen_the_checks_take_one_line() {
        let low = lay_out(&frame(30), Size { columns: 80, rows: 15 });
        let high = lay_out(&frame(30), Size { columns: 80, rows: 24 });
        assert!(low.rows.contains(&"short".to_owned()) && !low.rows.contains(&"first".to_owned()));
        assert!(
            high.rows.contains(&"third".to_owned()) && !high.rows.contains(&"short".to_owned())
        );
    }

    #[test]
    fn the_status_is_broken_at_spaces() {
        let status = "it is never flushed, killed or configured".to_owned();
        let screen = lay_out(&Frame { status, ..frame(30) }, Size { columns: 24, rows: 24 });
        for row in ["it is never flushed,", "killed or configured"] {
            assert!(screen.rows.contains(&row.to_owned()), "{:#?}", screen.rows);
        }
    }

    #[test]
    fn keys_that_do_not_fit_go_on_in_the_next_row() {
        let rows = key_rows(&frame(0).keys, 15);
        assert_eq!(rows, ["check  hint", "next  back", "quit"]);
    }
}
