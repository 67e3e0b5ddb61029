//! Line and column of a problem, however its block is nested.

use super::*;
use crate::lesson::problem::draw;

/// A block of checks whose last key is misspelt.
fn exercise(line_prefix: &str, first_prefix: &str, newline: &str) -> String {
    let lines = [
        "```toml exercise",
        "id = \"a\"",
        "",
        "[[check]]",
        "id = \"b\"",
        "stdot = \"done\"",
        "```",
    ];
    let prefixed: Vec<String> = lines
        .iter()
        .enumerate()
        .map(|(index, line)| {
            format!("{}{line}", if index == 0 { first_prefix } else { line_prefix })
        })
        .collect();
    prefixed.join(newline) + newline
}

const SLIP: &str = "unknown check subject `stdot` (did you mean `stdout`?)";

#[test]
fn a_problem_in_a_block_is_at_its_line_and_column() {
    assert_told(&exercise("", "", "\n"), &format!("6:1: {SLIP}"));
}

#[test]
fn a_problem_in_an_indented_block_is_at_its_line_and_column() {
    assert_told(&exercise("   ", "   ", "\n"), &format!("6:4: {SLIP}"));
    assert_told(&exercise(" ", "  ", "\n"), &format!("6:2: {SLIP}"));
}

#[test]
fn a_problem_in_a_list_is_at_its_line_and_column() {
    assert_told(&exercise("  ", "- ", "\n"), &format!("6:3: {SLIP}"));
    assert_told(&exercise("     ", "1. - ", "\n"), &format!("6:6: {SLIP}"));
}

#[test]
fn a_problem_in_a_quote_is_at_its_line_and_column() {
    assert_told(&exercise("> ", "> ", "\n"), &format!("6:3: {SLIP}"));
    assert_told(&exercise(">   ", "> - ", "\n"), &format!("6:5: {SLIP}"));
}

#[test]
fn a_problem_in_a_crlf_file_is_at_its_line_and_column() {
    assert_told(&exercise("", "", "\r\n"), &format!("6:1: {SLIP}"));
    assert_told(&exercise("> ", "> ", "\r\n"), &format!("6:3: {SLIP}"));
}

#[test]
fn a_byte_order_mark_does_not_move_a_problem() {
    assert_told(&format!("\u{feff}{}", exercise("", "", "\n")), &format!("6:1: {SLIP}"));
    let (_, problems) = read("\u{feff}```py x\n```\n");
    assert_eq!(problems[0].position(), Some((1, 7)));
    assert_eq!(problems[0].span, Some(9..10));
}

#[test]
fn columns_are_characters() {
    assert_told("> 日本\n\n- 日 ```\n- x\n\n~~~py é x\n~~~\n", "warning: 6:9: unknown word `x`");
}

#[test]
fn a_problem_is_drawn_with_its_place_its_line_a_caret_and_the_help() {
    let source = exercise("", "", "\n");
    let (_, problems) = read(&source);
    let slip = problems.iter().find(|problem| problem.message.contains("stdot")).unwrap();
    let drawn = draw(slip, false);
    let expected = "error: unknown check subject `stdot`\n \
        --> lessons/04-snapshotting.md:6:1\n  |\n\
        6 | stdot = \"done\"\n  | ^^^^^\n  |\n  = help: did you mean `stdout`?";
    assert_eq!(drawn, expected);
    assert!(draw(slip, true).contains("\u{1b}["));
}

#[test]
fn a_problem_of_a_path_is_drawn_without_a_line() {
    let problem = Problem::of_path(Path::new("lessons"), "the folder has no lessons", None);
    assert_eq!(draw(&problem, false), "error: the folder has no lessons\n--> lessons");
}

#[test]
fn every_problem_of_a_file_is_told_in_the_order_of_the_text() {
    let source = "```py nurun\n```\n\n## A\n\n```toml exercise\nid = \"A\"\ntime_limt = \"1s\"\n\n\
        [[check]]\nid = \"x\"\nblocked = 1\ncalls = { save = \"x\" }\nneeds = \"y\"\n```\n\n\
        ```redis solution\nSET '\n```\n\n> [!TPI]\n> x\n\n```py\n";
    let lines: Vec<usize> =
        read(source).1.iter().filter_map(Problem::position).map(|(line, _)| line).collect();
    assert_eq!(lines, [1, 21, 24]);
    let source = source.strip_suffix("```py\n").unwrap();
    let lines: Vec<usize> =
        read(source).1.iter().filter_map(Problem::position).map(|(line, _)| line).collect();
    assert_eq!(lines, [1, 7, 7, 8, 11, 12, 13, 13, 14, 17, 18, 21]);
}
