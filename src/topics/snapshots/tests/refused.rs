use redis::Value;

use super::scene::{
    BUSY, CALLS_BGSAVE, CALLS_SAVE, NONE, OK, QUEUED, QUIET, SAVED, STARTED, STATUS, STDOUT,
    STORED, SURVIVES, scene,
};
use crate::verdict::Pointer;

const IN_MULTI: &str = "-ERR Command not allowed inside a transaction";
const IN_SCRIPT: &str =
    "-ERR This Redis command is not allowed from script script: f_1, on @user_script:1.";
const MISCONF: &str =
    "-MISCONF Redis is configured to save RDB snapshots, but it is unable to persist";
const WRITE: &str = "SET report:daily ready";

#[test]
fn save_is_refused_while_bgsave_runs() {
    let sent = [("BGSAVE", STARTED), ("SAVE", BUSY)];
    scene(CALLS_SAVE, &sent).is("save-refused-while-bgsave-runs", 1);
    scene(STDOUT, &sent)
        .failed("redis.exceptions.ResponseError: Background save already in progress")
        .is("save-refused-while-bgsave-runs", 1);
}

#[test]
fn a_refusal_that_the_program_caught_is_not_the_one_that_ended_it() {
    let sent = [("BGSAVE", STARTED), ("SAVE", BUSY), ("BGSAVE", BUSY)];
    scene(STDOUT, &sent)
        .failed("redis.exceptions.ResponseError: Background save already in progress")
        .is("bgsave-refused-while-bgsave-runs", 2);
}

#[test]
fn a_caught_refusal_is_no_cause_of_a_missing_line() {
    scene(STDOUT, &[("BGSAVE", STARTED), ("SAVE", BUSY)]).has_no_cause();
}

#[test]
fn a_refusal_that_a_later_save_made_up_for_is_no_cause() {
    let sent = [("BGSAVE", STARTED), ("SAVE", BUSY), ("SAVE", OK), ("BGSAVE", STARTED)];
    scene(QUIET, &sent).saving().is("bgsave-reply-taken-as-done", 3);
    let sent = [("BGSAVE", STARTED), ("SAVE", BUSY), ("NOPE", "-ERR unknown command 'NOPE'")];
    scene(STDOUT, &sent).failed("ResponseError: unknown command 'NOPE'").is("unknown-command", 2);
}

#[test]
fn bgsave_is_refused_while_bgsave_runs() {
    let checks = "[[check]]\nid = \"c\"\ncalls = { bgsave = 2 }\n";
    let sent = [("BGSAVE", STARTED), ("BGSAVE", BUSY)];
    scene(checks, &sent).is("bgsave-refused-while-bgsave-runs", 1);
    scene(checks, &sent[..1]).has_no_cause();
}

#[test]
fn what_the_refused_save_was_to_hold_is_lost() {
    let sent = [("BGSAVE", STARTED), (WRITE, OK), ("BGSAVE", BUSY)];
    scene(SURVIVES, &sent).found("nil").is("bgsave-refused-while-bgsave-runs", 2);
    let sent = [("BGSAVE", STARTED), ("BGSAVE", BUSY), (WRITE, OK)];
    scene(SURVIVES, &sent).found("nil").is("written-after-the-snapshot", 2);
}

#[test]
fn bgsave_is_refused_while_the_aof_is_rewritten() {
    let busy = "-ERR Another child process is active (AOF?): can't BGSAVE right now.";
    scene(CALLS_BGSAVE, &[("BGREWRITEAOF", OK), ("BGSAVE", busy)])
        .is("bgsave-refused-while-aof-rewrites", 1);
    scene(SAVED, &[("BGSAVE", busy), ("BGSAVE", STARTED)]).has_no_cause();
}

