use super::scene::{
    CALM, NO_SAVE, NONE, OK, QUIET, SAVED, STARTED, STDOUT, SURVIVES, TIMEOUT, scene, unknown,
};
use crate::attempt::commands;
use crate::attempt::evidence::{Run, TypedExchange};
use crate::runner_line::{Place, read};

const WRITE: &str = "SET report:daily ready";

#[test]
fn save_where_it_is_forbidden() {
    scene(NO_SAVE, &[("SAVE", OK)]).took(0, 1503).is("save-blocks-everyone", 0);
    let once = "[[check]]\nid = \"c\"\ncalls = { save = 1 }\n";
    scene(once, &[("SAVE", OK), ("SAVE", OK)]).never("save-blocks-everyone");
    let diagnosed = scene(NO_SAVE, &[("SAVE", OK)]).took(0, 1503).diagnosed().unwrap();
    assert!(diagnosed.cause.contains("(here 1503 ms)"), "{}", diagnosed.cause);
}

#[test]
fn save_makes_others_wait() {
    let sent = [("PING", "+PONG"), ("SAVE", OK)];
    scene(CALM, &sent).took(1, 500).waited(101, 498).is("save-blocks-everyone", 1);
    scene(CALM, &sent).took(1, 5).waited(101, 498).has_no_cause();
}

#[test]
fn bgsave_is_not_blamed_for_a_save_that_ran() {
    let sent = [("SAVE", OK), ("BGSAVE", STARTED)];
    scene(CALM, &sent).took(0, 90).waited(1, 85).is("save-blocks-everyone", 0);
}

#[test]
fn the_client_gave_up_during_save() {
    scene(STDOUT, &[("SAVE", NONE)]).failed(TIMEOUT).is("client-timeout-during-save", 0);
    scene(STDOUT, &[("SAVE", OK), ("GET a", NONE)])
        .failed(TIMEOUT)
        .never("client-timeout-during-save");
    // SAVE replied in time.
    scene(STDOUT, &[("SAVE", OK)])
        .failed("TimeoutError: the job")
        .never("client-timeout-during-save");
}

#[test]
fn a_flush_behind_the_snapshot_does_not_touch_the_file() {
    let sent = [(WRITE, OK), ("SAVE", OK), ("FLUSHALL", OK)];
    scene(SURVIVES, &sent).lastsave(101).found("nil").has_no_cause();
    let sent = [(WRITE, OK), ("FLUSHALL", OK), ("SAVE", OK)];
    scene(SURVIVES, &sent).lastsave(101).found("nil").is("flushed-everything", 1);
}

#[test]
fn a_wait_that_the_runner_does_not_know() {
    let error = unknown("wait-bgsave");
    let sent = [("BGSAVE", STARTED), ("wait-bgsave", &*error)];
    scene(QUIET, &sent).saving().all_typed().is("unknown-runner-line", 1);
    let cause = scene(QUIET, &sent).saving().all_typed().diagnosed().unwrap().cause;
    assert_eq!(cause, "line 2: the runner's own line is `@wait-bgsave`; did you mean that?");
    let sent = [("wait-bgsave", &*error), ("BGSAVE", STARTED)];
    scene(QUIET, &sent).saving().all_typed().is("bgsave-reply-taken-as-done", 1);
    let other = unknown("OK");
    let sent = [("BGSAVE", STARTED), ("OK", &*other)];
    scene(QUIET, &sent).saving().all_typed().is("bgsave-reply-taken-as-done", 0);
}

#[test]
fn a_line_that_the_runner_did_not_do() {
    let refused = |line: &str| {
        let (message, help) = read(line, Place::Anywhere).unwrap_err();
        commands::refused(&message, help.as_deref())
    };
    let line = "@wait-save";
    let scene = || {
        scene(SAVED, &[]).typed(&[line]).change(|evidence| {
            let Run::Typed(typed) = &mut evidence.run else { return };
            let exchange = TypedExchange {
                number: 1,
                line: line.to_owned(),
                reply: refused(line),
                ..TypedExchange::default()
            };
            typed.exchanges = vec![exchange];
        })
    };
    scene().seen_nowhere("runner-line-refused");
    let cause = scene().diagnosed().unwrap().cause;
    let expected = "line 1 was not done: unknown line `@wait-save`; did you mean `@wait-bgsave`?";
    assert_eq!(cause, expected);
}

#[test]
fn no_snapshot_explains_what_a_log_did_not_bring_back() {
    let lost = || scene(SURVIVES, &[("PING", "+PONG")]);
    lost().seen_nowhere("nobody-asked-for-a-snapshot");
    lost().setting("appendonly", "yes").never("nobody-asked-for-a-snapshot");
    lost().info("aof_enabled:1\n").never("nobody-asked-for-a-snapshot");
}

#[test]
fn a_snapshot_for_a_replica_was_asked_for() {
    scene(SAVED, &[("SYNC", OK)]).never("nobody-asked-for-a-snapshot");
}
