//! Port 6379 belongs to somebody else's Redis: that is said before anything runs.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use crate::support::redis_server::ForeignServer;
use crate::support::terminal::{END, ROOMY, Size, Student, Terminal, USUAL};
use crate::support::{Ended, Place, wait_until};

const FIRST: &str = "creating-snapshots";
const TOLD: &str =
    "port 6379 belongs to another program (maybe another Redis): your Python code is";
/// Waits until somebody has read the line, and does what is asked.
const WHEN_READ: &str = "
import os, redis, time
while not os.path.exists('READ'):
    time.sleep(0.01)
client = redis.Redis(host='localhost', port=6379)
client.save()
client.bgsave()
print('Manual snapshot triggered.')
";
/// Goes past the redirection.
const ELSEWHERE: &str = "
import subprocess, sys
save = \"import socket; socket.create_connection(('127.0.0.1', 6379)).sendall(b'SAVE\\\\r\\\\n')\"
subprocess.run([sys.executable, '-I', '-c', save], check=True)
print('Manual snapshot triggered.')
";

/// What a run says that was judged: one in which a busy machine stalled is begun again, as `verify` does.
fn judged(mut run: impl FnMut() -> Ended) -> Ended {
    for _ in 0..20 {
        let ended = run();
        if ended.code != 3 || !ended.stderr.contains("this machine stood still") {
            return ended;
        }
    }
    panic!("the machine stood still in each of 20 runs");
}

/// Runs `check` and lets its answer go on when the line is read.
fn read_and_let_go_on(format: &str) -> Ended {
    let place = Place::new();
    let read = place.work().join("read");
    let path = place.file("a.py", WHEN_READ.replace("READ", read.to_str().unwrap()));
    let arguments = ["check", FIRST, path.to_str().unwrap(), "--format", format];
    let mut command = place.command(&arguments);
    command.env("REDISLINGS_PORT", "auto").stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let told = lines.find(|line| line.contains(TOLD)).unwrap();
    let port = told.split("`redis-cli -p ").nth(1).unwrap().split('`').next().unwrap();
    assert_ne!(port.parse::<u16>().unwrap(), 6379);
    std::fs::write(read, "").unwrap();
    let mut stdout = String::new();
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    let stderr = lines.collect::<Vec<_>>().join("\n");
    Ended { stdout, stderr, code: child.wait().unwrap().code().unwrap() }
}

#[test]
fn check_tells_of_another_redis_before_the_answer_runs() {
    let name = "check_tells_of_another_redis_before_the_answer_runs";
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
fn a_verdict_without_a_command_says_that_it_may_have_gone_elsewhere() {
    let name = "a_verdict_without_a_command_says_that_it_may_have_gone_elsewhere";
    let Some((_usual, _foreign)) = ForeignServer::on_the_usual_port(name) else { return };
    let place = Place::new();
    let path = place.file("a.py", ELSEWHERE);
    let arguments = ["check", FIRST, path.to_str().unwrap(), "--port", "auto"];
    let ended = judged(|| place.run(&arguments));
    let cause = "the program never talked to it, or it went to the other Redis on 6379";
    assert!(ended.code == 1 && ended.stdout.contains(cause), "{ended:?}");
}

#[test]
fn a_server_of_ones_own_on_that_port_is_not_another_one() {
    let name = "a_server_of_ones_own_on_that_port_is_not_another_one";
    let Some((_usual, foreign)) = ForeignServer::on_the_usual_port(name) else { return };
    let place = Place::new();
    place.file("course/01-l.md", crate::address::LESSON);
    place.file("a.redis", "SAVE\nBGSAVE\n");
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
    let ended = judged(|| place.run(&arguments));
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
fn a_session_tells_of_another_redis_when_it_begins_at_each_exercise_and_at_the_prompt() {
    let name = "a_session_tells_of_another_redis_when_it_begins_at_each_exercise_and_at_the_prompt";
    let Some((_usual, foreign)) = ForeignServer::on_the_usual_port(name) else { return };
    let student = Student::at(FIRST);
    let mut terminal = begins(&student, USUAL, &[]);
    terminal.sees("welcome back");
    terminal.sees(TOLD);
    // A key wipes that; in the exercise's text it stays.
    terminal.presses(END);
    terminal.sees("redis-cli -p ");
    terminal.presses("N");
    terminal.sees("Using BGSAVE");
    terminal.sees(TOLD);
    terminal.presses("p");
    terminal.is_asked_for_a_command();
    terminal.sees("port 6379 belongs to another program");
    terminal.types("SET here 1");
    terminal.sees_the_line("OK");
    assert_eq!(foreign.ask(&["DBSIZE"]), "(integer) 0");
}

#[test]
fn a_first_start_tells_of_another_redis_beside_the_welcome() {
    let name = "a_first_start_tells_of_another_redis_beside_the_welcome";
    let Some((_usual, _foreign)) = ForeignServer::on_the_usual_port(name) else { return };
    let student = Student::new();
    let terminal = begins(&student, USUAL, &[]);
    terminal.sees("Welcome to redislings");
    terminal.sees(TOLD);
}

#[test]
fn the_plain_session_tells_of_another_redis_once_for_an_exercise() {
    let name = "the_plain_session_tells_of_another_redis_once_for_an_exercise";
    let Some((_usual, _foreign)) = ForeignServer::on_the_usual_port(name) else { return };
    let student = Student::at(FIRST);
    let mut terminal = begins(&student, ROOMY, &["--plain"]);
    terminal.sees(TOLD);
    terminal.presses("h\r");
    terminal.sees("hint 1 of 3");
    assert_eq!(terminal.text().matches(TOLD).count(), 1, "{}", terminal.text());
    terminal.presses("p\r");
    terminal.sees("goes back to the lesson");
    let is_told = || terminal.text().matches("port 6379 belongs").count() == 2;
    wait_until("the prompt tells it", is_told);
}
