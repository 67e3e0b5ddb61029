//! What an attempt has shown, as plain values for the verdict.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::lesson::Sent;
use crate::redis_cli::reply::Printed;
pub use crate::server::versions::forks_for_saves;
use crate::server::versions::saves_without_fork;
use crate::server::{BgsaveEnd, Snapshot};
use crate::tap::{Shown, Transcript};

/// Everything seen of one attempt.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// After setup, before the answer.
    pub before: Snapshot,
    /// The moment the answer ended; `None`: the server was too busy to say anything in time.
    pub exit: Option<Observation>,
    /// When no background save ran any more; `None` where the server was killed at once.
    pub settled: Option<Observation>,
    /// After SIGKILL and a new start; `None` where no check asks, or the answer was out of time.
    pub crash: Option<Observation>,
    /// By the exercise's `[[meanwhile]]`s: the server when that had happened; `None` where it did not.
    pub meanwhile: Vec<Option<MeanwhileLook>>,
    /// The snapshot file alone, in a second, clean server; `None` where no check asks, or the answer was out
    /// of time. Also why the killed server did not start again.
    pub restored: Option<Restored>,
    /// The size of `dump.rdb` after setup, before the answer, in bytes; `None` where there was no such file or
    /// it can't be seen (an address).
    pub dump_bytes_before: Option<u64>,
    /// The same at the end: when all had settled, or after the kill.
    pub dump_bytes: Option<u64>,
    /// How long the answer ran, from `before` to its end.
    pub took: Duration,
    /// What went through the tap while the answer ran.
    pub transcript: Transcript,
    /// How long other clients had to wait while the answer ran; `None` where no check asks.
    pub waits: Option<Waits>,
    /// How the answer ended and what it printed.
    pub run: Run,
    /// Why nothing can be concluded from the server's counters.
    pub doubt: Option<String>,
    /// Whether port 6379 belongs to another program, to which commands may have gone instead.
    pub usual_port_is_taken: bool,
}

impl Evidence {
    /// Nothing but this seen yet: no look, no transcript, typed commands without any.
    pub fn new(before: Snapshot) -> Self {
        Self {
            before,
            exit: None,
            settled: None,
            crash: None,
            meanwhile: Vec::new(),
            restored: None,
            dump_bytes_before: None,
            dump_bytes: None,
            took: Duration::ZERO,
            transcript: Transcript::default(),
            waits: None,
            run: Run::Typed(Typed::default()),
            doubt: None,
            usual_port_is_taken: false,
        }
    }

    /// The last look before the crash, if there was one; `None`: the server was too busy for any.
    pub fn last(&self) -> Option<&Observation> {
        self.settled.as_ref().or(self.exit.as_ref())
    }

    /// Whether what would decide about all of this together was not kept of the transcript.
    pub fn leaves_open(&self, sent: &[Sent]) -> bool {
        let shown = |sent: &Sent| match sent {
            Sent::Order(starts) => self.transcript.has_in_order(starts),
            Sent::Refused(start) => self.transcript.has_refused(&start.0),
        };
        let is = |wanted: Shown| sent.iter().any(|it| shown(it) == wanted);
        is(Shown::Unknown) && !is(Shown::No)
    }
}

/// The server at one moment.
#[derive(Debug, Clone)]
pub struct Observation {
    /// LASTSAVE and INFO.
    pub snapshot: Snapshot,
    /// The replies that checks of this moment ask for, by command line.
    pub replies: BTreeMap<String, Printed>,
    /// The settings that checks of this moment ask for, by name.
    pub config: BTreeMap<String, String>,
    /// How background saves ended, from the server's log, which knows what INFO forgets; empty where there
    /// is no log or no check that it matters to.
    pub bgsave_ends: Vec<BgsaveEnd>,
    /// Whether the log does not tell of every child's end: then it may be silent of one that was killed.
    pub log_is_silent: bool,
}

/// The server when something had happened while the answer ran, and before the answer's next command.
#[derive(Debug, Clone)]
pub struct MeanwhileLook {
    /// What it answered.
    pub observation: Observation,
    /// Whether it was looked at before any other command was run.
    pub is_sure: bool,
}

