//! Rendered markdown.

mod emoji;
mod everything;
mod links;
mod plain;
mod widths;

use super::{Theme, render_with};
use crate::present::text::display_width;

fn plain(markdown: &str, width: usize) -> String {
    render_with(markdown, width, Theme::Marked)
}

fn colored(markdown: &str) -> String {
    render_with(markdown, 80, Theme::Colored { clickable: false })
}

/// All kinds of blocks that wrap; no code.
const MANY_KINDS: &str = "\
# A heading 📸 long enough to be wrapped on a narrow screen, and on a wide one as well I think

A paragraph with **strong words**, `code spans`, \
[a link](https://redis.io/docs/latest/commands/dbsize/),
日本語を学ぶことは楽しいですし、とても役に立ちます。👩‍👩‍👧 \
averyveryverylongwordwhichfitsonnolineofanyusualwidthatall_really

- one 📸📸📸📸📸📸📸📸📸📸📸📸
  - two two two two two two two two two two two two two two two
    1. three three three three three three three three three three
       - four [x] four four four four four four four four four four
         - five five five five five five five five five five five
           > 999999999 six six six six six six six six six six six
           > > seven seven seven seven seven seven seven seven
- [ ] a task that goes on and on and on and on and on and on and on and on and on and on

> a quote that goes on and on and on and on and on and on and on and on and on and on and on
>
> | left | right |
> |------|------:|
> | a long cell of many words 日本語 | total_net_output_bytes |

| Command | Blocks? | What it does to the server while it runs | Field |
|:--------|:-------:|------------------------------------------|------:|
| `SAVE`  | yes 📸 | blocks every client until the dump is written | maxmemory |
| `BGSAVE` | no | forks a child; the parent goes on serving | total_net_output_bytes |

> [!CAUTION]
> careful careful careful careful careful careful careful careful careful careful careful

***

<details><summary>A summary that goes on and on and on and on and on and on and on</summary>

inside

</details>
";

#[test]
fn headings_keep_their_markers_without_colour_and_hang() {
    assert_eq!(
        plain("# One\n\n### Snapshots and their files", 20),
        "# One\n\n### Snapshots and\n    their files\n"
    );
}

#[test]
fn headings_are_bold_and_the_first_is_underlined_in_colour() {
    assert_eq!(
        colored("# One\n## Two\n### Three"),
        "\x1b[1;4;35mOne\x1b[0m\n\n\x1b[1;35mTwo\x1b[0m\n\n\x1b[1mThree\x1b[0m\n"
    );
}

#[test]
fn paragraphs_are_wrapped_and_stand_apart() {
    assert_eq!(
        plain("Snapshots save\nyour data\n\n\n\nto disk.", 20),
        "Snapshots save your\ndata\n\nto disk.\n"
    );
}

#[test]
fn a_hard_break_ends_the_line() {
    assert_eq!(plain("a  \nb\\\nc<br>d", 80), "a\nb\nc\nd\n");
}

#[test]
fn emphasis_keeps_its_markers_without_colour() {
    assert_eq!(plain("**Data** *or* ~~not~~ `SAVE`", 80), "**Data** *or* ~~not~~ `SAVE`\n");
}

#[test]
fn emphasis_is_a_look_in_colour_and_looks_add_up() {
    assert_eq!(
        colored("**Data `SAVE`** *or* ~~not~~"),
        "\x1b[1mData \x1b[0m\x1b[1;36mSAVE\x1b[0m \x1b[3mor\x1b[0m \x1b[9mnot\x1b[0m\n"
    );
}

#[test]
fn an_inline_code_span_keeps_its_spaces() {
    assert_eq!(plain("`SET  a   1`", 80), "`SET  a   1`\n");
}

#[test]
fn lists_hang_and_nest() {
    let source = "- Use `SAVE` to save now\n  - it blocks\n- last";
    assert_eq!(plain(source, 20), "• Use `SAVE` to save\n  now\n  ◦ it blocks\n• last\n");
}

#[test]
fn ordered_lists_go_on_from_their_first_number_and_align() {
    assert_eq!(plain("9. nine\n10. ten", 80), " 9. nine\n10. ten\n");
}

#[test]
fn task_lists_show_their_boxes() {
    assert_eq!(
        plain("- [x] saved\n- [ ] loaded\n1. [x] first", 80),
        "[x] saved\n[ ] loaded\n\n1. [x] first\n"
    );
}

#[test]
fn a_loose_list_stays_loose() {
    assert_eq!(plain("- a\n\n- b", 80), "• a\n\n• b\n");
}

#[test]
fn an_item_with_code_gets_air_around_it() {
    let source = "- run:\n  ```redis\n  SAVE\n  ```\n- done";
    assert_eq!(plain(source, 80), "• run:\n\n      SAVE\n\n• done\n");
}

#[test]
fn an_empty_item_keeps_its_marker() {
    assert_eq!(plain("-\n- a", 80), "•\n• a\n");
}

#[test]
fn quotes_have_a_bar_on_every_line() {
    assert_eq!(plain("> one\n>\n> > two", 80), "│ one\n│\n│ │ two\n");
}

#[test]
fn alerts_are_titled() {
    for kind in ["NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION"] {
        assert_eq!(
            plain(&format!("> [!{kind}]\n> It blocks."), 80),
            format!("│ {kind}\n│ It blocks.\n")
        );
    }
}

#[test]
fn an_alert_has_its_colour_in_bar_and_title() {
    assert_eq!(
        colored("> [!WARNING]\n> It blocks."),
        "\x1b[33m│ \x1b[0m\x1b[1;33mWARNING\x1b[0m\n\x1b[33m│ \x1b[0mIt blocks.\n"
    );
}

#[test]
fn code_is_indented_and_keeps_its_lines() {
    let line = "client = redis.Redis(host='localhost', port=6379, db=0)";
    assert_eq!(
        plain(&format!("```python\n{line}\n\n\tx\n\n```"), 60),
        format!("    {line}\n\n        x\n")
    );
    assert_eq!(plain("text\n\n    GET a\n\nmore", 80), "text\n\n    GET a\n\nmore\n");
}

#[test]
fn code_with_windows_line_ends_is_the_same_code() {
    assert_eq!(plain("```redis\r\nSET a 1\r\nGET a\r\n```\r\n", 80), "    SET a 1\n    GET a\n");
}

#[test]
fn the_first_word_of_the_info_string_chooses_the_highlighting() {
    assert_eq!(colored("```redis exec id=one\nGET a\n```"), "    \x1b[1;36mGET\x1b[0m a\n");
    assert_eq!(colored("```text\nGET a\n```"), "    GET a\n");
}

#[test]
fn links_show_where_they_lead() {
    assert_eq!(plain("[docs](https://redis.io).", 80), "docs <https://redis.io>.\n");
}

#[test]
fn links_that_are_their_own_text_are_shown_once() {
    assert_eq!(
        plain("<https://redis.io> [https://a.b](https://a.b) <me@a.b>", 80),
        "https://redis.io https://a.b me@a.b\n"
    );
}

#[test]
fn images_show_what_they_are_called() {
    assert_eq!(
        plain("![the fork](fork.png) ![](dump.png)", 80),
        "[image: the fork] [image: dump.png]\n"
    );
}

#[test]
fn footnotes_are_numbered_as_written() {
    assert_eq!(plain("It forks[^1].\n\n[^1]: On Linux.", 80), "It forks[1].\n\n[1] On Linux.\n");
}

#[test]
fn rules_fill_the_width() {
    assert_eq!(plain("a\n\n---\n\nb", 20), format!("a\n\n{}\n\nb\n", "─".repeat(20)));
}

const TABLE: &str = "\
| Command | Blocks | Meaning |
|:--|:-:|--:|
| `SAVE` | yes | writes 📸 and waits |
| `BGSAVE` | no | forks |
";

#[test]
fn tables_are_aligned_as_specified() {
    let expected = "\
Command  │ Blocks │             Meaning
─────────┼────────┼────────────────────
`SAVE`   │  yes   │ writes 📸 and waits
`BGSAVE` │   no   │               forks
";
    assert_eq!(plain(TABLE, 80), expected);
}

#[test]
fn long_cells_are_wrapped_and_the_rows_told_apart() {
    let expected = "\
Command  │ Blocks │   Meaning
─────────┼────────┼──────────
`SAVE`   │  yes   │ writes 📸
         │        │ and waits
┄┄┄┄┄┄┄┄┄┼┄┄┄┄┄┄┄┄┼┄┄┄┄┄┄┄┄┄┄
`BGSAVE` │   no   │     forks
";
    assert_eq!(plain(TABLE, 30), expected);
}

#[test]
fn a_table_without_room_becomes_lines() {
    let expected = "\
Command: `SAVE`
Blocks: yes
Meaning: writes 📸
  and waits

Command: `BGSAVE`
Blocks: no
Meaning: forks
";
    assert_eq!(plain(TABLE, 20), expected);
}

#[test]
fn details_show_their_summary_and_content() {
    let source =
        "<details>\n<summary>The <b>hint</b> &amp; more</summary>\n\nUse *SAVE*.\n\n</details>";
    assert_eq!(plain(source, 80), "▸ The hint & more\n\nUse *SAVE*.\n");
}

#[test]
fn comments_and_tags_are_dropped_and_their_text_kept() {
    assert_eq!(
        plain("<!-- a\n\nb -->\n\nPress <kbd>Ctrl</kbd>-C<!-- c --> now", 80),
        "Press Ctrl-C now\n"
    );
}

#[test]
fn the_ids_of_tasks_are_not_seen() {
    let source = "Do it. <!-- task: do-it -->\n\n1. this, <!-- task: this -->\n\
        2. that\n   <!-- task: that -->\n3. *all*<!-- task: all -->";
    assert_eq!(plain(source, 80), "Do it.\n\n1. this,\n2. that\n3. *all*\n");
}

#[test]
fn a_placeholder_in_angle_brackets_is_no_tag() {
    assert_eq!(plain("GET <key>\n\n<key>", 80), "GET <key>\n\n<key>\n");
}

#[test]
fn entities_are_decoded() {
    assert_eq!(plain("a &lt; b &copy;", 80), "a < b ©\n");
}

#[test]
fn no_place_in_a_lesson_lets_an_escape_sequence_through() {
    let escape = "\x1b[2J\u{9b}2J\x07\u{202e}";
    let source = "# E\n\ntext E `E` &#27;[2J &#x9b;2J [E](<http://a/E>) ![E](<E>) <b>E</b> <E>\n\n\
        - E\n\n```redis\nE\n> E\n```\n\n```E\nE\n```\n\n| E |\n|---|\n| E |\n\n> E\n\n\
        <p>E <!-- E --></p>\n\nE[^E]\n\n[^E]: E\n";
    let source = source.replace('E', escape);
    for theme in [Theme::Marked, Theme::Colored { clickable: false }] {
        let rendered = render_with(&source, 40, theme);
        let parts: Vec<&str> = rendered.split("\x1b[").collect();
        assert!(parts[1..].iter().all(|part| begins_with_a_look(part)), "{rendered:?}");
        assert!(!parts.concat().contains(is_unsafe), "{rendered:?}");
    }
}

/// Whether the text after `ESC [` completes an SGR sequence.
fn begins_with_a_look(part: &str) -> bool {
    part.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';').starts_with('m')
}

