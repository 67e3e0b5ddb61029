//! The summary of a lesson and its questions of recall.

use super::*;

const SUMMARY: &str = "> [!SUMMARY]\n> | a | b |\n> |---|---|\n> | 1 | 2 |\n";
const RECALL: &str =
    "> [!RECALL]\n> Is it done\n> at once?\n>\n> No, it is *begun*.\n>\n> - wait\n";

fn and(more: &str) -> String {
    format!("{EXERCISE}\n{more}")
}

#[test]
fn a_lesson_has_a_summary_and_questions() {
    let lesson = lesson(&and(&format!("{SUMMARY}\n{RECALL}\n> [!recall]\n> A?\n>\n> B.\n")));
    assert_eq!(lesson.summary.as_deref(), Some("| a | b |\n|---|---|\n| 1 | 2 |"));
    assert_eq!(lesson.recall.len(), 2);
    assert_eq!(lesson.recall[0].question, "Is it done\nat once?");
    assert_eq!(lesson.recall[0].answer, "No, it is *begun*.\n\n- wait");
    assert_eq!(lesson.recall[1].answer, "B.");
}

#[test]
fn they_may_stand_above_the_first_section() {
    let lesson = lesson(&format!("# A\n\n{SUMMARY}\n## B\n\ntext\n"));
    assert!(lesson.summary.is_some());
    assert_eq!(lesson.steps.len(), 1);
}

#[test]
fn they_are_not_read_with_the_text() {
    for source in [format!("# A\n\ntext\n\n{SUMMARY}\n{RECALL}"), and(SUMMARY), and(RECALL)] {
        let lesson = lesson(&source);
        let spans = lesson.steps.iter().flat_map(|step| step.reading.clone());
        let text: String = spans.map(|span| &lesson.source[span]).collect();
        assert!(!text.contains('>'), "{text}");
    }
}

#[test]
fn their_blocks_are_no_examples() {
    let summary = "> [!SUMMARY]\n> ```redis\n> SAVE\n> ```\n";
    assert!(lesson(&and(summary)).steps.iter().all(|step| step.examples.is_empty()));
}

#[test]
fn a_second_summary_is_a_problem() {
    assert_problem(
        &format!("a\n\n{SUMMARY}\n{SUMMARY}"),
        "warning: 8:1: a second `[!SUMMARY]` in one lesson (put all of it into the first one)",
    );
}

#[test]
fn an_empty_one_is_a_problem() {
    assert_problem(
        "> [!SUMMARY]\n",
        "warning: 1:1: the summary is empty (write what to keep in mind on the next line)",
    );
    assert_problem(
        "a\n\n> [!RECALL]\n>\n",
        "warning: 3:1: the question is empty (write the question on the next line)",
    );
}

#[test]
fn a_question_without_an_answer_is_a_problem() {
    for question in ["> [!RECALL]\n> Why?\n", "> [!RECALL]\n> Why?\n>\n>\n"] {
        assert_problem(
            question,
            "warning: 1:1: the question has no answer (write the answer below the question, after a line \
             `>`)",
        );
    }
}

#[test]
fn a_slip_in_their_words_gets_a_suggestion() {
    assert_problem(
        "> [!SUMARY]\n> x\n",
        "warning: 1:5: unknown alert `SUMARY` (did you mean `SUMMARY`?)",
    );
    assert_problem(
        "> [!RECAL]\n> x\n",
        "warning: 1:5: unknown alert `RECAL` (did you mean `RECALL`?)",
    );
    assert_problem(
        "> [!RECALL] Why?\n> x\n",
        "warning: 1:5: text after `[!RECALL]` makes it a plain quote (begin the text on the next line)",
    );
}
