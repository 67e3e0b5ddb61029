//! Text from a lesson, a file name or a report is untrusted: it must not move the cursor, recolour
//! the screen or reorder what is shown. It is cleaned once, where it is read.

use std::borrow::Cow;
use std::path::Path;

/// True for control characters and for those that reorder text or end a line in some terminals.
pub fn is_unsafe(c: char) -> bool {
    // The last two are no characters, and XML cannot hold them.
    c.is_control()
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}')
}

/// Cleans text for one line: unsafe characters become U+FFFD, tabs and line ends become spaces.
pub fn clean(text: &str) -> Cow<'_, str> {
    replaced(text, |c| match c {
        '\t' | '\n' | '\r' => ' ',
        c => safe(c),
    })
}

/// Cleans text of several lines: unsafe characters become U+FFFD, tabs and line ends stay.
///
/// Each character is replaced by one character, so lines and columns do not change.
pub fn clean_lines(text: &str) -> Cow<'_, str> {
    replaced(text, |c| if is_layout(c) { c } else { safe(c) })
}

/// The unsafe characters that [`clean_lines`] replaces, each with its byte offset.
pub fn unsafe_characters(text: &str) -> impl Iterator<Item = (usize, char)> {
    text.char_indices().filter(|(_, c)| is_unsafe(*c) && !is_layout(*c))
}

/// `U+001B`.
pub fn code_point(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// Shows paths safely: `Path::display` prints unsafe characters as they are.
pub trait ShownPath {
    /// The path on one line, with U+FFFD in place of unsafe characters, a newline included.
    fn shown(&self) -> String;
}

impl ShownPath for Path {
    fn shown(&self) -> String {
        replaced(&self.to_string_lossy(), safe).into_owned()
    }
}

fn is_layout(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r')
}

fn safe(c: char) -> char {
    if is_unsafe(c) { char::REPLACEMENT_CHARACTER } else { c }
}

fn replaced(text: &str, replace: impl Fn(char) -> char) -> Cow<'_, str> {
    if text.contains(is_unsafe) {
        Cow::Owned(text.chars().map(replace).collect())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_text_cannot_control_a_terminal() {
        assert_eq!(clean("a\x1b[2Jb\u{9b}1m\u{202e}c\td"), "a\u{fffd}[2Jb\u{fffd}1m\u{fffd}c d");
        assert!(matches!(clean("plain"), Cow::Borrowed("plain")));
    }

    #[test]
    fn clean_lines_keep_their_ends_and_columns() {
        let text = "a\x1b\r\n\tb\u{7f}\u{2066}";
        assert_eq!(clean_lines(text), "a\u{fffd}\r\n\tb\u{fffd}\u{fffd}");
        let found: Vec<_> = unsafe_characters(text).collect();
        assert_eq!(found, [(1, '\x1b'), (6, '\x7f'), (7, '\u{2066}')]);
    }

    #[test]
    fn a_path_is_shown_on_one_line() {
        assert_eq!(
            Path::new("a\n::error::\x1b\u{202e}").shown(),
            "a\u{fffd}::error::\u{fffd}\u{fffd}"
        );
        assert_eq!(code_point('\x1b'), "U+001B");
    }
}