/// What became of loading the snapshot file alone.
#[derive(Debug, Clone)]
pub enum Restored {
    /// There is no `dump.rdb` in the server's directory.
    NoFile,
    /// A server does not start with it, and its log says why.
    Unloadable(String),
    /// It was loaded.
    Loaded {
        /// The names of keys in database 0, sorted; the first [`NAMED_KEYS`] if there are more.
        keys: Vec<String>,
        /// How many keys database 0 has.
        count: i64,
        /// Which of the keys that `dump` checks ask for it holds.
        holds: BTreeMap<String, bool>,
        /// How it differs from what was there before the answer, where a check asks.
        differences: Option<Differences>,
        /// What the checks with `at = "restore"` ask for.
        observation: Box<Observation>,
    },
}

/// How a snapshot file differs from all that was there before the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// How many keys there were before.
    pub compared: usize,
    /// Those that are not in the file as they were, in the order of their databases and names.
    pub keys: Vec<Difference>,
}

/// A key that is not in the file as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its database.
    pub database: u32,
    /// Its name, as redis-cli prints it.
    pub key: String,
    /// What is different.
    pub what: Changed,
}

/// What is different about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// It is not in the file.
    Missing,
    /// It has another value, or another type.
    Value,
    /// It ends at another time, or does not end, or ends and did not before.
    TimeToLive,
}

/// So many of a snapshot's keys are named at most.
pub const NAMED_KEYS: usize = 20;

/// How long an innocent client had to wait: one that sends PING every millisecond, on a connection of its own.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Waits {
    /// The longest wait for a reply.
    pub longest: Wait,
    /// How many PINGs were answered.
    pub pings: u64,
    /// From the first PING to the last: until all had settled, or the kill.
    pub watched: Duration,
    /// The waits over one millisecond, in order.
    pub slow: Vec<Wait>,
}

/// One wait for a reply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wait {
    /// When it began, since the answer began.
    pub at: Duration,
    /// How long it lasted.
    pub took: Duration,
}

/// How an answer ran.
#[derive(Debug, Clone)]
pub enum Run {
    /// A `redis` answer.
    Typed(Typed),
    /// A program.
    Program(ProgramRun),
}

impl Run {
    /// Whether it was stopped because its time was over.
    pub fn timed_out(&self) -> bool {
        match self {
            Self::Typed(typed) => typed.is_overdue(),
            Self::Program(program) => program.end == ProgramEnd::TimedOut,
        }
    }
}

/// Commands and replies, in order.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    /// What was typed and what redis-cli would have printed.
    pub exchanges: Vec<TypedExchange>,
    /// Why the lines behind the last one did not run.
    pub stopped: Option<Stopped>,
}

impl Typed {
    /// Whether a line did not end in time.
    pub fn is_overdue(&self) -> bool {
        self.stopped == Some(Stopped::OutOfTime)
    }
}

/// Why typed commands came to no end of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// A command, or `@wait-bgsave`, did not end in time.
    OutOfTime,
    /// This command never ends, so it was not sent.
    Endless(String),
    /// QUIT closed the connection, as it ends redis-cli.
    Quit,
}

/// One line of a `redis` answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypedExchange {
    /// Of the line in the answer, from 1.
    pub number: usize,
    /// The line as typed.
    pub line: String,
    /// What redis-cli prints for it.
    pub reply: String,
}

/// A program's end and output.
#[derive(Debug, Clone)]
pub struct ProgramRun {
    /// How it ended.
    pub end: ProgramEnd,
    /// What it printed.
    pub stdout: Output,
    /// Its errors: a traceback.
    pub stderr: Output,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramEnd {
    /// By itself, with this exit status.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// By us: its time was over.
    TimedOut,
}

/// What was kept of a stream: its beginning and its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// The text; invalid UTF-8 replaced.
    pub text: String,
    /// Bytes left out of the middle.
    pub omitted: u64,
}

/// Whether a background save runs, or was accepted and has not begun: BGSAVE inside MULTI answers
/// `Background saving scheduled`, starts at the server's next tick, and INFO knows nothing of it until
/// then (Redis facts 3). A save that does not fork (Valkey's forkless one, by its own word in INFO) is
/// never seen as scheduled.
pub fn is_saving(now: &Snapshot, before: &Snapshot) -> bool {
    let scheduled = now.successful_calls("bgsave") > before.successful_calls("bgsave")
        && forks_for_saves(now) == forks_for_saves(before)
        && now.field("rdb_last_bgsave_status") != Some("err")
        && !saves_without_fork(now);
    now.number("rdb_bgsave_in_progress") != 0 || scheduled
}
