//! What is wrong, before the question why.

use super::facts::Facts;
use crate::attempt::evidence::{Observation, Restored, is_saving};
use crate::lesson::check::{ENDS_WELL, EVIDENCE_IS_VALID};
use crate::lesson::{Check, Comparison, Crash, Lastsave, Moment, Sent, Subject};
use crate::server::BgsaveEnd;

/// What an unmet finding shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symptom {
    EvidenceInvalid,
    /// The answer was stopped or ended with an error.
    EndedBadly,
    /// Fewer successful SAVEs than asked for.
    NoSave,
    /// Fewer successful BGSAVEs than asked for.
    NoBgsave,
    /// More SAVEs than allowed.
    UsedSave,
    /// No snapshot was finished.
    NoSnapshot,
    /// A background save was still running when the check looked, or before the crash.
    StillSaving,
    /// The last background save failed.
    SaveFailed,
    /// Stored data is not in the snapshot.
    DataLost,
    /// The server holds other data than the check asks for.
    DataWrong,
    /// Another client waited too long.
    Blocked,
    /// A setting has another value.
    Config,
    /// The program did not print the expected text.
    NotPrinted,
}

/// The symptoms of the unmet finding whose check has this id.
pub(super) fn of(facts: &Facts<'_>, id: &str) -> Vec<Symptom> {
    match (id, facts.check) {
        (EVIDENCE_IS_VALID, _) => vec![Symptom::EvidenceInvalid],
        (ENDS_WELL, _) => vec![Symptom::EndedBadly],
        (_, Some(check)) => of_check(facts, check),
        (_, None) => Vec::new(),
    }
}

fn of_check(facts: &Facts<'_>, check: &Check) -> Vec<Symptom> {
    let mut symptoms = match &check.subject {
        Subject::Lastsave(Lastsave::Advanced) => vec![Symptom::NoSnapshot],
        Subject::Calls(calls) => calls
            .iter()
            .filter_map(|(names, count)| of_calls(facts, check.at, names, *count))
            .collect(),
        Subject::Info(fields) => {
            let names = fields.iter().map(|(name, _)| name.as_str());
            names.filter_map(|name| of_info(facts, check.at, name)).collect()
        }
        Subject::Reply(_) if matches!(check.at, Moment::Crash | Moment::Restore) => {
            of_data_in_the_file(facts)
        }
        Subject::Reply(_) => vec![Symptom::DataWrong],
        Subject::Dump(_) => of_data_in_the_file(facts),
        Subject::Sent(sent) => sent.iter().flat_map(|sent| of_sent(facts, sent)).collect(),
        Subject::Blocked(_) => vec![Symptom::Blocked],
        Subject::Config(_) => vec![Symptom::Config],
        Subject::Stdout(_) => vec![Symptom::NotPrinted],
        Subject::Lastsave(Lastsave::Unchanged) | Subject::Exit(_) => Vec::new(),
    };
    // There may be no snapshot yet because the background save was still running.
    let is_early = check.at == Moment::Exit || facts.exercise.crash == Crash::AtExit;
    let lacks_a_snapshot =
        symptoms.contains(&Symptom::NoSnapshot) || symptoms.contains(&Symptom::DataLost);
    if is_early && lacks_a_snapshot && facts.was_saving_at_exit() {
        symptoms.push(Symptom::StillSaving);
    }
    symptoms
}

fn of_data_in_the_file(facts: &Facts<'_>) -> Vec<Symptom> {
    match &facts.evidence.restored {
        Some(Restored::NoFile) => vec![Symptom::NoSnapshot, Symptom::DataLost],
        Some(Restored::Unloadable(_)) => vec![Symptom::NoSnapshot],
        Some(Restored::Loaded { .. }) | None => vec![Symptom::DataLost],
    }
}

fn of_calls(facts: &Facts<'_>, at: Moment, names: &[String], count: Comparison) -> Option<Symptom> {
    let now = facts.observation(at)?;
    let made = names.iter().map(|name| facts.calls_at(now, name)).sum::<i64>();
    if holds(count, made) {
        return None;
    }
    let is_too_few = (made + 1..made + 100).any(|number| holds(count, number));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match (names.as_slice(), is_too_few) {
        (["save"], true) => Some(Symptom::NoSave),
        (["save"], false) => Some(Symptom::UsedSave),
        (["bgsave"], true) => Some(Symptom::NoBgsave),
        (["save", "bgsave"], true) => Some(Symptom::NoSnapshot),
        _ => None,
    }
}

fn holds(count: Comparison, number: i64) -> bool {
    i32::try_from(number).is_ok_and(|number| count.holds(f64::from(number)))
}

fn of_info(facts: &Facts<'_>, at: Moment, field: &str) -> Option<Symptom> {
    let now = facts.observation(at)?;
    match field {
        "rdb_bgsave_in_progress" => {
            is_saving(&now.info, &facts.evidence.before).then_some(Symptom::StillSaving)
        }
        "rdb_last_bgsave_status" => has_failed(now).then_some(Symptom::SaveFailed),
        "rdb_saves" => has_not_grown(facts, now, field).then_some(Symptom::NoSnapshot),
        "total_forks" => has_not_grown(facts, now, field).then_some(Symptom::NoBgsave),
        "rdb_changes_since_last_save" => {
            (now.info.number(field) > 0).then_some(Symptom::NoSnapshot)
        }
        _ => None,
    }
}

fn has_failed(now: &Observation) -> bool {
    now.info.field("rdb_last_bgsave_status") == Some("err")
        || now.bgsave_ends.last() == Some(&BgsaveEnd::Killed)
}

fn has_not_grown(facts: &Facts<'_>, now: &Observation, field: &str) -> bool {
    now.info.field(field).is_some() && now.info.number(field) <= facts.evidence.before.number(field)
}

/// The saves that the check asks for and that were never run.
fn of_sent(facts: &Facts<'_>, sent: &Sent) -> Vec<Symptom> {
    let Sent::Order(commands) = sent else { return Vec::new() };
    let mut symptoms = Vec::new();
    for (name, symptom) in [("SAVE", Symptom::NoSave), ("BGSAVE", Symptom::NoBgsave)] {
        let is_wanted = commands
            .iter()
            .filter_map(|command| command.0.first())
            .any(|word| word.eq_ignore_ascii_case(name.as_bytes()));
        if is_wanted && facts.last_done(&[name]).is_none() {
            symptoms.push(symptom);
        }
    }
    symptoms
}
