//! Wraps prose: greedy, by display columns, breaking only words that are too long.

use super::span::{Line, StyledSpan, line_width};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// A word that stays together on a line, and the gap before it.
struct WrapWord {
    breaks: usize,
    gap: Option<StyledSpan>,
    text: Line,
}

/// Lines of at most `width` columns; none without words.
///
/// `width` must leave room for the widest character, two columns.
pub(super) fn wrap(prose: &[StyledSpan], width: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let (mut line, mut used) = (Line::new(), 0);
    for word in words(prose) {
        for _ in 0..word.breaks {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        let gap = word.gap.filter(|_| !line.is_empty());
        let gap_width = gap.as_ref().map_or(0, StyledSpan::width);
        let width_of_word = line_width(&word.text);
        if used + gap_width + width_of_word <= width {
            line.extend(gap);
            line.extend(word.text);
            used += gap_width + width_of_word;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        lines.extend(broken(word.text, width));
        line = lines.pop().unwrap_or_default();
        used = line_width(&line);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

/// The columns of the longest part that should not be broken.
pub(super) fn longest_word(prose: &[StyledSpan]) -> usize {
    words(prose).iter().map(|word| line_width(&word.text)).max().unwrap_or(0)
}

fn words(prose: &[StyledSpan]) -> Vec<WrapWord> {
    let mut words: Vec<WrapWord> = Vec::new();
    let (mut breaks, mut gap, mut joins) = (0, None, false);
    for span in prose {
        if span.is_line_break() {
            // None before the first word.
            breaks += usize::from(!words.is_empty());
            (gap, joins) = (None, false);
            continue;
        }
        for (index, run) in runs(span.text()).into_iter().enumerate() {
            let text = span.part(&run);
            joins = joins && index == 0;
            if run.starts_with(' ') {
                gap.get_or_insert(text);
                joins = false;
                continue;
            }
            match words.last_mut() {
                Some(last) if joins => last.text.push(text),
                _ => words.push(WrapWord { breaks, gap: gap.take(), text: vec![text] }),
            }
            (breaks, joins) = (0, true);
        }
    }
    words
}

/// Splits text where a line may end: around spaces, and between ideographs, which need no space.
fn runs(text: &str) -> Vec<String> {
    let graphemes: Vec<&str> = text.graphemes(true).collect();
    let runs = graphemes.chunk_by(|before, after| !may_part(before, after));
    runs.map(<[&str]>::concat).collect()
}

fn may_part(before: &str, after: &str) -> bool {
    if before == " " || after == " " {
        return before != after;
    }
    let opens = matches!(before, "「" | "『" | "（" | "【" | "《" | "〈" | "(" | "[");
    let is_wordy = after.starts_with(char::is_alphanumeric);
    (is_ideograph(after) && !opens && !before.starts_with(['*', '`', '_', '~']))
        || (is_ideograph(before) && is_wordy)
}

/// Whether it is Han or kana, which are written without spaces, unlike Hangul.
fn is_ideograph(grapheme: &str) -> bool {
    let ranges = ['\u{2e80}'..='\u{9fff}', '\u{f900}'..='\u{faff}', '\u{20000}'..='\u{3ffff}'];
    grapheme
        .starts_with(|c: char| c.is_alphanumeric() && ranges.iter().any(|range| range.contains(&c)))
}

/// Breaks a word into as many lines as it needs, keeping every character.
pub(super) fn broken(word: Line, width: usize) -> Vec<Line> {
    let (mut lines, mut line, mut used) = (Vec::new(), Line::new(), 0);
    for span in word {
        for unit in span.text().graphemes(true).flat_map(|grapheme| units(grapheme, width)) {
            if used > 0 && used + unit.width() > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            used += unit.width();
            line.push(span.part(unit));
        }
    }
    lines.push(line);
    lines
}

/// A grapheme, or its characters if the grapheme is wider than a line.
fn units(grapheme: &str, width: usize) -> Vec<&str> {
    if grapheme.width() <= width {
        return vec![grapheme];
    }
    grapheme.split("").filter(|unit| !unit.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::span::{TextStyle, line_text};
    use super::*;
    use crate::present::text::display_width;

    fn piece(text: &str) -> StyledSpan {
        StyledSpan::new(text, TextStyle::PLAIN)
    }

    fn wrapped(prose: &[StyledSpan], width: usize) -> Vec<String> {
        wrap(prose, width).iter().map(|line| line_text(line)).collect()
    }

    #[test]
    fn a_line_takes_as_many_words_as_fit() {
        assert_eq!(wrapped(&[piece("one two three")], 7), ["one two", "three"]);
    }

    #[test]
    fn words_that_touch_across_spans_stay_together() {
        assert_eq!(wrapped(&[piece("a SAVE"), piece("D"), piece(".")], 7), ["a", "SAVED."]);
    }

    #[test]
    fn spaces_on_both_sides_of_a_span_are_one_gap() {
        assert_eq!(wrapped(&[piece("a "), piece(" b")], 9), ["a b"]);
    }

    #[test]
    fn a_word_longer_than_the_line_is_broken_and_not_lost() {
        assert_eq!(wrapped(&[piece("a 1234567890b c")], 4), ["a", "1234", "5678", "90b", "c"]);
    }

    #[test]
    fn ideographs_may_part_but_not_from_the_mark_that_follows() {
        assert_eq!(wrapped(&[piece("日本語を学ぶ。")], 6), ["日本語", "を学", "ぶ。"]);
    }

    #[test]
    fn a_break_starts_a_new_line_and_two_leave_an_empty_one() {
        let end = StyledSpan::line_break;
        let pieces = [piece("a"), end(), piece("b"), end(), end(), piece("c")];
        assert_eq!(wrapped(&pieces, 9), ["a", "b", "", "c"]);
    }

    #[test]
    fn a_grapheme_wider_than_the_line_is_broken_too() {
        let lines = wrapped(&[piece(&"\u{1100}".repeat(20))], 8);
        assert!(lines.iter().all(|line| display_width(line) <= 8), "{lines:?}");
        assert_eq!(lines.concat().chars().count(), 20);
    }
}
