//! Invisible characters: a reader sees nothing or a space, but Redis and Python see letters.

use std::borrow::Cow;

/// Joins two emoji into one; its effect between them is visible.
const JOINER: char = '\u{200d}';

/// Whether a character is invisible, or looks like a space but is not one.
pub fn is_invisible(c: char) -> bool {
    let single = "\u{a0}\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{1680}\u{180e}\u{3000}\u{3164}\u{feff}\
                  \u{ffa0}";
    let ranges = ['\u{2000}'..='\u{200f}', '\u{2028}'..='\u{202f}', '\u{205f}'..='\u{206f}'];
    single.contains(c) || ranges.iter().any(|range| range.contains(&c))
}

/// Whether an invisible character looks like a space.
pub fn is_blank(c: char) -> bool {
    is_invisible(c) && c.is_whitespace()
}

/// The character as `\u200b`, the notation of Python and JSON.
pub fn escaped(c: char) -> String {
    format!("\\u{:04x}", u32::from(c))
}

/// The text with invisible characters [`escaped`].
pub fn shown(text: &str) -> Cow<'_, str> {
    if !text.contains(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for (at, c) in text.char_indices() {
        let (before, after) = (text[..at].chars().next_back(), text[at..].chars().nth(1));
        let joins = c == JOINER && before.is_some_and(is_sign) && after.is_some_and(is_sign);
        if is_invisible(c) && !joins {
            shown += &escaped(c);
        } else {
            shown.push(c);
        }
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
    fn invisible_characters_are_escaped() {
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
