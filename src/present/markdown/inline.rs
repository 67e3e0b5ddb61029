//! The content of a paragraph: turns events into spans with looks and, without colour, markers.

use super::Theme;
use super::html::{self, HtmlToken};
use super::links;
use super::span::{Line, StyledSpan, TextStyle, line_text, painted};
use pulldown_cmark::{Event, LinkType, Tag, TagEnd};
use std::rc::Rc;

/// Collects inline events until the end of their paragraph, heading or cell.
pub(super) struct Inlines {
    theme: Theme,
    spans: Line,
    /// The look of the text, and those of the open emphases and links.
    looks: Vec<TextStyle>,
    targets: Vec<LinkTarget>,
}

/// An open link or image. `start` is the index of its first span.
struct LinkTarget {
    start: usize,
    url: String,
    is_auto: bool,
}

impl Inlines {
    pub(super) fn new(theme: Theme, look: TextStyle) -> Self {
        Self { theme, spans: Vec::new(), looks: vec![look], targets: Vec::new() }
    }

    /// The text up to here; `None` if there is none.
    pub(super) fn finish(&mut self) -> Option<Line> {
        Some(std::mem::take(&mut self.spans)).filter(|spans| !spans.is_empty())
    }

    /// Takes an event that belongs inside a paragraph; returns any other.
    pub(super) fn take<'a>(&mut self, event: Event<'a>) -> Option<Event<'a>> {
        match event {
            Event::Text(text) => self.text(&text),
            Event::Code(code) if self.theme.is_colored() => self.push(&code, TextStyle::CYAN),
            Event::Code(code) => self.push(&in_backticks(&code), TextStyle::CYAN),
            Event::SoftBreak => self.text(" "),
            Event::HardBreak => self.spans.push(StyledSpan::line_break()),
            Event::InlineHtml(tag) => self.html(&tag),
            // Not in the colour of code, because it often follows code without a space.
            Event::FootnoteReference(label) if self.theme == Theme::Plain => {
                self.push(&format!(" (footnote {label})"), TextStyle::DIM);
            }
            Event::FootnoteReference(label) => self.push(&format!("[{label}]"), TextStyle::DIM),
            Event::Start(Tag::Strong) => self.open("**", TextStyle::BOLD),
            Event::End(TagEnd::Strong) => self.close("**"),
            Event::Start(Tag::Emphasis) => self.open("*", TextStyle::ITALIC),
            Event::End(TagEnd::Emphasis) => self.close("*"),
            Event::Start(Tag::Strikethrough) => self.open("~~", TextStyle::STRUCK),
            Event::End(TagEnd::Strikethrough) => {
                self.close("~~");
                if self.theme == Theme::Plain {
                    self.push(" (struck out)", TextStyle::PLAIN);
                }
            }
            Event::Start(Tag::Link { link_type, dest_url, .. }) => {
                let is_auto = matches!(link_type, LinkType::Autolink | LinkType::Email);
                let scheme = if link_type == LinkType::Email { "mailto:" } else { "" };
                self.open("", TextStyle::UNDERLINE.and(TextStyle::BLUE));
                self.target(format!("{scheme}{dest_url}"), is_auto);
            }
            Event::End(TagEnd::Link) => self.close_link(),
            Event::Start(Tag::Image { dest_url, .. }) => {
                self.open("", TextStyle::DIM);
                self.text("[image: ");
                self.target(dest_url.to_string(), false);
            }
            Event::End(TagEnd::Image) => self.close_image(),
            other => return Some(other),
        }
        None
    }

    /// Without colour, keeps the marker of the source to show the look.
    fn open(&mut self, marker: &str, look: TextStyle) {
        self.mark(marker);
        self.looks.push(self.look().and(look));
    }

    fn close(&mut self, marker: &str) {
        self.looks.pop();
        self.mark(marker);
    }

    fn mark(&mut self, marker: &str) {
        if self.theme == Theme::Marked {
            self.push(marker, TextStyle::PLAIN);
        }
    }

    fn target(&mut self, url: String, is_auto: bool) {
        self.targets.push(LinkTarget { start: self.spans.len(), url, is_auto });
    }

    fn close_link(&mut self) {
        self.close("");
        let Some(LinkTarget { start, url, is_auto }) = self.targets.pop() else { return };
        let text = line_text(&self.spans[start..]);
        let is_clickable = self.theme == Theme::Colored { clickable: true };
        if is_clickable && links::is_openable(&url) && !text.is_empty() {
            let target: Rc<str> = url.into();
            for span in &mut self.spans[start..] {
                span.target = Some(Rc::clone(&target));
            }
        } else if text.is_empty() || !(is_auto || text == url || url.is_empty()) {
            self.push(if text.is_empty() { "" } else { " " }, TextStyle::PLAIN);
            let is_plain = self.theme == Theme::Plain;
            let url = if is_plain { format!("({url})") } else { format!("<{url}>") };
            self.push(&url, TextStyle::DIM);
        }
    }

    fn close_image(&mut self) {
        if let Some(image) = self.targets.pop()
            && image.start == self.spans.len()
        {
            self.push(&image.url, TextStyle::PLAIN);
        }
        self.push("]", TextStyle::PLAIN);
        self.close("");
    }

    fn html(&mut self, tag: &str) {
        for token in html::tokens(tag) {
            match token {
                HtmlToken::Text(text) => self.text(text),
                HtmlToken::Summary => self.text(html::summary(self.theme)),
                HtmlToken::Break | HtmlToken::Boundary => {
                    self.spans.push(StyledSpan::line_break());
                }
            }
        }
    }

    fn text(&mut self, text: &str) {
        self.push(&html::collapsed(text), TextStyle::PLAIN);
    }

    /// Adds text with `look` on top of the open looks.
    fn push(&mut self, text: &str, look: TextStyle) {
        if !text.is_empty() {
            self.spans.push(StyledSpan::new(text, self.look().and(look)));
        }
    }

    fn look(&self) -> TextStyle {
        self.looks.last().copied().unwrap_or_default()
    }
}

/// Shows the code in a line of text that is not markdown otherwise. Each word has its own look, so
/// that the line can be broken at spaces later; other looks of the text stay as they are.
pub(super) fn code_shown(line: &str, theme: Theme) -> String {
    if !theme.is_colored() {
        return line.to_owned();
    }
    let (mut shown, mut rest) = (String::new(), line);
    while let Some((before, code, after)) = split_at_code(rest) {
        shown.push_str(before);
        let words = code.split(' ').map(|word| StyledSpan::new(word, TextStyle::CYAN));
        let words: Vec<String> = words.map(|word| painted(&word, theme)).collect();
        shown.push_str(&words.join(" "));
        rest = after;
    }
    shown + rest
}

/// The text before the first code between backticks, the code, and the text after it.
fn split_at_code(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('`')?;
    let (code, after) = rest.split_once('`')?;
    Some((before, code, after))
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
    fn code_in_a_line_is_coloured_word_by_word() {
        let colored = Theme::Colored { clickable: false };
        assert_eq!(
            code_shown("use `redis-cli -p 1`, not `", colored),
            "use \x1b[36mredis-cli\x1b[0m \x1b[36m-p\x1b[0m \x1b[36m1\x1b[0m, not `"
        );
        assert_eq!(code_shown("use `SAVE`", Theme::Marked), "use `SAVE`");
    }

    #[test]
    fn code_that_holds_backticks_gets_a_longer_fence() {
        assert_eq!(in_backticks("SAVE"), "`SAVE`");
        assert_eq!(in_backticks("a``b`"), "``` a``b` ```");
    }
}
