//! Lessons as values: what the markdown says, checked and with its place in the file.
//!
//! `lesson` knows no other stage. [`parse::parse`] turns one file's text into a [`Lesson`] or into
//! every [`Problem`] found in it, without any I/O; [`Course::load`] reads the folder.

mod block;
pub mod check;
pub mod course;
mod exercise;
pub mod parse;
pub mod problem;
mod toml_table;

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

pub use check::{
    Check, CommandStart, Comparison, Dump, Expected, Lastsave, Moment, Relation, Sent, StdoutMatch,
    Subject, WaitLimit,
};
pub use course::Course;
pub use problem::{Problem, Severity};

/// A range of bytes in [`Lesson::source`], on character boundaries.
pub type Span = Range<usize>;

/// One markdown file.
#[derive(Debug, Clone)]
pub struct Lesson {
    /// From the file name, without its order and ending: `04-snapshotting.md` is `snapshotting`.
    pub id: String,
    /// As given on the command line joined with the file name, for messages.
    pub path: PathBuf,
    /// The whole text of the file, cleaned of control characters; every [`Span`] of the lesson is a
    /// range of it.
    pub source: String,
    /// The first `#` heading, else the id.
    pub title: String,
    /// In reading order: what stands before the first `##`, then one for each `##` section.
    pub steps: Vec<Step>,
}

impl Lesson {
    /// The digits by which lessons are ordered, as they stand in the file name: `04`.
    pub fn order(&self) -> Option<&str> {
        parse::split_order(self.path.file_stem()?.to_str()?).0
    }

    /// An error at this place.
    pub fn error(&self, span: &Span, message: String, help: Option<String>) -> Problem {
        let source = self.source.as_str().into();
        let of_path = Problem::of_path(&self.path, message, help);
        Problem { source, span: Some(span.clone()), ..of_path }
    }

    /// The line, from 1, in which this byte of the source stands.
    pub fn line_of(&self, offset: usize) -> usize {
        self.source[..offset].bytes().filter(|&byte| byte == b'\n').count() + 1
    }
}

/// What the student reads at one time: a `##` section.
#[derive(Debug, Clone)]
pub struct Step {
    /// The heading's text, without markup.
    pub title: String,
    /// What the student may read, in order: the section without checks, setup, starters,
    /// solutions, wrong answers (with the author's notes) and hints.
    pub reading: Vec<Span>,
    /// `python` and `redis` blocks without a role, in order.
    pub examples: Vec<Example>,
    /// At most one a section.
    pub exercise: Option<Exercise>,
}

/// The language of a block of code or of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// A program for `python3`.
    Python,
    /// Commands as typed into redis-cli, one a line.
    Redis,
}

impl Language {
    /// Both, in the order in which they are offered.
    pub const ALL: [Self; 2] = [Self::Python, Self::Redis];

    /// The word of the fence, of `--language` and of case names.
    pub fn word(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Redis => "redis",
        }
    }

    /// The ending of an answer's file name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Python => "py",
            Self::Redis => "redis",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A fenced block's content.
#[derive(Debug, Clone)]
pub struct Code {
    /// The fence's first word.
    pub language: Language,
    /// What stands between the fences; every line ends with `\n`.
    pub text: String,
    /// The whole block from the opening fence to the closing one.
    pub span: Span,
}

/// A block that the student can run and that `verify` runs.
#[derive(Debug, Clone)]
pub struct Example {
    /// The block.
    pub code: Code,
    /// In a `redis` block with `> ` lines: each command and the reply printed below it.
    /// Empty in all others: then every line is a command and none may be answered by an error.
    pub dialogue: Vec<Exchange>,
}

/// A `> ` line of an example and the reply expected below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The command line without `> `.
    pub command: String,
    /// The lines below it, as redis-cli prints them; `...` stands for anything; empty: not compared.
    pub reply: String,
    /// The `> ` line.
    pub span: Span,
    /// Where the reply stands: each of its lines without its end.
    pub reply_lines: Vec<Span>,
}

/// A section with a `toml exercise` block.
#[derive(Debug, Clone)]
pub struct Exercise {
    /// Unique in the course; lower case letters, digits and `-`.
    pub id: String,
    /// Where the id stands.
    pub span: Span,
    /// How long an answer may run; 10 s where the lesson names none.
    pub time_limit: Duration,
    /// Given to the server as it starts: name and value, as in redis.conf.
    pub settings: Vec<(String, String)>,
    /// Where they stand; empty where there are none.
    pub settings_span: Span,
    /// When the server is killed, if a check asks for it.
    pub crash: Crash,
    /// Commands run before the attempt, one a line, unseen by the checks.
    pub setup: Vec<Code>,
    /// Where the student starts: at most one a language.
    pub starters: Vec<FailingAnswer>,
    /// Right answers: at least one.
    pub solutions: Vec<Code>,
    /// Predictable wrong answers.
    pub wrong_answers: Vec<FailingAnswer>,
    /// The text inside each `> [!TIP]`, as markdown, without the `>`.
    pub hints: Vec<String>,
    /// In the order in which they are told.
    pub checks: Vec<Check>,
    /// Mutants of solutions that pass, and why that is right.
    pub equivalents: Vec<Equivalent>,
    /// What happens while an answer runs, for checks that look at the server then.
    pub meanwhile: Vec<Meanwhile>,
}

impl Exercise {
    /// One in which nothing is asked: a server to play with.
    pub fn without_checks() -> Self {
        Self {
            id: String::new(),
            span: 0..0,
            time_limit: Duration::from_secs(60),
            settings: Vec::new(),
            settings_span: 0..0,
            crash: Crash::WhenSettled,
            setup: Vec::new(),
            starters: Vec::new(),
            solutions: Vec::new(),
            wrong_answers: Vec::new(),
            hints: Vec::new(),
            checks: Vec::new(),
            equivalents: Vec::new(),
            meanwhile: Vec::new(),
        }
    }

