//! Expected and found text of several lines, with marks on the lines that differ.

use crate::lesson::pattern::is_like;

const SAME: &str = "  ";
const DIFFERS: &str = "! ";
/// Stands for any number of lines.
const DOTS: &str = "...";

/// `expected` and `found`, each with a mark on every line that differs.
pub fn marked(expected: &str, found: &str) -> (String, String) {
    let (wanted, lines): (Vec<&str>, Vec<&str>) =
        (expected.lines().collect(), found.lines().collect());
    if wanted.len() == lines.len() && !wanted.contains(&DOTS) {
        let pairs = wanted.iter().zip(&lines);
        let same: Vec<bool> = pairs.map(|(wanted, line)| is_like(line, wanted)).collect();
        return (with_marks(&wanted, &same), with_marks(&lines, &same));
    }
    let first = alike(wanted.iter().zip(&lines));
    let room = wanted.len().min(lines.len()) - first;
    let last = alike(wanted.iter().rev().zip(lines.iter().rev()).take(room));
    let mut same_wanted = same_at_ends(wanted.len(), first, last);
    for (is_same, wanted) in same_wanted.iter_mut().zip(&wanted) {
        *is_same |= *wanted == DOTS;
    }
    let same_lines = same_at_ends(lines.len(), first, last);
    (with_marks(&wanted, &same_wanted), with_marks(&lines, &same_lines))
}

/// Of so many lines, whether each is one of the first or of the last ones.
fn same_at_ends(all: usize, first: usize, last: usize) -> Vec<bool> {
    (0..all).map(|at| at < first || at >= all - last).collect()
}

/// How many of these pairs of an expected and a found line are the same, up to the first that
/// differs or stands for several lines.
fn alike<'l>(pairs: impl Iterator<Item = (&'l &'l str, &'l &'l str)>) -> usize {
    pairs.take_while(|(wanted, line)| **wanted != DOTS && is_like(line, wanted)).count()
}

/// Each line indented as by [`marked`], without marks.
pub fn unmarked(text: &str) -> String {
    text.lines().map(|line| [SAME, line].concat()).collect::<Vec<_>>().join("\n")
}

/// The text without its marks, which would tell where a secret differs.
pub fn without_marks(text: &str) -> String {
    text.replace(&["\n", DIFFERS].concat(), &["\n", SAME].concat())
}

fn with_marks(lines: &[&str], same: &[bool]) -> String {
    let mut text = Vec::new();
    for (line, is_same) in lines.iter().zip(same) {
        text.push([if *is_same { SAME } else { DIFFERS }, line].concat());
    }
    text.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_differ_are_marked_one_by_one() {
        let (expected, found) =
            marked("1) (integer) 1\n2) ...\n3) \"b\"", "1) (integer) 2\n2) \"a\"\n3) \"b\"");
        assert_eq!(expected, "! 1) (integer) 1\n  2) ...\n  3) \"b\"");
        assert_eq!(found, "! 1) (integer) 2\n  2) \"a\"\n  3) \"b\"");
    }

    #[test]
    fn lines_that_are_missing_are_marked() {
        let (expected, found) = marked("1) \"a\"\n2) \"b\"\n3) \"c\"", "1) \"a\"");
        assert_eq!(expected, "  1) \"a\"\n! 2) \"b\"\n! 3) \"c\"");
        assert_eq!(found, "  1) \"a\"");
        let (expected, found) = marked("a\n...\nd", "a\nb\nc\ne");
        assert_eq!((expected.as_str(), found.as_str()), ("  a\n  ...\n! d", "  a\n! b\n! c\n! e"));
    }

    #[test]
    fn marks_can_be_left_out() {
        assert_eq!(unmarked("a\nb"), "  a\n  b");
        assert_eq!(without_marks("GET k:\n! a\n  b"), "GET k:\n  a\n  b");
    }
}
