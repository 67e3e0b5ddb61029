//! The session at a real pseudo-terminal.

use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;

use redis::IntoConnectionInfo as _;
use redislings::server::Client;

use crate::support::terminal::{CTRL_C, FOREIGN, ROOMY, Size, Student, Terminal, WITH_PYTHON};

const RIGHT: &str = r#"
import redis

client = redis.Redis(host="localhost", port=6379)
client.save()
client.bgsave()
print("Manual snapshot triggered.")
"#;

/// An editor whose program is in the middle of its run as soon as there is a file `begun`.
fn writes_an_endless_program(student: &Student) {
    let begun = student.path("begun");
    let begun = begun.display();
    student.writes_in_the_editor(&format!(
        "import redis, time\nredis.Redis(host='localhost', port=6379).set('a', 'b')\n\
         open('{begun}', 'w').close()\ntime.sleep(300)\n"
    ));
}

fn goes_to_the_first_exercise(terminal: &mut Terminal) {
    terminal.chooses("Lesson 4: Snapshotting in Redis");
    while !terminal.menu().iter().any(|label| label.starts_with("hint")) {
        terminal.chooses("next");
    }
}

fn starts_at_the_first_exercise(student: &Student) -> Terminal {
    let mut terminal = student.starts_redislings(ROOMY);
    goes_to_the_first_exercise(&mut terminal);
    terminal
}

/// In the middle of a check: the answer's program runs on its server.
fn is_in_the_middle_of_a_check(student: &Student) -> Terminal {
    writes_an_endless_program(student);
    let mut terminal = starts_at_the_first_exercise(student);
    terminal.chooses("write Python");
    student.waits_for_the_file("begun", WITH_PYTHON);
    let processes = student.processes();
    assert!(processes.iter().any(|it| it.contains("-server ")), "no server in {processes:#?}");
    terminal
}

#[test]
fn a_student_reads_the_lesson_to_its_first_exercise() {
    let student = Student::new();
    let mut terminal = student.starts_redislings(ROOMY);
    terminal.sees("Redis by doing");
    assert_eq!(
        terminal.menu(),
        ["Lesson 4: Snapshotting in Redis (0 of 5 exercises passed)", "quit"]
    );
    goes_to_the_first_exercise(&mut terminal);
    terminal.sees("step 1 of 11 · Lesson 4: Snapshotting in Redis");
    terminal.sees("A snapshot is one file that holds every key");
    terminal.sees("Three paid orders are in the server's memory, and nowhere else.");
    assert!(!terminal.text().contains("exercise\n[server]"), "the checks are not to be read");
    assert!(!terminal.text().contains("client.bgsave()\n\nprint"), "nor are the solutions");
}

#[test]
fn typed_commands_are_answered_and_judged() {
    let student = Student::new();
    let mut terminal = starts_at_the_first_exercise(&student);
    terminal.chooses("type Redis commands");
    terminal.types("SAVE");
    terminal.sees("redis> SAVE\n  OK\n");
    terminal.types("BGSAVE");
    terminal.sees("redis> BGSAVE\n  Background saving started\n");
    terminal.types("");
    terminal.sees("✓ SAVE took a snapshot");
    terminal.sees("passed: all 5 checks met");
    assert_eq!(terminal.menu()[0], "next");
    let kept = std::fs::read_to_string(student.path("work/answers/creating-snapshots.redis"));
    assert_eq!(kept.unwrap(), "SAVE\nBGSAVE\n");
}

#[test]
fn another_client_at_the_sessions_address_counts() {
    let student = Student::new();
    let mut terminal = starts_at_the_first_exercise(&student);
    terminal.chooses("type Redis commands");
    terminal.is_asked_for_a_command();
    let screen = terminal.text();
    let address = screen.split("any other client at ").nth(1).unwrap();
    let address = address.split_whitespace().next().unwrap();
    let target = format!("redis://{address}").into_connection_info().unwrap();
    let mut other = Client::new(target);
    for command in ["SAVE", "BGSAVE"] {
        other.call(&[command], Duration::from_secs(10)).unwrap();
    }
    terminal.types("PING");
    terminal.types("");
    terminal.sees("passed: all 5 checks met");
    terminal.sees("#2  PING");
}

#[test]
fn pasted_lines_are_commands_each() {
    let student = Student::new();
    let mut terminal = starts_at_the_first_exercise(&student);
    terminal.chooses("type Redis commands");
    terminal.types("\x1b[200~SAVE\nBGSAVE\x1b[201~");
    terminal.sees("Background saving started");
    terminal.types("");
    terminal.sees("passed: all 5 checks met");
}

