//! The plain session for screen readers and dumb terminals: line by line, with letters and Enter.

use std::io::{Read as _, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use super::FIRST;
use crate::support::terminal::{FOREIGN, ROOMY, SMALL, Student, Terminal};

const DEADLINE: Duration = Duration::from_secs(30);

fn command(student: &Student, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_redislings"));
    for name in FOREIGN {
        command.env_remove(name);
    }
    command.args(arguments).envs(student.environment()).current_dir(student.path("work"));
    command
}

/// A session between two pipes, as a screen reader may run it.
struct Piped {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<Vec<u8>>,
    seen: String,
}

impl Piped {
    fn start(student: &Student) -> Self {
        let mut command = command(student, &["--plain"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let (sender, output) = mpsc::channel();
        thread::Builder::new()
            .name("pipe".into())
            .spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = stdout.read(&mut buffer) {
                    sender.send(buffer[..count].to_vec()).unwrap();
                }
            })
            .unwrap();
        Self { input: child.stdin.take(), child, output, seen: String::new() }
    }

    fn types(&mut self, line: &str) {
        writeln!(self.input.as_ref().unwrap(), "{line}").unwrap();
    }

    /// Waits for the text, after everything that was waited for before.
    fn hears(&mut self, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(start) = self.seen.find(text) {
                self.seen.drain(..start + text.len());
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.output.recv_timeout(left) else {
                panic!("never seen: {text}\n--- seen ---\n{}", self.seen)
            };
            let more = String::from_utf8_lossy(&bytes);
            assert!(!more.contains('\x1b'), "{}", more.escape_debug());
            self.seen.push_str(&more);
        }
    }

    fn ends(mut self) -> Option<i32> {
        self.input = None;
        self.child.wait().unwrap().code()
    }
}

#[test]
fn a_lesson_is_read_and_answered_through_a_pipe() {
    let student = Student::new();
    let mut session = Piped::start(&student);
    session.hears("Welcome to redislings");
    session.types("n");
    session.hears("Everything you put into Redis");
    session.types("N");
    session.hears("Three paid orders");
    session.hears("open: SAVE took a snapshot");
    session.types("h");
    session.hears("hint 1 of 3");
    session.types("c");
    session.hears("there is no answer yet");
    student.saves("creating-snapshots.redis", "SAVE\n");
    session.hears("not passed: 2 of 6 checks met");
    session.hears("not met: BGSAVE began a snapshot");
    student.saves("creating-snapshots.redis", "SAVE\nBGSAVE\n");
    session.hears("passed: all 6 checks met");
    session.hears("met: the background save ended well");
    session.types("s");
    session.hears("compared with your answer");
    session.types("q");
    session.hears("your progress is saved");
    assert_eq!(session.ends(), Some(0));
    assert!(student.progress().contains(FIRST));
}

#[test]
fn commands_are_typed_through_a_pipe() {
    let student = Student::at(FIRST);
    let mut session = Piped::start(&student);
    session.hears("Three paid orders");
    session.types("p");
    session.hears("goes back to the lesson");
    session.types("SAVE");
    session.hears("OK");
    session.hears("met: SAVE took a snapshot");
    session.types("exit");
    session.hears("type a letter and Enter");
    session.types("c");
    session.hears("not met: BGSAVE began a snapshot");
    session.types("q");
    assert_eq!(session.ends(), Some(0));
}

#[test]
fn questions_of_recall_are_asked_through_a_pipe() {
    let student = Student::who_has_passed(&[FIRST], FIRST);
    let mut session = Piped::start(&student);
    session.hears("Recall: three questions first? (30 seconds, no grades) (key r)");
    session.types("r");
    session.hears("Question 1 of 3");
    session.hears("n show the answer");
    session.types("n");
    session.hears("The reply means begun");
    session.types("n");
    session.hears("Question 2 of 3");
    session.types("t");
    session.hears("Three paid orders");
    session.types("q");
    assert_eq!(session.ends(), Some(0));
}

#[test]
fn showing_the_solution_asks_first() {
    let student = Student::at(FIRST);
    let mut session = Piped::start(&student);
    session.hears("Three paid orders");
    session.types("s");
    session.hears("Show the solution?");
    session.types("n");
    session.hears("type a letter and Enter");
    session.types("s");
    session.hears("Show the solution?");
    session.types("y");
    session.hears("a solution in python");
    assert_eq!(session.ends(), Some(0));
}

#[test]
fn the_end_of_the_input_ends_the_session_and_leaves_nothing() {
    let student = Student::at(FIRST);
    let mut session = Piped::start(&student);
    session.hears("Three paid orders");
    assert_eq!(session.ends(), Some(0));
    student.has_nothing_left_within(Duration::from_secs(5));
}

#[test]
fn a_pipe_without_plain_is_refused_with_help() {
    let student = Student::new();
    let output = command(&student, &[]).stdin(Stdio::null()).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("redislings --plain") && output.stdout.is_empty(), "{message}");
    assert!(message.contains("redislings check EXERCISE FILE"), "{message}");
    assert_eq!(output.status.code(), Some(2));
}

