//! What commands were answered, and which messages came.

use std::time::Duration;

use redis::Value;

use super::sent::{found, met, not};
use super::*;
use crate::redis_cli::words;
use crate::relay::Timeline;
use crate::relay::timeline::{CommandOutcome, Exchange, Message, Reply};

/// The commands with their replies, in RESP.
fn answered(exchanges: &[(&str, &str)]) -> Evidence {
    let exchanges = exchanges.iter().map(|(line, reply)| exchange(line, reply)).collect();
    Evidence { timeline: Timeline { exchanges, ..Timeline::default() }, ..evidence(100, "") }
}

fn exchange(line: &str, reply: &str) -> Exchange {
    let value = redis::parse_redis_value(format!("{reply}\r\n").as_bytes()).ok();
    let outcome = match &value {
        None => CommandOutcome::Unknown,
        Some(Value::ServerError(_)) => CommandOutcome::Refused,
        Some(_) => CommandOutcome::Done,
    };
    let reply = value.map(|value| Reply { value, took: Duration::ZERO });
    let words = words::split(line).unwrap();
    Exchange { at: Duration::ZERO, connection: 1, words, reply, outcome }
}

fn check(subject: &str) -> String {
    format!("[[check]]\nid = \"c\"\n{subject}\n")
}

fn replied(exchanges: &[(&str, &str)]) -> (bool, String) {
    found(&check("replied = { \"PUBLISH orders\" = \">= 1\" }"), &answered(exchanges))
}

#[test]
fn the_last_such_command_counts() {
    let (none, one) = (("publish orders a", ":0"), ("PUBLISH orders b", ":1"));
    let other = ("PUBLISH news b", ":0");
    assert_eq!(replied(&[none, one, other]), met("PUBLISH orders → (integer) 1"));
    assert_eq!(replied(&[one, none, other]), not("PUBLISH orders → (integer) 0"));
    assert_eq!(replied(&[other]), not("PUBLISH orders was never run"));
    let refused = ("PUBLISH orders", "-ERR wrong number of arguments");
    assert!(!replied(&[one, refused]).0);
}

#[test]
fn a_command_in_a_transaction_was_answered_by_its_part_of_execs_reply() {
    let transaction = |exec| {
        let queued = "+QUEUED";
        [("MULTI", "+OK"), ("SET a 1", queued), ("PUBLISH orders a", queued), ("EXEC", exec)]
    };
    let text = "PUBLISH orders → (integer) 2";
    assert_eq!(replied(&transaction("*2\r\n+OK\r\n:2")), met(text));
    let mut discarded = transaction("+OK");
    discarded[3].0 = "DISCARD";
    let mut evidence = answered(&discarded);
    evidence.timeline.exchanges[2].outcome = CommandOutcome::NotRun;
    let subject = check("replied = { \"PUBLISH orders\" = \">= 1\" }");
    assert_eq!(found(&subject, &evidence), not("PUBLISH orders was never run"));
}

#[test]
fn a_reply_that_was_not_kept_leaves_it_open() {
    let subject = check("replied = { \"PUBLISH orders\" = \"1\" }");
    let open = |evidence: &Evidence| conclude(&exercise(&subject), evidence).is_err();
    assert!(open(&answered(&[("PUBLISH orders a", ":1"), ("PUBLISH orders a", "")])));
    assert!(!open(&answered(&[("PUBLISH orders a", ""), ("PUBLISH orders a", ":1")])));
    let cut = format!("${}\r\na… (9 more bytes)", "a… (9 more bytes)".len());
    assert!(open(&answered(&[("PUBLISH orders a", &cut)])));
    let mut lost = answered(&[("PUBLISH orders a", ":1"), ("PING", "+PONG")]);
    lost.timeline.left_out_names.insert("PUBLISH".to_owned());
    lost.timeline.complete_from = 1;
    assert!(open(&lost));
    lost.timeline.complete_from = 0;
    assert!(!open(&lost));
    lost.timeline.is_incomplete = true;
    assert!(open(&lost));
}

