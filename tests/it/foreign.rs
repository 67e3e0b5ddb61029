//! Port 6379 belongs to a Redis that redislings did not start: redislings reports it first.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use crate::support::redis_server::ForeignServer;
use crate::support::terminal::{ROOMY, Size, Student, Terminal, USUAL};
use crate::support::{Ended, Workspace, wait_until};

const FIRST: &str = "creating-snapshots";
const PORT_TAKEN: &str = "port 6379 is taken: use redis-cli -p ";
const PORT_IN_USE: &str =
    "port 6379 is in use by another program (maybe another Redis): your Python code";
/// Waits until the test has read the line, and then passes.
const WHEN_READ: &str = "
import os, redis, time
while not os.path.exists('READ'):
    time.sleep(0.01)
client = redis.Redis(host='localhost', port=6379)
client.save()
client.bgsave()
print('Manual snapshot triggered.')
";
/// Bypasses the redirection.
const ELSEWHERE: &str = "
import subprocess, sys
save = \"import socket; socket.create_connection(('127.0.0.1', 6379)).sendall(b'SAVE\\\\r\\\\n')\"
subprocess.run([sys.executable, '-I', '-c', save], check=True)
print('Manual snapshot triggered.')
";

/// The result of a judged run. Repeats runs during which a busy machine stalled, as `verify` does.
fn judged(mut run: impl FnMut() -> Ended) -> Ended {
    for _ in 0..20 {
        let ended = run();
        if ended.code != 3 || !ended.stderr.contains("the machine stalled") {
            return ended;
        }
    }
    panic!("the machine stalled in each of 20 runs");
}

/// Runs `check` and lets its answer go on once the test has read the line.
fn read_and_let_go_on(format: &str) -> Ended {
    let workspace = Workspace::new();
    let read = workspace.work().join("read");
    let path = workspace.file("a.py", WHEN_READ.replace("READ", read.to_str().unwrap()));
    let arguments = ["check", FIRST, path.to_str().unwrap(), "--format", format];
    let mut command = workspace.command(&arguments);
    command.env("REDISLINGS_PORT", "auto").stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let message = lines.find(|line| line.contains(PORT_IN_USE)).unwrap();
    let port = message.split("`redis-cli -p ").nth(1).unwrap().split('`').next().unwrap();
    assert_ne!(port.parse::<u16>().unwrap(), 6379);
    std::fs::write(read, "").unwrap();
    let mut stdout = String::new();
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    let stderr = lines.collect::<Vec<_>>().join("\n");
    Ended { stdout, stderr, code: child.wait().unwrap().code().unwrap() }
}

#[test]
fn check_reports_another_redis_before_the_answer_runs() {
    let name = "check_reports_another_redis_before_the_answer_runs";
    let Some((_usual, _foreign)) = ForeignServer::on_the_usual_port(name) else { return };
    for format in ["human", "json"] {
        let ended = judged(|| read_and_let_go_on(format));
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(!ended.stdout.contains("6379 belongs"), "{}", ended.stdout);
        let is_json = serde_json::from_str::<serde_json::Value>(&ended.stdout).is_ok();
        assert_eq!(is_json, format == "json", "{}", ended.stdout);
    }
}

#[test]
fn a_verdict_without_commands_mentions_the_other_redis() {
    let name = "a_verdict_without_commands_mentions_the_other_redis";
    let Some((_usual, _foreign)) = ForeignServer::on_the_usual_port(name) else { return };
    let workspace = Workspace::new();
    let path = workspace.file("a.py", ELSEWHERE);
    let arguments = ["check", FIRST, path.to_str().unwrap(), "--port", "auto"];
    let ended = judged(|| workspace.run(&arguments));
    let cause = "the program never talked to it, or it went to the other Redis on 6379";
    assert!(ended.code == 1 && ended.stdout.contains(cause), "{ended:?}");
}

#[test]
fn a_server_given_by_address_on_port_6379_is_not_reported() {
    let name = "a_server_given_by_address_on_port_6379_is_not_reported";
    let Some((_usual, foreign)) = ForeignServer::on_the_usual_port(name) else { return };
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", crate::address::LESSON);
    workspace.file("a.redis", "SAVE\nBGSAVE\n");
    let url = foreign.url();
    let arguments = [
        "check",
        "both-ways",
        "a.redis",
        "--lessons",
        "course",
        "--server",
        &url,
        "--port",
        "auto",
    ];
    let ended = judged(|| workspace.run(&arguments));
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!ended.stderr.contains("6379 belongs"), "{}", ended.stderr);
}

fn begins(student: &Student, size: Size, arguments: &[&str]) -> Terminal {
    student.starts_redislings_with(size, |command| {
        command.env("REDISLINGS_PORT", "auto");
        command.args(arguments);
    })
}

#[test]
fn a_session_reports_another_redis_at_each_exercise_and_prompt() {
    let name = "a_session_reports_another_redis_at_each_exercise_and_prompt";
    let Some((_usual, foreign)) = ForeignServer::on_the_usual_port(name) else { return };
    let student = Student::at(FIRST);
    let mut terminal = begins(&student, USUAL, &[]);
    terminal.sees("welcome back");
    terminal.sees(PORT_TAKEN);
    terminal.presses("N");
    terminal.sees("Using BGSAVE");
    terminal.sees(PORT_TAKEN);
    terminal.presses("p");
    terminal.is_asked_for_a_command();
    terminal.sees("port 6379 is in use by another program");
    terminal.types("SET here 1");
    terminal.sees_the_line("OK");
    assert_eq!(foreign.ask(&["DBSIZE"]), "(integer) 0");
}

#[test]
fn a_first_start_reports_another_redis_next_to_the_welcome() {
    let name = "a_first_start_reports_another_redis_next_to_the_welcome";
    let Some((_usual, _foreign)) = ForeignServer::on_the_usual_port(name) else { return };
    let student = Student::new();
    let terminal = begins(&student, USUAL, &[]);
    terminal.sees("Welcome to redislings");
    terminal.sees(PORT_IN_USE);
}

#[test]
fn the_plain_session_reports_another_redis_once_for_an_exercise() {
    let name = "the_plain_session_reports_another_redis_once_for_an_exercise";
    let Some((_usual, _foreign)) = ForeignServer::on_the_usual_port(name) else { return };
    let student = Student::at(FIRST);
    let mut terminal = begins(&student, ROOMY, &["--plain"]);
    terminal.sees(PORT_IN_USE);
    terminal.presses("h\r");
    terminal.sees("hint 1 of 3");
    assert_eq!(terminal.text().matches(PORT_IN_USE).count(), 1, "{}", terminal.text());
    terminal.presses("p\r");
    terminal.sees("goes back to the lesson");
    wait_until("the prompt reports it", || {
        terminal.text().matches("port 6379 is in use").count() == 2
    });
}
