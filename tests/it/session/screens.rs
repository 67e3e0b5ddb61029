//! Snapshots of the most important screens. Placeholders of the same width replace what differs
//! from run to run.

use regex_lite::Regex;

use super::{FIRST, RIGHT, sees_the_address, skips_the_questions, turns_pages_to};
use crate::support::terminal::{ESCAPE, SMALL, Size, Student, Terminal, USUAL};

/// The screen once its spinner has stopped.
fn screen(terminal: &Terminal) -> String {
    terminal.rests();
    let rows = terminal.rows().into_iter().map(|(row, _)| row.trim_end().to_owned());
    let rows: Vec<String> = rows.collect();
    without_what_differs(&rows.join("\n"))
}

fn without_what_differs(screen: &str) -> String {
    let patterns = [
        // The kind of server; its path may need a second row.
        (r"server: [^\n]*\n([^\n]*\n)??n begin", "server: SERVER\nn begin"),
        (r"(redis|valkey) \d+\.\d+\.\d+ \((process|bundled)\)", "SERVER"),
        (r"redis-cli -p \d{5}", "redis-cli -p PORT0"),
        // The server's path or name, at the right edge.
        (r"(of \d met) {2,}\S[^\n]*", "$1  SERVER"),
        // LASTSAVE.
        (r"\b1\d{9}\b", "TIMESTAMP0"),
        (r"\+ *\d+\.\d ms  ", "+TIME  "),
    ];
    patterns.iter().fold(screen.to_owned(), |screen, (pattern, placeholder)| {
        Regex::new(pattern).unwrap().replace_all(&screen, *placeholder).into_owned()
    })
}

/// A session at the first exercise whose server is ready.
fn is_ready(student: &Student, size: Size, colour: &str) -> Terminal {
    let terminal = student.starts_redislings_with(size, |command| {
        command.args(["--color", colour]);
    });
    terminal.sees("welcome back");
    sees_the_address(&terminal);
    terminal
}

/// The same for a student who has passed an exercise.
fn is_ready_after_a_pass(student: &Student, size: Size, colour: &str) -> Terminal {
    let mut terminal = student.starts_redislings_with(size, |command| {
        command.args(["--color", colour]);
    });
    skips_the_questions(&mut terminal);
    sees_the_address(&terminal);
    terminal
}

fn look_like_this(size: Size, name: &str, colour: &str) {
    let new = Student::new();
    let mut terminal = new.starts_redislings_with(size, |command| {
        command.args(["--color", colour]);
    });
    terminal.sees("server: ");
    insta::assert_snapshot!(format!("welcome_{name}"), screen(&terminal));
    terminal.presses("nnn");
    terminal.sees("step 3 of 11");
    insta::assert_snapshot!(format!("reading_{name}"), screen(&terminal));

    let student = Student::at(FIRST);
    let mut terminal = is_ready(&student, size, colour);
    insta::assert_snapshot!(format!("exercise_{name}"), screen(&terminal));
    student.saves("creating-snapshots.redis", "LASTSAVE\n");
    terminal.sees("✗ not passed: 0 of 6 checks met");
    insta::assert_snapshot!(format!("not_passed_{name}"), screen(&terminal));
    terminal.presses("h");
    terminal.sees("Which of the two commands makes you");
    insta::assert_snapshot!(format!("hint_{name}"), screen(&terminal));
    terminal.presses("l");
    terminal.sees("all steps");
    insta::assert_snapshot!(format!("list_{name}"), screen(&terminal));
    terminal.presses("/wait");
    terminal.sees("search: wait");
    insta::assert_snapshot!(format!("list_search_{name}"), screen(&terminal));
    terminal.presses(ESCAPE);
    terminal.sees_no_more("search: ");
    terminal.presses("?");
    terminal.sees("what it does");
    insta::assert_snapshot!(format!("help_{name}"), screen(&terminal));
}

fn the_solution_looks_like_this(size: Size, name: &str, colour: &str) {
    let student = Student::who_has_passed(&[FIRST], FIRST);
    student.saves("creating-snapshots.py", RIGHT);
    let mut terminal = is_ready_after_a_pass(&student, size, colour);
    terminal.presses("s");
    terminal.sees("compared with your answer");
    terminal.sees("# Mine.");
    insta::assert_snapshot!(format!("solution_compared_{name}"), screen(&terminal));
    turns_pages_to(&mut terminal, "known wrong answers");
    insta::assert_snapshot!(format!("solution_{name}"), screen(&terminal));
}

#[test]
fn screens_of_80_by_24_look_like_this() {
    look_like_this(USUAL, "80x24", "always");
}

#[test]
fn screens_of_40_by_20_look_like_this() {
    look_like_this(SMALL, "40x20", "always");
}

#[test]
fn screens_without_colour_look_like_this() {
    look_like_this(USUAL, "80x24_without_colour", "never");
}

#[test]
fn the_solution_looks_like_this_at_80_by_24() {
    the_solution_looks_like_this(USUAL, "80x24", "always");
}

#[test]
fn the_solution_looks_like_this_at_40_by_20() {
    the_solution_looks_like_this(SMALL, "40x20", "always");
}

#[test]
fn a_passed_exercise_looks_like_this() {
    let student = Student::who_has_passed(&[FIRST], FIRST);
    for (size, name) in [(USUAL, "80x24"), (SMALL, "40x20")] {
        let mut terminal = is_ready_after_a_pass(&student, size, "always");
        insta::assert_snapshot!(format!("passed_{name}"), screen(&terminal));
        terminal.presses("v");
        terminal.sees("✓ SAVE took a snapshot");
        insta::assert_snapshot!(format!("passed_checks_{name}"), screen(&terminal));
    }
}

#[test]
fn a_yes_or_no_question_looks_like_this() {
    let student = Student::at(FIRST);
    for (size, name) in [(USUAL, "80x24"), (SMALL, "40x20")] {
        let mut terminal = is_ready(&student, size, "always");
        terminal.presses("s");
        terminal.sees("(y/n)");
        insta::assert_snapshot!(format!("yes_or_no_{name}"), screen(&terminal));
    }
}

#[test]
fn a_question_looks_like_this() {
    let student = Student::at(FIRST);
    for (size, name) in [(USUAL, "80x24"), (SMALL, "40x20")] {
        let mut terminal = is_ready(&student, size, "always");
        terminal.presses("e");
        terminal.sees("esc cancels]");
        insta::assert_snapshot!(format!("question_{name}"), screen(&terminal));
    }
}