#[test]
fn a_wrong_answer_is_told_what_is_missing_and_what_to_do() {
    let student = Student::new();
    let mut terminal = starts_at_the_first_exercise(&student);
    terminal.chooses("type Redis commands");
    terminal.types("SAVE");
    terminal.types("");
    terminal.sees("✗ BGSAVE began a snapshot");
    terminal.sees("→ the command is BGSAVE");
    terminal.sees("not passed: 2 of 5 checks met");
    assert!(terminal.menu().contains(&"skip".to_owned()));
}

#[test]
fn an_answer_written_in_the_editor_passes() {
    let student = Student::new();
    student.writes_in_the_editor(RIGHT);
    let mut terminal = starts_at_the_first_exercise(&student);
    terminal.chooses("write Python in scribe: answers/creating-snapshots.py");
    terminal.sees_within(WITH_PYTHON, "passed: all 6 checks met");
    terminal.sees("Manual snapshot triggered.");
    assert_eq!(
        std::fs::read_to_string(student.path("work/answers/creating-snapshots.py")).unwrap(),
        RIGHT
    );
}

#[test]
fn an_answer_in_its_file_is_kept_and_can_be_checked_again() {
    let student = Student::new();
    student.has_the_editor("cp \"$1\" \"$place/begun-with\"; echo '# mine' >> \"$1\"");
    let mut terminal = starts_at_the_first_exercise(&student);
    terminal.chooses("write Redis commands");
    terminal.sees("not passed");
    let begun_with = std::fs::read_to_string(student.path("begun-with")).unwrap();
    assert!(begun_with.contains("LASTSAVE"), "the editor opens the lesson's starter: {begun_with}");
    terminal.chooses("quit");
    terminal.ends();
    let answer = student.path("work/answers/creating-snapshots.redis");
    assert!(std::fs::read_to_string(&answer).unwrap().ends_with("# mine\n"));

    std::fs::write(&answer, "SAVE\nBGSAVE\n").unwrap();
    let mut terminal = starts_at_the_first_exercise(&student);
    terminal.chooses("check answers/creating-snapshots.redis");
    terminal.sees("passed: all 5 checks met");
}

#[test]
fn hints_come_one_after_another() {
    let student = Student::new();
    let mut terminal = starts_at_the_first_exercise(&student);
    terminal.chooses("hint 1 of 3");
    terminal.sees("Which of the two commands makes you wait for its answer?");
    terminal.chooses("hint 2 of 3");
    terminal.sees("Reading LASTSAVE or INFO takes no snapshot.");
    assert!(!terminal.text().contains("Is one of your two saves refused?"));
}

#[test]
fn the_solution_is_shown_only_after_a_yes() {
    let student = Student::new();
    let mut terminal = starts_at_the_first_exercise(&student);
    terminal.chooses("solution");
    terminal.sees("Show the solution? (y/N)");
    terminal.presses(b"n\r");
    assert!(terminal.menu().contains(&"solution".to_owned()));
    assert!(!terminal.text().contains("a solution in"));
    terminal.chooses("solution");
    terminal.sees("Show the solution? (y/N)");
    terminal.presses(b"y\r");
    terminal.sees("a solution in python");
    terminal.sees("    client.bgsave()");
}

#[test]
fn the_next_start_goes_on_at_the_first_open_exercise() {
    let student = Student::new();
    let mut terminal = starts_at_the_first_exercise(&student);
    terminal.chooses("type Redis commands");
    terminal.types("SAVE");
    terminal.types("BGSAVE");
    terminal.types("");
    terminal.sees("passed: all 5 checks met");
    terminal.chooses("quit");
    terminal.sees("your progress is kept");
    assert_eq!(terminal.ends().exit_code(), 0);

    let mut terminal = student.starts_redislings(ROOMY);
    terminal.sees("welcome back");
    terminal.sees("It is midnight in the shop.");
    assert!(!terminal.text().contains("Three paid orders"));
    terminal.chooses("lessons");
    assert_eq!(terminal.menu()[0], "Lesson 4: Snapshotting in Redis (1 of 5 exercises passed)");
}

