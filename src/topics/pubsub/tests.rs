use std::time::Duration;

use redis::Value;

use crate::relay::{Message, Step, StepKind};
use crate::topics::snapshots::tests::scene::{OK, Scene, scene};

const HEARD: &str = "[[check]]\nid = \"c\"\nreceived = { orders = [\"paid\"] }\n";
const CONFIRMED: &str = "*3\r\n$9\r\nsubscribe\r\n$6\r\norders\r\n:1";
const SUBSCRIBE: (&str, &str) = ("SUBSCRIBE orders", CONFIRMED);
const PUBLISH: &str = "PUBLISH orders paid";

fn message() -> Message {
    let (channel, payload) = (b"orders".to_vec(), b"paid".to_vec());
    Message { at: Duration::from_millis(50), connection: 1, pattern: None, channel, payload }
}

fn published_at(scene: Scene, at: u64) -> Scene {
    let what = StepKind::Ran { line: PUBLISH.to_owned(), reply: Value::Int(0) };
    let step = Step { at: Duration::from_millis(at), what };
    scene.change(|evidence| evidence.timeline.steps.push(step))
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
    let twice = || {
        let scene = scene(HEARD, &[SUBSCRIBE, SUBSCRIBE]);
        scene.exchange(1, |exchange| exchange.connection = 2)
    };
    let closed_at = |scene: Scene, at| {
        scene.change(|evidence| {
            evidence.timeline.cut_off.insert(1, Duration::from_millis(at));
        })
    };
    closed_at(twice(), 50).is("subscribed-again", 1);
    closed_at(twice(), 150).never("subscribed-again");
    twice().never("subscribed-again");
}

#[test]
fn a_program_that_is_still_subscribed_does_not_end() {
    let after_ten_seconds = |sent: &[(&str, &str)]| {
        let scene = scene(HEARD, sent).timed_out();
        scene.change(|evidence| {
            evidence.took = Duration::from_secs(10);
            evidence.timeline.messages.push(message());
        })
    };
    after_ten_seconds(&[SUBSCRIBE]).is("still-subscribed", 0);
    let ended = ("UNSUBSCRIBE orders", CONFIRMED);
    after_ten_seconds(&[SUBSCRIBE, ended]).never("still-subscribed");
    let is_at_work = after_ten_seconds(&[SUBSCRIBE, ("SADD packed 1", ":1")]);
    is_at_work
        .exchange(1, |exchange| exchange.at = Duration::from_secs(9))
        .never("still-subscribed");
    after_ten_seconds(&[SUBSCRIBE])
        .change(|evidence| evidence.timeline.messages.clear())
        .never("still-subscribed");
    // The moment of a `[[meanwhile]]` that did not come may be waiting for the answer.
    let moment = "[[meanwhile]]\nid = \"heard\"\nwhen = \"SET heard 1\"\n";
    after_ten_seconds(&[SUBSCRIBE]).checks(&format!("{moment}{HEARD}")).never("still-subscribed");
}

#[test]
fn events_must_be_switched_on() {
    let events = ("SUBSCRIBE __keyevent@0__:expired", CONFIRMED);
    scene(HEARD, &[events]).is("events-are-off", 0);
    scene(HEARD, &[("CONFIG SET notify-keyspace-events Ex", OK), events]).never("events-are-off");
    scene(HEARD, &[events]).setting("notify-keyspace-events", "Ex").never("events-are-off");
}
