//! Tables: as wide as needed, narrower if necessary, and as a list of fields if nothing else fits.

use super::Style;
use super::document::{Cell, Table};
use super::layout::Area;
use super::span::{Line, Piece, StyledSpan, TextStyle, line_width};
use super::wrap::{longest_word, wrap};
use pulldown_cmark::Alignment;

/// A narrower table is not squeezed, because its columns would become unreadable.
const NARROWEST: usize = 30;
const RECORD_INDENT: &str = "  ";
const SEPARATOR: &str = " │ ";
const SEPARATOR_WIDTH: usize = 3;

/// The lines of a table: a grid, or records in plain output and if there is no room.
pub(super) fn layout(table: &Table, area: Area) -> Vec<Line> {
    let widths = column_widths(table, area.width).filter(|_| area.style != Style::Plain);
    match widths {
        Some(widths) => grid(table, &widths),
        None => records(table, area.width),
    }
}

/// The width of each column; `None` if a word would have to be broken.
fn column_widths(table: &Table, width: usize) -> Option<Vec<usize>> {
    let columns = table.alignments.len();
    let room = width.checked_sub(SEPARATOR_WIDTH * columns.saturating_sub(1))?;
    let natural = widest(table, natural_width);
    if natural.iter().sum::<usize>() <= room {
        return Some(natural);
    }
    let least = widest(table, |cell| longest_word(cell));
    let spare = room.checked_sub(least.iter().sum())?;
    (width >= NARROWEST).then(|| tightened(table, &shared(&natural, least, spare)))
}

/// The maximum of `measure` in each column, at least 1.
fn widest(table: &Table, measure: fn(&Cell) -> usize) -> Vec<usize> {
    (0..table.alignments.len())
        .map(|column| cells(table, column).map(measure).max().unwrap_or(0).max(1))
        .collect()
}

fn cells(table: &Table, column: usize) -> impl Iterator<Item = &Cell> {
    std::iter::once(&table.head).chain(&table.rows).filter_map(move |row| row.get(column))
}

fn natural_width(cell: &Cell) -> usize {
    width_within(cell, usize::MAX)
}

/// The width of a cell that is wrapped to a limit.
fn width_within(cell: &Cell, limit: usize) -> usize {
    wrap(cell, limit).iter().map(|line| line_width(line)).max().unwrap_or(0)
}

/// Column widths without the space that wrapping left unused.
fn tightened(table: &Table, widths: &[usize]) -> Vec<usize> {
    let mut tightened = Vec::new();
    for (column, limit) in widths.iter().enumerate() {
        let used = cells(table, column).map(|cell| width_within(cell, *limit)).max();
        tightened.push(used.unwrap_or(0).max(1));
    }
    tightened
}

/// Gives each spare column to the narrowest column that still needs one: short cells get all they
/// need, and the long ones share the rest evenly.
fn shared(natural: &[usize], mut widths: Vec<usize>, spare: usize) -> Vec<usize> {
    for _ in 0..spare {
        let wanting = widths.iter_mut().zip(natural).filter(|(width, natural)| **width < **natural);
        let Some((width, _)) = wanting.min_by_key(|(width, _)| **width) else { break };
        *width += 1;
    }
    widths
}

fn grid(table: &Table, widths: &[usize]) -> Vec<Line> {
    let rows: Vec<Vec<Line>> = table.rows.iter().map(|row| grid_row(table, row, widths)).collect();
    // Rows of several lines need rules between them to be told apart.
    let ruled = rows.iter().any(|row| row.len() > 1);
    let mut lines = grid_row(table, &table.head, widths);
    for (index, row) in rows.into_iter().enumerate() {
        if index == 0 || ruled {
            lines.push(rule(widths, if index == 0 { "─" } else { "┄" }));
        }
        lines.extend(row);
    }
    if table.rows.is_empty() {
        lines.push(rule(widths, "─"));
    }
    lines
}

fn rule(widths: &[usize], dash: &str) -> Line {
    let parts: Vec<String> = widths.iter().map(|width| dash.repeat(*width)).collect();
    vec![StyledSpan::new(&parts.join(&format!("{dash}┼{dash}")), frame())]
}

fn frame() -> TextStyle {
    TextStyle::default().dim()
}

fn grid_row(table: &Table, row: &[Cell], widths: &[usize]) -> Vec<Line> {
    let cells: Vec<Vec<Line>> = widths
        .iter()
        .enumerate()
        .map(|(column, width)| row.get(column).map(|cell| wrap(cell, *width)).unwrap_or_default())
        .collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
    (0..height).map(|at| grid_line(table, &cells, widths, at)).collect()
}

fn grid_line(table: &Table, cells: &[Vec<Line>], widths: &[usize], at: usize) -> Line {
    let mut line = Line::new();
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        if column > 0 {
            line.push(StyledSpan::new(SEPARATOR, frame()));
        }
        let text = cell.get(at).cloned().unwrap_or_default();
        let alignment = table.alignments.get(column).copied().unwrap_or(Alignment::None);
        line.extend(aligned(text, *width, alignment));
    }
    line
}

fn aligned(text: Line, width: usize, alignment: Alignment) -> Line {
    let spare = width.saturating_sub(line_width(&text));
    let left = match alignment {
        Alignment::Right => spare,
        Alignment::Center => spare / 2,
        Alignment::Left | Alignment::None => 0,
    };
    let mut line = vec![blank(left)];
    line.extend(text);
    line.push(blank(spare - left));
    line
}

fn blank(count: usize) -> StyledSpan {
    StyledSpan::new(&" ".repeat(count), TextStyle::default())
}

/// A table as `header: value` lines, with an empty line between two rows.
fn records(table: &Table, width: usize) -> Vec<Line> {
    if table.rows.is_empty() {
        return table.head.iter().flat_map(|cell| wrap(cell, width)).collect();
    }
    let mut lines = Vec::new();
    for row in &table.rows {
        if !lines.is_empty() {
            lines.push(Line::new());
        }
        for (column, cell) in row.iter().enumerate() {
            lines.extend(record_field(table.head.get(column), cell, width));
        }
    }
    lines
}

fn record_field(header: Option<&Cell>, cell: &Cell, width: usize) -> Vec<Line> {
    let mut pieces = header.cloned().unwrap_or_default();
    if !pieces.is_empty() {
        pieces.push(Piece::Text(StyledSpan::new(": ", TextStyle::default().bold())));
    }
    pieces.extend(cell.iter().cloned());
    let mut lines = wrap(&pieces, width);
    if lines.len() > 1 {
        // Indent further lines, so that the headers stand out at the left.
        lines = wrap(&pieces, width - RECORD_INDENT.len());
        let indent = StyledSpan::new(RECORD_INDENT, TextStyle::default());
        lines.iter_mut().skip(1).for_each(|line| line.insert(0, indent.clone()));
    }
    lines
}
