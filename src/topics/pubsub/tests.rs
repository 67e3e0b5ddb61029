use std::time::Duration;

use redis::Value;

use crate::relay::{Message, Step, StepKind};
use crate::topics::snapshots::tests::scene::{OK, Scene, scene};

const HEARD: &str = "[[check]]\nid = \"c\"\nreceived = { orders = [\"paid\"] }\n";
const CONFIRMED: &str = "*3\r\n$9\r\nsubscribe\r\n$6\r\norders\r\n:1";
const SUBSCRIBE: (&str, &str) = ("SUBSCRIBE orders", CONFIRMED);
const PUBLISH: &str = "PUBLISH orders paid";

fn published_at(scene: Scene, at: u64) -> Scene {
    let what = StepKind::Ran { line: PUBLISH.to_owned(), reply: Value::Int(0) };
    let step = Step { at: Duration::from_millis(at), what };
    scene.change(|evidence| evidence.timeline.steps.push(step))
}

fn message_at(scene: Scene, at: u64) -> Scene {
    let message = Message {
        at: Duration::from_millis(at),
        connection: 1,
        pattern: None,
        channel: b"orders".to_vec(),
        payload: b"other".to_vec(),
    };
    scene.change(|evidence| evidence.timeline.messages.push(message))
}

#[test]
fn who_subscribes_later_hears_nothing() {
    scene(HEARD, &[(PUBLISH, ":0"), SUBSCRIBE]).is("subscribed-too-late", 1);
    let sent = [("SET ready 1", OK), SUBSCRIBE];
    published_at(scene(HEARD, &sent), 50).is("subscribed-too-late", 1);
    published_at(scene(HEARD, &sent), 150).never("subscribed-too-late");
}

#[test]
fn a_second_subscription_missed_what_came_between() {
    let cut_off = scene(HEARD, &[SUBSCRIBE, SUBSCRIBE]);
    let cut_off = cut_off.exchange(1, |exchange| exchange.connection = 2);
    let cut_off = published_at(published_at(message_at(cut_off, 20), 10), 50);
    cut_off.is("subscribed-again", 1);
    let goes_on = scene(HEARD, &[SUBSCRIBE, SUBSCRIBE]);
    let goes_on = goes_on.exchange(1, |exchange| exchange.connection = 2);
    published_at(published_at(message_at(goes_on, 250), 10), 50).never("subscribed-again");
}

#[test]
fn a_program_that_is_still_subscribed_does_not_end() {
    scene(HEARD, &[SUBSCRIBE]).timed_out().is("still-subscribed", 0);
    let ended = ("UNSUBSCRIBE orders", CONFIRMED);
    scene(HEARD, &[SUBSCRIBE, ended]).timed_out().never("still-subscribed");
}

#[test]
fn events_must_be_switched_on() {
    let events = ("SUBSCRIBE __keyevent@0__:expired", CONFIRMED);
    scene(HEARD, &[events]).is("events-are-off", 0);
    scene(HEARD, &[("CONFIG SET notify-keyspace-events Ex", OK), events]).never("events-are-off");
    scene(HEARD, &[events]).setting("notify-keyspace-events", "Ex").never("events-are-off");
}
