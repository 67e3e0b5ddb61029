//! Lessons as values: the content of the markdown, checked, with its position in the file.
//!
//! `lesson` depends on no other stage. [`parse::parse`] turns one file's text into a [`Lesson`] or
//! into every [`Problem`] found in it, without any I/O; [`Course::load`] reads the folder.

mod block;
pub mod check;
pub mod course;
mod example;
mod exercise;
mod lines;
pub mod meanwhile;
pub mod parse;
pub mod pattern;
pub mod problem;
pub mod toml_table;
mod world;
pub mod words;

#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use crate::checks::{Question, Subject};
use crate::runner_line::Place;

pub use check::{Check, Moment};
pub use course::Course;
pub use example::{Example, ExampleExchange};
pub use exercise::{duration, setting_name};
pub use meanwhile::{Kill, Meanwhile, Trigger};
pub use problem::{Problem, Severity};
pub use world::World;

/// A range of bytes in [`Lesson::source`], on character boundaries.
pub type Span = Range<usize>;

/// One markdown file.
#[derive(Debug, Clone)]
pub struct Lesson {
    /// The file name without number and extension: `04-snapshotting.md` is `snapshotting`.
    pub id: String,
    /// The path given on the command line joined with the file name, for messages.
    pub path: PathBuf,
    /// The whole text of the file, cleaned of control characters; every [`Span`] of the lesson is a
    /// range of it.
    pub source: String,
    line_starts: lines::LineStarts,
    /// The first `#` heading, else the id.
    pub title: String,
    /// In reading order: the text before the first `##`, then one step for each `##` section.
    pub steps: Vec<Step>,
    /// The markdown in `> [!SUMMARY]`: what to keep in mind.
    pub summary: Option<String>,
    /// Asked at a later start.
    pub recall: Vec<RecallQuestion>,
    /// The links and images in its text.
    pub links: Vec<Link>,
    /// What a link's `#` may name: headings, and ids in HTML.
    pub anchors: Vec<String>,
}

/// A link or an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub target: String,
    pub is_image: bool,
    pub span: Span,
}

/// A `> [!RECALL]`; both parts are markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecallQuestion {
    pub question: String,
    pub answer: String,
}

impl Lesson {
    /// The digits in the file name that order the lessons: `04`.
    pub fn order(&self) -> Option<&str> {
        parse::split_order(self.path.file_stem()?.to_str()?).0
    }

    pub fn error(&self, span: &Span, message: String, help: Option<String>) -> Problem {
        let source = self.source.as_str().into();
        let of_path = Problem::of_path(&self.path, message, help);
        Problem { source, span: Some(span.clone()), ..of_path }
    }

    /// The line of this byte of the source, from 1.
    pub fn line_of(&self, offset: usize) -> usize {
        self.line_starts.line_of(offset)
    }
}

/// The line of this byte of a text, from 1.
fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].bytes().filter(|&byte| byte == b'\n').count() + 1
}

/// The start of the line that contains `offset`.
pub fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |newline| newline + 1)
}

/// What the student reads at one time: a `##` section.
#[derive(Debug, Clone)]
pub struct Step {
    /// The heading's text, without markup.
    pub title: String,
    /// The whole section with its heading.
    pub span: Span,
    /// The text for the student, in order: the section without checks, setup, starters,
    /// solutions, wrong answers (with the author's notes) and hints.
    pub reading: Vec<Span>,
    /// `python` and `redis` blocks without a role, in order.
    pub examples: Vec<Example>,
    /// At most one a section.
    pub exercise: Option<Exercise>,
}

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

    /// The word used in fences, for `--language` and in case names.
    pub fn word(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Redis => "redis",
        }
    }

    /// The extension of an answer's file name, without the dot.
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
    /// The text between the fences; every line ends with `\n`.
    pub text: String,
    /// The whole block from the opening fence to the closing one.
    pub span: Span,
}

