//! The subjects of checks and their values.

use super::checks::check;
use super::*;
use crate::checks::info::Info;

fn info(value: &str) -> String {
    let check = check(&format!("info = {{ total_forks = {value} }}"));
    format!("{:?}", check.of_kind::<Info>().unwrap().0[0].1)
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

fn number(relation: &str, number: &str) -> String {
    format!("Is(Numbers([Comparison {{ relation: {relation}, number: {number} }}]))")
}

#[test]
fn info_values_are_texts_numbers_comparisons_or_differences() {
    assert_eq!(info("\"ok\""), "Is(Text(\"ok\"))");
    assert_eq!(info("\"3.5\""), number("Is", "3.5"));
    assert_eq!(info("-1"), number("Is", "-1.0"));
    assert_eq!(info("1.5"), number("Is", "1.5"));
    assert_eq!(info("\">= 3\""), number("AtLeast", "3.0"));
    assert_eq!(info("\"!= 0\""), number("IsNot", "0.0"));
    assert_eq!(info("\"+1\""), "MoreBy(1.0)");
    assert_eq!(info("\"-2\""), "MoreBy(-2.0)");
    assert_eq!(info("\"-\""), "Is(Text(\"-\"))");
    assert_eq!(info("\"inf\""), "Is(Text(\"inf\"))");
    assert_eq!(info("\"7.0.15\""), "Is(Text(\"7.0.15\"))");
}

#[test]
fn an_info_value_that_begins_with_a_sign_must_be_a_comparison() {
    for value in [">= many", "+1x", "= ", "!0k", "-1.2.3"] {
        let source = with_subject(&format!("info = {{ maxmemory = \"{value}\" }}"));
        assert_told(&source, "14:22: `maxmemory` needs a number or a comparison");
    }
}

#[test]
fn a_slip_in_an_info_field_gets_a_suggestion() {
    assert_problem(
        &with_subject("info = { aof_last_write_staus = \"ok\" }"),
        "14:10: unknown INFO field `aof_last_write_staus` \
         (did you mean `aof_last_write_status`?)",
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
    assert_eq!((replies[0].0.as_str(), replies[0].1.exact()), ("GET 'a b'", Some("1")));
    assert_eq!((replies[2].0.as_str(), replies[2].1.exact()), ("GET t", Some("true")));
    assert_told(&with_subject("reply = { PING = [] }"), "14:18: `PING` must be a string, a number");
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
    assert_told(&with_subject("config = { hz = true }"), "14:17: `hz` must be a string, a number");
}

#[test]
fn stdout_is_text_or_a_regex() {
    let sentence = check("stdout = { matches = \"^a+$\" }").sentence();
    assert_eq!(sentence, "the program prints something that matches `^a+$`");
    assert_told(&with_subject("stdout = { matches = \"(\" }"), "14:22: invalid regex: ");
    assert_told(
        &with_subject("stdout = { match = \"(\" }"),
        "14:12: unknown key `match` in an expected value (did you mean `matches`?)",
    );
    assert_told(&with_subject("stdout = {}"), "14:10: `stdout` must be a string, a number");
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
