//! Tables: as wide as needed, narrower if necessary, and as a list of fields if nothing else fits.

use super::Theme;
use super::document::Table;
use super::layout::{Area, edged};
use super::span::{Line, StyledSpan, TextStyle, line_width};
use super::wrap::{longest_word, wrap};
use pulldown_cmark::Alignment;

/// A narrower table is not squeezed, because its columns would become unreadable.
const NARROWEST: usize = 30;
const RECORD_INDENT: usize = 2;
const SEPARATOR: &str = " │ ";
const SEPARATOR_WIDTH: usize = 3;

/// The lines of a table: a grid, or records in plain output and if there is no room.
pub(super) fn layout(table: &Table, area: Area) -> Vec<Line> {
    let widths = column_widths(table, area.width).filter(|_| area.theme != Theme::Plain);
    match widths {
        Some(widths) => grid(table, &widths),
        None => records(table, area.width),
    }
}

/// The width of each column; `None` if a word would have to be broken.
fn column_widths(table: &Table, width: usize) -> Option<Vec<usize>> {
    let columns = table.alignments.len();
    let room = width.checked_sub(SEPARATOR_WIDTH * columns.saturating_sub(1))?;
    let natural = widest(table, |_, cell| width_within(cell, usize::MAX));
    if natural.iter().sum::<usize>() <= room {
        return Some(natural);
    }
    let least = widest(table, |_, cell| longest_word(cell));
    let spare = room.checked_sub(least.iter().sum())?;
    let shared = shared(&natural, least, spare);
    // Without the space that wrapping leaves unused.
    (width >= NARROWEST).then(|| widest(table, |column, cell| width_within(cell, shared[column])))
}

/// The maximum of `measure` in each column, at least 1.
fn widest(table: &Table, measure: impl Fn(usize, &Line) -> usize) -> Vec<usize> {
    let mut widths = vec![1; table.alignments.len()];
    for row in &table.rows {
        for (column, (cell, width)) in row.iter().zip(&mut widths).enumerate() {
            *width = measure(column, cell).max(*width);
        }
    }
    widths
}

/// The width of a cell that is wrapped to a limit.
fn width_within(cell: &Line, limit: usize) -> usize {
    wrap(cell, limit).iter().map(|line| line_width(line)).max().unwrap_or(0)
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
    let is_ruled = rows.iter().skip(1).any(|row| row.len() > 1);
    let mut lines = Vec::new();
    for (index, row) in rows.into_iter().enumerate() {
        if index > 1 && is_ruled {
            lines.push(rule(widths, "┄"));
        }
        lines.extend(row);
        if index == 0 {
            lines.push(rule(widths, "─"));
        }
    }
    lines
}

fn rule(widths: &[usize], dash: &str) -> Line {
    let parts: Vec<String> = widths.iter().map(|width| dash.repeat(*width)).collect();
    vec![StyledSpan::new(&parts.join(&format!("{dash}┼{dash}")), TextStyle::DIM)]
}

fn grid_row(table: &Table, row: &[Line], widths: &[usize]) -> Vec<Line> {
    let cells: Vec<Vec<Line>> =
        row.iter().zip(widths).map(|(cell, width)| wrap(cell, *width)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
    (0..height).map(|at| grid_line(table, &cells, widths, at)).collect()
}

fn grid_line(table: &Table, cells: &[Vec<Line>], widths: &[usize], at: usize) -> Line {
    let mut line = Line::new();
    for (column, (width, alignment)) in widths.iter().zip(&table.alignments).enumerate() {
        if column > 0 {
            line.push(StyledSpan::new(SEPARATOR, TextStyle::DIM));
        }
        let text = cells.get(column).and_then(|cell| cell.get(at)).cloned().unwrap_or_default();
        let spare = width.saturating_sub(line_width(&text));
        let left = match alignment {
            Alignment::Right => spare,
            Alignment::Center => spare / 2,
            Alignment::Left | Alignment::None => 0,
        };
        line.push(blank(left));
        line.extend(text);
        line.push(blank(spare - left));
    }
    line
}

fn blank(count: usize) -> StyledSpan {
    StyledSpan::new(&" ".repeat(count), TextStyle::PLAIN)
}

/// A table as `header: value` lines, with an empty line between two rows.
fn records(table: &Table, width: usize) -> Vec<Line> {
    let Some((head, rows)) = table.rows.split_first().filter(|(_, rows)| !rows.is_empty()) else {
        return table.rows.iter().flatten().flat_map(|cell| wrap(cell, width)).collect();
    };
    let mut lines = Vec::new();
    for row in rows {
        if !lines.is_empty() {
            lines.push(Line::new());
        }
        for (header, cell) in head.iter().zip(row) {
            lines.extend(record_field(header, cell, width));
        }
    }
    lines
}

fn record_field(header: &Line, cell: &Line, width: usize) -> Vec<Line> {
    let mut text = header.clone();
    if !text.is_empty() {
        text.push(StyledSpan::new(": ", TextStyle::BOLD));
    }
    text.extend_from_slice(cell);
    let lines = wrap(&text, width);
    if lines.len() <= 1 {
        return lines;
    }
    // Indent further lines, so that the headers stand out at the left.
    edged(wrap(&text, width - RECORD_INDENT), &blank(0), &blank(RECORD_INDENT))
}
