use super::scene::{
    CALLS_BGSAVE, CALLS_SAVE, NONE, OK, QUEUED, SAVED, STARTED, STATUS, STDOUT, STORED, SURVIVES,
    Scene, scene,
};
use crate::relay::CommandOutcome;
use crate::server::ServerInfo;

const WRITE: &str = "SET report:daily ready";

#[test]
fn written_after_the_snapshot() {
    let sent = [("BGSAVE", STARTED), (WRITE, OK)];
    scene(SURVIVES, &sent).found("nil").is("written-after-the-snapshot", 1);
    scene(SURVIVES, &sent).not_in_the_file("report:daily").is("written-after-the-snapshot", 1);
}

#[test]
fn written_after_concerns_only_the_missing_keys() {
    let sent = [(WRITE, OK), ("SAVE", OK), ("SET other 1", OK)];
    scene(SURVIVES, &sent).found("nil").has_no_cause();
    let sent = [("BGSAVE", STARTED), (WRITE, OK), ("SAVE", OK)];
    scene(SURVIVES, &sent).found("nil").has_no_cause();
}

#[test]
fn the_order_of_two_connections_is_sure_only_after_the_reply() {
    let sent = [("SAVE", OK), (WRITE, OK)];
    let other =
        || scene(SURVIVES, &sent).found("nil").exchange(1, |exchange| exchange.connection = 2);
    other().is("written-after-the-snapshot", 1);
    other().took(0, 500).has_no_cause();
}

#[test]
fn a_scheduled_save_takes_its_moment_later() {
    let sent = [("MULTI", OK), ("BGSAVE", QUEUED), (WRITE, QUEUED), ("EXEC", OK)];
    scene(SURVIVES, &sent).found("nil").has_no_cause();
}

#[test]
fn flushall_ends_the_child() {
    let sent = [("SAVE", OK), ("BGSAVE", STARTED), ("FLUSHALL", OK)];
    scene(STATUS, &sent).killed().is("flushall-ended-the-save", 2);
    let sent = [("SAVE", OK), ("FLUSHALL", OK), ("BGSAVE", STARTED)];
    scene(STATUS, &sent).killed().has_no_cause();
}

#[test]
fn without_a_log_the_missing_snapshot_shows_it() {
    let sent = [("BGSAVE", STARTED), ("FLUSHALL", OK)];
    scene(SAVED, &sent).is("flushall-ended-the-save", 1);
    scene(SURVIVES, &sent).lastsave(101).found("nil").has_no_cause();
}

#[test]
fn with_save_points_flushall_empties_the_file_too() {
    let sent = [(WRITE, OK), ("SAVE", OK), ("FLUSHALL", OK)];
    let flushed = || scene(SURVIVES, &sent).lastsave(101).found("nil");
    flushed().setting("save", "60 1").is("flushall-after-the-snapshot", 2);
    flushed().has_no_cause();
    flushed().setting("save", "").has_no_cause();
    let of_the_setup = || scene(SURVIVES, &[("FLUSHALL", OK)]).setting("save", "60 1").found("nil");
    of_the_setup().setup(&format!("{WRITE}\nSAVE")).is("flushall-after-the-snapshot", 0);
    of_the_setup().setup(WRITE).never("flushall-after-the-snapshot");
    // What is missing came after the setup's save.
    let unsaved = of_the_setup().setup(&format!("SAVE\n{WRITE}")).change(|evidence| {
        evidence.before = ServerInfo::of(100, "rdb_changes_since_last_save:1\n");
    });
    unsaved.never("flushall-after-the-snapshot");
}

#[test]
fn a_save_of_an_empty_server_replaces_the_good_file() {
    let emptied = |sent: &[(&str, &str)]| {
        scene(SURVIVES, sent).setup(&format!("{WRITE}\nSAVE")).lastsave(101).found("nil")
    };
    emptied(&[("FLUSHDB", OK), ("SAVE", OK)]).is("saved-over-the-good-one", 1);
    emptied(&[("DEL report:daily", ":1"), ("SAVE", OK)]).is("saved-over-the-good-one", 1);
    emptied(&[("SAVE", OK), ("FLUSHDB", OK)]).never("saved-over-the-good-one");
    let later = [(WRITE, OK), ("SAVE", OK), ("FLUSHALL", OK), ("CONFIG SET save \"60 1\"", OK)];
    scene(SURVIVES, &later).lastsave(101).found("nil").has_no_cause();
}

#[test]
fn the_file_is_another_one() {
    let sent = [(WRITE, OK), ("CONFIG SET dbfilename other.rdb", OK), ("SAVE", OK)];
    scene(SURVIVES, &sent).lastsave(101).found("nil").is("snapshot-goes-elsewhere", 1);
    let same = [(WRITE, OK), ("CONFIG SET dbfilename dump.rdb", OK), ("SAVE", OK)];
    scene(SURVIVES, &same).lastsave(101).found("nil").has_no_cause();
    // The key would not be in the other file either.
    let gone = [("CONFIG SET dir /data", OK), ("SAVE", OK), (WRITE, OK)];
    scene(SURVIVES, &gone).lastsave(101).found("nil").is("written-after-the-snapshot", 2);
    let sent = [(WRITE, OK), ("SAVE", OK), ("CONFIG SET dbfilename other.rdb", OK)];
    scene(SURVIVES, &sent).lastsave(101).found("nil").has_no_cause();
}