fn is_unsafe(c: char) -> bool {
    (c.is_control() && c != '\n') || c == '\u{202e}'
}

#[test]
fn without_colour_there_is_no_escape_byte() {
    assert!(!plain(MANY_KINDS, 80).contains('\x1b'));
}

#[test]
fn no_line_is_wider_than_the_width() {
    for width in [20, 40, 80] {
        for theme in [Theme::Marked, Theme::Colored { clickable: false }] {
            for line in render_with(MANY_KINDS, width, theme).lines() {
                assert!(display_width(line) <= width, "{width}: {line}");
            }
        }
    }
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphanumeric()).count()
}

#[test]
fn no_letter_is_lost_at_any_width() {
    let widest = letters(&plain(
        "a **b** [c](d://e) `f`\n\n- 日本語 gggggggggggggggggggggggggggggggggggggggggggggg",
        1000,
    ));
    for width in [0, 20, 21, 33] {
        let narrow = plain(
            "a **b** [c](d://e) `f`\n\n- 日本語 gggggggggggggggggggggggggggggggggggggggggggggg",
            width,
        );
        assert_eq!(letters(&narrow), widest, "{width}");
    }
}

#[test]
fn no_line_ends_in_a_space_and_no_text_in_an_empty_line() {
    let rendered = plain(&format!("{MANY_KINDS}\n\n\n```\n\n```\n\n<!-- end -->\n"), 40);
    assert!(rendered.lines().all(|line| !line.ends_with(' ')));
    assert!(rendered.ends_with("inside\n"), "{rendered}");
    assert!(!rendered.contains("\n\n\n"), "{rendered}");
}

#[test]
fn a_width_that_cannot_be_read_is_taken_for_twenty() {
    assert_eq!(plain("one two three four five six", 0), plain("one two three four five six", 20));
}

#[test]
fn nothing_renders_as_nothing() {
    assert_eq!(plain("", 80), "");
    assert_eq!(plain("\n\n<!-- only this -->\n", 80), "");
}

#[test]
fn ten_thousand_nested_quotes_do_not_exhaust_the_stack() {
    let rendered = plain(&format!("{} deep", ">".repeat(10_000)), 20);
    assert!(rendered.ends_with("deep\n"), "{rendered}");
}
