use std::time::Duration;

use super::super::slow_down;
use super::scene::{OK, STARTED, STORED, Scene, scene};
use crate::lesson::Moment;
use crate::relay::Mark;
use crate::runner_line::STOP_MARK;
use crate::verdict::tests::observation;

const COPY: &str = "stop = true\n[[check]]\nid = \"c\"\nat = \"restore\"\nfrom = \"copy.rdb\"\n\
                    reply = { \"GET report:daily\" = \"ready\" }\n";
const WRITE: &str = "SET report:daily ready";

/// A server loads the copy, and it lacks the report.
fn copied(sent: &[(&str, &str)]) -> Scene {
    let copy = scene(COPY, sent).change(|evidence| {
        evidence.looks.insert(Moment::RestoredFrom(0), Ok(observation(0, "")));
    });
    copy.found("nil")
}

fn stopped(scene: Scene, at: u64) -> Scene {
    let at = Duration::from_millis(at);
    scene.change(|evidence| {
        evidence.timeline.marks.push(Mark { word: STOP_MARK, at, seen: at });
    })
}

#[test]
fn a_save_that_goes_on_at_the_end_was_not_what_was_copied() {
    let early = || copied(&[(WRITE, OK), ("BGSAVE", STARTED)]).saving();
    early().is("copied-before-the-save-ended", 1);
    // What was stored later is not in that save either.
    copied(&[("BGSAVE", STARTED), (WRITE, OK)]).saving().is("written-after-the-snapshot", 1);
    stopped(early(), 150).has_no_cause();
}

#[test]
fn only_of_typed_copies_one_knows_from_which_file_they_are() {
    let saved = || copied(&[(WRITE, OK), ("BGSAVE", STARTED)]).lastsave(101);
    let lines = [WRITE, "BGSAVE", "@copy dump.rdb copy.rdb", "@wait-bgsave"];
    saved().typed(&lines).is("copied-before-the-save-ended", 1);
    saved().typed(&[WRITE, "BGSAVE", "@COPY old.rdb copy.rdb"]).has_no_cause();
    saved().has_no_cause();
}

#[test]
fn a_stop_ends_a_save_that_takes_longer() {
    let slow = || copied(&[(WRITE, OK), ("BGSAVE", STARTED)]).setting(slow_down::SETTING, "500000");
    stopped(slow(), 400).is("stop-ended-the-save", 1);
    stopped(slow(), 700).has_no_cause();
    stopped(slow(), 50).has_no_cause();
    let quick = ("CONFIG SET rdb-key-save-delay 0", OK);
    let set = copied(&[quick, (WRITE, OK), ("BGSAVE", STARTED)]);
    stopped(set.setting(slow_down::SETTING, "500000"), 400).has_no_cause();
}

/// The report is not in a server after these lines.
fn brought_back(lines: &[&str]) -> Scene {
    scene(STORED, &[]).found("nil").typed(lines)
}

#[test]
fn a_running_server_does_not_read_its_file() {
    let copy = "@copy old.rdb dump.rdb";
    brought_back(&[copy]).seen_nowhere("file-was-never-read");
    brought_back(&["@stop", "@start", copy]).seen_nowhere("file-was-never-read");
    brought_back(&["@stop", copy, "@start"]).has_no_cause();
    brought_back(&[copy]).setting("appendonly", "yes").has_no_cause();
    brought_back(&[copy]).setup("@stop").has_no_cause();
}

#[test]
fn a_save_before_the_stop_goes_over_the_file() {
    // Each line gets the reply of the exchange with its number.
    let saved =
        |lines: &[&str]| scene(STORED, &[("SAVE", OK), ("SAVE", OK)]).found("nil").typed(lines);
    let over = ["@copy old.rdb dump.rdb", "SAVE", "@stop", "@start"];
    saved(&over).seen_nowhere("saved-over-the-file-in-its-place");
    saved(&["SAVE", over[0], "@stop", "@start"]).has_no_cause();
    saved(&["@stop", "SAVE", over[0], "@start"]).has_no_cause();
}

#[test]
fn a_start_reads_one_name_only() {
    let lines = ["@stop", "@copy old.rdb shop.rdb", "@start"];
    brought_back(&lines).seen_nowhere("file-under-another-name");
    brought_back(&lines[..2]).has_no_cause();
    brought_back(&["@stop", "@copy dump.rdb shop.rdb", "@start"]).has_no_cause();
    brought_back(&["@stop", lines[1], "@copy old.rdb dump.rdb", "@start"]).has_no_cause();
}

#[test]
fn what_the_answer_wrote_itself_is_missing_for_another_reason() {
    for lines in [
        &["SET report:daily late", "@copy old.rdb dump.rdb"][..],
        &["SET report:daily late", "@stop", "@copy old.rdb shop.rdb", "@start"],
    ] {
        let wrote = || scene(STORED, &[("SET report:daily late", OK)]).found("$late").typed(lines);
        wrote().never("file-was-never-read");
        wrote().never("file-under-another-name");
    }
}
