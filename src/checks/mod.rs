//! The kinds of checks, each in a file of its own: how it is written, what it asks the server, and
//! how it is judged. [`KINDS`] lists those that fit every topic; a topic adds its own
//! ([`crate::topics`]). The loader, the verdict and the tests of `lessons/README.md` read them all
//! from here.

pub mod blocked;
pub mod calls;
pub mod config;
mod exit;
pub mod expected;
pub mod info;
pub mod lines;
mod received;
mod replied;
mod reply;
pub mod sent;
mod stdout;
pub mod values;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::attempt::evidence::{Evidence, Observation};
use crate::lesson::toml_table::{Entry, Toml};
use crate::lesson::words::RandomWords;
use crate::lesson::{Check, Moment};
use crate::redis_cli::words;
use crate::server::ServerInfo;
use crate::topics::TOPICS;
use crate::verdict::diagnosis::{Facts, Symptom};

use self::expected::Expected;
pub use self::stdout::quoted;

/// The kinds of checks that fit every topic.
const KINDS: [&Kind; 10] = [
    &calls::KIND,
    &info::KIND,
    &reply::KIND,
    &config::KIND,
    &stdout::KIND,
    &exit::KIND,
    &blocked::KIND,
    &sent::KIND,
    &replied::KIND,
    &received::KIND,
];

/// A key of `[[check]]` that says what is looked at.
pub struct Kind {
    pub key: &'static str,
    /// Its rows in the table of `lessons/README.md`: how it is written, and when it is met.
    pub rows: &'static [(&'static str, &'static str)],
    /// Reads the key's value and reports what is wrong with it.
    pub read: fn(&mut Toml<'_>, Entry<'_>) -> Option<Arc<dyn Subject>>,
}

/// All kinds, in the order of the documentation.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    KINDS.into_iter().chain(TOPICS.iter().flat_map(|topic| topic.checks.iter().copied()))
}

/// Reads a check's subject.
pub fn read(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<(&'static Kind, Arc<dyn Subject>)> {
    let kind = kinds().find(|kind| kind.key == entry.key)?;
    Some((kind, (kind.read)(toml, entry)?))
}

/// What a check looks at, and what it expects there.
pub trait Subject: fmt::Debug + Any + Send + Sync {
    /// The sentence for the student, without the moment, if the author wrote none.
    fn sentence(&self) -> String;

    /// The same about this file, which a second server has loaded.
    fn sentence_of(&self, file: &str) -> String {
        format!("{}, when {file} is loaded", self.sentence())
    }

    fn scope(&self) -> Scope {
        Scope::Server
    }

    /// Why it cannot be looked at at this moment, and what to do instead.
    fn misfit(&self, at: Moment) -> Option<(String, &'static str)> {
        default_misfit(self.scope(), self.compares_with_before(), at)
    }

    /// What to ask the server at the check's moment, besides LASTSAVE and INFO.
    fn questions(&self) -> Vec<Question> {
        Vec::new()
    }

    /// The INFO fields that the server must report.
    fn info_fields(&self) -> Vec<&str> {
        Vec::new()
    }

    /// The commands whose calls it counts, in lower case.
    fn counted_commands(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Whether replies alone decide it, and nothing in INFO.
    fn only_asks_for_replies(&self) -> bool {
        let reads_info = !self.info_fields().is_empty() || !self.counted_commands().is_empty();
        !self.questions().is_empty() && !reads_info
    }

    /// The replies that it expects, by command line.
    fn expected_replies(&self) -> &[(String, Expected)] {
        &[]
    }

    /// The same, but looked at in this database; `None` if it is about no database.
    fn in_database(&self, _database: u32) -> Option<Arc<dyn Subject>> {
        None
    }

    /// The texts of the lesson in it, in which `{word:NAME}` stands for a random word.
    fn texts(&self) -> Vec<&str> {
        Vec::new()
    }

    /// The same with these words, if its texts have any.
    fn with_words(&self, _words: &RandomWords) -> Option<Arc<dyn Subject>> {
        None
    }

    /// The question of this check that the server does not understand, with the server's words.
    fn not_understood(&self, _now: &Observation) -> Option<String> {
        None
    }

    /// The keys, in database 0, that it expects to exist.
    fn expected_keys(&self) -> &[String] {
        &[]
    }

    /// The limit for another client's longest wait, if it measures waits.
    fn wait_limit(&self) -> Option<blocked::WaitLimit> {
        None
    }

    /// Whether it compares with `before`. A restart in between makes that meaningless.
    fn compares_with_before(&self) -> bool {
        false
    }

    /// Whether it compares with every key from before the answer.
    fn compares_with_all_keys(&self) -> bool {
        false
    }

    /// Whether how long something takes cannot change what it finds at the end.
    fn is_timeless(&self) -> bool {
        true
    }

    /// Judges a check that is about the server at one moment; `None` if the evidence does not
    /// decide.
    fn judge_at(&self, _now: &Observation, _evidence: &Evidence) -> Option<Seen> {
        None
    }

    /// Whether it is not met, and nothing that happens on this server later can change that.
    fn is_spoilt(&self, _now: &Observation, _evidence: &Evidence) -> bool {
        false
    }

    /// Judges a check of any other scope; `None` if the evidence does not decide.
    fn judge(&self, _evidence: &Evidence) -> Option<Seen> {
        None
    }

    /// Judges a file that a second server has loaded, for what is about a file.
    fn judge_file(&self, _now: &Observation) -> Option<Seen> {
        None
    }

    /// The channels that it names.
    fn channels(&self) -> Vec<&str> {
        Vec::new()
    }

    /// What its being unmet shows, for the diagnoses.
    fn symptoms(&self, _check: &Check, _facts: &Facts<'_>) -> Vec<Symptom> {
        Vec::new()
    }
}

/// What a subject is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The answer's server, at a moment that the author chooses.
    Server,
    /// What is there at this moment alone.
    Only(Moment),
    /// The answer's program, which a `redis` answer does not have.
    Program,
    /// The whole run of the answer, in either language.
    Run,
}

/// What a check asks the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// A command line that only reads.
    Command(String),
    /// The same in another database than 0.
    CommandIn(u32, String),
    /// The value of a setting, by CONFIG GET.
    Config(String),
    /// What the server has logged.
    Log,
}

