use std::time::Duration;

use super::scene::{
    BUSY, NO_SAVE, NONE, OK, QUIET, SAVED, SAVED_AT_EXIT, STARTED, STDOUT, SURVIVES, Scene, scene,
};
use crate::attempt::evidence::Waits;
use crate::verdict::Pointer;

const SAVING: &str = "$rdb_bgsave_in_progress:1\r\nrdb_last_bgsave_status:ok\r\n";
const IDLE: &str = "$rdb_bgsave_in_progress:0\r\nrdb_last_bgsave_status:ok\r\n";
const ERR: &str = "rdb_last_bgsave_status:err\n";

#[test]
fn bgsaves_reply_is_taken_as_done() {
    scene(QUIET, &[("BGSAVE", STARTED)]).saving().is("bgsave-reply-taken-as-done", 0);
    scene(SAVED_AT_EXIT, &[("BGSAVE", STARTED)]).saving().is("bgsave-reply-taken-as-done", 0);
}

#[test]
fn a_scheduled_save_has_not_begun() {
    let scheduled = [("BGSAVE SCHEDULE", "+Background saving scheduled")];
    scene(QUIET, &scheduled).saving().never("bgsave-reply-taken-as-done");
}

#[test]
fn nobody_waited_for_saves_reply_before_the_kill() {
    let killed = |sent: &[(&str, &str)]| scene(&format!("crash = \"exit\"\n{SURVIVES}"), sent);
    let set = ("SET report:daily ready", OK);
    killed(&[set, ("SAVE", NONE)]).is("save-not-awaited", 1);
    killed(&[set, ("BGSAVE", STARTED), ("SAVE", NONE)]).never("save-not-awaited");
    scene(SURVIVES, &[set, ("SAVE", NONE)]).never("save-not-awaited");
    killed(&[set, ("CLIENT REPLY OFF", NONE), ("SAVE", NONE)]).never("save-not-awaited");
}

#[test]
fn what_bgsave_left_unfinished_is_no_cause_of_another_finding() {
    scene(STDOUT, &[("BGSAVE", STARTED)]).saving().has_no_cause();
    scene(NO_SAVE, &[("BGSAVE", STARTED), ("SAVE", OK)]).saving().is("save-blocks-everyone", 1);
}

#[test]
fn a_save_of_a_save_point_is_not_the_answers() {
    scene(QUIET, &[("SET", OK)]).saving().has_no_cause();
    let row = Pointer::Row("rdb_bgsave_in_progress");
    scene(QUIET, &[("SET", OK)])
        .setting("save", "60 1")
        .saving()
        .seen_at("save-of-a-save-point-not-awaited", &row);
    scene(QUIET, &[("BGSAVE", STARTED)]).setting("save", "60 1").saving().has_no_cause();
}

#[test]
fn a_program_that_broke_off_did_not_take_the_reply_for_the_end() {
    let sent = [("BGSAVE", STARTED)];
    scene(QUIET, &sent)
        .saving()
        .failed("NameError: no")
        .seen_at("program-failed", &Pointer::ProgramErrors);
    scene(QUIET, &sent).saving().timed_out().has_no_cause();
}

#[test]
fn a_wait_of_a_guessed_length() {
    let ended = |millis| {
        let took = Duration::from_millis(millis);
        scene(QUIET, &[("BGSAVE", STARTED)]).saving().change(|evidence| evidence.took = took)
    };
    ended(301).is("guessed-wait", 0);
    let cause = ended(301).diagnosed().unwrap().cause;
    assert!(cause.starts_with("the answer ended 300 ms after"), "{cause}");
    ended(20).is("bgsave-reply-taken-as-done", 0);
}

#[test]
fn other_clients_are_watched_longer_than_the_answer_runs() {
    let waits = Waits { watched: Duration::from_secs(3), ..Waits::default() };
    scene(QUIET, &[("BGSAVE", STARTED)])
        .saving()
        .change(|evidence| {
            (evidence.took, evidence.waits) = (Duration::from_millis(20), Some(waits));
        })
        .is("bgsave-reply-taken-as-done", 0);
}

