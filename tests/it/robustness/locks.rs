//! Passwords, rights and limits that lock clients out do not lock out the checker.

use std::time::Duration;

use redislings::redis_cli::reply;
use redislings::server::{Client, Server};

use super::{DONE, python, redis, try_all, try_all_patiently};
use crate::support::local_source;
use crate::support::redis_server::default_user;

const NOT_DONE: [&str; 3] = ["stored", "saved", "in-background"];

#[test]
fn a_password_ends_in_a_verdict() {
    let [after, in_python, before] = try_all([
        redis(format!("{DONE}CONFIG SET requirepass secret\n")),
        python("done()\nask('CONFIG SET requirepass secret')\n"),
        python("ask('CONFIG SET requirepass secret')\nfirst = connect()\ndone()\n"),
    ]);
    after.passes();
    in_python.passes();
    before.falls_short(&NOT_DONE, &["requirepass", "locked the server"]);
}

#[test]
fn rights_taken_away_end_in_a_verdict() {
    let [off, reset, no_admin, before] = try_all([
        redis(format!("{DONE}ACL SETUSER default off\n")),
        redis(format!("{DONE}ACL SETUSER default reset\n")),
        redis(format!("{DONE}ACL SETUSER default -@admin\nCONFIG GET port\n")),
        redis(format!("ACL SETUSER default reset\n{DONE}")),
    ]);
    off.passes();
    reset.passes();
    no_admin.passes();
    before.falls_short(&NOT_DONE, &["ACL SETUSER"]);
}

#[test]
fn a_checker_that_was_locked_out_ends_in_a_verdict() {
    let [deleted, switched_off] = try_all([
        redis(format!("{DONE}ACL DELUSER checker\n")),
        redis(format!("{DONE}ACL SETUSER checker off\nCLIENT KILL TYPE normal\n")),
    ]);
    deleted.falls_short(&["evidence-is-valid"], &["says nothing", "locked the server"]);
    switched_off.falls_short(&["evidence-is-valid"], &["says nothing", "locked the server"]);
}

#[test]
fn maxclients_1_ends_in_a_verdict() {
    let [after, without_the_checker, before] = try_all([
        redis(format!("{DONE}CONFIG SET maxclients 1\n")),
        python(
            "done()\nask('CONFIG SET maxclients 1')\nask('CLIENT KILL TYPE normal SKIPME yes')\n",
        ),
        python("ask('CONFIG SET maxclients 1')\nfirst = connect()\ndone()\n"),
    ]);
    after.passes();
    without_the_checker.passes();
    assert!(!before.verdict.passed());
    before.falls_short(&before.verdict.unmet(), &["maxclients"]);
}

fn has_rejected(client: &mut Client, limit: Duration) -> bool {
    let stats = reply::format(&client.call(&["INFO", "stats"], limit).unwrap());
    !stats.contains("rejected_connections:0")
}

/// The system closes the connections of an answer that has ended a moment later.
#[test]
fn the_checker_waits_until_the_answers_last_connection_is_closed() {
    let mut server = Server::start(&local_source(), &[]).unwrap();
    let mut answer = default_user(&server);
    let limit = Duration::from_secs(30);
    answer.call(&["CONFIG", "SET", "maxclients", "1"], limit).unwrap();
    answer.call(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"], limit).unwrap();
    let closing = std::thread::Builder::new();
    let closing = closing.spawn(move || while !has_rejected(&mut answer, limit) {}).unwrap();
    assert!(server.info(limit).is_ok());
    closing.join().unwrap();
}

#[test]
fn a_closed_port_ends_in_a_verdict() {
    let [port, bind, before] = try_all([
        redis(format!("{DONE}CONFIG SET port 0\n")),
        redis(format!("{DONE}CONFIG SET bind 127.0.0.2\n")),
        python("ask('CONFIG SET port 0')\nfirst = connect()\ndone()\n"),
    ]);
    port.passes();
    bind.passes();
    assert!(!before.verdict.passed());
    before.falls_short(&before.verdict.unmet(), &["port"]);
}

#[test]
fn closed_connections_change_no_verdict() {
    let [killed, idle, both] = try_all_patiently([
        redis(format!("{DONE}CLIENT KILL TYPE normal SKIPME no\n")),
        python("done()\nask('CONFIG SET timeout 1')\ntime.sleep(2)\n"),
        redis(format!("{DONE}CONFIG SET timeout 1\nCLIENT KILL TYPE normal\n")),
    ]);
    killed.passes();
    idle.passes();
    both.passes();
}
