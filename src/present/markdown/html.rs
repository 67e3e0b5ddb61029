//! The HTML that authors put into markdown: text is kept, tags and comments go.

use super::Style;
use super::span::{Look, Piece, Span};

/// What stands before the summary of `<details>`, which a terminal cannot fold.
pub(super) fn summary(style: Style) -> &'static str {
    if style == Style::Plain { "Details: " } else { "▸ " }
}

/// What stands before a `<li>`.
pub(super) fn item(style: Style) -> &'static str {
    if style == Style::Plain { "- " } else { "• " }
}

/// What a stretch of HTML asks a terminal to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Text(&'a str),
    /// `<br>`
    Break,
    /// A paragraph ends here if one is open.
    Boundary,
    Summary,
    Item,
    /// Between two cells of a table.
    Gap,
}

const INLINE: [&str; 25] = [
    "a", "abbr", "b", "big", "cite", "code", "del", "dfn", "em", "font", "i", "img", "ins", "kbd",
    "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "u",
];
const BLOCK: [&str; 33] = [
    "article",
    "aside",
    "blockquote",
    "body",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "html",
    "main",
    "nav",
    "ol",
    "p",
    "picture",
    "pre",
    "section",
    "table",
    "tbody",
    "thead",
    "ul",
];

/// The tokens of a stretch of HTML, comments left out.
///
/// A tag that HTML does not know is text: in a lesson, `<key>` is a placeholder and no mark-up.
pub(super) fn tokens(html: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, markup) = rest.split_at(at);
        if !before.is_empty() {
            tokens.push(Token::Text(before));
        }
        let (length, token) = markup_token(markup);
        tokens.extend(token);
        rest = &markup[length..];
    }
    if !rest.is_empty() {
        tokens.push(Token::Text(rest));
    }
    tokens
}

/// How long the mark-up is that a text begins with, and what it asks for.
fn markup_token(markup: &str) -> (usize, Option<Token<'_>>) {
    for (start, end) in [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<!", ">"), ("<?", "?>")] {
        if markup.starts_with(start) {
            return (markup.find(end).map_or(markup.len(), |at| at + end.len()), None);
        }
    }
    let Some(length) = tag_length(markup) else { return (1, Some(Token::Text(&markup[..1]))) };
    let tag = &markup[..length];
    (length, tag_token(tag))
}

/// The bytes of the tag a text begins with, none when it is a lone `<`; a `>` in quotes ends no tag.
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

fn tag_token(tag: &str) -> Option<Token<'_>> {
    let closes = tag.starts_with("</");
    let name = tag.trim_start_matches(['<', '/']);
    let name = name.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap_or(name);
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "br" | "tr" if !closes => Some(Token::Break),
        "summary" if !closes => Some(Token::Summary),
        "li" if !closes => Some(Token::Item),
        "summary" => Some(Token::Boundary),
        "td" | "th" => Some(Token::Gap),
        "br" | "tr" | "li" => None,
        name if INLINE.contains(&name) => None,
        name if BLOCK.contains(&name) => Some(Token::Boundary),
        _ => Some(Token::Text(tag)),
    }
}

/// The paragraphs of an HTML block.
pub(super) fn paragraphs(html: &str, style: Style) -> Vec<Vec<Piece>> {
    let mut paragraphs = vec![Vec::new()];
    let mut look = Look::default();
    for token in tokens(html) {
        if matches!(token, Token::Boundary | Token::Summary) {
            paragraphs.push(Vec::new());
            look = if token == Token::Summary { Look::default().bold() } else { Look::default() };
        }
        let Some(open) = paragraphs.last_mut() else { continue };
        let text = |text: &str| Piece::Text(Span::new(text, look));
        match token {
            Token::Text(raw) => open.push(text(&decoded(&collapsed(raw)))),
            Token::Summary => open.push(text(summary(style))),
            Token::Item => open.extend([Piece::Break, text(item(style))]),
            Token::Gap => open.push(text(" ")),
            Token::Break => open.push(Piece::Break),
            Token::Boundary => {}
        }
    }
    paragraphs
}

/// Every run of white space as one space, as HTML and markdown show it.
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

/// The entities an author needs; the markdown parser leaves those in HTML blocks alone.
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
        let html = "<b>a</b><!-- > no --> <span title=\">\">b</span>";
        assert_eq!(tokens(html), [Token::Text("a"), Token::Text(" "), Token::Text("b")]);
    }

    #[test]
    fn a_tag_that_html_does_not_know_is_text() {
        assert_eq!(tokens("GET <key>"), [Token::Text("GET "), Token::Text("<key>")]);
    }

    #[test]
    fn a_lone_angle_bracket_is_text() {
        assert_eq!(tokens("1 < 2"), [Token::Text("1 "), Token::Text("<"), Token::Text(" 2")]);
    }

    #[test]
    fn a_comment_that_never_ends_hides_the_rest() {
        assert_eq!(tokens("a<!-- b"), [Token::Text("a")]);
    }
}
