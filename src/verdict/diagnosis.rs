//! Why an answer falls short: the common mistakes (Redis facts 10) as data, each with what the evidence
//! must show of it.
//!
//! A wrong cause is worse than none. So a diagnosis is asked only about an unmet finding whose
//! [`Symptom`] it explains, and what "never" happened is concluded only from a whole transcript of an answer that
//! ended well. What each cause claims is checked over real answers in `tests/it/causes.rs`.

mod blocking;
mod case;
mod data;
mod effects;
mod ending;
mod keys;
mod refused;
mod server;
mod snapshots;
mod symptom;
mod table;
mod typed;
mod waiting;

#[cfg(test)]
mod tests;

pub use case::Case;
pub use symptom::Symptom;
pub use table::DIAGNOSES;

use super::{Finding, Outcome};
use crate::attempt::evidence::{Evidence, ProgramEnd, Run, Stopped};
use crate::lesson::Exercise;
use crate::lesson::check::{ENDS_WELL, EVIDENCE_IS_VALID};

/// One mistake that the evidence can show.
#[derive(Debug)]
pub struct Diagnosis {
    /// In kebab-case.
    pub id: &'static str,
    /// The cause in one sentence for the student; each `{}` is filled in with a name or a number.
    pub cause: &'static str,
    /// What it can explain.
    pub explains: &'static [Symptom],
    /// Whether it is to be seen here.
    pub recognise: fn(&Case<'_>) -> Option<Found>,
}

/// What a recogniser has found.
#[derive(Debug, Default)]
pub struct Found {
    /// For the `{}` of the cause, in order.
    pub fills: Vec<String>,
    /// Where it can be seen.
    pub evidence: Vec<Pointer>,
}

impl Found {
    /// Seen in these places, with nothing to fill in.
    fn at(evidence: impl Into<Vec<Pointer>>) -> Self {
        Self { fills: Vec::new(), evidence: evidence.into() }
    }

    /// The same with one more `{}`.
    fn with(mut self, fill: impl Into<String>) -> Self {
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
    /// What the program printed as its errors.
    ProgramErrors,
}

/// The cause of an unmet finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosed {
    /// Of the [`Diagnosis`].
    pub id: &'static str,
    /// One sentence for the student.
    pub cause: String,
    /// Where it can be seen, the most telling place first.
    pub evidence: Vec<Pointer>,
}

/// The cause of the first unmet finding that has a known one.
pub fn diagnose(
    exercise: &Exercise,
    evidence: &Evidence,
    findings: &[Finding],
) -> Option<Diagnosed> {
    let unmet = findings.iter().filter(|finding| finding.outcome == Outcome::Unmet);
    unmet
        .filter(|finding| !was_cut_off(evidence) || is_about_all_of_it(finding))
        .map(|finding| Case::new(exercise, evidence, &finding.check))
        .find_map(|case| cause(&case))
}

/// Whether it did not come to an end of its own. What such an answer had not done yet is not why it falls short:
/// its cause is that of its end, or unknown.
fn was_cut_off(evidence: &Evidence) -> bool {
    match &evidence.run {
        run if run.timed_out() => true,
        Run::Program(program) => matches!(program.end, ProgramEnd::Signalled(_)),
        Run::Typed(typed) => matches!(typed.stopped, Some(Stopped::Endless(_))),
    }
}

fn is_about_all_of_it(finding: &Finding) -> bool {
    [EVIDENCE_IS_VALID, ENDS_WELL].contains(&finding.check.as_str())
}

fn cause(case: &Case<'_>) -> Option<Diagnosed> {
    let fitting = DIAGNOSES.iter().filter(|it| it.explains.iter().any(|it| case.shows(*it)));
    fitting.into_iter().find_map(|diagnosis| {
        let found = (diagnosis.recognise)(case)?;
        let cause = filled(diagnosis.cause, &found.fills);
        Some(Diagnosed { id: diagnosis.id, cause, evidence: found.evidence })
    })
}

/// Only the template's own `{}` are filled in, not those of what is filled in.
fn filled(template: &str, fills: &[String]) -> String {
    let mut fills = fills.iter();
    let mut parts = template.split("{}");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + fills.next().map_or("", String::as_str) + part)
}
