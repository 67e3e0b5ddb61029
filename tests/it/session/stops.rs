//! Stopped from outside and continued by the shell.

use nix::sys::signal::Signal;

use super::{FIRST, resumes};
use crate::support::terminal::{SMALL, STOPPED, Student};
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
    terminal.presses("n");
    terminal.sees("step 7 of 11");
}

#[test]
fn sigtstp_gives_the_terminal_back_before_the_session_stops() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    terminal.sees(TITLE);
    terminal.sends(Signal::SIGTSTP);
    wait_until("the session has stopped", || terminal.is_stopped());
    assert!(terminal.is_sane());
    terminal.is_the_shells_again();
    terminal.sends(Signal::SIGCONT);
    terminal.sees_no_more(STOPPED);
    wait_until("the terminal is in raw mode", || terminal.is_raw());
    terminal.presses("n");
    terminal.sees("step 7 of 11");
}
