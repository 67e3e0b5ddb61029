//! A student goes through the whole of Lesson 4, from the first start to its end.

use redis::Value;

use super::{PASSED, RIGHT, asks, on_the_server_with, opens_the_prompt, turns_pages_to};
use crate::support::terminal::{
    CTRL_D, DOWN, END, ENTER, SMALL, Student, Terminal, USUAL, WITH_PYTHON,
};

const WITHOUT_BGSAVE: &str = "import redis\n\n\
    client = redis.Redis(host=\"localhost\", port=6379)\n\
    client.save()\n\
    print(\"Manual snapshot triggered.\")\n";

const IN_THE_BACKGROUND: &str = r#"import time

import redis

client = redis.Redis(host="localhost", port=6379)
client.set("report:daily", "ready")
client.bgsave()
deadline = time.monotonic() + 8
while client.info("persistence")["rdb_bgsave_in_progress"]:
    if time.monotonic() > deadline:
        raise SystemExit("the background save takes too long")
    time.sleep(0.05)
print("Background snapshot finished.")
"#;

/// Whether there is a CSI … m sequence with a colour number. `ESC [ m`, `0`, bold and faint have
/// only one digit.
fn has_colour(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.split("\x1b[").skip(1).any(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(rest.len());
        let is_style = rest[end..].starts_with('m');
        is_style && rest[..end].split(';').any(|number| number.len() > 1)
    })
}

fn reads_to_the_first_exercise(terminal: &mut Terminal) {
    terminal.sees("Welcome to redislings");
    terminal.presses("n");
    terminal.sees("Everything you put into Redis");
    terminal.presses("n");
    terminal.sees("What a snapshot is");
    // One page too many would be the next step.
    terminal.presses(END);
    terminal.sees(" end ");
    for heading in ["SAVE and BGSAVE", "Seeing it happen", "Both in one program"] {
        terminal.presses("n");
        terminal.sees_the_line(heading);
    }
    terminal.presses("n");
    terminal.sees_the_line("Creating snapshots");
}

/// Answers in the editor: first wrong, then right after two hints.
fn answers_the_first_in_an_editor(terminal: &mut Terminal, student: &Student) {
    student.writes_in_the_editor(WITHOUT_BGSAVE);
    terminal.presses("e");
    terminal.sees("Answer in which language?");
    terminal.presses(ENTER);
    terminal.sees_within(WITH_PYTHON, "not passed: 3 of 7 checks met");
    terminal.sees("✗ BGSAVE began a snapshot");
    for (key, hint) in [("h", "hint 1 of 3"), ("h", "hint 2 of 3"), ("H", "hint 1 of 3")] {
        terminal.presses(key);
        terminal.sees_the_line(hint);
    }
    student.writes_in_the_editor(RIGHT);
    terminal.presses("e");
    terminal.sees(PASSED);
    terminal.sees("1 of 5 passed");
}

fn compares_with_the_solution(terminal: &mut Terminal, difference: &str) {
    terminal.presses("s");
    terminal.sees("compared with your answer");
    turns_pages_to(terminal, "a solution in ");
    turns_pages_to(terminal, difference);
}

#[test]
fn a_student_goes_through_the_whole_lesson_and_comes_back() {
    let student = Student::new();
    let mut terminal = student.starts_redislings(USUAL);
    reads_to_the_first_exercise(&mut terminal);
    answers_the_first_in_an_editor(&mut terminal, &student);
    compares_with_the_solution(&mut terminal, "# Mine.");
    terminal.presses("n");
    answers_the_second_in_another_window(&terminal, &student);
    terminal.presses("n");
    answers_the_third_at_the_prompt(&mut terminal);
    terminal.presses("n");
    answers_the_fourth_with_another_client(&mut terminal);
    terminal.presses("n");
    answers_the_fifth_at_the_prompt(&mut terminal);
    terminal.presses("n");
    terminal.sees("Where to go from here");
    terminal.presses("n");
    terminal.sees("Lesson 4 complete · 5 of 5 exercises");
    terminal.sees("Keep in mind");
    terminal.presses("q");
    assert_eq!(terminal.ends().exit_code(), 0);
    terminal.sees("your progress is saved: start `redislings` again to continue");
    assert!(has_colour(&terminal.bytes()));
    comes_back(&student);
}

fn answers_the_second_in_another_window(terminal: &Terminal, student: &Student) {
    terminal.sees("It is midnight in the shop.");
    student.saves("using-bgsave.py", IN_THE_BACKGROUND);
    terminal.sees("✓ the report and the three orders survive a crash");
    terminal.sees(PASSED);
    terminal.sees("2 of 5 passed");
}

