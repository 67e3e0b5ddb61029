//! Regular expressions for what authors write in a few words: ids, versions, tags.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use regex_lite::{Captures, Regex};

/// Whether all of the text matches.
pub fn matches(pattern: &str, text: &str) -> bool {
    captures(&format!(r"^(?:{pattern})$"), text).is_some()
}

/// Whether `text` is like `pattern`, in which `...` stands for anything, also for line ends. White
/// space at the end does not matter.
pub fn is_like(text: &str, pattern: &str) -> bool {
    let parts: Vec<String> = pattern.trim_end().split("...").map(regex_lite::escape).collect();
    matches(&parts.join("(?s:.*)"), text.trim_end())
}

/// The same with the lines in mind, for what must not be met by more than was meant: `...` in a line
/// stands for anything in it, and `...` alone in its line for one or more lines.
pub fn are_lines_like(text: &str, pattern: &str) -> bool {
    matches(&of_lines(pattern.trim_end()), text.trim_end())
}

/// The regular expression for [`are_lines_like`], without its ends.
pub fn of_lines(pattern: &str) -> String {
    let mut lines = Vec::new();
    for line in pattern.lines() {
        let parts: Vec<String> = line.split("...").map(regex_lite::escape).collect();
        let is_dots = line.trim() == "...";
        lines.push(if is_dots { "(?s:.*)".to_owned() } else { parts.join(r"[^\n]*") });
    }
    lines.join("\n")
}

/// The groups of the first match.
pub fn captures<'t>(pattern: &str, text: &'t str) -> Option<Captures<'t>> {
    compiled(pattern)?.captures(text)
}

/// The groups of each match.
pub fn all_captures<'t>(pattern: &str, text: &'t str) -> Vec<Captures<'t>> {
    compiled(pattern).map(|regex| regex.captures_iter(text).collect()).unwrap_or_default()
}

/// A large course has thousands of ids and tags, so each pattern is compiled once. (A clone of a
/// `Regex` would not share its memory for searches.)
fn compiled(pattern: &str) -> Option<Arc<Regex>> {
    static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Regex>>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(regex) = compiled.get(pattern) {
        return Some(Arc::clone(regex));
    }
    let regex = Arc::new(Regex::new(pattern).ok()?);
    compiled.insert(pattern.to_owned(), Arc::clone(&regex));
    Some(regex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_dots_match_anything() {
        assert!(is_like("(integer) 1795", "(integer) ..."));
        assert!(is_like("a\nb\nc", "a\n...\nc"));
        assert!(is_like("role:master", "...master"));
        assert!(!is_like("role:master", "...slave"));
    }

    #[test]
    fn without_dots_the_whole_text_is_compared() {
        assert!(is_like("OK", "OK") && is_like("OK\n", "OK"));
        assert!(!is_like("OK!", "OK"));
    }

    #[test]
    fn dots_in_a_line_stay_in_it() {
        assert!(are_lines_like("1) \"7-0\"\n2) \"a\"", "1) \"...\"\n2) \"a\""));
        assert!(!are_lines_like("1) \"7-0\"\n2) \"x\"\n3) \"a\"", "1) \"...\"\n3) \"a\""));
        assert!(
            are_lines_like("a\nb\nc\nd", "a\n   ...\nd") && !are_lines_like("a\nd", "a\n...\nd")
        );
        assert!(are_lines_like("a=1,b=2", "a=...,b=..."));
    }

    #[test]
    fn a_part_is_not_used_twice() {
        assert!(!is_like("ab", "ab...b"));
        assert!(is_like("abb", "ab...b"));
    }
}