#[test]
fn where_the_snapshot_goes_is_protected() {
    let error =
        "-ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected config";
    let sent = [("CONFIG SET dir /tmp", error)];
    scene(STDOUT, &sent)
        .failed("redis.exceptions.ResponseError: CONFIG SET failed - can't set protected config")
        .is("protected-setting", 0);
    scene(STDOUT, &[("CONFIG SET other 1", error)])
        .failed("redis.exceptions.ResponseError: CONFIG SET failed - can't set protected config")
        .never("protected-setting");
    scene(STDOUT, &sent).has_no_cause();
}

#[test]
fn the_append_only_file_is_no_snapshot() {
    let rewrite = ("BGREWRITEAOF", "+Background append only file rewriting started");
    scene(SAVED, &[rewrite]).is("appendonly-taken-for-a-snapshot", 0);
    scene(SAVED, &[("CONFIG SET appendonly yes", OK)]).is("appendonly-taken-for-a-snapshot", 0);
    scene(CALLS_SAVE, &[rewrite, ("BGSAVE", STARTED)]).seen_nowhere("save-never-sent");
}

#[test]
fn reading_takes_no_snapshot() {
    scene(SAVED, &[("LASTSAVE", ":100")]).is("read-instead-of-saved", 0);
    scene(CALLS_BGSAVE, &[("INFO persistence", "$rdb_bgsave_in_progress:0")])
        .is("read-instead-of-saved", 0);
    scene(SAVED, &[("INFO server", "$redis_version:7.0.15")])
        .seen_nowhere("nobody-asked-for-a-snapshot");
    scene(SURVIVES, &[("LASTSAVE", ":100"), ("SAVE", OK)]).found("nil").has_no_cause();
}

#[test]
fn a_save_point_saved_by_itself() {
    let sent = [("CONFIG SET save \"1 1\"", OK)];
    scene(CALLS_BGSAVE, &sent).info("total_forks:1\n").is("saved-by-a-save-point", 0);
    scene(CALLS_BGSAVE, &sent).info("total_forks:0\n").has_no_cause();
    scene(CALLS_BGSAVE, &[("CONFIG SET save \"\"", OK)])
        .info("total_forks:1\n")
        .seen_nowhere("nobody-asked-for-a-snapshot");
}

#[test]
fn save_points_that_are_gone_save_nothing() {
    let sent = [("CONFIG SET save \"\"", OK)];
    scene(SAVED, &sent).setting("save", "3600 1").is("save-points-taken-away", 0);
    scene(SAVED, &sent).never("save-points-taken-away");
    scene(SAVED, &[("CONFIG SET save \"60 1\"", OK)])
        .setting("save", "3600 1")
        .never("save-points-taken-away");
}

#[test]
fn nobody_asked_for_a_snapshot() {
    scene(SAVED, &[(WRITE, OK)]).seen_nowhere("nobody-asked-for-a-snapshot");
    scene(STORED, &[("PING", "+PONG")]).found("nil").seen_nowhere("nothing-was-written");
}

#[test]
fn what_is_not_seen_may_have_been_a_save() {
    let sent = [(WRITE, OK)];
    scene(SAVED, &sent).change(|evidence| evidence.timeline.left_out = 1).has_no_cause();
    scene(SAVED, &sent).info("cmdstat_save:calls=1\n").has_no_cause();
    scene(SAVED, &[("EVAL x 0", OK)]).has_no_cause();
    scene(SAVED, &[("SAVE", NONE)]).has_no_cause();
    scene(SAVED, &[("SAVE now", "-ERR wrong number of arguments for 'save' command")])
        .is("wrong-number-of-arguments", 0);
    scene(SAVED, &sent).setting("save", "60 1").has_no_cause();
}

#[test]
fn what_came_with_exec_is_told_to_have_come_with_it() {
    let sent = [("SAVE", OK), ("MULTI", OK), (WRITE, QUEUED), ("EXEC", "*1\r\n+OK")];
    let cause = scene(SURVIVES, &sent).found("nil").diagnosed().unwrap().cause;
    assert!(cause.starts_with("`report:daily` was run by EXEC, after SAVE: "), "{cause}");
}

#[test]
fn one_of_the_two_commands_is_not_the_other() {
    scene(CALLS_SAVE, &[("BGSAVE", STARTED)]).seen_nowhere("save-never-sent");
    scene(CALLS_BGSAVE, &[("SAVE", OK)]).lastsave(101).seen_nowhere("bgsave-never-sent");
    scene(STDOUT, &[("SAVE", OK)]).has_no_cause();
}

