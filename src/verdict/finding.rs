//! A verdict and its findings.

use super::diagnosis::diagnosed::Diagnosed;
use super::not_understood::not_understood;
use crate::attempt::evidence::Evidence;
use crate::error::EnvironmentError;
use crate::lesson::Exercise;

#[derive(Debug, Clone)]
pub struct Verdict {
    /// In the lesson's order. Findings about the answer as a whole come first, and only if they
    /// are unmet.
    pub findings: Vec<Finding>,
    /// Why the answer falls short, where the evidence shows it.
    pub diagnosis: Option<Diagnosed>,
}

impl Verdict {
    /// Whether every check is met.
    pub fn passed(&self) -> bool {
        self.findings.iter().all(|finding| finding.outcome == Outcome::Met)
    }

    /// Why there is neither a pass nor a failure: nothing is unmet, but the evidence that would
    /// decide a check was not kept because too much was sent.
    pub(super) fn undecided(
        &self,
        exercise: &Exercise,
        evidence: &Evidence,
    ) -> Option<EnvironmentError> {
        let open = self.findings.iter().find(|finding| finding.outcome == Outcome::NotReached)?;
        if self.findings.iter().any(|finding| finding.outcome == Outcome::Unmet) {
            return None;
        }
        if let Some((check, why)) = not_understood(exercise, evidence) {
            let fact = format!("`{}` can't be judged: {why}", check.id);
            let help = "this is not your answer's fault: use another version of the server";
            return Some(EnvironmentError::new(fact, help));
        }
        let (why, help) = why_undecided(evidence);
        Some(EnvironmentError::new(format!("`{}` can't be judged: {why}", open.check), help))
    }

    /// The ids of unmet checks.
    pub fn unmet(&self) -> Vec<&str> {
        let unmet = self.findings.iter().filter(|finding| finding.outcome == Outcome::Unmet);
        unmet.map(|finding| finding.check.as_str()).collect()
    }
}

/// Why the evidence does not decide, and what to do about it.
fn why_undecided(evidence: &Evidence) -> (String, &'static str) {
    if evidence.last().is_none() {
        let why = "the server did not respond when the answer ended, and was then killed";
        let help = "make sure that the server responds when the answer ends: wait for SAVE's \
                    reply, and avoid CLIENT PAUSE and endless scripts";
        return (why.to_owned(), help);
    }
    let past: Vec<&str> = evidence.timeline.came_past.iter().map(String::as_str).collect();
    if !past.is_empty() {
        let why = format!(
            "{} {} sent to the server's own port instead of `localhost:6379`, so the order of \
             commands is unknown",
            past.join(" and "),
            if past.len() == 1 { "was" } else { "were" }
        );
        return (why, "send every command to `localhost:6379`");
    }
    if evidence.timeline.messages_left_out > 0 {
        let why = "not every message that the answer received was recorded";
        return (why.to_owned(), "let fewer messages come");
    }
    let why = "not every command was recorded, a command got no reply, or the server was too busy";
    (why.to_owned(), "send fewer commands, wait for their replies, and poll less often")
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check's id.
    pub check: String,
    pub outcome: Outcome,
    /// The sentence for the student.
    pub says: String,
    /// In words; the sentence for the student if the check was not reached.
    pub expected: String,
    /// In words. If the check was not reached: why, or nothing if something else that is unmet is
    /// the reason.
    pub found: String,
    /// The author's advice for an unmet check.
    pub otherwise: Option<String>,
    /// The same in each of the exercise's worlds in which it is asked; empty if it has none.
    pub in_worlds: Vec<FoundInWorld>,
}

/// What a check found in one world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundInWorld {
    pub world: String,
    pub outcome: Outcome,
    /// As in [`Finding::found`].
    pub found: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Met,
    Unmet,
    /// A check that this one needs is unmet, or there is no evidence to look at.
    NotReached,
}
