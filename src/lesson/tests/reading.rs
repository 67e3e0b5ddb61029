//! The text of a section that the student reads.

use super::*;

fn reading(source: &str) -> String {
    let lesson = lesson(source);
    let step = lesson.steps.last().unwrap();
    step.reading.iter().map(|span| &lesson.source[span.clone()]).collect()
}

fn and(more: &str) -> String {
    reading(&format!("{EXERCISE}\n{more}"))
}

#[test]
fn the_student_does_not_read_checks_answers_and_hints() {
    let text = reading(EXERCISE);
    assert_eq!(text.split_whitespace().collect::<Vec<_>>().join(" "), "## Save it Do it.");
}

#[test]
fn plain_markdown_is_read_as_it_stands() {
    let source = "## A\n\ntext\n\n> [!TIP]\n> x\n\n```py\n1\n```\n\n<details>\n\na\n\n</details>\n";
    assert_eq!(reading(source), source);
}

#[test]
fn the_authors_note_under_a_wrong_answer_is_not_read() {
    let wrong = "```redis wrong fails=saved\nx\n```\n";
    let text =
        and(&format!("{wrong}\nnote *one*\n\n### still\n\n```redis\nGET a\n```\n\nfor all\n"));
    assert!(!text.contains("note") && !text.contains("still"), "{text}");
    assert!(text.contains("GET a") && text.contains("for all"), "{text}");
}

#[test]
fn a_hint_in_the_authors_note_is_still_a_hint() {
    let source = format!(
        "{EXERCISE}\n```redis wrong fails=saved\nx\n```\nnote\n\n> [!TIP]\n> two\n\nnote\n"
    );
    let lesson = lesson(&source);
    assert_eq!(lesson.steps[1].exercise.as_ref().unwrap().hints, ["Try `SAVE`.", "two"]);
    assert!(!reading(&source).contains("note"));
}

#[test]
fn details_with_an_answer_are_not_read_and_others_are() {
    let hidden = "<details>\n<summary>Solution</summary>\n\nwhy\n\n\
        ```redis solution\nSAVE\n```\n\n```redis\nGET hidden\n```\n\n</details>\n";
    let source = format!("{EXERCISE}\n{hidden}\nafter\n\n<details>\n\nmore\n\n</details>\n");
    let text = reading(&source);
    assert!(!text.contains("why") && !text.contains("Solution") && !text.contains("hidden"));
    assert!(text.contains("after") && text.contains("more"), "{text}");
    assert!(lesson(&source).steps[1].examples.is_empty());
}

#[test]
fn a_note_inside_details_ends_with_them() {
    let text =
        and("<details>\n\n```redis wrong fails=saved\nx\n```\n\nnote\n\n</details>\n\nafter\n");
    assert!(!text.contains("note") && text.contains("after"), "{text}");
}

#[test]
fn details_that_never_end_hide_the_rest_of_the_section() {
    assert!(!and("<details>\n\n```redis solution\nx\n```\n\nafter\n").contains("after"));
}

#[test]
fn comments_are_not_read() {
    assert_eq!(reading("a\n\n<!-- b\n\nc -->\n\nd\n").replace('\n', ""), "ad");
}

#[test]
fn a_byte_order_mark_is_not_read() {
    assert_eq!(reading("\u{feff}# A\n"), "# A\n");
}

#[test]
fn examples_in_a_hint_are_not_run() {
    let source = with("> Try `SAVE`.", "> ```redis\n> SAVE\n> ```");
    assert!(lesson(&source).steps[1].examples.is_empty());
}
