//! Draws the lanes as text.

use std::fmt::Write as _;
use std::ops::Range;
use std::time::Duration;

use super::axis::{Axis, StopId};
use super::canvas::{Row, coloured};
use super::layout::{Form, LaidOut, Layout};
use super::time;
use super::values::{Content, Edge, Lane, Look, Picture, Point, Span, Trail};
use crate::attempt::evidence::Waits;
use crate::present::text::{display_width, number, wrap};

/// A narrower screen has short labels.
const NARROW: usize = 60;
const INDENT: usize = 2;
const GAP: usize = 2;
/// The axis is at least this wide, however narrow the screen is.
const SHORTEST_AXIS: usize = 16;
/// An end that is known better than this counts as known.
const UNSURE: Duration = Duration::from_millis(150);
/// Columns between two times on the axis.
const BETWEEN_TIMES: usize = 9;

pub fn drawn(picture: &Picture, width: usize) -> String {
    let label = picture.lanes.iter().map(|lane| display_width(name(lane, width))).max();
    let left = INDENT + label.unwrap_or(0) + GAP;
    let columns = width.saturating_sub(left).max(SHORTEST_AXIS);
    let Some(layout) = Layout::new(picture, columns) else { return String::new() };
    let mut text = String::new();
    line(&mut text, left, "", &times(&layout.axis, columns));
    for lane in &layout.lanes {
        let name = name(lane.lane, width);
        for (index, row) in rows(lane, &layout, columns).iter().enumerate() {
            line(&mut text, left, if index == 0 { name } else { "" }, row);
        }
    }
    let commands = left_out(layout.left_out, "more command");
    let spans = left_out(layout.spans_left_out, "earlier bar");
    for note in picture.notes.iter().chain(&commands).chain(&spans) {
        let note = wrap(note, width.saturating_sub(INDENT + 2), &" ".repeat(INDENT + 2));
        let look = if note.starts_with('✗') { Look::Bad } else { Look::Faint };
        let _ = writeln!(text, "{}{}", " ".repeat(INDENT), coloured(&note, look));
    }
    text
}

/// `2 more commands are not in the picture`.
fn left_out(count: usize, what: &str) -> Option<String> {
    let verb = if count == 1 { "is" } else { "are" };
    (count > 0).then(|| format!("{} {verb} not in the picture", number(count, what)))
}

fn name(lane: &Lane, width: usize) -> &str {
    if width < NARROW { &lane.label.1 } else { &lane.label.0 }
}

fn line(text: &mut String, left: usize, name: &str, row: &Row) {
    let row = row.text();
    if row.is_empty() && name.is_empty() {
        return;
    }
    let gap = " ".repeat(left.saturating_sub(INDENT + display_width(name)));
    let name = if name.is_empty() { String::new() } else { coloured(name, Look::Faint) };
    text.push_str(&" ".repeat(INDENT));
    text.push_str(format!("{name}{gap}{row}").trim_end());
    text.push('\n');
}

/// The axis: round times, and the time at which a stretched part ends.
fn times(axis: &Axis, columns: usize) -> Row {
    let mut row = Row::new(columns);
    let end = axis.end().max(1);
    for column in 0..end.min(columns) {
        let sign = if axis.is_stretched(column, column + 1) { '·' } else { '─' };
        row.fill(column..column + 1, sign, Look::Faint);
    }
    let mut taken = Vec::new();
    write_time(&mut row, &mut taken, 0, axis.begin);
    let last = axis.last;
    let width = display_width(&time(last));
    // The last one ends in its column, where the others begin in theirs.
    write_time(&mut row, &mut taken, (axis.end() + 1).saturating_sub(width), last);
    for column in 1..end {
        let is_end =
            axis.is_stretched(column - 1, column) && !axis.is_stretched(column, column + 1);
        if is_end {
            write_time(&mut row, &mut taken, column, axis.moment_at(column));
        }
    }
    let Some(step) = axis.step(BETWEEN_TIMES) else { return row };
    let mut at = step;
    while at < last {
        let column = axis.column_at(at);
        if at > axis.begin && !axis.is_stretched(column.saturating_sub(1), column + 1) {
            write_time(&mut row, &mut taken, column, at);
        }
        at += step;
    }
    row
}

/// Writes a time from its column on, unless there is no room.
fn write_time(row: &mut Row, taken: &mut Vec<(Range<usize>, String)>, column: usize, at: Duration) {
    let text = time(at);
    let room = column.saturating_sub(1)..column + display_width(&text) + 2;
    let overlaps = taken
        .iter()
        .any(|(other, time)| *time == text || (other.start < room.end && room.start < other.end));
    if overlaps || !row.holds(&(column..column + display_width(&text))) {
        return;
    }
    if column > 0 {
        row.write(column - 1, " ", Look::Faint);
    }
    row.write(column, &format!("{text} "), Look::Faint);
    taken.push((room, text));
}

fn rows(lane: &LaidOut<'_>, layout: &Layout<'_>, columns: usize) -> Vec<Row> {
    match &lane.lane.content {
        Content::Points(_) => points(&lane.points, &layout.axis, layout.form, columns),
        Content::Spans(_) => vec![spans(&lane.spans, &layout.axis, columns)],
        Content::Waits(waits) => vec![bars(waits, &layout.axis, columns)],
        Content::Caption { at, sign, look, text } => {
            caption(layout.axis.column_at(*at), *sign, *look, text, columns)
        }
    }
}

