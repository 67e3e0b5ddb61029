//! Gathers the markdown events of a file into sections.

use pulldown_cmark::{BlockQuoteKind, CodeBlockKind, Event, HeadingLevel, Options, Parser};
use pulldown_cmark::{Tag, TagEnd};

use super::super::block::BlockText;
use super::super::problem::Problems;
use super::super::{Code, Language, Span, line_start};
use super::alert::{self, AlertKind};
use super::fence::{self, Fence, Role};
use super::info::FenceWord;
use super::references::References;
use super::slip::Slip;
use super::{html, reading};
use crate::sanitize::clean;

/// The text before the first `##`, or from one `##` to the next.
pub(super) struct Section {
    /// `None` before the first `##`.
    pub(super) title: Option<String>,
    /// Whole lines, including the heading.
    pub(super) span: Span,
    pub(super) parts: Vec<OutlinePart>,
}

/// A relevant part of a section.
pub(super) enum OutlinePart {
    /// A `#` heading.
    Title(Span),
    Fence(FencedBlock),
    /// An alert with a meaning, and the markdown in it.
    Alert(AlertKind, Span, String),
    /// `<details>` (true) or `</details>`.
    Details(bool, Span),
    /// A block that is an HTML comment.
    Comment(Span),
    /// `<!-- task: ID -->`, in a line of text or as a block.
    Task(FenceWord, Span),
    /// What may be an error, as its section decides.
    Slip(Slip),
    /// An item of a numbered list that is not nested in another list.
    NumberedItem(Span),
}

/// A fenced block.
pub(super) struct FencedBlock {
    /// From the first character of the opening fence to the end of the closing one.
    pub(super) span: Span,
    /// The info string.
    pub(super) info: Span,
    pub(super) fence: Fence,
    pub(super) content: BlockText,
    /// Inside an alert with a meaning.
    pub(super) in_alert: bool,
}

impl FencedBlock {
    pub(super) fn code(&self, language: Language) -> Code {
        Code { language, text: self.content.text().to_owned(), span: self.span.clone() }
    }

    pub(super) fn opening_line(&self) -> Span {
        self.span.start..self.info.end
    }
}

impl Section {
    pub(super) fn blocks(&self) -> impl Iterator<Item = &FencedBlock> {
        self.parts.iter().filter_map(|part| match part {
            OutlinePart::Fence(block) => Some(block),
            _ => None,
        })
    }

    /// What may be an error in it.
    pub(super) fn slips(&self) -> impl Iterator<Item = &Slip> {
        self.parts.iter().flat_map(|part| match part {
            OutlinePart::Fence(block) => block.fence.slips.as_slice(),
            OutlinePart::Slip(slip) => std::slice::from_ref(slip),
            _ => &[],
        })
    }

    /// Its blocks that begin an exercise: at most one, if the lesson has no problem.
    pub(super) fn exercises(&self) -> impl Iterator<Item = &FencedBlock> {
        self.blocks().filter(|block| block.fence.role == Role::Exercise)
    }

    /// Whether it has only the lesson's title, comments, and what is shown on pages of their own.
    pub(super) fn is_only_a_title(&self, source: &str) -> bool {
        let others = self.parts.iter().filter_map(|part| match part {
            OutlinePart::Title(span)
            | OutlinePart::Alert(AlertKind::Summary | AlertKind::Recall, span, _) => {
                Some(span.clone())
            }
            _ => None,
        });
        self.title.is_none() && reading::spans(self, &others.collect::<Vec<_>>(), source).is_empty()
    }
}

/// A file's title, its `##` sections, and what links name in it.
pub(super) struct Outline {
    pub(super) title: Option<String>,
    pub(super) sections: Vec<Section>,
    pub(super) references: References,
}

/// The outline of a text that begins at `base`.
pub(super) fn read(source: &str, base: usize, problems: &mut Problems) -> Outline {
    let mut walk = Walk {
        source,
        problems,
        depth: 0,
        quotes: Vec::new(),
        lists: Vec::new(),
        heading: None,
        fence: None,
        title: None,
        references: References::default(),
        sections: vec![Section { title: None, span: base..source.len(), parts: Vec::new() }],
    };
    for (event, range) in Parser::new_ext(&source[base..], options()).into_offset_iter() {
        let range = range.start + base..range.end + base;
        walk.references.take(&event, &range);
        walk.event(event, range);
    }
    let Walk { title, sections, references, .. } = walk;
    Outline { title, sections, references }
}

/// The loader must understand the same extensions as the renderer.
fn options() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM
        | Options::ENABLE_FOOTNOTES
}

struct Walk<'a> {
    source: &'a str,
    problems: &'a mut Problems,
    /// The number of open elements.
    depth: usize,
    /// The open quotes: whether each is an alert with a meaning.
    quotes: Vec<bool>,
    /// The open lists: whether each is numbered.
    lists: Vec<bool>,
    /// The open `#` or `##` outside quotes and lists, and its text so far.
    heading: Option<(HeadingLevel, String)>,
    fence: Option<FencedBlock>,
    title: Option<String>,
    references: References,
    sections: Vec<Section>,
}

