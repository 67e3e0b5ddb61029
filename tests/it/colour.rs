//! The switch that belongs to the whole process.

use redislings::present::markdown::render;

#[test]
fn the_process_wide_switch_decides_on_colour() {
    colored::control::set_override(true);
    assert_eq!(render("**now**", 80), "\u{1b}[1mnow\u{1b}[0m\n");
    colored::control::set_override(false);
    assert_eq!(render("**now**", 80), "**now**\n");
}
