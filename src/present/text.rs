//! Text for a terminal: its width, cutting and wrapping, and removal of control characters.

use std::borrow::Cow;

use crate::invisible;
pub use crate::sanitize::clean;
use crate::sanitize::is_unsafe;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The columns that one line of text takes on a terminal; ANSI escape sequences take none.
///
/// Counts graphemes, so that an emoji of several code points counts once.
pub fn display_width(text: &str) -> usize {
    Segments(text)
        .filter(|segment| !is_escape(segment))
        .flat_map(|segment| segment.graphemes(true))
        .map(UnicodeWidthStr::width)
        .sum()
}

/// One line of text cut to at most `width` columns, ending in `…` when something was left out.
///
/// Keeps all escape sequences, also after the cut, so that a colour is still reset.
pub fn truncate(text: &str, width: usize) -> String {
    if display_width(text) <= width {
        return text.to_owned();
    }
    let Some(room) = width.checked_sub(1) else { return String::new() };
    let mut kept = String::new();
    let (mut used, mut cut) = (0, false);
    for segment in Segments(text) {
        if is_escape(segment) {
            kept.push_str(segment);
            continue;
        }
        for grapheme in segment.graphemes(true) {
            used += grapheme.width();
            if !cut {
                cut = used > room;
                kept.push_str(if cut { "…" } else { grapheme });
            }
        }
    }
    kept
}

/// One line of text cut into pieces of at most `width` columns, without omissions. Closes open
/// looks (SGR escape sequences) at a cut and reopens them after it.
pub fn fold(text: &str, width: usize) -> Vec<String> {
    if display_width(text) <= width || width == 0 {
        return vec![text.to_owned()];
    }
    let mut pieces = vec![String::new()];
    let (mut used, mut looks) = (0, String::new());
    for segment in Segments(text) {
        if is_escape(segment) {
            note_look(segment, &mut looks);
        }
        let parts = if is_escape(segment) { vec![segment] } else { graphemes(segment) };
        for part in parts {
            let columns = if is_escape(segment) { 0 } else { part.width() };
            if used > 0 && used + columns > width {
                let end = if looks.is_empty() { "" } else { RESET };
                if let Some(piece) = pieces.last_mut() {
                    piece.push_str(end);
                }
                pieces.push(looks.clone());
                used = 0;
            }
            used += columns;
            if let Some(piece) = pieces.last_mut() {
                piece.push_str(part);
            }
        }
    }
    pieces
}

const RESET: &str = "\x1b[0m";

/// Updates the looks that are open after an escape sequence.
fn note_look(escape: &str, looks: &mut String) {
    match escape {
        RESET | "\x1b[m" => looks.clear(),
        look if is_look(look) => looks.push_str(look),
        _ => {}
    }
}

fn graphemes(text: &str) -> Vec<&str> {
    text.graphemes(true).collect()
}

/// Text broken at spaces into lines of at most `width` columns. `indent` precedes every line but
/// the first and is not counted. A longer word stays whole: it may be a path to copy.
pub fn wrap(text: &str, width: usize, indent: &str) -> String {
    let (mut wrapped, mut used) = (String::new(), 0);
    for (index, word) in text.split(' ').enumerate() {
        let columns = display_width(word);
        if index > 0 && used + 1 + columns > width {
            wrapped.push('\n');
            wrapped.push_str(indent);
            used = 0;
        } else if index > 0 {
            wrapped.push(' ');
            used += 1;
        }
        wrapped.push_str(word);
        used += columns;
    }
    wrapped
}

/// The text without colours, for a file. Removes only our own escape sequences, which set a look.
pub fn without_colors(text: &str) -> String {
    Segments(text).filter(|segment| !is_look(segment)).collect()
}

/// [`clean`] text with invisible characters written out as `\u200b`, for text from answers and
/// servers.
pub fn reveal(text: &str) -> Cow<'_, str> {
    match invisible::shown(text) {
        Cow::Borrowed(text) => clean(text),
        Cow::Owned(text) => Cow::Owned(clean(&text).into_owned()),
    }
}

/// Equivalent JSON whose strings contain no control characters for a terminal and no GitHub
/// command such as `##[error]`. Neither occurs outside strings.
pub fn escaped_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_unsafe(c) && !c.is_ascii_whitespace() {
            escaped.push_str(&invisible::escaped(c));
        } else {
            escaped.push(c);
        }
    }
    escaped.replace("##[", "##\\u005b")
}

/// Splits text into escape sequences and the text between them.
struct Segments<'a>(&'a str);

impl<'a> Iterator for Segments<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let length = match self.0.find('\x1b') {
            Some(0) => escape_length(self.0),
            Some(at) => at,
            None => self.0.len(),
        };
        let (segment, rest) = self.0.split_at(length);
        self.0 = rest;
        (!segment.is_empty()).then_some(segment)
    }
}

