//! How long a student of lesson 4 waits: from the start to the first screen, and from a key to a
//! verdict with a warm server.
//!
//! `cargo bench --bench session`. Prints each time with its limit, and for comparison the time of a
//! program that only starts.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};

const RUNS: usize = 9;
/// The time to warm the next server after a verdict: its LASTSAVE counts whole seconds.
const WARM: Duration = Duration::from_millis(1_500);
const LIMIT: Duration = Duration::from_secs(60);

const REDIS_ANSWER: &str = "LASTSAVE\n";
const PYTHON_ANSWER: &str = "import redis\nredis.Redis(host='localhost', port=6379).lastsave()\n";
/// Part of every failed verdict, and of no other screen.
const VERDICT: &[u8] = b"expected";

/// A session at a pseudo-terminal and its output.
struct Session {
    keyboard: Box<dyn std::io::Write + Send>,
    shown: Receiver<Vec<u8>>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
}

impl Session {
    fn start(home: &Path) -> Self {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_redislings"));
        command.args(["--server", "process", "--port", "0", "--lessons"]);
        command.arg(home.join("lessons"));
        command.env("XDG_STATE_HOME", home.join("state"));
        command.env("TERM", "xterm-256color");
        command.cwd(home);
        let child = pair.slave.spawn_command(command).expect("redislings starts");
        let keyboard = pair.master.take_writer().expect("a keyboard");
        let mut screen = pair.master.try_clone_reader().expect("a screen");
        let (sender, shown) = mpsc::channel();
        std::thread::Builder::new()
            .name("screen".into())
            .spawn(move || {
                // Stays open for as long as the screen is read.
                let _master = pair.master;
                let mut buffer = [0; 16 * 1024];
                while let Ok(count @ 1..) = screen.read(&mut buffer) {
                    if sender.send(buffer[..count].to_vec()).is_err() {
                        break;
                    }
                }
            })
            .expect("a thread");
        Self { keyboard, shown, child }
    }

    fn press(&mut self, keys: &[u8]) {
        self.keyboard.write_all(keys).and_then(|()| self.keyboard.flush()).expect("a key");
    }

    fn sees(&self, text: &[u8]) {
        let deadline = Instant::now() + LIMIT;
        let mut seen = Vec::new();
        while !seen.windows(text.len()).any(|window| window == text) {
            let left = deadline.saturating_duration_since(Instant::now());
            seen.extend(self.shown.recv_timeout(left).expect("the text in time"));
        }
    }

    /// Waits for this time and discards the output.
    fn rests(&self, rest: Duration) {
        let deadline = Instant::now() + rest;
        while let Ok(_shown) =
            self.shown.recv_timeout(deadline.saturating_duration_since(Instant::now()))
        {}
    }

    fn quits(mut self) {
        self.press(b"q");
        let _ = self.child.wait();
    }
}

fn main() {
    let home = tempfile::tempdir().expect("a folder");
    copy_lesson_4(&home.path().join("lessons"));
    let start = median(|| {
        let began = Instant::now();
        let session = Session::start(home.path());
        session.sees(b"q quit");
        let took = began.elapsed();
        session.quits();
        took
    });
    report("start to the first screen", start, 50);
    report("  a program that only starts", median(|| bare(&["--version"])), 50);
    report("key to verdict, a `redis` answer", verdicts(home.path(), "redis", REDIS_ANSWER), 150);
    report("key to verdict, a `python` answer", verdicts(home.path(), "py", PYTHON_ANSWER), 400);
}

/// A course of lesson 4 alone: the answers are to its first exercise.
fn copy_lesson_4(folder: &Path) {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("lessons");
    std::fs::create_dir_all(folder).expect("a folder");
    for name in ["04-snapshotting.md", "course.toml"] {
        std::fs::copy(shipped.join(name), folder.join(name)).expect("a copy of the lesson");
    }
}

/// The median time from `c` to the verdict on this answer to the first exercise.
fn verdicts(home: &Path, extension: &str, answer: &str) -> Duration {
    let answers = home.join("answers");
    let _ = std::fs::remove_dir_all(&answers);
    std::fs::create_dir_all(&answers).expect("a folder");
    std::fs::write(answers.join(format!("creating-snapshots.{extension}")), answer)
        .expect("a file");
    let _ = std::fs::remove_dir_all(home.join("state"));
    let mut session = Session::start(home);
    session.sees(b"n begin");
    for _ in 0..6 {
        session.press(b"n");
        session.rests(Duration::from_millis(200));
    }
    // The first Python may have to be installed.
    session.press(b"c");
    session.sees(VERDICT);
    let took = median(|| {
        session.press(b"t");
        session.rests(WARM);
        let began = Instant::now();
        session.press(b"c");
        session.sees(VERDICT);
        began.elapsed()
    });
    session.quits();
    took
}

fn bare(arguments: &[&str]) -> Duration {
    let began = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_redislings")).args(arguments).output();
    assert!(output.is_ok_and(|output| output.status.success()), "redislings starts");
    began.elapsed()
}

fn median(mut run: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..RUNS).map(|_| run()).collect();
    times.sort();
    times[RUNS / 2]
}

#[expect(clippy::print_stdout, reason = "a benchmark prints")]
fn report(what: &str, took: Duration, limit_ms: u128) {
    println!("{what:<36} {:>6.1} ms  (limit {limit_ms} ms)", took.as_secs_f64() * 1000.0);
}
