//! What a text links to, and what links may name in it.

use pulldown_cmark::{Event, Tag, TagEnd};

use super::super::pattern::all_captures;
use super::super::{Link, Span};

/// Ids in HTML.
const IDS: &str = r#"(?i)\s(?:id|name)\s*=\s*["']?([^"'\s>]+)"#;
/// Ids that site generators read in headings.
const HEADING_IDS: &str = r"\{[^}]*#([^}\s]+)[^}]*\}";

#[derive(Debug, Default)]
pub(super) struct References {
    pub(super) links: Vec<Link>,
    pub(super) anchors: Vec<String>,
    /// The text so far of the heading that is open.
    heading: Option<String>,
}

impl References {
    /// The next event of the text, at `span` of the file.
    pub(super) fn take(&mut self, event: &Event<'_>, span: &Span) {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => self.link(dest_url, false, span),
            Event::Start(Tag::Image { dest_url, .. }) => self.link(dest_url, true, span),
            Event::Start(Tag::Heading { .. }) => self.heading = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => self.end_heading(),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut self.heading {
                    heading.push_str(text);
                }
            }
            Event::Html(html) | Event::InlineHtml(html) => self.ids(IDS, html),
            _ => {}
        }
    }

    fn link(&mut self, target: &str, is_image: bool, span: &Span) {
        self.links.push(Link { target: target.to_owned(), is_image, span: span.clone() });
    }

    fn end_heading(&mut self) {
        let Some(heading) = self.heading.take() else { return };
        self.ids(HEADING_IDS, &heading);
        let name = heading.split(" {").next().unwrap_or_default();
        self.anchors.push(name.to_owned());
    }

    fn ids(&mut self, pattern: &'static str, text: &str) {
        let found = all_captures(pattern, text).into_iter().filter_map(|found| found.get(1));
        self.anchors.extend(found.map(|id| id.as_str().to_owned()));
    }
}
