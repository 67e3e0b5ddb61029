//! Stopped from outside and continued by the shell.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{FIRST, resumes};
use crate::support::terminal::{CTRL_Z, ENTER, SMALL, STOPPED, Student, Terminal, USUAL};
use crate::support::wait_until;

const TITLE: &str = "Creating snapshots";

#[test]
fn after_sigstop_the_session_is_drawn_anew_in_raw_mode() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    terminal.sees(TITLE);
    terminal.sends(Signal::SIGSTOP);
    terminal.is_the_shells_again();
    terminal.sends(Signal::SIGCONT);
    terminal.sees_no_more(STOPPED);
    wait_until("the terminal is in raw mode", || terminal.is_raw());
    terminal.sees(TITLE);
    terminal.presses("n");
    terminal.sees("step 7 of 11");
}

#[test]
fn a_window_that_changed_while_the_session_was_stopped_is_filled() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    terminal.sees(TITLE);
    terminal.sends(Signal::SIGSTOP);
    terminal.is_the_shells_again();
    terminal.resizes(SMALL);
    terminal.sends(Signal::SIGCONT);
    terminal.sees_no_more(STOPPED);
    terminal.sees(TITLE);
    reads_keys_again(&mut terminal);
}

#[test]
fn sigtstp_gives_the_terminal_back_before_the_session_stops() {
    let student = Student::at(FIRST);
    let mut terminal = resumes_in_a_shell(&student);
    terminal.sees(TITLE);
    let process = std::fs::read_to_string(student.path("home/process")).unwrap();
    kill(Pid::from_raw(process.trim().parse().unwrap()), Signal::SIGTSTP).unwrap();
    goes_on_after_a_stop(&mut terminal);
}

#[test]
fn ctrl_z_suspends_to_the_shell() {
    let student = Student::at(FIRST);
    let mut terminal = resumes_in_a_shell(&student);
    terminal.presses(CTRL_Z);
    goes_on_after_a_stop(&mut terminal);
}

#[test]
fn where_no_shell_could_continue_it_the_session_does_not_stop() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    terminal.presses(CTRL_Z);
    terminal.sees("no shell here could continue the session");
    terminal.presses("n");
    terminal.sees("step 7 of 11");
    terminal.sends(Signal::SIGTSTP);
    terminal.sees("no shell here could continue the session");
    terminal.presses("b");
    terminal.sees("step 6 of 11");
}

/// As a job of a shell, which continues it at Enter.
fn resumes_in_a_shell(student: &Student) -> Terminal {
    let job = "sh -c 'echo $$ > ~/process; exec \"$0\"' \"$0\"";
    let script = format!("set -m; {job}; printf '{STOPPED}'; read line; fg");
    let terminal = student.starts_redislings_with(USUAL, |command| {
        let redislings = command.get_argv()[0].clone();
        *command.get_argv_mut() = vec!["sh".into(), "-c".into(), script.into(), redislings];
    });
    terminal.sees("welcome back");
    terminal
}

fn goes_on_after_a_stop(terminal: &mut Terminal) {
    terminal.sees(STOPPED);
    assert!(terminal.is_sane());
    terminal.presses(ENTER);
    terminal.sees_no_more(STOPPED);
    reads_keys_again(terminal);
}

/// A key that comes while the terminal changes hands may be lost; another press of this one does no
/// harm.
fn reads_keys_again(terminal: &mut Terminal) {
    wait_until("the terminal is in raw mode", || terminal.is_raw());
    wait_until("a key is read", || {
        terminal.presses("?");
        terminal.text().contains("what it does")
    });
}
