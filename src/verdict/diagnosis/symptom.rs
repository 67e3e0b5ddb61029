//! What is wrong, before the question why.

use super::facts::Facts;
use crate::attempt::evidence::Restored;
use crate::lesson::check::{ENDS_WELL, EVIDENCE_IS_VALID};
use crate::topics::TOPICS;

/// What an unmet finding shows. Topics have more of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Symptom(pub &'static str);

pub const EVIDENCE_INVALID: Symptom = Symptom("the evidence is invalid");
/// The answer was stopped or ended with an error.
pub const ENDED_BADLY: Symptom = Symptom("the answer ended badly");
/// What the check asks for was never done with success.
pub const NOT_DONE: Symptom = Symptom("not done");
/// Background work was still running when the check looked, or before the crash.
pub const STILL_RUNNING: Symptom = Symptom("background work was running");
/// Stored data is not in the file.
pub const DATA_LOST: Symptom = Symptom("data lost");
/// The server holds other data than the check asks for.
pub const DATA_WRONG: Symptom = Symptom("data wrong");
/// Another client waited too long.
pub const BLOCKED: Symptom = Symptom("blocked");
/// A setting has another value.
pub const CONFIG: Symptom = Symptom("another setting");
/// The program did not print the expected text.
pub const NOT_PRINTED: Symptom = Symptom("not printed");

/// The symptoms of the unmet finding whose check has this id.
pub fn of(facts: &Facts<'_>, id: &str) -> Vec<Symptom> {
    let Some(check) = facts.check else {
        return match id {
            EVIDENCE_IS_VALID => vec![EVIDENCE_INVALID],
            ENDS_WELL => vec![ENDED_BADLY],
            _ => Vec::new(),
        };
    };
    let mut symptoms = check.subject.symptoms(check, facts);
    symptoms.extend(TOPICS.iter().flat_map(|topic| (topic.symptoms)(check, facts)));
    symptoms
}

/// The symptoms of data that is missing in a file that a server loads.
pub fn data_in_the_file(facts: &Facts<'_>) -> Vec<Symptom> {
    match &facts.evidence.restored {
        Some(Restored::Unloadable(_)) => Vec::new(),
        Some(Restored::NoFile | Restored::Loaded { .. }) | None => vec![DATA_LOST],
    }
}
