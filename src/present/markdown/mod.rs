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

/// Narrower than this, prose cannot be read.
const NARROWEST: usize = 20;
/// Wider than any screen; a caller's idea of "no limit" must not become a rule of that length.
const WIDEST: usize = 1000;

/// What tells a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// Escape sequences; also for links, if a click can open them.
    Colored { clickable: bool },
    /// The markers of the source, which stay in the text.
    Marked,
    /// Words, and no sign that is not in the source: [`plain`].
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

/// `CommonMark` (with GitHub's tables, task lists, footnotes, alerts and strikethrough) as terminal text.
///
/// Every line ends in `\n`, takes at most `width` columns (20 to 1000; lines of code are kept whole
/// instead) and ends in no space; no look or link goes over a line's end, so that a screen can show any lines of
/// it; the text ends in no empty line. Coloured as
/// `colored::control` says, with links that a click opens where the terminal can do that; where it says no,
/// there is no escape sequence in the result, and headings, emphasis and inline code keep their markers.
/// In words only where [`plain`] says so. Control characters in the source become U+FFFD.
pub fn render(markdown: &str, width: usize) -> String {
    render_with(markdown, width, Style::of_the_process())
}

fn render_with(markdown: &str, width: usize, style: Style) -> String {
    let blocks = document::read(markdown, style);
    let width = width.clamp(NARROWEST, WIDEST);
    let lines = layout::layout(&blocks, layout::Place { style, width, depth: 0 });
    span::paint(&lines, style)
}
