//! What authors are told about their lessons: each fault once, in the server's words, and nothing
//! to students.

use std::process::Stdio;

use crate::support::{Ended, Workspace, wait_until};

/// An exercise `e` with this TOML and these answers, whose check `stored` wants the key `a`.
fn lesson(toml: &str, answers: &str) -> String {
    format!(
        "# L\n\n## E\n\n> [!TIP]\n> look\n\n```toml exercise\nid = \"e\"\n{toml}\n[[check]]\n\
         id = \"stored\"\nreply = {{ \"GET a\" = \"1\" }}\n```\n\n\
         ```redis solution\nSET a 1\n```\n\n{answers}"
    )
}

const WRONG: &str = "```redis wrong fails=stored\nSET a 2\n```\n\n\
    ```redis starter fails=stored\nPING\n```\n";

fn verify(lesson: &str, more: &[&str]) -> Ended {
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", lesson);
    let arguments = ["verify", "--lessons", "course", "--server", "process"];
    workspace.run(&[arguments.as_slice(), more].concat())
}

#[test]
fn a_setting_that_the_server_refuses_is_told_once_and_in_its_words() {
    let ended = verify(&lesson("[server]\nhz = 100\nmaxmemry = \"1mb\"", WRONG), &[]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let expected = "  --> course/01-l.md:12\n  no server starts with the lesson's `[server]`: ";
    assert!(ended.stdout.contains(expected), "{}", ended.stdout);
    let words = "it refuses the setting `maxmemry 1mb`: Bad directive or wrong number of arguments";
    assert_eq!(ended.stdout.matches(words).count(), 1, "{}", ended.stdout);
    assert!(ended.stdout.contains("; 1 failed, "), "{}", ended.stdout);
    assert!(ended.stdout.contains(" not run"), "{}", ended.stdout);
}

#[test]
fn a_setup_command_that_the_server_refuses_is_told_once() {
    let setup = "```redis setup\nINCR a b\n```\n\n";
    let ended = verify(&lesson("", &format!("{setup}{WRONG}")), &[]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let told = ended.stdout.matches("the setup fails: `INCR a b` is answered by").count();
    assert_eq!(told, 1, "{}", ended.stdout);
}

#[test]
fn mutants_with_the_same_story_are_one_report() {
    let toml =
        "[[check]]\nid = \"all\"\nneeds = [\"stored\"]\nreply = { DBSIZE = \"(integer) 4\" }";
    let answers = WRONG.replace("SET a 2", "PING");
    let text = lesson(toml, &answers).replace("SET a 1\n", "MSET a 1 b 2 c 3 d 4\n");
    let ended = verify(&text, &["e/redis/solution-1"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let told = ended.stdout.matches("no check looks at that value").count();
    assert_eq!(told, 1, "{}", ended.stdout);
    assert!(ended.stdout.contains("2 more alike: other-value-1-"), "{}", ended.stdout);
}

#[test]
fn a_traceback_may_leave_other_checks_unmet() {
    let answers = "```python solution\nimport redis\nredis.Redis().set('a', 1)\n```\n\n\
                   ```python wrong fails=ends-well\nraise SystemExit('no')\n```\n";
    let ended = verify(&lesson("", &format!("{WRONG}{answers}")), &["e/python/wrong-1"]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

const SHOWS: &str = "[[check]]\nid = \"shown\"\nshows = true\nreply = { \"GET b\" = \"1\" }";

#[test]
fn a_check_that_only_shows_may_be_unmet_with_another() {
    let text = lesson(SHOWS, WRONG).replace("SET a 1\n", "MSET a 1 b 1\n");
    let ended = verify(&text, &["--no-mutants"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!format!("{ended:?}").contains("`shown`"), "{ended:?}");
}

#[test]
fn a_check_that_only_shows_may_not_fail_alone() {
    let text = lesson(SHOWS, WRONG).replace("SET a 1\n", "MSET a 1 b 1\n");
    let ended = verify(&text, &["e/redis/solution-1"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let told = "only `shown` is unmet, which only shows something: remove `shows`";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
}

#[test]
fn students_are_not_told_the_authors_warnings() {
    let workspace = Workspace::new();
    workspace
        .file("course/01-l.md", lesson("", "```redis wrong fails=ends-well\nBLPOP x 0\n```\n"));
    workspace.file("a.redis", "SET a 1\n");
    let list = workspace.run(&["list", "--lessons", "course"]);
    let check = workspace.run(&["check", "e", "a.redis", "--lessons", "course"]);
    for ended in [list, check] {
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(!format!("{ended:?}").contains("warning"), "{ended:?}");
    }
}

#[test]
fn warnings_are_about_what_was_chosen() {
    let workspace = Workspace::new();
    for (file, id) in [("course/01-l.md", "e"), ("course/02-m.md", "f")] {
        let text = lesson("", "").replace("id = \"e\"", &format!("id = \"{id}\""));
        workspace.file(file, text);
    }
    let ended = workspace.run(&["verify", "--lessons", "course", "f/redis/solution-1"]);
    assert!(ended.stdout.contains("02-m.md:12"), "{}", ended.stdout);
    assert!(!format!("{ended:?}").contains("01-l.md"), "{ended:?}");
}

#[test]
fn an_exercise_that_is_not_for_this_server_is_skipped_and_counted() {
    let text = lesson("servers = [\"redis 1.0\"]\n[server]\nno-such = 1", WRONG);
    let ended = verify(&text, &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("not for this server"), "{}", ended.stdout);
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", &text);
    workspace.file("a.redis", "SET a 1\n");
    let ended = workspace.run(&["check", "e", "a.redis", "--lessons", "course"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("`e` is not for redis"), "{}", ended.stderr);
}

#[test]
fn save_points_are_not_due_before_the_answer() {
    let toml = "[server]\nsave = \"3 1\"\n[[check]]\nid = \"not-yet\"\nat = \"exit\"\n\
                lastsave = \"unchanged\"";
    let answers = "```redis wrong fails=not-yet\nSET a 1\nSAVE\n```\n";
    let ended = verify(&lesson(toml, answers), &["e/redis/solution-1", "--repeat", "8"]);
    assert!(ended.stdout.contains("e/redis/solution-1") || ended.code == 0, "{ended:?}");
    assert!(!ended.stdout.contains("flaky"), "{}", ended.stdout);
}

#[test]
fn names_and_a_language_that_choose_nothing_are_a_mistake() {
    let ended = verify(&lesson("", WRONG), &["e/redis", "--language", "python"]);
    assert_eq!(ended.code, 2, "{ended:?}");
}

#[test]
fn a_glob_may_name_a_group_as_reports_do() {
    let ended = verify(&lesson("", WRONG), &["*/redis", "--no-mutants"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("4 of 4 cases"), "{}", ended.stdout);
}

#[test]
fn watching_runs_the_exercise_that_was_saved() {
    let workspace = Workspace::new();
    let other = lesson("", WRONG).replace("id = \"e\"", "id = \"f\"").replace("## E", "## F");
    let text = lesson("", WRONG) + "\n" + other.split_once("\n\n").unwrap().1;
    let file = workspace.file("course/01-l.md", &text);
    let output = workspace.work().join("output");
    let arguments = ["verify", "--watch", "--lessons", "course", "--no-mutants", "e/redis/empty"];
    let mut command = workspace.command(&arguments);
    command.stdin(Stdio::null()).stdout(std::fs::File::create(&output).unwrap());
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let printed = || std::fs::read_to_string(&output).unwrap();
    wait_until("the named case has run", || printed().contains("1 of 1 cases"));
    // Whoever saves again has waited for the first run; the folder is watched before it.
    std::fs::write(&file, text.replacen("SET a 2", "SET a 3", 1)).unwrap();
    wait_until("the exercise has run", || printed().contains("4 of 4 cases"));
    assert!(!printed().contains("f/redis"), "{}", printed());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_folder_for_lessons_is_made() {
    let workspace = Workspace::new();
    let ended = workspace.run(&["new", "Counting visits", "--lessons", "mine"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let ended = workspace.run(&["verify", "--lessons", "mine", "--no-mutants"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!format!("{ended:?}").contains("warning"), "{ended:?}");
}

#[test]
fn a_file_without_a_number_is_warned_about() {
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", "# L\n\n```redis\nPING\n```\n");
    workspace.file("course/01-m.md", "# M\n\n```redis\nPING\n```\n");
    workspace.file("course/CONTRIBUTING.md", "# C\n\n```redis\nPING\n```\n");
    let ended = workspace.run(&["verify", "--lessons", "course"]);
    let told = "a file without a number is taken for a lesson, the last one";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
    assert!(ended.stdout.contains("`course/01-l.md` has the number 1 too"), "{}", ended.stdout);
}

#[test]
fn an_error_that_the_lesson_does_not_write_is_found() {
    let text = "# L\n\n```redis\n> INCRR pages\n> SETT a 1\n...\n```\n\n\
                ```redis\nMULTI\nSET a x\nLPUSH a y\nEXEC\n```\n\n\
                ```redis\n> SETT a 1\n(error) ...\n```\n";
    let ended = verify(text, &[]);
    assert_eq!(ended.code, 1, "{ended:?}");
    for command in ["INCRR pages", "SETT a 1", "EXEC"] {
        assert!(ended.stdout.contains(&format!("`{command}` is answered by ")), "{}", ended.stdout);
    }
    assert!(ended.stdout.contains("1 of 3 cases"), "{}", ended.stdout);
}

#[test]
fn a_field_of_the_append_only_file_may_be_missing() {
    let toml = "[[check]]\nid = \"on\"\ninfo = { aof_base_size = \">= 0\" }";
    let answers = "```redis wrong fails=on\nSET a 1\n```\n\n```redis wrong fails=stored\n\
                   CONFIG SET appendonly yes\n```\n";
    let text = lesson(toml, answers).replace(
        "SET a 1\n```\n\n```redis wrong fails=on",
        "SET a 1\nCONFIG SET appendonly yes\n```\n\n```redis wrong fails=on",
    );
    let ended = verify(&text, &["--no-mutants", "--server-version", "redis 7.0"]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn an_answer_of_any_name_is_read_where_there_is_one_language() {
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", lesson("", WRONG));
    workspace.file("answer.txt", "SET a 1\n");
    let ended = workspace.run(&["check", "e", "answer.txt", "--lessons", "course"]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn an_equivalent_may_be_a_glob() {
    let toml = "[[equivalent]]\nmutant = \"*/other-value-*\"\nbecause = \"any\"\n\
                [[equivalent]]\nmutant = \"*/no-such-*\"\nbecause = \"any\"";
    let text = lesson(toml, WRONG)
        .replace("reply = { \"GET a\" = \"1\" }", "reply = { \"EXISTS a\" = \"(integer) 1\" }")
        .replace("SET a 2", "PING");
    let ended = verify(&text, &[]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("there is no mutant like `*/no-such-*`"), "{}", ended.stderr);
    let (before, after) = text.split_once("[[equivalent]]\nmutant = \"*/no-such-*\"").unwrap();
    let after = after.split_once("because = \"any\"").unwrap().1;
    let ended = verify(&format!("{before}{after}"), &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_mutant_that_was_never_sent_says_so() {
    let answers = "```python solution\nimport redis\nclient = redis.Redis()\nclient.set('a', 1)\n\
                   if client.exists('b'):\n    client.set('c', 20)\n```\n\n\
                   ```python wrong fails=stored\npass\n```\n";
    let ended = verify(&lesson("", answers), &["e/python/solution-1/other-value-5"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stdout.contains("line 5 was not run"), "{}", ended.stdout);
}

/// An exercise in which the answer is killed as soon as `a` is there.
fn with_a_kill(wrong: &str) -> Ended {
    let meanwhile = "[[meanwhile]]\nwhen = { reply = { \"EXISTS a\" = 1 } }\nkill = \"answer\"\n";
    let starter = "```redis starter fails=stored\nPING\n```\n";
    let wrong = format!("```redis wrong fails=stored\n{wrong}\n```\n\n{starter}");
    verify(&lesson(meanwhile, &wrong), &[])
}

const NEEDLESS: &str = "no wrong answer needs this kill";

#[test]
fn a_kill_that_no_wrong_answer_needs_is_told() {
    let ended = with_a_kill("SET a 2");
    assert!(ended.stdout.contains(NEEDLESS), "{ended:?}");
    assert!(ended.stdout.contains("course/01-l.md:10"), "{ended:?}");
}

#[test]
fn a_kill_that_a_wrong_answer_needs_is_not_told() {
    let ended = with_a_kill("INCR a");
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!ended.stdout.contains(NEEDLESS), "{ended:?}");
}
