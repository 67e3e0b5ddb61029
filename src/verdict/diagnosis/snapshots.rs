//! Snapshots that were never asked for, came too early, or were taken away again.

use super::case::{Case, is_queued, lastsave, reply_text};
use super::effects::Effect;
use super::keys::{Missing, State};
use super::server::seen_at;
use super::symptom::Symptom;
use super::waiting::has_succeeded;
use super::{Found, Pointer};
use crate::attempt::evidence::{Restored, forks_for_saves};
use crate::lesson::Subject;
use crate::server::BgsaveEnd;
use crate::tap::{Exchange, Outcome};

/// FLUSHALL kills the child that is writing; INFO goes on to say `ok` (Redis facts 2.2).
pub(super) fn flushall_ended_it(case: &Case<'_>) -> Option<Found> {
    let flush = case.last_done(&["FLUSHALL"])?;
    let bgsave = case.last_done(&["BGSAVE"]).filter(|bgsave| case.surely_after(flush, *bgsave))?;
    let saved_since = case.last_done(&["SAVE"]).is_some_and(|save| save > bgsave);
    let now = case.last_look()?;
    let logged = now.bgsave_ends.last() == Some(&BgsaveEnd::Killed);
    // Without a log: it was accepted, has ended, did not fail, and brought no snapshot.
    let silent = now.bgsave_ends.is_empty()
        && now.snapshot.lastsave == case.evidence.before.lastsave
        && now.snapshot.number("rdb_bgsave_in_progress") == 0
        && now.snapshot.number("rdb_last_bgsave_time_sec") >= 0
        && now.snapshot.field("rdb_last_bgsave_time_sec").is_some()
        && case.last_status() == Some("ok");
    let places = [Pointer::Exchange(flush), Pointer::Exchange(bgsave)];
    let log = logged.then_some(Pointer::Log);
    ((logged || silent) && !saved_since)
        .then(|| Found::at(places.into_iter().chain(log).collect::<Vec<_>>()))
}

/// With save points FLUSHALL also writes an empty file over the good one.
pub(super) fn flushall_emptied_the_file(case: &Case<'_>) -> Option<Found> {
    let flush = case.last_done(&["FLUSHALL"])?;
    let save = case.last_snapshot().filter(|save| case.surely_after(flush, *save))?;
    // They may have been set only later.
    let set_since = case.last_set("save").is_some_and(|(set, _)| !case.surely_after(flush, set));
    (has_save_points(case) && !set_since)
        .then(|| Found::at([Pointer::Exchange(flush), Pointer::Exchange(save)]))
}

pub(super) fn has_save_points(case: &Case<'_>) -> bool {
    let given = case.exercise.settings.iter().rev().find(|(name, _)| name == "save");
    let points = case.last_set("save").map(|(_, value)| value);
    let points = points.or_else(|| given.map(|(_, value)| value.clone()));
    points.is_some_and(|points| !matches!(points.trim(), "" | "\"\""))
}

/// What is missing was written when the snapshot's moment had passed.
pub(super) fn written_after(case: &Case<'_>) -> Option<Found> {
    let snapshot = case.last_snapshot()?;
    if is_scheduled(case, snapshot) {
        return None;
    }
    let writes = last_writes_after(case, snapshot)?;
    let first = *writes.first()?;
    let names: Vec<String> =
        case.missing().iter().map(|missing| format!("`{}`", missing.name())).collect();
    let command = case.exchange(snapshot)?.name();
    Some(
        Found::at([Pointer::Exchange(first), Pointer::Exchange(snapshot)])
            .with(names.join(", "))
            .with(command),
    )
}

/// A BGSAVE inside MULTI, or `BGSAVE SCHEDULE`, takes its moment later.
fn is_scheduled(case: &Case<'_>, snapshot: usize) -> bool {
    let Some(exchange) = case.exchange(snapshot) else { return true };
    let scheduled = reply_text(exchange).is_some_and(|reply| reply.contains("scheduled"));
    is_queued(exchange) || scheduled
}

