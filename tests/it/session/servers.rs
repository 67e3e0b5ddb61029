//! Servers die; the session goes on.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{FIRST, another_client, asks, opens_the_prompt, resumes};
use crate::support::terminal::Student;

/// Kills all running servers. Returns whether there were any.
fn kills_the_servers(student: &Student) -> bool {
    let servers = student.servers();
    for server in &servers {
        kill(Pid::from_raw(*server), Signal::SIGKILL).unwrap();
    }
    !servers.is_empty()
}

/// Also kills servers that are still starting: repeats until no new one appears for a second.
fn kills_servers_until_there_are_none(student: &Student) {
    let mut last = Instant::now();
    while last.elapsed() < Duration::from_secs(1) {
        if kills_the_servers(student) {
            last = Instant::now();
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

#[test]
fn a_server_that_died_before_it_was_needed_is_replaced() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    kills_servers_until_there_are_none(&student);
    opens_the_prompt(&mut terminal);
    terminal.types("PING");
    terminal.sees_the_line("PONG");
}

#[test]
fn a_server_that_dies_at_the_prompt_is_reported_and_replaced() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    opens_the_prompt(&mut terminal);
    terminal.types("SET a b");
    terminal.sees_the_line("OK");
    assert!(kills_the_servers(&student));
    terminal.sees("the server was lost");
    terminal.types("exit");
    terminal.sees("s solution");
    terminal.sees_no_more("c check what you did");
    opens_the_prompt(&mut terminal);
    terminal.types("EXISTS a");
    terminal.sees_the_line("(integer) 0");
}

#[test]
fn a_server_killed_before_judging_does_not_pass() {
    let student = Student::at("trigger-snapshots-manually");
    let mut terminal = resumes(&student);
    let mut other = another_client(&mut terminal);
    asks(&mut other, &["MSET order:1001 paid order:1002 paid order:1003 paid", "SAVE"]);
    terminal.sees("all checks so far are met");
    assert!(kills_the_servers(&student));
    terminal.presses("c");
    terminal.sees_no_more("all checks so far are met");
    terminal.sees("0 of 5 passed");
    terminal.presses("l");
    terminal.sees("○ Triggering snapshots by hand");
}
