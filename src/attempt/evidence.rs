//! The evidence from an attempt, as plain values for the verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::lesson::Moment;
use crate::lesson::words::RandomWords;
use crate::redis_cli::reply::Printed;
use crate::relay::Timeline;
use crate::server::ServerInfo;

/// Why the evidence is invalid if an answer leaves its server stopped.
pub const NOT_STARTED: &str = "the server was not running when the answer ended";

/// Everything that was seen in one attempt.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The world in which the attempt was made, if the exercise has several.
    pub world: Option<String>,
    /// The attempts in the exercise's other worlds, in order.
    pub others: Vec<Evidence>,
    /// The random words of this attempt.
    pub words: RandomWords,
    /// After setup, before the answer.
    pub before: ServerInfo,
    /// The server at each moment that came and at which it could be observed. It may have been too
    /// busy at `exit`; after a kill there is no `settled`, after an overdue answer neither `crash`
    /// nor `restore`, and a `[[meanwhile]]` may not happen.
    pub looks: BTreeMap<Moment, Look>,
    /// The keys that checks ask about, before the answer and when all had settled.
    pub keys: Vec<KeyChange>,
    /// The size of the server's file in bytes after setup, before the answer; `None` if there was
    /// no such file, or we cannot see it (a server given by address).
    pub file_bytes_before: Option<u64>,
    /// The same at the end: when it had settled, or after the kill.
    pub file_bytes: Option<u64>,
    /// The append-only log that the answer has left; `None` unless answers may work on it.
    pub log: Option<LogContents>,
    /// How long the answer ran, from `before` to its end.
    pub took: Duration,
    /// When a look first showed, after the answer's end, that nothing ran in the background any
    /// more; counted from the answer's beginning. `None` if no look showed that.
    pub settled: Option<Duration>,
    /// What went through the relay while the answer ran.
    pub timeline: Timeline,
    /// The indexes of the `[[meanwhile]]`s whose moment came.
    pub came: BTreeSet<usize>,
    /// The first moment at which each check with `at = "always"` was not met, by its index.
    pub violations: BTreeMap<usize, Violation>,
    /// How long other clients had to wait while the answer ran; `None` if no check asks.
    pub waits: Option<Waits>,
    /// How the answer ended and what it printed.
    pub run: Run,
    /// Why the evidence is invalid: the server's counters support no conclusion.
    pub invalid: Option<String>,
    /// Whether port 6379 belongs to another program, which may have got the commands instead.
    pub usual_port_is_taken: bool,
}

impl Evidence {
    /// Evidence without any look, timeline or output yet.
    pub fn new(before: ServerInfo) -> Self {
        Self { before, ..Self::default() }
    }

    /// The server at this moment, if it was observed.
    pub fn at(&self, moment: Moment) -> Option<&Observation> {
        self.looks.get(&moment)?.as_ref().ok()
    }

    /// The looks at exit and when everything had settled.
    pub fn before_the_crash(&self) -> impl Iterator<Item = &Observation> {
        [Moment::Exit, Moment::Settled].into_iter().filter_map(|moment| self.at(moment))
    }

    /// The last look before the crash, if there was one; `None`: the server was too busy for any.
    pub fn last(&self) -> Option<&Observation> {
        self.before_the_crash().last()
    }

    /// How a server loaded the file alone, or why the killed one could not load it.
    pub fn restored(&self) -> Option<&Look> {
        let after_the_crash = self.looks.get(&Moment::Crash).filter(|look| lacks_the_file(look));
        self.looks.get(&Moment::Restore).or(after_the_crash)
    }
}

/// What the file holds to which the append-only log is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogContents {
    /// The words of each whole entry, up to where it is broken.
    pub entries: Vec<Vec<Vec<u8>>>,
    /// Why a start can't read on after them.
    pub broken: Option<BrokenLog>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrokenLog {
    /// This line ends without a carriage return.
    LineEnd(String),
    /// This line stands where an entry is to begin.
    NotAnEntry(String),
    /// A word of the next entry is not as long as the entry says; what stands there.
    NotWhole(String),
}

#[cfg(test)]
impl Evidence {
    pub(crate) fn seeing(mut self, at: Moment, look: Look) -> Self {
        self.looks.insert(at, look);
        self
    }

    pub(crate) fn without(mut self, moments: &[Moment]) -> Self {
        self.looks.retain(|at, _| !moments.contains(at));
        self
    }

    pub(crate) fn at_mut(&mut self, at: Moment) -> &mut Observation {
        self.looks.get_mut(&at).and_then(|look| look.as_mut().ok()).unwrap()
    }
}

/// Whether the snapshot file is why no server started.
fn lacks_the_file(look: &Look) -> bool {
    matches!(look, Err(LoadFailure::NoFile | LoadFailure::Unloadable(_)))
}

/// The first moment at which a check with `at = "always"` was not met.
#[derive(Debug, Clone)]
pub struct Violation {
    /// Counted from the answer's beginning.
    pub at: Duration,
    /// How it came about: `` after `DEL lock` ``.
    pub how: String,
    pub seen: Observation,
}

/// The server at one moment, or why none started from the files.
pub type Look = Result<Observation, LoadFailure>;

/// Why a server does not start from the files of an answer's server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadFailure {
    /// There is no snapshot file in the server's directory.
    NoFile,
    /// It refuses the file; its log says why.
    Unloadable(String),
    /// Anything else, as a sentence: the server did not end, or there is no such file.
    Because(String),
}

