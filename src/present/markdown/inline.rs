//! The content of a paragraph: turns events into pieces of text with looks and, without colour,
//! markers.

use super::Style;
use super::html::{self, HtmlToken};
use super::links;
use super::span::{Piece, StyledSpan, TextStyle};
use colored::Color;
use pulldown_cmark::{Event, LinkType, Tag, TagEnd};
use std::rc::Rc;

/// Collects inline events until the end of their paragraph, heading or cell.
pub(super) struct Inlines {
    style: Style,
    pieces: Vec<Piece>,
    looks: Vec<TextStyle>,
    targets: Vec<LinkTarget>,
}

/// An open link or image. `start` is the index of its first piece.
struct LinkTarget {
    start: usize,
    url: String,
    auto: bool,
}

impl Inlines {
    pub(super) fn new(style: Style, look: TextStyle) -> Self {
        Self { style, pieces: Vec::new(), looks: vec![look], targets: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn finish(self) -> Vec<Piece> {
        self.pieces
    }

    /// Takes an event that belongs inside a paragraph; returns any other.
    pub(super) fn take<'a>(&mut self, event: Event<'a>) -> Option<Event<'a>> {
        match event {
            Event::Text(text) => self.text(&text),
            Event::Code(code) => self.code(&code),
            Event::SoftBreak => self.text(" "),
            Event::HardBreak => self.pieces.push(Piece::Break),
            Event::InlineHtml(tag) => self.html(&tag),
            Event::FootnoteReference(label) => {
                let reference = match self.style {
                    Style::Plain => format!(" (footnote {label})"),
                    _ => format!("[{label}]"),
                };
                // Not in the colour of code, because it often follows code without a space.
                self.push(&reference, self.look().dim());
            }
            Event::Start(tag) => return self.open(tag).map(Event::Start),
            Event::End(tag) => return self.close(tag).map(Event::End),
            other => return Some(other),
        }
        None
    }

    fn open<'a>(&mut self, tag: Tag<'a>) -> Option<Tag<'a>> {
        match tag {
            Tag::Strong => self.mark("**", TextStyle::bold),
            Tag::Emphasis => self.mark("*", TextStyle::italic),
            Tag::Strikethrough => self.mark("~~", TextStyle::struck),
            Tag::Link { link_type, dest_url, .. } => {
                let auto = matches!(link_type, LinkType::Autolink | LinkType::Email);
                let scheme = if link_type == LinkType::Email { "mailto:" } else { "" };
                self.looks.push(self.look().underline().color(Color::Blue));
                self.target(&format!("{scheme}{dest_url}"), auto);
            }
            Tag::Image { dest_url, .. } => {
                self.looks.push(self.look().dim());
                self.push("[image: ", self.look());
                self.target(&dest_url, false);
            }
            other => return Some(other),
        }
        None
    }

    fn close(&mut self, tag: TagEnd) -> Option<TagEnd> {
        match tag {
            TagEnd::Strong => self.unmark("**"),
            TagEnd::Emphasis => self.unmark("*"),
            TagEnd::Strikethrough if self.style == Style::Plain => {
                self.looks.pop();
                self.push(" (struck out)", self.look());
            }
            TagEnd::Strikethrough => self.unmark("~~"),
            TagEnd::Link => self.close_link(),
            TagEnd::Image => self.close_image(),
            other => return Some(other),
        }
        None
    }

    fn target(&mut self, url: &str, auto: bool) {
        self.targets.push(LinkTarget { start: self.pieces.len(), url: url.to_owned(), auto });
    }

    fn close_link(&mut self) {
        self.looks.pop();
        let Some(link) = self.targets.pop() else { return };
        let text: String = self.pieces[link.start..].iter().map(piece_text).collect();
        let clickable = self.style == Style::Colored { clickable: true };
        if clickable && links::is_openable(&link.url) && !text.is_empty() {
            let target = Rc::from(link.url);
            for piece in &mut self.pieces[link.start..] {
                piece.link_to(&target);
            }
            return;
        }
        let url = match self.style {
            Style::Plain => format!("({})", link.url),
            _ => format!("<{}>", link.url),
        };
        if text.is_empty() {
            self.push(&url, self.look().dim());
        } else if !link.auto && text != link.url && !link.url.is_empty() {
            self.push(" ", self.look());
            self.push(&url, self.look().dim());
        }
    }

    fn close_image(&mut self) {
        if let Some(image) = self.targets.pop()
            && image.start == self.pieces.len()
        {
            self.push(&image.url, self.look());
        }
        self.push("]", self.look());
        self.looks.pop();
    }

    /// Without colour, keeps the markers of the source to show the look.
    fn mark(&mut self, marker: &str, look: fn(TextStyle) -> TextStyle) {
        if self.style == Style::Marked {
            self.push(marker, self.look());
        }
        self.looks.push(look(self.look()));
    }

    fn unmark(&mut self, marker: &str) {
        self.looks.pop();
        if self.style == Style::Marked {
            self.push(marker, self.look());
        }
    }

    fn code(&mut self, code: &str) {
        let look = self.look().color(Color::Cyan);
        if self.style.is_colored() {
            self.push(code, look);
        } else {
            self.push(&in_backticks(code), look);
        }
    }

    fn html(&mut self, tag: &str) {
        for token in html::tokens(tag) {
            match token {
                HtmlToken::Text(text) => self.text(text),
                HtmlToken::Summary => self.text(html::summary(self.style)),
                HtmlToken::Break | HtmlToken::Boundary => self.pieces.push(Piece::Break),
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.push(&html::collapsed(text), self.look());
    }

    fn push(&mut self, text: &str, look: TextStyle) {
        if !text.is_empty() {
            self.pieces.push(Piece::Text(StyledSpan::new(text, look)));
        }
    }

    fn look(&self) -> TextStyle {
        self.looks.last().copied().unwrap_or_default()
    }
}

fn piece_text(piece: &Piece) -> &str {
    match piece {
        Piece::Text(span) => span.text(),
        Piece::Break => " ",
    }
}

/// Code between more backticks than any run in it, as markdown requires.
fn in_backticks(code: &str) -> String {
    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if code.starts_with('`') || code.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{code}{pad}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_that_holds_backticks_gets_a_longer_fence() {
        assert_eq!(in_backticks("SAVE"), "`SAVE`");
        assert_eq!(in_backticks("a``b`"), "``` a``b` ```");
    }
}
