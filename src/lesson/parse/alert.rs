//! GitHub's alerts and two of our own: a hint, a lesson's summary, a question of recall.

use super::super::Span;
use super::super::pattern::captures;
use super::super::problem::{nearest, suggestion};
use super::slip::{Scope, Slip};

const ALERTS: [&str; 7] = ["NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION", "SUMMARY", "RECALL"];

/// The alerts with a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AlertKind {
    /// A hint, if it is in an exercise.
    Tip,
    Summary,
    Recall,
}

/// What markdown reads as a plain quote, because GitHub does not know the alert.
pub(super) fn own_kind(quote: &str) -> Option<AlertKind> {
    let alert = captures(r"^>\s*\[!([^\]]*)\]\s*$", quote.lines().next()?)?;
    match alert[1].to_ascii_uppercase().as_str() {
        "SUMMARY" => Some(AlertKind::Summary),
        "RECALL" => Some(AlertKind::Recall),
        _ => None,
    }
}

/// The markdown inside a quote that is nested in `outer` quotes, without its `> ` and the line
/// `[!TIP]`.
pub(super) fn inner_markdown(quote: &str, outer: usize) -> String {
    let lines: Vec<&str> =
        quote.lines().skip(1).map(|line| without_marks(line, outer + 1)).collect();
    lines.join("\n").trim_end().trim_start_matches('\n').to_owned()
}

/// A line without its first `count` marks; a line that has fewer continues a paragraph lazily.
fn without_marks(line: &str, count: usize) -> &str {
    (0..count).fold(line, |line, _| match line.trim_start_matches([' ', '\t']).strip_prefix('>') {
        Some(rest) => rest.strip_prefix(' ').unwrap_or(rest),
        None => line,
    })
}

/// `> [!FOO]` and `> [!TIP] with a title`, which markdown reads as plain quotes. Site generators
/// have alerts of their own.
pub(super) fn slip(source: &str, quote: Span) -> Option<Slip> {
    let line = source[quote.clone()].lines().next().unwrap_or_default();
    let alert = captures(r"^>\s*\[!([^\]]*)\](.*)", line)?;
    let (word, after) = (&alert[1], &alert[2]);
    let start = quote.start + line.find('!').unwrap_or_default() + 1;
    let span = start..start + word.len();
    if !ALERTS.iter().any(|alert| alert.eq_ignore_ascii_case(word)) {
        let help = suggestion(word, &ALERTS, "use");
        let is_near = nearest(word, ALERTS).is_some();
        let scope = if is_near { Scope::Section } else { Scope::Foreign };
        Some(Slip::new(scope, span, format!("unknown alert `{word}`"), &help))
    } else if !after.trim().is_empty() && !after.starts_with(['(', '[', ':']) {
        let message = format!("text after `[!{word}]` makes it a plain quote");
        Some(Slip::new(Scope::Section, span, message, "begin the text on the next line"))
    } else {
        None
    }
}
