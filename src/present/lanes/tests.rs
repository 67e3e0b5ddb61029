use std::time::Duration;

use super::axis::Stops;
use super::*;
use crate::attempt::evidence::{Wait, Waits};
use crate::present::evidence::tests::{evidence, exchange};
use crate::relay::{Exchange, Message};

fn drawn(evidence: &Evidence, width: usize) -> String {
    colored::control::set_override(false);
    picture(evidence, &Verdict { findings: Vec::new(), diagnosis: None }, width)
}

/// Another client waited at this time for so long, both in milliseconds.
fn waited(at: u64, took: u64) -> Waits {
    let (at, took) = (Duration::from_millis(at), Duration::from_millis(took));
    let wait = Wait { at, took };
    Waits { longest: wait, pings: 412, watched: Duration::from_secs(2), slow: vec![wait] }
}

fn watched(waits: Waits) -> Evidence {
    let sent = vec![exchange(1000, "GET a", "1"), exchange(1_900_000, "GET b", "2")];
    Evidence { waits: Some(waits), took: Duration::from_secs(2), ..evidence(sent) }
}

#[test]
fn a_short_wait_leaves_a_flat_line() {
    let text = drawn(&watched(waited(500, 2)), 80);
    assert!(text.contains("▁▁▁▁▁▁▁▁▁▁") && !text.contains('▃'), "{text}");
}

#[test]
fn a_long_wait_is_a_wall() {
    let text = drawn(&watched(waited(500, 1000)), 80);
    assert!(text.contains("▁▁██████████") && text.contains("██▁▁"), "{text}");
}

#[test]
fn connections_have_lanes_of_their_own() {
    let second = Exchange { connection: 2, ..exchange(900_000, "GET b", "2") };
    let sent = vec![exchange(0, "GET a", "1"), second];
    let evidence = Evidence { waits: Some(waited(1, 1)), ..watched(waited(1, 1)) };
    let mut evidence = Evidence { took: Duration::from_secs(1), ..evidence };
    evidence.timeline.exchanges = sent;
    let text = drawn(&evidence, 80);
    assert!(text.contains("your answer #1  ▌GET a") && text.contains("your answer #2  "), "{text}");
}

#[test]
fn messages_have_a_lane() {
    let mut evidence = evidence(vec![exchange(0, "SUBSCRIBE orders", "+OK")]);
    evidence.took = Duration::from_secs(1);
    evidence.timeline.messages.push(Message {
        at: Duration::from_millis(400),
        connection: 1,
        pattern: None,
        channel: b"orders".to_vec(),
        payload: b"order:1001 paid".to_vec(),
    });
    let text = drawn(&evidence, 80);
    assert!(text.contains("  messages "), "{text}");
    assert!(text.contains("▌orders: \"order:1001 paid\""), "{text}");
}

#[test]
fn no_text_of_an_answer_steers_the_terminal() {
    let mut evidence = watched(waited(1, 1));
    evidence.timeline.exchanges.push(exchange(5, r#"SET "a\x1b[2J" "b""#, "-ERR \u{1b}[31m"));
    let text = drawn(&evidence, 80);
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn more_commands_than_fit_are_counted() {
    let mut evidence = watched(waited(1, 1));
    let name = |index| if index % 2 == 0 { "GET" } else { "TTL" };
    evidence.timeline.exchanges = (0..90)
        .map(|index| exchange(index * 10, &format!("{} k:{index}", name(index)), "1"))
        .collect();
    let text = drawn(&evidence, 80);
    assert!(text.contains("more commands are not in the picture"), "{text}");
}

#[test]
fn what_happens_at_once_is_stretched_and_the_rest_is_to_scale() {
    let mut stops = Stops::default();
    let at = [0, 1, 2, 1000, 2000].map(|millis| stops.add(Duration::from_millis(millis)));
    stops.keep_apart(at[0], at[1], 10);
    stops.keep_apart(at[1], at[2], 10);
    let axis = stops.axis(61, 0).unwrap();
    assert_eq!(at.map(|stop| axis.column(stop)), [0, 10, 20, 40, 60]);
    assert_eq!(axis.column_at(Duration::from_millis(1500)), 50);
    assert_eq!(axis.moment_at(40), Duration::from_secs(1));
    assert!(axis.is_stretched(3, 4) && !axis.is_stretched(33, 34));
    assert!(stops.axis(20, 0).is_none());
}

#[test]
fn what_came_first_is_further_to_the_left() {
    let mut stops = Stops::default();
    let at = [0, 1, 1, 2, 9_000].map(|millis| stops.add(Duration::from_millis(millis)));
    stops.keep_order(at.to_vec());
    let axis = stops.axis(20, 0).unwrap();
    assert_eq!(at.map(|stop| axis.column(stop)), [0, 1, 1, 2, 19]);
}
