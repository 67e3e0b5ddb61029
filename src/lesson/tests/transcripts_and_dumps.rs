//! Checks on the whole run (`blocked`, `sent`), while it runs (`[[meanwhile]]`), and on what the
//! snapshot file alone holds (`at = "restore"`).

use std::time::Duration;

use super::checks::{check, exercise};
use super::*;
use crate::lesson::Moment;
use crate::topics::wait_lines;

fn sentence(subject: &str) -> String {
    check(subject).sentence()
}

#[test]
fn a_wait_is_compared_with_a_time() {
    for (text, told) in [
        ("< 200ms", "less than 200 ms"),
        ("<=1s", "at most 1000 ms"),
        (" > 1s ", "more than 1000 ms"),
        (">= 500ms", "at least 500 ms"),
    ] {
        let check = check(&format!("blocked = \"{text}\""));
        assert_eq!(check.subject.wait_limit().unwrap().to_string(), told);
    }
}

#[test]
fn a_wait_is_compared_in_whole_milliseconds() {
    let limit = check("blocked = \"<= 200ms\"").subject.wait_limit().unwrap();
    assert!(limit.holds(Duration::from_micros(200_900)));
    assert!(!limit.holds(Duration::from_millis(201)));
}

#[test]
fn what_compares_with_no_time_is_refused() {
    for text in ["200ms", "= 200ms", "!= 1s", "< 200", "< 1m", "< 1.5s", "< s", "<", "", "< 2 s"] {
        let source = with_subject(&format!("blocked = \"{text}\""));
        assert_problem(
            &source,
            &format!(
                "14:11: `{text}` is not a comparison with a duration \
                 (write \"< 200ms\", \"<= 200ms\", \"> 1s\" or \">= 1s\")"
            ),
        );
    }
    assert_problem(
        &with_subject("blocked = \"< 0ms\""),
        "14:11: `< 0ms` cannot be the limit of a wait (it must be more than 0)",
    );
    assert_problem(
        &with_subject("blocked = 200"),
        "14:11: `blocked` must be a string such as \"< 200ms\", not an integer",
    );
}

fn sent(value: &str) -> Vec<String> {
    sentence(&format!("sent = {value}")).split("; ").map(str::to_owned).collect()
}

#[test]
fn what_is_sent_has_an_order_and_refusals() {
    assert_eq!(
        sent("{ order = [\"SET order:1001\", 'SET \"a b\"'], refused = \"SAVE\" }"),
        [
            "run with success, in this order: SET order:1001, then SET \"a b\"",
            "SAVE refused at least once"
        ]
    );
    assert_eq!(
        sent("{ refused = [\"SAVE\", \"config  set\"] }"),
        ["SAVE refused at least once", "config set refused at least once"]
    );
    assert_eq!(sent("{ order = [\"BGSAVE\"] }"), ["run with success: BGSAVE"]);
}

#[test]
fn what_is_sent_needs_one_entry_at_least() {
    assert_problem(&with_subject("sent = {}"), "14:8: `sent` is empty");
    assert_problem(&with_subject("sent = { order = [] }"), "14:18: `order` is empty");
    assert_problem(&with_subject("sent = { refused = [] }"), "14:20: `refused` is empty");
    assert_told(&with_subject("sent = \"SAVE\""), "14:8: `sent` must be a table such as `{ order");
    assert_told(
        &with_subject("sent = { order = \"SAVE\" }"),
        "14:18: `order` must be an array of commands, not a string",
    );
    assert_told(
        &with_subject("sent = { order = [\"SAVE\", 1] }"),
        "14:27: `order` must be an array of strings, not an integer",
    );
}

#[test]
fn an_unknown_part_of_what_is_sent_gets_a_suggestion() {
    assert_problem(
        &with_subject("sent = { ordre = [\"SAVE\"] }"),
        "14:10: unknown key `ordre` in `sent` (did you mean `order`?)",
    );
}

#[test]
fn what_is_sent_must_be_the_beginning_of_a_command() {
    for nothing in ["\"\"", "\"  \"", "'\"\"'"] {
        assert_problem(
            &with_subject(&format!("sent = {{ order = [\"SET\", {nothing}] }}")),
            "14:26: this names no command (write the beginning of a line: \"SET order:1001\")",
        );
    }
    assert_problem(
        &with_subject("sent = { refused = \"SET 'a\" }"),
        "14:20: redis-cli refuses this line: the quote is never closed",
    );
    let line = wait_lines()[0];
    assert_problem(
        &with_subject(&format!("sent = {{ order = [\"BGSAVE\", \"{line}\"] }}")),
        &format!(
            "14:29: `{line}` is for the runner and never sent \
             (name commands that the answer sends; to check the server while the answer \
             runs, use `[[meanwhile]]`)"
        ),
    );
}