/// A section with a `toml exercise` block.
#[derive(Debug, Clone, Default)]
pub struct Exercise {
    /// Unique in the course; lower case letters, digits and `-`.
    pub id: String,
    /// The span of the id.
    pub span: Span,
    /// How long an answer may run; 10 s by default.
    pub time_limit: Duration,
    /// Options for the start of the server: name and value, as in redis.conf.
    pub settings: Vec<(String, String)>,
    /// The span of the settings; empty if there are none.
    pub settings_span: Span,
    /// The servers that it is for, as a course names them: `redis 7.0`. Empty: all.
    pub servers: Vec<String>,
    /// When the server is killed, if a check asks for it.
    pub crash: Crash,
    /// Whether an answer may stop and start the server.
    pub stop: bool,
    /// Settings for every later start of the server, laid over [`Self::settings`].
    pub restart: Vec<(String, String)>,
    /// Commands run before the attempt, one a line; the checks do not see them.
    pub setup: Vec<Code>,
    /// The situations in which an answer must hold; none if there is only one.
    pub worlds: Vec<World>,
    /// The world that this is, if it is one of an exercise's.
    pub world: Option<String>,
    /// At most one a language.
    pub starters: Vec<FailingAnswer>,
    /// Right answers: at least one.
    pub solutions: Vec<Code>,
    /// Predictable wrong answers.
    pub wrong_answers: Vec<FailingAnswer>,
    /// The text inside each `> [!TIP]`, as markdown, without the `>`.
    pub hints: Vec<String>,
    /// In the order in which they are reported.
    pub checks: Vec<Check>,
    /// Mutants of solutions that pass, and why that is right.
    pub equivalents: Vec<Equivalent>,
    /// Files that second servers load, besides the snapshot file: each value of `from` once.
    pub loads: Vec<String>,
    /// Moments while an answer runs at which checks look at the server.
    pub meanwhile: Vec<Meanwhile>,
}

impl Exercise {
    /// An exercise that asks for nothing: the server of the Redis prompt.
    pub fn without_checks() -> Self {
        Self { time_limit: Duration::from_secs(60), ..Self::default() }
    }

    /// The languages of the solutions: the languages in which it can be answered.
    pub fn languages(&self) -> Vec<Language> {
        let mut languages = Language::ALL.to_vec();
        languages.retain(|language| self.solutions.iter().any(|code| code.language == *language));
        languages
    }

    /// Whether typed commands, or the work of any client, can be an answer: false if only a
    /// program can, or if the answer must hold in several worlds.
    pub fn may_be_typed(&self) -> bool {
        self.worlds.is_empty() && self.languages().contains(&Language::Redis)
    }

    /// Whether a check looks at the server the moment an answer ends.
    pub fn looks_at_exit(&self) -> bool {
        self.checks.iter().any(|check| check.at == Moment::Exit && check.is_about_the_server())
    }

    /// Whether a check measures another client's waits while an answer runs.
    pub fn watches_clients(&self) -> bool {
        self.checks.iter().any(|check| check.subject.wait_limit().is_some())
    }

    /// Whether something is awaited or done on the server while an answer runs.
    pub fn watches_meanwhile(&self) -> bool {
        !self.meanwhile.is_empty() || self.checks.iter().any(|check| check.at == Moment::Always)
    }

    /// Whether work in the background is awaited while an answer runs.
    pub fn watches_background(&self) -> bool {
        self.meanwhile.iter().any(|meanwhile| meanwhile.when.is_a_mark())
    }

    /// Whether the server is killed and started again while an answer runs.
    pub fn kills_the_server_meanwhile(&self) -> bool {
        self.meanwhile.iter().any(|meanwhile| meanwhile.steps.kill == Some(Kill::Server))
    }

    /// Whether a `[[meanwhile]]` does something to the server itself, not through a client.
    pub fn acts_on_the_server_meanwhile(&self) -> bool {
        let mut steps = self.meanwhile.iter().map(|meanwhile| &meanwhile.steps);
        steps.any(|steps| steps.kill == Some(Kill::Server) || steps.disk.is_some())
    }

    /// Whether it is judged whether everything happened that was to happen beside the answer.
    pub fn must_come_to_that(&self) -> bool {
        self.meanwhile
            .iter()
            .any(|meanwhile| meanwhile.when.must_come() && !meanwhile.steps.is_empty())
    }

    /// What is asked of the server again and again while an answer runs.
    pub fn questions_meanwhile(&self) -> Vec<Question> {
        self.subjects_meanwhile().flat_map(Subject::questions).collect()
    }

