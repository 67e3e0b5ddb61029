//! Whatever an answer does to the server, to its connections or to itself: it gets a clear verdict
//! in time, and the next attempt runs on a working server behind the same relay.

mod commands;
mod locks;
mod moments;
mod programs;
mod saves;

use std::path::Path;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use redis::Value;
use redislings::attempt::{self, Answer, Evidence, Fixture, Python};
use redislings::lesson::{Exercise, Language, parse};
use redislings::relay::{Port, Relay};
use redislings::server::{Server, Source};
use redislings::verdict::{Outcome, Verdict, conclude, judge};
use tokio_util::sync::CancellationToken;

use crate::support::{DEADLINE, local_source, wait_until};

/// One check for each kind of evidence: keys at exit, counters, the log, keys after a crash, and
/// the output.
pub(super) const LESSON: &str = r#"# Robustness

## Store it

```toml exercise
id = "robustness"
time_limit = "3s"

[[check]]
id = "stored"
at = "exit"
reply = { "GET order" = "paid" }

[[check]]
id = "saved"
lastsave = "advanced"

[[check]]
id = "in-background"
calls = { bgsave = ">= 1" }

[[check]]
id = "succeeded"
info = { rdb_last_bgsave_status = "ok", rdb_bgsave_in_progress = 0 }
needs = ["in-background"]

[[check]]
id = "survives"
at = "crash"
reply = { "GET order" = "paid" }
needs = ["stored", "saved"]

[[check]]
id = "says-so"
stdout = "done"
```

> [!TIP]
> BGSAVE

```redis solution
SET order paid
BGSAVE
@wait-bgsave
```

```python solution
pass
```

```redis wrong fails=stored
PING
```
"#;

/// The time for everything after the exercise's own time limit.
const OVERRUN: Duration = Duration::from_secs(2);

/// Passes the exercise.
pub(super) const DONE: &str = "SET order paid\nBGSAVE\n@wait-bgsave\n";

/// For programs that speak to Redis themselves: `done()` passes the exercise.
const PRELUDE: &str = r#"
import os, signal, socket, subprocess, sys, time

def connect():
    return socket.create_connection(("localhost", 6379))

first = connect()

def ask(line, on=None):
    on = on or first
    on.sendall(line.encode() + b"\r\n")
    return on.recv(65536).decode()

def wait():
    while "rdb_bgsave_in_progress:1" in ask("INFO persistence"):
        time.sleep(0.01)

def done():
    ask("SET order paid")
    ask("BGSAVE")
    wait()
    print("done", flush=True)
"#;

pub(super) fn redis(text: impl Into<String>) -> Answer {
    Answer { language: Language::Redis, text: text.into(), path: None }
}

pub(super) fn python(text: &str) -> Answer {
    Answer { language: Language::Python, text: format!("{PRELUDE}{text}"), path: None }
}

/// The evidence of an attempt and its verdict.
#[derive(Debug)]
pub(super) struct Tried {
    pub(super) evidence: Evidence,
    pub(super) verdict: Verdict,
}

impl Tried {
    /// What the verdict says about unmet checks.
    fn explanation(&self) -> String {
        let unmet =
            self.verdict.findings.iter().filter(|finding| finding.outcome == Outcome::Unmet);
        let found = unmet.map(|finding| finding.found.as_str()).collect::<Vec<_>>().join("; ");
        let cause =
            self.verdict.diagnosis.as_ref().map_or("", |diagnosis| diagnosis.cause.as_str());
        format!("{found}; {cause}")
    }

    /// Exactly these checks are unmet, and the verdict contains each of these words.
    pub(super) fn falls_short(&self, unmet: &[&str], words: &[&str]) {
        assert_eq!(self.verdict.unmet(), unmet, "{:#?}", self.verdict);
        for word in words {
            let explanation = self.explanation();
            assert!(explanation.contains(word), "`{word}` is not in: {explanation}");
        }
    }

    /// Nothing is unmet, but some checks could not be judged.
    pub(super) fn is_open(&self) {
        assert!(!self.verdict.passed() && self.verdict.unmet().is_empty(), "{:#?}", self.verdict);
    }

    pub(super) fn passes(&self) {
        assert!(self.verdict.passed(), "{:#?}\n{:#?}", self.verdict, self.evidence.run);
    }
}

/// An exercise that answers are tried on.
pub(super) struct Trial {
    lesson: &'static str,
    /// Replaces the time limit of the lesson.
    time_limit: Option<Duration>,
    exercise: OnceLock<Exercise>,
}

impl Trial {
    pub(super) const fn new(lesson: &'static str) -> Self {
        Self { lesson, time_limit: None, exercise: OnceLock::new() }
    }

