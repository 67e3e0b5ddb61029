use std::time::Duration;

use redis::Value;

use super::*;
use crate::redis_cli::words;
use crate::relay::Timeline;
use crate::relay::timeline::{CommandOutcome, Exchange, Reply};

const ORDER: &str =
    "[[check]]\nid = \"order\"\nsent = { order = [\"SET order:1001\", \"BGSAVE\"] }\n";
const REFUSED: &str = "[[check]]\nid = \"refused\"\nsent = { refused = \"SAVE\" }\n";

fn exchange(line: &str, outcome: CommandOutcome) -> Exchange {
    let value = match outcome {
        CommandOutcome::Refused => busy(),
        _ => Value::Okay,
    };
    let reply = Some(Reply { value, took: Duration::ZERO });
    let reply = reply.filter(|_| outcome != CommandOutcome::Unknown);
    let words = words::split(line).unwrap();
    Exchange { at: Duration::ZERO, connection: 1, words, reply, outcome }
}

fn busy() -> Value {
    redis::parse_redis_value(b"-ERR Background save already in progress\r\n").unwrap()
}

/// Evidence of an answer that sent these lines with these outcomes.
fn sent(lines: &[(&str, CommandOutcome)]) -> Evidence {
    let exchanges = lines.iter().map(|(line, outcome)| exchange(line, *outcome)).collect();
    let timeline = Timeline { exchanges, ..Timeline::default() };
    Evidence { timeline, ..evidence(100, "") }
}

pub(super) fn done(lines: &[&str]) -> Evidence {
    sent(&lines.iter().map(|line| (*line, CommandOutcome::Done)).collect::<Vec<_>>())
}

pub(super) fn found(checks: &str, evidence: &Evidence) -> (bool, String) {
    let verdict = judge(&exercise(checks), evidence);
    (verdict.passed(), verdict.findings[0].found.clone())
}

pub(super) fn met(text: &str) -> (bool, String) {
    (true, text.to_owned())
}

pub(super) fn not(text: &str) -> (bool, String) {
    (false, text.to_owned())
}

#[test]
fn commands_in_order_may_have_others_between_them() {
    let evidence = done(&["PING", "SET order:1001 paid", "INFO", "Bgsave", "INFO"]);
    assert_eq!(found(ORDER, &evidence), met("SET order:1001, then BGSAVE"));
}

#[test]
fn what_came_instead_is_shown() {
    let evidence = done(&["SET order:1001 paid", "SAVE"]);
    assert_eq!(
        found(ORDER, &evidence),
        not("SET order:1001, then SAVE; no BGSAVE after SET order:1001")
    );
}

#[test]
fn a_command_is_shown_as_far_as_the_check_names_it() {
    let checks = "[[check]]\nid = \"told\"\nsent = { order = [\"PUBLISH ops full\"] }\n";
    let evidence = done(&["PUBLISH ops Full"]);
    assert_eq!(found(checks, &evidence), not("PUBLISH ops Full; no PUBLISH ops full"));
}

#[test]
fn the_other_order_is_shown() {
    let evidence = done(&["BGSAVE", "SET order:1001 paid"]);
    assert_eq!(
        found(ORDER, &evidence),
        not("BGSAVE, then SET order:1001; no BGSAVE after SET order:1001")
    );
}

#[test]
fn a_refused_command_is_not_in_order_and_its_error_is_shown() {
    let evidence =
        sent(&[("SET order:1001 paid", CommandOutcome::Done), ("BGSAVE", CommandOutcome::Refused)]);
    assert_eq!(
        found(ORDER, &evidence),
        not("SET order:1001; BGSAVE was refused: ERR Background save already in progress")
    );
}

#[test]
fn a_command_that_was_never_run_is_not_in_order() {
    let evidence =
        sent(&[("SET order:1001 paid", CommandOutcome::Done), ("BGSAVE", CommandOutcome::NotRun)]);
    assert_eq!(
        found(ORDER, &evidence),
        not("SET order:1001; BGSAVE was queued by MULTI and never run")
    );
}

#[test]
fn a_command_without_a_known_end_decides_nothing() {
    let evidence =
        sent(&[("SET order:1001 paid", CommandOutcome::Done), ("BGSAVE", CommandOutcome::Unknown)]);
    assert!(conclude(&exercise(ORDER), &evidence).is_err());
}

#[test]
fn an_answer_that_sent_nothing_runs_nothing() {
    assert_eq!(found(ORDER, &done(&[])), not("nothing was run with success; no SET order:1001"));
}

#[test]
fn what_a_library_sends_on_its_own_is_not_shown() {
    let evidence = done(&["HELLO 3", "CLIENT SETINFO LIB-NAME redis-py", "SET b 1"]);
    assert_eq!(found(ORDER, &evidence), not("SET b; no SET order:1001"));
}

