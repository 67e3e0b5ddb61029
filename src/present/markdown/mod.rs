//! Markdown as terminal text: events become blocks, blocks become lines of spans, and only the last
//! stage knows escape sequences.

mod document;
mod highlight;
mod html;
mod inline;
mod layout;
mod span;
mod table;
mod wrap;

#[cfg(test)]
mod tests;

/// Narrower than this, prose cannot be read.
const NARROWEST: usize = 20;
/// Wider than any screen; a caller's idea of "no limit" must not become a rule of that length.
const WIDEST: usize = 1000;

/// Whether looks become escape sequences, or markers stay in the text.
#[derive(Debug, Clone, Copy)]
struct Style {
    colored: bool,
}

/// `CommonMark` (with GitHub's tables, task lists, footnotes, alerts and strikethrough) as terminal text.
///
/// Every line ends in `\n`, takes at most `width` columns (20 to 1000; lines of code are kept whole
/// instead) and ends in no space; the text ends in no empty line. Coloured as
/// `colored::control` says; where it says no, there is no escape sequence in the result, and headings,
/// emphasis and inline code keep their markers. Control characters in the source become U+FFFD.
pub fn render(markdown: &str, width: usize) -> String {
    let colored = colored::control::SHOULD_COLORIZE.should_colorize();
    render_with(markdown, width, Style { colored })
}

fn render_with(markdown: &str, width: usize, style: Style) -> String {
    let blocks = document::read(markdown, style);
    let width = width.clamp(NARROWEST, WIDEST);
    let lines = layout::layout(&blocks, layout::Place { style, width, depth: 0 });
    span::paint(&lines, style)
}
