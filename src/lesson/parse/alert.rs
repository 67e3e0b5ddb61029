//! GitHub's alerts and two of our own: a hint, a lesson's summary, a question of recall.

use super::super::Span;
use super::super::pattern::captures;
use super::super::problem::{Problems, suggestion};

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

/// Reports `> [!FOO]` and `> [!TIP] with a title`, which markdown reads as plain quotes.
pub(super) fn look_for_slips(source: &str, quote: Span, problems: &mut Problems) {
    let line = source[quote.clone()].lines().next().unwrap_or_default();
    let Some(alert) = captures(r"^>\s*\[!([^\]]*)\](.*)", line) else { return };
    let (word, after) = (&alert[1], &alert[2]);
    let start = quote.start + line.find('!').unwrap_or_default() + 1;
    let span = start..start + word.len();
    if !ALERTS.iter().any(|alert| alert.eq_ignore_ascii_case(word)) {
        let help = Some(suggestion(word, &ALERTS, "use"));
        problems.error(span, format!("unknown alert `{word}`"), help);
    } else if !after.trim().is_empty() && !after.starts_with(['(', '[', ':']) {
        let help = Some("begin the text on the next line".to_owned());
        problems.error(span, format!("text after `[!{word}]` makes it a plain quote"), help);
    }
}
