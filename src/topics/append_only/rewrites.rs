//! Rewrites that were not waited for, or never begun, and what is taken for the log.

use super::{IN_PROGRESS, REWRITE, SCHEDULED, is_running};
use crate::attempt::evidence::Run;
use crate::checks::info::Info;
use crate::lesson::{Check, Moment};
use crate::redis_cli::words;
use crate::topics::awaited_by;
use crate::verdict::diagnosis::{Cause, Facts, Pointer, Symptom, is_loaded_from_the_log, seen_at};

const SIZES: [&str; 2] = ["aof_current_size", "aof_base_size"];

/// The log was still being written when the answer ended.
pub const BEING_WRITTEN: Symptom = Symptom("the log is being written");
/// The log is longer than the check asks for.
pub const LONG: Symptom = Symptom("the log is long");

pub fn symptoms(check: &Check, facts: &Facts<'_>) -> Vec<Symptom> {
    let mut symptoms = Vec::new();
    // A log that is not complete is no log: a start reads the one before, or none.
    let is_lost = check.at == Moment::Crash && is_loaded_from_the_log(facts);
    let is_about_it = is_lost || asks_for(check, &[IN_PROGRESS, SCHEDULED]);
    if is_about_it && was_rewriting_at_exit(facts) {
        symptoms.push(BEING_WRITTEN);
    }
    if asks_for(check, &SIZES) {
        symptoms.push(LONG);
    }
    symptoms
}

fn asks_for(check: &Check, names: &[&str]) -> bool {
    let fields = check.of_kind::<Info>().map(|Info(fields)| fields.as_slice()).unwrap_or_default();
    fields.iter().any(|(name, _)| names.contains(&name.as_str()))
}

fn was_rewriting_at_exit(facts: &Facts<'_>) -> bool {
    let exit = facts.evidence.at(Moment::Exit);
    exit.is_some_and(|exit| (REWRITE.is_pending)(&exit.info, &facts.evidence.before))
}

/// What began the rewrite that still ran at the end.
struct Begun {
    index: usize,
    how: How,
}

#[derive(PartialEq, Eq)]
enum How {
    /// BGREWRITEAOF.
    Command,
    /// The CONFIG SET that switched the log on.
    Switch,
}

/// The later of the two, if its rewrite had not ended.
fn unfinished(facts: &Facts<'_>) -> Option<Begun> {
    if !was_rewriting_at_exit(facts) || !facts.ended_by_itself() {
        return None;
    }
    let switched_on = facts.last_set("appendonly").filter(|(_, value)| value == "yes");
    let switched_on = switched_on.map(|(index, _)| index);
    let commanded = facts.last_done(&["BGREWRITEAOF"]);
    let how = if commanded > switched_on { How::Command } else { How::Switch };
    commanded.max(switched_on).map(|index| Begun { index, how })
}

/// Lines that wait for other work, below what began the rewrite.
pub fn waited_for_other_work(facts: &Facts<'_>) -> Option<Cause> {
    let Begun { index, .. } = unfinished(facts)?;
    let Run::Typed(typed) = &facts.evidence.run else { return None };
    let command = words::join(&facts.exchange(index)?.words);
    let line = typed.exchanges.iter().rposition(|exchange| exchange.line.trim() == command)?;
    let later = &typed.exchanges[line + 1..];
    later.iter().find_map(|exchange| {
        // What the answer has begun itself, it may wait for.
        let work = awaited_by(&exchange.line).filter(|work| {
            **work != REWRITE && facts.last_done(&[work.begun_by.to_uppercase()]).is_none()
        })?;
        let line = exchange.line.split_whitespace().next()?;
        Some(seen_at(index).with(line).with(work.name).with(REWRITE.name))
    })
}

/// Another child was at work, or EXEC: until the rewrite begins, no field says that it runs.
pub fn only_scheduled(facts: &Facts<'_>) -> Option<Cause> {
    let Begun { index, .. } = unfinished(facts)?;
    let exit = facts.evidence.at(Moment::Exit)?;
    (exit.info.number(SCHEDULED) != 0).then(|| seen_in(index, SCHEDULED))
}

/// INFO said that the log was being written, and the answer ended anyway: it read another field, or
/// looked only once.
pub fn ended_though_info_said_so(facts: &Facts<'_>) -> Option<Cause> {
    let Begun { index, .. } = unfinished(facts)?;
    Some(seen_at(facts.last_info_says(IN_PROGRESS, index)?).and(index))
}

pub fn first_log_not_awaited(facts: &Facts<'_>) -> Option<Cause> {
    not_awaited(facts, &How::Switch)
}

pub fn rewrite_not_awaited(facts: &Facts<'_>) -> Option<Cause> {
    not_awaited(facts, &How::Command)
}

fn not_awaited(facts: &Facts<'_>, begun: &How) -> Option<Cause> {
    let Begun { index, how } = unfinished(facts)?;
    (how == *begun).then(|| seen_in(index, IN_PROGRESS))
}

fn seen_in(index: usize, field: &'static str) -> Cause {
    Cause::at([Pointer::Exchange(index), Pointer::Row(field)])
}

/// Whether the log was off all the time, and no CONFIG SET was to switch it on.
fn was_never_switched_on(facts: &Facts<'_>) -> bool {
    if facts.exercise.stop || facts.evidence.before.number("aof_enabled") != 0 {
        return false;
    }
    let is_off = facts.last_look().is_some_and(|now| now.info.field("aof_enabled") == Some("0"));
    let asks = facts.exchanges().iter().any(|exchange| exchange.value_set("appendonly").is_some());
    is_off && !asks && facts.ended_well()
}

/// BGREWRITEAOF writes a log also while the log is off.
pub fn rewrite_taken_for_the_switch(facts: &Facts<'_>) -> Option<Cause> {
    let index = facts.last_done(&["BGREWRITEAOF"])?;
    was_never_switched_on(facts).then(|| seen_at(index))
}

pub fn fsync_taken_for_the_switch(facts: &Facts<'_>) -> Option<Cause> {
    let (index, _) = facts.last_set("appendfsync")?;
    was_never_switched_on(facts).then(|| seen_at(index))
}

/// The log is as long as it was, since nothing has rewritten it.
pub fn nobody_asked_for_a_rewrite(facts: &Facts<'_>) -> Option<Cause> {
    let has_run = facts.last_look().is_some_and(|now| {
        is_running(&now.info) || REWRITE.begun_since(&now.info, &facts.evidence.before) > 0
    });
    let was_switched = facts.last_set("appendonly").is_some();
    (!has_run && !was_switched && facts.never_sent("BGREWRITEAOF")).then(Cause::default)
}