/// A session at the first exercise, on a terminal without escape sequences.
fn starts_plainly(student: &Student, how: &str) -> Terminal {
    let terminal = student.starts_redislings_with(ROOMY, |command| match how {
        "dumb" => command.env("TERM", how),
        option => command.arg(option),
    });
    terminal.sees("Three paid orders");
    terminal
}

#[test]
fn a_dumb_terminal_gets_no_escape_sequence() {
    for how in ["dumb", "--plain"] {
        let student = Student::at(FIRST);
        student.saves("creating-snapshots.redis", "SAVE\n");
        let mut terminal = starts_plainly(&student, how);
        terminal.presses("c\r");
        terminal.sees("not met: BGSAVE began a snapshot");
        terminal.sees("not passed: 2 of 6 checks met");
        terminal.presses("h\r");
        terminal.sees("hint 1 of 3");
        terminal.presses("l\r");
        terminal.sees("What is in the file");
        terminal.presses("q\r");
        assert_eq!(terminal.ends().exit_code(), 0);
        terminal.sees("your progress is saved");
        let bytes = terminal.bytes();
        assert!(!bytes.contains(&b'\x1b'), "{}", bytes.escape_ascii());
        assert!(terminal.is_sane());
    }
}

#[test]
fn ctrl_c_ends_the_plain_session_and_leaves_nothing() {
    let student = Student::at(FIRST);
    let mut terminal = starts_plainly(&student, "--plain");
    terminal.presses("\x03");
    assert_eq!(terminal.ends().signal(), Some("Interrupt"));
    assert!(terminal.is_sane());
    student.has_nothing_left_within(Duration::from_secs(5));
}

#[test]
fn ctrl_c_at_the_plain_prompt_does_not_end_the_session() {
    let student = Student::at(FIRST);
    let mut terminal = starts_plainly(&student, "--plain");
    terminal.presses("p\r");
    terminal.sees("goes back to the lesson");
    terminal.presses("ECHO first\r");
    terminal.sees("\"first\"");
    terminal.presses("\x03");
    terminal.presses("ECHO second\r");
    terminal.sees("\"second\"");
}

#[test]
fn a_plain_status_is_broken_at_spaces() {
    let student = Student::new();
    let mut terminal = student.starts_redislings_with(SMALL, |command| {
        command.args(["--plain", "--server", "redis://no-such-host.invalid:1"]);
    });
    terminal.sees("no-such-host.invalid");
    let rows = terminal.rows();
    let broken = rows.iter().find(|(_, wraps)| *wraps);
    assert_eq!(broken, None, "{}", terminal.text());
    terminal.presses("q\n");
    terminal.ends();
}
