//! Tasks with ids, the checks that cover them, and mutants that are called equivalent.

use super::*;
use crate::lesson::Equivalent;

/// [`EXERCISE`] with this task, and this line in its check.
fn with_task(task: &str, check: &str) -> String {
    with("Do it.\n", &format!("{task}\n"))
        .replace("calls = { save = 1 }", &format!("calls = {{ save = 1 }}\n{check}"))
}

#[test]
fn a_task_that_a_check_covers_is_right() {
    for task in [
        "Do it. <!-- task: do-it -->",
        "- Do it.<!--task:do-it-->",
        "Do it.\n\n<!-- task: do-it -->",
    ] {
        for covers in ["covers = \"do-it\"", "covers = [\"do-it\"]"] {
            assert_eq!(told(&with_task(task, covers)), [""; 0], "{task}");
        }
    }
}

#[test]
fn a_task_that_no_check_covers_is_told_at_its_comment() {
    assert_problem(
        &with_task("1. Do it, <!-- task: a -->\n2. and that. <!-- task: b -->", "covers = \"a\""),
        "warning: 8:14: no check covers the task `b` (name it in a check: `covers = \"b\"`)",
    );
}

#[test]
fn a_check_covers_only_what_there_is() {
    assert_problem(
        &with_task("Do it. <!-- task: do-it -->", "covers = [\"do-it\", \"do-id\"]"),
        "15:20: unknown task `do-id` (did you mean `do-it`?)",
    );
    assert_problem(
        &with_task("Do it.", "covers = \"do-it\""),
        "15:10: unknown task `do-it` (end a sentence of the task with `<!-- task: do-it -->`)",
    );
    assert_told(&with_task("Do it.", "covers = []"), "15:10: `covers` is empty");
    assert_told(&with_task("Do it.", "covers = 1"), "15:10: `covers` must be a string or an array");
}

#[test]
fn a_task_has_an_id_of_its_own() {
    let twice = with_task("A <!-- task: a --> b <!-- task: a -->", "covers = \"a\"");
    assert_problem(&twice, "7:33: a second task with the id `a`");
    assert_told(&with_task("A <!-- task: Do it -->", ""), "7:14: `Do it` cannot be an id");
    assert_told(&with_task("A <!-- task: -->", ""), "7:13: `` cannot be an id");
}

#[test]
fn a_numbered_item_that_was_forgotten_is_told() {
    assert_problem(
        &with_task("1. Do it, <!-- task: a -->\n2. and that,\n   - or this", "covers = \"a\""),
        "warning: 8:1: this item has no task id, although others have one \
         (end it with `<!-- task: ID -->`)",
    );
    assert_eq!(told(&with_task("1. Do it,\n2. and that.", "")), [""; 0]);
}

#[test]
fn a_task_that_the_student_does_not_read_is_reported() {
    let no_exercise = with("Read this.", "Read this. <!-- task: a -->");
    assert_told(&no_exercise, "warning: 3:12: this task is not part of an exercise");
    let in_hint = with("> Try `SAVE`.", "> Try `SAVE`. <!-- task: a -->");
    assert_told(&in_hint, "warning: 18:15: this task is not part of an exercise");
}

#[test]
fn text_that_a_comment_swallows_is_told() {
    assert_problem(
        &with_task("Do it.\n<!-- task: do-it --> Then look.", ""),
        "8:1: the comment begins the line, so the text after it becomes part of it \
         (put the comment at the end of the line above)",
    );
}

#[test]
fn other_comments_are_no_tasks() {
    assert_eq!(told(&with("Do it.", "Do it. <!-- a task: later --> <!-- tasks -->")), [""; 0]);
}

/// [`EXERCISE`] with these lines below its check.
fn with_equivalent(lines: &str) -> String {
    with("calls = { save = 1 }\n", &format!("calls = {{ save = 1 }}\n[[equivalent]]\n{lines}\n"))
}

#[test]
fn an_equivalent_names_a_mutant_and_a_reason() {
    let source = with_equivalent("mutant = \"redis/solution-1/without-line-1\"\nbecause = \"so\"");
    let lesson = lesson(&source);
    let [Equivalent { mutant, because, span }] =
        &lesson.steps[1].exercise.as_ref().unwrap().equivalents[..]
    else {
        panic!("{lesson:?}")
    };
    assert_eq!((mutant.as_str(), because.as_str()), ("redis/solution-1/without-line-1", "so"));
    assert_eq!(lesson.line_of(span.start), 16);
}

#[test]
fn an_equivalent_lacks_nothing_and_has_nothing_else() {
    assert_problem(
        &with_equivalent("mutant = \"redis/solution-1/without-line-1\""),
        "15:1: the equivalent has no `because` \
         (say why that answer is right: `because = \"…\"`)",
    );
    assert_told(&with_equivalent("because = \"so\""), "15:1: the equivalent has no `mutant`");
    assert_told(
        &with_equivalent("mutant = \"redis/solution-1/x-1\"\nbecause = \" \""),
        "17:11: `because` is empty",
    );
    assert_told(
        &with_equivalent("mutant = 1\nbecause = \"so\""),
        "16:10: `mutant` must be a string",
    );
    assert_problem(
        &with_equivalent("mutant = \"redis/solution-1/x-1\"\nbecuase = \"so\"\nbecause = \"so\""),
        "17:1: unknown key `becuase` in an equivalent (did you mean `because`?)",
    );
    assert_told(
        &with_equivalent("").replace("[[equivalent]]", "[equivalent]"),
        "15:1: `equivalent` must be written",
    );
}

fn with_mutant(mutant: &str) -> String {
    with_equivalent(&format!("mutant = \"{mutant}\"\nbecause = \"so\""))
}

#[test]
fn an_equivalent_is_of_a_solution_that_there_is() {
    assert_problem(
        &with_mutant("redis/solution-2/x-1"),
        "16:10: there is no `redis/solution-2` (did you mean `redis/solution-1`?)",
    );
    assert_told(&with_mutant("python/solution-1/x-1"), "16:10: there is no `python/solution-1`");
    for wrong in [
        "redis/solution-1",
        "saving/redis/solution-1/x-1",
        "ruby/solution-1/x",
        "redis/solution-1/",
    ] {
        assert_told(&with_mutant(wrong), &format!("16:10: `{wrong}` cannot be a mutant"));
    }
}

#[test]
fn a_mutant_is_called_equivalent_once() {
    let one = "mutant = \"redis/solution-1/x-1\"\nbecause = \"so\"";
    assert_problem(
        &with_equivalent(&format!("{one}\n[[equivalent]]\n{one}")),
        "19:10: a second `[[equivalent]]` for `redis/solution-1/x-1`",
    );
}
