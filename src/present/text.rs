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
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.len();
    }
    Parts(text).map(columns).sum()
}

fn columns(part: &str) -> usize {
    if is_escape(part) { 0 } else { part.width() }
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
    let (mut used, mut is_cut) = (0, false);
    for part in Parts(text) {
        used += columns(part);
        if is_escape(part) {
            kept.push_str(part);
        } else if !is_cut {
            is_cut = used > room;
            kept.push_str(if is_cut { "…" } else { part });
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
    let (mut pieces, mut piece) = (Vec::new(), String::new());
    let (mut used, mut looks) = (0, String::new());
    for part in Parts(text) {
        match part {
            RESET | "\x1b[m" => looks.clear(),
            look if is_look(look) => looks.push_str(look),
            _ => {}
        }
        let columns = columns(part);
        if used > 0 && used + columns > width {
            piece.push_str(if looks.is_empty() { "" } else { RESET });
            pieces.push(std::mem::replace(&mut piece, looks.clone()));
            used = 0;
        }
        used += columns;
        piece.push_str(part);
    }
    pieces.push(piece);
    pieces
}

const RESET: &str = "\x1b[0m";

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

pub fn number(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The text without colours, for a file. Removes only our own escape sequences, which set a look.
pub fn without_colors(text: &str) -> String {
    Parts(text).filter(|part| !is_look(part)).collect()
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

/// Splits text into escape sequences and the graphemes between them.
struct Parts<'a>(&'a str);

impl<'a> Iterator for Parts<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let length = if is_escape(self.0) {
            escape_length(self.0)
        } else {
            self.0.graphemes(true).next()?.len()
        };
        let (part, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(part)
    }
}

/// Whether a part is an SGR sequence: `ESC [ 1 ; 31 m`.
fn is_look(part: &str) -> bool {
    let parameters = part.strip_prefix("\x1b[").and_then(|rest| rest.strip_suffix('m'));
    parameters.is_some_and(|text| text.bytes().all(|b| b.is_ascii_digit() || b == b';'))
}

fn is_escape(part: &str) -> bool {
    part.starts_with('\x1b')
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
