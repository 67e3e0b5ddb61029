//! Compares the student's answer with the solution. The only user of `similar`.

use std::fmt::Write as _;

use colored::{Color, Colorize as _};
use similar::{Algorithm, ChangeTag, DiffOp, capture_diff_slices, group_diff_ops};

use super::text::{clean, display_width, fold};

/// The number of equal lines shown around each difference.
const CONTEXT: usize = 3;
/// The replacement of a tab.
const TAB: &str = "    ";
/// The width between the two columns, with a marker in the middle: ` < `, ` | `, ` > `.
const GAP: usize = 3;
/// Narrower columns are unreadable.
const NARROWEST: usize = 10;

/// Both texts in one column within `width`, below `names`: `-` marks lines of `yours`, `+` lines of
/// the solution. Folds long lines. Ignores line endings and blank lines at the end.
pub fn unified(yours: &str, solution: &str, names: (&str, &str), width: usize) -> String {
    let (old, new) = (lines(yours), lines(solution));
    if old == new {
        return same(names);
    }
    let mut text = format!(
        "{}\n{}\n",
        format!("--- {}", clean(names.0)).red(),
        format!("+++ {}", clean(names.1)).green()
    );
    let mut shown = 0;
    for group in group_diff_ops(capture_diff_slices(Algorithm::Myers, &old, &new), CONTEXT) {
        if group.first().is_some_and(|op| op.old_range().start > shown) {
            let _ = writeln!(text, "{}", "…".dimmed());
        }
        for change in group.iter().flat_map(|op| op.iter_changes(&old, &new)) {
            text.push_str(&marked_line(change.tag(), &change.value(), width));
        }
        shown = group.last().map_or(shown, |op| op.old_range().end);
    }
    if shown < old.len() {
        let _ = writeln!(text, "{}", "…".dimmed());
    }
    text
}

fn marked_line(tag: ChangeTag, line: &str, width: usize) -> String {
    let (marker, colour) = match tag {
        ChangeTag::Delete => ("- ", Some(Color::Red)),
        ChangeTag::Insert => ("+ ", Some(Color::Green)),
        ChangeTag::Equal => ("  ", None),
    };
    let pieces = fold(line, width.saturating_sub(marker.len()).max(NARROWEST));
    pieces.iter().fold(String::new(), |text, piece| {
        text + &painted(format!("{marker}{piece}").trim_end(), colour) + "\n"
    })
}

/// The texts side by side, `yours` on the left, for screens of 100 columns or more. The marker
/// between them is `|` if a line differs, `<` if it is only on the left, `>` if it is only on the
/// right.
pub fn side_by_side(yours: &str, solution: &str, names: (&str, &str), width: usize) -> String {
    let (old, new) = (lines(yours), lines(solution));
    if old == new {
        return same(names);
    }
    let column = (width.saturating_sub(GAP) / 2).max(NARROWEST);
    let mut text = row(column, &clean(names.0), ' ', &clean(names.1));
    let _ = writeln!(text, "{}", "─".repeat(column * 2 + GAP).dimmed());
    for op in &capture_diff_slices(Algorithm::Myers, &old, &new) {
        text.push_str(&rows(column, op, &old, &new));
    }
    text
}

fn rows(column: usize, op: &DiffOp, old: &[String], new: &[String]) -> String {
    let (left, right) = (&old[op.old_range()], &new[op.new_range()]);
    let mut text = String::new();
    for index in 0..left.len().max(right.len()) {
        let marker = match (op, left.get(index), right.get(index)) {
            (DiffOp::Equal { .. }, ..) => ' ',
            (_, Some(_), Some(_)) => '|',
            (_, _, None) => '<',
            (_, None, _) => '>',
        };
        text.push_str(&row(column, piece(left, index), marker, piece(right, index)));
    }
    text
}

/// As many screen lines as the longer side needs.
fn row(column: usize, left: &str, marker: char, right: &str) -> String {
    let (left, right) = (fold(left, column), fold(right, column));
    let colors = match marker {
        ' ' => [None; 3],
        _ => [Color::Red, Color::Yellow, Color::Green].map(Some),
    };
    let mut text = String::new();
    for index in 0..left.len().max(right.len()) {
        let (left, right) = (piece(&left, index), piece(&right, index));
        let gap = " ".repeat(column.saturating_sub(display_width(left)));
        let (left, right) = (painted(left, colors[0]), painted(right, colors[2]));
        let middle = painted(&marker.to_string(), colors[1]);
        text.push_str(format!("{left}{gap} {middle} {right}").trim_end());
        text.push('\n');
    }
    text
}