#[test]
fn the_server_may_be_compared_with_what_was_replied() {
    let subject = check("reply = { \"GET heard\" = { replied = \"PUBLISH orders\" } }");
    let holding = |value: &str, exchanges: &[(&str, &str)]| {
        let mut evidence = answered(exchanges);
        let printed = Printed { terminal: format!("\"{value}\""), bare: Some(value.to_owned()) };
        evidence.at_mut(Moment::Settled).replies.insert("GET heard".to_owned(), printed);
        evidence
    };
    let two = ("PUBLISH orders a", ":2");
    assert!(judge(&exercise(&subject), &holding("2", &[two])).passed());
    assert!(!judge(&exercise(&subject), &holding("3", &[two])).passed());
    assert!(!judge(&exercise(&subject), &holding("2", &[])).passed());
    assert!(conclude(&exercise(&subject), &holding("2", &[("PUBLISH orders a", "")])).is_err());
}

#[test]
fn a_command_of_an_order_may_have_its_reply() {
    let subject = "sent = { order = [\"XADD s\", { command = \"XACK s\", reply = 1 }] }";
    let ordered = |exchanges: &[(&str, &str)]| found(&check(subject), &answered(exchanges));
    let (added, none, one) = (("XADD s * a 1", "+1-0"), ("XACK s g 1", ":0"), ("XACK s g 2", ":1"));
    assert_eq!(ordered(&[added, none, one]), met("XADD s, then XACK s (answered 1)"));
    let missing = "XADD s, then XACK s; XACK s was answered (integer) 0";
    assert_eq!(ordered(&[added, none]), not(missing));
    let open = answered(&[added, ("XACK s g 2", "")]);
    assert!(conclude(&exercise(&check(subject)), &open).is_err());
}

fn message(connection: u32, channel: &str, payload: &str) -> Message {
    let (channel, payload) = (channel.into(), payload.into());
    Message { at: Duration::ZERO, connection, pattern: None, channel, payload }
}

fn heard(messages: &[(&str, &str)]) -> Evidence {
    let mut evidence = answered(&[]);
    let messages = messages.iter().map(|(channel, payload)| message(1, channel, payload));
    evidence.timeline.messages = messages.collect();
    evidence
}

const RECEIVED: &str = "received = { orders = [\"order:1 paid\", \"order:2...\"] }";

#[test]
fn these_messages_must_come_and_no_others() {
    let (one, two) = (("orders", "order:1 paid"), ("orders", "order:2 sent"));
    let judged = |messages: &[(&str, &str)]| found(&check(RECEIVED), &heard(messages));
    let text = "on orders: order:1 paid, then order:2 sent";
    assert_eq!(judged(&[one, ("news", "x"), two]), met(text));
    assert_eq!(judged(&[]), not("on orders: nothing"));
    assert_eq!(judged(&[one]), not("on orders: order:1 paid"));
    assert!(!judged(&[two, one]).0 && !judged(&[one, two, two]).0 && !judged(&[one, one, two]).0);
    let none = check("received = { orders = [] }");
    assert!(found(&none, &heard(&[("news", "x")])).0 && !found(&none, &heard(&[one])).0);
}

#[test]
fn messages_that_were_not_kept_leave_it_open_unless_others_are_wrong() {
    let (one, two) = (("orders", "order:1 paid"), ("orders", "order:2 sent"));
    let is_open = |messages: &[(&str, &str)], left_out: u64, is_incomplete: bool| {
        let mut evidence = heard(messages);
        evidence.timeline.messages_left_out = left_out;
        evidence.timeline.is_incomplete = is_incomplete;
        conclude(&exercise(&check(RECEIVED)), &evidence).is_err()
    };
    assert!(is_open(&[one], 1, false) && is_open(&[one, two], 1, false));
    assert!(!is_open(&[two], 1, false) && is_open(&[two], 1, true));
    assert!(is_open(&[one, ("orders", "order:2… (9 more bytes)")], 0, false));
}