#[test]
fn save_is_refused_inside_multi() {
    let sent = [
        ("MULTI", OK),
        (WRITE, QUEUED),
        ("SAVE", IN_MULTI),
        ("EXEC", "-EXECABORT Transaction discarded because of previous errors."),
    ];
    scene(CALLS_SAVE, &sent).not_run(1).is("save-inside-multi", 2);
    scene(STORED, &sent).not_run(1).found("nil").is("save-inside-multi", 2);
    scene(STDOUT, &sent)
        .not_run(1)
        .failed(
            "redis.exceptions.ExecAbortError: Transaction discarded because of previous errors.",
        )
        .is("save-inside-multi", 2);
}

#[test]
fn save_inside_multi_works_in_six() {
    let sent = [("MULTI", OK), ("SAVE", QUEUED), ("EXEC", OK)];
    scene(STDOUT, &sent).has_no_cause();
    scene(CALLS_BGSAVE, &sent).seen_nowhere("bgsave-never-sent");
}

#[test]
fn a_script_cannot_save() {
    let sent = [("EVAL \"return redis.call('SAVE')\" 0", IN_SCRIPT)];
    scene(SAVED, &sent).is("save-inside-lua", 0);
    scene(CALLS_BGSAVE, &sent).has_no_cause();
    scene(SAVED, &[("EVAL \"return redis.call('AUTH')\" 0", IN_SCRIPT)]).has_no_cause();
    // `save` is a key here, and a script with both commands may have failed at either.
    let key = "EVAL \"redis.call('SET', 'save', 1) redis.call('AUTH')\" 0";
    scene(SAVED, &[(key, IN_SCRIPT)]).has_no_cause();
    let both = "EVAL \"redis.pcall('SAVE') redis.call('BGSAVE')\" 0";
    scene(SAVED, &[(both, IN_SCRIPT)]).has_no_cause();
}

#[test]
fn bgsave_inside_multi_is_only_scheduled() {
    let scheduled =
        Value::Array(vec![Value::SimpleString("Background saving scheduled".to_owned())]);
    let sent = [("MULTI", OK), ("BGSAVE", QUEUED), ("EXEC", OK)];
    scene(QUIET, &sent)
        .saving()
        .exchange(2, |exchange| exchange.reply.as_mut().unwrap().value = scheduled)
        .is("bgsave-inside-multi", 1);
    scene(QUIET, &sent).saving().is("bgsave-reply-taken-as-done", 1);
}

#[test]
fn bgsave_inside_multi_takes_the_snapshot_after_exec() {
    let checks =
        "[[check]]\nid = \"c\"\nat = \"crash\"\nreply = { \"EXISTS during\" = \"(integer) 0\" }\n";
    let file = |sent: &[(&str, &str)], found: &str| {
        let scheduled = "Background saving scheduled".to_owned();
        let scheduled = Value::Array(vec![Value::SimpleString(scheduled)]);
        scene(checks, sent)
            .exchange(2, |exchange| exchange.reply.as_mut().unwrap().value = scheduled)
            .answers("EXISTS during", found)
    };
    let begun = [("MULTI", OK), ("BGSAVE", QUEUED), ("EXEC", OK)];
    let behind = [&begun[..], &[("SET during 1", OK)]].concat();
    file(&behind, ":1").is("bgsave-inside-multi", 1);
    // The key was not written after EXEC, or another save came.
    let before = [&begun[..2], &[("EXEC", OK), ("SET other 1", OK)]].concat();
    file(&before, ":1").has_no_cause();
    let again = [&behind[..], &[("SAVE", OK)]].concat();
    file(&again, ":1").never("bgsave-inside-multi");
}

#[test]
fn multi_is_left_open() {
    let sent = [("MULTI", OK), (WRITE, QUEUED)];
    scene(STORED, &sent).not_run(1).found("nil").is("multi-left-open", 0);
    let other = [("MULTI", OK), ("SET other 1", QUEUED)];
    scene(STORED, &other).not_run(1).found("nil").never("multi-left-open");
    let closed = [("MULTI", OK), (WRITE, QUEUED), ("DISCARD", OK)];
    scene(STORED, &closed).not_run(1).found("nil").is("transaction-discarded", 2);
    let save = [(WRITE, OK), ("MULTI", OK), ("BGSAVE", QUEUED)];
    scene(SURVIVES, &save).not_run(2).found("nil").is("multi-left-open", 1);
}

