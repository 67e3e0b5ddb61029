//! Waiting that is seen: on a terminal by a line that turns and goes, elsewhere not at all.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};

use crate::support::Place;
use crate::support::terminal::{ROOMY, Student, Terminal};

/// Takes two seconds on the lesson's server: it holds a thousand products, and each is slow to save.
const SLOW: &str = "SAVE\n";

fn checks_slowly(student: &Student, extra: &[&str]) -> Terminal {
    std::fs::write(student.path("work").join("slow.redis"), SLOW).unwrap();
    student.starts_redislings_with(ROOMY, |command| {
        command.args(["check", "save-blocks-everyone", "slow.redis"]);
        command.args(extra);
    })
}

#[test]
fn a_check_shows_that_it_works_and_takes_that_away_again() {
    let student = Student::new();
    let mut terminal = checks_slowly(&student, &[]);
    terminal.sees("⠋ ");
    terminal.sees("not passed");
    terminal.ends();
    has_nothing_that_turns(&terminal);
    assert!(terminal.text().starts_with("· server: "), "{}", terminal.text());
    assert!(terminal.text().contains("\nsave-blocks-everyone  redis"), "{}", terminal.text());
}

fn has_nothing_that_turns(terminal: &Terminal) {
    let turns =
        |row: &(String, bool)| row.0.starts_with(|c| ('\u{2800}'..='\u{28ff}').contains(&c));
    assert!(!terminal.rows().iter().any(turns), "{}", terminal.text());
}

#[test]
fn in_words_only_nothing_turns() {
    let student = Student::new();
    let mut terminal = checks_slowly(&student, &["--plain"]);
    terminal.sees("not passed");
    terminal.ends();
    assert!(!terminal.bytes().contains(&b'\x1b'), "{}", terminal.text());
    assert!(terminal.text().starts_with("server: "), "{}", terminal.text());
}

#[test]
fn nothing_turns_in_a_pipe() {
    let place = Place::new();
    place.file("slow.redis", SLOW);
    let ended = place.run(&["check", "save-blocks-everyone", "slow.redis"]);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

/// Answers as a Docker engine that has no image and pulls one as told by the test.
struct Engine {
    address: String,
    /// Lines of the pull, in the engine's JSON; the pull ends when this is dropped.
    pull: Option<Sender<&'static str>>,
}

impl Engine {
    fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = format!("tcp://{}", listener.local_addr().unwrap());
        let (pull, lines) = mpsc::channel();
        let serve = move || {
            let mut lines = Some(lines);
            for stream in listener.incoming().flatten() {
                answer(stream, &mut lines);
            }
        };
        std::thread::Builder::new().name("engine".into()).spawn(serve).unwrap();
        Self { address, pull: Some(pull) }
    }

    fn tells(&self, line: &'static str) {
        self.pull.as_ref().unwrap().send(line).unwrap();
    }
}

/// One request on a connection; the pull is answered by another thread, since it takes its time.
fn answer(mut stream: TcpStream, lines: &mut Option<Receiver<&'static str>>) {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|it| it == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(count @ 1..) => request.extend(&buffer[..count]),
            _ => return,
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let line = request.lines().next().unwrap_or_default();
    let head = |status: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
    };
    if line.contains("/images/create") {
        let Some(lines) = lines.take() else { return };
        let pull = move || {
            stream.write_all(head("200 OK").as_bytes()).unwrap();
            for line in lines {
                stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
            }
            let _ = stream.shutdown(Shutdown::Both);
        };
        std::thread::Builder::new().name("pull".into()).spawn(pull).unwrap();
    } else if line.contains("/version") {
        let _ = stream
            .write_all((head("200 OK") + r#"{"Version":"27.0.0","ApiVersion":"1.47"}"#).as_bytes());
    } else if line.contains("/containers/json") {
        let _ = stream.write_all((head("200 OK") + "[]").as_bytes());
    } else {
        let _ =
            stream.write_all((head("404 Not Found") + r#"{"message":"No such image"}"#).as_bytes());
    }
}

#[test]
fn a_pull_shows_its_bytes_and_a_failure_its_reason_at_once() {
    let (student, engine) = (Student::new(), Engine::start());
    std::fs::write(student.path("work").join("answer.redis"), "SAVE\n").unwrap();
    let mut terminal = student.starts_redislings_with(ROOMY, |command| {
        command.args(["check", "creating-snapshots", "answer.redis"]);
        command.args(["--server", "container", "--image", "redis:9.9.9"]);
        command.env("DOCKER_HOST", &engine.address);
    });
    terminal.sees("· pulling the image `redis:9.9.9`, once");
    terminal.sees("pulling the image `redis:9.9.9`: 0 s");
    engine.tells(r#"{"status":"Pulling from library/redis","id":"9.9.9"}"#);
    engine.tells(r#"{"status":"Already exists","progressDetail":{},"id":"c1f2a7d09b3e"}"#);
    engine.tells(
        r#"{"status":"Downloading","progressDetail":{"current":12300000,"total":45600000},"progress":"[==>  ]","id":"9a0b77de10c4"}"#,
    );
    terminal.sees("pulling the image `redis:9.9.9`: 12.3 of 45.6 MB, 1 of 2 layers");
    engine.tells(
        r#"{"errorDetail":{"message":"toomanyrequests: slow down"},"error":"toomanyrequests: slow down"}"#,
    );
    terminal.sees("toomanyrequests: slow down");
    assert_eq!(terminal.ends().exit_code(), 3);
    assert!(!terminal.text().contains("12.3 of"), "{}", terminal.text());
}
