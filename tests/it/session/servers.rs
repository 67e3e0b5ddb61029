//! Servers die; the session goes on.

use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{FIRST, another_client, asks, plays, resumes};
use crate::support::terminal::Student;

/// Kills all that run now; whether there were any.
fn kills_the_servers(student: &Student) -> bool {
    let servers = student.servers();
    for server in &servers {
        kill(Pid::from_raw(*server), Signal::SIGKILL).unwrap();
    }
    !servers.is_empty()
}

/// Also those that are only being started: until no more come for a while.
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
    plays(&mut terminal);
    terminal.types("PING");
    terminal.sees_the_line("PONG");
}

#[test]
fn a_server_that_dies_under_work_by_hand_is_told_and_the_next_prompt_has_another() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    plays(&mut terminal);
    terminal.types("SET a b");
    terminal.sees_the_line("OK");
    assert!(kills_the_servers(&student));
    terminal.sees("the server was lost");
    terminal.types("exit");
    terminal.sees("s solution");
    terminal.sees_no_more("j judge what was done");
    plays(&mut terminal);
    terminal.types("EXISTS a");
    terminal.sees_the_line("(integer) 0");
}

#[test]
fn a_server_that_is_killed_before_the_judge_comes_is_no_pass() {
    let student = Student::at("trigger-snapshots-manually");
    let mut terminal = resumes(&student);
    let mut other = another_client(&mut terminal);
    asks(&mut other, &["MSET order:1001 paid order:1002 paid order:1003 paid", "SAVE"]);
    terminal.sees("all that can be seen now is met");
    assert!(kills_the_servers(&student));
    terminal.presses("j");
    terminal.sees_no_more("all that can be seen now is met");
    terminal.sees("0 of 5 passed");
    terminal.presses("l");
    terminal.sees("○ Triggering snapshots by hand");
}
