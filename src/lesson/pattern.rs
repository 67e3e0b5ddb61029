//! Regular expressions for what authors write in a few words: ids, versions, tags.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use regex_lite::{Captures, Regex};

/// Whether all of the text matches.
pub fn matches(pattern: &str, text: &str) -> bool {
    captures(&format!(r"^(?:{pattern})$"), text).is_some()
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
