//! Turns markdown events into a tree of blocks, which the layout can measure before it draws.

use super::inline::Inlines;
use super::span::{Piece, TextStyle};
use super::{Style, html};
use colored::Color;
use pulldown_cmark::{
    Alignment, BlockQuoteKind, CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag,
};

pub(super) enum Block {
    Heading { level: usize, text: Vec<Piece> },
    Paragraph(Vec<Piece>),
    Code { language: String, code: String },
    Quote { kind: Option<BlockQuoteKind>, blocks: Vec<Block> },
    List(ListBlock),
    Table(Table),
    Footnote { label: String, blocks: Vec<Block> },
    Rule,
}

pub(super) struct ListBlock {
    /// The number of the first item; `None` for bullets.
    pub(super) start: Option<u64>,
    /// Whether the author left blank lines between the items.
    pub(super) loose: bool,
    pub(super) items: Vec<ListItem>,
}

pub(super) struct ListItem {
    /// Whether the box of a task is ticked; `None` if the item is not a task.
    pub(super) task: Option<bool>,
    pub(super) blocks: Vec<Block>,
}

pub(super) type Cell = Vec<Piece>;

pub(super) struct Table {
    pub(super) alignments: Vec<Alignment>,
    pub(super) head: Vec<Cell>,
    pub(super) rows: Vec<Vec<Cell>>,
}

/// The maximum nesting of containers. Reading and drawing recurse, and a file of ten thousand `>`
/// must not exhaust the stack.
const DEEPEST: usize = 32;

pub(super) fn read(markdown: &str, style: Style) -> Vec<Block> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_GFM;
    let mut reader =
        MarkdownReader { events: Parser::new_ext(markdown, options), style, open: Vec::new() };
    reader.container().0
}

struct MarkdownReader<'a> {
    events: Parser<'a>,
    style: Style,
    open: Vec<ContainerBlock>,
}

/// Facts about a container, collected while it is read.
#[derive(Default)]
struct ContainerBlock {
    task: Option<bool>,
    loose: bool,
}

impl<'a> MarkdownReader<'a> {
    /// Reads to the end of the container that was just opened.
    fn container(&mut self) -> (Vec<Block>, ContainerBlock) {
        self.open.push(ContainerBlock::default());
        let mut blocks = Vec::new();
        let mut bare = self.inlines_of(TextStyle::default());
        let mut flattened = 0_usize;
        while let Some(event) = self.events.next() {
            let Some(event) = bare.take(event) else { continue };
            if let Event::TaskListMarker(done) = event {
                self.note(|container| container.task = Some(done));
                continue;
            }
            let text = std::mem::replace(&mut bare, self.inlines_of(TextStyle::default()));
            blocks.extend((!text.is_empty()).then(|| Block::Paragraph(text.finish())));
            match event {
                Event::Start(tag) if self.open.len() > DEEPEST && is_container(&tag) => {
                    flattened += 1;
                }
                Event::Start(tag) => blocks.extend(self.block(tag)),
                Event::End(_) if flattened > 0 => flattened -= 1,
                Event::End(_) => break,
                Event::Rule => blocks.push(Block::Rule),
                _ => {}
            }
        }
        let text = bare.finish();
        blocks.extend((!text.is_empty()).then_some(Block::Paragraph(text)));
        (blocks, self.open.pop().unwrap_or_default())
    }

    fn block(&mut self, tag: Tag<'a>) -> Vec<Block> {
        let block = match tag {
            Tag::Paragraph => {
                self.note(|container| container.loose = true);
                Block::Paragraph(self.inlines(TextStyle::default()))
            }
            Tag::Heading { level, .. } => {
                Block::Heading { level: level as usize, text: self.inlines(heading_look(level)) }
            }
            Tag::CodeBlock(kind) => {
                let language = language(&kind);
                Block::Code { language, code: self.raw_text() }
            }
            Tag::HtmlBlock => {
                let paragraphs = html::paragraphs(&self.raw_text(), self.style);
                return paragraphs.into_iter().map(Block::Paragraph).collect();
            }
            Tag::BlockQuote(kind) => Block::Quote { kind, blocks: self.container().0 },
            Tag::FootnoteDefinition(label) => {
                Block::Footnote { label: label.to_string(), blocks: self.container().0 }
            }
            Tag::List(start) => Block::List(self.list(start)),
            Tag::Table(alignments) => Block::Table(self.table(alignments)),
            _ => return Vec::new(),
        };
        vec![block]
    }

    fn list(&mut self, start: Option<u64>) -> ListBlock {
        let mut list = ListBlock { start, loose: false, items: Vec::new() };
        while let Some(Event::Start(Tag::Item)) = self.events.next() {
            let (blocks, ContainerBlock { task, loose }) = self.container();
            list.loose |= loose;
            list.items.push(ListItem { task, blocks });
        }
        list
    }

    fn table(&mut self, alignments: Vec<Alignment>) -> Table {
        let mut table = Table { alignments, head: Vec::new(), rows: Vec::new() };
        while let Some(Event::Start(tag)) = self.events.next() {
            if tag == Tag::TableHead {
                table.head = self.row(TextStyle::default().bold());
            } else {
                let row = self.row(TextStyle::default());
                table.rows.push(row);
            }
        }
        table
    }

    fn row(&mut self, look: TextStyle) -> Vec<Cell> {
        let mut cells = Vec::new();
        while let Some(Event::Start(Tag::TableCell)) = self.events.next() {
            cells.push(self.inlines(look).into_iter().map(Piece::of_sure_width).collect());
        }
        cells
    }

    fn inlines_of(&self, look: TextStyle) -> Inlines {
        Inlines::new(self.style, look)
    }

    /// Reads to the end of the paragraph, heading or cell that was just opened.
    fn inlines(&mut self, look: TextStyle) -> Vec<Piece> {
        let mut inlines = self.inlines_of(look);
        while let Some(event) = self.events.next() {
            match inlines.take(event) {
                Some(Event::TaskListMarker(done)) => {
                    self.note(|container| container.task = Some(done));
                }
                Some(Event::End(_)) => break,
                _ => {}
            }
        }
        inlines.finish()
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

    fn note(&mut self, fact: impl FnOnce(&mut ContainerBlock)) {
        if let Some(container) = self.open.last_mut() {
            fact(container);
        }
    }
}

fn is_container(tag: &Tag<'_>) -> bool {
    matches!(tag, Tag::BlockQuote(_) | Tag::List(_) | Tag::Item | Tag::FootnoteDefinition(_))
}

fn heading_look(level: HeadingLevel) -> TextStyle {
    let bold = TextStyle::default().bold();
    match level {
        HeadingLevel::H1 => bold.underline().color(Color::Magenta),
        HeadingLevel::H2 => bold.color(Color::Magenta),
        _ => bold,
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
