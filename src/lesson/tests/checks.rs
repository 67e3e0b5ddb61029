//! The `toml exercise` block: its head, its checks and their subjects.

use std::time::Duration;

use super::*;
use crate::lesson::{Check, Crash, Exercise, Moment};

/// [`EXERCISE`] with these lines above its `[[check]]`.
fn with_head(lines: &str) -> String {
    with("id = \"saving\"\n", &format!("id = \"saving\"\n{lines}\n"))
}

pub(crate) fn exercise(source: &str) -> Exercise {
    lesson(source).steps[1].exercise.clone().unwrap()
}

pub(crate) fn check(subject: &str) -> Check {
    exercise(&with_subject(subject)).checks[0].clone()
}

#[test]
fn an_exercise_needs_an_id() {
    assert_problem(
        &with("id = \"saving\"\n", ""),
        "9:1: the exercise has no `id` (add `id = \"…\"` at the top of the block)",
    );
}

#[test]
fn an_id_is_lower_case_words_joined_by_hyphens() {
    for id in ["Saving", "a_b", "a--b", "-a", "a-", "a b", "é"] {
        let source = with("\"saving\"", &format!("\"{id}\""));
        assert_told(&source, &format!("10:6: `{id}` cannot be an id"));
    }
    assert_told(&with("\"saving\"", "\"\""), "10:6: `id` is empty");
    assert_told(&with("\"saving\"", "7"), "10:6: `id` must be a string, not an integer");
}

#[test]
fn an_unknown_key_gets_a_suggestion() {
    assert_problem(
        &with_head("time_limt = \"1s\""),
        "11:1: unknown key `time_limt` in an exercise (did you mean `time_limit`?)",
    );
    assert_told(
        &with_head("wording = 1"),
        "11:1: unknown key `wording` in an exercise (known keys",
    );
}

#[test]
fn a_time_limit_is_a_number_with_a_unit() {
    for (text, limit) in [("10s", 10_000), ("500ms", 500), ("2m", 120_000), ("5m", 300_000)] {
        let source = with_head(&format!("time_limit = \"{text}\""));
        assert_eq!(exercise(&source).time_limit, Duration::from_millis(limit));
    }
    assert_eq!(exercise(EXERCISE).time_limit, Duration::from_secs(10));
    for text in ["10", "s", "1d", "1.5s", "-1s", "", "99999999999999s"] {
        let source = with_head(&format!("time_limit = \"{text}\""));
        assert_told(&source, &format!("11:14: `{text}` is not a duration"));
    }
    for text in ["0s", "6m", "301s", "1h"] {
        let source = with_head(&format!("time_limit = \"{text}\""));
        assert_told(&source, &format!("11:14: `{text}` cannot be the time limit"));
    }
    assert_told(&with_head("time_limit = 10"), "11:14: `time_limit` must be a string such as");
}

#[test]
fn crash_is_a_moment() {
    assert_eq!(exercise(&with_head("crash = \"exit\"")).crash, Crash::AtExit);
    assert_eq!(exercise(&with_head("crash = \"settled\"")).crash, Crash::WhenSettled);
    assert_problem(
        &with_head("crash = \"exti\""),
        "11:9: unknown moment `exti` (did you mean `exit`?)",
    );
}

#[test]
fn server_settings_become_words_of_redis_conf() {
    let source =
        with_head("[server]\nsave = \"60 1\"\nhz = 0x10\nappendonly = true\na = false\nb = 1.5");
    let settings = exercise(&source).settings;
    let settings: Vec<String> =
        settings.iter().map(|(name, value)| format!("{name} {value}")).collect();
    assert_eq!(settings, ["save 60 1", "hz 16", "appendonly yes", "a no", "b 1.5"]);
}

#[test]
fn settings_that_are_the_runners_cannot_be_set() {
    assert_problem(
        &with_head("[server]\nPort = 1"),
        "12:1: `port` cannot be set here (remove it: the runner controls this setting)",
    );
    for name in ["enable-debug-command", "enable-module-command", "enable-protected-configs"] {
        assert_told(
            &with_head(&format!("[server]\n{name} = \"yes\"")),
            &format!("12:1: `{name}` cannot be set here"),
        );
    }
    assert_told(
        &with_head("[server]\nx = [1]"),
        "12:5: `x` must be a string, a number or a boolean",
    );
    assert_told(
        &with_head("server = 1"),
        "11:10: `server` must be a table `[server]`, not an integer",
    );
}

