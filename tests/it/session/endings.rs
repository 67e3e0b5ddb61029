//! However a session ends, the terminal is restored and nothing is left behind.

use std::time::Duration;

use nix::sys::signal::Signal;

use super::{FIRST, opens_the_prompt, resumes};
use crate::support::terminal::{CTRL_C, DOWN, ENTER, Student, Terminal, WITH_PYTHON, until};

const AT_ONCE: Duration = Duration::from_secs(5);

/// A session in the middle of a check: the program of the answer runs on its server.
fn is_in_the_middle_of_a_check(student: &Student) -> Terminal {
    let begun = student.path("begun");
    let terminal = resumes(student);
    student.saves(
        "creating-snapshots.py",
        &format!(
            "import redis, time\nredis.Redis(host='localhost', port=6379).set('a', 'b')\n\
             open('{}', 'w').close()\ntime.sleep(300)\n",
            begun.display()
        ),
    );
    student.waits_for_the_file("begun", WITH_PYTHON);
    assert!(!student.servers().is_empty(), "no server in {:#?}", student.processes());
    terminal
}

fn is_at_the_prompt(student: &Student) -> Terminal {
    let mut terminal = resumes(student);
    opens_the_prompt(&mut terminal);
    terminal.types("SAVE");
    terminal.is_asked_for_a_command();
    terminal
}

#[test]
fn ctrl_c_at_a_text_ends_with_130_and_a_sane_terminal() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    terminal.presses(CTRL_C);
    assert_eq!(terminal.ends().exit_code(), 130);
    terminal.sees_the_line("· your progress is saved: start `redislings` again to continue");
    assert!(terminal.is_sane());
    student.has_nothing_left_within(AT_ONCE);
}

#[test]
fn q_ends_with_0_and_leaves_nothing() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    terminal.presses("q");
    assert_eq!(terminal.ends().exit_code(), 0);
    assert!(terminal.is_sane());
    student.has_nothing_left_within(AT_ONCE);
}

#[test]
fn ctrl_c_in_the_middle_of_a_check_leaves_nothing() {
    let student = Student::at(FIRST);
    let mut terminal = is_in_the_middle_of_a_check(&student);
    terminal.presses(CTRL_C);
    terminal.sees("the check was ended");
    terminal.presses(CTRL_C);
    assert_eq!(terminal.ends().exit_code(), 130);
    assert!(terminal.is_sane());
    assert!(!terminal.text().contains("checks met"), "{}", terminal.text());
    student.has_nothing_left_within(AT_ONCE);
}

#[test]
fn q_in_the_middle_of_a_check_does_not_wait_for_its_end() {
    let student = Student::at(FIRST);
    let mut terminal = is_in_the_middle_of_a_check(&student);
    terminal.presses("q");
    assert_eq!(terminal.ends().exit_code(), 0);
    assert!(terminal.is_sane());
    student.has_nothing_left_within(AT_ONCE);
}

#[test]
fn sigterm_in_the_middle_of_a_check_leaves_nothing() {
    let student = Student::at(FIRST);
    let mut terminal = is_in_the_middle_of_a_check(&student);
    terminal.sends(Signal::SIGTERM);
    assert_eq!(terminal.ends().signal(), Some("Terminated"));
    assert!(terminal.is_sane());
    assert!(!terminal.text().contains("checks met"), "{}", terminal.text());
    student.has_nothing_left_within(AT_ONCE);
}

#[test]
fn sigterm_at_the_prompt_leaves_nothing_and_a_sane_terminal() {
    let student = Student::at(FIRST);
    let mut terminal = is_at_the_prompt(&student);
    terminal.sends(Signal::SIGTERM);
    assert_eq!(terminal.ends().signal(), Some("Terminated"));
    assert!(terminal.is_sane(), "{}", terminal.text());
    student.has_nothing_left_within(AT_ONCE);
}

#[test]
fn a_window_closed_in_the_middle_of_a_check_leaves_nothing() {
    let student = Student::at(FIRST);
    is_in_the_middle_of_a_check(&student).closes();
    student.has_nothing_left_within(AT_ONCE);
}

