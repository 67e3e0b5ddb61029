//! Text with a look. The only module that turns a look into an escape sequence.

use super::{Style, links};
use crate::present::text;
use colored::{Color, Styles};
use std::rc::Rc;

const EMOJI_FORM: char = '\u{fe0f}';

/// The look of a span in colour. Uses only the 16 ANSI colours and no backgrounds, to be readable
/// on dark and light screens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct TextStyle {
    style: colored::Style,
    color: Option<Color>,
}

impl TextStyle {
    pub(super) fn bold(self) -> Self {
        Self { style: self.style.bold(), ..self }
    }

    pub(super) fn dim(self) -> Self {
        Self { style: self.style.dimmed(), ..self }
    }

    pub(super) fn italic(self) -> Self {
        Self { style: self.style.italic(), ..self }
    }

    pub(super) fn underline(self) -> Self {
        Self { style: self.style.underline(), ..self }
    }

    pub(super) fn struck(self) -> Self {
        Self { style: self.style.strikethrough(), ..self }
    }

    pub(super) fn color(self, color: Color) -> Self {
        Self { color: Some(color), ..self }
    }

    /// The parameters of the SGR sequence for this look; empty for plain text.
    ///
    /// Does not use `Colorize`, which reads the process-wide switch for every string: a text must
    /// be coloured or have markers, and never change in between.
    fn codes(self) -> Vec<String> {
        let styles = [
            (Styles::Bold, "1"),
            (Styles::Dimmed, "2"),
            (Styles::Italic, "3"),
            (Styles::Underline, "4"),
            (Styles::Strikethrough, "9"),
        ];
        let styles = styles.iter().filter(|(style, _)| self.style.contains(*style));
        let color = self.color.map(|color| color.to_fg_str().into_owned());
        styles.map(|(_, code)| (*code).to_owned()).chain(color).collect()
    }
}

/// A run of text with one look; its text is always clean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StyledSpan {
    text: String,
    pub(super) look: TextStyle,
    /// The URL that a click opens.
    target: Option<Rc<str>>,
}

impl StyledSpan {
    pub(super) fn new(text: &str, look: TextStyle) -> Self {
        Self { text: text::clean(text).into_owned(), look, target: None }
    }

    /// A part of the text with the same look and target.
    pub(super) fn part(&self, text: &str) -> Self {
        Self { target: self.target.clone(), ..Self::new(text, self.look) }
    }

    pub(super) fn link_to(&mut self, target: &Rc<str>) {
        self.target = Some(Rc::clone(target));
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn width(&self) -> usize {
        text::display_width(&self.text)
    }
}

/// A piece of unwrapped prose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(StyledSpan),
    Break,
}

impl Piece {
    /// Removes U+FE0F, which selects the coloured form of a sign: terminals disagree on its width,
    /// which would misalign columns.
    pub(super) fn of_sure_width(self) -> Self {
        match self {
            Self::Text(span) if span.text.contains(EMOJI_FORM) => {
                Self::Text(span.part(&span.text.replace(EMOJI_FORM, "")))
            }
            other => other,
        }
    }

    pub(super) fn link_to(&mut self, target: &Rc<str>) {
        if let Self::Text(span) = self {
            span.link_to(target);
        }
    }
}

/// One row of the screen.
pub(super) type Line = Vec<StyledSpan>;

pub(super) fn line_width(line: &[StyledSpan]) -> usize {
    line.iter().map(StyledSpan::width).sum()
}

/// The lines as text, each with a line feed and without trailing spaces.
pub(super) fn paint(lines: &[Line], style: Style) -> String {
    let mut painted = String::new();
    for line in lines {
        for span in without_trailing_spaces(merged(line)) {
            painted.push_str(&paint_span(&span, style));
        }
        painted.push('\n');
    }
    painted
}

fn paint_span(span: &StyledSpan, style: Style) -> String {
    let codes = if style.is_colored() { span.look.codes() } else { Vec::new() };
    let text = if codes.is_empty() {
        span.text.clone()
    } else {
        format!("\x1b[{}m{}\x1b[0m", codes.join(";"), span.text)
    };
    match (&span.target, style) {
        (Some(target), Style::Colored { clickable: true }) => links::linked(&text, target),
        _ => text,
    }
}

fn merged(line: &[StyledSpan]) -> Line {
    let mut merged: Line = Vec::new();
    for span in line {
        match merged.last_mut() {
            Some(last) if last.look == span.look && last.target == span.target => {
                last.text.push_str(&span.text);
            }
            _ => merged.push(span.clone()),
        }
    }
    merged
}

fn without_trailing_spaces(mut line: Line) -> Line {
    while let Some(last) = line.last_mut() {
        last.text.truncate(last.text.trim_end_matches(' ').len());
        if !last.text.is_empty() {
            break;
        }
        line.pop();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLORED: Style = Style::Colored { clickable: false };

    #[test]
    fn a_look_is_one_escape_sequence_and_its_reset() {
        let look = TextStyle::default().bold().color(Color::Cyan);
        assert_eq!(
            paint(&[vec![StyledSpan::new("SAVE", look)]], COLORED),
            "\x1b[1;36mSAVE\x1b[0m\n"
        );
    }

    #[test]
    fn neighbours_that_look_the_same_share_an_escape_sequence() {
        let look = TextStyle::default().dim();
        let line = vec![
            StyledSpan::new("a", look),
            StyledSpan::new(" b", look),
            StyledSpan::new("  ", TextStyle::default()),
        ];
        assert_eq!(paint(&[line], COLORED), "\x1b[2ma b\x1b[0m\n");
    }

    #[test]
    fn a_span_cannot_hold_an_escape_sequence() {
        assert_eq!(StyledSpan::new("\x1b[31m", TextStyle::default()).text(), "\u{fffd}[31m");
    }
}
