//! HTML in markdown: `<details>`, line breaks and simple inline tags; comments are dropped. Any
//! other tag is shown as it is written.

use super::Style;
use super::span::{Piece, StyledSpan, TextStyle};

/// The prefix of the summary of `<details>`, which a terminal cannot fold.
pub(super) fn summary(style: Style) -> &'static str {
    if style == Style::Plain { "Details: " } else { "▸ " }
}

/// A piece of HTML, as a terminal shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HtmlToken<'a> {
    Text(&'a str),
    /// `<br>`
    Break,
    /// Ends an open paragraph.
    Boundary,
    Summary,
}

/// Tags that only change how their text looks.
const INLINE: [&str; 8] = ["b", "code", "em", "i", "kbd", "strong", "sub", "sup"];

/// The tokens of HTML, without comments.
///
/// Any other tag is text: in a lesson, `<key>` is a placeholder, not markup.
pub(super) fn tokens(html: &str) -> Vec<HtmlToken<'_>> {
    let mut tokens = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, markup) = rest.split_at(at);
        if !before.is_empty() {
            tokens.push(HtmlToken::Text(before));
        }
        let (length, token) = markup_token(markup);
        tokens.extend(token);
        rest = &markup[length..];
    }
    if !rest.is_empty() {
        tokens.push(HtmlToken::Text(rest));
    }
    tokens
}

/// The length of the markup at the start of a text, and its token.
fn markup_token(markup: &str) -> (usize, Option<HtmlToken<'_>>) {
    for (start, end) in [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<!", ">"), ("<?", "?>")] {
        if markup.starts_with(start) {
            return (markup.find(end).map_or(markup.len(), |at| at + end.len()), None);
        }
    }
    let Some(length) = tag_length(markup) else { return (1, Some(HtmlToken::Text(&markup[..1]))) };
    let tag = &markup[..length];
    (length, tag_token(tag))
}

/// The length in bytes of the tag at the start of a text; `None` for a lone `<`. A `>` in quotes
/// does not end a tag.
fn tag_length(markup: &str) -> Option<usize> {
    let name = markup[1..].strip_prefix('/').unwrap_or(&markup[1..]);
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let mut quote = None;
    for (at, c) in markup.char_indices() {
        match (quote, c) {
            (None, '>') => return Some(at + 1),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

fn tag_token(tag: &str) -> Option<HtmlToken<'_>> {
    let closes = tag.starts_with("</");
    let name = tag.trim_start_matches(['<', '/']);
    let name = name.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or(name);
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "br" => (!closes).then_some(HtmlToken::Break),
        "summary" if !closes => Some(HtmlToken::Summary),
        "summary" | "details" | "p" => Some(HtmlToken::Boundary),
        name if INLINE.contains(&name) => None,
        _ => Some(HtmlToken::Text(tag)),
    }
}

/// The paragraphs of an HTML block.
pub(super) fn paragraphs(html: &str, style: Style) -> Vec<Vec<Piece>> {
    let mut paragraphs = vec![Vec::new()];
    let mut look = TextStyle::default();
    for token in tokens(html) {
        if matches!(token, HtmlToken::Boundary | HtmlToken::Summary) {
            paragraphs.push(Vec::new());
            look = if token == HtmlToken::Summary {
                TextStyle::default().bold()
            } else {
                TextStyle::default()
            };
        }
        let Some(open) = paragraphs.last_mut() else { continue };
        match token {
            HtmlToken::Text(raw) => open.push(text(&decoded(&collapsed(raw)), look)),
            HtmlToken::Summary => open.push(text(summary(style), look)),
            HtmlToken::Break => open.push(Piece::Break),
            HtmlToken::Boundary => {}
        }
    }
    paragraphs
}

fn text(text: &str, look: TextStyle) -> Piece {
    Piece::Text(StyledSpan::new(text, look))
}

/// Replaces each run of white space with one space, as HTML and markdown do.
pub(super) fn collapsed(text: &str) -> String {
    let mut collapsed = String::with_capacity(text.len());
    for c in text.chars() {
        let blank = matches!(c, ' ' | '\t' | '\n' | '\r');
        if !(blank && collapsed.ends_with(' ')) {
            collapsed.push(if blank { ' ' } else { c });
        }
    }
    collapsed
}

/// Decodes the common entities, because the markdown parser does not decode them in HTML blocks.
fn decoded(text: &str) -> String {
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", "\u{a0}")];
    let mut decoded = text.to_owned();
    for (entity, character) in entities {
        decoded = decoded.replace(entity, character);
    }
    decoded.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_comments_go_and_their_text_stays() {
        let html = "<b>a</b><!-- > no --> <kbd title=\">\">b</kbd>";
        assert_eq!(
            tokens(html),
            [HtmlToken::Text("a"), HtmlToken::Text(" "), HtmlToken::Text("b")]
        );
    }

    #[test]
    fn any_other_tag_is_text() {
        assert_eq!(tokens("GET <key>"), [HtmlToken::Text("GET "), HtmlToken::Text("<key>")]);
    }

    #[test]
    fn a_lone_angle_bracket_is_text() {
        assert_eq!(
            tokens("1 < 2"),
            [HtmlToken::Text("1 "), HtmlToken::Text("<"), HtmlToken::Text(" 2")]
        );
    }

    #[test]
    fn a_comment_that_never_ends_hides_the_rest() {
        assert_eq!(tokens("a<!-- b"), [HtmlToken::Text("a")]);
    }
}
