//! A check ends when nobody waits for it any more: by a newer save, a key, or the end.

use std::time::{Duration, Instant};

use super::{FIRST, PASSED, RIGHT, opens_the_prompt, resumes};
use crate::support::terminal::{CTRL_C, CTRL_D, ESCAPE, Student, Terminal, WITH_PYTHON};

/// Never ends by itself, and starts a process that leaves its group.
const ENDLESS: &str = "\
import os, redis, subprocess
subprocess.Popen(['sleep', '3600'], start_new_session=True)
client = redis.Redis()
print('begun')
open(os.environ['TMPDIR'] + '/../running', 'w').close()
while True:
    client.ping()
";

/// The time limit of the first exercise is 10 s.
const LONG_BEFORE_THE_LIMIT: Duration = Duration::from_secs(6);

/// Saves the endless answer and waits until it runs.
fn saves_the_endless_one(student: &Student, terminal: &mut Terminal) {
    student.saves("creating-snapshots.py", ENDLESS);
    terminal.sees("checking");
    student.waits_for_the_file("running", WITH_PYTHON);
}

fn has_no_process(student: &Student, command: &str) {
    let is_left = || student.processes().iter().any(|process| process.contains(command));
    crate::support::wait_until("the answer's processes are gone", || !is_left());
}

#[test]
fn a_newer_save_ends_the_check_and_begins_the_next() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    saves_the_endless_one(&student, &mut terminal);
    let saved = Instant::now();
    student.saves("creating-snapshots.py", RIGHT);
    terminal.sees(PASSED);
    let took = saved.elapsed();
    eprintln!("verdict {took:?} after the save");
    assert!(took < LONG_BEFORE_THE_LIMIT, "{took:?}");
    has_no_process(&student, "sleep 3600");
    let journal = std::fs::read_to_string(student.path("state/redislings/journal.jsonl")).unwrap();
    assert_eq!(journal.lines().count(), 1, "{journal}");
    assert_eq!(student.failed_attempts(FIRST), None);
    terminal.presses("q");
    terminal.ends();
    student.has_nothing_left_within(Duration::from_secs(10));
}

/// This line of a `redis` answer would run until the time limit.
fn a_newer_save_ends(line: &str) {
    let student = Student::at(FIRST);
    let terminal = resumes(&student);
    student.saves("creating-snapshots.redis", &format!("{line}\n"));
    terminal.sees(": run");
    let saved = Instant::now();
    student.saves("creating-snapshots.redis", "SAVE\nBGSAVE\n");
    terminal.sees(PASSED);
    assert!(saved.elapsed() < LONG_BEFORE_THE_LIMIT, "{:?}", saved.elapsed());
}

#[test]
fn a_newer_save_ends_typed_commands_that_block() {
    a_newer_save_ends("BLPOP nobody 0");
}

#[test]
fn a_newer_save_does_not_wait_for_a_busy_server() {
    a_newer_save_ends("EVAL \"while true do end\" 0");
}

#[test]
fn escape_ends_a_check_and_so_does_the_first_ctrl_c() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    for key in [ESCAPE, CTRL_C] {
        saves_the_endless_one(&student, &mut terminal);
        terminal.sees("Esc ends it");
        terminal.presses(key);
        terminal.sees("the check was ended");
        has_no_process(&student, "sleep 3600");
        std::fs::remove_file(student.path("running")).unwrap();
        student.saves("creating-snapshots.py", "print('other')\n");
        terminal.sees("not passed");
        terminal.presses("t");
        terminal.sees_no_more("not passed: ");
    }
    terminal.presses(CTRL_C);
    assert_eq!(terminal.ends().exit_code(), 130);
    student.has_nothing_left_within(Duration::from_secs(10));
}

#[test]
fn a_cancelled_judging_leaves_a_fresh_server() {
    let student = Student::at("using-bgsave");
    let mut terminal = resumes(&student);
    opens_the_prompt(&mut terminal);
    terminal.types("CONFIG SET rdb-key-save-delay 5000000");
    terminal.is_asked_for_a_command();
    terminal.types("BGSAVE");
    terminal.is_asked_for_a_command();
    terminal.presses(CTRL_D);
    terminal.sees("c check what you did");
    terminal.presses("c");
    terminal.sees("judging what was done");
    terminal.presses(ESCAPE);
    terminal.sees("the judging was ended");
    assert!(
        !student.path("state/redislings/progress.toml").exists() || {
            student.failed_attempts("using-bgsave").is_none()
        }
    );
    opens_the_prompt(&mut terminal);
    terminal.types("LASTSAVE");
    terminal.sees("(integer)");
}