/// Only code may go on in the next line: it is kept whole, to be copied.
fn no_prose_is_wider_than_the_screen(terminal: &Terminal) {
    // The screen may begin in the middle of a line.
    let rows = terminal.rows().into_iter().skip_while(|(_, goes_on)| *goes_on).skip(1);
    let mut is_beginning = true;
    for (row, goes_on) in rows {
        let is_code = row.starts_with("    ") || !is_beginning;
        assert!(!goes_on || is_code, "too wide: {row}\n{}", terminal.text());
        is_beginning = !goes_on;
    }
}

fn is_usable_on(size: Size) {
    let student = Student::new();
    let mut terminal = student.starts_redislings(size);
    terminal.chooses("Lesson 4");
    while !terminal.menu().iter().any(|label| label.starts_with("write")) {
        no_prose_is_wider_than_the_screen(&terminal);
        terminal.chooses("next");
    }
    terminal.chooses("type Redis commands");
    terminal.types("SAVE");
    terminal.types("");
    terminal.sees("not passed");
    terminal.menu();
    no_prose_is_wider_than_the_screen(&terminal);
    terminal.chooses("hint 1 of 3");
    terminal.menu();
    no_prose_is_wider_than_the_screen(&terminal);
    terminal.chooses("skip");
    terminal.chooses("quit");
    assert_eq!(terminal.ends().exit_code(), 0);
}

#[test]
fn a_narrow_screen_shows_no_line_that_is_too_wide() {
    is_usable_on(Size(40, 1500));
}

#[test]
fn a_small_screen_is_enough() {
    is_usable_on(Size(40, 20));
}

#[test]
fn a_screen_of_80_by_24_is_enough() {
    is_usable_on(Size(80, 24));
}

fn has_colour(bytes: &[u8]) -> bool {
    // CSI … m with a number: `ESC [ m` and `ESC [ 0 m` only end a colour.
    let text = String::from_utf8_lossy(bytes);
    text.split("\x1b[").skip(1).any(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != ';');
        end.is_some_and(|end| rest[end..].starts_with('m') && !matches!(&rest[..end], "" | "0"))
    })
}

#[test]
fn colour_marks_code_and_menus() {
    let student = Student::new();
    let mut terminal = student.starts_redislings(ROOMY);
    terminal.chooses("Lesson 4");
    terminal.menu();
    assert!(has_colour(&terminal.bytes()));
}

#[test]
fn no_colour_is_shown_to_whom_wants_none() {
    for by_option in [true, false] {
        let student = Student::new();
        let mut terminal = student.starts_redislings_with(ROOMY, |command| {
            if by_option {
                command.args(["--color", "never"]);
            } else {
                command.env("NO_COLOR", "1");
            }
        });
        goes_to_the_first_exercise(&mut terminal);
        terminal.chooses("type Redis commands");
        terminal.types("SAVE");
        terminal.types("");
        terminal.sees("not passed");
        let bytes = terminal.bytes();
        assert!(!has_colour(&bytes), "{}", String::from_utf8_lossy(&bytes).escape_debug());
    }
}

#[test]
fn ctrl_c_at_a_menu_ends_with_130_and_a_sane_terminal() {
    // On the low screen the menu stands at the very bottom.
    for size in [ROOMY, Size(80, 5)] {
        let student = Student::new();
        let mut terminal = student.starts_redislings(size);
        terminal.menu();
        assert!(!terminal.is_sane(), "a menu reads single keys");
        terminal.presses(CTRL_C);
        assert_eq!(terminal.ends().exit_code(), 130);
        let farewell = "· your progress is kept: start `redislings` again to go on";
        terminal.sees(farewell);
        assert!(terminal.rows().iter().any(|(row, _)| row.trim_end() == farewell));
        assert!(terminal.is_sane());
    }
}

#[test]
fn ctrl_c_at_the_redis_prompt_ends_without_a_verdict() {
    let student = Student::new();
    let mut terminal = starts_at_the_first_exercise(&student);
    terminal.chooses("type Redis commands");
    terminal.types("SAVE");
    terminal.is_asked_for_a_command();
    terminal.presses(CTRL_C);
    assert_eq!(terminal.ends().exit_code(), 130);
    assert!(terminal.is_sane());
    assert!(!terminal.text().contains("checks met"));
    student.has_nothing_left_within(Duration::from_secs(5));
}

#[test]
fn ctrl_c_in_the_middle_of_a_check_leaves_nothing() {
    let student = Student::new();
    let mut terminal = is_in_the_middle_of_a_check(&student);
    terminal.presses(CTRL_C);
    assert_eq!(terminal.ends().signal(), Some("Interrupt"));
    assert!(terminal.is_sane());
    assert!(!terminal.text().contains("checks met"), "{}", terminal.text());
    student.has_nothing_left_within(Duration::from_secs(5));
}

