//! Progress display: a spinner on a terminal, nothing elsewhere.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};

use redislings::server::source::on_path;

use crate::support::terminal::{ROOMY, Student, Terminal};
use crate::support::{Ended, Workspace, report_skipped};

/// Takes two seconds on the lesson's server, because it saves a thousand products slowly.
const SLOW: &str = "SAVE\n";

fn checks_slowly(student: &Student, extra: &[&str]) -> Terminal {
    std::fs::write(student.path("work").join("slow.redis"), SLOW).unwrap();
    student.starts_redislings_with(ROOMY, |command| {
        command.args(["check", "save-blocks-everyone", "slow.redis"]);
        command.args(extra);
    })
}

#[test]
fn a_check_shows_a_spinner_and_removes_it() {
    let student = Student::new();
    let mut terminal = checks_slowly(&student, &[]);
    terminal.sees("⠋ ");
    terminal.sees("not passed");
    terminal.ends();
    assert_no_spinner(&terminal);
    assert!(terminal.text().starts_with("· server: "), "{}", terminal.text());
    assert!(terminal.text().contains("  save-blocks-everyone · redis"), "{}", terminal.text());
}

fn assert_no_spinner(terminal: &Terminal) {
    for (row, _) in terminal.rows() {
        let spins = row.starts_with(|c| ('\u{2800}'..='\u{28ff}').contains(&c));
        assert!(!spins, "{}", terminal.text());
    }
}

#[test]
fn plain_output_has_no_spinner() {
    let student = Student::new();
    let mut terminal = checks_slowly(&student, &["--plain"]);
    terminal.sees("not passed");
    terminal.ends();
    assert!(!terminal.bytes().contains(&b'\x1b'), "{}", terminal.text());
    assert!(terminal.text().starts_with("server: "), "{}", terminal.text());
}

#[test]
fn a_pipe_gets_no_spinner() {
    let workspace = Workspace::new();
    workspace.file("slow.redis", SLOW);
    let ended = workspace.run(&["check", "save-blocks-everyone", "slow.redis"]);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

/// A fake Docker engine without images. A test controls its pull.
struct Engine {
    address: String,
    /// Sends lines of the pull, in the engine's JSON. The pull ends when this is dropped.
    pull: Option<Sender<&'static str>>,
}

impl Engine {
    fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = format!("tcp://{}", listener.local_addr().unwrap());
        let (pull, lines) = mpsc::channel();
        std::thread::Builder::new()
            .name("engine".into())
            .spawn(move || {
                let mut lines = Some(lines);
                for stream in listener.incoming().flatten() {
                    answer(stream, &mut lines);
                }
            })
            .unwrap();
        Self { address, pull: Some(pull) }
    }

    fn sends(&self, line: &'static str) {
        self.pull.as_ref().unwrap().send(line).unwrap();
    }
}

/// The head of an HTTP request; `None` if the client closes the connection first.
fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(count @ 1..) => request.extend(&buffer[..count]),
            _ => return None,
        }
    }
    Some(String::from_utf8_lossy(&request).into_owned())
}

fn head(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
}

fn pull(mut stream: TcpStream, lines: Receiver<&'static str>) {
    stream.write_all(head("200 OK").as_bytes()).unwrap();
    for line in lines {
        stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }
    let _ = stream.shutdown(Shutdown::Both);
}

/// Answers the one request of a connection. Another thread answers the pull, because it is slow.
fn answer(mut stream: TcpStream, lines: &mut Option<Receiver<&'static str>>) {
    let Some(request) = read_request(&mut stream) else { return };
    let line = request.lines().next().unwrap_or_default();
    if line.contains("/images/create") {
        let Some(lines) = lines.take() else { return };
        std::thread::Builder::new().name("pull".into()).spawn(move || pull(stream, lines)).unwrap();
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
fn a_pull_shows_its_bytes_and_its_failure() {
    let (student, engine) = (Student::new(), Engine::start());
    std::fs::write(student.path("work").join("answer.redis"), "SAVE\n").unwrap();
    let mut terminal = student.starts_redislings_with(ROOMY, |command| {
        command.args(["check", "creating-snapshots", "answer.redis"]);
        command.args(["--server", "container", "--image", "redis:9.9.9"]);
        command.env("DOCKER_HOST", &engine.address);
    });
    terminal.sees("· pulling the image `redis:9.9.9`, once");
    terminal.sees("pulling the image `redis:9.9.9`: 0 s");
    engine.sends(r#"{"status":"Pulling from library/redis","id":"9.9.9"}"#);
    engine.sends(r#"{"status":"Already exists","progressDetail":{},"id":"c1f2a7d09b3e"}"#);
    engine.sends(concat!(
        r#"{"status":"Downloading","progressDetail":{"current":12300000,"total":45600000},"#,
        r#""progress":"[==>  ]","id":"9a0b77de10c4"}"#,
    ));
    terminal.sees("pulling the image `redis:9.9.9`: 12.3 of 45.6 MB, 1 of 2 layers");
    engine.sends(concat!(
        r#"{"errorDetail":{"message":"toomanyrequests: slow down"},"#,
        r#""error":"toomanyrequests: slow down"}"#,
    ));
    terminal.sees("toomanyrequests: slow down");
    assert_eq!(terminal.ends().exit_code(), 3);
    assert!(!terminal.text().contains("12.3 of"), "{}", terminal.text());
}

/// The output of a check whose container would come from this engine.
fn checks_by(engine: &Engine, workspace: &Workspace, more: &[&str]) -> String {
    let mut command =
        workspace.command(&[&["check", "creating-snapshots", "-"][..], more].concat());
    command.env("DOCKER_HOST", &engine.address).env("XDG_CACHE_HOME", workspace.work());
    command.env("REDISLINGS_SERVER", "auto").stdin(std::process::Stdio::null());
    let ended = Ended::from(command.output().unwrap());
    assert_eq!(ended.code, 1, "{ended:?}");
    ended.stderr
}

#[test]
fn a_pull_that_failed_is_not_tried_again_unless_the_image_is_named() {
    let test = "a_pull_that_failed_is_not_tried_again_unless_the_image_is_named";
    if on_path("redis-server").is_none() {
        return report_skipped(test, "there is no `redis-server`");
    }
    let (workspace, engine) = (Workspace::new(), Engine::start());
    engine.sends(r#"{"errorDetail":{"message":"no such host"},"error":"no such host"}"#);
    let pulling = "pulling the image `redis:8.10.2`, once";
    assert!(checks_by(&engine, &workspace, &[]).contains(pulling));
    let again = checks_by(&engine, &workspace, &[]);
    assert_eq!(again.lines().count(), 1, "{again}");
    let line = "· server: redis-server ";
    assert!(again.starts_with(line) && again.ends_with(" (on your PATH)\n"), "{again}");
    assert!(checks_by(&engine, &workspace, &["--image", "redis:8.10.2"]).contains(pulling));
}

#[test]
fn doctor_says_why_a_pull_failed_and_how_to_try_again() {
    let (workspace, engine) = (Workspace::new(), Engine::start());
    engine.sends(r#"{"errorDetail":{"message":"no such host"},"error":"no such host"}"#);
    checks_by(&engine, &workspace, &[]);
    let mut command = workspace.command(&["doctor"]);
    command.env("DOCKER_HOST", &engine.address).env("XDG_CACHE_HOME", workspace.work());
    let ended = Ended::from(command.output().unwrap());
    for part in [" ago: the image `redis:8.10.2` can't be pulled: ", "no such host", "to try now: "]
    {
        assert!(ended.stdout.contains(part), "{part:?} is missing in:\n{}", ended.stdout);
    }
}
