//! Why an answer falls short: the common mistakes (`tests/facts`, Common mistakes) as data, each
//! with a function that recognises it in the evidence.
//!
//! A wrong cause is worse than none. So a diagnosis is tried only for an unmet finding whose
//! [`Symptom`] it explains, and that something never happened is concluded only from a complete
//! transcript of an answer that ended well. `tests/it/causes.rs` checks the claims of each cause on
//! real answers.

pub mod blocking;
mod data;
pub mod effects;
pub mod ending;
pub mod facts;
pub mod keys;
mod lines;
mod meant;
mod pasted;
pub mod server;
pub mod symptom;
mod table;
mod transactions;
mod typed;

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

pub use facts::Facts;
pub use symptom::{Symptom, data_in_the_file};

use super::{Finding, Outcome};
use crate::attempt::evidence::{Evidence, ProgramEnd, Run, Stopped};
use crate::lesson::Exercise;
use crate::lesson::check::{ENDS_WELL, EVIDENCE_IS_VALID};
use crate::topics::TOPICS;

/// One mistake that the evidence can show.
#[derive(Debug)]
pub struct Diagnosis {
    /// In kebab-case.
    pub id: &'static str,
    pub stage: Stage,
    /// The cause in one sentence for the student; a name or a number replaces each `{}`.
    pub cause: &'static str,
    pub explains: &'static [Symptom],
    /// `None` if the evidence does not show this mistake.
    pub recognise: fn(&Facts<'_>) -> Option<Cause>,
}

/// When a diagnosis is tried: those of an earlier stage leave less for the later ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The server was ended, locked or changed, or the answer never reached it.
    Server,
    /// What the topic teaches was refused or failed.
    Refused,
    /// Lines of the answer are no commands.
    Lines,
    /// What was begun was not finished in time.
    Unfinished,
    /// Other clients had to wait.
    Blocked,
    /// Commands were not run.
    NotRun,
    /// What is missing was never asked for.
    NeverAsked,
    /// Keys were taken away.
    Gone,
    /// A file was replaced.
    Replaced,
    /// Keys hold other values.
    Values,
}

/// All diagnoses, in the order in which they are tried: by stage, and in each stage those of the
/// topics last. The first one that explains a finding and is recognised is the cause.
pub static DIAGNOSES: LazyLock<Vec<&'static Diagnosis>> = LazyLock::new(|| {
    let of_topics = TOPICS.iter().flat_map(|topic| topic.diagnoses);
    let mut all: Vec<&Diagnosis> = table::TABLE.iter().chain(of_topics).collect();
    all.sort_by_key(|diagnosis| diagnosis.stage);
    all
});

/// What a recogniser found.
#[derive(Debug, Default)]
pub struct Cause {
    /// For the `{}` of the cause, in order.
    pub fills: Vec<String>,
    /// Where the mistake can be seen.
    pub evidence: Vec<Pointer>,
}

impl Cause {
    pub fn at(evidence: impl Into<Vec<Pointer>>) -> Self {
        Self { fills: Vec::new(), evidence: evidence.into() }
    }

    /// Fills in one more `{}`.
    #[must_use]
    pub fn with(mut self, fill: impl Into<String>) -> Self {
        self.fills.push(fill.into());
        self
    }
}

/// A place in the evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pointer {
    /// An exchange of the transcript, by its index.
    Exchange(usize),
    /// A row of the table of changes, by its field.
    Row(&'static str),
    /// The server's log.
    Log,
    /// The longest wait of another client.
    LongestWait,
    /// The program's standard error.
    ProgramErrors,
}

/// The cause of an unmet finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosed {
    /// The id of the [`Diagnosis`].
    pub id: &'static str,
    /// One sentence for the student.
    pub cause: String,
    /// Where it can be seen, the clearest place first.
    pub evidence: Vec<Pointer>,
}

/// Finds the cause of the first unmet finding that has a known one.
pub fn diagnose(
    exercise: &Exercise,
    evidence: &Evidence,
    findings: &[Finding],
) -> Option<Diagnosed> {
    let unmet = findings.iter().filter(|finding| finding.outcome == Outcome::Unmet);
    unmet
        .filter(|finding| !was_cut_off(evidence) || is_about_the_whole_answer(finding))
        .map(|finding| Facts::new(exercise, evidence, &finding.check))
        .find_map(|facts| find_cause(&facts))
}

/// Whether the answer did not end by itself. Then what it had not done yet is not why it falls
/// short: the cause is that of its end, or unknown.
fn was_cut_off(evidence: &Evidence) -> bool {
    match &evidence.run {
        run if run.timed_out() => true,
        Run::Program(program) => matches!(program.end, ProgramEnd::Signalled(_)),
        Run::Typed(typed) => matches!(typed.stopped, Some(Stopped::Endless(_))),
    }
}

fn is_about_the_whole_answer(finding: &Finding) -> bool {
    [EVIDENCE_IS_VALID, ENDS_WELL].contains(&finding.check.as_str())
}

fn find_cause(facts: &Facts<'_>) -> Option<Diagnosed> {
    let mut fitting = DIAGNOSES.iter().filter(|diagnosis| facts.shows_any(diagnosis.explains));
    fitting.find_map(|diagnosis| {
        let found = (diagnosis.recognise)(facts)?;
        let cause = filled(diagnosis.cause, &found.fills);
        Some(Diagnosed { id: diagnosis.id, cause, evidence: found.evidence })
    })
}

/// Replaces the template's own `{}`, but not those in the texts that are filled in.
fn filled(template: &str, fills: &[String]) -> String {
    let mut fills = fills.iter();
    let mut parts = template.split("{}");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + fills.next().map_or("", String::as_str) + part)
}