#[test]
fn sigterm_in_the_middle_of_a_check_leaves_nothing() {
    let student = Student::new();
    let mut terminal = is_in_the_middle_of_a_check(&student);
    terminal.sends(Signal::SIGTERM);
    assert_eq!(terminal.ends().signal(), Some("Terminated"));
    assert!(terminal.is_sane());
    assert!(!terminal.text().contains("checks met"), "{}", terminal.text());
    student.has_nothing_left_within(Duration::from_secs(5));
}

#[test]
fn sigterm_at_a_prompt_leaves_nothing_and_a_sane_terminal() {
    let student = Student::new();
    let mut terminal = starts_at_the_first_exercise(&student);
    terminal.chooses("type Redis commands");
    terminal.types("SAVE");
    terminal.is_asked_for_a_command();
    terminal.sends(Signal::SIGTERM);
    assert_eq!(terminal.ends().signal(), Some("Terminated"));
    assert!(terminal.is_sane(), "{}", terminal.text());
    student.has_nothing_left_within(Duration::from_secs(5));
}

#[test]
fn a_window_closed_in_the_middle_of_a_check_leaves_nothing() {
    let student = Student::new();
    let terminal = is_in_the_middle_of_a_check(&student);
    terminal.closes();
    student.has_nothing_left_within(Duration::from_secs(5));
}

#[test]
fn sigkill_in_the_middle_of_a_check_leaves_nothing_for_long() {
    let student = Student::new();
    let mut terminal = is_in_the_middle_of_a_check(&student);
    terminal.sends(Signal::SIGKILL);
    terminal.ends();
    student.has_nothing_left_within(Duration::from_secs(5));
}

#[test]
fn a_session_that_ends_by_the_menu_leaves_nothing() {
    let student = Student::new();
    let mut terminal = starts_at_the_first_exercise(&student);
    terminal.chooses("type Redis commands");
    terminal.types("SAVE");
    terminal.types("");
    terminal.chooses("quit");
    assert_eq!(terminal.ends().exit_code(), 0);
    assert!(terminal.is_sane());
    student.has_nothing_left_within(Duration::from_secs(1));
}

#[test]
fn ctrl_c_in_the_editor_is_the_editors_own_key() {
    let student = Student::new();
    student.has_the_editor(
        "trap 'echo caught > \"$place/caught\"' INT\n: > \"$place/open\"\n\
         while [ ! -e \"$place/caught\" ]; do :; done\nprintf 'SAVE\\nBGSAVE\\n' > \"$1\"",
    );
    let mut terminal = starts_at_the_first_exercise(&student);
    terminal.chooses("write Redis commands");
    student.waits_for_the_file("open", Duration::from_secs(10));
    terminal.presses(CTRL_C);
    terminal.sees("passed: all 5 checks met");
}

#[test]
fn sigterm_ends_the_editor_too() {
    let student = Student::new();
    // Deaf to the SIGHUP that the system sends when the first program of a terminal ends.
    student.has_the_editor("trap '' HUP\n: > \"$place/open\"\nwhile :; do :; done");
    let mut terminal = starts_at_the_first_exercise(&student);
    terminal.chooses("write Redis commands");
    student.waits_for_the_file("open", Duration::from_secs(10));
    terminal.sends(Signal::SIGTERM);
    assert_eq!(terminal.ends().signal(), Some("Terminated"));
    student.has_nothing_left_within(Duration::from_secs(5));
}

const INSTEAD: &str = "redislings check EXERCISE FILE    judges an answer";

#[test]
fn a_dumb_terminal_is_told_what_to_use_instead() {
    let student = Student::new();
    let mut terminal = student.starts_redislings_with(ROOMY, |command| {
        command.env("TERM", "dumb");
    });
    terminal.sees(INSTEAD);
    assert_eq!(terminal.ends().exit_code(), 2);
    assert!(!terminal.bytes().contains(&b'\x1b'), "no escape sequence for a dumb terminal");
}

#[test]
fn a_pipe_is_told_what_to_use_instead() {
    let student = Student::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_redislings"));
    command.args(["--lessons", concat!(env!("CARGO_MANIFEST_DIR"), "/lessons")]);
    command.envs(student.environment()).stdin(Stdio::null());
    for name in FOREIGN {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains(INSTEAD) && output.stdout.is_empty(), "{told}");
    assert_eq!(output.status.code(), Some(2));
}
