//! Where the lines of a file begin, so that the line of any byte is found quickly.

/// Searched instead of the text: a file of a thousand exercises asks for thousands of lines.
#[derive(Debug, Clone)]
pub(super) struct LineStarts(Vec<usize>);

impl LineStarts {
    pub(super) fn of(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self(std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect())
    }

    /// The line of this byte, from 1.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        self.0.partition_point(|start| *start <= offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_the_line_that_counting_finds() {
        for text in ["", "a", "\n", "a\nb", "\n\na\n"] {
            let starts = LineStarts::of(text);
            for offset in 0..=text.len() {
                assert_eq!(starts.line_of(offset), super::super::line_of(text, offset), "{text:?}");
            }
        }
    }
}