/// Whether a segment is an SGR sequence: `ESC [ 1 ; 31 m`.
fn is_look(segment: &str) -> bool {
    let parameters = segment.strip_prefix("\x1b[").and_then(|rest| rest.strip_suffix('m'));
    parameters.is_some_and(|text| text.bytes().all(|b| b.is_ascii_digit() || b == b';'))
}

fn is_escape(segment: &str) -> bool {
    segment.starts_with('\x1b')
}

/// The length in bytes of the escape sequence at the start of a text: ECMA-48 CSI, OSC, or ESC and
/// one character.
fn escape_length(text: &str) -> usize {
    let end = match text.as_bytes().get(1) {
        Some(b'[') => text[2..].find(|c| matches!(c, '@'..='~')).map(|at| at + 3),
        Some(b']') => [("\x07", 1), ("\x1b\\", 2)]
            .iter()
            .filter_map(|(end, length)| text.find(end).map(|at| at + length))
            .min(),
        _ => text.chars().nth(1).map(|c| 1 + c.len_utf8()),
    };
    end.unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_emoji_and_an_ideograph_take_two_columns() {
        assert_eq!(display_width("a📸日"), 5);
        assert_eq!(display_width("👩‍👩‍👧"), 2);
    }

    #[test]
    fn escape_sequences_take_no_columns() {
        assert_eq!(display_width("\x1b[1;36mSAVE\x1b[0m"), 4);
        assert_eq!(display_width("\x1b]8;;https://redis.io\x1b\\docs\x1b]8;;\x07"), 4);
    }

    #[test]
    fn an_escape_sequence_that_never_ends_takes_no_columns() {
        assert_eq!(display_width("ab\x1b[1"), 2);
        assert_eq!(display_width("ab\x1b"), 2);
    }

    #[test]
    fn text_that_fits_is_not_truncated() {
        assert_eq!(truncate("Snapshots", 9), "Snapshots");
    }

    #[test]
    fn truncated_text_ends_in_an_ellipsis_within_the_width() {
        assert_eq!(truncate("Snapshots", 8), "Snapsho…");
        assert_eq!(truncate("📸📸📸", 4), "📸…");
        assert_eq!(truncate("Snapshots", 1), "…");
        assert_eq!(truncate("Snapshots", 0), "");
    }

    #[test]
    fn folded_text_is_whole_and_keeps_its_looks() {
        assert_eq!(fold("Snapshots", 4), ["Snap", "shot", "s"]);
        assert_eq!(fold("Snap", 4), ["Snap"]);
        assert_eq!(fold("📸📸📸", 3), ["📸", "📸", "📸"]);
        let colored = fold("\x1b[31mSnap\x1b[0mshot", 3);
        assert_eq!(colored, ["\x1b[31mSna\x1b[0m", "\x1b[31mp\x1b[0msh", "ot"]);
    }

    #[test]
    fn text_is_wrapped_at_spaces_and_indented() {
        assert_eq!(wrap("a snapshot is a file", 10, "  "), "a snapshot\n  is a file");
        assert_eq!(wrap("see /a/long/path now", 5, ""), "see\n/a/long/path\nnow");
        assert_eq!(wrap("short", 10, "  "), "short");
    }

    #[test]
    fn code_is_folded_where_the_line_is_full() {
        assert_eq!(fold("GET  key", 5), ["GET  ", "key"]);
        assert_eq!(fold("📸📸", 3), ["📸", "📸"]);
        assert_eq!(fold("📸", 1), ["📸"]);
        assert_eq!(fold("", 5), [""]);
    }

    #[test]
    fn truncating_coloured_text_still_ends_the_colour() {
        assert_eq!(truncate("\x1b[31mSnapshots\x1b[0m", 5), "\x1b[31mSnap…\x1b[0m");
    }

    #[test]
    fn json_says_the_same_when_it_is_escaped() {
        let text = "\x1b \u{9b} \u{202e} ##[error] # [";
        let json = escaped_json(&serde_json::to_string(text).unwrap());
        let escaped = r#""\u001b \u009b \u202e ##\u005berror] # [""#;
        assert_eq!(json, escaped);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn what_nobody_sees_is_written_out() {
        assert_eq!(reveal("\u{200b}SAVE\u{202e}\u{7}"), "\\u200bSAVE\\u202e\u{fffd}");
        assert_eq!(reveal("plain 👩\u{200d}👧"), "plain 👩\u{200d}👧");
    }

    #[test]
    fn colours_are_taken_out() {
        assert_eq!(without_colors("a \u{1b}[1;31mred\u{1b}[0m b"), "a red b");
        assert_eq!(without_colors("plain"), "plain");
    }

    #[test]
    fn text_behind_a_foreign_escape_sequence_stays() {
        assert_eq!(without_colors("a\x1b[2J from here\x1b[0m"), "a\x1b[2J from here");
        assert_eq!(without_colors("a\x1b[ from here"), "a\x1b[ from here");
    }
}