#[test]
fn a_window_closed_at_the_prompt_leaves_nothing() {
    let student = Student::at(FIRST);
    is_at_the_prompt(&student).closes();
    student.has_nothing_left_within(AT_ONCE);
}

#[test]
fn a_window_closed_at_a_text_leaves_nothing() {
    let student = Student::at(FIRST);
    resumes(&student).closes();
    student.has_nothing_left_within(AT_ONCE);
}

#[test]
fn sigkill_in_the_middle_of_a_check_leaves_nothing_for_long() {
    let student = Student::at(FIRST);
    let mut terminal = is_in_the_middle_of_a_check(&student);
    terminal.sends(Signal::SIGKILL);
    terminal.ends();
    student.has_nothing_left_within(AT_ONCE);
}

#[test]
fn sigkill_at_the_prompt_leaves_nothing_for_long() {
    let student = Student::at(FIRST);
    let mut terminal = is_at_the_prompt(&student);
    terminal.sends(Signal::SIGKILL);
    terminal.ends();
    student.has_nothing_left_within(AT_ONCE);
}

#[test]
fn sigterm_ends_a_session_whose_window_is_frozen() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    let ended = terminal.while_frozen(|terminal| {
        terminal.presses("nb".repeat(1500));
        // Wait until the session can't write to the terminal any more, so that it reads no keys.
        let progress = student.path("state/redislings/progress.toml");
        let rests = || {
            let changed = std::fs::metadata(&progress).unwrap().modified().unwrap();
            changed.elapsed().unwrap_or_default() > Duration::from_millis(700)
        };
        until(Duration::from_secs(60), rests, || "it can still write".to_owned());
        terminal.sends(Signal::SIGTERM);
        terminal.ends_within(AT_ONCE)
    });
    assert_eq!(ended.as_ref().and_then(|status| status.signal()), Some("Terminated"));
    student.has_nothing_left_within(AT_ONCE);
}

/// Opens the answer in Redis commands.
fn opens_the_editor(terminal: &mut Terminal) {
    terminal.presses("e");
    terminal.sees("Answer in which language?");
    terminal.presses(DOWN);
    terminal.presses(ENTER);
}

#[test]
fn ctrl_c_in_the_editor_is_the_editors_own_key() {
    let student = Student::at(FIRST);
    student.has_the_editor(
        "trap 'echo caught > \"$place/caught\"' INT\n: > \"$place/open\"\n\
         while [ ! -e \"$place/caught\" ]; do :; done\nprintf 'SAVE\\nBGSAVE\\n' > \"$1\"",
    );
    let mut terminal = resumes(&student);
    opens_the_editor(&mut terminal);
    student.waits_for_the_file("open", Duration::from_secs(10));
    terminal.presses(CTRL_C);
    terminal.sees(super::PASSED);
}

#[test]
fn sigterm_ends_the_editor_too() {
    let student = Student::at(FIRST);
    // Ignores the SIGHUP that the system sends when the first program of a terminal ends.
    student.has_the_editor("trap '' HUP\n: > \"$place/open\"\nwhile :; do :; done");
    let mut terminal = resumes(&student);
    opens_the_editor(&mut terminal);
    student.waits_for_the_file("open", Duration::from_secs(10));
    terminal.sends(Signal::SIGTERM);
    assert_eq!(terminal.ends().signal(), Some("Terminated"));
    student.has_nothing_left_within(AT_ONCE);
}

#[test]
fn ctrl_c_at_a_question_does_not_answer_it() {
    let student = Student::at(FIRST);
    let mut terminal = resumes(&student);
    terminal.presses("s");
    terminal.sees("Show the solution?");
    terminal.presses(CTRL_C);
    terminal.sees_no_more("Show the solution?");
    assert!(!terminal.text().contains("a solution in"), "{}", terminal.text());
    terminal.presses("q");
    assert_eq!(terminal.ends().exit_code(), 0);
    assert!(terminal.is_sane());
}
