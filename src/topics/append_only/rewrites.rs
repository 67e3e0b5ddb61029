//! Rewrites that were not waited for, or never begun, and what is taken for the log.

use super::{REWRITE, is_running};
use crate::attempt::evidence::Run;
use crate::checks::info::Info;
use crate::lesson::{Check, Moment};
use crate::redis_cli::words;
use crate::topics::{BackgroundWork, awaited_by};
use crate::verdict::diagnosis::{Cause, Facts, Pointer, Symptom, is_loaded_from_the_log, seen_at};

const REWRITING: [&str; 2] = ["aof_rewrite_in_progress", "aof_rewrite_scheduled"];
const SIZES: [&str; 2] = ["aof_current_size", "aof_base_size"];

/// The log was still being written when the answer ended.
pub const BEING_WRITTEN: Symptom = Symptom("the log is being written");
/// The log is longer than the check asks for.
pub const LONG: Symptom = Symptom("the log is long");

pub fn symptoms(check: &Check, facts: &Facts<'_>) -> Vec<Symptom> {
    let mut symptoms = Vec::new();
    let fields = check.of_kind::<Info>().map(|Info(fields)| fields.as_slice()).unwrap_or_default();
    let asks_for = |names: &[&str]| fields.iter().any(|(name, _)| names.contains(&name.as_str()));
    // A log that is not complete is no log: a start reads the one before, or none.
    let is_lost = check.at == Moment::Crash && is_loaded_from_the_log(facts);
    if (is_lost || asks_for(&REWRITING)) && was_rewriting_at_exit(facts) {
        symptoms.push(BEING_WRITTEN);
    }
    if asks_for(&SIZES) {
        symptoms.push(LONG);
    }
    symptoms
}

fn was_rewriting_at_exit(facts: &Facts<'_>) -> bool {
    let exit = facts.evidence.at(Moment::Exit);
    exit.is_some_and(|exit| (REWRITE.is_pending)(&exit.info, &facts.evidence.before))
}

/// What began the rewrite that still ran at the end: the last BGREWRITEAOF, or the CONFIG SET that
/// switched the log on.
enum Begun {
    ByCommand(usize),
    BySwitch(usize),
}

fn unfinished(facts: &Facts<'_>) -> Option<Begun> {
    if !was_rewriting_at_exit(facts) || !facts.ended_by_itself() {
        return None;
    }
    let switched_on = facts.last_set("appendonly").filter(|(_, value)| value == "yes");
    let switched_on = switched_on.map(|(index, _)| index);
    let commanded = facts.last_done(&["BGREWRITEAOF"]);
    match commanded {
        Some(index) if commanded > switched_on => Some(Begun::ByCommand(index)),
        _ => switched_on.map(Begun::BySwitch),
    }
}

/// A line that waits for other work.
pub fn waited_for_other_work(facts: &Facts<'_>) -> Option<Cause> {
    let (Begun::ByCommand(begun) | Begun::BySwitch(begun)) = unfinished(facts)?;
    let Run::Typed(typed) = &facts.evidence.run else { return None };
    let command = words::join(&facts.exchange(begun)?.words);
    let line = typed.exchanges.iter().rposition(|exchange| exchange.line.trim() == command)?;
    let later = &typed.exchanges[line + 1..];
    later.iter().find_map(|exchange| {
        // What the answer has begun itself, it may wait for.
        let is_others = |work: &&BackgroundWork| {
            **work != REWRITE && facts.last_done(&[work.begun_by.to_uppercase()]).is_none()
        };
        let work = awaited_by(&exchange.line).filter(is_others)?;
        let line = exchange.line.split_whitespace().next()?;
        Some(seen_at(begun).with(line).with(work.name).with(REWRITE.name))
    })
}

/// Another child was at work, or EXEC: until the rewrite begins, no field says that it runs.
pub fn only_scheduled(facts: &Facts<'_>) -> Option<Cause> {
    let (Begun::ByCommand(begun) | Begun::BySwitch(begun)) = unfinished(facts)?;
    let exit = facts.evidence.at(Moment::Exit)?;
    let waits = exit.info.number("aof_rewrite_scheduled") != 0;
    waits.then(|| Cause::at([Pointer::Exchange(begun), Pointer::Row("aof_rewrite_scheduled")]))
}

pub fn first_log_not_awaited(facts: &Facts<'_>) -> Option<Cause> {
    let Begun::BySwitch(index) = unfinished(facts)? else { return None };
    Some(Cause::at([Pointer::Exchange(index), Pointer::Row("aof_rewrite_in_progress")]))
}

pub fn rewrite_not_awaited(facts: &Facts<'_>) -> Option<Cause> {
    let Begun::ByCommand(index) = unfinished(facts)? else { return None };
    Some(Cause::at([Pointer::Exchange(index), Pointer::Row("aof_rewrite_in_progress")]))
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
        is_running(&now.info)
            || (REWRITE.begun)(&now.info) > (REWRITE.begun)(&facts.evidence.before)
    });
    let was_switched = facts.last_set("appendonly").is_some();
    (!has_run && !was_switched && facts.never_sent("BGREWRITEAOF")).then(Cause::default)
}
