//! At any width, no line of any text is too wide, and no text controls the terminal.

use super::super::{Theme, render_with};
use crate::present::text::display_width;

const THEMES: [Theme; 4] = [
    Theme::Marked,
    Theme::Plain,
    Theme::Colored { clickable: false },
    Theme::Colored { clickable: true },
];

/// A document with its lines of code cut, because rendering keeps them whole at any width.
fn without_long_code(source: &str) -> String {
    let mut is_code = false;
    let mut short = String::new();
    for line in source.lines() {
        let fences = line.trim_start_matches(['>', ' ']).starts_with("```");
        is_code ^= fences;
        let line: String = line.chars().take(if is_code && !fences { 12 } else { 1000 }).collect();
        short.push_str(&line);
        short.push('\n');
    }
    short
}

/// Fails if a rendered line is too wide, or if there are escape sequences other than our own.
fn look_at(source: &str, width: usize, theme: Theme) {
    let rendered = render_with(source, width, theme);
    for line in rendered.lines() {
        let wide = display_width(line);
        assert!(wide <= width, "{wide} > {width} in {theme:?}: {line:?}\n{source:?}");
        assert!(!line.ends_with(' '), "{theme:?}: {line:?}\n{source:?}");
    }
    assert!(steers_only_by_ours(&rendered, theme), "{theme:?}: {rendered:?}\n{source:?}");
}

fn steers_only_by_ours(rendered: &str, theme: Theme) -> bool {
    let mut text = rendered.to_owned();
    if let Theme::Colored { clickable } = theme {
        let mut rest = String::new();
        for part in text.split('\x1b') {
            let look = part
                .strip_prefix('[')
                .map(|after| after.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';'));
            let link = part
                .strip_prefix("]8;;")
                .map(|after| after.trim_start_matches(|c: char| c.is_ascii_graphic()));
            rest.push_str(match (look, link) {
                (Some(after), _) if after.starts_with('m') => after,
                (_, Some("")) if clickable => "",
                _ if part.starts_with('\\') && clickable => part,
                _ if rest.is_empty() => part,
                _ => return false,
            });
        }
        text = rest;
    }
    !text
        .contains(|c: char| (c.is_control() && c != '\n') || ('\u{2028}'..='\u{202e}').contains(&c))
}

#[test]
fn the_shipped_lesson_fits_many_widths() {
    let lesson = include_str!("../../../../lessons/04-snapshotting.md");
    let lesson = without_long_code(lesson);
    for width in (20..=200).step_by(5) {
        look_at(&lesson, width, THEMES[width % THEMES.len()]);
    }
}

#[test]
fn one_of_everything_fits_any_width_in_any_style() {
    let everything = without_long_code(include_str!("everything.md"));
    for width in 20..=200 {
        for theme in THEMES {
            look_at(&everything, width, theme);
        }
    }
}

/// Parts of a hostile lesson; no code.
const PARTS: [&str; 44] = [
    "# ",
    "###### ",
    "> ",
    "> [!NOTE]\n> ",
    "- ",
    "  - ",
    "1. ",
    "999999999. ",
    "- [ ] ",
    "- [x] ",
    "| a | b |\n|---|--:|\n",
    "| ",
    " | ",
    " |\n",
    "**",
    "*",
    "~~",
    "`",
    "``",
    "[",
    "](https://a.b/\u{9b}c)",
    "](<http://a b\u{7f}>)",
    "![",
    "](x)",
    "<https://redis.io/x>",
    "<details><summary>",
    "</summary>",
    "<li>",
    "<br>",
    "<!-- ",
    " -->",
    "[^1]",
    "\n[^1]: ",
    "---\n",
    "\\\n",
    "word",
    "averyveryveryverylongwordthatfitsnowhere",
    "日本語を学ぶ",
    "👩‍👩‍👧👨‍👩‍👦‍👦",
    "⚠️1️⃣🇮🇹🇮",
    "e\u{301}\u{301}\u{301}\u{200d}\u{200b}",
    "\x1b[2J\x1b]8;;x\x07\u{9b}\u{202e}\u{2028}",
    "&#27;[31m&#x202e;&nbsp;",
    "ﷺ\u{1100}\u{1161}क्ष\u{fe0f}",
];

/// Pseudo-random numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        // Knuth's MMIX: only the upper bits are good.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

#[test]
fn hostile_lessons_fit_any_width_and_steer_nothing() {
    let mut dice = Dice(4);
    for _ in 0..3000 {
        let parts = 1 + dice.below(24);
        let source: String = (0..parts)
            .flat_map(|_| {
                [PARTS[dice.below(PARTS.len())], ["", "", " ", "\n", "\n\n"][dice.below(5)]]
            })
            .collect();
        let width = 20 + dice.below(181);
        look_at(&source, width, THEMES[dice.below(THEMES.len())]);
    }
}

#[test]
fn a_long_line_of_code_goes_on_inside_its_block() {
    let source = "- an item\n\n  > ```redis\n  > SET order:1001 paid-by-card-yesterday\n  > GET a\n  > ```\n";
    let rendered = render_with(source, 30, Theme::Marked);
    insta::assert_snapshot!(rendered, @"
    • an item

      │     SET order:1001 paid-
      │     ↪ by-card-yesterday
      │     GET a
    ");
    assert!(
        render_with(source, 30, Theme::Plain).contains("SET order:1001 paid-by-card-yesterday")
    );
    assert!(render_with(source, usize::MAX, Theme::Marked).contains("paid-by-card-yesterday"));
}
