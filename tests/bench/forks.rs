//! The cost of an answer in a fresh process and in a fork of a warmed interpreter:
//! `cargo bench --bench forks`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints and may panic")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use redislings::attempt::Python;
use redislings::attempt::evidence::ProgramEnd;
use redislings::lesson::course::default_packages;
use redislings::server::Endpoint;
use tokio_util::sync::CancellationToken;

const ROUNDS: usize = 50;
const PING: &str = "import os, redis\nprint(redis.Redis().ping(), os.getppid())\n";

fn main() {
    let packages = default_packages();
    let fresh = Python::find(&packages, &|_| {}).unwrap();
    let endpoint = server();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("answer.py");
    std::fs::write(&path, PING).unwrap();
    report("a fresh process", &mut || run(&fresh, &path, &endpoint).0, own_children);
    let began = Instant::now();
    let forks = fresh.warmed(&packages).unwrap();
    println!("a warmed interpreter starts in {:?}", began.elapsed());
    let (_, text) = run(&forks, &path, &endpoint);
    let interpreter: i32 = text.split_whitespace().last().unwrap().parse().unwrap();
    report("a fork", &mut || run(&forks, &path, &endpoint).0, || with_children(interpreter));
    println!("the interpreter: {}", memory(interpreter));
    let script = format!("{PING}print(open('/proc/self/smaps_rollup').read())\n");
    std::fs::write(&path, script).unwrap();
    println!("a fork: {}", named(&run(&forks, &path, &endpoint).1));
    println!("a fresh process: {}", named(&run(&fresh, &path, &endpoint).1));
}

/// The time and the output of one answer.
fn run(python: &Python, path: &Path, endpoint: &Endpoint) -> (Duration, String) {
    let began = Instant::now();
    let finished =
        python.run(path, endpoint, Duration::from_secs(60), &CancellationToken::new()).unwrap();
    let took = began.elapsed();
    let run = finished.collect();
    assert_eq!(run.end, ProgramEnd::Exited(0), "{}", run.stderr.text);
    (took, run.stdout.text)
}

fn report(name: &str, run: &mut dyn FnMut() -> Duration, cpu: impl Fn() -> Option<Duration>) {
    let mut walls = Vec::new();
    let before = cpu();
    for _ in 0..ROUNDS {
        walls.push(run());
    }
    let cpu = cpu().zip(before).map(|(after, before)| after.saturating_sub(before) / 50);
    walls.sort();
    println!("{name}: {:?} in the median, {cpu:?} of CPU in the mean", walls[ROUNDS / 2]);
}

fn own_children() -> Option<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).ok()?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Some(Duration::from_micros(micros.try_into().ok()?))
}

/// The CPU time of the interpreter and its forks. Only Linux has it, in hundredths of a second.
fn with_children(pid: i32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11).take(4);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Duration::from_millis(ticks * 10))
}

fn memory(pid: i32) -> String {
    named(&std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default())
}

fn named(rollup: &str) -> String {
    let mut shown: Vec<String> = Vec::new();
    for line in rollup.lines() {
        if ["Rss:", "Pss:", "Private_Dirty:"].iter().any(|name| line.starts_with(name)) {
            shown.push(line.split_whitespace().collect::<Vec<_>>().join(" "));
        }
    }
    shown.join(", ")
}

/// A server that replies PONG to PING and OK to CLIENT.
fn server() -> Endpoint {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::Builder::new()
        .spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = std::thread::Builder::new().spawn(move || pong(&stream));
            }
        })
        .unwrap();
    let url = format!("redis://127.0.0.1:{port}");
    Endpoint { host: "127.0.0.1".into(), port, url, password: None }
}

fn pong(mut stream: &TcpStream) {
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        let reply: &[u8] = match line.as_str() {
            "PING" => b"+PONG\r\n",
            "CLIENT" => b"+OK\r\n",
            _ => continue,
        };
        let _ = stream.write_all(reply);
    }
}