/// What one check sees in the evidence, whether or not the checks that it needs are met.
#[derive(Debug, Clone)]
pub struct Seen {
    pub met: bool,
    /// In words.
    pub expected: String,
    /// In words.
    pub found: String,
}

impl Seen {
    pub fn unmet(expected: String, found: impl Into<String>) -> Self {
        Self { met: false, expected, found: found.into() }
    }
}

/// The commands, in lower case, with which a look at the server always begins and ends.
pub const ALWAYS_ASKED: [&str; 4] = ServerInfo::ASKED;

/// The question whether a key exists.
pub fn exists(key: &str) -> String {
    words::join(&[b"EXISTS".as_slice(), key.as_bytes()])
}

/// The question that asks this command line in a database.
pub fn question_in(database: u32, line: &str) -> Question {
    match database {
        0 => Question::Command(line.to_owned()),
        other => Question::CommandIn(other, line.to_owned()),
    }
}

/// A command line with its database, as the reply to it is noted and told.
pub fn asked_in(database: u32, line: &str) -> String {
    if database == 0 { line.to_owned() } else { format!("{line} (in database {database})") }
}

/// Whether the server has answered that the key exists; `None` if it was not asked.
pub fn is_there(now: &Observation, database: u32, key: &str) -> Option<bool> {
    now.replies.get(&asked_in(database, &exists(key))).map(|reply| reply.is("(integer) 1"))
}

/// Combines the parts of one check. It is met if every part is; otherwise it names only the unmet
/// parts.
pub fn all<T>(parts: &[T], look: impl Fn(&T) -> Seen) -> Seen {
    let seen: Vec<Seen> = parts.iter().map(look).collect();
    let met = seen.iter().all(|part| part.met);
    let (mut expected, mut found) = (Vec::new(), Vec::new());
    for part in seen.into_iter().filter(|part| met || !part.met) {
        expected.push(part.expected);
        found.push(part.found);
    }
    Seen { met, expected: listed(&expected), found: listed(&found) }
}

/// Parts of several lines stand below each other.
fn listed(parts: &[String]) -> String {
    let has_lines = parts.iter().any(|part| part.contains('\n'));
    parts.join(if has_lines { "\n" } else { ", " })
}

/// The parts of a sentence, one for each item.
fn joined<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(", ")
}

const LEAVE_OUT: &str = "remove `at`";

/// [`Subject::misfit`] for most subjects.
pub fn default_misfit(
    scope: Scope,
    compares_with_before: bool,
    at: Moment,
) -> Option<(String, &'static str)> {
    let word = at.word();
    match (scope, at) {
        (Scope::Run, _) => {
            let message = "this covers the whole run of the answer, not one moment";
            Some((message.to_owned(), LEAVE_OUT))
        }
        (Scope::Program, Moment::Exit) => None,
        (Scope::Program, _) => {
            Some((format!("a program has no `{word}`: it is checked when it exits"), LEAVE_OUT))
        }
        (Scope::Only(only), at) if at == only => None,
        (Scope::Only(only), _) => {
            Some((format!("this is checked only at `{}`", only.word()), LEAVE_OUT))
        }
        (Scope::Server, Moment::Meanwhile(_) | Moment::Always) => Some((
            "while an answer runs, only a `reply` can be checked".to_owned(),
            "check a `reply`, or choose another moment",
        )),
        (Scope::Server, Moment::Restart) if compares_with_before => Some((
            "a server that was restarted has counters and a LASTSAVE of its own".to_owned(),
            "check a `reply` after a restart, or counters at `exit` or `settled`",
        )),
        (Scope::Server, Moment::Crash) if compares_with_before => Some((
            "the crash restarts the server, which resets its counters and LASTSAVE".to_owned(),
            "check a `reply` after a crash, or counters at `exit` or `settled`",
        )),
        (Scope::Server, Moment::Restore) if compares_with_before => Some((
            "a second server loads the snapshot: its counters and LASTSAVE are its own".to_owned(),
            "check a `reply` at `restore`, or counters at `exit` or `settled`",
        )),
        (Scope::Server, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The toy topic of the tests is not documented.
    #[test]
    fn the_guide_has_each_kinds_rows_in_this_order() {
        let guide = include_str!("../../lessons/README.md");
        let table = guide.split("| subject | met when |\n|---|---|\n").nth(1).unwrap();
        let written: Vec<&str> = table.lines().take_while(|line| line.starts_with('|')).collect();
        let rows = kinds().filter(|kind| kind.key != "toy").flat_map(|kind| kind.rows);
        let known: Vec<String> =
            rows.map(|(form, met_when)| format!("| {form} | {met_when} |")).collect();
        assert_eq!(written, known);
    }
}
