use std::time::Duration;

use crate::topics::snapshots::tests::scene::{CALM, NONE, OK, SAVED, STDOUT, TIMEOUT, scene};
use crate::verdict::Pointer;

#[test]
fn a_script_makes_others_wait() {
    let sent = [("EVAL x 0", "nil")];
    scene(CALM, &sent).took(0, 800).waited(1, 790).is("script-blocks-everyone", 0);
    scene(CALM, &sent).took(0, 1).waited(500, 790).has_no_cause();
}

#[test]
fn a_slow_command_makes_others_wait() {
    let sent = [("DEBUG SLEEP 1", OK), ("BLPOP a 1", "nil")];
    let slept = || scene(CALM, &sent[..1]).took(0, 1000).waited(1, 990);
    slept().info("cmdstat_debug:calls=1,usec=1000123\n").is("slow-command-blocks-everyone", 0);
    // The command itself had to wait.
    slept().info("cmdstat_debug:calls=1,usec=123\n").has_no_cause();
    slept().change(|evidence| evidence.looks.clear()).never("slow-command-blocks-everyone");
    // BLPOP makes only its own connection wait.
    scene(CALM, &sent[1..]).took(0, 1000).waited(1, 990).has_no_cause();
}

#[test]
fn clients_were_paused() {
    scene(CALM, &[("CLIENT PAUSE 500", OK)]).waited(5, 495).is("client-pause", 0);
    scene(CALM, &[("CLIENT PAUSE 500 WRITE", OK)]).waited(5, 495).has_no_cause();
    scene(CALM, &[("CLIENT PAUSE 10", OK)]).waited(5, 495).has_no_cause();
    let sent = [("CLIENT PAUSE 500", OK), ("CLIENT UNPAUSE", OK)];
    scene(CALM, &sent).waited(5, 495).is("client-pause", 0);
    scene(CALM, &sent).waited(600, 700).has_no_cause();
}

#[test]
fn a_pause_that_was_over_is_no_cause() {
    let sent = [("CLIENT PAUSE 100", OK), ("BLPOP queue 0", NONE)];
    let out = || scene(STDOUT, &sent).timed_out();
    out()
        .change(|evidence| evidence.took = Duration::from_secs(3))
        .is("waits-for-somebody-else", 1);
    let sent = [("CLIENT PAUSE 60000", OK), ("GET a", NONE)];
    let out = || {
        scene(STDOUT, &sent).timed_out().change(|evidence| evidence.took = Duration::from_secs(3))
    };
    out().is("client-pause", 0);
    let sent = [("CLIENT PAUSE 60000", OK), ("CLIENT UNPAUSE", OK), ("GET a", NONE)];
    scene(STDOUT, &sent).timed_out().has_no_cause();
    // A short pause, and then an endless loop.
    let sent = [("CLIENT PAUSE 200", OK), ("GET a", "nil")];
    let out = scene(STDOUT, &sent).timed_out().took(1, 200);
    out.change(|evidence| evidence.took = Duration::from_secs(10)).has_no_cause();
}

#[test]
fn a_script_without_an_end() {
    let sent = [("EVAL \"while true do end\" 0", NONE)];
    let silent = |checks| scene(checks, &sent).change(|evidence| evidence.looks.clear());
    silent(STDOUT).timed_out().is("endless-script", 0);
    silent(SAVED).invalid("the server says nothing any more: BUSY").is("endless-script", 0);
    // The server has responded since: the script only took longer than its client's timeout.
    scene(STDOUT, &sent).failed(TIMEOUT).seen_at("program-failed", &Pointer::ProgramErrors);
    scene(STDOUT, &sent).failed("KeyError: 1").seen_at("program-failed", &Pointer::ProgramErrors);
}

#[test]
fn waiting_for_somebody_else() {
    scene(STDOUT, &[("BLPOP queue 0", NONE)]).timed_out().is("waits-for-somebody-else", 0);
    scene(STDOUT, &[("WAIT 1 0", NONE)]).timed_out().has_no_cause();
    scene(STDOUT, &[("SAVE", NONE)]).timed_out().has_no_cause();
}
