//! The switches that belong to the whole process.

use redislings::present::markdown::render;
use redislings::present::plain;

#[test]
fn the_process_wide_switches_decide_on_colour_and_words() {
    colored::control::set_override(true);
    assert_eq!(render("**now**", 80), "\u{1b}[1mnow\u{1b}[0m\n");
    colored::control::set_override(false);
    assert_eq!(render("**now**", 80), "**now**\n");
    colored::control::set_override(true);
    plain::set(true);
    assert_eq!(render("> [!TIP]\n> **now**", 80), "Tip: now\n");
    plain::set(false);
}
