use super::scene::{OK, STORED, SURVIVES, scene};

const WRITE: &str = "SET report:daily ready";

#[test]
fn another_value() {
    scene(STORED, &[("SET report:daily done", OK)]).found("$done").is("another-value", 0);
    scene(STORED, &[("SET report:daily Ready", OK)]).found("$Ready").is("another-value", 0);
    // Somebody else's value is not that of this command.
    scene(STORED, &[("SET report:daily done", OK)]).found("$gone").has_no_cause();
    scene(SURVIVES, &[("SET report:daily done", OK), ("SAVE", OK)])
        .found("$done")
        .is("another-value", 0);
}

#[test]
fn another_key() {
    scene(STORED, &[("SET report-daily ready", OK)]).found("nil").is("another-key", 0);
    scene(STORED, &[("SET Report:Daily ready", OK)]).found("nil").is("another-key", 0);
    scene(STORED, &[("SET report:dialy ready", OK)]).found("nil").is("another-key", 0);
    scene(STORED, &[("SET customer:7 ready", OK)]).found("nil").seen_nowhere("never-written");
}

#[test]
fn a_key_with_another_number_is_no_slip() {
    let checks = "[[check]]\nid = \"c\"\nreply = { \"GET order:1003\" = \"paid\" }\n";
    scene(checks, &[("SET order:1002 paid", OK)])
        .change(|it| {
            let printed = crate::redis_cli::reply::Printed::new(&redis::Value::Nil);
            let settled = it.settled.as_mut().unwrap();
            settled.replies.insert("GET order:1003".to_owned(), printed);
        })
        .seen_nowhere("never-written");
}

#[test]
fn another_database() {
    scene(STORED, &[("SELECT 1", OK), (WRITE, OK)]).found("nil").is("another-database", 1);
    scene(STORED, &[("SELECT 1", OK), (WRITE, OK)])
        .exchange(1, |it| it.connection = 2)
        .found("nil")
        .has_no_cause();
}

#[test]
fn another_type() {
    let wrong = "-WRONGTYPE Operation against a key holding the wrong kind of value";
    scene(STORED, &[("RPUSH report:daily ready", ":1")]).found(wrong).is("another-type", 0);
    scene(STORED, &[(WRITE, OK)]).found("nil").has_no_cause();
}

#[test]
fn the_key_was_taken_away() {
    scene(STORED, &[(WRITE, OK), ("DEL report:daily", ":1")]).found("nil").is("key-deleted", 1);
    scene(STORED, &[(WRITE, OK), ("DEL other", ":0")]).found("nil").has_no_cause();
    scene(STORED, &[("DEL report:daily", ":0"), (WRITE, OK)]).found("nil").has_no_cause();
}

#[test]
fn everything_was_taken_away() {
    scene(STORED, &[(WRITE, OK), ("FLUSHALL", OK)]).found("nil").is("flushed-everything", 1);
    scene(STORED, &[("FLUSHALL", OK), (WRITE, OK)]).found("nil").has_no_cause();
    let elsewhere = [(WRITE, OK), ("SELECT 1", OK), ("FLUSHDB", OK)];
    scene(STORED, &elsewhere).found("nil").has_no_cause();
}

#[test]
fn a_flush_behind_the_snapshot_does_not_touch_the_file() {
    let sent = [(WRITE, OK), ("SAVE", OK), ("FLUSHALL", OK)];
    scene(SURVIVES, &sent).lastsave(101).found("nil").has_no_cause();
    let sent = [(WRITE, OK), ("FLUSHALL", OK), ("SAVE", OK)];
    scene(SURVIVES, &sent).lastsave(101).found("nil").is("flushed-everything", 1);
}

#[test]
fn the_key_expired() {
    scene(STORED, &[("SET report:daily ready PX 1", OK)]).found("nil").is("key-expired", 0);
    scene(STORED, &[("SET report:daily ready PX 1", OK)]).found("$no").has_no_cause();
}

#[test]
fn the_write_was_refused() {
    let wrong = "-ERR syntax error";
    scene(STORED, &[("SET report:daily ready now", wrong)]).found("nil").is("write-refused", 0);
    scene(STORED, &[("SET report:daily x y", wrong), (WRITE, OK)]).found("nil").has_no_cause();
}

#[test]
fn the_key_was_never_written() {
    scene(STORED, &[("SET other 1", OK)]).found("nil").seen_nowhere("never-written");
    scene(STORED, &[("SET other 1", OK), ("RENAME other report:daily", OK)])
        .found("nil")
        .has_no_cause();
    scene(STORED, &[("SET other 1", OK), ("EVAL x 0", OK)]).found("nil").has_no_cause();
}
