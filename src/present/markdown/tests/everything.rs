//! One of everything, as it is rendered.

use super::super::{Theme, render_with};

const EVERYTHING: &str = include_str!("everything.md");

/// Makes escape sequences readable in a snapshot.
fn visible(text: &str) -> String {
    text.replace('\x1b', "␛")
}

fn seen(width: usize, theme: Theme) -> String {
    visible(&render_with(EVERYTHING, width, theme))
}

#[test]
fn everything_without_colour_at_80_columns() {
    insta::assert_snapshot!(seen(80, Theme::Marked));
}

#[test]
fn everything_without_colour_at_40_columns() {
    insta::assert_snapshot!(seen(40, Theme::Marked));
}

#[test]
fn everything_in_colour_at_80_columns() {
    insta::assert_snapshot!(seen(80, Theme::Colored { clickable: false }));
}

#[test]
fn everything_in_colour_and_clickable_at_40_columns() {
    insta::assert_snapshot!(seen(40, Theme::Colored { clickable: true }));
}

#[test]
fn everything_in_words_only_at_80_columns() {
    insta::assert_snapshot!(seen(80, Theme::Plain));
}

#[test]
fn everything_in_words_only_at_40_columns() {
    insta::assert_snapshot!(seen(40, Theme::Plain));
}
