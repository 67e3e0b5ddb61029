//! Questions of checks that the server does not understand: a command or an option that only other
//! versions have. Then the lesson is at fault, and no answer is.

use crate::attempt::evidence::Evidence;
use crate::lesson::{Check, Exercise};
use crate::server::versions::server_and_version;

/// The first check with such a question, and the server's words.
pub fn not_understood<'e>(
    exercise: &'e Exercise,
    evidence: &Evidence,
) -> Option<(&'e Check, String)> {
    let asked = exercise.with_words(&evidence.words);
    let mut checks = exercise.checks.iter().zip(&asked.checks);
    checks.find_map(|(check, asked)| Some((check, why_not_understood(asked, evidence)?)))
}

/// ``redis 6.2.16 answers `EXPIRETIME a` with `ERR unknown command…` ``.
pub(super) fn why_not_understood(check: &Check, evidence: &Evidence) -> Option<String> {
    let question = check.subject.not_understood(evidence.at(check.at)?)?;
    Some(format!("{} answers {question}", server_and_version(&evidence.before)))
}
