//! Lays out blocks as lines that fit. Each container draws its edge before the lines of its
//! content.

use super::Style;
use super::document::{Block, ListBlock, ListItem};
use super::highlight::highlight;
use super::span::{Line, Piece, StyledSpan, TextStyle};
use super::table;
use super::wrap::wrap;
use colored::Color;
use pulldown_cmark::BlockQuoteKind;

/// A container draws no edge if its content would be narrower than this.
const NARROWEST: usize = 8;
const CODE_INDENT: &str = "    ";
/// The indent of all lines of a quote but the first, in plain output.
const PLAIN_INDENT: &str = "  ";
const BULLETS: [&str; 3] = ["• ", "◦ ", "▪ "];

/// Where a block is drawn.
#[derive(Clone, Copy)]
pub(super) struct Area {
    pub(super) style: Style,
    /// The available columns.
    pub(super) width: usize,
    /// The number of lists around it.
    pub(super) depth: usize,
}

/// The lines of blocks, with an empty line between two blocks.
pub(super) fn layout(blocks: &[Block], area: Area) -> Vec<Line> {
    stacked(blocks, area, |_| true)
}

fn stacked(blocks: &[Block], area: Area, apart: impl Fn(&Block) -> bool) -> Vec<Line> {
    let mut lines = Vec::new();
    for block in blocks {
        let next = block_lines(block, area);
        if !lines.is_empty() && !next.is_empty() && apart(block) {
            lines.push(Line::new());
        }
        lines.extend(next);
    }
    lines
}

fn block_lines(block: &Block, area: Area) -> Vec<Line> {
    match block {
        Block::Heading { level, text } => heading(*level, text, area),
        Block::Paragraph(text) => wrap(text, area.width),
        Block::Code { language, code } => code_lines(language, code),
        Block::Quote { kind, blocks } => quote(*kind, blocks, area),
        Block::List(list) => list_lines(list, area),
        Block::Table(table) => table::layout(table, area),
        Block::Footnote { label, blocks } => {
            if area.style == Style::Plain {
                return named(&format!("Footnote {label}: "), blocks, area);
            }
            let label =
                StyledSpan::new(&format!("[{label}] "), TextStyle::default().color(Color::Cyan));
            hanging(label, area, |area| layout(blocks, area))
        }
        Block::Rule if area.style == Style::Plain => Vec::new(),
        Block::Rule => {
            vec![vec![StyledSpan::new(&"─".repeat(area.width), TextStyle::default().dim())]]
        }
    }
}

fn heading(level: usize, text: &[Piece], area: Area) -> Vec<Line> {
    if area.style != Style::Marked {
        return wrap(text, area.width);
    }
    let marker = StyledSpan::new(&format!("{} ", "#".repeat(level)), TextStyle::default());
    hanging(marker, area, |area| wrap(text, area.width))
}

fn code_lines(language: &str, code: &str) -> Vec<Line> {
    let mut lines = highlight(language, code);
    for line in &mut lines {
        line.insert(0, StyledSpan::new(CODE_INDENT, TextStyle::default()));
    }
    lines
}

fn quote(kind: Option<BlockQuoteKind>, blocks: &[Block], area: Area) -> Vec<Line> {
    if area.style == Style::Plain {
        return named(&format!("{}: ", kind.map_or("Quote", word)), blocks, area);
    }
    let look =
        kind.map_or(TextStyle::default().dim(), |kind| TextStyle::default().color(alert(kind).1));
    let bar = StyledSpan::new("│ ", look);
    let fits = area.width >= bar.width() + NARROWEST;
    let inner = if fits { area.width - bar.width() } else { area.width };
    let title = kind.map(|kind| vec![StyledSpan::new(alert(kind).0, look.bold())]);
    let mut lines: Vec<Line> = title.into_iter().collect();
    lines.extend(layout(blocks, Area { width: inner, ..area }));
    if fits { edged(lines, &bar, &bar) } else { lines }
}

