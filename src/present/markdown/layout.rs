//! Lays out blocks as lines that fit. Each container draws its edge before the lines of its
//! content.

use super::Theme;
use super::document::{Block, Content, List};
use super::highlight::highlight;
use super::span::{Line, StyledSpan, TextStyle, line_width};
use super::table;
use super::wrap::{broken, wrap};
use pulldown_cmark::BlockQuoteKind;

/// A container draws no edge if its content would be narrower than this.
const NARROWEST: usize = 8;
const CODE_INDENT: &str = "    ";
/// Before the rest of a line of code.
const GOES_ON: &str = "↪ ";
/// The indent of all lines of a quote but the first, in plain output.
const PLAIN_INDENT: &str = "  ";
const BULLETS: [&str; 3] = ["• ", "◦ ", "▪ "];

/// Where a block is drawn.
#[derive(Clone, Copy)]
pub(super) struct Area {
    pub(super) theme: Theme,
    /// The available columns.
    pub(super) width: usize,
    /// The number of lists around it.
    pub(super) depth: usize,
    /// Whether code that is too wide goes on below, so that it is not taken for another line.
    pub(super) wraps_code: bool,
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
    let is_plain = area.theme == Theme::Plain;
    match block {
        Block::Heading { level, text } if area.theme == Theme::Marked => {
            let marker = StyledSpan::new(&format!("{} ", "#".repeat(*level)), TextStyle::PLAIN);
            hanging(marker, area, |area| wrap(text, area.width))
        }
        Block::Heading { text, .. } | Block::Paragraph(text) => wrap(text, area.width),
        Block::Code { language, code } => {
            let indent = StyledSpan::new(CODE_INDENT, TextStyle::PLAIN);
            edged(code_lines(highlight(language, code), area), &indent, &indent)
        }
        Block::Quote { kind, blocks } => quote(*kind, blocks, area),
        Block::List(list) => list_lines(list, area),
        Block::Table(table) => table::layout(table, area),
        Block::Footnote { label, blocks } if is_plain => {
            named(&format!("Footnote {label}: "), blocks, area)
        }
        Block::Footnote { label, blocks } => {
            let label = StyledSpan::new(&format!("[{label}] "), TextStyle::CYAN);
            hanging(label, area, |area| layout(blocks, area))
        }
        Block::Rule if is_plain => Vec::new(),
        Block::Rule => vec![vec![StyledSpan::new(&"─".repeat(area.width), TextStyle::DIM)]],
    }
}

/// Long lines of code go on below themselves, after a mark.
fn code_lines(code: Vec<Line>, area: Area) -> Vec<Line> {
    let width = area.width.saturating_sub(CODE_INDENT.len());
    let mark = StyledSpan::new(GOES_ON, TextStyle::DIM);
    if !area.wraps_code || area.theme == Theme::Plain || width < NARROWEST {
        return code;
    }
    let mut lines = Vec::new();
    for line in code {
        if line_width(&line) <= width {
            lines.push(line);
            continue;
        }
        let pieces = broken(line, width - mark.width());
        lines.extend(edged(pieces, &mark.part(""), &mark));
    }
    lines
}

fn quote(kind: Option<BlockQuoteKind>, blocks: &[Block], area: Area) -> Vec<Line> {
    let (name, look) = match kind {
        None => ("Quote", TextStyle::DIM),
        Some(BlockQuoteKind::Note) => ("Note", TextStyle::BLUE),
        Some(BlockQuoteKind::Tip) => ("Tip", TextStyle::GREEN),
        Some(BlockQuoteKind::Important) => ("Important", TextStyle::MAGENTA),
        Some(BlockQuoteKind::Warning) => ("Warning", TextStyle::YELLOW),
        Some(BlockQuoteKind::Caution) => ("Caution", TextStyle::RED),
    };
    if area.theme == Theme::Plain {
        return named(&format!("{name}: "), blocks, area);
    }
    let bar = StyledSpan::new("│ ", look);
    let fits = area.width >= bar.width() + NARROWEST;
    let inner = if fits { area.width - bar.width() } else { area.width };
    let mut lines = Vec::new();
    if kind.is_some() {
        lines.push(vec![StyledSpan::new(&name.to_uppercase(), look.and(TextStyle::BOLD))]);
    }
    lines.extend(layout(blocks, Area { width: inner, ..area }));
    if fits { edged(lines, &bar, &bar) } else { lines }
}

/// The name before the first words, and the rest indented, so that a listener and a reader notice
/// the end.
fn named(name: &str, blocks: &[Block], area: Area) -> Vec<Line> {
    let mut first = vec![StyledSpan::new(name, TextStyle::PLAIN)];
    let width = area.width.saturating_sub(PLAIN_INDENT.len()).max(NARROWEST);
    let (rest, is_apart) = match blocks {
        [Block::Paragraph(text), rest @ ..] => {
            first.extend_from_slice(text);
            (rest, true)
        }
        _ => (blocks, false),
    };
    let mut lines = wrap(&first, width);
    let rest = layout(rest, Area { width, ..area });
    lines.extend((is_apart && !rest.is_empty()).then(Line::new));
    lines.extend(rest);
    if area.width > width {
        let indent = StyledSpan::new(PLAIN_INDENT, TextStyle::PLAIN);
        lines = edged(lines, &indent.part(""), &indent);
    }
    lines
}

fn list_lines(list: &List, area: Area) -> Vec<Line> {
    let is_loose = list.items.iter().any(|item| item.is_loose);
    let inner = Area { depth: area.depth + 1, ..area };
    let mut lines = Vec::new();
    for (index, item) in list.items.iter().enumerate() {
        let has_tall = list.items[index.saturating_sub(1)..=index].iter().any(is_tall);
        if index > 0 && (is_loose || has_tall) {
            lines.push(Line::new());
        }
        lines.extend(hanging(marker(list, index, area), inner, |area| {
            // A list inside a tight item follows without an empty line.
            stacked(&item.blocks, area, |block| is_loose || !matches!(block, Block::List(_)))
        }));
    }
    lines
}

/// Whether an item contains more than text and lists, and so needs empty lines around it.
fn is_tall(item: &Content) -> bool {
    item.blocks.iter().any(|block| !matches!(block, Block::Paragraph(_) | Block::List(_)))
}

fn marker(list: &List, index: usize, area: Area) -> StyledSpan {
    let task = list.items[index].task;
    let tick = match (task, area.theme) {
        (None, _) => "",
        (Some(true), Theme::Plain) => "done: ",
        (Some(false), Theme::Plain) => "to do: ",
        (Some(true), _) => "[x] ",
        (Some(false), _) => "[ ] ",
    };
    let look = if task == Some(true) { TextStyle::GREEN } else { TextStyle::CYAN };
    let Some(start) = list.start else {
        let bullet = match area.theme {
            _ if !tick.is_empty() => tick,
            Theme::Plain => "- ",
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
        let mut lines = wrap(&[marker], area.width);
        lines.extend(content(area));
        return lines;
    }
    let mut lines = content(Area { width: area.width - taken, ..area });
    if lines.is_empty() {
        lines.push(Line::new());
    }
    let indent = StyledSpan::new(&" ".repeat(taken), TextStyle::PLAIN);
    edged(lines, &marker, &indent)
}

/// Inserts an edge before each line.
pub(super) fn edged(mut lines: Vec<Line>, first: &StyledSpan, others: &StyledSpan) -> Vec<Line> {
    for (index, line) in lines.iter_mut().enumerate() {
        let edge = if index == 0 { first } else { others };
        line.insert(0, edge.clone());
    }
    lines
}
