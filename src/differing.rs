//! Long texts, cut to where they differ.

use std::fmt::Write as _;

/// A text of at most so many characters and lines is shown whole.
const WHOLE: usize = 300;
const WHOLE_LINES: usize = 24;
const WHOLE_BYTES: usize = 2000;
/// How much is shown before and after the first difference.
const BEFORE: usize = 40;
const AFTER: usize = 120;
const LINES_BEFORE: usize = 3;
const LINES_AFTER: usize = 8;

/// Both texts, if they are long only the part around their first difference.
pub fn differing(one: &str, other: &str) -> (String, String) {
    let at = first_difference(one, other);
    (around(one, at), around(other, at))
}

/// The text, if it is long only its beginning.
pub fn beginning(text: &str) -> String {
    around(text, 0)
}

/// The text, if it is long only what is around this byte.
pub fn around(text: &str, at: usize) -> String {
    let lines = text.lines().count();
    if lines > WHOLE_LINES || (lines > 1 && text.len() > WHOLE_BYTES) {
        return lines_around(text, at);
    }
    let (mut start, mut shown) = (0, Vec::new());
    for line in text.split('\n') {
        shown.push(line_around(line, at.saturating_sub(start).min(line.len())));
        start += line.len() + 1;
    }
    shown.join("\n")
}

/// In bytes, at the start of a character of both.
fn first_difference(one: &str, other: &str) -> usize {
    let equal = one.chars().zip(other.chars()).take_while(|(one, other)| one == other);
    equal.map(|(c, _)| c.len_utf8()).sum()
}

fn lines_around(text: &str, at: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let at = at.min(text.len());
    let line = text[..at].matches('\n').count();
    let line = line.min(lines.len() - 1);
    let start_of_line = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let (first, end) = (line.saturating_sub(LINES_BEFORE), lines.len().min(line + LINES_AFTER));
    let mut shown = Vec::new();
    if first > 0 {
        shown.push(format!("… {first} lines"));
    }
    for (index, text) in (first..).zip(&lines[first..end]) {
        shown.push(line_around(text, if index == line { at - start_of_line } else { 0 }));
    }
    if end < lines.len() {
        shown.push(format!("… {} more lines of {}", lines.len() - end, lines.len()));
    }
    shown.join("\n")
}

/// One line; `at` is a byte in it.
fn line_around(line: &str, at: usize) -> String {
    let length = line.chars().count();
    if length <= WHOLE {
        return line.to_owned();
    }
    let at = line.char_indices().take_while(|(byte, _)| *byte < at).count();
    let start = at.saturating_sub(BEFORE);
    let end = length.min(at + AFTER);
    let mut shown: String = line.chars().skip(start).take(end - start).collect();
    if start > 0 {
        shown.insert(0, '…');
    }
    if end < length {
        shown.push('…');
    }
    let from = if start > 0 { format!(" from {} on", start + 1) } else { String::new() };
    let _ = write!(shown, " ({length} characters{from})");
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_stay_whole() {
        assert_eq!(differing("a\nb", "a\nc"), ("a\nb".to_owned(), "a\nc".to_owned()));
    }

    #[test]
    fn a_long_text_is_cut_where_it_differs() {
        let long = format!("{}b{}", "a".repeat(1000), "c".repeat(8000));
        let (one, other) = differing(&long, &"a".repeat(1000));
        assert_eq!(
            one,
            format!("…{}b{}… (9001 characters from 961 on)", "a".repeat(40), "c".repeat(119))
        );
        assert_eq!(other, format!("…{} (1000 characters from 961 on)", "a".repeat(40)));
    }

    #[test]
    fn a_text_that_differs_at_once_shows_its_beginning() {
        let (one, other) = differing(&"a".repeat(9000), "nope");
        assert_eq!(one, format!("{}… (9000 characters)", "a".repeat(AFTER)));
        assert_eq!(other, "nope");
    }

    #[test]
    fn of_many_lines_those_around_the_difference_are_kept() {
        let lines = |at: usize| {
            let line =
                |number| if number == at { "other".to_owned() } else { format!("{number}) a") };
            (1..=100).map(line).collect::<Vec<_>>().join("\n")
        };
        let (one, _) = differing(&lines(50), &lines(0));
        assert_eq!(
            one,
            "… 46 lines\n47) a\n48) a\n49) a\nother\n51) a\n52) a\n53) a\n54) a\n55) a\n56) a\n57) \
             a\n… 43 more lines of 100"
        );
    }

    #[test]
    fn wide_characters_are_never_split() {
        let (one, other) = ("é".repeat(500) + "x", "é".repeat(500) + "日");
        let (one, other) = differing(&one, &other);
        assert!(one.ends_with("éx (501 characters from 461 on)"), "{one}");
        assert!(other.contains("é日"), "{other}");
    }

    #[test]
    fn nothing_long_comes_out() {
        let long = format!("{}\n", "x".repeat(5000)).repeat(3000);
        for text in [long.clone(), long.replace('\n', "")] {
            let (one, other) = differing(&text, "y");
            assert!(one.len() < 4000 && other == "y", "{}", one.len());
        }
    }
}
