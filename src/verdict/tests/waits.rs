use std::time::Duration;

use super::*;
use crate::attempt::evidence::{Wait, Waits};

const BLOCKED: &str = "[[check]]\nid = \"free\"\nblocked = \"< 200ms\"\n";

fn wait(at: u64, took: u64) -> Wait {
    Wait { at: Duration::from_millis(at), took: Duration::from_millis(took) }
}

fn waited(slow: Vec<Wait>) -> Evidence {
    let quick = Wait { at: Duration::ZERO, took: Duration::from_micros(90) };
    let longest = slow.iter().copied().max_by_key(|wait| wait.took).unwrap_or(quick);
    let waits = Waits { longest, pings: 100, watched: Duration::from_secs(2), slow };
    Evidence { waits: Some(waits), ..evidence(100, "") }
}

fn found(evidence: &Evidence) -> (bool, String) {
    let verdict = judge(&exercise(BLOCKED), evidence);
    (verdict.passed(), verdict.findings[0].found.clone())
}

#[test]
fn the_longest_wait_decides() {
    let long = waited(vec![wait(3, 7), wait(12, 1503), wait(1600, 9)]);
    assert_eq!(found(&long), (false, "another client waited 1503 ms, from +12 ms on".to_owned()));
    let short = waited(vec![wait(0, 199)]);
    assert_eq!(found(&short), (true, "another client waited 199 ms, from the start on".to_owned()));
}

#[test]
fn a_client_that_never_waited_is_shown_too() {
    assert_eq!(found(&waited(vec![])), (true, "another client waited less than 1 ms".to_owned()));
}

#[test]
fn what_is_expected_of_a_wait_names_the_limit() {
    let verdict = judge(&exercise(BLOCKED), &waited(vec![]));
    let expected = "the longest wait of another client: less than 200 ms";
    assert_eq!(verdict.findings[0].expected, expected);
}

#[test]
fn a_wait_that_was_not_measured_is_not_short() {
    assert_eq!(unmet(BLOCKED, &evidence(100, "")), ["free"]);
}

#[test]
fn a_wait_is_asked_of_programs_too() {
    let run = program(ProgramEnd::Exited(0), "");
    assert_eq!(unmet(BLOCKED, &Evidence { run, ..waited(vec![wait(1, 900)]) }), ["free"]);
}
