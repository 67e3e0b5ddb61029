//! Hints, the solution, a reset, the list and the other keys of an exercise.

use super::{FIRST, resumes, resumes_without_questions, turns_pages_to};
use crate::support::terminal::{DOWN, END, ENTER, ESCAPE, Student};

#[test]
fn three_failed_attempts_suggest_a_hint() {
    let student = Student::at(FIRST);
    student.saves("creating-snapshots.redis", "PING\n");
    let mut terminal = resumes(&student);
    for failed in 1..=3 {
        terminal.presses("c");
        student.has_failed(FIRST, failed);
        let reminds = failed == 3;
        terminal.presses(END);
        terminal.sees("not passed: 0 of 6 checks met");
        assert!(reminds || !terminal.text().contains("failed attempts"));
    }
    terminal.sees("3 failed attempts so far: h shows a hint");
}

#[test]
fn hints_and_the_solution_are_free_after_passing() {
    let student = Student::who_has_passed(&[FIRST], FIRST);
    let mut terminal = resumes_without_questions(&student);
    terminal.presses("h");
    terminal.sees_the_line("hint 1 of 3");
    terminal.presses("s");
    terminal.sees("a solution in python");
    turns_pages_to(&mut terminal, "known wrong answers, and why");
}

#[test]
fn the_solution_before_passing_needs_a_yes() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    for no in ["n", ENTER, ESCAPE] {
        terminal.presses("s");
        terminal.sees("Show the solution?");
        terminal.presses(no);
        terminal.sees_no_more("Show the solution?");
        assert!(!terminal.text().contains("a solution in"), "{}", terminal.text());
    }
    terminal.presses("s");
    terminal.sees("Show the solution?");
    terminal.presses("y");
    terminal.sees("a solution in python");
}

#[test]
fn a_reset_needs_a_yes_and_backs_up_the_answer() {
    let student = Student::at(FIRST);
    student.saves("creating-snapshots.py", "print('mine')\n");
    let mut terminal = resumes(&student);
    terminal.presses("x");
    terminal.sees("Reset this exercise?");
    terminal.presses("n");
    terminal.sees_no_more("Reset this exercise?");
    assert_eq!(student.answer("creating-snapshots.py"), "print('mine')\n");
    terminal.presses("x");
    terminal.sees("Reset this exercise?");
    terminal.presses("y");
    terminal.sees("creating-snapshots.1.py");
    assert_eq!(student.answer("creating-snapshots.1.py"), "print('mine')\n");
    assert!(student.answer("creating-snapshots.py").contains("TODO"));
}

#[test]
fn the_list_shows_what_is_open_and_what_is_done() {
    let student = Student::who_has_passed(&[FIRST], "using-bgsave");
    let mut terminal = resumes_without_questions(&student);
    terminal.presses("l");
    terminal.sees("✓ Creating snapshots");
    terminal.sees("○ Using BGSAVE");
    terminal.sees("◄ you are here");
    terminal.sees("What a snapshot is");
    terminal.presses("o");
    terminal.sees_no_more("✓ Creating snapshots");
    terminal.sees("○ Using BGSAVE");
    terminal.presses("d");
    terminal.sees("✓ Creating snapshots");
    terminal.sees_no_more("○ Using BGSAVE");
}

#[test]
fn an_exercise_is_chosen_from_the_list() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    terminal.presses("l");
    terminal.sees("▸ ");
    terminal.presses(DOWN);
    terminal.presses(ENTER);
    terminal.sees("It is midnight in the shop.");
    terminal.presses("l");
    terminal.sees("What is in the file");
    terminal.presses("/by hand");
    terminal.sees_no_more("What is in the file");
    terminal.presses(ENTER);
    terminal.sees("Now the real thing.");
}

#[test]
fn the_next_open_exercise_is_one_key_away() {
    let student = Student::who_has_passed(&["using-bgsave"], FIRST);
    let mut terminal = resumes_without_questions(&student);
    terminal.presses("N");
    terminal.sees("Now the real thing.");
}

#[test]
fn a_number_runs_that_example_on_a_fresh_server() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    terminal.presses("bb");
    terminal.sees_the_line("Seeing it happen");
    terminal.presses("2");
    terminal.sees("the example, on a fresh server");
    terminal.sees("Background saving started");
    terminal.presses("t");
    terminal.sees_the_line("Seeing it happen");
}

#[test]
fn a_saved_answer_is_checked_and_the_step_stays() {
    let student = Student::at(FIRST);
    let terminal = resumes(&student);
    student.saves("creating-snapshots.redis", "SAVE\n");
    terminal.sees("✗ BGSAVE began a snapshot");
    student.saves("creating-snapshots.redis", "SAVE\nBGSAVE\n");
    terminal.sees(super::PASSED);
    terminal.sees("step 6 of 11");
    terminal.sees("1 of 5 passed");
}

#[test]
fn the_last_language_is_used_for_the_next_exercise() {
    let student = Student::at(FIRST);
    student.saves("creating-snapshots.redis", "SAVE\nBGSAVE\n");
    student.writes_in_the_editor("BGSAVE\n");
    let mut terminal = resumes(&student);
    terminal.presses("c");
    terminal.sees(super::PASSED);
    terminal.presses("n");
    terminal.sees("answers/using-bgsave.redis");
    terminal.presses("e");
    terminal.sees("✗ ");
    assert_eq!(student.answer("using-bgsave.redis"), "BGSAVE\n");
}

#[test]
fn the_wheel_scrolls_and_the_mouse_is_not_captured() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    terminal.presses("q");
    terminal.ends();
    let bytes = terminal.bytes();
    let has = |sequence: &[u8]| bytes.windows(sequence.len()).any(|window| window == sequence);
    assert!(has(b"\x1b[?1007h") && has(b"\x1b[?1007l"));
    assert!(!has(b"\x1b[?1000h") && !has(b"\x1b[?1002h") && !has(b"\x1b[?1003h"));
}

#[test]
fn the_other_language_is_one_key_away() {
    let student = Student::at(FIRST);
    student.saves("creating-snapshots.py", "print('mine')\n");
    student.writes_in_the_editor("SAVE\nBGSAVE\n");
    let mut terminal = resumes(&student);
    terminal.presses("E");
    terminal.sees("Answer in which language?");
    terminal.presses(DOWN);
    terminal.presses(ENTER);
    terminal.sees(super::PASSED);
    assert_eq!(student.answer("creating-snapshots.py"), "print('mine')\n");
}