#[test]
fn a_look_at_another_field() {
    let sent = [("BGSAVE", STARTED), ("INFO persistence", SAVING)];
    scene(QUIET, &sent).saving().is("ended-though-info-said-saving", 1);
}

#[test]
fn a_look_before_bgsave_is_no_look_at_it() {
    let sent = [("INFO persistence", IDLE), ("BGSAVE", STARTED)];
    scene(QUIET, &sent).saving().is("info-asked-too-early", 0);
    let again = [sent[0], sent[1], ("LASTSAVE", ":101")];
    scene(QUIET, &again).saving().is("bgsave-reply-taken-as-done", 1);
}

#[test]
fn a_lastsave_that_has_not_moved_is_no_end() {
    let sent = [("LASTSAVE", ":100"), ("BGSAVE", STARTED), ("LASTSAVE", ":100")];
    scene(QUIET, &sent).saving().is("ended-though-lastsave-had-not-moved", 2);
    scene(QUIET, &sent[..2]).saving().is("bgsave-reply-taken-as-done", 1);
}

#[test]
fn bgsave_is_no_question() {
    let sent = [("BGSAVE", STARTED), ("BGSAVE", BUSY), ("BGSAVE", STARTED)];
    scene(QUIET, &sent).saving().is("bgsave-sent-until-accepted", 2);
    scene(QUIET, &sent[1..]).saving().is("bgsave-reply-taken-as-done", 1);
}

#[test]
fn wait_is_for_replicas() {
    let sent = [("BGSAVE", STARTED), ("WAIT 0 0", ":0")];
    scene(QUIET, &sent).saving().is("waited-for-replicas", 1);
    scene(QUIET, &[sent[1], sent[0]]).saving().is("bgsave-reply-taken-as-done", 1);
}

#[test]
fn waiting_before_there_is_anything_to_wait_for() {
    let wait = |lines: &[&str]| scene(QUIET, &[("BGSAVE", STARTED)]).saving().typed(lines);
    wait(&["@wait-bgsave", "BGSAVE"]).is("waited-too-early", 0);
    wait(&["BGSAVE"]).is("bgsave-reply-taken-as-done", 0);
    wait(&["BGSAVE", "@wait-bgsave", "BGSAVE"]).is("bgsave-reply-taken-as-done", 0);
}

#[test]
fn lastsave_does_not_move_within_a_second() {
    let sent =
        [("LASTSAVE", ":100"), ("BGSAVE", STARTED), ("LASTSAVE", ":100"), ("LASTSAVE", ":100")];
    scene(STDOUT, &sent).timed_out().is("lastsave-poll-never-ends", 3);
    scene(STDOUT, &sent).failed("too long").is("lastsave-poll-never-ends", 3);
    // The save is still running, so LASTSAVE may yet move; or it failed; or it was killed.
    scene(STDOUT, &sent).timed_out().saving().has_no_cause();
    scene(STDOUT, &sent).timed_out().info(ERR).is("lastsave-poll-after-failed-save", 3);
    scene(STDOUT, &sent).timed_out().killed().has_no_cause();
}

#[test]
fn lastsave_that_was_only_read_explains_no_other_end() {
    let sent =
        [("LASTSAVE", ":100"), ("BGSAVE", STARTED), ("LASTSAVE", ":100"), ("LASTSAVE", ":100")];
    scene(STDOUT, &sent)
        .failed("redis.exceptions.ConnectionError: closed")
        .seen_at("program-failed", &Pointer::ProgramErrors);
    scene(STDOUT, &sent)
        .failed("NameError: name 'clinet' is not defined")
        .seen_at("program-failed", &Pointer::ProgramErrors);
    let gone_on = [sent[0], sent[1], sent[2], sent[3], ("GET a", "")];
    scene(STDOUT, &gone_on).timed_out().has_no_cause();
    scene(STDOUT, &sent[..2]).timed_out().has_no_cause();
}

#[test]
fn lastsave_after_a_save_that_failed() {
    let sent =
        [("LASTSAVE", ":100"), ("BGSAVE", STARTED), ("LASTSAVE", ":100"), ("LASTSAVE", ":100")];
    scene(SAVED, &sent).timed_out().info(ERR).is("lastsave-poll-after-failed-save", 3);
    scene(SAVED, &sent).info(ERR).seen_at("bgsave-failed", &Pointer::Row("rdb_last_bgsave_status"));
}

