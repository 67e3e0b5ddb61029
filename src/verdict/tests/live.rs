//! Judging the checks while the student is still at work.

use std::time::Duration;

use super::{SET, STDOUT, STORED, after_a_command, evidence, exercise};
use crate::attempt::LiveLook;
use crate::attempt::evidence::{Evidence, Wait, Waits};
use crate::relay::Message;
use crate::verdict::{LiveVerdict, Tick, judge_live};

const SURVIVES: &str =
    "[[check]]\nid = \"survives\"\nat = \"crash\"\nreply = { \"GET a\" = \"1\" }\n";

/// Judges the work of a client that has sent something.
fn judged(checks: &str, evidence: Evidence, is_sure: bool) -> LiveVerdict {
    judge_live(&exercise(checks), &LiveLook { evidence: after_a_command(evidence), is_sure })
}

#[test]
fn what_is_met_ticks_and_passes_where_nothing_is_left() {
    let verdict = judged(STORED, evidence(100, SET), true);
    assert_eq!((verdict.ticks, verdict.passed), (vec![Tick::Met], true));
}

#[test]
fn what_is_not_met_yet_is_open() {
    let verdict = judged(STORED, evidence(100, ""), true);
    assert_eq!((verdict.ticks, verdict.passed), (vec![Tick::Open], false));
}

#[test]
fn a_check_after_a_crash_is_left_to_the_end_and_so_is_the_pass() {
    let verdict = judged(&format!("{STORED}\n{SURVIVES}"), evidence(100, SET), true);
    assert_eq!((verdict.ticks, verdict.passed), (vec![Tick::Met, Tick::AtTheEnd], false));
}

#[test]
fn an_exercise_whose_server_is_killed_at_the_end_is_not_passed_before() {
    let checks = format!("crash = \"exit\"\n{}", STORED.replace("calls", "at = \"exit\"\ncalls"));
    assert!(!judged(&checks, evidence(100, SET), true).passed);
}

#[test]
fn what_a_program_prints_is_not_asked_of_work_by_hand() {
    let verdict = judged(&format!("{STORED}\n{STDOUT}"), evidence(100, SET), true);
    assert_eq!((verdict.ticks, verdict.passed), (vec![Tick::Met, Tick::OfAProgram], true));
}

#[test]
fn while_work_runs_in_the_background_nothing_is_passed() {
    let verdict = judged(STORED, evidence(100, &format!("{SET}toy_runs:1\n")), true);
    assert_eq!((verdict.ticks, verdict.passed), (vec![Tick::Met], false));
}

#[test]
fn what_could_not_be_judged_at_the_end_is_not_passed_before() {
    assert!(!judged(STORED, evidence(100, SET), false).passed);
}

#[test]
fn invalid_evidence_ticks_nothing() {
    let invalid = Evidence { invalid: Some("the server is gone".to_owned()), ..evidence(100, SET) };
    let verdict = judged(STORED, invalid, true);
    assert_eq!((verdict.ticks, verdict.passed), (vec![Tick::Open], false));
    assert!(verdict.invalid.is_some());
}

#[test]
fn what_needs_a_check_at_the_end_is_left_to_the_end_too() {
    let needs = STORED.replace("calls", "needs = [\"survives\"]\ncalls");
    let verdict = judged(&format!("{SURVIVES}\n{needs}"), evidence(100, SET), true);
    assert_eq!(verdict.ticks, [Tick::AtTheEnd, Tick::AtTheEnd]);
}

/// SAVE is forbidden.
const NO_SAVE: &str = "[[check]]\nid = \"no-save\"\ncalls = { save = 0 }\n";
const SAVED: &str = "cmdstat_save:calls=1,failed_calls=0\n";

#[test]
fn what_is_forbidden_is_open_before_anything_was_done() {
    let untouched = LiveLook { evidence: evidence(100, ""), is_sure: true };
    assert_eq!(judge_live(&exercise(NO_SAVE), &untouched).ticks, [Tick::Open]);
    let verdict = judged(&format!("{STORED}\n{NO_SAVE}"), evidence(100, SET), true);
    assert_eq!(verdict.ticks, [Tick::Met, Tick::Met]);
}

#[test]
fn what_was_done_against_a_check_spoils_it_and_what_needs_it() {
    let needs = STORED.replace("calls", "needs = [\"no-save\"]\ncalls");
    let evidence = evidence(100, &format!("{SET}{SAVED}"));
    let verdict = judged(&format!("{NO_SAVE}\n{needs}"), evidence, true);
    assert_eq!(verdict.ticks, [Tick::Spoilt, Tick::NotJudged]);
}

#[test]
fn what_may_still_come_spoils_nothing() {
    let once_or_twice = NO_SAVE.replace("= 0", "= \">= 2\"");
    let evidence = evidence(100, SAVED);
    assert_eq!(judged(&once_or_twice, evidence, true).ticks, [Tick::Open]);
}

#[test]
fn a_call_that_may_be_the_checkers_own_spoils_nothing() {
    let mut evidence = evidence(100, SAVED);
    for look in evidence.looks.values_mut().flatten() {
        look.info = look.info.clone().with_unsure_calls("save", 1);
    }
    assert_eq!(judged(NO_SAVE, evidence, true).ticks, [Tick::Open]);
}

#[test]
fn invalid_evidence_spoils_nothing() {
    let evidence = evidence(100, SAVED);
    let invalid = Evidence { invalid: Some("the counters were reset".to_owned()), ..evidence };
    assert_eq!(judged(NO_SAVE, invalid, true).ticks, [Tick::Open]);
}

#[test]
fn another_client_that_had_to_wait_too_long_spoils_its_check() {
    let calm = "[[check]]\nid = \"calm\"\nblocked = \"< 200ms\"\n";
    let waited = |milliseconds| {
        let took = Duration::from_millis(milliseconds);
        let longest = Wait { at: Duration::ZERO, took };
        let waits = Some(Waits { longest, ..Waits::default() });
        judged(calm, Evidence { waits, ..evidence(100, SET) }, true).ticks
    };
    assert_eq!((waited(10), waited(300)), (vec![Tick::Met], vec![Tick::Spoilt]));
}

#[test]
fn a_message_too_many_spoils_its_check_and_one_too_few_does_not() {
    let heard = "[[check]]\nid = \"heard\"\nreceived = { orders = [\"a\", \"b\"] }\n";
    let came = |payloads: &[&str]| {
        let mut evidence = after_a_command(evidence(100, SET));
        evidence.timeline.messages = payloads.iter().map(|payload| message(payload)).collect();
        judge_live(&exercise(heard), &LiveLook { evidence, is_sure: true }).ticks
    };
    assert_eq!((came(&["a"]), came(&["b"])), (vec![Tick::Open], vec![Tick::Spoilt]));
    assert_eq!(came(&["a", "b", "c"]), [Tick::Spoilt]);
}

fn message(payload: &str) -> Message {
    Message {
        at: Duration::ZERO,
        connection: 1,
        pattern: None,
        channel: b"orders".to_vec(),
        payload: payload.as_bytes().to_vec(),
    }
}
