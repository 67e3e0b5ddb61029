//! Whatever bytes a file holds, loading must not panic and every problem must draw.

use super::*;
use crate::lesson::problem::draw;

const RICH: &str = include_str!("rich.md");

fn survive(source: &str) {
    let (lesson, problems) = read(source);
    for problem in &problems {
        assert!(draw(problem, false).contains(&problem.place()), "{source}");
    }
    for step in lesson.iter().flat_map(|lesson| &lesson.steps) {
        for span in &step.reading {
            assert!(source.get(span.clone()).is_some_and(|text| !text.trim().is_empty()));
        }
    }
}

#[test]
fn the_rich_lesson_has_no_problem() {
    assert!(told(RICH).is_empty(), "{}", drawn(&read(RICH).1));
}

#[test]
fn a_file_cut_anywhere_is_survived() {
    for (end, _) in RICH.char_indices() {
        survive(&RICH[..end]);
    }
}

#[test]
fn a_file_without_its_first_part_is_survived() {
    for (start, _) in RICH.char_indices() {
        survive(&RICH[start..]);
    }
}

#[test]
fn a_file_without_one_of_its_lines_is_survived() {
    let lines: Vec<&str> = RICH.split_inclusive('\n').collect();
    for left_out in 0..lines.len() {
        let kept = lines.iter().enumerate().filter(|(index, _)| *index != left_out);
        let source: String = kept.map(|(_, line)| *line).collect();
        survive(&source);
        survive(&source.replace('\n', "\r\n"));
        survive(&source.replace('\n', "\r"));
        survive(&source.replace('\n', "\n> "));
    }
}

#[test]
fn a_strange_character_anywhere_is_survived() {
    for (at, _) in RICH.char_indices().step_by(3) {
        for strange in ["\0", "\u{feff}", "日", "\t", "\"", "\r", "```", "<!--", "\u{1b}"] {
            survive(&[&RICH[..at], strange, &RICH[at..]].concat());
        }
    }
}

/// The id, the hints, the solutions and the number of checks of the first exercise.
fn content(source: &str) -> (String, Vec<String>, Vec<String>, usize) {
    let lesson = lesson(source);
    let exercise = lesson.steps.into_iter().find_map(|step| step.exercise).unwrap();
    let solutions = exercise.solutions.into_iter().map(|code| code.text).collect();
    (exercise.id, exercise.hints, solutions, exercise.checks.len())
}

#[test]
fn a_lesson_reads_the_same_with_any_line_ending_and_byte_order_mark() {
    let plain = content(RICH);
    assert_eq!(content(&RICH.replace('\n', "\r\n")), plain);
    assert_eq!(content(&format!("\u{feff}{RICH}")), plain);
}
