//! Screens of every size.

use std::time::Duration;

use super::{FIRST, resumes, resumes_on, turns_pages_to};
use crate::support::terminal::{ENTER, HOME, SMALL, Size, Student, Terminal};

fn assert_no_line_is_too_wide(terminal: &Terminal) {
    let wide: Vec<_> = terminal.rows().into_iter().filter(|(_, wraps)| *wraps).collect();
    assert!(wide.is_empty(), "{wide:#?}\n{}", terminal.text());
}

#[test]
fn a_resized_window_is_redrawn() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    terminal.sees("Three paid orders, order:1001 to order:1003, are in the server's memory, and\n");
    for (size, line) in [
        (SMALL, "Three paid orders, order:1001 to\n"),
        (
            Size(100, 30),
            "Three paid orders, order:1001 to order:1003, are in the server's memory, and nowhere \
             else. Save them\n",
        ),
        (
            Size(80, 24),
            "Three paid orders, order:1001 to order:1003, are in the server's memory, and\n",
        ),
    ] {
        terminal.resizes(size);
        terminal.sees(line);
        terminal.sees("q quit");
        assert_no_line_is_too_wide(&terminal);
        assert!(terminal.text().contains("step 6 of 11"), "{}", terminal.text());
    }
}

#[test]
fn no_screen_of_an_exercise_is_too_wide_for_40_columns() {
    let student = Student::at(FIRST);
    student.saves("creating-snapshots.redis", "SAVE\n");
    let mut terminal = resumes_on(&student, SMALL);
    assert_no_line_is_too_wide(&terminal);
    for (key, seen) in [
        ("c", "✗ BGSAVE began"),
        ("h", "Which of the two commands"),
        ("l", "all steps"),
        ("?", "what it does"),
        ("t", "Three paid orders"),
        ("b", "In redis-py the commands"),
    ] {
        terminal.presses(key);
        terminal.sees(seen);
        assert_no_line_is_too_wide(&terminal);
    }
}

#[test]
fn a_long_text_is_paged_to_its_end_and_back() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    terminal.presses("b");
    terminal.sees_the_line("Both in one program");
    terminal.sees("more · space");
    turns_pages_to(&mut terminal, " end · space: next ");
    terminal.sees("and be refused.");
    for _ in 0..5 {
        terminal.presses("\x1b[5~");
    }
    terminal.sees_the_line("Both in one program");
    terminal.presses("G");
    terminal.sees("and be refused.");
    terminal.presses(HOME);
    terminal.sees_the_line("Both in one program");
}

#[test]
fn tiny_screens_do_not_crash_the_session() {
    let student = Student::at(FIRST);
    student.saves("creating-snapshots.redis", "SAVE\n");
    let mut terminal = student.starts_redislings(Size(20, 6));
    terminal.sees("step 6 of 11");
    for size in [Size(20, 6), Size(7, 3), Size(2, 2), Size(1, 1)] {
        terminal.resizes(size);
        for keys in ["c", " ", "h", "l", "f", "?", "t", "b", "n", "s"] {
            terminal.presses(keys);
        }
        // The question of the solution.
        terminal.presses(ENTER);
    }
    terminal.resizes(Size(80, 24));
    terminal.sees("q quit");
    // A key that is typed at the very end of a question is read with the next one.
    let ended = (0..10).find_map(|_| {
        terminal.presses("q");
        terminal.ends_within(Duration::from_secs(2))
    });
    assert_eq!(ended.map(|status| status.exit_code()), Some(0), "{}", terminal.text());
    assert!(terminal.is_sane());
}
