//! The student's answer beside the solution. The only user of `similar`.

use std::fmt::Write as _;

use colored::{Color, Colorize as _};
use similar::{Algorithm, ChangeTag, DiffOp, capture_diff_slices, group_diff_ops};

use super::text::{clean, display_width, fold};

/// So many equal lines stand around what differs.
const CONTEXT: usize = 3;
/// A tab's columns, in code that is shown beside other code.
const TAB: &str = "    ";
/// Between the two columns, with a marker in the middle: ` < `, ` | `, ` > `.
const GAP: usize = 3;
/// Narrower columns can't be read.
const NARROWEST: usize = 10;

/// Both texts in one column within `width`: `-` stands before lines of `yours`, `+` before those of the solution,
/// `names` above. Long lines go on below their beginning. Line ends and what is behind the last line don't count.
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
    let mut told = 0;
    for group in group_diff_ops(diff(&old, &new), CONTEXT) {
        let is_behind_a_gap = group.first().is_some_and(|op| op.old_range().start > told);
        if is_behind_a_gap {
            let _ = writeln!(text, "{}", "…".dimmed());
        }
        for change in group.iter().flat_map(|op| op.iter_changes(&old, &new)) {
            text.push_str(&marked_line(change.tag(), &change.value(), width));
        }
        told = group.last().map_or(told, |op| op.old_range().end);
    }
    if told < old.len() {
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

/// The texts beside each other, `yours` on the left: for screens of 100 columns or more. In the middle stands `|`
/// where a line differs, `<` where it is only on the left, `>` where it is only on the right.
pub fn side_by_side(yours: &str, solution: &str, names: (&str, &str), width: usize) -> String {
    let (old, new) = (lines(yours), lines(solution));
    if old == new {
        return same(names);
    }
    let column = (width.saturating_sub(GAP) / 2).max(NARROWEST);
    let mut text = row(column, &clean(names.0), ' ', &clean(names.1));
    let _ = writeln!(text, "{}", "─".repeat(column * 2 + GAP).dimmed());
    for op in &diff(&old, &new) {
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
        let line = |side: &[String]| side.get(index).cloned().unwrap_or_default();
        text.push_str(&row(column, &line(left), marker, &line(right)));
    }
    text
}

/// As many lines of the screen as the longer side needs.
fn row(column: usize, left: &str, marker: char, right: &str) -> String {
    let (left, right) = (fold(left, column), fold(right, column));
    let mut text = String::new();
    for index in 0..left.len().max(right.len()) {
        let (left, right) = (piece(&left, index), piece(&right, index));
        let gap = " ".repeat(column.saturating_sub(display_width(left)));
        let colour = |colour| Some(colour).filter(|_| marker != ' ');
        let middle = painted(&marker.to_string(), colour(Color::Yellow));
        let (left, right) =
            (painted(left, colour(Color::Red)), painted(right, colour(Color::Green)));
        text.push_str(format!("{left}{gap} {middle} {right}").trim_end());
        text.push('\n');
    }
    text
}

/// No escape sequences around nothing.
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

fn diff(old: &[String], new: &[String]) -> Vec<DiffOp> {
    capture_diff_slices(Algorithm::Myers, old, new)
}

/// As they are shown: no line ends, no space behind, nothing that steers a terminal.
fn lines(text: &str) -> Vec<String> {
    let shown = |line: &str| clean(&line.replace('\t', TAB)).trim_end().to_owned();
    let mut lines: Vec<String> = text.lines().map(shown).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const YOURS: &str = "import redis\n\nclient = redis.Redis()\nclient.bgsave()\nprint('done')\n";
    const SOLUTION: &str = "import redis\n\nclient = redis.Redis()\nclient.save()\n\
                            client.bgsave()\nprint('Manual snapshot triggered.')\n";
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
          client.bgsave()
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
        client.bgsave()                client.bgsave()
        print('done')                | print('Manual snapshot trigg
                                     | ered.')
        ");
    }

    #[test]
    fn long_equal_parts_are_left_out() {
        let same: String =
            (b'a'..=b't').map(|it| ["PING ", &char::from(it).to_string(), "\n"].concat()).collect();
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