#[test]
fn a_transaction_is_thrown_away() {
    let sent = [("WATCH a", OK), ("MULTI", OK), ("BGSAVE", QUEUED), ("EXEC", "nil")];
    scene(CALLS_BGSAVE, &sent).not_run(2).is("transaction-discarded", 3);
    scene(CALLS_SAVE, &sent).not_run(2).never("transaction-discarded");
    // A client that watches a key retries in a loop.
    let again =
        [("MULTI", OK), (WRITE, QUEUED), ("EXEC", "nil"), (WRITE, OK), ("DEL report:daily", ":1")];
    scene(STORED, &again).not_run(1).found("nil").is("key-deleted", 4);
    let alone = [("MULTI", OK), (WRITE, QUEUED), ("EXEC", "-ERR EXEC without MULTI")];
    scene(STORED, &alone).not_run(1).found("nil").never("transaction-discarded");
}

#[test]
fn writes_are_refused_after_a_failed_save() {
    scene(STORED, &[(WRITE, MISCONF)]).found("nil").is("misconf", 0);
    scene(STORED, &[("SET other 1", MISCONF)]).found("nil").never("misconf");
    scene(STDOUT, &[(WRITE, MISCONF)])
        .failed("redis.exceptions.ResponseError: MISCONF Redis is configured to save")
        .is("misconf", 0);
    scene(STDOUT, &[(WRITE, MISCONF)]).has_no_cause();
    let of_the_aof = "-MISCONF Errors writing to the AOF file: No space left on device";
    scene(STORED, &[(WRITE, of_the_aof)]).found("nil").is("write-refused", 0);
}

#[test]
fn the_warning_is_switched_off() {
    let sent = [("CONFIG SET stop-writes-on-bgsave-error no", OK)];
    scene(STATUS, &sent).info("rdb_last_bgsave_status:err\n").is("misconf-switched-off", 0);
    scene(SAVED, &sent).seen_nowhere("nobody-asked-for-a-snapshot");
}

#[test]
fn a_bare_err_is_a_failed_save() {
    scene(SAVED, &[("SAVE", "-ERR")]).is("save-failed", 0);
    let other = [("SAVE", "-ERR"), ("INCR a", "-ERR value is not an integer or out of range")];
    scene(STDOUT, &other)
        .failed("redis.exceptions.ResponseError: value is not an integer or out of range")
        .is("command-refused", 1);
    scene(CALLS_BGSAVE, &[("BGSAVE", "-ERR")]).is("bgsave-could-not-fork", 0);
    scene(CALLS_BGSAVE, &[("BGSAVE foo", "-ERR syntax error")]).is("command-refused", 0);
    scene(SURVIVES, &[("SAVE", "-ERR"), ("SAVE", OK), (WRITE, OK)])
        .found("nil")
        .is("written-after-the-snapshot", 2);
}

#[test]
fn the_child_fails_after_bgsave_has_answered() {
    let row = Pointer::Row("rdb_last_bgsave_status");
    let failed = "rdb_last_bgsave_status:err\n";
    scene(STATUS, &[("BGSAVE", STARTED)]).info(failed).seen_at("bgsave-failed", &row);
    scene(STATUS, &[("PING", "+PONG")]).info(failed).has_no_cause();
}

#[test]
fn the_refusal_that_ended_the_program() {
    let sent = [("SET a", "-ERR wrong number of arguments for 'set' command")];
    scene(STDOUT, &sent)
        .failed("redis.exceptions.ResponseError: wrong number of arguments for 'set' command")
        .is("wrong-number-of-arguments", 0);
    scene(STDOUT, &sent).failed("KeyError: 'a'").seen_at("program-failed", &Pointer::ProgramErrors);
    scene(STDOUT, &[("PING", NONE)]).failed("it did not work").has_no_cause();
}
