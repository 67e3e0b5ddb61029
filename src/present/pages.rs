//! Pages that are made of rows: a name, a text, and the key that does it.

use colored::Colorize as _;

use super::markdown::inline_code;
use super::plain;
use super::text::{display_width, wrap};

/// On a narrower page, names have no column.
const ROOM_FOR_NAMES: usize = 60;

#[derive(Debug, Clone)]
pub struct PageRow<'t> {
    /// Empty if the row belongs to the one above.
    pub name: &'t str,
    /// May have code between backticks.
    pub text: String,
    pub key: Option<char>,
}

/// The rows, each with its key first, so that it is seen at any width.
pub fn rows(rows: &[PageRow<'_>], width: usize) -> String {
    let widest = rows.iter().map(|row| display_width(row.name)).max().unwrap_or_default();
    let column = if width < ROOM_FOR_NAMES { 0 } else { widest };
    let mut text = String::new();
    for row in rows {
        text.push_str(&if plain::is_on() {
            in_words(row, width)
        } else {
            drawn(row, column, width)
        });
    }
    text
}

fn drawn(row: &PageRow<'_>, column: usize, width: usize) -> String {
    let key = row.key.unwrap_or(' ').to_string();
    let (name, indent) = match (column, row.name) {
        (0, "") => (String::new(), 5),
        (0, name) => (format!("{name}: "), 5),
        (column, name) => (format!("{name:<column$}  "), 5 + column + 2),
    };
    let text = if column == 0 { format!("{name}{}", row.text) } else { row.text.clone() };
    let text = wrap(&text, width.saturating_sub(indent), &" ".repeat(indent));
    let name = if column == 0 { String::new() } else { name.dimmed().to_string() };
    format!("  {}  {name}{}\n", key.cyan().bold(), inline_code(&text))
}

fn in_words(row: &PageRow<'_>, width: usize) -> String {
    let name = if row.name.is_empty() { String::new() } else { format!("{}: ", row.name) };
    let key = row.key.map(|key| format!(" (key {key})")).unwrap_or_default();
    wrap(&format!("{name}{}{key}", row.text), width, "  ") + "\n"
}

/// The first line of the page at an end.
pub fn ending_line(parts: &[String], is_complete: bool, width: usize) -> String {
    let separator = if plain::is_on() { ", " } else { " · " };
    let line = wrap(&parts.join(separator), width, "");
    let line = if is_complete { line.green().bold() } else { line.bold() };
    format!("{line}\n")
}
