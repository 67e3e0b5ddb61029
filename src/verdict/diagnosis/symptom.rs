//! What is wrong, before it is asked why.

use super::case::Case;
use crate::attempt::evidence::{Observation, Restored, is_saving};
use crate::lesson::check::{ENDS_WELL, EVIDENCE_IS_VALID};
use crate::lesson::{Check, Comparison, Crash, Lastsave, Moment, Sent, Subject};
use crate::server::BgsaveEnd;

/// What an unmet finding shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symptom {
    /// The evidence can't be believed.
    InDoubt,
    /// The answer did not end by itself or without an error.
    EndedBadly,
    /// Fewer successful SAVEs than asked for.
    NoSave,
    /// Fewer successful BGSAVEs than asked for.
    NoBgsave,
    /// More SAVEs than allowed.
    UsedSave,
    /// No snapshot was finished.
    NoSnapshot,
    /// A background save ran on when it was looked at, or before the crash.
    StillSaving,
    /// The last background save did not succeed.
    SaveFailed,
    /// What was stored is not in the snapshot.
    DataLost,
    /// The server holds other data than asked for.
    DataWrong,
    /// Another client had to wait too long.
    Blocked,
    /// A setting is another one.
    Config,
    /// The program printed something else.
    NotPrinted,
}

/// What an unmet finding shows, by the name of its check.
pub(super) fn of(case: &Case<'_>, id: &str) -> Vec<Symptom> {
    match (id, case.check) {
        (EVIDENCE_IS_VALID, _) => vec![Symptom::InDoubt],
        (ENDS_WELL, _) => vec![Symptom::EndedBadly],
        (_, Some(check)) => of_check(case, check),
        (_, None) => Vec::new(),
    }
}

fn of_check(case: &Case<'_>, check: &Check) -> Vec<Symptom> {
    let mut symptoms = match &check.subject {
        Subject::Lastsave(Lastsave::Advanced) => vec![Symptom::NoSnapshot],
        Subject::Calls(calls) => calls
            .iter()
            .filter_map(|(names, count)| of_calls(case, check.at, names, *count))
            .collect(),
        Subject::Info(fields) => {
            let names = fields.iter().map(|(name, _)| name.as_str());
            names.filter_map(|name| of_info(case, check.at, name)).collect()
        }
        Subject::Reply(_) if matches!(check.at, Moment::Crash | Moment::Restore) => {
            of_data_in_the_file(case)
        }
        Subject::Reply(_) => vec![Symptom::DataWrong],
        Subject::Dump(_) => of_data_in_the_file(case),
        Subject::Sent(sent) => sent.iter().flat_map(|sent| of_sent(case, sent)).collect(),
        Subject::Blocked(_) => vec![Symptom::Blocked],
        Subject::Config(_) => vec![Symptom::Config],
        Subject::Stdout(_) => vec![Symptom::NotPrinted],
        Subject::Lastsave(Lastsave::Unchanged) | Subject::Exit(_) => Vec::new(),
    };
    // No snapshot yet: the background save that was to bring it was still at work.
    let is_early = check.at == Moment::Exit || case.exercise.crash == Crash::AtExit;
    let is_missed = |it: &Symptom| matches!(it, Symptom::NoSnapshot | Symptom::DataLost);
    if is_early && symptoms.iter().any(is_missed) && case.was_saving_at_exit() {
        symptoms.push(Symptom::StillSaving);
    }
    symptoms
}

fn of_data_in_the_file(case: &Case<'_>) -> Vec<Symptom> {
    match &case.evidence.restored {
        Some(Restored::NoFile) => vec![Symptom::NoSnapshot, Symptom::DataLost],
        Some(Restored::Unloadable(_)) => vec![Symptom::NoSnapshot],
        Some(Restored::Loaded { .. }) | None => vec![Symptom::DataLost],
    }
}

fn of_calls(case: &Case<'_>, at: Moment, names: &[String], count: Comparison) -> Option<Symptom> {
    let now = case.observation(at)?;
    let made = names.iter().map(|name| case.calls_at(now, name)).sum::<i64>();
    let would_do = |number: i64| i32::try_from(number).is_ok_and(|it| count.holds(f64::from(it)));
    if would_do(made) {
        return None;
    }
    let too_few = (made + 1..made + 100).any(would_do);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match (names.as_slice(), too_few) {
        (["save"], true) => Some(Symptom::NoSave),
        (["save"], false) => Some(Symptom::UsedSave),
        (["bgsave"], true) => Some(Symptom::NoBgsave),
        (["save", "bgsave"], true) => Some(Symptom::NoSnapshot),
        _ => None,
    }
}

fn of_info(case: &Case<'_>, at: Moment, field: &str) -> Option<Symptom> {
    let now = case.observation(at)?;
    match field {
        "rdb_bgsave_in_progress" => {
            is_saving(&now.snapshot, &case.evidence.before).then_some(Symptom::StillSaving)
        }
        "rdb_last_bgsave_status" => has_failed(now).then_some(Symptom::SaveFailed),
        "rdb_saves" => has_not_grown(case, now, field).then_some(Symptom::NoSnapshot),
        "total_forks" => has_not_grown(case, now, field).then_some(Symptom::NoBgsave),
        "rdb_changes_since_last_save" => {
            (now.snapshot.number(field) > 0).then_some(Symptom::NoSnapshot)
        }
        _ => None,
    }
}

fn has_failed(now: &Observation) -> bool {
    now.snapshot.field("rdb_last_bgsave_status") == Some("err")
        || now.bgsave_ends.last() == Some(&BgsaveEnd::Killed)
}

fn has_not_grown(case: &Case<'_>, now: &Observation, field: &str) -> bool {
    now.snapshot.field(field).is_some()
        && now.snapshot.number(field) <= case.evidence.before.number(field)
}

/// A command that had to be run, and never was.
fn of_sent(case: &Case<'_>, sent: &Sent) -> Vec<Symptom> {
    let Sent::Order(commands) = sent else { return Vec::new() };
    let wanted = |name: &str| {
        let names = commands.iter().filter_map(|command| command.0.first());
        names.into_iter().any(|word| word.eq_ignore_ascii_case(name.as_bytes()))
    };
    let lacks = |name: &str| wanted(name) && case.last_done(&[name]).is_none();
    let symptoms = [("SAVE", Symptom::NoSave), ("BGSAVE", Symptom::NoBgsave)];
    symptoms.into_iter().filter(|(name, _)| lacks(name)).map(|(_, symptom)| symptom).collect()
}
