//! Command lines that are shown to be typed or pasted.

use crate::cli::Common;

/// As a shell reads it back.
pub(super) fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-:@=+,".contains(c);
    if text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// `--lessons DIR`, where a command needs it to find the same course again.
pub(super) fn lessons_option(common: &Common) -> Option<String> {
    let given = common.lessons.as_ref()?.display().to_string();
    (given != super::course::FOLDER).then(|| format!("--lessons {}", shell_word(&given)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_only_where_a_shell_would_read_something_else() {
        assert_eq!(shell_word("lessons/04-a.md"), "lessons/04-a.md");
        assert_eq!(shell_word("my course"), "'my course'");
        assert_eq!(shell_word("it's"), "'it'\\''s'");
    }
}
