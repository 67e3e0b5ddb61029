//! Info strings, closing fences and the lines of commands.

use super::*;
use crate::topics::wait_lines;

const WORDS: &str = "known words: `norun`, `continued`, `setup`, `starter`, `solution`, `wrong`, \
                     `fails=CHECK`, `world=NAME`";

#[test]
fn an_unknown_word_behind_a_language_is_pointed_at() {
    let source = format!("{EXERCISE}\n```python  x\npass\n```\n");
    assert_problem(&source, &format!("28:12: unknown word `x` ({WORDS})"));
}

#[test]
fn a_slip_in_a_role_gets_a_suggestion() {
    assert_problem("```py noru\n```\n", "1:7: unknown word `noru` (did you mean `norun`?)");
    assert_told(
        &with("redis solution", "redis soluton"),
        "24:10: unknown word `soluton` (did you mean `solution`?)",
    );
    assert_told(
        &with("fails=saved", "fail=saved"),
        "20:18: unknown word `fail=saved` (did you mean `fails=CHECK`?)",
    );
}

#[test]
fn a_slip_in_the_language_of_an_answer_gets_a_suggestion() {
    let source = with("redis solution", "reids solution");
    assert_told(&source, "24:4: unknown language `reids` (did you mean `redis`?)");
}

#[test]
fn a_toml_block_is_an_exercise_only_by_that_word() {
    assert!(told("```toml config\na = 1\n```\n").is_empty());
    assert_problem(
        "```toml exercse\n```\n",
        "1:9: unknown word `exercse` (did you mean `exercise`?)",
    );
    assert_told(&with("toml exercise", "toml exercise x"), "9:18: unexpected word `x` after");
}

#[test]
fn exercise_behind_another_language_is_a_problem() {
    assert_told("```redis exercise\n```\n", "1:10: `exercise` belongs after `toml`");
}

#[test]
fn two_roles_are_a_problem() {
    assert_told(
        &with("redis solution", "redis solution starter"),
        "24:19: a block cannot be `solution` and `starter`",
    );
    assert_told("```py norun wrong\n```\n", "1:13: a block cannot be `norun` and `wrong`");
}

#[test]
fn a_word_that_stands_twice_is_a_problem() {
    assert_problem("```py norun norun\n```\n", "1:13: `norun` appears twice");
}

#[test]
fn setup_is_for_redis_only() {
    let source = EXERCISE.to_owned() + "\n```python setup\nx\n```\n";
    assert_told(&source, "28:11: `setup` is for `redis` blocks");
}

#[test]
fn an_answer_needs_an_exercise_in_its_section() {
    for role in ["starter fails=a", "solution", "wrong fails=a", "setup"] {
        assert_problem(
            &format!("## A\n\n```redis {role}\nGET a\n```\n"),
            "3:10: this block needs an exercise (add a `toml exercise` block to this section)",
        );
    }
}

fn never_closed(place: &str, marks: &str) -> String {
    format!("warning: {place}: the block is never closed (end it with a line `{marks}`)")
}

#[test]
fn a_block_without_an_end_is_a_problem() {
    assert_problem("a\n\n```py\nx\n", &never_closed("3:1", "```"));
    assert_problem("~~~~ text", &never_closed("1:1", "~~~~"));
    assert_problem("> ```py\n> x\n\ny\n", &never_closed("1:3", "```"));
    assert_problem("- ```py\n  x\n\ny\n", &never_closed("1:3", "```"));
    assert_problem("```py\n    ```\n", &never_closed("1:1", "```"));
    assert_problem("````py\n```\n", &never_closed("1:1", "````"));
    assert_problem("```py", &never_closed("1:1", "```"));
}

#[test]
fn a_block_with_an_end_is_not_reported() {
    for source in [
        "```\n```",
        "```py\nx\n```",
        "```py\r\nx\r\n```\r\n",
        "   ```py\n   x\n  ```  \n",
        "> ```py\n> x\n> ```\n",
        "> > ```py\n> > x\n> > ```\n",
        "- a\n\n  ```py\n  x\n  ```\n",
        "1. > ```py\n   > x\n   > ```\n",
        "~~~ ```\nx\n~~~~~\n",
        "~~~`a\nx\n~~~\n",
    ] {
        assert!(told(source).is_empty(), "{source}\n{:?}", told(source));
    }
}

#[test]
fn a_block_that_is_there_to_run_holds_something() {
    let help = "(write something to run, or mark the block with `norun`)";
    for block in ["```redis\n```\n", "```py\n \n\n```\n"] {
        let source = format!("{EXERCISE}\n{block}");
        assert_problem(&source, &format!("28:1: the example is empty {help}"));
    }
    assert_eq!(told("```py norun\n```\n\n```text\n```\n"), Vec::<String>::new());
    for (role, what) in [("setup", "setup"), ("wrong fails=saving", "wrong answer")] {
        let source = EXERCISE.to_owned() + &format!("\n```redis {role}\n```\n");
        assert_told(&source, &format!("28:1: the {what} is empty"));
    }
}

