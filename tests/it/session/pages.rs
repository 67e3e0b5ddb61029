//! The end of a lesson, and questions of recall at the next start.

use super::{FIRST, skips_the_questions};
use crate::support::terminal::{SMALL, Student, Terminal, USUAL};

const LAST: &str = "restore-from-the-dump";

fn starts(student: &Student, colour: &str) -> Terminal {
    student.starts_redislings_with(USUAL, |command| {
        command.args(["--color", colour]);
    })
}

fn screen(terminal: &Terminal) -> String {
    terminal.rests();
    let rows = terminal.rows().into_iter().map(|(row, _)| row.trim_end().to_owned());
    rows.collect::<Vec<_>>().join("\n")
}

/// From the last exercise over the last step to the end.
fn walks_to_the_end(terminal: &mut Terminal) {
    skips_the_questions(terminal);
    terminal.sees("What is in the file");
    terminal.presses("n");
    terminal.sees("Where to go from here");
    terminal.presses("n");
    terminal.sees("Keep in mind");
}

#[test]
fn the_end_of_a_lesson_names_what_is_open_and_goes_there() {
    let student = Student::who_has_passed(&[FIRST], LAST);
    let mut terminal = student.starts_redislings(USUAL);
    walks_to_the_end(&mut terminal);
    terminal.sees("End of Lesson 4 · 1 of 5 exercises");
    terminal.sees("N next open exercise");
    terminal.presses("N");
    terminal.sees("It is midnight in the shop.");
}

#[test]
fn the_end_of_a_lesson_looks_like_this() {
    for (colour, name) in [("always", "colour"), ("never", "without_colour")] {
        let student = Student::new();
        let passed = [FIRST, "using-bgsave", "trigger-snapshots-manually", "save-blocks-everyone"];
        let place = "[place]\nlesson = \"snapshotting\"\nstep = \"What is in the file\"\n";
        student.has_the_progress(&format!(
            "passed = {:?}\n[exercise.{LAST}]\nattempts = 4\n{}{place}exercise = \"{LAST}\"\n",
            [&passed[..], &[LAST]].concat(),
            passed.map(|id| format!("[exercise.{id}]\nattempts = 1\n")).concat(),
        ));
        let mut terminal = starts(&student, colour);
        walks_to_the_end(&mut terminal);
        insta::assert_snapshot!(format!("end_{name}"), screen(&terminal));
    }
}

#[test]
fn questions_at_the_next_start_look_like_this() {
    let student = Student::who_has_passed(&[FIRST], LAST);
    let mut terminal = student.starts_redislings(SMALL);
    terminal.sees("no grades");
    // Once the server is named: a key removes the line, and nothing brings it back later.
    terminal.sees("server: ");
    terminal.presses("r");
    terminal.sees("Question 1 of 3");
    terminal.presses("n");
    terminal.sees("n next question");
    insta::assert_snapshot!("recall_40x20", screen(&terminal));
    terminal.presses("t");
    terminal.sees("What is in the file");
    assert!(student.progress().contains("recalled = [\"snapshotting/1\"]"));
}
