//! Plain output.

use super::super::{Theme, render_with};

fn plain(markdown: &str) -> String {
    render_with(markdown, 40, Theme::Plain)
}

#[test]
fn headings_and_emphasis_are_text() {
    assert_eq!(plain("# One *two*\n\n**three** `SAVE`"), "One two\n\nthree `SAVE`\n");
    assert_eq!(plain("~~no~~ yes"), "no (struck out) yes\n");
}

#[test]
fn an_alert_says_what_it_is_and_is_indented_to_its_end() {
    assert_eq!(plain("> [!TIP]\n> It blocks.\n>\n> - a\n\nb"), "Tip: It blocks.\n\n  - a\n\nb\n");
    assert_eq!(plain("> [!WARNING]\n> - a"), "Warning:\n  - a\n");
    assert_eq!(plain("> a\n> > b"), "Quote: a\n\n  Quote: b\n");
}

#[test]
fn a_table_is_its_fields_row_by_row() {
    assert_eq!(
        plain("| Command | Blocks |\n|---|---|\n| `SAVE` | yes |\n| `BGSAVE` | no |"),
        "Command: `SAVE`\nBlocks: yes\n\nCommand: `BGSAVE`\nBlocks: no\n"
    );
}

#[test]
fn links_and_notes_are_in_brackets() {
    assert_eq!(
        plain("[docs](https://a.b)[^1]\n\n[^1]: On Linux."),
        "docs (https://a.b) (footnote 1)\n\nFootnote 1: On Linux.\n"
    );
}

#[test]
fn a_task_says_whether_it_is_done() {
    assert_eq!(plain("- [x] a\n- [ ] b\n  - c"), "done: a\nto do: b\n       - c\n");
}

#[test]
fn a_rule_is_silence() {
    assert_eq!(plain("a\n\n---\n\nb"), "a\n\nb\n");
}

#[test]
fn nothing_is_drawn() {
    let rendered = plain(include_str!("everything.md"));
    assert!(!rendered.contains(is_drawn), "{rendered}");
}

fn is_drawn(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{21ff}' | '\u{2500}'..='\u{25ff}' | '•' | '\x1b')
}
