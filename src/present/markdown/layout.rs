//! Blocks into lines that fit, each container drawing its edge before the lines of what it holds.

use super::Style;
use super::document::{Block, Item, List};
use super::highlight::highlight;
use super::span::{Line, Look, Piece, Span};
use super::table;
use super::wrap::wrap;
use colored::Color;
use pulldown_cmark::BlockQuoteKind;

/// A container that would leave less than this to its content draws no edge beside it.
const NARROWEST: usize = 8;
const CODE_INDENT: &str = "    ";
/// What stands before the lines of a quote but the first, in words only.
const PLAIN_INDENT: &str = "  ";
const BULLETS: [&str; 3] = ["• ", "◦ ", "▪ "];

/// Where a block is drawn.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) style: Style,
    /// The columns it may take.
    pub(super) width: usize,
    /// How many lists it stands in.
    pub(super) depth: usize,
}

/// The lines of blocks one below the other, an empty line between two.
pub(super) fn layout(blocks: &[Block], place: Place) -> Vec<Line> {
    stacked(blocks, place, |_| true)
}

fn stacked(blocks: &[Block], place: Place, apart: impl Fn(&Block) -> bool) -> Vec<Line> {
    let mut lines = Vec::new();
    for block in blocks {
        let next = block_lines(block, place);
        if !lines.is_empty() && !next.is_empty() && apart(block) {
            lines.push(Line::new());
        }
        lines.extend(next);
    }
    lines
}

fn block_lines(block: &Block, place: Place) -> Vec<Line> {
    match block {
        Block::Heading { level, text } => heading(*level, text, place),
        Block::Paragraph(text) => wrap(text, place.width),
        Block::Code { language, code } => code_lines(language, code),
        Block::Quote { kind, blocks } => quote(*kind, blocks, place),
        Block::List(list) => list_lines(list, place),
        Block::Table(table) => table::layout(table, place),
        Block::Footnote { label, blocks } => {
            if place.style == Style::Plain {
                return named(&format!("Footnote {label}: "), blocks, place);
            }
            let label = Span::new(&format!("[{label}] "), Look::default().color(Color::Cyan));
            hanging(label, place, |place| layout(blocks, place))
        }
        Block::Rule if place.style == Style::Plain => Vec::new(),
        Block::Rule => vec![vec![Span::new(&"─".repeat(place.width), Look::default().dim())]],
    }
}

fn heading(level: usize, text: &[Piece], place: Place) -> Vec<Line> {
    if place.style != Style::Marked {
        return wrap(text, place.width);
    }
    let marker = Span::new(&format!("{} ", "#".repeat(level)), Look::default());
    hanging(marker, place, |place| wrap(text, place.width))
}

fn code_lines(language: &str, code: &str) -> Vec<Line> {
    let indented = |mut line: Line| {
        line.insert(0, Span::new(CODE_INDENT, Look::default()));
        line
    };
    highlight(language, code).into_iter().map(indented).collect()
}

fn quote(kind: Option<BlockQuoteKind>, blocks: &[Block], place: Place) -> Vec<Line> {
    if place.style == Style::Plain {
        return named(&format!("{}: ", kind.map_or("Quote", word)), blocks, place);
    }
    let look = kind.map_or(Look::default().dim(), |kind| Look::default().color(alert(kind).1));
    let bar = Span::new("│ ", look);
    let fits = place.width >= bar.width() + NARROWEST;
    let inner = if fits { place.width - bar.width() } else { place.width };
    let title = kind.map(|kind| vec![Span::new(alert(kind).0, look.bold())]);
    let mut lines: Vec<Line> = title.into_iter().collect();
    lines.extend(layout(blocks, Place { width: inner, ..place }));
    if fits { edged(lines, &bar, &bar) } else { lines }
}

/// Its name before the first words, what follows indented, so that one hears and sees where it ends.
fn named(name: &str, blocks: &[Block], place: Place) -> Vec<Line> {
    let name = Span::new(name, Look::default());
    let width = place.width.saturating_sub(PLAIN_INDENT.len()).max(NARROWEST);
    let inner = Place { width, ..place };
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
    let fits = place.width > width;
    for line in lines.iter_mut().skip(1).filter(|line| fits && !line.is_empty()) {
        line.insert(0, Span::new(PLAIN_INDENT, Look::default()));
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

fn list_lines(list: &List, place: Place) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut before: Option<&Item> = None;
    for (index, item) in list.items.iter().enumerate() {
        let apart = list.loose || is_tall(item) || before.is_some_and(is_tall);
        if before.is_some() && apart {
            lines.push(Line::new());
        }
        lines.extend(hanging(marker(list, index, place), place, |place| {
            let place = Place { depth: place.depth + 1, ..place };
            let follows_at_once = |block: &Block| !list.loose && matches!(block, Block::List(_));
            stacked(&item.blocks, place, |block| !follows_at_once(block))
        }));
        before = Some(item);
    }
    lines
}

/// Whether an item holds more than text and lists, and so wants air around it.
fn is_tall(item: &Item) -> bool {
    item.blocks.iter().any(|block| !matches!(block, Block::Paragraph(_) | Block::List(_)))
}

fn marker(list: &List, index: usize, place: Place) -> Span {
    let task = list.items.get(index).and_then(|item| item.task);
    let tick = match (task, place.style) {
        (None, _) => "",
        (Some(true), Style::Plain) => "done: ",
        (Some(false), Style::Plain) => "to do: ",
        (Some(true), _) => "[x] ",
        (Some(false), _) => "[ ] ",
    };
    let look = match task {
        Some(true) => Look::default().color(Color::Green),
        _ => Look::default().color(Color::Cyan),
    };
    let Some(start) = list.start else {
        let bullet = match place.style {
            _ if !tick.is_empty() => tick,
            Style::Plain => "- ",
            _ => BULLETS[place.depth % BULLETS.len()],
        };
        return Span::new(bullet, look);
    };
    let number = |index: usize| start.saturating_add(index as u64);
    let digits = number(list.items.len().saturating_sub(1)).to_string().len();
    Span::new(&format!("{:>digits$}. {tick}", number(index)), look)
}

/// Content beside its marker, all lines after the first indented by as much; below it where there is
/// no room.
fn hanging(marker: Span, place: Place, content: impl FnOnce(Place) -> Vec<Line>) -> Vec<Line> {
    let taken = marker.width();
    if place.width < taken + NARROWEST {
        let mut lines = wrap(&[Piece::Text(marker)], place.width);
        lines.extend(content(place));
        return lines;
    }
    let mut lines = content(Place { width: place.width - taken, ..place });
    if lines.is_empty() {
        lines.push(Line::new());
    }
    let indent = Span::new(&" ".repeat(taken), Look::default());
    edged(lines, &marker, &indent)
}

fn edged(lines: Vec<Line>, first: &Span, others: &Span) -> Vec<Line> {
    let edge = |index: usize| if index == 0 { first } else { others };
    let beside =
        |(index, line): (usize, Line)| std::iter::once(edge(index).clone()).chain(line).collect();
    lines.into_iter().enumerate().map(beside).collect()
}
