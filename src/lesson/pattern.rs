//! Regular expressions for what authors write in a few words: ids, versions, tags.

use regex_lite::{Captures, Regex};

/// Whether all of the text matches.
pub fn matches(pattern: &str, text: &str) -> bool {
    captures(&format!(r"^(?:{pattern})$"), text).is_some()
}

/// The groups of the first match.
pub fn captures<'t>(pattern: &str, text: &'t str) -> Option<Captures<'t>> {
    all_captures(pattern, text).into_iter().next()
}

/// The groups of each match.
pub fn all_captures<'t>(pattern: &str, text: &'t str) -> Vec<Captures<'t>> {
    Regex::new(pattern).map(|regex| regex.captures_iter(text).collect()).unwrap_or_default()
}
