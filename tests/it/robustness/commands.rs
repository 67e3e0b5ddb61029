//! Commands that end, block or reconfigure the server.

use std::time::Duration;

use super::{DONE, LESSON, Trial, python, redis, try_all, try_all_at, try_all_patiently};

const NOT_DONE: [&str; 3] = ["stored", "saved", "in-background"];

#[test]
fn shutdown_ends_in_a_verdict() {
    let [at_once, after_the_task, in_python] = try_all_patiently([
        redis("SHUTDOWN\n"),
        redis(format!("{DONE}SHUTDOWN NOSAVE\n")),
        python("done()\nask('SHUTDOWN')\n"),
    ]);
    for tried in [at_once, after_the_task, in_python] {
        tried.falls_short(&["evidence-is-valid"], &["the server is gone", "SHUTDOWN ended"]);
    }
}

#[test]
fn debug_segfault_and_debug_sleep_end_in_a_verdict() {
    let [crash, sleep] = try_all([redis("DEBUG SEGFAULT\n"), redis("DEBUG SLEEP 60\n")]);
    // Redis 7 refuses DEBUG, Redis 6.2 does not.
    match crash.verdict.unmet().as_slice() {
        ["evidence-is-valid"] => crash.falls_short(&["evidence-is-valid"], &["DEBUG SEGFAULT"]),
        unmet => assert_eq!(unmet, NOT_DONE),
    }
    match sleep.verdict.unmet().first() {
        Some(&"ends-well") => {
            sleep.falls_short(&sleep.verdict.unmet(), &["still running after 3 s"]);
        }
        _ => assert_eq!(sleep.verdict.unmet(), NOT_DONE),
    }
}

#[test]
fn an_endless_script_ends_in_a_verdict() {
    let [silent, wrote, walked_away] = try_all([
        redis("EVAL \"while true do end\" 0\n"),
        redis(format!("{DONE}EVAL \"redis.call('set', 'order', 'x') while true do end\" 0\n")),
        python("done()\nfirst.sendall(b'EVAL \"while true do end\" 0\\r\\n')\ntime.sleep(0.3)\n"),
    ]);
    for tried in [silent, wrote] {
        let ends_badly = tried.verdict.unmet();
        assert!(ends_badly.contains(&"ends-well"), "{ends_badly:?}");
        tried.falls_short(&ends_badly, &["still running after 3 s", "the script of EVAL"]);
    }
    walked_away.falls_short(&["evidence-is-valid"], &["says nothing", "the script of EVAL"]);
}

#[test]
fn an_endless_script_on_a_server_that_says_so_ends_in_a_verdict() {
    let short_limit = "CONFIG SET lua-time-limit 50\n";
    let [silent, wrote] = try_all([
        redis(format!("{short_limit}EVAL \"while true do end\" 0\n")),
        redis(format!(
            "{short_limit}EVAL \"redis.call('set', 'order', 'x') while true do end\" 0\n"
        )),
    ]);
    for tried in [silent, wrote] {
        tried.falls_short(&["evidence-is-valid", "ends-well"], &["BUSY", "the script of EVAL"]);
    }
}

#[test]
fn a_paused_server_ends_in_a_verdict() {
    // On an idle machine half of its time is left at the pause.
    static LATE: Trial = Trial::with_time(LESSON, Duration::from_secs(6));
    let [late] =
        try_all_at(&LATE, [python("done()\ntime.sleep(2.5)\nask('CLIENT PAUSE 60000 ALL')\n")]);
    let [all, write, nothing_done, afterwards] = try_all([
        redis(format!("{DONE}CLIENT PAUSE 60000 ALL\n")),
        redis("CLIENT PAUSE 60000 WRITE\nSET order paid\n"),
        redis("CLIENT PAUSE 60000\n"),
        redis(format!("{DONE}CLIENT PAUSE 60000 WRITE\n")),
    ]);
    for tried in [all, late, nothing_done] {
        tried.falls_short(&["evidence-is-valid"], &["says nothing", "CLIENT PAUSE"]);
    }
    assert_eq!(write.verdict.unmet().first(), Some(&"ends-well"));
    write.falls_short(&write.verdict.unmet(), &["CLIENT PAUSE"]);
    afterwards.passes();
}

#[test]
fn a_replica_ends_in_a_verdict() {
    let [before, after] = try_all_patiently([
        redis(format!("REPLICAOF 127.0.0.1 1\n{DONE}")),
        redis(format!("{DONE}REPLICAOF 127.0.0.1 1\n")),
    ]);
    before.falls_short(&["stored"], &["REPLICAOF"]);
    after.passes();
}

#[test]
fn no_memory_ends_in_a_verdict() {
    let [before, after] = try_all_patiently([
        redis(format!("CONFIG SET maxmemory 1\n{DONE}")),
        redis(format!("{DONE}CONFIG SET maxmemory 1\n")),
    ]);
    before.falls_short(&["stored"], &["refused", "OOM"]);
    after.passes();
}

#[test]
fn reset_counters_end_in_a_verdict() {
    let [tried] = try_all_patiently([redis(format!("{DONE}CONFIG RESETSTAT\n"))]);
    tried.falls_short(&["evidence-is-valid"], &["RESETSTAT"]);
}

#[test]
fn a_slow_clock_changes_no_verdict() {
    let [after, before] = try_all_patiently([
        redis(format!("{DONE}CONFIG SET hz 1\n")),
        redis(format!("CONFIG SET dynamic-hz no\nCONFIG SET hz 1\n{DONE}")),
    ]);
    after.passes();
    before.passes();
}

#[test]
fn what_redis_refuses_changes_no_verdict() {
    let [tried] =
        try_all_patiently([redis(format!("{DONE}MODULE LOAD /nothing.so\nCONFIG REWRITE\n"))]);
    tried.passes();
}

#[test]
fn a_transaction_left_open_ends_in_a_verdict() {
    let [before, after, in_python] = try_all_patiently([
        redis("MULTI\nSET order paid\nBGSAVE\n"),
        redis(format!("{DONE}WATCH order\nMULTI\nSET order lost\n")),
        python("done()\nask('WATCH order')\nask('MULTI')\nask('SET order lost')\n"),
    ]);
    before.falls_short(&NOT_DONE, &["EXEC never came"]);
    after.passes();
    in_python.passes();
}

#[test]
fn a_subscription_left_open_ends_in_a_verdict() {
    let [typed, in_python] = try_all_patiently([
        redis(format!("{DONE}SUBSCRIBE news\n")),
        python("done()\nask('SUBSCRIBE news')\n"),
    ]);
    typed.passes();
    in_python.passes();
}

#[test]
fn what_never_ends_is_not_sent() {
    let [typed] = try_all_patiently([redis(format!("{DONE}MONITOR\n"))]);
    typed.falls_short(&["ends-well"], &["`MONITOR` never ends"]);
}

#[test]
fn replies_switched_off_end_in_a_verdict() {
    let [typed, in_python] = try_all_patiently([
        redis(format!("{DONE}CLIENT REPLY OFF\nPING\n")),
        python("done()\nfirst.sendall(b'CLIENT REPLY OFF\\r\\nPING\\r\\n')\n"),
    ]);
    typed.passes();
    in_python.passes();
}