#[test]
fn what_is_about_the_whole_run_has_no_moment() {
    for subject in ["blocked = \"< 1s\"", "sent = { refused = \"SAVE\" }"] {
        for at in ["exit", "settled", "crash", "restore"] {
            assert_problem(
                &with_subject(&format!("{subject}\nat = \"{at}\"")),
                "15:6: this covers the whole run of the answer, not one moment (remove `at`)",
            );
        }
    }
}

#[test]
fn what_is_about_the_whole_run_asks_for_no_look_at_exit() {
    for subject in ["blocked = \"< 1s\"", "sent = { refused = \"SAVE\" }"] {
        assert!(!exercise(&with_subject(subject)).looks_at_exit(), "{subject}");
    }
    assert!(exercise(&with_subject("reply = { PING = \"PONG\" }\nat = \"exit\"")).looks_at_exit());
}

#[test]
fn only_a_check_on_waits_watches_clients() {
    assert!(exercise(&with_subject("blocked = \"< 1s\"")).watches_clients());
    assert!(!exercise(EXERCISE).watches_clients());
}

fn depends_on_time(subject: &str) -> bool {
    exercise(&with_subject(subject)).depends_on_time()
}

#[test]
fn some_checks_depend_on_when_the_server_is_looked_at_or_how_long_something_takes() {
    for subject in [
        "calls = { set = 1 }",
        "reply = { \"GET a\" = \"1\" }",
        "sent = { order = [\"SAVE\", \"BGSAVE\"] }",
    ] {
        assert!(!depends_on_time(subject), "{subject}");
    }
    for subject in [
        "reply = { \"GET a\" = \"1\" }\nat = \"exit\"",
        "calls = { get = \"< 9\" }",
        "reply = { \"TTL a\" = \"(integer) 1\" }",
        "info = { uptime_in_seconds = 1 }",
        "blocked = \"< 1s\"",
        "reply = { \"GET a\" = \"1\" }\nat = \"ended\"\n\n\
         [[meanwhile]]\nid = \"ended\"\nwhen = \"@toy-ended\"",
    ] {
        assert!(depends_on_time(subject), "{subject}");
    }
}

#[test]
fn a_check_at_restore_needs_the_dump() {
    let subject = "reply = { \"GET a\" = \"1\" }\nat = \"restore\"";
    assert!(exercise(&with_subject(subject)).needs_the_dump());
    assert!(!exercise(EXERCISE).needs_the_dump());
}

#[test]
fn a_dump_is_also_restored_after_a_crash_at_exit() {
    let source = with_subject("reply = { \"GET a\" = \"1\" }\nat = \"restore\"").replacen(
        "[[check]]",
        "crash = \"exit\"\n[[check]]",
        1,
    );
    assert_eq!(exercise(&source).checks[0].at, Moment::Restore);
}

#[test]
fn what_the_second_server_has_of_its_own_is_not_asked_of_it() {
    for subject in ["calls = { save = 1 }", "info = { total_forks = \"+1\" }"] {
        let source = with_subject(&format!("{subject}\nat = \"restore\""));
        assert_told(&source, "15:6: a second server loads the snapshot: its counters and LASTSAVE");
    }
    let source = with_subject("config = { save = \"\" }\nat = \"restore\"");
    assert_told(&source, "15:6: a second server loads the snapshot: its settings are its own");
    let source = with_subject("exit = 0\nat = \"restore\"");
    assert_told(&source, "15:6: a program has no `restore`: it is checked when it exits");
}

#[test]
fn a_field_that_is_compared_with_nothing_may_be_asked_of_the_second_server() {
    assert_eq!(
        sentence("info = { db0 = \"keys=1,expires=0,avg_ttl=0\" }\nat = \"restore\""),
        "INFO db0: keys=1,expires=0,avg_ttl=0, when the snapshot file alone is loaded"
    );
}

