//! Lays a frame out on a screen: which of its lines are visible, and where. Pure.

use super::console::{Frame, Shown, Size};
use crate::present::text::{display_width, fold, truncate, wrap};

/// If fewer lines would be left for the body, the checks are shown in one line.
const BODY_ROWS: usize = 9;
/// The same if the student has asked for the checks.
const FEWEST_BODY_ROWS: usize = 3;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    /// From the top; none is wider than the screen, and there are no more than it has rows.
    pub rows: Vec<String>,
    pub shown: Shown,
}

pub fn lay_out(frame: &Frame, size: Size) -> Screen {
    let width = size.columns.max(1);
    let below = rows_below(frame, size);
    // The title and the rule.
    let seen = size.rows.saturating_sub(2 + below.len()).max(1);
    let body: Vec<String> = frame.body.lines().flat_map(|line| fold(line, width)).collect();
    let top = first_line(frame, body.len(), seen);
    let shown = Shown { top, seen, below: body.len().saturating_sub(top + seen) };
    let mut rows = vec![truncate(&frame.title, width)];
    rows.extend(body.iter().skip(top).take(seen).cloned());
    rows.resize(1 + seen, String::new());
    rows.push(rule(width, shown, &frame.at_the_end));
    rows.extend(below);
    rows.truncate(size.rows);
    Screen { rows, shown }
}

/// The rows below the rule: what is fixed, the checks, the status and the keys.
fn rows_below(frame: &Frame, size: Size) -> Vec<String> {
    let width = size.columns.max(1);
    let keys = key_rows(&frame.keys, width);
    let status = wrap_lines(&frame.status, width);
    let mut status: Vec<String> = status.lines().flat_map(|line| fold(line, width)).collect();
    if status.is_empty() {
        // Reserve its row, or the text would jump whenever the status appears.
        status.push(String::new());
    }
    let others = 2 + status.len() + keys.len();
    let room = size.rows.saturating_sub(others + BODY_ROWS);
    let mut rows: Vec<String> = Vec::new();
    rows.extend(frame.fixed.iter().take(room).map(|line| truncate(line, width)));
    let body_rows = if frame.are_checks_wanted { FEWEST_BODY_ROWS } else { BODY_ROWS };
    let room = size.rows.saturating_sub(others + rows.len() + body_rows);
    match (&frame.checks[..], &frame.checks_in_short[..]) {
        (all @ [_, ..], _) if all.len() <= room => {
            rows.extend(all.iter().map(|check| truncate(check, width)));
        }
        (_, "") => {}
        (_, short) => rows.push(truncate(short, width)),
    }
    rows.extend(status);
    rows.extend(keys);
    rows
}

/// The first visible line of the body.
fn first_line(frame: &Frame, lines: usize, seen: usize) -> usize {
    let top = frame.top.min(lines.saturating_sub(seen));
    match frame.cursor {
        Some(cursor) => top.clamp((cursor + 1).saturating_sub(seen), cursor),
        None => top,
    }
}

/// Breaks lines at spaces; [`fold`] breaks words that are longer than a line.
fn wrap_lines(text: &str, width: usize) -> String {
    let lines: Vec<String> = text.lines().map(|line| wrap(line, width, "")).collect();
    lines.join("\n")
}

/// The line under the body, with the number of body lines below the screen, or with what the space
/// bar does at the end.
fn rule(width: usize, shown: Shown, at_the_end: &str) -> String {
    let note = match (shown.below, shown.top, at_the_end) {
        (0, 0, "") => String::new(),
        (0, _, "") => " end ".to_owned(),
        (0, 0, next) => format!(" space: {next} "),
        (0, _, next) => format!(" end · space: {next} "),
        (below, ..) => format!(" {below} more · space ↓ "),
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
        assert_eq!(screen.rows[screen.shown.seen], "line 30");
        assert!(screen.rows[screen.shown.seen + 1].contains(" end "));
    }

    #[test]
    fn what_is_below_is_counted() {
        let screen = lay_out(&frame(30), Size { columns: 80, rows: 24 });
        assert!(
            screen.rows[screen.shown.seen + 1]
                .contains(&format!(" {} more", 30 - screen.shown.seen))
        );
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
    fn checks_that_are_wanted_may_leave_few_lines_of_the_text() {
        let frame = Frame { are_checks_wanted: true, ..frame(30) };
        let low = lay_out(&frame, Size { columns: 80, rows: 15 });
        assert!(low.rows.contains(&"first".to_owned()), "{:#?}", low.rows);
    }

    #[test]
    fn the_cursor_is_always_visible() {
        for cursor in 0..30 {
            for top in [0, 10, 29] {
                let frame = Frame { cursor: Some(cursor), top, ..frame(30) };
                let shown = lay_out(&frame, Size { columns: 80, rows: 24 }).shown;
                assert!(
                    (shown.top..shown.top + shown.seen).contains(&cursor),
                    "{cursor} {shown:?}"
                );
            }
        }
    }

    #[test]
    fn at_the_end_the_rule_says_what_comes_next() {
        let size = Size { columns: 80, rows: 24 };
        let frame = Frame { at_the_end: "next".to_owned(), ..frame(3) };
        let screen = lay_out(&frame, size);
        assert!(screen.rows[screen.shown.seen + 1].contains(" space: next "));
    }

    #[test]
    fn fixed_lines_stay_below_the_rule_unless_the_screen_is_low() {
        let frame = Frame { fixed: words("file"), ..frame(30) };
        for (rows, is_shown) in [(24, true), (10, false)] {
            let screen = lay_out(&frame, Size { columns: 80, rows });
            assert_eq!(screen.rows.contains(&"file".to_owned()), is_shown, "{:#?}", screen.rows);
        }
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