/// Asks for the data that the first of [`TWO_SAVES`] holds.
const STATUS_PAID: &str = "[[check]]\nid = \"c\"\nat = \"crash\"\n\
                           reply = { \"GET status\" = \"paid\", \
                           \"EXISTS order:during\" = \"(integer) 0\" }\n";
const TWO_SAVES: [(&str, &str); 4] =
    [("BGSAVE", STARTED), ("SET order:during 1", OK), ("SET status shipped", OK), ("SAVE", OK)];

/// The file holds the data of the second save.
fn second_save(sent: &[(&str, &str)]) -> Scene {
    scene(STATUS_PAID, sent)
        .setup("SET status paid")
        .answers("GET status", "$shipped")
        .answers("EXISTS order:during", ":1")
}

#[test]
fn another_save_came_after_the_one_that_was_right() {
    second_save(&TWO_SAVES).is("another-save-came-after", 3);
    let cause = second_save(&TWO_SAVES).diagnosed().unwrap().cause;
    assert!(cause.contains("the moment of that SAVE"), "{cause}");
    let twice = [TWO_SAVES[0], TWO_SAVES[1], TWO_SAVES[2], ("BGSAVE", STARTED)];
    second_save(&twice).is("another-save-came-after", 3);
}

#[test]
fn another_save_is_the_cause_only_where_the_one_before_was_right() {
    // Only one save, or none between the writes.
    second_save(&TWO_SAVES[1..]).has_no_cause();
    let late = [TWO_SAVES[1], TWO_SAVES[0], TWO_SAVES[2], TWO_SAVES[3]];
    second_save(&late).has_no_cause();
    // The reply is not what the later save must hold.
    second_save(&TWO_SAVES).answers("GET status", "$sent").has_no_cause();
    // The later save was refused, or did not end well.
    second_save(&TWO_SAVES)
        .exchange(3, |exchange| exchange.outcome = CommandOutcome::Refused)
        .has_no_cause();
    let twice = [TWO_SAVES[0], TWO_SAVES[1], TWO_SAVES[2], ("BGSAVE", STARTED)];
    second_save(&twice).saving().never("another-save-came-after");
    second_save(&TWO_SAVES).change(|evidence| evidence.timeline.left_out = 1).has_no_cause();
}

#[test]
fn another_save_came_after_the_key_was_gone() {
    let sent = [(WRITE, OK), ("SAVE", OK), ("RENAME report:daily other", OK), ("SAVE", OK)];
    scene(SURVIVES, &sent).found("nil").has_no_cause();
    let sent = [(WRITE, OK), ("SAVE", OK), ("DEL report:daily", ":1"), ("SAVE", OK)];
    scene(SURVIVES, &sent).found("nil").is("key-deleted", 2);
}

#[test]
fn what_was_already_there_was_not_written_after() {
    let sent = [(WRITE, OK), ("SAVE", OK), (WRITE, OK)];
    scene(SURVIVES, &sent).found("nil").has_no_cause();
    let sent = [("SAVE", OK), (WRITE, OK), ("EXPIRE report:daily 99", ":1")];
    scene(SURVIVES, &sent).found("nil").is("written-after-the-snapshot", 1);
    let sent = [(WRITE, OK), ("SAVE", OK), ("EXPIRE report:daily 99", ":1")];
    scene(SURVIVES, &sent).found("nil").has_no_cause();
}

#[test]
fn an_older_value_was_overwritten_after() {
    let sent = [("SAVE", OK), (WRITE, OK)];
    let old = || scene(SURVIVES, &sent).setup("SET report:daily old");
    old().found("$old").is("written-after-the-snapshot", 1);
    old().found("$other").has_no_cause();
}

#[test]
fn what_an_answer_that_was_cut_off_had_not_sent_yet_is_no_cause() {
    let saves = [("SAVE", OK), ("SAVE", OK)];
    scene(CALLS_BGSAVE, &saves).seen_nowhere("bgsave-never-sent");
    scene(CALLS_BGSAVE, &saves).timed_out().has_no_cause();
    scene(SAVED, &[("LASTSAVE", ":100")]).timed_out().has_no_cause();
    scene(SAVED, &[]).timed_out().has_no_cause();
    // The answer gave up by itself, with its own message.
    scene(CALLS_BGSAVE, &saves).failed("not today").has_no_cause();
    let written = [("SET report:dailly ready", OK)];
    scene(STORED, &written).found("nil").timed_out().has_no_cause();
}

#[test]
fn a_command_in_a_line_of_the_answer_was_not_forgotten() {
    let sent = [("BGSAVE", STARTED)];
    scene(CALLS_SAVE, &sent).typed(&["BGSAVE"]).seen_nowhere("save-never-sent");
    scene(CALLS_SAVE, &sent).typed(&["\u{feff}save;", "BGSAVE"]).never("save-never-sent");
}
