//! What an unmet check shows about snapshots, before the question why.

use super::background::{is_saving, was_killed};
use super::lastsave::Lastsave;
use crate::attempt::evidence::Observation;
use crate::checks::Scope;
use crate::checks::calls::{Calls, Difference, difference};
use crate::checks::info::Info;
use crate::checks::sent::Sent;
use crate::lesson::{Check, Crash, Moment};
use crate::verdict::diagnosis::{Facts, Symptom, is_loaded_from_the_log, symptom};

/// Fewer successful SAVEs than asked for.
pub const NO_SAVE: Symptom = Symptom("no SAVE");
/// Fewer successful BGSAVEs than asked for.
pub const NO_BGSAVE: Symptom = Symptom("no BGSAVE");
/// More SAVEs than allowed.
pub const USED_SAVE: Symptom = Symptom("SAVE was used");
/// No snapshot was finished.
pub const NO_SNAPSHOT: Symptom = Symptom("no snapshot");
/// The last background save failed.
pub const SAVE_FAILED: Symptom = Symptom("a save failed");

/// Nothing was saved in a way that the check asks for: also [`symptom::NOT_DONE`].
const MISSING: [Symptom; 3] = [NO_SAVE, NO_BGSAVE, NO_SNAPSHOT];

pub fn of(check: &Check, facts: &Facts<'_>) -> Vec<Symptom> {
    let mut symptoms = of_subject(check, facts);
    let lacks_a_snapshot = symptoms.contains(&NO_SNAPSHOT)
        || (is_about_the_file(check) && !is_loaded_from_the_log(facts));
    // There may be no snapshot yet because the background save was still running.
    let is_early = check.at == Moment::Exit || facts.exercise.crash == Crash::AtExit;
    if is_early && lacks_a_snapshot && was_saving_at_exit(facts) {
        symptoms.push(symptom::STILL_RUNNING);
    }
    if symptoms.iter().any(|symptom| MISSING.contains(symptom)) {
        symptoms.push(symptom::NOT_DONE);
    }
    symptoms
}

/// Whether the check is about what a snapshot holds.
fn is_about_the_file(check: &Check) -> bool {
    let is_of_a_reply = !check.subject.expected_replies().is_empty();
    check.subject.scope() == Scope::Only(Moment::Restore)
        || (is_of_a_reply && matches!(check.at, Moment::Crash | Moment::Restart | Moment::Restore))
}

fn of_subject(check: &Check, facts: &Facts<'_>) -> Vec<Symptom> {
    if is_about_the_file(check) {
        let lacks_the_file = facts.evidence.restored().is_some_and(Result::is_err);
        return if lacks_the_file { vec![NO_SNAPSHOT] } else { Vec::new() };
    }
    if let Some(Lastsave::Advanced) = check.of_kind::<Lastsave>() {
        return vec![NO_SNAPSHOT];
    }
    if let Some(Calls(counts)) = check.of_kind::<Calls>() {
        let missed = counts
            .iter()
            .filter_map(|(names, count)| of_calls(names, difference(check, facts, names, *count)?));
        return missed.collect();
    }
    if let Some(Info(fields)) = check.of_kind::<Info>() {
        let shown = fields.iter().filter_map(|(name, _)| of_info(facts, check.at, name));
        return shown.collect();
    }
    check.of_kind::<Sent>().map(|sent| of_sent(facts, sent)).unwrap_or_default()
}

fn of_calls(names: &[String], difference: Difference) -> Option<Symptom> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match (names.as_slice(), difference) {
        (["save"], Difference::TooFew) => Some(NO_SAVE),
        (["save"], Difference::TooMany) => Some(USED_SAVE),
        (["bgsave"], Difference::TooFew) => Some(NO_BGSAVE),
        (["save", "bgsave"], Difference::TooFew) => Some(NO_SNAPSHOT),
        _ => None,
    }
}

fn of_info(facts: &Facts<'_>, at: Moment, field: &str) -> Option<Symptom> {
    let now = facts.evidence.at(at)?;
    match field {
        "rdb_bgsave_in_progress" => {
            is_saving(&now.info, &facts.evidence.before).then_some(symptom::STILL_RUNNING)
        }
        "rdb_last_bgsave_status" => has_failed(now).then_some(SAVE_FAILED),
        "rdb_saves" => has_not_grown(facts, now, field).then_some(NO_SNAPSHOT),
        "total_forks" => has_not_grown(facts, now, field).then_some(NO_BGSAVE),
        "rdb_changes_since_last_save" => (now.info.number(field) > 0).then_some(NO_SNAPSHOT),
        _ => None,
    }
}

fn has_failed(now: &Observation) -> bool {
    now.info.field("rdb_last_bgsave_status") == Some("err") || was_killed(now)
}

fn has_not_grown(facts: &Facts<'_>, now: &Observation, field: &str) -> bool {
    now.info.field(field).is_some() && now.info.number(field) <= facts.evidence.before.number(field)
}

/// The saves that the check asks for and that were never run.
fn of_sent(facts: &Facts<'_>, sent: &Sent) -> Vec<Symptom> {
    let mut symptoms = Vec::new();
    for (name, symptom) in [("SAVE", NO_SAVE), ("BGSAVE", NO_BGSAVE)] {
        let mut names = sent.wanted().filter_map(|start| start.0.first());
        let is_wanted = names.any(|word| word.eq_ignore_ascii_case(name.as_bytes()));
        if is_wanted && facts.last_done(&[name]).is_none() {
            symptoms.push(symptom);
        }
    }
    symptoms
}

pub fn was_saving_at_exit(facts: &Facts<'_>) -> bool {
    let exit = facts.evidence.at(Moment::Exit);
    exit.is_some_and(|exit| is_saving(&exit.info, &facts.evidence.before))
}