fn points(points: &[(&Point, StopId)], axis: &Axis, form: Form, columns: usize) -> Vec<Row> {
    let mut rows = vec![Row::new(columns); form.rows];
    let drawn: Vec<&Point> = points.iter().map(|(point, _)| *point).collect();
    let places = form.rows_of(&drawn);
    for (index, (point, stop)) in points.iter().enumerate() {
        let row = &mut rows[places[index]];
        let (column, text) = (axis.column(*stop), form.text(point));
        let end = column + 1 + display_width(text);
        let next = places[index + 1..].iter().position(|place| *place == places[index]);
        let next = next.map_or(columns, |next| axis.column(points[index + 1 + next].1));
        if let Some(trail) = point.trail {
            let until = axis.column_at(trail.until()).min(next);
            let sign = if matches!(trail, Trail::Waits(_)) { '─' } else { '·' };
            row.fill(end..until.max(end), sign, Look::Faint);
        }
        row.write(column, &format!("▌{text}"), point.look);
    }
    rows
}

fn spans(spans: &[(&Span, StopId, StopId)], axis: &Axis, columns: usize) -> Row {
    let mut row = Row::new(columns);
    for (span, from, until) in spans {
        let (from, until) = (axis.column(*from), axis.column(*until));
        draw_span(&mut row, span, from, until, axis);
    }
    row
}

fn draw_span(row: &mut Row, span: &Span, from: usize, until: usize, axis: &Axis) {
    let is_wall = span.look == Look::Wall;
    let (solid, unsure) = if is_wall { ('█', '▒') } else { ('─', '╌') };
    let ran_until = axis.column_at(span.ran_until).clamp(from, until);
    let is_exact = span.until.is_some_and(|end| end.saturating_sub(span.ran_until) < UNSURE);
    let ran_until = if is_exact || until - ran_until <= 2 { until } else { ran_until };
    row.fill(from..ran_until, if span.begins_later { unsure } else { solid }, span.look);
    row.fill(ran_until..until, unsure, span.look);
    for text in &span.texts {
        let start = axis.column_at(text.from).clamp(from, until);
        let end = if text.until >= span.ran_until { until } else { axis.column_at(text.until) };
        write_inside(row, start + 2, end.saturating_sub(1), text.choices, span.look);
    }
    if let Some(at) = span.crossed_at {
        let column = axis.column_at(at);
        if (from + 1..until).contains(&column) {
            row.write(column, "┼", span.look);
        }
    }
    if !is_wall {
        row.write(from, if span.begins_later { "╌" } else { "├" }, span.look);
    }
    let (sign, look) = match span.edge {
        Edge::Broken => ("✗", Look::Bad),
        Edge::Open => ("╌", span.look),
        Edge::Closed if is_wall => ("█", span.look),
        Edge::Closed => ("┤", span.look),
    };
    row.write(until, sign, look);
    if row.is_free(until + 1..until + 2 + display_width(span.after)) {
        row.write(until + 2, span.after, look);
    }
}

/// The longest text that fits between two columns, in their middle.
fn write_inside(row: &mut Row, from: usize, until: usize, choices: &[&str], look: Look) {
    let room = until.saturating_sub(from);
    let Some(text) = choices.iter().find(|text| display_width(text) + 2 <= room) else { return };
    let start = from + (room - display_width(text) - 2) / 2;
    row.write(start, &format!(" {text} "), look);
}

/// A bar for the longest wait of each column.
fn bars(waits: &Waits, axis: &Axis, columns: usize) -> Row {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let mut row = Row::new(columns);
    let watched = axis.column_at(waits.watched.min(axis.last));
    for column in 0..=watched {
        let (from, until) = (axis.moment_at(column), axis.moment_at(column + 1));
        let overlaps =
            waits.slow.iter().filter(|wait| wait.at < until && wait.at + wait.took > from);
        let longest = overlaps.map(|wait| wait.took).max().unwrap_or_default();
        let height = height(longest);
        let look = if height > 4 { Look::Wall } else { Look::Faint };
        row.fill(column..column + 1, BARS[height], look);
    }
    row
}

/// The height on a log scale: flat up to 1 ms, the maximum from 1 s.
fn height(wait: Duration) -> usize {
    let above = [3, 7, 20, 52, 139, 373, 1000];
    above.iter().take_while(|&&millis| wait >= Duration::from_millis(millis)).count()
}

/// The sign in its column and the text after it, before it, or below it.
fn caption(column: usize, sign: char, look: Look, text: &str, columns: usize) -> Vec<Row> {
    let mut first = Row::new(columns);
    let column = column.min(columns.saturating_sub(1));
    let width = display_width(text);
    if sign == ' ' {
        return below(Vec::new(), text, look, columns);
    }
    first.write(column, &sign.to_string(), look);
    if column + 2 + width <= columns {
        first.write(column + 2, text, look);
        return vec![first];
    }
    if width < column {
        first.write(column - 1 - width, text, look);
        return vec![first];
    }
    below(vec![first], text, look, columns)
}

fn below(mut rows: Vec<Row>, text: &str, look: Look, columns: usize) -> Vec<Row> {
    for line in wrap(text, columns, "").lines() {
        let mut row = Row::new(columns);
        row.write(0, line, look);
        rows.push(row);
    }
    rows
}