/// The last write of each missing key, in order, if there are missing keys and every one of them was
/// written after the exchange `snapshot`, is stored since, and was not so before.
pub(super) fn last_writes_after(case: &Case<'_>, snapshot: usize) -> Option<Vec<usize>> {
    let writes = case.writes();
    let last_write = |missing: &Missing<'_>| {
        let story = case.story(&writes, &missing.key)?;
        let last = story.iter().rev().find(|write| write.effect != Effect::Expires)?;
        let stored = matches!(last.effect, Effect::Stored(_));
        let held = case.state_at(snapshot, &writes, &missing.key);
        // What setup has made of it may not be known; in the file it is not.
        let is_new = !story.iter().any(|write| write.index < snapshot);
        let explains =
            missing.shows(&held) || (missing.is_absent() && (held == State::Absent || is_new));
        (stored && explains && case.surely_after(last.index, snapshot)).then_some(last.index)
    };
    let missing = case.missing();
    let last: Option<Vec<usize>> = missing.iter().map(last_write).collect();
    let mut last = last.filter(|last| !last.is_empty())?;
    last.sort_unstable();
    Some(last)
}

/// The setting was changed, so the file is another one than that which is loaded.
pub(super) fn file_elsewhere(case: &Case<'_>) -> Option<Found> {
    let snapshot = case.last_snapshot()?;
    let changed = ["dir", "dbfilename"].into_iter().find_map(|name| {
        let (index, value) = case.last_set(name)?;
        let is_another = name == "dir" || value != "dump.rdb";
        (is_another && case.surely_after(snapshot, index)).then_some((index, name))
    });
    let (index, name) = changed?;
    let has_gone = if matches!(case.evidence.restored, Some(Restored::NoFile)) {
        has_succeeded(case, snapshot)
    } else {
        should_hold_it(case, snapshot)
    };
    has_gone.then(|| seen_at(index).with(name))
}

/// Whether all that is missing would be there, were the file the one of this snapshot.
fn should_hold_it(case: &Case<'_>, snapshot: usize) -> bool {
    let (writes, missing) = (case.writes(), case.missing());
    let holds = |it: &Missing<'_>| {
        let state = case.state_at(snapshot, &writes, &it.key);
        it.would_be_met_by(&state).unwrap_or(matches!(state, State::Stored(_)))
    };
    !missing.is_empty() && missing.iter().all(holds) && has_succeeded(case, snapshot)
}

/// `can't set protected config`: since 7.0 these settings belong to whoever starts the server.
pub(super) fn protected_setting(case: &Case<'_>) -> Option<Found> {
    let index = case.last_refused(&["CONFIG"], "protected config")?;
    let sets = |name: &&str| case.exchange(index).is_some_and(|it| it.value_set(name).is_some());
    ["dir", "dbfilename"].into_iter().find(sets)?;
    case.failed_saying("protected config").then(|| seen_at(index))
}

/// The append-only file is another file than the snapshot.
pub(super) fn aof_instead(case: &Case<'_>) -> Option<Found> {
    let rewrite = case.last_done(&["BGREWRITEAOF"]);
    let switched =
        case.last_set("appendonly").filter(|(_, value)| value.eq_ignore_ascii_case("yes"));
    let index = rewrite.or(switched.map(|(index, _)| index))?;
    let name = if rewrite.is_some() { "BGREWRITEAOF" } else { "appendonly yes" };
    no_snapshot_command(case).then(|| seen_at(index).with(name))
}

/// LASTSAVE and INFO read something, and write nothing.
pub(super) fn read_instead(case: &Case<'_>) -> Option<Found> {
    let reads = |it: &Exchange| {
        let name = it.name();
        it.outcome == Outcome::Done
            && (name == "LASTSAVE" || (name == "INFO" && is_persistence(it)))
    };
    let (index, exchange) = case.numbered().rev().find(|(_, it)| reads(it))?;
    no_snapshot_command(case).then(|| seen_at(index).with(exchange.name()))
}

