//! One row of the picture: text at columns, each with its look.

use colored::Colorize as _;
use unicode_segmentation::UnicodeSegmentation as _;

use super::values::Look;
use crate::present::text::display_width;

#[derive(Debug, Clone)]
struct Cell {
    /// Empty behind a wide character.
    text: String,
    look: Look,
}

/// A row of this many columns.
#[derive(Debug, Clone)]
pub struct Row(Vec<Cell>);

impl Row {
    pub fn new(columns: usize) -> Self {
        Self(vec![Cell { text: " ".to_owned(), look: Look::Plain }; columns])
    }

    /// Writes text from a column on, over what is there; what does not fit is cut.
    pub fn write(&mut self, mut column: usize, text: &str, look: Look) {
        for part in text.graphemes(true) {
            let width = display_width(part);
            if width == 0 || column + width > self.0.len() {
                continue;
            }
            self.0[column] = Cell { text: part.to_owned(), look };
            for behind in &mut self.0[column + 1..column + width] {
                *behind = Cell { text: String::new(), look };
            }
            column += width;
        }
    }

    /// Writes a character into each of these columns.
    pub fn fill(&mut self, columns: std::ops::Range<usize>, sign: char, look: Look) {
        let end = columns.end.min(self.0.len());
        for cell in self.0.get_mut(columns.start..end).into_iter().flatten() {
            *cell = Cell { text: sign.to_string(), look };
        }
    }

    pub fn holds(&self, columns: &std::ops::Range<usize>) -> bool {
        columns.end <= self.0.len()
    }

    pub fn is_free(&self, columns: std::ops::Range<usize>) -> bool {
        self.0.get(columns).is_some_and(|cells| cells.iter().all(|cell| cell.text == " "))
    }

    /// The row without spaces at its end.
    pub fn text(&self) -> String {
        let length = self.0.iter().rposition(|cell| cell.text != " ").map_or(0, |last| last + 1);
        let mut text = String::new();
        for part in self.0[..length].chunk_by(|one, other| one.look == other.look) {
            let plain: String = part.iter().map(|cell| cell.text.as_str()).collect();
            text.push_str(&coloured(&plain, part[0].look));
        }
        text
    }
}

pub fn coloured(text: &str, look: Look) -> String {
    match look {
        Look::Plain => text.to_owned(),
        Look::Faint => text.dimmed().to_string(),
        Look::Command => text.cyan().to_string(),
        Look::Marked => text.yellow().bold().to_string(),
        Look::Bad => text.red().bold().to_string(),
        Look::Child => text.blue().to_string(),
        Look::Wall => text.red().to_string(),
        Look::File => text.green().to_string(),
    }
}
