//! A fenced block's content that remembers where in the file it stood.

use super::Span;

/// Text put together from pieces of a file: the markers of the lists and quotes around it, the
/// indentation of the fence and carriage returns are gone, but each byte knows its place.
#[derive(Debug, Clone)]
pub(super) struct BlockText {
    text: String,
    pieces: Vec<Piece>,
    /// The place of a text without pieces.
    start: usize,
}

#[derive(Debug, Clone)]
struct Piece {
    at: usize,
    file: Span,
}

impl BlockText {
    /// No text yet; `start` is where it will begin in the file.
    pub(super) fn new(start: usize) -> Self {
        Self { text: String::new(), pieces: Vec::new(), start }
    }

    /// A whole file.
    pub(super) fn of_file(source: &str) -> Self {
        let mut block = Self::new(0);
        block.push(source, 0..source.len());
        block
    }

    pub(super) fn push(&mut self, text: &str, file: Span) {
        self.pieces.push(Piece { at: self.text.len(), file });
        self.text.push_str(text);
    }

    /// Gives the last line the line break that it lacks when the file ends with it.
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

    /// Where the last piece ends in the file.
    pub(super) fn file_end(&self) -> usize {
        self.pieces.last().map_or(self.start, |piece| piece.file.end)
    }

    /// The place in the file of a range of the text.
    pub(super) fn file_span(&self, span: Span) -> Span {
        if span.start < span.end {
            // The end belongs to the byte before it: behind that byte the markers of the next
            // line may stand.
            let start = self.file_offset(span.start);
            return start..self.file_offset(span.end - 1).max(start) + 1;
        }
        // What is missing at the very end is missing from the last line, not from the next.
        let last_break = self.text.len().saturating_sub(1);
        let at_the_end = span.start > last_break && self.text.ends_with('\n');
        let offset = self.file_offset(if at_the_end { last_break } else { span.start });
        offset..offset
    }

    fn file_offset(&self, offset: usize) -> usize {
        let behind = self.pieces.partition_point(|piece| piece.at <= offset);
        match behind.checked_sub(1).map(|index| &self.pieces[index]) {
            Some(piece) => (piece.file.start + (offset - piece.at)).min(piece.file.end),
            None => self.start,
        }
    }

    /// Each line without its line break, and its place in the file.
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
