//! All kinds of emoji, and wide letters, where columns must align.

use super::super::{Theme, render_with};
use crate::present::text::display_width;

const EMOJI: [&str; 9] = ["📸", "👩‍👩‍👧", "⚠️", "❤️", "🇮🇹", "1️⃣", "👍🏽", "日本", "é"];

fn table() -> String {
    let rows = EMOJI.iter().map(|emoji| format!("| {emoji} x | {emoji} | end {emoji} |\n"));
    format!("| a | b | c |\n|---|:-:|--:|\n{}", rows.collect::<String>())
}

/// The columns at which a line has its separators.
fn separators(line: &str) -> Vec<usize> {
    line.match_indices(['│', '┼']).map(|(at, _)| display_width(&line[..at])).collect()
}

#[test]
fn the_columns_of_a_table_align() {
    let rendered = render_with(&table(), 80, Theme::Marked);
    let first = separators(rendered.lines().next().unwrap());
    assert_eq!(first.len(), 2);
    for line in rendered.lines() {
        assert_eq!(separators(line), first, "{rendered}");
    }
}

#[test]
fn a_table_has_no_sign_on_whose_width_terminals_differ() {
    assert!(!render_with(&table(), 80, Theme::Marked).contains('\u{fe0f}'));
}

#[test]
fn headings_and_items_hang_below_their_text() {
    for emoji in EMOJI {
        let rendered = render_with(&format!("- {emoji} {}", "word ".repeat(8)), 20, Theme::Marked);
        let mut lines = rendered.lines();
        assert!(lines.next().unwrap().starts_with(&format!("• {emoji} word")), "{rendered}");
        assert!(lines.all(|line| line.starts_with("  word")), "{rendered}");
    }
}

#[test]
fn an_emoji_is_never_torn() {
    for emoji in EMOJI {
        let rendered = render_with(&emoji.repeat(40), 21, Theme::Marked);
        let (all, pieces) = (rendered.replace('\n', ""), emoji.repeat(40));
        assert_eq!(all, pieces);
        for line in rendered.lines() {
            assert_eq!(line.replace(emoji, ""), "", "{rendered}");
        }
    }
}

#[test]
fn a_sign_made_of_two_entities_has_the_width_of_the_sign() {
    let rendered = render_with("- a &#x26a0;&#xfe0f; ".repeat(20).as_str(), 21, Theme::Marked);
    for line in rendered.lines() {
        assert!(display_width(line) <= 21, "{rendered}");
    }
}
