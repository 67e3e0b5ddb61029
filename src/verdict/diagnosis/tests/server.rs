use crate::attempt::evidence::{ProgramEnd, Run, Waits};
use crate::topics::snapshots::tests::scene::{NONE, OK, SAVED, STDOUT, STORED, scene};
use crate::verdict::Pointer;

const GONE: &str = "the server is gone: exit status 0";
const REFUSED: &str =
    "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6380. Connection refused.";

#[test]
fn counters_were_set_back() {
    let sent = [("config resetstat", OK)];
    scene(SAVED, &sent).invalid("the server's counters were reset").is("resetstat", 0);
    scene(SAVED, &sent).invalid(GONE).has_no_cause();
    scene(STDOUT, &sent).has_no_cause();
}

#[test]
fn shutdown_is_no_save() {
    scene(SAVED, &[("SHUTDOWN", NONE)]).invalid(GONE).is("shutdown", 0);
    let refused =
        [("SHUTDOWN", "-NOPERM this user has no permissions to run the 'shutdown' command")];
    scene(SAVED, &refused).invalid(GONE).has_no_cause();
    scene(SAVED, &[("SHUTDOWN ABORT", OK)]).invalid(GONE).has_no_cause();
    scene(SAVED, &[("PING", "+PONG")]).invalid(GONE).has_no_cause();
}

#[test]
fn debug_can_end_the_server() {
    scene(SAVED, &[("DEBUG segfault", NONE)]).invalid(GONE).is("debug-ended-the-server", 0);
    scene(SAVED, &[("DEBUG SLEEP 1", OK)]).invalid(GONE).has_no_cause();
}

#[test]
fn the_slow_down_was_changed() {
    let sent = [("CONFIG SET rdb-key-save-delay 0", OK)];
    let invalid = "the answer has changed `rdb-key-save-delay`, by which this exercise sees";
    scene(SAVED, &sent).invalid(invalid).is("slow-down-changed", 0);
    scene(SAVED, &sent).invalid(GONE).has_no_cause();
}

#[test]
fn a_lock_keeps_others_out() {
    let lock = ("CONFIG SET requirepass (hidden)", OK);
    let sent = [lock, ("SET report:daily ready", "-NOAUTH Authentication required.")];
    scene(STORED, &sent[..1])
        .invalid("the server says nothing any more: NOAUTH")
        .is("locked-out", 0);
    scene(STDOUT, &sent)
        .failed("redis.exceptions.AuthenticationError: NOAUTH Authentication required.")
        .is("locked-out", 0);
    scene(STDOUT, &sent)
        .failed("ValueError: no")
        .seen_at("program-failed", &Pointer::ProgramErrors);
}

#[test]
fn a_client_that_came_in_anyway_was_not_locked_out() {
    let write = ("SET report:daily ready", "-NOAUTH Authentication required.");
    let sent = [("CONFIG SET requirepass (hidden)", OK), write, ("AUTH (hidden)", OK)];
    scene(STORED, &sent[..2]).found("nil").is("locked-out", 0);
    scene(STORED, &sent).found("nil").never("locked-out");
    // Room for many clients, and the rights of another user.
    let closed = "redis.exceptions.ConnectionError: Connection closed by server.";
    scene(STDOUT, &[("CONFIG SET maxclients 1", OK)]).failed(closed).is("locked-out", 0);
    scene(STDOUT, &[("CONFIG SET maxclients 5000", OK)]).failed(closed).never("locked-out");
    scene(STDOUT, &[("CONFIG SET maxclients 5000", OK)])
        .invalid("the server says nothing any more: BUSY")
        .has_no_cause();
    let out = "the server says nothing any more: Password authentication failed";
    scene(SAVED, &[("ACL DELUSER checker", OK)]).invalid(out).is("locked-out", 0);
    scene(SAVED, &[("ACL DELUSER bob", OK)]).invalid(out).has_no_cause();
    let unheard = [("CONFIG SET maxclients 1", OK), ("SET report:daily ready", NONE)];
    scene(STORED, &unheard).found("nil").is("locked-out", 0);
    scene(STORED, &unheard[..1]).found("nil").never("locked-out");
    let rejected = "rejected_connections:1\n";
    scene(STORED, &unheard[..1]).info(rejected).found("nil").is("locked-out", 0);
    let sent = [("ACL SETUSER bob on", OK), ("AUTH bob x", "-WRONGPASS invalid username")];
    scene(STORED, &sent).found("nil").never("locked-out");
}

#[test]
fn a_password_where_none_is_asked() {
    let error = "ERR AUTH <password> called without any password configured for the default user.";
    let sent = [(
        "AUTH (hidden)",
        "-ERR AUTH <password> called without any password configured for the default user.",
    )];
    scene(STDOUT, &sent)
        .failed(&format!("redis.exceptions.AuthenticationError: {error}"))
        .is("password-not-asked", 0);
    scene(STDOUT, &sent)
        .setting("requirepass", "x")
        .failed(&format!("redis.exceptions.AuthenticationError: {error}"))
        .never("password-not-asked");
    scene(STDOUT, &sent)
        .failed("ValueError: no")
        .seen_at("program-failed", &Pointer::ProgramErrors);
}