impl Walk<'_> {
    fn event(&mut self, event: Event<'_>, range: Span) {
        match event {
            Event::Start(tag) => {
                self.start(tag, range);
                self.depth += 1;
            }
            Event::End(tag) => {
                self.depth = self.depth.saturating_sub(1);
                self.end(tag, range);
            }
            Event::Text(text) => self.text(&text, range),
            Event::Code(text) => self.heading_text(&text),
            Event::SoftBreak | Event::HardBreak => self.heading_text(" "),
            Event::InlineHtml(_) => {
                self.task(range.clone());
                self.details(range);
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: Span) {
        match tag {
            Tag::Heading { level: level @ (HeadingLevel::H1 | HeadingLevel::H2), .. }
                if self.depth == 0 =>
            {
                self.heading = Some((level, String::new()));
            }
            Tag::BlockQuote(kind) => self.quote(kind, range),
            Tag::CodeBlock(CodeBlockKind::Fenced(_)) => self.fence = Some(self.open_fence(range)),
            Tag::CodeBlock(CodeBlockKind::Indented) => {
                let text = &self.source[range.clone()];
                html::look_for_indented_fences(text, range.start, self.problems);
            }
            Tag::HtmlBlock => self.html_block(range),
            Tag::List(first) => self.lists.push(first.is_some()),
            Tag::Item if self.lists == [true] => self.add(OutlinePart::NumberedItem(range)),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, range: Span) {
        match tag {
            TagEnd::Heading(_) => {
                if let Some((level, title)) = self.heading.take() {
                    // An entity such as `&#27;` can produce any character.
                    self.end_heading(level, clean(title.trim()).into_owned(), range);
                }
            }
            TagEnd::BlockQuote(_) => drop(self.quotes.pop()),
            TagEnd::List(_) => drop(self.lists.pop()),
            TagEnd::CodeBlock => {
                if let Some(mut fence) = self.fence.take() {
                    fence.content.end_line();
                    self.add(OutlinePart::Fence(fence));
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str, range: Span) {
        if let Some(fence) = &mut self.fence {
            fence.content.push(text, range);
            return;
        }
        self.heading_text(text);
        self.look_for_a_missing_space(text, &range);
    }

    fn heading_text(&mut self, text: &str) {
        if let Some((_, title)) = &mut self.heading {
            title.push_str(text);
        }
    }

    /// Reports `##Title`, which markdown reads as text.
    fn look_for_a_missing_space(&mut self, text: &str, range: &Span) {
        let title = text.trim_start_matches('#');
        let marks = text.len() - title.len();
        let begins_line = line_start(self.source, range.start) == range.start;
        let is_heading = (1..=6).contains(&marks) && title.starts_with(char::is_alphabetic);
        // A tag such as `#redis` is text.
        if is_heading && marks > 1 && begins_line && self.depth == 1 && self.heading.is_none() {
            let help = format!("write `{} {title}`", &text[..marks]);
            let message = format!("`{text}` is no heading");
            self.problems.warning(range.clone(), message, Some(help));
        }
    }

    fn end_heading(&mut self, level: HeadingLevel, title: String, range: Span) {
        if level == HeadingLevel::H1 {
            self.title.get_or_insert(title);
            self.add(OutlinePart::Title(range));
            return;
        }
        let start = line_start(self.source, range.start);
        if let Some(previous) = self.sections.last_mut() {
            previous.span.end = start;
        }
        let span = start..self.source.len();
        self.sections.push(Section { title: Some(title), span, parts: Vec::new() });
    }

    fn quote(&mut self, kind: Option<BlockQuoteKind>, range: Span) {
        let alert = match kind {
            Some(BlockQuoteKind::Tip) => Some(AlertKind::Tip),
            Some(_) => None,
            None => alert::own_kind(&self.source[range.clone()]),
        };
        if let Some(alert) = alert {
            let text = alert::inner_markdown(&self.source[range.clone()], self.quotes.len());
            self.add(OutlinePart::Alert(alert, range, text));
        } else if kind.is_none()
            && let Some(slip) = alert::slip(self.source, range)
        {
            self.add(OutlinePart::Slip(slip));
        }
        self.quotes.push(alert.is_some());
    }

    fn open_fence(&mut self, range: Span) -> FencedBlock {
        let first_line = self.source[range.clone()].lines().next().unwrap_or_default();
        let end = range.start + first_line.len();
        let mark = first_line.chars().next().unwrap_or('`');
        let info = end - first_line.trim_start_matches(mark).len()..end;
        FencedBlock {
            fence: fence::read(self.source, info.clone(), self.problems),
            info,
            content: BlockText::new(end),
            in_alert: self.quotes.contains(&true),
            span: range,
        }
    }

    fn html_block(&mut self, range: Span) {
        let text = &self.source[range.clone()];
        if let Some(slip) = html::slip(text, range.start) {
            self.add(OutlinePart::Slip(slip));
        }
        if html::is_comment(text) {
            self.task(range.clone());
            self.add(OutlinePart::Comment(range));
            return;
        }
        html::look_for_swallowed_fences(text, range.start, self.problems);
        html::look_for_swallowed_text(text, range.start, self.problems);
        self.details(range);
    }

    fn task(&mut self, span: Span) {
        if let Some(id) = html::task(&self.source[span.clone()], span.start) {
            self.add(OutlinePart::Task(id, span));
        }
    }

    fn details(&mut self, range: Span) {
        for (opens, span) in html::details_tags(&self.source[range.clone()], range.start) {
            self.add(OutlinePart::Details(opens, span));
        }
    }

    fn add(&mut self, part: OutlinePart) {
        if let Some(section) = self.sections.last_mut() {
            section.parts.push(part);
        }
    }
}

/// The start of the line after the one that contains `offset`.
pub(super) fn line_end(source: &str, offset: usize) -> usize {
    source[offset..].find('\n').map_or(source.len(), |newline| offset + newline + 1)
}