    /// The fields of INFO that are read again and again while an answer runs; `None` if only replies
    /// are looked at, and nothing that runs in the background.
    pub fn info_fields_meanwhile(&self) -> Option<Vec<&str>> {
        let reads_info = self.watches_background()
            || !self.subjects_meanwhile().all(Subject::only_asks_for_replies);
        reads_info.then(|| self.subjects_meanwhile().flat_map(Subject::info_fields).collect())
    }

    fn subjects_meanwhile(&self) -> impl Iterator<Item = &dyn Subject> {
        let checks = self.checks.iter();
        let checks =
            checks.filter(|check| matches!(check.at, Moment::Meanwhile(_) | Moment::Always));
        let conditions = self.meanwhile.iter().filter_map(|meanwhile| match &meanwhile.when {
            Trigger::Condition(subject) => Some(&**subject),
            _ => None,
        });
        checks.map(|check| &*check.subject).chain(conditions)
    }

    /// The times of the checks with `at = "31m later"`, in order.
    pub fn later_moments(&self) -> Vec<Duration> {
        let mut times = Vec::new();
        for check in &self.checks {
            if let Moment::Later(time) = check.at {
                times.push(time);
            }
        }
        times.sort_unstable();
        times.dedup();
        times
    }

    /// Whether time is moved on for keys and pending entries.
    pub fn moves_time(&self) -> bool {
        !self.later_moments().is_empty()
            || self.meanwhile.iter().any(|meanwhile| meanwhile.steps.later.is_some())
    }

    /// Whether a check compares the snapshot file with all keys from before the answer.
    pub fn compares_with_all_from_before(&self) -> bool {
        self.checks.iter().any(|check| check.subject.compares_with_all_keys())
    }

    /// Whether the duration of work in the background can change the result of a check.
    pub fn sees_slow_work(&self) -> bool {
        self.looks_at_exit() || self.watches_clients()
    }

    /// Whether the moment of a look at the server, or the duration of something, can change the
    /// result of a check. This ignores keys that expire and save points that the answer sets.
    pub fn depends_on_time(&self) -> bool {
        self.crash == Crash::AtExit
            || self.settings.iter().any(|(name, _)| name == "save")
            || self.sees_slow_work()
            || self.watches_background()
            || !self.checks.iter().all(|check| check.subject.is_timeless())
    }

    /// Whether a second, clean server loads the snapshot file alone.
    pub fn needs_the_dump(&self) -> bool {
        self.checks.iter().any(|check| check.at == Moment::Restore)
    }

    /// Where its answers' lines for the runner stand.
    pub fn place(&self) -> Place {
        if self.stop { Place::WhereTheServerStops } else { Place::Anywhere }
    }

    /// Whether an attempt ends the server as a service does, and starts it again.
    pub fn needs_restart(&self) -> bool {
        self.checks.iter().any(|check| check.at == Moment::Restart)
    }

    /// Whether an attempt kills and restarts the server.
    pub fn needs_crash(&self) -> bool {
        self.crash == Crash::AtExit || self.checks.iter().any(|check| check.at == Moment::Crash)
    }

    pub fn looks_only_after_a_crash(&self) -> bool {
        self.checks.iter().all(|check| check.at == Moment::Crash)
    }
}

/// The key `crash` of an exercise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Crash {
    /// After work in the background had time to finish.
    #[default]
    WhenSettled,
    /// `crash = "exit"`: the moment the answer ends.
    AtExit,
}

/// An `[[equivalent]]`: a mutant that `verify` makes from a solution and that is also right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equivalent {
    /// The mutant's id without the exercise's, `redis/solution-2/without-line-4`, or a glob of such
    /// ids.
    pub mutant: String,
    /// Why it is right.
    pub because: String,
    /// The span of `mutant`.
    pub span: Span,
}

impl Equivalent {
    /// Whether it may mean several mutants.
    pub fn is_glob(&self) -> bool {
        self.mutant.contains(['*', '?', '['])
    }
}

/// A starter or a wrong answer: code and the check it must fail on.
#[derive(Debug, Clone)]
pub struct FailingAnswer {
    pub code: Code,
    /// The id of a check, or [`check::ENDS_WELL`] or [`check::EVIDENCE_IS_VALID`].
    pub fails: String,
    /// The author's note below a wrong answer; empty if there is none.
    pub note: Span,
}