#[test]
fn an_exercise_needs_a_check() {
    let source = with("\n[[check]]\nid = \"saved\"\ncalls = { save = 1 }\n", "");
    assert_told(&source, "9:1: the exercise has no check");
    assert_told(
        &with("[[check]]", "[check]"),
        "12:1: `check` must be written `[[check]]`, not a table",
    );
}

#[test]
fn what_is_no_toml_is_told_once_a_line_and_hides_nothing_else() {
    let source = with_head("crash == \"exit\"\ntime_limit = \"x\"\nwhat is this\n");
    let told = told(&source);
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(told[0].starts_with("11:8: invalid TOML: "), "{told:#?}");
    assert!(told[1].starts_with("12:14: `x` is not a duration"), "{told:#?}");
    assert!(told[2].starts_with("13:"), "{told:#?}");
}

#[test]
fn an_open_quote_is_told_once() {
    let (subject, rest) = ("reply = { \"GET a\" = 'paid }", "says = \"a\"\notherwise = \"b\"\n");
    let told = told(&with_subject(&format!("{subject}\n{rest}\n[[check]]\nid = \"x\"\nexit = 0")));
    assert_eq!(told.iter().filter(|told| told.contains("invalid TOML")).count(), 1, "{told:#?}");
    let lines = "reply = { \"MGET a b\" = '1) \"paid\"\n2) (nil)\n3) (nil)' }";
    let told = super::told(&with_subject(&format!("{lines}\n{rest}")));
    assert_eq!(told.iter().filter(|told| told.contains("invalid TOML")).count(), 1, "{told:#?}");
}

#[test]
fn two_broken_lines_of_a_block_are_both_told() {
    let told = told(&with_head("crash = exit\ntime_limit = 2s\n"));
    assert_eq!(told.iter().filter(|told| told.contains("invalid TOML")).count(), 2, "{told:#?}");
}

#[test]
fn a_key_that_stands_twice_is_a_problem() {
    assert_told(&with_head("id = \"b\""), "11:1: invalid TOML: duplicate key");
}

#[test]
fn a_check_needs_an_id_of_its_own() {
    assert_told(&with("id = \"saved\"\n", ""), "12:1: the check has no `id`");
    let twice = with_subject("exit = 0\n[[check]]\nid = \"saved\"\nexit = 0");
    assert_problem(&twice, "16:6: a second check with the id `saved`");
    let reserved = with_subject("exit = 0\n[[check]]\nid = \"ends-well\"\nexit = 0");
    assert_told(&reserved, "16:6: `ends-well` cannot be the id of a check");
}

#[test]
fn a_check_has_exactly_one_subject() {
    assert_told(&with_subject(""), "13:6: the check has no subject (add one of `calls`");
    assert_problem(
        &with_subject("exit = 0\nstdout = \"a\""),
        "15:1: a check has one subject, not `exit` and `stdout` (write a `[[check]]` for each)",
    );
}

#[test]
fn an_unknown_key_of_a_check_gets_a_suggestion() {
    assert_problem(
        &with_subject("stdot = \"done\""),
        "14:1: unknown check subject `stdot` (did you mean `stdout`?)",
    );
    assert_problem(
        &with_subject("exit = 0\notherwis = \"a\""),
        "15:1: unknown key `otherwis` in a check (did you mean `otherwise`?)",
    );
}

#[test]
fn a_check_is_looked_at_when_all_has_settled() {
    assert_eq!(check("calls = { set = 1 }").at, Moment::Settled);
    assert_eq!(check("calls = { set = 1 }\nat = \"exit\"").at, Moment::Exit);
    assert_eq!(check("reply = { PING = \"PONG\" }\nat = \"crash\"").at, Moment::Crash);
    assert_told(
        &with_subject("exit = 0\nat = \"crsh\""),
        "15:6: unknown moment `crsh` (did you mean",
    );
}

#[test]
fn with_a_crash_at_exit_nothing_settles() {
    let checks = exercise(&with_head("crash = \"exit\"")).checks;
    assert_eq!(checks[0].at, Moment::Exit);
    let source = with_subject("calls = { save = 1 }\nat = \"settled\"")
        .replace("id = \"saving\"", "id = \"saving\"\ncrash = \"exit\"");
    assert_told(&source, "16:6: with `crash = \"exit\"` nothing ever settles");
}

