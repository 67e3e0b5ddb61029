use crate::lesson::Moment;
use crate::relay::CommandOutcome;
use crate::topics::snapshots::tests::scene::{OK, QUEUED, STARTED, STORED, SURVIVES, Scene, scene};

const WRITE: &str = "SET report:daily ready";

#[test]
fn another_value() {
    scene(STORED, &[("SET report:daily done", OK)]).found("$done").is("another-value", 0);
    scene(STORED, &[("SET report:daily Ready", OK)]).found("$Ready").is("another-value", 0);
    // The value that was found is not that of this command.
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
        .change(|evidence| {
            let printed = crate::redis_cli::reply::Printed::new(&redis::Value::Nil);
            let settled = evidence.at_mut(Moment::Settled);
            settled.replies.insert("GET order:1003".to_owned(), printed);
        })
        .seen_nowhere("never-written");
}

#[test]
fn another_database() {
    scene(STORED, &[("SELECT 1", OK), (WRITE, OK)]).found("nil").is("another-database", 1);
    scene(STORED, &[("SELECT 1", OK), (WRITE, OK)])
        .exchange(1, |exchange| exchange.connection = 2)
        .found("nil")
        .has_no_cause();
}

#[test]
fn another_type() {
    let wrong = "-WRONGTYPE Operation against a key holding the wrong kind of value";
    scene(STORED, &[("RPUSH report:daily ready", ":1")]).found(wrong).is("another-type", 0);
    scene(STORED, &[(WRITE, OK)]).found("nil").has_no_cause();
}

const WRONG: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const PREDICTED: &str =
    "[[check]]\nid = \"c\"\nreply = { \"HGET prediction order:before\" = \"yes\" }\n";

fn predicted(sent: &[(&str, &str)], reply: &str) -> Scene {
    scene(PREDICTED, sent).answers("HGET prediction order:before", reply)
}

#[test]
fn a_type_is_named_with_what_the_check_reads() {
    let sent = [("SET prediction \"order:before yes\"", OK)];
    let cause = predicted(&sent, WRONG).diagnosed().unwrap().cause;
    assert_eq!(cause, "`prediction` was written by SET, so it is a string, and HGET reads a hash");
    predicted(&sent, WRONG).is("another-type", 0);
}

#[test]
fn a_time_to_live_gives_no_type() {
    let sent = [("HSET report:daily v 1", ":1"), ("EXPIRE report:daily 100", ":1")];
    scene(STORED, &sent).found(WRONG).is("another-type", 0);
}

#[test]
fn what_is_not_known_may_have_given_the_type() {
    let sent = [("HSET report:daily v 1", ":1"), ("RENAME other report:daily", OK)];
    scene(STORED, &sent).found(WRONG).has_no_cause();
    scene(STORED, &[("EXPIRE report:daily 100", ":1")]).found(WRONG).has_no_cause();
    scene(STORED, &sent[..1])
        .change(|evidence| evidence.timeline.left_out = 1)
        .found(WRONG)
        .has_no_cause();
}

#[test]
fn the_key_was_deleted() {
    scene(STORED, &[(WRITE, OK), ("DEL report:daily", ":1")]).found("nil").is("key-deleted", 1);
    scene(STORED, &[(WRITE, OK), ("DEL other", ":0")]).found("nil").has_no_cause();
    scene(STORED, &[("DEL report:daily", ":0"), (WRITE, OK)]).found("nil").has_no_cause();
}

#[test]
fn what_was_not_there_was_not_deleted() {
    scene(STORED, &[("DEL report:daily", ":0")]).found("nil").has_no_cause();
    scene(STORED, &[("GETDEL report:daily", "nil")]).found("nil").has_no_cause();
    scene(STORED, &[("DEL report:daily other", ":1")]).found("nil").has_no_cause();
    let sent = [("FLUSHALL", OK), ("SET report:dayly ready", OK)];
    scene(STORED, &sent).found("nil").is("another-key", 1);
    scene(STORED, &sent[..1]).found("nil").has_no_cause();
}

#[test]
fn what_setup_had_stored_was_there() {
    let sent = [("DEL report:daily", ":1")];
    scene(STORED, &sent).setup(WRITE).found("nil").is("key-deleted", 0);
    let sent = [("FLUSHALL", OK)];
    scene(STORED, &sent).setup(WRITE).found("nil").is("flushed-everything", 0);
    scene(STORED, &sent).setup("SET other 1").found("nil").has_no_cause();
    scene(STORED, &sent).setup("EVAL x 0").found("nil").has_no_cause();
    scene(STORED, &sent).setup("SELECT 1\nSET report:daily 1").found("nil").has_no_cause();
}

#[test]
fn a_write_whose_condition_was_not_met_stores_nothing() {
    let sent = [("SET report:daily ready XX", "nil"), ("FLUSHALL", OK)];
    scene(STORED, &sent).found("nil").has_no_cause();
    let sent = [("SET report:daily ready XX", OK), ("FLUSHALL", OK)];
    scene(STORED, &sent).found("nil").is("flushed-everything", 1);
}

#[test]
fn what_two_connections_did_at_once_has_no_order() {
    let sent = [(WRITE, OK), ("FLUSHALL", OK)];
    let other =
        || scene(STORED, &sent).found("nil").exchange(1, |exchange| exchange.connection = 2);
    other().is("flushed-everything", 1);
    other().took(0, 500).has_no_cause();
    let sent = [("MULTI", OK), (WRITE, QUEUED), ("FLUSHALL", OK), ("EXEC", OK)];
    scene(STORED, &sent)
        .found("nil")
        .exchange(2, |exchange| exchange.connection = 2)
        .has_no_cause();
}

