//! Command lines for people to type or paste.

use std::fmt::Write as _;

use crate::cli::Common;
use crate::sanitize;

/// Quotes a word for a shell, if necessary.
pub(super) fn shell_word(text: &str) -> String {
    if text.chars().all(|c| c.is_alphanumeric() || "/._-:@=+,".contains(c)) {
        text.to_owned()
    } else if text.contains(sanitize::is_unsafe) {
        escaped_word(text)
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// The form in which bash, zsh and ksh escape control characters: `$'\x1b'`.
fn escaped_word(text: &str) -> String {
    let mut word = "$'".to_owned();
    for c in text.chars() {
        if sanitize::is_unsafe(c) {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                let _ = write!(word, "\\x{byte:02x}");
            }
        } else {
            if matches!(c, '\'' | '\\') {
                word.push('\\');
            }
            word.push(c);
        }
    }
    word + "'"
}

/// ` --lessons DIR`, if a command needs it to find the same course again; otherwise nothing.
pub(super) fn lessons_option(common: &Common) -> String {
    match common.lessons.as_ref().map(|lessons| lessons.to_string_lossy()) {
        Some(given) if given != super::course::FOLDER => {
            format!(" --lessons {}", shell_word(&given))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_only_if_necessary() {
        assert_eq!(shell_word("lessons/04-a.md"), "lessons/04-a.md");
        assert_eq!(shell_word("my course"), "'my course'");
        assert_eq!(shell_word("it's"), "'it'\\''s'");
    }

    #[test]
    fn control_characters_are_escaped_for_the_shell() {
        assert_eq!(shell_word("it's\n\x1b\u{202e}\\"), r"$'it\'s\x0a\x1b\xe2\x80\xae\\'");
    }
}