#[test]
fn repetitions_are_shown_once_and_a_long_list_is_cut() {
    let polled = done(&["SET order:1001 paid", "LASTSAVE", "LASTSAVE", "LASTSAVE"]);
    assert_eq!(
        found(ORDER, &polled),
        not("SET order:1001, then LASTSAVE; no BGSAVE after SET order:1001")
    );
    let long = done(&["GET a", "GET b", "GET c", "GET d", "GET e", "GET f", "GET g", "GET h"]);
    assert_eq!(
        found(ORDER, &long),
        not("GET a, then GET b, then GET c, then …, then GET f, then GET g, then GET h; \
             no SET order:1001")
    );
}

#[test]
fn a_refusal_is_shown_with_its_error() {
    let evidence = sent(&[("BGSAVE", CommandOutcome::Done), ("save", CommandOutcome::Refused)]);
    assert_eq!(
        found(REFUSED, &evidence),
        met("SAVE was refused: ERR Background save already in progress")
    );
}

#[test]
fn what_succeeded_was_not_refused() {
    assert_eq!(found(REFUSED, &done(&["SAVE"])), not("SAVE was sent once and succeeded"));
    assert_eq!(
        found(REFUSED, &done(&["SAVE", "SAVE"])),
        not("SAVE was sent 2 times and never refused")
    );
    assert_eq!(found(REFUSED, &done(&["BGSAVE"])), not("SAVE was never sent"));
}

#[test]
fn a_refusal_counts_though_it_was_not_kept() {
    let mut evidence = done(&["PING"]);
    evidence.timeline.left_out = 5;
    evidence.timeline.refusals = vec![("SAVE".to_owned(), 1)];
    assert_eq!(found(REFUSED, &evidence), met("SAVE was refused"));
}

#[test]
fn order_and_refusals_of_one_check_must_all_be_shown() {
    let checks = "[[check]]\nid = \"both\"\n\
                  sent = { order = [\"BGSAVE\"], refused = [\"SAVE\", \"BGSAVE\"] }\n";
    let evidence = sent(&[
        ("BGSAVE", CommandOutcome::Done),
        ("SAVE", CommandOutcome::Refused),
        ("BGSAVE", CommandOutcome::Refused),
    ]);
    assert!(unmet(checks, &evidence).is_empty());
    assert_eq!(
        found(checks, &done(&["BGSAVE"])).1,
        "SAVE was never sent, BGSAVE was sent once and succeeded"
    );
}

#[test]
fn what_was_not_kept_decides_nothing() {
    let mut evidence = done(&["SET order:1001 paid"]);
    evidence.timeline.left_out = 5;
    evidence.timeline.left_out_names = ["BGSAVE".to_owned()].into();
    let verdict = judge(&exercise(ORDER), &evidence);
    assert_eq!(verdict.findings[0].outcome, Outcome::NotReached);
    assert!(!verdict.passed() && conclude(&exercise(ORDER), &evidence).is_err());
}

#[test]
fn what_is_certain_decides_though_not_all_was_kept() {
    let checks = "[[check]]\nid = \"both\"\nsent = { order = [\"BGSAVE\"], refused = \"SAVE\" }\n";
    let mut evidence = done(&["PING"]);
    evidence.timeline.left_out = 5;
    assert_eq!(unmet(checks, &evidence), ["both"]);
}

/// A server that counts only `config`, as Redis 6.2 does.
fn old(config: i64, lines: &[&str]) -> Evidence {
    let mut evidence = done(lines);
    let version = "redis_version:6.2.16";
    evidence.before = ServerInfo::of(100, version);
    let stats = format!("{version}\r\ncmdstat_config:calls={config},usec=1,failed_calls=0");
    evidence.at_mut(Moment::Exit).info = ServerInfo::of(100, &stats);
    evidence.at_mut(Moment::Settled).info = ServerInfo::of(100, &stats);
    evidence
}

#[test]
fn a_server_that_does_not_count_subcommands_is_helped_by_what_was_sent() {
    let never = exercise("[[check]]\nid = \"c\"\ncalls = { \"config|set\" = 0 }\n");
    let (get, set) = ("CONFIG GET save", "config set hz 10");
    assert!(judge(&never, &old(1, &[get])).passed());
    assert_eq!(judge(&never, &old(2, &[get, set])).unmet(), ["c"]);
    // A call that nobody saw may have been of either.
    assert!(conclude(&never, &old(2, &[get])).is_err());
    assert_eq!(judge(&never, &old(3, &[get, set])).unmet(), ["c"]);
    let once = exercise("[[check]]\nid = \"c\"\ncalls = { \"config|set\" = 1 }\n");
    assert!(judge(&once, &old(2, &[get, set])).passed());
}