/// Empty text gets no escape sequences.
fn painted(text: &str, colour: Option<Color>) -> String {
    match colour {
        Some(colour) if !text.is_empty() => text.color(colour).to_string(),
        _ => text.to_owned(),
    }
}

fn piece(pieces: &[String], index: usize) -> &str {
    pieces.get(index).map_or("", String::as_str)
}

fn same(names: (&str, &str)) -> String {
    format!("{} and {} are the same\n", clean(names.0), clean(names.1))
}

/// The lines as shown, without trailing space, control characters and blank lines at the end.
fn lines(text: &str) -> Vec<String> {
    let text = text.trim_end().replace('\t', TAB);
    text.lines().map(|line| clean(line).trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const YOURS: &str = "import redis\n\nclient = redis.Redis()\nclient.dbsize()\nprint('done')\n";
    const SOLUTION: &str = "import redis\n\nclient = redis.Redis()\nclient.save()\n\
                            client.dbsize()\nprint('Manual snapshot triggered.')\n";
    const NAMES: (&str, &str) = ("your answer", "the solution");

    fn plain(show: impl Fn() -> String) -> String {
        colored::control::set_override(false);
        show()
    }

    #[test]
    fn what_differs_is_marked_without_colour() {
        let text = plain(|| unified(YOURS, SOLUTION, NAMES, 80));
        insta::assert_snapshot!(text, @r"
        --- your answer
        +++ the solution
          import redis

          client = redis.Redis()
        + client.save()
          client.dbsize()
        - print('done')
        + print('Manual snapshot triggered.')
        ");
    }

    #[test]
    fn both_stand_beside_each_other() {
        let text = plain(|| side_by_side(YOURS, SOLUTION, NAMES, 60));
        insta::assert_snapshot!(text, @r"
        your answer                    the solution
        ───────────────────────────────────────────────────────────
        import redis                   import redis

        client = redis.Redis()         client = redis.Redis()
                                     > client.save()
        client.dbsize()                client.dbsize()
        print('done')                | print('Manual snapshot trigg
                                     | ered.')
        ");
    }

    #[test]
    fn long_equal_parts_are_left_out() {
        let same: String =
            ('a'..='t').map(|letter| ["PING ", &letter.to_string(), "\n"].concat()).collect();
        let text =
            plain(|| unified(&(same.clone() + "SAVE\n" + &same), &same.repeat(2), NAMES, 80));
        insta::assert_snapshot!(text, @r"
        --- your answer
        +++ the solution
        …
          PING r
          PING s
          PING t
        - SAVE
          PING a
          PING b
          PING c
        …
        ");
    }

    #[test]
    fn equal_answers_are_said_to_be_equal() {
        let (yours, solution) = ("SAVE\r\nBGSAVE  ", "SAVE\nBGSAVE\n\n");
        let said = "your answer and the solution are the same\n";
        assert_eq!(unified(yours, solution, NAMES, 80), said);
        assert_eq!(side_by_side(yours, solution, NAMES, 100), said);
    }

    #[test]
    fn an_empty_answer_is_all_to_be_added() {
        let text = plain(|| unified("", "SAVE\nBGSAVE\n", NAMES, 80));
        assert!(text.ends_with("+ SAVE\n+ BGSAVE\n"), "{text}");
    }

    #[test]
    fn no_line_is_wider_than_the_screen_and_nothing_is_lost() {
        let long = format!("SET key {}", "日本語📸".repeat(20));
        for width in [40, 61, 100] {
            let shown = [
                plain(|| unified(&long, "GET key", NAMES, width)),
                plain(|| side_by_side(&long, "GET key", NAMES, width)),
            ];
            for text in shown {
                assert!(text.lines().all(|line| display_width(line) <= width), "{text}");
                assert_eq!(text.matches('📸').count(), 20, "{text}");
            }
        }
    }

    #[test]
    fn what_steers_a_terminal_does_not_reach_it() {
        let text = plain(|| unified("a\x1b[2J", "b", ("\x1b]0;x", "y"), 80));
        assert!(!text.contains('\x1b'), "{text:?}");
    }
}
