//! One verdict on an answer that was tried in several worlds.

use super::finding::{Finding, FoundInWorld, Outcome, Verdict};
use crate::attempt::Evidence;
use crate::error::EnvironmentError;
use crate::lesson::Exercise;
use crate::lesson::check::{ENDS_WELL, EVIDENCE_IS_VALID};
use crate::lesson::meanwhile::IT_CAME_TO_THAT;

/// An answer in one world, and the verdict on it there.
pub struct Tried {
    pub evidence: Evidence,
    pub verdict: Verdict,
}

impl Tried {
    fn world(&self) -> &str {
        self.evidence.world.as_deref().unwrap_or_default()
    }

    fn finding(&self, check: &str) -> Option<&Finding> {
        self.verdict.findings.iter().find(|finding| finding.check == check)
    }
}

/// Concludes from all attempts of an answer. With several, a check is met if it is met in every
/// world in which it is asked; the evidence is that of the first world in which something is unmet,
/// with the others inside it.
///
/// # Errors
///
/// If nothing is unmet anywhere, but the evidence of some attempt does not decide.
pub fn concluded(
    exercise: &Exercise,
    mut tried: Vec<Tried>,
) -> Result<(Evidence, Verdict), EnvironmentError> {
    let is_unmet = |tried: &Tried| !tried.verdict.unmet().is_empty();
    let shown = tried.iter().position(is_unmet);
    if shown.is_none() {
        for Tried { evidence, verdict } in &tried {
            verdict.undecided(exercise, evidence).map_or(Ok(()), Err)?;
        }
    }
    let findings = (tried.len() > 1).then(|| in_all_worlds(exercise, &tried));
    let Tried { evidence, verdict } = tried.remove(shown.unwrap_or(0));
    let others = tried.into_iter().map(|tried| tried.evidence).collect();
    let findings = findings.unwrap_or(verdict.findings);
    Ok((Evidence { others, ..evidence }, Verdict { findings, diagnosis: verdict.diagnosis }))
}

fn in_all_worlds(exercise: &Exercise, tried: &[Tried]) -> Vec<Finding> {
    let always = [EVIDENCE_IS_VALID, ENDS_WELL, IT_CAME_TO_THAT].into_iter();
    let checks = always.chain(exercise.checks.iter().map(|check| check.id.as_str()));
    checks.filter_map(|check| combined(check, tried)).collect()
}

/// `None` if it is asked in no world, or is one of those that are told only if they are unmet.
fn combined(check: &str, tried: &[Tried]) -> Option<Finding> {
    let mut asked: Vec<(&str, &Finding)> = Vec::new();
    for tried in tried {
        asked.extend(tried.finding(check).map(|finding| (tried.world(), finding)));
    }
    let outcome = [Outcome::Unmet, Outcome::NotReached, Outcome::Met]
        .into_iter()
        .find(|outcome| asked.iter().any(|(_, finding)| finding.outcome == *outcome))?;
    let (_, decides) = asked.iter().find(|(_, finding)| finding.outcome == outcome)?;
    let mut found = Vec::new();
    for (world, finding) in asked.iter().filter(|(_, finding)| finding.outcome == outcome) {
        if !finding.found.is_empty() {
            found.push(format!("in `{world}`: {}", finding.found));
        }
    }
    let in_worlds = asked.iter().map(|(world, finding)| FoundInWorld {
        world: (*world).to_owned(),
        outcome: finding.outcome,
        found: finding.found.clone(),
    });
    let in_worlds = in_worlds.collect();
    Some(Finding { found: found.join("; "), in_worlds, ..(*decides).clone() })
}