fn answers_the_third_at_the_prompt(terminal: &mut Terminal) {
    terminal.sees("Now the real thing.");
    opens_the_prompt(terminal);
    terminal.types("MSET order:1001 paid order:1002 paid order:1003 paid");
    terminal.types("SAVE");
    terminal.is_asked_for_a_command();
    terminal.presses(CTRL_D);
    terminal.sees("c checks what you did");
    terminal.presses("c");
    terminal.sees("✓ the three orders are still there after the crash");
    terminal.sees("3 of 5 passed");
}

fn answers_the_fourth_with_another_client(terminal: &mut Terminal) {
    terminal.sees("A shop with a thousand products is open");
    let mut other = on_the_server_with(terminal, &["EXISTS", "order:1001"], &Value::Int(0));
    asks(&mut other, &["BGSAVE"]);
    terminal.sees("✓ a new snapshot was finished when the answer ended");
    terminal.presses("c");
    terminal.sees("✓ the snapshot file alone holds every product as it was");
    terminal.sees("4 of 5 passed");
}

fn answers_the_fifth_at_the_prompt(terminal: &mut Terminal) {
    terminal.sees("Which moment? Predict it");
    opens_the_prompt(terminal);
    for line in [
        "SET order:before 1",
        "BGSAVE",
        "MSET status shipped order:during 1",
        "@wait-bgsave",
        "SET order:after 1",
        "HSET prediction order:before yes order:during no order:after no status paid",
    ] {
        terminal.types(line);
    }
    terminal.types("exit");
    terminal.sees("c check what you did");
    terminal.presses("c");
    terminal.sees("5 of 5 passed");
}

fn comes_back(student: &Student) {
    let mut terminal = student.starts_redislings(USUAL);
    super::skips_the_questions(&mut terminal);
    terminal.sees("Where to go from here");
    terminal.presses("l");
    terminal.sees("✓ What is in the file");
    assert!(!terminal.text().contains('○'), "{}", terminal.text());
    terminal.presses("q");
    terminal.ends();
    let listed = student.starts_redislings_with(USUAL, |command| command.arg("list"));
    listed.sees("5 of 5 exercises passed");
}

fn starts_without_colour(student: &Student) -> Terminal {
    student.starts_redislings_with(SMALL, |command| {
        command.env("NO_COLOR", "1");
    })
}

#[test]
fn a_small_screen_without_colour_is_enough_for_an_exercise() {
    let student = Student::new();
    let mut terminal = starts_without_colour(&student);
    reads_to_the_first_exercise(&mut terminal);
    student.writes_in_the_editor("SAVE\n");
    terminal.presses("e");
    terminal.sees("Answer in which language?");
    terminal.presses(DOWN);
    terminal.presses(ENTER);
    turns_pages_to_verdict(&mut terminal, "not passed: 2 of 6 checks met");
    terminal.presses("h");
    terminal.sees_the_line("hint 1 of 3");
    student.writes_in_the_editor("SAVE\nBGSAVE\nPING\n");
    terminal.presses("e");
    terminal.sees(PASSED);
    compares_with_the_solution(&mut terminal, "+++ solution");
    terminal.presses("n");
    terminal.sees_the_line("Using BGSAVE");
    terminal.presses("q");
    assert_eq!(terminal.ends().exit_code(), 0);
    let bytes = terminal.bytes();
    assert!(!has_colour(&bytes), "{}", String::from_utf8_lossy(&bytes).escape_debug());
    let mut again = starts_without_colour(&student);
    super::skips_the_questions(&mut again);
    again.sees_the_line("Using BGSAVE");
}

fn turns_pages_to_verdict(terminal: &mut Terminal, result: &str) {
    terminal.sees(result);
    terminal.presses(END);
    terminal.sees("✗ BGSAVE began");
}

#[test]
fn color_never_gives_no_colour() {
    let student = Student::at(super::FIRST);
    student.saves("creating-snapshots.redis", "SAVE\n");
    let mut terminal = student.starts_redislings_with(USUAL, |command| {
        command.args(["--color", "never"]);
    });
    terminal.sees("welcome back");
    terminal.presses("c");
    turns_pages_to_verdict(&mut terminal, "not passed: 2 of 6 checks met");
    terminal.presses("l");
    terminal.sees("Who has to wait");
    assert!(!has_colour(&terminal.bytes()));
}