#[test]
fn everything_was_flushed() {
    scene(STORED, &[(WRITE, OK), ("FLUSHALL", OK)]).found("nil").is("flushed-everything", 1);
    scene(STORED, &[("FLUSHALL", OK), (WRITE, OK)]).found("nil").has_no_cause();
    let elsewhere = [(WRITE, OK), ("SELECT 1", OK), ("FLUSHDB", OK)];
    scene(STORED, &elsewhere).found("nil").has_no_cause();
}

#[test]
fn the_key_expired() {
    scene(STORED, &[("SET report:daily ready PX 1", OK)]).found("nil").is("key-expired", 0);
    scene(STORED, &[("SET report:daily ready PX 1", OK)]).found("$no").has_no_cause();
}

#[test]
fn a_field_that_is_missing_is_no_key_that_expired() {
    let sent = [("HSET prediction status paid", ":1"), ("EXPIRE prediction 100", ":1")];
    predicted(&sent, "nil").has_no_cause();
    scene(STORED, &[(WRITE, OK), ("EXPIRE report:daily 0", ":1")])
        .found("nil")
        .is("key-expired", 1);
    scene(STORED, &[("EXPIRE report:daily 9", ":0")]).found("nil").has_no_cause();
}

const MANY: &str = "[[check]]\nid = \"c\"\nreply = { \"MGET order:1 order:2\" = \"\"\"\n\
     1) \"paid\"\n2) \"paid\"\n\"\"\" }\n";

fn many(sent: &[(&str, &str)], reply: &str) -> String {
    let scene = scene(MANY, sent).answers("MGET order:1 order:2", reply);
    scene.diagnosed().map(|diagnosed| diagnosed.cause).unwrap_or_default()
}

#[test]
fn each_key_of_a_list_may_be_missing() {
    let cause = many(&[("SET order:1 paid", OK)], "*2\r\n$4\r\npaid\r\n$-1");
    assert_eq!(cause, "nothing was written to `order:2`");
}

#[test]
fn what_was_written_in_their_place_is_named() {
    let neither = "*2\r\n$-1\r\n$-1";
    let sent = [("SET order:1001 paid", OK), ("SET order:1002 paid", OK)];
    assert_eq!(
        many(&sent, neither),
        "nothing was written to `order:1`, `order:2`: the answer has written `order:1001`, \
         `order:1002`"
    );
    let sent = [("MSET a 1 b 2 c 3 d 4", OK), ("KEYS order:1*", "*0")];
    assert_eq!(
        many(&sent, neither),
        "nothing was written to `order:1`, `order:2`: the answer has written `a`, `b`, `c` and \
         others"
    );
}

#[test]
fn a_command_whose_effect_is_not_known_may_have_written_it() {
    let sent = [("SET other 1", OK), ("RENAME other order:1", OK), ("COPY other order:2", ":1")];
    assert_eq!(many(&sent, "*2\r\n$-1\r\n$-1"), "");
}

#[test]
fn a_program_that_only_reads_has_written_nothing() {
    scene(STORED, &[("GET report:daily", "nil")]).found("nil").seen_nowhere("nothing-was-written");
    // Its effect depends on what is there.
    scene(STORED, &[("EXPIRE report:daily 9", ":0")]).found("nil").has_no_cause();
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

#[test]
fn what_was_cut_off_may_have_been_the_key() {
    let more = "MSET a 1 b 2 c \"… (68 more arguments)\"";
    scene(STORED, &[(more, OK)]).found("nil").has_no_cause();
    scene(STORED, &[("SET other 1", OK), ("DEL a \"… (68 more arguments)\"", ":1")])
        .found("nil")
        .has_no_cause();
    // The arguments of RPUSH after the first are not keys.
    scene(STORED, &[("RPUSH other a b \"… (68 more arguments)\"", ":70")])
        .found("nil")
        .seen_nowhere("never-written");
    let value = "SET other \"xx… (488 more bytes)\"";
    scene(STORED, &[(value, OK)]).found("nil").seen_nowhere("never-written");
}

#[test]
fn the_word_that_counts_left_out_arguments_is_no_key() {
    let more = "MSET a 1 report:dayly \"… (67 more arguments)\"";
    scene(STORED, &[(more, OK)]).found("nil").has_no_cause();
}

#[test]
fn what_setup_may_have_written_was_not_never_written() {
    let sent = [("SET other 1", OK)];
    scene(STORED, &sent).setup("EVAL x 0").found("nil").has_no_cause();
    scene(STORED, &sent).info("cmdstat_set:calls=2\n").found("nil").has_no_cause();
}

#[test]
fn a_write_without_a_reply_may_have_come_true() {
    let sent = [(WRITE, OK), ("DEL report:daily", ":1"), (WRITE, "")];
    scene(STORED, &sent).found("nil").has_no_cause();
    scene(STORED, &sent[..2])
        .exchange(0, |exchange| exchange.outcome = CommandOutcome::Unknown)
        .found("nil")
        .is("key-deleted", 1);
}

#[test]
fn a_value_that_was_right_at_another_time_is_no_other_spelling() {
    let sent = [(WRITE, OK), ("SET report:daily gone", OK), ("BGSAVE", STARTED)];
    scene(SURVIVES, &sent).found("$gone").has_no_cause();
    scene(SURVIVES, &sent[1..]).setup(WRITE).found("$gone").has_no_cause();
}