#[test]
fn a_replica_takes_no_writes() {
    let readonly = "-READONLY You can't write against a read only replica.";
    let sent = [("REPLICAOF localhost 6380", OK), ("SET report:daily ready", readonly)];
    scene(STORED, &sent).found("nil").is("became-a-replica", 0);
    scene(STORED, &[sent[0], ("SET other 1", readonly)]).found("nil").never("became-a-replica");
    let again = [("REPLICAOF NO ONE", OK), ("SET report:daily ready", readonly)];
    scene(STORED, &again).found("nil").never("became-a-replica");
}

#[test]
fn a_connection_to_another_place() {
    scene(STORED, &[]).failed(REFUSED).seen_at("connected-elsewhere", &Pointer::ProgramErrors);
    scene(STORED, &[("PING", "+PONG")]).failed(REFUSED).never("connected-elsewhere");
    let here = REFUSED.replace("6380", "6379");
    scene(STORED, &[]).failed(&here).seen_at("program-failed", &Pointer::ProgramErrors);
}

#[test]
fn nothing_was_sent() {
    scene(SAVED, &[]).seen_nowhere("nothing-was-sent");
    scene(SAVED, &[]).info("cmdstat_set:calls=1\n").never("nothing-was-sent");
    scene(SAVED, &[]).info("cmdstat_ping:calls=1\n").never("nothing-was-sent");
    let elsewhere = scene(SAVED, &[])
        .change(|evidence| evidence.usual_port_is_taken = true)
        .diagnosed()
        .unwrap();
    assert!(elsewhere.cause.contains("never talked to it, or it went to the other Redis on 6379"));
    scene(STDOUT, &[]).has_no_cause();
    scene(SAVED, &[]).typed(&["@wait-toy"]).seen_nowhere("no-command-was-given");
}

#[test]
fn the_ping_of_the_client_that_watches_is_not_the_answers() {
    let watched = || scene(SAVED, &[]).change(|evidence| evidence.waits = Some(Waits::default()));
    let pings = "cmdstat_ping:calls=900\n";
    watched().info(pings).seen_nowhere("nothing-was-sent");
    watched().info(pings).typed(&[]).seen_nowhere("no-command-was-given");
    watched().info("cmdstat_get:calls=1\n").never("nothing-was-sent");
    // The command bypassed the relay.
    scene(SAVED, &[]).info("cmdstat_del:calls=1\n").never("nothing-was-sent");
}

#[test]
fn a_program_that_python_can_not_read() {
    scene(SAVED, &[])
        .unread("SyntaxError: '(' was never closed")
        .seen_at("program-is-no-python", &Pointer::ProgramErrors);
    // The traceback shows that a module was imported later, so something has run.
    scene(SAVED, &[])
        .failed("SyntaxError: invalid syntax")
        .seen_at("program-failed", &Pointer::ProgramErrors);
    scene(SAVED, &[]).failed("NameError: no").never("program-is-no-python");
}

#[test]
fn a_client_at_the_servers_own_port() {
    let refused = "errorstat_NOAUTH:count=2\n";
    let error = "redis.exceptions.AuthenticationError: Authentication required.";
    scene(SAVED, &[]).info(refused).failed(error).seen_nowhere("came-by-the-servers-own-port");
    scene(SAVED, &[]).info(refused).timed_out().seen_nowhere("came-by-the-servers-own-port");
    scene(SAVED, &[("CONFIG SET requirepass x", OK)])
        .info(refused)
        .failed(error)
        .never("came-by-the-servers-own-port");
    // The program caught the error and went on, or waits for something else.
    scene(SAVED, &[]).info(refused).never("came-by-the-servers-own-port");
    scene(SAVED, &[("SAVE", OK)]).info(refused).timed_out().never("came-by-the-servers-own-port");
    // The student's own server, at the lesson's address.
    let noauth = "-NOAUTH Authentication required.";
    scene(SAVED, &[("GET a", noauth)])
        .info(refused)
        .failed(error)
        .never("came-by-the-servers-own-port");
}

#[test]
fn a_program_that_asks_for_input() {
    scene(SAVED, &[])
        .failed("EOFError: EOF when reading a line")
        .seen_at("program-asks-for-input", &Pointer::ProgramErrors);
    scene(SAVED, &[]).failed("EOFError").never("program-asks-for-input");
}

#[test]
fn a_program_that_stopped_with_an_error() {
    scene(SAVED, &[])
        .failed("NameError: name 'clinet' is not defined")
        .seen_at("program-failed", &Pointer::ProgramErrors);
    scene(SAVED, &[]).never("program-failed");
    // We ended the program, so the error that it printed is not why it ended.
    scene(SAVED, &[])
        .failed("ValueError: caught")
        .change(|evidence| {
            if let Run::Program(program) = &mut evidence.run {
                program.end = ProgramEnd::TimedOut;
            }
        })
        .never("program-failed");
}
