//! Markdown as terminal text: events become blocks, blocks become lines of spans, and only the last
//! stage knows escape sequences.

mod document;
mod highlight;
mod html;
mod inline;
mod layout;
mod links;
mod span;
mod table;
mod wrap;

#[cfg(test)]
mod tests;

use super::theme::Theme;

/// Narrower prose is unreadable.
const NARROWEST: usize = 20;
/// Wider than any screen. Limits the length of a rule if the caller passes `usize::MAX`.
const WIDEST: usize = 1000;

/// `CommonMark` (with GitHub's tables, task lists, footnotes, alerts and strikethrough) as terminal
/// text.
///
/// Every line ends in `\n`, without trailing spaces, and takes at most `width` columns (20 to
/// 1000); only lines of code may be longer. No look or link continues over a line break, so that a
/// screen can show any part of the text. The text does not end in an empty line.
///
/// The [`Theme`] decides whether to use colour and clickable links. [`Theme::Marked`] has no escape
/// sequences; headings, emphasis and inline code keep their markers. [`Theme::Plain`] has words
/// only. Control characters in the source become U+FFFD.
pub fn render(markdown: &str, width: usize) -> String {
    render_with(markdown, width, Theme::current())
}

/// Shows the code between backticks in a text that is not markdown otherwise, such as the sentence
/// of a check: with colour as [`render`] does, without colour as it is.
pub fn inline_code(text: &str) -> String {
    let theme = Theme::current();
    let lines: Vec<String> = text.split('\n').map(|line| inline::code_shown(line, theme)).collect();
    lines.join("\n")
}

fn render_with(markdown: &str, width: usize, theme: Theme) -> String {
    let blocks = document::read(markdown, theme);
    // A pipe has no width, and its reader may copy the code.
    let wraps_code = width <= WIDEST;
    let width = width.clamp(NARROWEST, WIDEST);
    let lines = layout::layout(&blocks, layout::Area { theme, width, depth: 0, wraps_code });
    span::paint(&lines, theme)
}
