//! The content of a fenced block, with the position of each byte in the file.

use super::Span;

/// Text joined from pieces of a file, without the markers of the lists and quotes around it, the
/// indentation of the fence and carriage returns. Maps each byte back to the file.
#[derive(Debug, Clone)]
pub(super) struct BlockText {
    text: String,
    /// Where each piece begins in the text, and its span in the file.
    pieces: Vec<(usize, Span)>,
    /// The position in the file of a text without pieces.
    start: usize,
}

impl BlockText {
    /// An empty text that will begin at `start` in the file.
    pub(super) fn new(start: usize) -> Self {
        Self { text: String::new(), pieces: Vec::new(), start }
    }

    pub(super) fn of_file(source: &str) -> Self {
        let mut block = Self::new(0);
        block.push(source, 0..source.len());
        block
    }

    pub(super) fn push(&mut self, text: &str, file: Span) {
        self.pieces.push((self.text.len(), file));
        self.text.push_str(text);
    }

    /// Adds a line break to the last line, which has none at the end of a file.
    pub(super) fn end_line(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// The position in the file where the last piece ends.
    pub(super) fn file_end(&self) -> usize {
        self.pieces.last().map_or(self.start, |(_, file)| file.end)
    }

    /// Maps a range of the text to the file.
    pub(super) fn file_span(&self, span: Span) -> Span {
        if span.start < span.end {
            // Map the last byte, not the end: the markers of the next line may follow that byte.
            let start = self.file_offset(span.start);
            return start..self.file_offset(span.end - 1).max(start) + 1;
        }
        // Something missing at the very end is missing from the last line, not from the next.
        let last_break = self.text.len().saturating_sub(1);
        let at_the_end = span.start > last_break && self.text.ends_with('\n');
        let offset = self.file_offset(if at_the_end { last_break } else { span.start });
        offset..offset
    }

    fn file_offset(&self, offset: usize) -> usize {
        let next = self.pieces.partition_point(|(at, _)| *at <= offset);
        let piece = self.pieces[..next].last();
        piece.map_or(self.start, |(at, file)| (file.start + (offset - at)).min(file.end))
    }

    /// Each line without its line break, and its span in the file.
    pub(super) fn lines(&self) -> impl Iterator<Item = (&str, Span)> {
        let mut at = 0;
        self.text.split_inclusive('\n').map(move |line| {
            let content = line.strip_suffix('\n').unwrap_or(line);
            let span = self.file_span(at..at + content.len());
            at += line.len();
            (content, span)
        })
    }
}
