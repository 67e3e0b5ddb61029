//! The `toml exercise` block: its head, its checks and their subjects.

use std::time::Duration;

use super::*;
use crate::checks::info::{Expected, Info};
use crate::checks::values::{Comparison, Relation};
use crate::lesson::{Check, Crash, Exercise, Moment};

/// [`EXERCISE`] with these lines above its `[[check]]`.
fn with_head(lines: &str) -> String {
    with("id = \"saving\"\n", &format!("id = \"saving\"\n{lines}\n"))
}

pub(super) fn exercise(source: &str) -> Exercise {
    lesson(source).steps[1].exercise.clone().unwrap()
}

pub(super) fn check(subject: &str) -> Check {
    exercise(&with_subject(subject)).checks[0].clone()
}

fn info(value: &str) -> Expected {
    let check = check(&format!("info = {{ total_forks = {value} }}"));
    check.of_kind::<Info>().unwrap().0[0].1.clone()
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
    for text in ["10", "s", "1h", "1.5s", "-1s", "", "99999999999999s"] {
        let source = with_head(&format!("time_limit = \"{text}\""));
        assert_told(&source, &format!("11:14: `{text}` is not a duration"));
    }
    for text in ["0s", "6m", "301s"] {
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
        "12:1: a lesson cannot set `port` (remove it: the runner controls this setting)",
    );
    for name in ["enable-debug-command", "enable-module-command", "enable-protected-configs"] {
        assert_told(
            &with_head(&format!("[server]\n{name} = \"yes\"")),
            &format!("12:1: a lesson cannot set `{name}`"),
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
        &with_subject("lastsav = \"advanced\""),
        "14:1: unknown check subject `lastsav` (did you mean `lastsave`?)",
    );
    assert_problem(
        &with_subject("exit = 0\notherwis = \"a\""),
        "15:1: unknown key `otherwis` in a check (did you mean `otherwise`?)",
    );
}

#[test]
fn a_check_is_looked_at_when_all_has_settled() {
    assert_eq!(check("lastsave = \"advanced\"").at, Moment::Settled);
    assert_eq!(check("lastsave = \"advanced\"\nat = \"exit\"").at, Moment::Exit);
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
fn lastsave_advances_or_not() {
    assert_problem(
        &with_subject("lastsave = \"advancd\""),
        "14:12: `lastsave` cannot be `advancd` (did you mean `advanced`?)",
    );
    assert_told(
        &with_subject("lastsave = 1"),
        "14:12: `lastsave` must be a string, not an integer",
    );
}

#[test]
fn calls_are_counted_by_lower_case_names() {
    let check = check("calls = { SAVE = 1, set = \">= 2\", \"config|get\" = 0 }");
    assert_eq!(check.subject.counted_commands(), ["save", "set", "config|get"]);
    let [one, two, three] = ["SAVE: 1", "SET: at least 2", "CONFIG|GET: 0"]
        .map(|text| format!("successful calls of {text}"));
    assert_eq!(check.sentence(), format!("{one}, {two}, {three}"));
}

#[test]
fn calls_are_compared_with_numbers() {
    assert_told(
        &with_subject("calls = { save = \"often\" }"),
        "14:18: `save` needs a number or a comparison",
    );
    assert_told(&with_subject("calls = { save = -1 }"), "14:18: calls cannot be fewer than 0");
    assert_told(&with_subject("calls = { save = true }"), "14:18: `save` must be a number or");
    assert_told(&with_subject("calls = { \"a b\" = 1 }"), "14:11: `a b` is not a command");
    assert_told(
        &with_subject("calls = { save = 99999999999999999999 }"),
        "14:18: the number 99999999999999999999 is too large",
    );
}

#[test]
fn a_subject_must_not_be_empty() {
    for subject in ["calls", "info", "reply", "config"] {
        let told_of = format!("14:{}: `{subject}` is empty", subject.len() + 4);
        assert_problem(&with_subject(&format!("{subject} = {{}}")), &told_of);
    }
    assert_told(&with_subject("stdout = \" \""), "14:10: `stdout` is empty");
    assert_told(&with_subject("info = 1"), "14:8: `info` must be a table such as");
}

fn number(relation: Relation, number: f64) -> Expected {
    Expected::Number(Comparison { relation, number })
}

#[test]
fn info_values_are_texts_numbers_comparisons_or_differences() {
    assert_eq!(info("\"ok\""), Expected::Text("ok".to_owned()));
    assert_eq!(info("\"3.5\""), number(Relation::Is, 3.5));
    assert_eq!(info("-1"), number(Relation::Is, -1.0));
    assert_eq!(info("1.5"), number(Relation::Is, 1.5));
    assert_eq!(info("\">= 3\""), number(Relation::AtLeast, 3.0));
    assert_eq!(info("\"!= 0\""), number(Relation::IsNot, 0.0));
    assert_eq!(info("\"+1\""), Expected::MoreBy(1.0));
    assert_eq!(info("\"-2\""), Expected::MoreBy(-2.0));
    assert_eq!(info("\"-\""), Expected::Text("-".to_owned()));
    assert_eq!(info("\"inf\""), Expected::Text("inf".to_owned()));
    assert_eq!(info("\"7.0.15\""), Expected::Text("7.0.15".to_owned()));
}

#[test]
fn an_info_value_that_begins_with_a_sign_must_be_a_comparison() {
    for value in [">= many", "+1x", "= ", "!0k", "-1.2.3"] {
        let source = with_subject(&format!("info = {{ rdb_saves = \"{value}\" }}"));
        assert_told(&source, "14:22: `rdb_saves` needs a number or a comparison");
    }
}

#[test]
fn a_slip_in_an_info_field_gets_a_suggestion() {
    assert_problem(
        &with_subject("info = { rdb_last_bgsave_staus = \"ok\" }"),
        "14:10: unknown INFO field `rdb_last_bgsave_staus` \
         (did you mean `rdb_last_bgsave_status`?)",
    );
}

#[test]
fn an_info_field_that_is_like_no_other_is_warned_of() {
    let source = with_subject("info = { my_module_counter = 1 }");
    assert_told(&source, "warning: 14:10: unknown INFO field `my_module_counter`");
    assert!(read(&source).0.is_some());
}

#[test]
fn families_of_info_fields_are_known() {
    for field in ["db0", "db15", "cmdstat_set", "errorstat_ERR", "latency_percentiles_usec_get"] {
        let source = with_subject(&format!("info = {{ {field} = \"x\" }}"));
        assert!(told(&source).is_empty(), "{field}");
    }
    assert!(!told(&with_subject("info = { dbx = \"x\" }")).is_empty());
}

#[test]
fn a_reply_is_text_also_of_numbers() {
    let check = check("reply = { \"GET 'a b'\" = 1, PING = \"PONG\", \"GET t\" = true }");
    let replies = check.subject.expected_replies();
    assert_eq!(replies[0], ("GET 'a b'".to_owned(), "1".to_owned()));
    assert_eq!(replies[2], ("GET t".to_owned(), "true".to_owned()));
    assert_told(
        &with_subject("reply = { PING = 1.5 }"),
        "14:18: `PING` must be a string or an integer",
    );
}

#[test]
fn a_check_asks_only_what_has_an_end_and_changes_nothing() {
    for command in ["SUBSCRIBE a", "monitor", "psync ? -1"] {
        let source = with_subject(&format!("reply = {{ \"{command}\" = \"x\" }}"));
        assert_told(&source, "14:11: a check cannot send `");
    }
    for command in [
        "save",
        "BGSAVE",
        "FLUSHALL",
        "shutdown",
        "debug sleep 1",
        "CONFIG  set a b",
        "set a b",
        // Checks of work by hand are repeated: each INCRBY would change the value again.
        "INCRBY a 1",
        "getdel a",
        "SORT a STORE b",
        "XREADGROUP GROUP g c STREAMS s >",
        "client kill id 1",
        "EVAL 'return 1' 0",
    ] {
        let source = with_subject(&format!("reply = {{ \"{command}\" = \"x\" }}"));
        assert_told(&source, "14:11: a check cannot send `");
        let told = told(&source);
        assert!(told.iter().any(|problem| problem.contains("it would change what is")), "{told:?}");
    }
    for (command, why) in [
        ("XREAD BLOCK 0 STREAMS s 0", "it may wait for another client"),
        ("WAIT 1 0", "it may wait for another client"),
        ("NOPE a", "redislings does not know that it only reads"),
        ("SELECT 1", "redislings does not know that it only reads"),
    ] {
        let source = with_subject(&format!("reply = {{ \"{command}\" = \"x\" }}"));
        let told = told(&source);
        assert!(told.iter().any(|problem| problem.contains(why)), "{command}: {told:?}");
    }
    for command in [
        "LASTSAVE",
        "config get save",
        "get a",
        "XREAD STREAMS s 0",
        "object freq a",
        "script exists a",
    ] {
        assert!(told(&with_subject(&format!("reply = {{ \"{command}\" = \"x\" }}"))).is_empty());
    }
    assert_told(&with_subject("reply = { \"  \" = \"x\" }"), "14:11: a reply without a command");
    assert_told(
        &with_subject("reply = { 'GET \"' = \"x\" }"),
        "14:11: redis-cli refuses this line",
    );
}

#[test]
fn a_setting_is_text_or_a_number() {
    let sentence = check("config = { save = \"60 1\", hz = 10 }").sentence();
    assert_eq!(sentence, "CONFIG GET save: 60 1, CONFIG GET hz: 10");
    assert_told(
        &with_subject("config = { hz = true }"),
        "14:17: `hz` must be a string or an integer",
    );
}

#[test]
fn stdout_is_text_or_a_regex() {
    let sentence = check("stdout = { matches = \"^a+$\" }").sentence();
    assert_eq!(sentence, "the program prints something that matches `^a+$`");
    assert_told(&with_subject("stdout = { matches = \"(\" }"), "14:22: invalid regex: ");
    assert_told(
        &with_subject("stdout = { match = \"(\" }"),
        "14:12: unknown key `match` in `stdout` (did you mean `matches`?)",
    );
    assert_told(&with_subject("stdout = {}"), "14:10: `stdout` must be a string or `{ matches");
}

#[test]
fn an_exit_status_is_a_small_number() {
    assert_eq!(check("exit = 255").sentence(), "the program ends with exit status 255");
    assert_told(&with_subject("exit = 256"), "14:8: `256` is not an exit status");
    assert_told(&with_subject("exit = -1"), "14:8: `-1` is not an exit status");
    assert_told(
        &with_subject("exit = \"0\""),
        "14:8: `exit` must be an integer from 0 to 255, not a string",
    );
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
    for subject in
        ["lastsave = \"advanced\"", "calls = { save = 1 }", "info = { rdb_saves = \"+1\" }"]
    {
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
