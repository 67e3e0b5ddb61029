//! HTML in markdown: `<details>`, line breaks and simple inline tags; comments are dropped. Any
//! other tag is shown as it is written.

use std::sync::LazyLock;

use regex_lite::Regex;

use super::Theme;
use super::span::{Line, StyledSpan, TextStyle};

/// The prefix of the summary of `<details>`, which a terminal cannot fold.
pub(super) fn summary(theme: Theme) -> &'static str {
    if theme == Theme::Plain { "Details: " } else { "▸ " }
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

/// Comments and the like, and known tags with their names. A `>` in quotes does not end a tag.
static MARKUP: LazyLock<Regex> = LazyLock::new(|| {
    let names = "b|br|code|details|em|i|kbd|p|strong|sub|summary|sup";
    let others = r"<!--.*?(?:-->|$)|<!\[CDATA\[.*?(?:\]\]>|$)|<!.*?(?:>|$)|<\?.*?(?:\?>|$)";
    let tags = format!(r#"<(/?(?:{names}))(?:[\s/](?:"[^"]*"|'[^']*'|[^"'>])*)?>"#);
    Regex::new(&format!("(?is){others}|{tags}")).expect("the pattern is correct")
});

/// The tokens of HTML, without comments.
///
/// Any other tag is text: in a lesson, `<key>` is a placeholder, not markup.
pub(super) fn tokens(html: &str) -> Vec<HtmlToken<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    for markup in MARKUP.captures_iter(html) {
        let Some(whole) = markup.get(0) else { continue };
        tokens.push(HtmlToken::Text(&html[at..whole.start()]));
        at = whole.end();
        let name = markup.get(1).map_or("", |name| name.as_str());
        tokens.extend(match name.to_ascii_lowercase().as_str() {
            "br" => Some(HtmlToken::Break),
            "summary" => Some(HtmlToken::Summary),
            "/summary" | "details" | "/details" | "p" | "/p" => Some(HtmlToken::Boundary),
            // The other tags only change how their text looks.
            _ => None,
        });
    }
    tokens.push(HtmlToken::Text(&html[at..]));
    tokens.retain(|token| *token != HtmlToken::Text(""));
    tokens
}

/// The paragraphs of an HTML block.
pub(super) fn paragraphs(html: &str, theme: Theme) -> Vec<Line> {
    let mut paragraphs = Vec::new();
    let (mut open, mut look) = (Line::new(), TextStyle::PLAIN);
    for token in tokens(html) {
        match token {
            HtmlToken::Text(raw) => open.push(StyledSpan::new(&decoded(&collapsed(raw)), look)),
            HtmlToken::Break => open.push(StyledSpan::line_break()),
            HtmlToken::Boundary => {
                paragraphs.push(std::mem::take(&mut open));
                look = TextStyle::PLAIN;
            }
            HtmlToken::Summary => {
                look = TextStyle::BOLD;
                let start = vec![StyledSpan::new(summary(theme), look)];
                paragraphs.push(std::mem::replace(&mut open, start));
            }
        }
    }
    paragraphs.push(open);
    paragraphs
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
        assert_eq!(tokens("GET <key>"), [HtmlToken::Text("GET <key>")]);
    }

    #[test]
    fn a_lone_angle_bracket_is_text() {
        assert_eq!(tokens("1 < 2"), [HtmlToken::Text("1 < 2")]);
    }

    #[test]
    fn a_comment_that_never_ends_hides_the_rest() {
        assert_eq!(tokens("a<!-- b"), [HtmlToken::Text("a")]);
    }
}