    /// The languages it can be answered in: those that have a solution.
    pub fn languages(&self) -> Vec<Language> {
        let solved = |language: &Language| self.solutions.iter().any(|it| it.language == *language);
        Language::ALL.into_iter().filter(solved).collect()
    }

    /// Whether what is typed, or done by any client, can be an answer: not where only a program can.
    pub fn may_be_typed(&self) -> bool {
        self.languages().contains(&Language::Redis)
    }

    /// Whether the server is looked at the moment an answer ends.
    pub fn looks_at_exit(&self) -> bool {
        let looks = |check: &Check| check.at == Moment::Exit && check.subject.is_about_the_server();
        self.checks.iter().any(looks)
    }

    /// Whether another client's waits are watched while an answer runs.
    pub fn watches_clients(&self) -> bool {
        self.checks.iter().any(|check| matches!(check.subject, Subject::Blocked(_)))
    }

    /// Whether the server is watched for something to happen while an answer runs.
    pub fn watches_meanwhile(&self) -> bool {
        !self.meanwhile.is_empty()
    }

    /// Whether all that the snapshot file alone holds is compared with what was there before the answer.
    pub fn compares_with_all_from_before(&self) -> bool {
        let compares =
            |check: &Check| matches!(&check.subject, Subject::Dump(dump) if dump.all_from_before);
        self.checks.iter().any(compares)
    }

    /// Whether it makes a difference to its checks how long a save takes.
    pub fn sees_slow_saves(&self) -> bool {
        self.looks_at_exit() || self.watches_clients()
    }

    /// Whether it makes a difference to its checks when the server is looked at, or how long something takes. Keys that
    /// expire, and saves for which the answer has set a time, are not its doing.
    pub fn depends_on_time(&self) -> bool {
        let is_timeless = |check: &Check| match &check.subject {
            Subject::Info(fields) => fields.iter().all(|(field, _)| is_in(&TIMELESS_FIELDS, field)),
            Subject::Calls(calls) => {
                let mut names = calls.iter().flat_map(|(names, _)| names);
                names.all(|name| is_in(&TIMELESS_CALLS, name))
            }
            Subject::Reply(replies) => replies.iter().all(|(command, _)| {
                is_in(&TIMELESS_REPLIES, command.split_whitespace().next().unwrap_or_default())
            }),
            _ => true,
        };
        self.crash == Crash::AtExit
            || self.settings.iter().any(|(name, _)| name == "save")
            || self.sees_slow_saves()
            || self.watches_meanwhile()
            || !self.checks.iter().all(is_timeless)
    }

    /// Whether the snapshot file alone is loaded by a second, clean server.
    pub fn needs_the_dump(&self) -> bool {
        self.checks.iter().any(|check| check.at == Moment::Restore)
    }

    /// Whether an attempt kills and restarts the server.
    pub fn needs_crash(&self) -> bool {
        self.crash == Crash::AtExit || self.checks.iter().any(|it| it.at == Moment::Crash)
    }
}

/// A `[[meanwhile]]`: a moment while an answer runs at which the server is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meanwhile {
    /// For `at` of checks; lower case letters, digits and `-`.
    pub id: String,
    /// What it waits for.
    pub when: Trigger,
}

/// What a [`Meanwhile`] waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// `@bgsave-ended`: a background save has ended; of several the last one counts.
    BgsaveEnded,
}

impl Trigger {
    /// The words of the key `when`.
    pub const WORDS: [&str; 1] = ["@bgsave-ended"];

    /// `None`: no such word.
    pub fn of(word: &str) -> Option<Self> {
        (word == Self::WORDS[0]).then_some(Self::BgsaveEnded)
    }

    /// What did not happen if this never came.
    pub fn never(self) -> &'static str {
        match self {
            Self::BgsaveEnded => "no background save ended",
        }
    }
}

/// What INFO tells when all has settled that is alike however long that took.
const TIMELESS_FIELDS: [&str; 3] =
    ["rdb_bgsave_in_progress", "rdb_last_bgsave_status", "rdb_changes_since_last_save"];
/// What no answer sends more often because something takes longer.
const TIMELESS_CALLS: [&str; 7] = ["save", "bgsave", "set", "mset", "hset", "del", "flushall"];
const TIMELESS_REPLIES: [&str; 7] = ["GET", "MGET", "HGET", "EXISTS", "DBSIZE", "LRANGE", "TYPE"];

fn is_in(names: &[&str], name: &str) -> bool {
    names.iter().any(|it| it.eq_ignore_ascii_case(name))
}

/// The key `crash` of an exercise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// After a background save had time to finish: the default.
    WhenSettled,
    /// `crash = "exit"`: the moment the answer ends.
    AtExit,
}

/// An `[[equivalent]]`: what `verify` makes out of a solution and what is as right as that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equivalent {
    /// The mutant's id without the exercise's: `redis/solution-2/without-line-4`.
    pub mutant: String,
    /// Why it is right.
    pub because: String,
    /// Where `mutant` stands.
    pub span: Span,
}

/// A starter or a wrong answer: code and the check it must fail on.
#[derive(Debug, Clone)]
pub struct FailingAnswer {
    /// The block.
    pub code: Code,
    /// The id of a check, or [`check::ENDS_WELL`] or [`check::EVIDENCE_IS_VALID`].
    pub fails: String,
    /// What the author says of a wrong answer: the text under it, empty where there is none.
    pub note: Span,
}
