//! Turns markdown events into a tree of blocks, which the layout can measure before it draws.

use super::inline::Inlines;
use super::span::{Line, StyledSpan, TextStyle};
use super::{Theme, html};
use pulldown_cmark::{
    Alignment, BlockQuoteKind, CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag,
    TagEnd, TextMergeStream,
};

pub(super) enum Block {
    Heading { level: usize, text: Line },
    Paragraph(Line),
    Code { language: String, code: String },
    Quote { kind: Option<BlockQuoteKind>, blocks: Vec<Block> },
    List(List),
    Table(Table),
    Footnote { label: String, blocks: Vec<Block> },
    Rule,
}

pub(super) struct List {
    /// The number of the first item; `None` for bullets.
    pub(super) start: Option<u64>,
    pub(super) items: Vec<Content>,
}

/// The content of a container, such as an item of a list.
#[derive(Default)]
pub(super) struct Content {
    pub(super) blocks: Vec<Block>,
    /// Whether the box of a task is ticked; `None` if it is not a task.
    pub(super) task: Option<bool>,
    /// Whether the author left blank lines between the items.
    pub(super) is_loose: bool,
}

pub(super) struct Table {
    pub(super) alignments: Vec<Alignment>,
    /// Rows of cells; the first is the head.
    pub(super) rows: Vec<Vec<Line>>,
}

/// The maximum nesting of containers. Reading and drawing recurse, and a file of ten thousand `>`
/// must not exhaust the stack.
const DEEPEST: usize = 32;

pub(super) fn read(markdown: &str, theme: Theme) -> Vec<Block> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM;
    // Entities are texts of their own, and two of them may be one sign on the screen.
    let events = TextMergeStream::new(Parser::new_ext(markdown, options));
    MarkdownReader { events, theme, depth: 0 }.content().blocks
}

struct MarkdownReader<'a> {
    events: TextMergeStream<'a, Parser<'a>>,
    theme: Theme,
    /// The number of open containers.
    depth: usize,
}

impl<'a> MarkdownReader<'a> {
    /// Reads to the end of the container that was just opened.
    fn content(&mut self) -> Content {
        self.depth += 1;
        let mut content = Content::default();
        let mut text = Inlines::new(self.theme, TextStyle::PLAIN);
        let mut flattened = 0_usize;
        while let Some(event) = self.events.next() {
            let Some(event) = text.take(event) else { continue };
            content.blocks.extend(text.finish().map(Block::Paragraph));
            match event {
                Event::TaskListMarker(done) => content.task = Some(done),
                Event::Start(Tag::Paragraph) => content.is_loose = true,
                Event::Start(Tag::HtmlBlock) => {
                    let paragraphs = html::paragraphs(&self.raw_text(), self.theme);
                    content.blocks.extend(paragraphs.into_iter().map(Block::Paragraph));
                }
                Event::Start(tag) if self.depth > DEEPEST && is_container(&tag) => flattened += 1,
                Event::Start(tag) => content.blocks.extend(self.block(tag)),
                Event::Rule => content.blocks.push(Block::Rule),
                Event::End(TagEnd::Paragraph) => {}
                Event::End(_) if flattened > 0 => flattened -= 1,
                Event::End(_) => break,
                _ => {}
            }
        }
        content.blocks.extend(text.finish().map(Block::Paragraph));
        self.depth -= 1;
        content
    }

    fn block(&mut self, tag: Tag<'a>) -> Option<Block> {
        Some(match tag {
            Tag::Heading { level, .. } => {
                Block::Heading { level: level as usize, text: self.inlines(heading_look(level)) }
            }
            Tag::CodeBlock(kind) => {
                Block::Code { language: language(&kind), code: self.raw_text() }
            }
            Tag::BlockQuote(kind) => Block::Quote { kind, blocks: self.content().blocks },
            Tag::FootnoteDefinition(label) => {
                Block::Footnote { label: label.to_string(), blocks: self.content().blocks }
            }
            Tag::List(start) => Block::List(List { start, items: self.items() }),
            Tag::Table(alignments) => Block::Table(Table { alignments, rows: self.rows() }),
            _ => return None,
        })
    }

    fn items(&mut self) -> Vec<Content> {
        let mut items = Vec::new();
        while let Some(Event::Start(_)) = self.events.next() {
            items.push(self.content());
        }
        items
    }

    fn rows(&mut self) -> Vec<Vec<Line>> {
        let mut rows: Vec<Vec<Line>> = Vec::new();
        while let Some(Event::Start(_)) = self.events.next() {
            let look = if rows.is_empty() { TextStyle::BOLD } else { TextStyle::PLAIN };
            let mut cells = Vec::new();
            while let Some(Event::Start(_)) = self.events.next() {
                cells.push(self.inlines(look).iter().map(StyledSpan::of_sure_width).collect());
            }
            rows.push(cells);
        }
        rows
    }

    /// Reads to the end of the heading or cell that was just opened.
    fn inlines(&mut self, look: TextStyle) -> Line {
        let mut inlines = Inlines::new(self.theme, look);
        for event in self.events.by_ref() {
            if let Some(Event::End(_)) = inlines.take(event) {
                break;
            }
        }
        inlines.finish().unwrap_or_default()
    }

    /// Reads to the end of the code or HTML block that was just opened.
    fn raw_text(&mut self) -> String {
        let mut raw = String::new();
        while let Some(Event::Text(text) | Event::Html(text) | Event::InlineHtml(text)) =
            self.events.next()
        {
            raw.push_str(&text);
        }
        raw
    }
}

fn is_container(tag: &Tag<'_>) -> bool {
    matches!(tag, Tag::BlockQuote(_) | Tag::List(_) | Tag::Item | Tag::FootnoteDefinition(_))
}

fn heading_look(level: HeadingLevel) -> TextStyle {
    match level {
        HeadingLevel::H1 => TextStyle::BOLD.and(TextStyle::UNDERLINE).and(TextStyle::MAGENTA),
        HeadingLevel::H2 => TextStyle::BOLD.and(TextStyle::MAGENTA),
        _ => TextStyle::BOLD,
    }
}

/// The first word of the info string; the rest is for other readers of the lesson.
fn language(kind: &CodeBlockKind<'_>) -> String {
    let info = match kind {
        CodeBlockKind::Fenced(info) => info,
        CodeBlockKind::Indented => &CowStr::Borrowed(""),
    };
    info.split([' ', ',', '\t']).next().unwrap_or_default().to_ascii_lowercase()
}
