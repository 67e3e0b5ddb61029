//! What is still under way when the student goes to another step.

use super::{FIRST, another_client, asks, resumes};
use crate::support::terminal::{Student, WITH_PYTHON};

const SECOND: &str = "using-bgsave";

#[test]
fn a_verdict_that_comes_too_late_counts_for_the_exercise_it_is_about() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    let begun = student.path("begun");
    student.saves(
        "creating-snapshots.py",
        &format!(
            "import redis\nclient = redis.Redis(host='localhost', port=6379)\nopen('{}', 'w').close()\n\
             client.save()\nclient.bgsave()\nprint('Manual snapshot triggered.')\n",
            begun.display()
        ),
    );
    student.waits_for_the_file("begun", WITH_PYTHON);
    terminal.presses("n");
    terminal.sees("`creating-snapshots`, which you have left: passed");
    terminal.sees("Using BGSAVE");
    terminal.presses("q");
    terminal.ends();
    let progress = student.progress();
    let passed = progress.lines().find(|line| line.starts_with("passed")).unwrap_or_default();
    assert!(progress.contains(FIRST) && !passed.contains(SECOND), "{progress}");
}

#[test]
fn work_by_hand_ticks_no_check_of_the_next_step() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    let mut other = another_client(&mut terminal);
    asks(&mut other, &["SAVE"]);
    terminal.sees("✓ SAVE took a snapshot");
    terminal.presses("n");
    terminal.sees("step 7 of 11");
    let mut other = another_client(&mut terminal);
    asks(&mut other, &["PING"]);
    terminal.sees("j judge what was done");
    terminal.sees("○ a snapshot was begun with BGSAVE");
    assert!(!terminal.text().contains("✓ a snapshot"), "{}", terminal.text());
}