    /// With a longer time limit, for slow answers.
    pub(super) const fn with_time(lesson: &'static str, time_limit: Duration) -> Self {
        Self { lesson, time_limit: Some(time_limit), exercise: OnceLock::new() }
    }

    fn exercise(&self) -> &Exercise {
        self.exercise.get_or_init(|| {
            let (lesson, problems) = parse::parse(Path::new("01-a.md"), self.lesson.to_owned());
            let mut lesson = lesson.unwrap_or_else(|| panic!("{problems:?}"));
            let mut exercise =
                lesson.steps.iter_mut().find_map(|step| step.exercise.take()).unwrap();
            exercise.time_limit = self.time_limit.unwrap_or(exercise.time_limit);
            exercise
        })
    }

    fn server(&self) -> Server {
        static SOURCE: OnceLock<Source> = OnceLock::new();
        let source = SOURCE.get_or_init(local_source);
        Server::start(source, &self.exercise().settings).unwrap()
    }

    /// The verdict is clear and in time, and a right answer passes on the next server behind the
    /// same relay. Machines are noisy: one of three tries must be in time, and each must be clear. A
    /// program that a busy machine lets begin late has up to twice its time.
    fn try_one(&self, answer: &Answer) -> Tried {
        let limit = self.exercise().time_limit * 2 + OVERRUN;
        let mut tries = Vec::new();
        while tries.len() < 3 {
            let (tried, took) = self.try_once(answer);
            if took <= limit {
                return tried;
            }
            tries.push(took);
        }
        panic!("{tries:?} until the verdict on {}", answer.text);
    }

    fn try_once(&self, answer: &Answer) -> (Tried, Duration) {
        let relay = Relay::open(Port::Free).unwrap();
        let (mut server, mut next) = (self.server(), self.server());
        wait_for_the_clock(&mut server);
        let began = Instant::now();
        let tried = self.judge(&mut server, &relay, answer);
        let took = began.elapsed();
        let is_unchecked = conclude(self.exercise(), &tried.evidence).is_err();
        assert!(tried.verdict.passed() || !tried.verdict.unmet().is_empty() || is_unchecked);
        drop(server);
        self.judge(&mut next, &relay, &redis(DONE)).passes();
        (tried, took)
    }

    fn judge(&self, server: &mut Server, relay: &Relay, answer: &Answer) -> Tried {
        let cancel = &CancellationToken::new();
        let mut fixture = Fixture { server, relay, report: &|_| {}, cancel };
        let evidence = attempt::attempt(&mut fixture, self.exercise(), answer, Some(interpreter()));
        let evidence = evidence.unwrap_or_else(|error| panic!("no verdict: {error:?}"));
        let verdict = judge(self.exercise(), &evidence);
        Tried { evidence, verdict }
    }
}

/// Tries the answers in parallel, each in a session of its own.
pub(super) fn try_all<const COUNT: usize>(answers: [Answer; COUNT]) -> [Tried; COUNT] {
    static TRIAL: Trial = Trial::new(LESSON);
    try_all_at(&TRIAL, answers)
}

/// The same for answers that take a second on an idle machine.
pub(super) fn try_all_patiently<const COUNT: usize>(answers: [Answer; COUNT]) -> [Tried; COUNT] {
    static TRIAL: Trial = Trial::with_time(LESSON, Duration::from_secs(20));
    try_all_at(&TRIAL, answers)
}

pub(super) fn try_all_at<const COUNT: usize>(
    trial: &Trial,
    answers: [Answer; COUNT],
) -> [Tried; COUNT] {
    thread::scope(|scope| {
        answers
            .map(|answer| {
                thread::Builder::new().spawn_scoped(scope, move || trial.try_one(&answer)).unwrap()
            })
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

/// Waits until LASTSAVE can change, at most a second after the start of the server. An answer would
/// wait for this too, and that is not part of its time.
fn wait_for_the_clock(server: &mut Server) {
    wait_until("the server's second has passed", || {
        let replies = server.client().pipeline(&[&["TIME"], &["LASTSAVE"]], DEADLINE).unwrap();
        let [Value::Array(time), Value::Int(lastsave)] = replies.as_slice() else {
            panic!("{replies:?}")
        };
        number(&time[0]) * 1_000_000 + number(&time[1]) > (lastsave + 1) * 1_000_000 + 20_000
    });
}

fn number(value: &Value) -> i64 {
    match value {
        Value::BulkString(digits) => String::from_utf8_lossy(digits).parse().unwrap_or_default(),
        _ => 0,
    }
}

fn interpreter() -> &'static Python {
    static PYTHON: OnceLock<Python> = OnceLock::new();
    PYTHON.get_or_init(|| Python::find(&[], &|_| ()).unwrap())
}
