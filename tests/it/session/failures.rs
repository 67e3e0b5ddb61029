//! Failures of the environment are reported with help, and the session goes on.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::{FIRST, PASSED, address, another_client, asks, opens_the_prompt, resumes};
use crate::support::terminal::{DOWN, ENTER, Student, Terminal, USUAL};
use crate::support::wait_until;

const BOTH: &str = "SAVE\nBGSAVE\n";

fn opens_the_answer_in_redis_commands(terminal: &mut Terminal) {
    terminal.presses("e");
    terminal.sees("Answer in which language?");
    terminal.presses(DOWN);
    terminal.presses(ENTER);
}

fn goes_on(terminal: &mut Terminal) {
    terminal.presses("n");
    terminal.sees("It is midnight in the shop.");
    terminal.presses("q");
    assert_eq!(terminal.ends().exit_code(), 0);
    assert!(terminal.is_sane());
}

#[test]
fn unwritable_answers_are_reported_and_the_prompt_still_works() {
    let student = Student::at(FIRST);
    // A file in place of the folder stops even root.
    std::fs::write(student.path("work/answers"), "").unwrap();
    let mut terminal = resumes(&student);
    opens_the_answer_in_redis_commands(&mut terminal);
    terminal.sees("error: cannot write answers/creating-snapshots.redis");
    terminal.sees("help: free some space, or start redislings in a folder that you can write to");
    opens_the_prompt(&mut terminal);
    terminal.types("SAVE");
    terminal.types("exit");
    terminal.sees("c check what you did");
    terminal.presses("c");
    terminal.sees("✗ BGSAVE began a snapshot");
    terminal.sees("error: cannot write answers/creating-snapshots.redis");
    goes_on(&mut terminal);
}

#[test]
fn unwritable_progress_is_reported_and_the_session_goes_on() {
    let student = Student::at(FIRST);
    std::fs::create_dir(student.path("state/redislings/progress.lock")).unwrap();
    let mut terminal = student.starts_redislings(USUAL);
    terminal.sees("step 6 of 11");
    terminal.sees("cannot write the progress file");
    student.saves("creating-snapshots.redis", BOTH);
    terminal.sees("✓ the background save ended well");
    terminal.sees("cannot write the progress file");
    // The session itself still knows it.
    terminal.sees("1 of 5 passed");
    goes_on(&mut terminal);
}

#[test]
fn a_stall_restarts_the_answer_silently() {
    let student = Student::at("using-bgsave");
    let mut terminal = resumes(&student);
    student.saves("using-bgsave.redis", "SET report:daily ready\nBGSAVE\n@wait-bgsave\n");
    // Its save takes two seconds.
    terminal.sees(": run");
    terminal.sends(Signal::SIGSTOP);
    let stopped = Instant::now();
    wait_until("a second is over", || stopped.elapsed() > Duration::from_secs(1));
    terminal.sends(Signal::SIGCONT);
    terminal.sees(PASSED);
    assert!(!terminal.text().contains("stalled"), "{}", terminal.text());
    terminal.presses("q");
    terminal.ends();
}

#[test]
fn without_redis_the_session_says_what_to_install() {
    let student = Student::at(FIRST);
    let nothing = student.path("nothing");
    std::fs::create_dir(&nothing).unwrap();
    let mut terminal = student.starts_redislings_with(USUAL, |command| {
        command.args(["--server", "process"]);
        command.env("PATH", &nothing);
    });
    terminal.sees("neither redis-server nor valkey-server is on PATH");
    terminal.sees("help: install one");
    terminal.presses("h");
    terminal.sees_no_more("help: install one");
    terminal.presses("p");
    terminal.sees("neither redis-server nor valkey-server is on PATH");
    goes_on(&mut terminal);
}

#[test]
fn two_sessions_warn_and_both_keep_their_progress() {
    let student = Student::at(FIRST);
    let mut first = resumes(&student);
    let mut second = student.starts_redislings(USUAL);
    second.sees("another session of yours is running");
    second.presses("n");
    second.sees("It is midnight in the shop.");
    second.presses("b");
    second.sees("Three paid orders");
    let (mut one, mut other) = (another_client(&mut first), another_client(&mut second));
    assert_ne!(address(&first), address(&second));
    asks(&mut one, &["SAVE", "BGSAVE"]);
    first.sees("✓ the background save ended well");
    first.presses("c");
    first.sees(PASSED);
    second.presses("n");
    second.sees("It is midnight in the shop.");
    second.presses("b");
    second.sees("Three paid orders");
    asks(&mut other, &["PING"]);
    student.saves("creating-snapshots.redis", BOTH);
    second.sees(PASSED);
    assert!(student.progress().contains(FIRST), "{}", student.progress());
}

#[test]
fn a_failing_editor_is_reported() {
    let student = Student::at(FIRST);
    student.has_the_editor("exit 3");
    let mut terminal = resumes(&student);
    opens_the_answer_in_redis_commands(&mut terminal);
    // The path before it has any length.
    terminal.sees("scribe");
    terminal.sees("status: 3");
    terminal.sees("help: set EDITOR to an editor that waits");
    goes_on(&mut terminal);
}

#[test]
fn a_missing_editor_is_reported() {
    let student = Student::at(FIRST);
    std::fs::remove_file(student.path("scribe")).unwrap();
    let mut terminal = resumes(&student);
    opens_the_answer_in_redis_commands(&mut terminal);
    terminal.sees("scribe");
    terminal.sees("error 2)");
    goes_on(&mut terminal);
}

#[test]
fn damaged_progress_is_set_aside() {
    let student = Student::new();
    student.has_the_progress("passed = [\"creating-sn");
    let mut terminal = student.starts_redislings(USUAL);
    terminal.sees("the progress file was damaged; it is kept as");
    terminal.sees("Everything you put into Redis");
    let aside = student.path("state/redislings/progress.damaged-1.toml");
    assert_eq!(std::fs::read_to_string(aside).unwrap(), "passed = [\"creating-sn");
    terminal.presses("q");
    assert_eq!(terminal.ends().exit_code(), 0);
}
