//! Late results belong to the step where they began.

use std::time::Duration;

use redis::Value;

use super::{
    FIRST, PASSED, another_client, asks, on_the_server_with, opens_saving, opens_the_prompt,
    resumes,
};
use crate::support::terminal::{CTRL_D, Student, until};

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_late_pass_counts_for_its_own_exercise() {
    let student = Student::at(FIRST);
    student.saves("creating-snapshots.redis", "SAVE\nBGSAVE\n");
    let mut terminal = resumes(&student);
    terminal.presses("cn");
    terminal.sees_the_line("Using BGSAVE");
    terminal.sees("passed meanwhile: Creating snapshots");
    terminal.sees_the_line("Using BGSAVE");
    let progress = student.progress();
    let passed = progress.lines().find(|line| line.starts_with("passed")).unwrap();
    assert_eq!(passed, "passed = [\"creating-snapshots\"]");
}

#[test]
fn an_exploration_is_journalled_under_its_own_step() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    opens_the_prompt(&mut terminal);
    terminal.types("SET a b");
    terminal.sees_the_line("OK");
    terminal.is_asked_for_a_command();
    terminal.presses(CTRL_D);
    terminal.sees("c check what you did");
    terminal.presses("n");
    terminal.sees_the_line("Using BGSAVE");
    let journal = student.path("state/redislings/journal.jsonl");
    until(SOON, || journal.exists(), || "no journal".to_owned());
    terminal.presses("q");
    terminal.ends();
    let journal = std::fs::read_to_string(journal).unwrap();
    assert!(journal.contains("Creating snapshots"), "{journal}");
    assert!(!journal.contains("Using BGSAVE"), "{journal}");
}

#[test]
fn the_saved_prompt_answer_holds_every_line() {
    let student = Student::new();
    let mut terminal = opens_saving(&student);
    opens_the_prompt(&mut terminal);
    for line in ["SAVE", "BGSAVE", "@wait-bgsave"] {
        terminal.types(line);
    }
    terminal.sees("passed: all checks met");
    terminal.is_asked_for_a_command();
    terminal.presses(CTRL_D);
    terminal.sees(PASSED);
    terminal.presses("c");
    terminal.sees("passed: all 3 checks met");
    assert_eq!(student.answer("saving-twice.redis"), "SAVE\nBGSAVE\n@wait-bgsave\n");
}

#[test]
fn manual_work_ticks_no_check_of_the_next_step() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    let mut other = another_client(&mut terminal);
    asks(&mut other, &["SET before yes", "SAVE"]);
    terminal.sees("✓ SAVE took a snapshot");
    terminal.presses("n");
    terminal.sees("step 7 of 11");
    on_the_server_with(&mut terminal, &["EXISTS", "before"], &Value::Int(0));
    terminal.sees("c check what you did");
    terminal.sees("○ a snapshot was begun with BGSAVE");
    assert!(!terminal.text().contains("✓ a snapshot"), "{}", terminal.text());
}

#[test]
fn pressing_c_again_during_a_check_starts_no_second_check() {
    let student = Student::at(FIRST);
    student.saves("creating-snapshots.redis", "SAVE\n");
    let mut terminal = resumes(&student);
    terminal.presses("ccc");
    terminal.sees("✗ BGSAVE began");
    // A second check would come before this one.
    student.saves("creating-snapshots.redis", "SAVE\nBGSAVE\n");
    terminal.sees(PASSED);
    let journal = std::fs::read_to_string(student.path("state/redislings/journal.jsonl")).unwrap();
    assert_eq!(journal.lines().count(), 2, "{journal}");
}

#[test]
fn the_prompt_shows_the_checks_of_its_own_server() {
    let student = Student::at(FIRST);
    student.saves("creating-snapshots.redis", "SAVE\nBGSAVE\n");
    let mut terminal = resumes(&student);
    terminal.presses("c");
    terminal.sees(PASSED);
    opens_the_prompt(&mut terminal);
    terminal.sees("○ SAVE took a snapshot");
    assert!(!terminal.text().contains("✓ SAVE took"), "{}", terminal.text());
}

#[test]
fn the_saved_prompt_answer_keeps_the_waits() {
    let student = Student::at("using-bgsave");
    let mut terminal = resumes(&student);
    opens_the_prompt(&mut terminal);
    terminal.types("SET report:daily ready");
    terminal.types("BGSAVE");
    terminal.sees("✓ no background save runs any more when the answer ends");
    terminal.is_asked_for_a_command();
    terminal.presses(CTRL_D);
    terminal.sees("c check what you did");
    terminal.presses("c");
    terminal.sees(PASSED);
    terminal.presses("t");
    terminal.sees_no_more(PASSED);
    terminal.presses("c");
    terminal.sees("passed: all 6 checks met");
}