#[test]
fn lastsave_that_was_read_too_late() {
    let sent = [("SAVE", OK), ("LASTSAVE", ":101"), ("LASTSAVE", ":101"), ("LASTSAVE", ":101")];
    scene(STDOUT, &sent).lastsave(101).timed_out().is("lastsave-read-too-late", 1);
    scene(STDOUT, &sent).lastsave(102).timed_out().has_no_cause();
}

#[test]
fn a_loop_that_info_cannot_end() {
    let sent = [("BGSAVE", STARTED), ("INFO", IDLE), ("INFO", IDLE), ("INFO", IDLE)];
    scene(STDOUT, &sent).timed_out().is("info-poll-never-ends", 3);
    let sent = [("BGSAVE", STARTED), ("INFO", SAVING), ("INFO", SAVING), ("INFO", SAVING)];
    scene(STDOUT, &sent).timed_out().saving().has_no_cause();
}

#[test]
fn a_refused_second_save_comes_before_the_unfinished_first() {
    let sent = [("BGSAVE", STARTED), ("SAVE", BUSY)];
    scene(SAVED_AT_EXIT, &sent).saving().is("save-refused-while-bgsave-runs", 1);
    scene(SURVIVES, &sent).found("nil").never("save-refused-while-bgsave-runs");
}

#[test]
fn the_answers_own_data_takes_longer_than_it_has() {
    let slow = |sent: &[(&str, &str)]| {
        scene(STDOUT, sent).setting("rdb-key-save-delay", "4000000").timed_out()
    };
    let unseen = |scene: Scene| scene.change(|evidence| evidence.looks.clear());
    let sent = [("MSET a 1 b 1", OK), ("SET b 2", OK), ("SET c 1", OK), ("SAVE", NONE)];
    unseen(slow(&sent)).is("own-data-takes-too-long", 3);
    let cause = unseen(slow(&sent)).diagnosed().unwrap().cause;
    let expected = "SAVE had 3 keys to write, 3 of them the answer's own: at 4 s a key that takes \
                    12 s, and the answer has 10 s";
    assert_eq!(cause, expected);
    // Two keys would have been done in time, and it is unknown how many keys a script made.
    unseen(slow(&[("MSET a 1 b 1", OK), ("SAVE", NONE)])).has_no_cause();
    unseen(slow(&[("EVAL x 0", OK), ("SAVE", NONE)])).has_no_cause();
    // One key was deleted again, and one was already there.
    let gone = [("MSET a 1 b 1 c 1", OK), ("DEL c", ":1"), ("SAVE", NONE)];
    unseen(slow(&gone)).has_no_cause();
    unseen(slow(&sent).setup("SET a 1\n")).has_no_cause();
    // The server has responded since.
    slow(&sent).has_no_cause();
    let background = [("SET a 1", OK), ("BGSAVE", STARTED)];
    let keys = |count: u32| format!("db0:keys={count},expires=0,avg_ttl=0\n");
    slow(&background).saving().info(&keys(3)).is("own-data-takes-too-long", 1);
    slow(&background).saving().info(&keys(2)).has_no_cause();
    slow(&background).info(&keys(3)).has_no_cause();
}

#[test]
fn a_save_point_saves_only_when_it_is_due() {
    let with = |changes: i64| {
        let scene = scene(SAVED_AT_EXIT, &[("SET a 1", OK)]).setting("save", "2 3 60 100");
        scene.info(&format!("rdb_changes_since_last_save:{changes}\n"))
    };
    let row = Pointer::Row("rdb_changes_since_last_save");
    with(3).seen_at("save-point-not-due", &row);
    with(2).seen_at("too-few-changes", &row);
    with(3).info(ERR).never("save-point-not-due");
    let by_hand = scene(SAVED_AT_EXIT, &[("SET a 1", OK), ("BGSAVE", STARTED)]);
    by_hand
        .setting("save", "2 3")
        .info("rdb_changes_since_last_save:3\n")
        .never("save-point-not-due");
}