#[test]
fn a_program_is_looked_at_as_it_exits() {
    assert_eq!(check("exit = 3").at, Moment::Exit);
    assert_eq!(check("stdout = \"a\"\nat = \"exit\"").at, Moment::Exit);
    assert_told(&with_subject("exit = 0\nat = \"settled\""), "15:6: a program has no `settled`");
}

#[test]
fn texts_for_the_student_must_not_be_empty() {
    assert_eq!(check("exit = 0\nsays = \"it ends\"").sentence(), "it ends");
    assert_told(&with_subject("exit = 0\nsays = \"\""), "15:8: `says` is empty");
    assert_told(&with_subject("exit = 0\notherwise = 1"), "15:13: `otherwise` must be a string");
}

/// Three checks; the answers of [`EXERCISE`] fail on the first only.
fn three(a: &str, b: &str, c: &str) -> Vec<String> {
    let source = with_subject(&format!(
        "exit = 0\n{a}\n[[check]]\nid = \"b-b\"\nexit = 0\n{b}\n\
         [[check]]\nid = \"c-c\"\nexit = 0\n{c}"
    ));
    told(&source).into_iter().filter(|problem| !problem.starts_with("warning")).collect()
}

#[test]
fn needs_names_other_checks() {
    assert!(three("", "needs = \"saved\"", "needs = [\"saved\", \"b-b\"]").is_empty());
    assert_eq!(
        three("", "needs = [\"saved\", \"c_c\"]", ""),
        ["19:19: unknown check `c_c` (did you mean `c-c`?)"]
    );
    assert_eq!(three("needs = \"saved\"", "", ""), ["15:9: `saved` needs itself"]);
    assert_eq!(
        three("needs = [1]", "", ""),
        ["15:10: `needs` must be a string or an array of strings, not an integer"]
    );
}

#[test]
fn checks_must_not_need_each_other_in_a_cycle() {
    assert_eq!(
        three("needs = \"c-c\"", "needs = \"saved\"", "needs = \"b-b\""),
        ["15:9: the checks need each other in a cycle: `saved` → `c-c` → `b-b` → `saved` \
             (remove one `needs`)"]
    );
    assert_eq!(three("needs = \"b-b\"", "needs = \"c-c\"", "needs = \"b-b\"").len(), 1);
}

#[test]
fn what_is_compared_with_before_is_not_looked_at_after_the_crash() {
    for subject in ["calls = { save = 1 }", "info = { total_forks = \"+1\" }"] {
        let source = with_subject(&format!("{subject}\nat = \"crash\""));
        assert_told(&source, "15:6: the crash restarts the server");
    }
}

#[test]
fn a_setting_cannot_bring_another_one_along() {
    for setting in ["\"dir \" = \"/x\"", "\"hz 10\\ndir\" = \"/x\"", "\"\" = 1"] {
        assert_told(&with_head(&format!("[server]\n{setting}")), "12:1: `");
    }
    let source = with_head("[server]\nhz = \"10 --dir /x\"");
    assert_told(&source, "12:6: a value cannot contain another option");
}

#[test]
fn a_check_may_keep_secret_what_it_expects() {
    let checks = |source: &str| lesson(source).steps[1].exercise.clone().unwrap().checks;
    assert!(!checks(EXERCISE)[0].is_secret);
    assert!(checks(&with("id = \"saved\"", "id = \"saved\"\nsecret = true"))[0].is_secret);
    let source = with("id = \"saved\"", "id = \"saved\"\nsecret = 1");
    assert_says(&source, "`secret` must be `true` or `false`");
}

#[test]
fn a_database_is_a_number_for_what_is_in_one() {
    let sentence = check("db = 3\nreply = { \"GET a\" = 1 }").sentence();
    assert_eq!(sentence, "`GET a` in database 3 answers 1");
    let sixteen = with_subject("db = 16\nreply = { PING = 1 }");
    assert_told(&sixteen, "14:6: there is no database 16");
    let text = with_subject("db = \"1\"\nreply = { PING = 1 }");
    assert_told(&text, "14:6: `db` must be the number");
    for (subject, kind) in
        [("calls = { set = 1 }", "calls"), ("dump = { holds = \"before\" }", "dump")]
    {
        let source = with_subject(&format!("db = 1\n{subject}"));
        assert_told(&source, &format!("14:1: `{kind}` is about no single database"));
    }
}