/// The server at one moment.
#[derive(Debug, Clone, Default)]
pub struct Observation {
    /// LASTSAVE and INFO.
    pub info: ServerInfo,
    /// The replies that checks of this moment ask for, by command line.
    pub replies: BTreeMap<String, Printed>,
    /// The settings that checks of this moment ask for, by name.
    pub config: BTreeMap<String, String>,
    /// What the server has logged, which shows what INFO does not keep; `None` if there is no log,
    /// or no check needs it.
    pub log: Option<String>,
    /// Whether the end of some child is missing in the log: it may be one that was killed.
    pub log_is_silent: bool,
    /// Whether another command may have run between the moment and the look, while the answer ran.
    pub may_be_late: bool,
    /// What the file held that a second, clean server loaded.
    pub file: Option<FileContents>,
}

impl Observation {
    /// A look that has asked for nothing else yet.
    pub fn of(info: ServerInfo) -> Self {
        Self { info, ..Self::default() }
    }
}

/// A key before the answer and after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    /// As redis-cli takes it.
    pub key: String,
    pub before: KeyState,
    pub after: KeyState,
    /// The time between the two.
    pub apart: Duration,
}

/// What a key held at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyState {
    /// As TYPE says it; empty if there was no such key.
    pub kind: String,
    /// The beginning of a string's value, as redis-cli prints it.
    pub value: Option<String>,
    /// The number of bytes of a string, otherwise of elements.
    pub size: Option<i64>,
    /// Its time to live; `None`: without an end.
    pub ends_in: Option<Duration>,
    /// A stream's consumer groups.
    pub groups: Vec<GroupState>,
}

impl KeyState {
    pub fn exists(&self) -> bool {
        !matches!(self.kind.as_str(), "" | "none")
    }
}

/// A consumer group of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupState {
    pub name: String,
    /// How many entries were delivered and not acknowledged.
    pub pending: i64,
}

/// The keys in a file.
#[derive(Debug, Clone, Default)]
pub struct FileContents {
    /// The names of keys in database 0, sorted; the first [`NAMED_KEYS`] if there are more.
    pub keys: Vec<String>,
    /// The beginnings of the values of those that are strings, by name.
    pub values: BTreeMap<String, String>,
    /// How many keys database 0 has.
    pub count: i64,
    /// The keys that differ from those before the answer, if a check asks.
    pub differences: Option<Differences>,
}

/// How a snapshot file differs from the keys before the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// How many keys there were before the answer.
    pub compared: usize,
    /// The keys that are missing or changed in the file, by database and name.
    pub keys: Vec<SnapshotDifference>,
}

/// A key that is missing or changed in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotDifference {
    pub database: u32,
    /// Its name, as redis-cli prints it.
    pub key: String,
    pub what: Changed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// The key is not in the file.
    Missing,
    /// The key has another value or another type.
    Value,
    /// The key expires at another time, no longer expires, or expires now but did not before.
    TimeToLive,
}

/// At most this many of a snapshot's keys are named.
pub const NAMED_KEYS: usize = 20;

/// The waits of another client, which sends PING every millisecond on its own connection.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Waits {
    /// The longest wait for a reply.
    pub longest: Wait,
    /// How many PINGs got a reply.
    pub pings: u64,
    /// From the first PING to the last: until it had settled, or the kill.
    pub watched: Duration,
    /// The waits over one millisecond, in order.
    pub slow: Vec<Wait>,
}

/// One wait for a reply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wait {
    /// When the wait began, counted from the answer's beginning.
    pub at: Duration,
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

impl Default for Run {
    fn default() -> Self {
        Self::Typed(Typed::default())
    }
}

impl Run {
    /// Whether it was stopped at its time limit.
    pub fn timed_out(&self) -> bool {
        match self {
            Self::Typed(typed) => typed.stopped == Some(Stopped::OutOfTime),
            Self::Program(program) => program.end == ProgramEnd::TimedOut,
        }
    }
}

/// Commands and replies, in order.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    pub exchanges: Vec<TypedExchange>,
    /// Why the lines after the last one did not run.
    pub stopped: Option<Stopped>,
}

/// Why the runner stopped before the last line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    /// A command, or a line that waits, did not end in time.
    OutOfTime,
    /// This command never ends, so it was not sent.
    Endless(String),
    /// QUIT closed the connection; it also ends redis-cli.
    Quit,
}

/// One line of a `redis` answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypedExchange {
    /// The line number in the answer, from 1.
    pub number: usize,
    /// The line as typed.
    pub line: String,
    /// What redis-cli prints for it.
    pub reply: String,
    /// When it was typed, counted from the answer's beginning.
    pub at: Duration,
    /// Until its reply was there.
    pub took: Duration,
}

/// A program's end and output.
#[derive(Debug, Clone)]
pub struct ProgramRun {
    pub end: ProgramEnd,
    pub stdout: Output,
    pub stderr: Output,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramEnd {
    /// By itself, with this exit status.
    Exited(i32),
    /// By this signal.
    Signalled(i32),
    /// We stopped it at its time limit.
    TimedOut,
}

/// The beginning and the end of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// The text; invalid UTF-8 is replaced.
    pub text: String,
    /// Bytes left out of the middle.
    pub omitted: u64,
}

impl Output {
    /// This output and then the other.
    pub(super) fn followed_by(self, other: Self) -> Self {
        Self { text: self.text + &other.text, omitted: self.omitted + other.omitted }
    }
}
