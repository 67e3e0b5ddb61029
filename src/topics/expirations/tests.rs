use std::time::Duration;

use redis::Value;

use crate::attempt::evidence::{Evidence, KeyChange, KeyState, Violation};
use crate::lesson::Moment;
use crate::relay::{Step, StepKind};
use crate::topics::snapshots::tests::scene::{OK, Scene, scene};

const ENDS: &str = "[[check]]\nid = \"c\"\nreply = { \"TTL cart\" = \"> 0\" }\n";
const LOCK: &str = "[[check]]\nid = \"c\"\nreply = { \"GET lock\" = \"worker-2\" }\n";
const REPORTS: &str = "[[check]]\nid = \"c\"\nreply = { \"LLEN reports\" = \"(integer) 0\" }\n";

/// The key `cart`, which TTL finds without an end.
fn endless(sent: &[(&str, &str)], was_there: bool, ends_in: Option<u64>) -> Scene {
    let kind = if was_there { "hash" } else { "" }.to_owned();
    let ends_in = ends_in.map(Duration::from_secs);
    let before = KeyState { kind, ends_in, ..KeyState::default() };
    let after = KeyState { kind: "hash".to_owned(), ..KeyState::default() };
    let change = KeyChange { key: "cart".to_owned(), before, after, apart: Duration::ZERO };
    scene(ENDS, sent).answers("TTL cart", ":-1").change(|evidence| evidence.keys.push(change))
}

fn step(at: u64, what: StepKind) -> impl FnOnce(&mut Evidence) {
    move |evidence| evidence.timeline.steps.push(Step { at: Duration::from_millis(at), what })
}

fn ran(line: &str) -> StepKind {
    StepKind::Ran { line: line.to_owned(), reply: Value::Okay }
}

#[test]
fn a_plain_set_takes_the_time_to_live_away() {
    endless(&[("SET cart x", OK)], true, Some(1800)).is("time-to-live-replaced", 0);
    let sent = [("SET cart a EX 1800", OK), ("SET cart b", OK)];
    endless(&sent, false, None).is("time-to-live-replaced", 1);
}

#[test]
fn a_set_that_keeps_the_time_to_live_took_nothing_away() {
    endless(&[("SET cart x KEEPTTL", OK)], true, Some(1800)).never("time-to-live-replaced");
    endless(&[("SET cart x", OK)], true, None).never("time-to-live-replaced");
    let sent = [("SET cart x", OK), ("SET cart y", OK)];
    endless(&sent, false, None).never("time-to-live-replaced");
}

#[test]
fn what_was_done_to_a_key_unseen_explains_nothing() {
    let sent = [("SET cart x", OK), ("EVAL script 0", OK)];
    endless(&sent, true, Some(1800)).has_no_cause();
    endless(&[("SET cart x", OK)], true, Some(1800))
        .change(step(500, ran("SET cart z")))
        .has_no_cause();
}

#[test]
fn incr_alone_gives_no_end() {
    endless(&[("INCR cart", ":1")], false, None).is("never-given-an-end", 0);
    let sent = [("INCR cart", ":1"), ("EXPIRE other 60", ":1")];
    endless(&sent, false, None).is("never-given-an-end", 0);
}

#[test]
fn an_end_that_comes_with_the_next_command_comes_late() {
    let sent = [("SET cart x", OK), ("EXPIRE cart 60", ":1")];
    let always = ENDS.replace("reply", "at = \"always\"\nreply");
    let violated = |sent: &[(&str, &str)]| {
        let mut scene = endless(sent, false, None).checks(&always);
        scene = scene.change(|evidence| {
            let seen = evidence.at_mut(Moment::Settled).clone();
            let at = Duration::from_millis(1);
            let how = "after `SET cart x`".to_owned();
            evidence.violations.insert(0, Violation { at, how, seen });
        });
        scene
    };
    violated(&sent).is("given-an-end-later", 0);
    violated(&sent[..1]).is("never-given-an-end", 0);
}

#[test]
fn a_kill_between_incr_and_expire_leaves_a_key_without_an_end() {
    let sent = [("INCR cart", ":1"), ("INCR cart", ":2")];
    endless(&sent, false, None)
        .change(step(50, StepKind::KilledAnswer))
        .is("killed-before-expire", 0);
    endless(&[("PING", "+PONG"), ("INCR cart", ":1")], false, None)
        .change(step(50, StepKind::KilledAnswer))
        .never("killed-before-expire");
}

#[test]
fn a_key_that_had_ended_is_made_anew_without_an_end() {
    let passed = || step(150, StepKind::Passed(Duration::from_secs(61)));
    let sent = [("INCR cart", ":1"), ("EXPIRE cart 60", ":1"), ("INCR cart", ":1")];
    endless(&sent, false, None).change(passed()).is("made-anew-without-an-end", 2);
    let keeps = [("PING", "+PONG"), ("PING", "+PONG"), ("SET cart x KEEPTTL", OK)];
    endless(&keeps, true, Some(60)).change(passed()).is("made-anew-without-an-end", 2);
    let given_again = [sent[0], sent[1], sent[2], ("EXPIRE cart 60", ":1")];
    endless(&given_again, false, None).change(passed()).never("made-anew-without-an-end");
}

#[test]
fn del_takes_away_the_lock_that_another_client_has_set() {
    let sent = [("SET lock worker-1 NX EX 30", OK), ("PING", "+PONG"), ("DEL lock", ":1")];
    scene(LOCK, &sent)
        .answers("GET lock", "nil")
        .change(step(120, ran("SET lock worker-2 NX EX 30")))
        .is("lock-of-another-deleted", 2);
}

#[test]
fn del_of_ones_own_lock_is_no_mistake() {
    let sent = [("SET lock worker-1 NX EX 30", OK), ("DEL lock", ":1")];
    scene(LOCK, &sent).answers("GET lock", "nil").never("lock-of-another-deleted");
    scene(LOCK, &sent)
        .answers("GET lock", "nil")
        .change(step(500, ran("SET lock worker-2 NX EX 30")))
        .never("lock-of-another-deleted");
}

#[test]
fn a_lock_that_was_refused_is_no_reason_to_go_on() {
    let sent = [("SET lock worker-1 NX EX 30", "nil"), ("RPUSH reports r", ":1")];
    scene(REPORTS, &sent).answers("LLEN reports", ":1").is("went-on-without-the-lock", 0);
    let taken = [("SET lock worker-1 NX EX 30", OK), ("RPUSH reports r", ":1")];
    scene(REPORTS, &taken).answers("LLEN reports", ":1").never("went-on-without-the-lock");
    let only_if_new = [("SETNX lock worker-1", ":0"), ("SETNX reports 1", ":1")];
    scene(REPORTS, &only_if_new).answers("LLEN reports", ":1").never("went-on-without-the-lock");
}