/// The name before the first words, and the rest indented, so that a listener and a reader notice
/// the end.
fn named(name: &str, blocks: &[Block], area: Area) -> Vec<Line> {
    let name = StyledSpan::new(name, TextStyle::default());
    let width = area.width.saturating_sub(PLAIN_INDENT.len()).max(NARROWEST);
    let inner = Area { width, ..area };
    let mut lines = match blocks {
        [Block::Paragraph(text), rest @ ..] => {
            let text: Vec<Piece> = std::iter::once(Piece::Text(name)).chain(text.clone()).collect();
            let mut lines = wrap(&text, width);
            if !rest.is_empty() {
                lines.push(Line::new());
                lines.extend(layout(rest, inner));
            }
            lines
        }
        _ => std::iter::once(vec![name]).chain(layout(blocks, inner)).collect(),
    };
    let fits = area.width > width;
    for line in lines.iter_mut().skip(1).filter(|line| fits && !line.is_empty()) {
        line.insert(0, StyledSpan::new(PLAIN_INDENT, TextStyle::default()));
    }
    lines
}

fn word(kind: BlockQuoteKind) -> &'static str {
    match kind {
        BlockQuoteKind::Note => "Note",
        BlockQuoteKind::Tip => "Tip",
        BlockQuoteKind::Important => "Important",
        BlockQuoteKind::Warning => "Warning",
        BlockQuoteKind::Caution => "Caution",
    }
}

fn alert(kind: BlockQuoteKind) -> (&'static str, Color) {
    match kind {
        BlockQuoteKind::Note => ("NOTE", Color::Blue),
        BlockQuoteKind::Tip => ("TIP", Color::Green),
        BlockQuoteKind::Important => ("IMPORTANT", Color::Magenta),
        BlockQuoteKind::Warning => ("WARNING", Color::Yellow),
        BlockQuoteKind::Caution => ("CAUTION", Color::Red),
    }
}

fn list_lines(list: &ListBlock, area: Area) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut before: Option<&ListItem> = None;
    for (index, item) in list.items.iter().enumerate() {
        let apart = list.loose || is_tall(item) || before.is_some_and(is_tall);
        if before.is_some() && apart {
            lines.push(Line::new());
        }
        lines.extend(hanging(marker(list, index, area), area, |area| {
            let area = Area { depth: area.depth + 1, ..area };
            // A list inside a tight item follows without an empty line.
            stacked(&item.blocks, area, |block| list.loose || !matches!(block, Block::List(_)))
        }));
        before = Some(item);
    }
    lines
}

/// Whether an item contains more than text and lists, and so needs empty lines around it.
fn is_tall(item: &ListItem) -> bool {
    item.blocks.iter().any(|block| !matches!(block, Block::Paragraph(_) | Block::List(_)))
}

fn marker(list: &ListBlock, index: usize, area: Area) -> StyledSpan {
    let task = list.items.get(index).and_then(|item| item.task);
    let tick = match (task, area.style) {
        (None, _) => "",
        (Some(true), Style::Plain) => "done: ",
        (Some(false), Style::Plain) => "to do: ",
        (Some(true), _) => "[x] ",
        (Some(false), _) => "[ ] ",
    };
    let look = match task {
        Some(true) => TextStyle::default().color(Color::Green),
        _ => TextStyle::default().color(Color::Cyan),
    };
    let Some(start) = list.start else {
        let bullet = match area.style {
            _ if !tick.is_empty() => tick,
            Style::Plain => "- ",
            _ => BULLETS[area.depth % BULLETS.len()],
        };
        return StyledSpan::new(bullet, look);
    };
    let last = start.saturating_add(list.items.len().saturating_sub(1) as u64);
    let digits = last.to_string().len();
    let number = start.saturating_add(index as u64);
    StyledSpan::new(&format!("{number:>digits$}. {tick}"), look)
}

/// Content after its marker, with all further lines indented by the width of the marker; below the
/// marker if there is no room.
fn hanging(marker: StyledSpan, area: Area, content: impl FnOnce(Area) -> Vec<Line>) -> Vec<Line> {
    let taken = marker.width();
    if area.width < taken + NARROWEST {
        let mut lines = wrap(&[Piece::Text(marker)], area.width);
        lines.extend(content(area));
        return lines;
    }
    let mut lines = content(Area { width: area.width - taken, ..area });
    if lines.is_empty() {
        lines.push(Line::new());
    }
    let indent = StyledSpan::new(&" ".repeat(taken), TextStyle::default());
    edged(lines, &marker, &indent)
}

/// Inserts an edge before each line.
fn edged(mut lines: Vec<Line>, first: &StyledSpan, others: &StyledSpan) -> Vec<Line> {
    for (index, line) in lines.iter_mut().enumerate() {
        let edge = if index == 0 { first } else { others };
        line.insert(0, edge.clone());
    }
    lines
}