#[test]
fn nothing_is_said_about_what_a_block_without_an_end_swallowed() {
    let source = with("calls = { save = 1 }\n```", "calls = { save = 1 }\n");
    assert_eq!(told(&source).len(), 1);
    let help = "(end the block of line 9 with a line `````)";
    assert_told(&source, &format!("20:1: a block opens inside another that is not closed {help}"));
}

#[test]
fn a_line_must_be_one_that_redis_cli_takes() {
    assert_told(
        "```redis\nSET a 1\n  SET b \"x\n```\n",
        "warning: 3:3: redis-cli refuses this line: the quote is never closed",
    );
    assert_told(
        "```redis\n> SET b 'x'y\nOK \"\n```\n",
        "warning: 2:3: redis-cli refuses this line: a closing quote must be followed by a space",
    );
    for role in ["starter", "solution"] {
        let (old, new) = match role {
            "starter" => ("SET a 1", "SET a 'x"),
            _ => ("SAVE\n```", "SET a 'x\n```"),
        };
        let told = told(&with(old, new));
        assert!(told.iter().any(|problem| problem.contains("redis-cli refuses")), "{role}");
    }
}

#[test]
fn a_setup_line_must_be_one_that_redis_cli_takes() {
    let source = EXERCISE.to_owned() + "\n```redis setup\n# it's fine\nSET a '\n```\n";
    assert_problem(&source, "30:1: redis-cli refuses this line: the quote is never closed");
}

#[test]
fn a_setup_line_must_leave_a_server_that_answers() {
    for line in [wait_lines()[0], "shutdown NOSAVE", "BLPOP q 0", "SUBSCRIBE a"] {
        let name = line.split(' ').next().unwrap();
        let source = format!("{EXERCISE}\n```redis setup\nSET a 1\n{line}\n```\n");
        assert_told(&source, &format!("30:1: `{name}` cannot be used in a setup"));
    }
}

#[test]
fn a_setup_switches_off_nothing_that_protects_the_machine() {
    for line in [
        "MODULE LOAD /x.so",
        "\"module\" list",
        "DEBUG SLEEP 1",
        "REPLICAOF x 1",
        "config set dir /x",
        "CONFIG SET maxmemory 1 dbfilename x",
    ] {
        let name = line.split(' ').next().unwrap().trim_matches('"');
        let source = format!("{EXERCISE}\n```redis setup\nSET a 1\n{line}\n```\n");
        assert_told(&source, &format!("30:1: `{name}` cannot be used in a setup"));
    }
}

#[test]
fn a_wrong_answer_may_be_wrong_in_any_way() {
    let source = EXERCISE.to_owned() + "\n```redis wrong fails=saved\nSET a '\n@x\n```\n";
    assert!(told(&source).is_empty());
}

#[test]
fn the_only_line_with_an_at_sign_is_the_one_that_waits() {
    for line in wait_lines() {
        assert!(told(&format!("```redis\nPING\n{line}\n```\n")).is_empty());
        let slip = &line[..line.len() - 1];
        assert_told(
            &format!("```redis\n{slip}\n```\n"),
            &format!(
                "warning: 2:1: unknown line `{slip}`: the block is not run (did you mean `{line}`?)"
            ),
        );
    }
    assert_told(
        "```redis\n@sleep 1\n```\n",
        "warning: 2:1: unknown line `@sleep 1`: the block is not run (use `@wait",
    );
}

#[test]
fn a_reply_needs_a_command_above_it() {
    assert_told(
        "```redis\n# a\nOK\n> PING\nPONG\n```\n",
        "warning: 3:1: a reply without a command: the block is not run (begin every command of this block with `> `)",
    );
}

#[test]
fn an_unknown_alert_gets_a_suggestion() {
    assert_problem("> [!TPI]\n> x\n", "warning: 1:5: unknown alert `TPI` (did you mean `TIP`?)");
    let source = format!("{EXERCISE}\n- > [!FOO]\n  > x\n");
    assert_told(&source, "28:7: unknown alert `FOO` (use `NOTE`, `TIP`");
    assert!(told("> [!note]\n> x\n\n> [a](b)\n\n> ![i](j)\n").is_empty());
}

#[test]
fn an_alert_with_a_title_is_no_alert() {
    assert_problem(
        &format!("{EXERCISE}\n> [!TIP] Think\n> x\n"),
        "28:5: text after `[!TIP]` makes it a plain quote (begin the text on the next line)",
    );
}

#[test]
fn a_block_that_html_swallows_is_a_problem() {
    assert_problem(
        "<details>\n```python solution\nx\n```\n</details>\n",
        "2:1: the block is part of the HTML above it (leave a blank line above it)",
    );
}