fn is_persistence(exchange: &Exchange) -> bool {
    let tells = ["persistence", "all", "everything", "default"];
    let sections = &exchange.words[1..];
    let is_one =
        |section: &Vec<u8>| tells.iter().any(|name| section.eq_ignore_ascii_case(name.as_bytes()));
    sections.is_empty() || sections.iter().any(is_one)
}

/// Two saves, and what is missing was right at the earlier one: the later one has put another picture in
/// its place.
pub(super) fn overwritten(case: &Case<'_>) -> Option<Found> {
    let last = case.last_snapshot()?;
    let missing = case.missing();
    let counted = case.unmet_replies().len();
    let are_all = !missing.is_empty() && (counted == 0 || counted == missing.len());
    let elsewhere = ["dir", "dbfilename"].iter().any(|name| case.last_set(name).is_some());
    if !are_all || elsewhere || is_scheduled(case, last) || !has_succeeded(case, last) {
        return None;
    }
    let writes = case.writes();
    let is_of = |it: &Missing<'_>| it.shows(&case.state_at(last, &writes, &it.key));
    if !missing.iter().all(is_of) {
        return None;
    }
    let would_do = |it: &Missing<'_>, snapshot: usize| {
        it.would_be_met_by(&case.state_at(snapshot, &writes, &it.key)) == Some(true)
    };
    let saves = ["SAVE", "BGSAVE"];
    let (earlier, _) = case.numbered().rev().find(|(index, it)| {
        it.outcome == Outcome::Done
            && saves.contains(&it.name().as_str())
            && case.surely_after(last, *index)
            && !is_scheduled(case, *index)
            && missing.iter().all(|it| would_do(it, *index))
    })?;
    let command = case.exchange(last)?.name();
    Some(Found::at([Pointer::Exchange(last), Pointer::Exchange(earlier)]).with(command))
}

/// A command is asked for, and Redis has saved without one.
pub(super) fn saved_by_a_save_point(case: &Case<'_>) -> Option<Found> {
    let sets_one = |exchange: &Exchange| {
        let points = exchange.value_set("save").filter(|_| exchange.outcome == Outcome::Done);
        points.is_some_and(|points| !points.trim().is_empty())
    };
    let (index, _) = case.numbered().find(|(_, exchange)| sets_one(exchange))?;
    let now = forks_for_saves(&case.last_look()?.snapshot);
    let is_about_calls = matches!(case.check?.subject, Subject::Calls(_));
    let has_saved = now > forks_for_saves(&case.evidence.before);
    (is_about_calls && has_saved && case.never_sent("SAVE") && case.never_sent("BGSAVE"))
        .then(|| seen_at(index))
}

pub(super) fn nobody_asked(case: &Case<'_>) -> Option<Found> {
    // With save points Redis may well have saved by itself.
    no_snapshot_command(case).then(Found::default)
}

fn no_snapshot_command(case: &Case<'_>) -> bool {
    let moved =
        case.last_look().is_some_and(|now| now.snapshot.lastsave != case.evidence.before.lastsave);
    case.never_sent("SAVE")
        && case.never_sent("BGSAVE")
        && !moved
        && !has_save_points(case)
        && case.exchanges().iter().all(|it| it.name() != "SHUTDOWN" || it.error().is_some())
        && case
            .exchanges()
            .iter()
            .all(|it| lastsave(it).is_none_or(|time| time == case.evidence.before.lastsave))
}

/// One of the two commands was sent, and the other one is asked for as well.
pub(super) fn never_sent_save(case: &Case<'_>) -> Option<Found> {
    let bgsave = case.last_done(&["BGSAVE"])?;
    (case.shows(Symptom::NoSave) && case.never_sent("SAVE")).then(|| seen_at(bgsave))
}

pub(super) fn never_sent_bgsave(case: &Case<'_>) -> Option<Found> {
    let save = case.last_done(&["SAVE"])?;
    let is_about_calls = matches!(case.check?.subject, Subject::Calls(_) | Subject::Sent(_));
    (is_about_calls && case.shows(Symptom::NoBgsave) && case.never_sent("BGSAVE"))
        .then(|| seen_at(save))
}
