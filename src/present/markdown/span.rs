//! Text with a look. The only module that turns a look into an escape sequence.

use std::rc::Rc;

use super::{Theme, links};
use crate::present::text;

const EMOJI_FORM: char = '\u{fe0f}';

/// The look of a span in colour: bit `n` stands for the SGR parameter `n`. Uses only the 16 ANSI
/// colours and no backgrounds, to be readable on dark and light screens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct TextStyle(u64);

impl TextStyle {
    pub(super) const PLAIN: Self = Self(0);
    pub(super) const BOLD: Self = Self(1 << 1);
    pub(super) const DIM: Self = Self(1 << 2);
    pub(super) const ITALIC: Self = Self(1 << 3);
    pub(super) const UNDERLINE: Self = Self(1 << 4);
    pub(super) const STRUCK: Self = Self(1 << 9);
    pub(super) const RED: Self = Self(1 << 31);
    pub(super) const GREEN: Self = Self(1 << 32);
    pub(super) const YELLOW: Self = Self(1 << 33);
    pub(super) const BLUE: Self = Self(1 << 34);
    pub(super) const MAGENTA: Self = Self(1 << 35);
    pub(super) const CYAN: Self = Self(1 << 36);
    const COLORS: u64 = 0xff << 30;

    /// Both looks together; a colour of `other` replaces one of `self`.
    pub(super) const fn and(self, other: Self) -> Self {
        let hidden = if other.0 & Self::COLORS == 0 { 0 } else { Self::COLORS };
        Self(self.0 & !hidden | other.0)
    }

    /// The parameters of the SGR sequence for this look; empty for plain text.
    ///
    /// Does not use `Colorize`, which reads the process-wide switch for every string: a text must
    /// be coloured or have markers, and never change in between.
    fn codes(self) -> String {
        let codes = (0..u64::BITS).filter(|code| self.0 >> code & 1 == 1);
        codes.map(|code| code.to_string()).collect::<Vec<_>>().join(";")
    }
}

/// A run of text with one look; its text is always clean, or a line break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StyledSpan {
    text: String,
    pub(super) look: TextStyle,
    /// The URL that a click opens.
    pub(super) target: Option<Rc<str>>,
}

impl StyledSpan {
    pub(super) fn new(text: &str, look: TextStyle) -> Self {
        Self { text: text::clean(text).into_owned(), look, target: None }
    }

    pub(super) fn line_break() -> Self {
        Self { text: "\n".to_owned(), look: TextStyle::PLAIN, target: None }
    }

    pub(super) fn is_line_break(&self) -> bool {
        self.text == "\n"
    }

    /// A part of the text with the same look and target.
    pub(super) fn part(&self, text: &str) -> Self {
        Self { text: text.to_owned(), look: self.look, target: self.target.clone() }
    }

    /// Removes U+FE0F, which selects the coloured form of a sign: terminals disagree on its width,
    /// which would misalign columns.
    pub(super) fn of_sure_width(&self) -> Self {
        self.part(&self.text.replace(EMOJI_FORM, ""))
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn width(&self) -> usize {
        text::display_width(&self.text)
    }

    fn looks_like(&self, other: &Self) -> bool {
        self.look == other.look && self.target == other.target
    }
}

/// One row of the screen, or prose with line breaks that is not wrapped yet.
pub(super) type Line = Vec<StyledSpan>;

pub(super) fn line_width(line: &[StyledSpan]) -> usize {
    line.iter().map(StyledSpan::width).sum()
}

pub(super) fn line_text(line: &[StyledSpan]) -> String {
    line.iter().map(StyledSpan::text).collect()
}

/// The lines as text, each with a line feed and without trailing spaces.
pub(super) fn paint(lines: &[Line], theme: Theme) -> String {
    let mut painted = String::new();
    for line in lines {
        let text = line_text(line);
        let mut rest = text.trim_end_matches(' ');
        for run in line.chunk_by(StyledSpan::looks_like) {
            let length = run.iter().map(|span| span.text.len()).sum::<usize>();
            let (text, after) = rest.split_at(length.min(rest.len()));
            painted.push_str(&painted_run(text, &run[0], theme));
            rest = after;
        }
        painted.push('\n');
    }
    painted
}

/// A span by itself.
pub(super) fn painted(span: &StyledSpan, theme: Theme) -> String {
    painted_run(&span.text, span, theme)
}

/// `text` with the look and the target of `span`.
fn painted_run(text: &str, span: &StyledSpan, theme: Theme) -> String {
    let Theme::Colored { clickable } = theme else { return text.to_owned() };
    if text.is_empty() {
        return String::new();
    }
    let text = match span.look {
        TextStyle::PLAIN => text.to_owned(),
        look => format!("\x1b[{}m{text}\x1b[0m", look.codes()),
    };
    match &span.target {
        Some(target) if clickable => links::linked(&text, target),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLORED: Theme = Theme::Colored { clickable: false };

    #[test]
    fn a_look_is_one_escape_sequence_and_its_reset() {
        let look = TextStyle::BOLD.and(TextStyle::CYAN);
        assert_eq!(
            paint(&[vec![StyledSpan::new("SAVE", look)]], COLORED),
            "\x1b[1;36mSAVE\x1b[0m\n"
        );
    }

    #[test]
    fn neighbours_that_look_the_same_share_an_escape_sequence() {
        let look = TextStyle::DIM;
        let line = vec![
            StyledSpan::new("a", look),
            StyledSpan::new(" b", look),
            StyledSpan::new("  ", TextStyle::PLAIN),
        ];
        assert_eq!(paint(&[line], COLORED), "\x1b[2ma b\x1b[0m\n");
    }

    #[test]
    fn a_span_cannot_hold_an_escape_sequence() {
        assert_eq!(StyledSpan::new("\x1b[31m", TextStyle::PLAIN).text(), "\u{fffd}[31m");
    }
}
