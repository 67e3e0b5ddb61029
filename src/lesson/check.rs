//! Checks as data: what to look at, when, and what to expect.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use super::Span;
use crate::checks::{Scope, Subject};
use crate::sanitize::clean;

/// The finding that an answer's program ended on its own without an error. Every exercise has it,
/// unless it checks `exit` itself.
pub const ENDS_WELL: &str = "ends-well";

/// The finding that the evidence can be trusted: same server, counters not reset.
pub const EVIDENCE_IS_VALID: &str = "evidence-is-valid";

/// The value of `from` for the append-only file.
pub const FROM_AOF: &str = "@aof";

/// The loader's warning about a check that no `fails=` names.
pub fn never_named(id: &str) -> String {
    format!("no starter or wrong answer fails on `{id}`")
}

/// One `[[check]]`.
#[derive(Debug, Clone)]
pub struct Check {
    /// Unique in its exercise; lower case letters, digits and `-`.
    pub id: String,
    /// The span of the id.
    pub span: Span,
    /// The key of its subject: `reply`.
    pub kind: &'static str,
    pub subject: Arc<dyn Subject>,
    /// The moment at which the subject is looked at.
    pub at: Moment,
    /// The only world in which it is asked; `None`: in all.
    pub world: Option<String>,
    /// The file that a second server loads for it, in place of the server's own snapshot.
    pub from: Option<String>,
    /// Checks that must be met first; otherwise this one is not reached.
    pub needs: Vec<String>,
    /// The author's sentence for the student.
    pub says: Option<String>,
    /// Shown when unmet.
    pub otherwise: Option<String>,
    /// Whether what is expected is for the student to find out, and never shown.
    pub is_secret: bool,
    /// Whether it is there to show something, and never fails alone.
    pub only_shows: bool,
}

impl Check {
    /// The sentence that the student sees: the author's, else one generated from the subject.
    pub fn sentence(&self) -> String {
        if let Some(sentence) = &self.says {
            return sentence.clone();
        }
        if let Some(from) = &self.from {
            let file = if from == FROM_AOF {
                "the append-only file".to_owned()
            } else {
                format!("`{from}`")
            };
            return clean(&self.subject.sentence_of(&file)).into_owned();
        }
        let when = match self.at {
            _ if !self.is_about_the_server() => "",
            Moment::Exit => ", at the moment the answer ends",
            Moment::Settled => "",
            Moment::Crash => ", after a crash",
            Moment::Restart => ", after a restart",
            Moment::Restore | Moment::RestoredFrom(_) => ", when the snapshot file alone is loaded",
            Moment::Meanwhile(_) => ", while the answer runs",
            Moment::Always => ", at every moment",
            Moment::Later(time) => &format!(", {} later", time_words(time)),
        };
        // The expected text may hold control characters.
        clean(&format!("{}{when}", self.subject.sentence())).into_owned()
    }

    /// Whether it looks at the answer's server at a moment.
    pub fn is_about_the_server(&self) -> bool {
        self.subject.scope() == Scope::Server
    }

    /// Whether it is about the answer's process, which a `redis` answer does not have.
    pub fn is_about_the_program(&self) -> bool {
        self.subject.scope() == Scope::Program
    }

    /// The subject, if it is of this kind.
    pub fn of_kind<T: Subject>(&self) -> Option<&T> {
        (self.subject.as_ref() as &dyn Any).downcast_ref()
    }
}

/// When evidence is taken, after the baseline `before`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// The answer has just ended; work in the background may still run.
    Exit,
    /// After each command of the answer, from `before` to its end.
    Always,
    /// Nothing runs in the background any more, or the deadline for that has passed.
    Settled,
    /// So much later, after it had settled: time is moved on, not waited for.
    Later(Duration),
    /// The server was killed (SIGKILL) and started again from the same directory.
    Crash,
    /// The server was ended in order (SIGTERM) and started again from the same directory.
    Restart,
    /// The snapshot file alone was loaded by a second, clean server.
    Restore,
    /// The same of the file that is this one of the exercise's [`super::Exercise::loads`].
    RestoredFrom(usize),
    /// The trigger of the exercise's [`super::Meanwhile`] with this index has fired.
    Meanwhile(usize),
}

impl Moment {
    /// The moments of every exercise, each with the value of the key `at`.
    pub(super) const NAMED: [(&str, Self); 6] = [
        ("always", Self::Always),
        ("exit", Self::Exit),
        ("settled", Self::Settled),
        ("crash", Self::Crash),
        ("restart", Self::Restart),
        ("restore", Self::Restore),
    ];

    /// The value of the key `at`.
    pub fn word(self) -> &'static str {
        let of_a_file = matches!(self, Self::RestoredFrom(_));
        let this = if of_a_file { Self::Restore } else { self };
        let named = Self::NAMED.into_iter().find(|(_, moment)| *moment == this);
        named.map_or(
            if matches!(self, Self::Later(_)) { "later" } else { "meanwhile" },
            |(word, _)| word,
        )
    }
}

/// `31m`, `90s`, `2h`, as in `at`.
pub fn time_words(time: Duration) -> String {
    let (seconds, milliseconds) = (time.as_secs(), time.subsec_millis());
    if milliseconds > 0 {
        format!("{}ms", time.as_millis())
    } else if seconds % 3600 == 0 {
        format!("{}h", seconds / 3600)
    } else if seconds % 60 == 0 {
        format!("{}m", seconds / 60)
    } else {
        format!("{seconds}s")
    }
}
