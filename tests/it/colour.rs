//! The theme of the whole process.

use redislings::present::markdown::render;
use redislings::present::theme::Theme;

#[test]
fn the_process_wide_theme_decides_on_colour_and_words() {
    Theme::Colored { clickable: false }.set();
    assert_eq!(render("**now**", 80), "\u{1b}[1mnow\u{1b}[0m\n");
    Theme::Marked.set();
    assert_eq!(render("**now**", 80), "**now**\n");
    Theme::Plain.set();
    assert_eq!(render("> [!TIP]\n> **now**", 80), "Tip: now\n");
    Theme::Marked.set();
}
