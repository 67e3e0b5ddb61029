//! Escapes foreign text inside markdown.

use crate::present::text::clean;

/// A fenced block whose fence is longer than any run of backticks in it.
pub(super) fn fence(info: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let lines: String = text.lines().map(|line| clean_line(line) + "\n").collect();
    format!("{fence}{info}\n{lines}{fence}\n")
}

/// Keeps tabs, which matter in Python.
fn clean_line(line: &str) -> String {
    line.split('\t').map(clean).collect::<Vec<_>>().join("\t")
}

/// One line of prose. Text between backticks stays code; everything else is escaped.
pub(super) fn inline(text: &str) -> String {
    let text = clean(text);
    let parts: Vec<&str> = text.split('`').collect();
    let mut codes = parts.iter().skip(1).step_by(2);
    // With an even number of parts, one backtick has no partner.
    if parts.len().is_multiple_of(2) || codes.any(|code| code.trim().is_empty()) {
        return escaped(&text);
    }
    let mut line = String::new();
    for (index, part) in parts.into_iter().enumerate() {
        if index % 2 == 0 {
            line.push_str(&escaped(part));
        } else {
            line.push_str(&["`", part, "`"].concat());
        }
    }
    line
}

/// A table cell, in which a bar ends the cell even inside code.
pub(super) fn cell(text: &str) -> String {
    inline(&text.replace('`', "'")).replace('|', "\\|")
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut is_in_a_word = false;
    for (at, c) in text.char_indices() {
        let goes_on = text[at + c.len_utf8()..].starts_with(char::is_alphanumeric);
        // The `_` in `used_memory` is not emphasis.
        let is_plain = c == '_' && is_in_a_word && goes_on;
        is_in_a_word = c.is_alphanumeric() || is_plain;
        if !is_plain
            && matches!(c, '\\' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '&' | '#' | '~' | '$')
        {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_is_longer_than_any_in_the_text() {
        assert_eq!(fence("text", "a ```` b"), "`````text\na ```` b\n`````\n");
        assert_eq!(fence("redis", "SAVE\r\n\tx"), "```redis\nSAVE\n\tx\n```\n");
    }

    #[test]
    fn what_steers_a_terminal_stays_outside() {
        assert_eq!(fence("text", "a\x1b[2J"), "```text\na\u{fffd}[2J\n```\n");
        assert_eq!(inline("a\x1b\nb"), "a\u{fffd} b");
    }

    #[test]
    fn code_stays_code_and_nothing_else_is_markup() {
        assert_eq!(inline("`a_b` is *not* <b>"), "`a_b` is \\*not\\* \\<b\\>");
        assert_eq!(inline("used_memory _is_"), "used_memory \\_is\\_");
        assert_eq!(inline("one ` alone"), "one \\` alone");
        assert_eq!(inline("``"), "\\`\\`");
    }

    #[test]
    fn a_bar_does_not_end_a_cell() {
        assert_eq!(cell("a|b"), "a\\|b");
        assert_eq!(cell("`|`"), "'\\|'");
    }
}