#[test]
fn each_subject_has_a_sentence_of_its_own() {
    assert_eq!(
        sentence("blocked = \"< 200ms\""),
        "the longest wait of another client: less than 200 ms"
    );
    assert_eq!(
        sentence("sent = { order = [\"SET a\", \"SAVE\"], refused = \"BGSAVE\" }"),
        "run with success, in this order: SET a, then SAVE; BGSAVE refused at least once"
    );
}

#[test]
fn ping_is_not_counted_where_a_client_of_ours_sends_it() {
    let source =
        with_subject("blocked = \"< 200ms\"\n\n[[check]]\nid = \"pinged\"\ncalls = { ping = 1 }");
    let told = told(&source);
    assert!(told.iter().any(|problem| problem.contains("PING can't be counted")), "{told:#?}");
    let alone = with_subject("calls = { ping = 1 }");
    assert!(!super::told(&alone).iter().any(|problem| problem.contains("PING can't be counted")));
}

fn with_meanwhile(meanwhile: &str) -> String {
    with_subject(&format!("exit = 0\n\n[[meanwhile]]\n{meanwhile}"))
}

#[test]
fn what_is_wrong_with_a_meanwhile_is_told() {
    let message = "unknown trigger `@toy-end`";
    assert_says(&with_meanwhile("id = \"a\"\nwhen = \"@toy-end\""), message);
    assert_says(&with_meanwhile("when = \"@toy-ended\""), "the meanwhile does nothing");
    let id = with_meanwhile("id = \"exit\"\nwhen = \"@toy-ended\"");
    assert_says(&id, "`exit` cannot be the id of a meanwhile");
    let twice = "id = \"a\"\nwhen = \"@toy-ended\"\n\n\
        [[meanwhile]]\nid = \"a\"\nwhen = \"@toy-ended\"";
    assert_says(&with_meanwhile(twice), "a second `[[meanwhile]]` with the id `a`");
    let unknown = with_meanwhile("id = \"a\"\nwhen = \"@toy-ended\"\nrum = [\"PING\"]");
    assert_says(&unknown, "unknown key `rum` in a meanwhile");
}

/// A check that looks at the server when work in the background has ended.
fn at_the_end_of_work(subject: &str) -> String {
    with_subject(&format!(
        "{subject}\nat = \"ended\"\n\n[[meanwhile]]\nid = \"ended\"\nwhen = \"@toy-ended\""
    ))
}

#[test]
fn while_an_answer_runs_only_replies_are_checked() {
    for subject in ["info = { hz = 10 }", "config = { save = \"\" }", "calls = { save = 1 }"] {
        assert_says(
            &at_the_end_of_work(subject),
            "while an answer runs, only a `reply` can be checked",
        );
    }
    let reply = "reply = { \"EXISTS a\" = \"1\" }";
    assert!(
        !told(&at_the_end_of_work(reply)).iter().any(|told| told.contains("while an answer runs"))
    );
    let killed = at_the_end_of_work(reply).replacen("[[check]]", "crash = \"exit\"\n[[check]]", 1);
    assert_says(&killed, "the server may be killed before that happens");
}

#[test]
fn what_is_asked_meanwhile_is_not_counted() {
    for (command, is_asked) in [("exists", true), ("info", true), ("get", false)] {
        let source = with_subject(&format!(
            "reply = {{ \"EXISTS a\" = \"1\" }}\nat = \"ended\"\n\n[[check]]\nid = \"b\"\n\
             calls = {{ {command} = 1 }}\n\n[[meanwhile]]\nid = \"ended\"\nwhen = \"@toy-ended\""
        ));
        let message = format!("{} can't be counted", command.to_uppercase());
        assert_eq!(told(&source).iter().any(|told| told.contains(&message)), is_asked, "{command}");
    }
}

#[test]
fn calls_of_several_commands_are_added_up() {
    let sentence = sentence("calls = { \"set+mset\" = \">= 1\" }");
    assert_eq!(sentence, "successful calls of SET or MSET: at least 1");
    assert_says(&with_subject("calls = { \"set+\" = 1 }"), "`` is not a command");
}

#[test]
fn waits_are_not_measured_where_the_server_is_killed_at_once() {
    let source = with_subject("blocked = \"< 200ms\"").replacen(
        "[[check]]",
        "crash = \"exit\"\n[[check]]",
        1,
    );
    let told = told(&source);
    assert!(
        told.iter().any(|problem| problem.contains("can't be measured to the end")),
        "{told:#?}"
    );
}
