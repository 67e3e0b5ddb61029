//! A line that is being typed: its finished words, and the word under the cursor.

use crate::redis_cli::words;

/// The text before the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Typing {
    /// The words followed by white space, without a repeat count (`3 PING`).
    pub(super) finished: Vec<String>,
    /// The word under the cursor; empty after white space.
    pub(super) current: String,
    /// Where that word begins in the text.
    pub(super) begins_at: usize,
    /// Whether it is in quotes, open or closed, and so a value, not a token.
    pub(super) is_quoted: bool,
}

impl Typing {
    pub(super) fn of(text: &str) -> Self {
        // Pasted text may have several lines; the cursor is in the last one.
        let line_begins_at = text.rfind('\n').map_or(0, |index| index + 1);
        let line = &text[line_begins_at..];
        let is_open = words::split(line).is_err();
        let mut finished = words_of(line, is_open);
        let goes_on = is_open || !line.ends_with(|c: char| c.is_ascii_whitespace());
        let current = if goes_on { finished.pop().unwrap_or_default() } else { Vec::new() };
        let as_typed = line.rsplit(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
        let is_quoted = is_open || as_typed.contains(['"', '\'']);
        let current = String::from_utf8_lossy(&current).into_owned();
        let mut finished: Vec<String> =
            finished.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        if finished.first().is_some_and(|word| word.parse::<u64>().is_ok()) {
            finished.remove(0);
        }
        let begins_at = line_begins_at + line.len().saturating_sub(current.len());
        Self { finished, current, begins_at, is_quoted }
    }

    pub(super) fn finished(&self) -> Vec<&str> {
        self.finished.iter().map(String::as_str).collect()
    }

    /// The finished words and the word under the cursor, if there is one.
    pub(super) fn all(&self) -> Vec<&str> {
        let mut words = self.finished();
        if !self.current.is_empty() || self.is_quoted {
            words.push(&self.current);
        }
        words
    }
}

/// Splits the line into words; an open quote is closed at the end of the line.
fn words_of(line: &str, is_open: bool) -> Vec<Vec<u8>> {
    let closed_by = if is_open { ["\"", "'"].as_slice() } else { &[""] };
    closed_by
        .iter()
        .find_map(|quote| words::split(&format!("{line}{quote}")).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typing(text: &str) -> (Vec<String>, String, usize) {
        let typing = Typing::of(text);
        (typing.finished, typing.current, typing.begins_at)
    }

    #[test]
    fn the_last_word_goes_on_unless_a_blank_follows() {
        assert_eq!(typing("set k"), (vec!["set".into()], "k".into(), 4));
        assert_eq!(typing("set "), (vec!["set".into()], String::new(), 4));
        assert_eq!(typing(""), (Vec::new(), String::new(), 0));
    }

    #[test]
    fn a_repeat_count_and_earlier_lines_are_left_out() {
        assert_eq!(typing("3 get a"), (vec!["get".into()], "a".into(), 6));
        assert_eq!(typing("SET a 1\nGE"), (Vec::new(), "GE".into(), 8));
    }

    #[test]
    fn what_is_in_quotes_is_a_value() {
        let open = Typing::of("SET k \"a b");
        assert!(open.is_quoted);
        assert_eq!(open.all(), ["SET", "k", "a b"]);
        assert!(Typing::of("SET k \"a b\"").is_quoted);
        assert!(!Typing::of("SET \"k\" v").is_quoted);
        assert_eq!(Typing::of("SET k 'a").all(), ["SET", "k", "a"]);
    }
}
