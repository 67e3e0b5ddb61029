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

use super::plain;

/// Narrower prose is unreadable.
const NARROWEST: usize = 20;
/// Wider than any screen. Limits the length of a rule if the caller passes `usize::MAX`.
const WIDEST: usize = 1000;

/// How to show a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// Escape sequences; also for links, if a click can open them.
    Colored { clickable: bool },
    /// Keep the markers of the source in the text.
    Marked,
    /// Words only, without signs that are not in the source: [`plain`].
    Plain,
}

impl Style {
    fn of_the_process() -> Self {
        let colored = colored::control::SHOULD_COLORIZE.should_colorize();
        match plain::is_on() {
            true => Self::Plain,
            false if colored => Self::Colored { clickable: links::are_clickable() },
            false => Self::Marked,
        }
    }

    fn is_colored(self) -> bool {
        matches!(self, Self::Colored { .. })
    }
}

/// `CommonMark` (with GitHub's tables, task lists, footnotes, alerts and strikethrough) as terminal
/// text.
///
/// Every line ends in `\n`, without trailing spaces, and takes at most `width` columns (20 to
/// 1000); only lines of code may be longer. No look or link continues over a line break, so that a
/// screen can show any part of the text. The text does not end in an empty line.
///
/// `colored::control` decides whether to use colour, with clickable links if the terminal supports
/// them. Without colour there are no escape sequences, and headings, emphasis and inline code keep
/// their markers. With [`plain`], the result has words only. Control characters in the source
/// become U+FFFD.
pub fn render(markdown: &str, width: usize) -> String {
    render_with(markdown, width, Style::of_the_process())
}

fn render_with(markdown: &str, width: usize, style: Style) -> String {
    let blocks = document::read(markdown, style);
    let width = width.clamp(NARROWEST, WIDEST);
    let lines = layout::layout(&blocks, layout::Area { style, width, depth: 0 });
    span::paint(&lines, style)
}
