//! Characters that nobody sees: to a reader they are nothing or a space, to Redis and Python they are letters.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Joins emoji into one; between two of them it is seen.
const JOINER: char = '\u{200d}';

/// Whether a character can't be seen, or looks like a space and is none.
pub fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{a0}'
            | '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{1680}'
            | '\u{180e}'
            | '\u{2000}'..='\u{200f}'
            | '\u{2028}'..='\u{202f}'
            | '\u{205f}'..='\u{206f}'
            | '\u{3000}'
            | '\u{3164}'
            | '\u{feff}'
            | '\u{ffa0}'
    )
}

/// Whether it looks like a space.
pub fn is_blank(c: char) -> bool {
    is_invisible(c) && c.is_whitespace()
}

/// `\u200b`, as Python and JSON write it.
pub fn escaped(c: char) -> String {
    format!("\\u{:04x}", u32::from(c))
}

/// The same text for people, with [`escaped`] in place of what can't be seen.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let joins =
            c == JOINER && [before, rest.peek().copied()].iter().all(|it| it.is_some_and(is_sign));
        if is_invisible(c) && !joins {
            let _ = write!(shown, "{}", escaped(c));
        } else {
            shown.push(c);
        }
        before = Some(c);
    }
    Cow::Owned(shown)
}

/// Emoji and the like.
fn is_sign(c: char) -> bool {
    !c.is_ascii() && !c.is_alphanumeric() && !is_invisible(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_seen_is_escaped() {
        assert_eq!(shown("\u{200b}SAVE"), "\\u200bSAVE");
        assert_eq!(shown("Manual\u{a0}snapshot\u{ad}s"), "Manual\\u00a0snapshot\\u00ads");
        assert!(matches!(shown("caf\u{e9} 日本 📸"), Cow::Borrowed(_)));
    }

    #[test]
    fn an_emoji_of_several_is_one() {
        assert_eq!(shown("👩\u{200d}👧"), "👩\u{200d}👧");
        assert_eq!(shown("a\u{200d}b"), "a\\u200db");
    }

    #[test]
    fn some_look_like_a_space() {
        assert!(is_blank('\u{a0}') && is_blank('\u{202f}'));
        assert!(!is_blank('\u{200b}') && !is_blank(' '));
    }
}
