//! Starters, solutions, wrong answers, hints, and what an exercise must have.

use super::*;
use crate::lesson::{Language, check};

fn and(more: &str) -> String {
    format!("{EXERCISE}\n{more}")
}

#[test]
fn a_starter_must_name_the_check_it_fails_on() {
    assert_told(&with(" fails=saved", ""), "20:10: `fails=` is missing");
}

#[test]
fn a_wrong_answer_must_name_the_check_it_fails_on() {
    assert_problem(
        &and("```redis wrong\nGET a\n```\n"),
        "28:10: `fails=` is missing (name the check that it must fail: `fails=CHECK`)",
    );
}

#[test]
fn fails_must_name_something_and_once() {
    assert_told(&with("fails=saved", "fails="), "20:18: `fails=` names no check");
    assert_problem(
        &with("fails=saved", "fails=saved fails=saved"),
        "20:30: a second `fails=` (name one check)",
    );
}

#[test]
fn fails_must_name_a_check_of_the_exercise() {
    assert_told(
        &with("fails=saved", "fails=savd"),
        "20:24: unknown check `savd` (did you mean `saved`?)",
    );
}

#[test]
fn fails_may_name_the_checks_that_every_exercise_has() {
    for id in [check::ENDS_WELL, check::EVIDENCE_IS_VALID] {
        assert!(told(&and(&format!("```redis wrong fails={id}\nx\n```\n"))).is_empty());
    }
}

#[test]
fn an_exercise_that_checks_exit_has_no_other_finding_for_it() {
    let source = and("```python wrong fails=ends-well\nx\n```\n")
        .replace("calls = { save = 1 }", "exit = 3")
        .replace("redis", "python");
    assert_problem(
        &source,
        "28:23: `ends-well` is not checked here \
         (this exercise checks `exit` itself: name that check)",
    );
}

#[test]
fn fails_is_of_no_use_on_other_blocks() {
    let help = "`fails=` has no effect here (only a `starter` or a `wrong` answer fails a check)";
    assert_problem(
        &with("redis solution", "redis solution fails=saved"),
        &format!("24:19: {help}"),
    );
    assert_problem(&and("```redis fails=saved\n```\n"), &format!("28:10: {help}"));
    assert_problem(&and("```redis setup fails=saved\nSET b 1\n```\n"), &format!("28:16: {help}"));
}

#[test]
fn an_exercise_needs_a_solution() {
    assert_problem(
        &with("redis solution", "redis"),
        "10:6: the exercise has no solution (add a `python solution` or a `redis solution` block)",
    );
}

#[test]
fn an_exercise_needs_a_hint() {
    assert_problem(
        &with("[!TIP]", "[!NOTE]"),
        "10:6: the exercise has no hint (add a quote that begins with `> [!TIP]`)",
    );
    assert_told(&with("> Try `SAVE`.\n", ""), "10:6: the exercise has no hint");
}

#[test]
fn a_solution_must_not_be_empty() {
    assert_problem(&with("SAVE\n```", "\n```"), "24:1: the solution is empty");
}

#[test]
fn a_check_on_which_nothing_fails_is_warned_of() {
    let source = with("fails=saved", "fails=ends-well");
    assert_told(&source, "warning: 13:6: no starter or wrong answer fails on `saved`");
    assert!(read(&source).0.is_some());
}

#[test]
fn a_language_without_a_starter_is_warned_of() {
    assert_problem(
        &and("```py solution\nx\n```\n"),
        "warning: 28:7: the exercise has no `python` starter (add a `python starter` block)",
    );
}

#[test]
fn a_starter_or_wrong_answer_needs_a_solution_in_its_language() {
    for role in ["starter", "wrong"] {
        assert_problem(
            &and(&format!("```py {role} fails=saved\nx\n```\n")),
            "28:7: the exercise has no `python` solution (add a `python solution` block)",
        );
    }
}

#[test]
fn a_language_has_one_starter() {
    assert_problem(
        &and("```redis starter fails=saved\nGET a\n```\n"),
        "28:10: a second `redis` starter in one exercise",
    );
}

#[test]
fn a_section_has_one_exercise() {
    assert_problem(
        &and("```toml exercise\nid = 1\n```\n"),
        "28:9: a second exercise in one section (begin a new section with `##`)",
    );
}

#[test]
fn an_exercise_may_have_several_solutions_and_setups() {
    let source = and("```redis solution\nBGSAVE\n```\n```redis setup\nSET a 1\n```\n\
         ```redis setup\nGET a\n```\n");
    let lesson = lesson(&source);
    let exercise = lesson.steps[1].exercise.as_ref().unwrap();
    assert_eq!((exercise.solutions.len(), exercise.setup.len()), (2, 2));
    assert_eq!(exercise.languages(), [Language::Redis]);
}

#[test]
fn hints_are_markdown_without_the_marks_of_the_quote() {
    let source = with(
        "> Try `SAVE`.\n",
        "> Try\n> this:\n>\n> ```redis\n>   SAVE\n> ```\nlazy\n\n> [!tip]\n> > two\n",
    );
    let lesson = lesson(&source.replace('\n', "\r\n"));
    let hints = &lesson.steps[1].exercise.as_ref().unwrap().hints;
    assert_eq!(hints[0], "Try\nthis:\n\n```redis\n  SAVE\n```");
    assert_eq!(hints[1], "> two");
}

#[test]
fn a_hint_in_a_list_is_a_hint() {
    let source = with("> [!TIP]\n> Try `SAVE`.\n", "- a\n\n  > [!TIP]\n  > Try\n  > `SAVE`.\n");
    assert_eq!(lesson(&source).steps[1].exercise.as_ref().unwrap().hints, ["Try\n`SAVE`."]);
}

#[test]
fn an_answer_inside_details_counts() {
    let source = with(
        "```redis solution\nSAVE\n```",
        "<details>\n\n```redis solution\nSAVE\n```\n\n</details>",
    );
    assert_eq!(lesson(&source).steps[1].exercise.as_ref().unwrap().solutions.len(), 1);
}
