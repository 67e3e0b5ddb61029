use std::time::Duration;

use crate::attempt::evidence::{KeyChange, KeyState};
use crate::relay::{Step, StepKind};
use crate::topics::snapshots::tests::scene::{OK, Scene, scene};

const PENDING: &str = "[[check]]\nid = \"c\"\nreply = { \"XPENDING orders packers\" = \"\" }\n";
const MAILED: &str = "[[check]]\nid = \"c\"\nreply = { \"LLEN mailed\" = 2 }\n";
const ENTRY: &str = "*1\r\n*2\r\n$6\r\norders\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*0";

/// Something is still pending.
fn pending(sent: &[(&str, &str)]) -> Scene {
    scene(PENDING, sent).answers("XPENDING orders packers", ":1")
}

fn mailed(sent: &[(&str, &str)]) -> Scene {
    scene(MAILED, sent).answers("LLEN mailed", ":1")
}

/// The same after the program was killed at this time.
fn killed_at(scene: Scene, at: u64) -> Scene {
    scene.change(|evidence| {
        let (at, what) = (Duration::from_millis(at), StepKind::KilledAnswer);
        evidence.timeline.steps.push(Step { at, what });
    })
}

#[test]
fn xack_that_answered_0_acknowledged_nothing() {
    pending(&[("XACK orders packer 1-1", ":0")]).is("xack-acknowledged-nothing", 0);
    pending(&[("XACK orders packers 1-1", ":1"), ("XACK orders packers 1-1", ":0")])
        .never("xack-acknowledged-nothing");
    let behind = [("XGROUP CREATE orders packers $", OK), ("XACK orders packers 1-1", ":0")];
    with_entries(pending(&behind)).never("xack-acknowledged-nothing");
    mailed(&[("XACK orders packer 1-1", ":0")]).never("xack-acknowledged-nothing");
}

#[test]
fn xdel_leaves_an_entry_pending() {
    let read = ("XREADGROUP GROUP packers anna STREAMS orders >", ENTRY);
    pending(&[read, ("XDEL orders 1-1", ":1")]).is("xdel-in-place-of-xack", 1);
    pending(&[read, ("XDEL orders 2-1", ":1")]).never("xdel-in-place-of-xack");
    pending(&[read, ("XACK orders packers 1-1", ":1"), ("XDEL orders 1-1", ":1")])
        .never("xdel-in-place-of-xack");
}

#[test]
fn delconsumer_throws_away_what_is_pending() {
    let deletion = ("XGROUP DELCONSUMER orders packers anna", ":2");
    mailed(&[deletion]).is("pending-thrown-away", 0);
    let claim = ("XAUTOCLAIM orders packers ben 0 0", "*0");
    mailed(&[claim, deletion]).never("pending-thrown-away");
    mailed(&[("XGROUP DELCONSUMER orders packers anna", ":0")]).never("pending-thrown-away");
}

#[test]
fn a_consumer_of_another_name_does_not_get_what_is_pending() {
    let read = |name| format!("XREADGROUP GROUP packers {name} STREAMS orders >");
    let (first, other) = (read("p-1"), read("p-2"));
    let sent = [(first.as_str(), ENTRY), (other.as_str(), "nil")];
    killed_at(pending(&sent), 50).is("another-consumer-at-each-start", 1);
    let same = [(first.as_str(), ENTRY), (first.as_str(), "nil")];
    killed_at(pending(&same), 50).never("another-consumer-at-each-start");
    pending(&sent).never("another-consumer-at-each-start");
}

#[test]
fn new_entries_alone_are_not_what_is_pending() {
    let new = ("XREADGROUP GROUP packers anna STREAMS orders >", "nil");
    let old = ("XREADGROUP GROUP packers anna STREAMS orders 0", "nil");
    killed_at(pending(&[new, new]), 50).is("pending-never-asked-for", 1);
    killed_at(pending(&[new, old]), 50).never("pending-never-asked-for");
    let unkept = ("XREADGROUP GROUP packers anna NOACK STREAMS orders >", "nil");
    killed_at(pending(&[unkept, unkept]), 50).never("pending-never-asked-for");
    pending(&[new, new]).never("pending-never-asked-for");
}

#[test]
fn nothing_is_pending_that_was_read_with_noack() {
    let unkept = |reply| {
        [
            ("XREADGROUP GROUP packers anna NOACK STREAMS orders >", reply),
            ("XACK orders packers 1-1", ":0"),
        ]
    };
    pending(&unkept(ENTRY)).is("read-with-noack", 0);
    pending(&unkept("nil")).never("read-with-noack");
    mailed(&unkept(ENTRY)).never("read-with-noack");
}

/// The same with entries that were there before.
fn with_entries(scene: Scene) -> Scene {
    let before = KeyState { kind: "stream".to_owned(), size: Some(3), ..KeyState::default() };
    let change = KeyChange {
        key: "orders".to_owned(),
        after: before.clone(),
        before,
        apart: Duration::ZERO,
    };
    scene.change(|evidence| evidence.keys.push(change))
}

#[test]
fn a_group_made_at_dollar_begins_behind_what_is_there() {
    let at_dollar = [("XGROUP CREATE orders packers $", OK)];
    with_entries(mailed(&at_dollar)).is("group-begins-behind", 0);
    with_entries(mailed(&[("XGROUP CREATE orders packers 0", OK)])).never("group-begins-behind");
    mailed(&[("XGROUP CREATE orders packers $", OK)]).never("group-begins-behind");
}

#[test]
fn xread_with_dollar_leaves_out_what_is_there() {
    let dollar = ("XREAD BLOCK 100 STREAMS orders $", "nil");
    mailed(&[dollar]).is("dollar-skips-what-is-there", 0);
    mailed(&[("XREAD STREAMS orders 0", ENTRY), dollar, dollar])
        .is("dollar-skips-what-is-there", 1);
    mailed(&[("XREAD STREAMS orders 0", ENTRY), dollar]).never("dollar-skips-what-is-there");
}
