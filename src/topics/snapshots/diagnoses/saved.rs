//! Snapshots that nobody asked for, that came too early, or that were lost again.

use super::super::background::{last_end, was_killed};
use super::super::symptoms::{NO_BGSAVE, NO_SAVE};
use super::waiting::has_succeeded;
use super::{last_snapshot, last_status, lastsave, points};
use crate::attempt::evidence::LoadFailure;
use crate::relay::timeline::is_any;
use crate::relay::{CommandOutcome, Exchange};
use crate::server::versions::forks_for_saves;
use crate::verdict::diagnosis::effects::{Effect, Write};
use crate::verdict::diagnosis::facts::{Facts, in_backticks, reply_text};
use crate::verdict::diagnosis::keys::{KeyState, Missing};
use crate::verdict::diagnosis::{Cause, Pointer, seen_at};

/// FLUSHALL kills the child that is writing; INFO goes on to say `ok` (`tests/facts`, INFO
/// persistence).
pub fn flushall_ended_it(facts: &Facts<'_>) -> Option<Cause> {
    let flush = facts.last_done(&["FLUSHALL"])?;
    let bgsave =
        facts.last_done(&["BGSAVE"]).filter(|bgsave| facts.surely_after(flush, *bgsave))?;
    let saved_since = facts.last_done(&["SAVE"]).is_some_and(|save| save > bgsave);
    let now = facts.last_look()?;
    let is_logged = was_killed(now);
    // Without a log: the save was accepted, has ended, did not fail, and left no snapshot.
    let is_silent = last_end(now).is_none()
        && now.info.lastsave == facts.evidence.before.lastsave
        && now.info.number("rdb_bgsave_in_progress") == 0
        && now.info.number("rdb_last_bgsave_time_sec") >= 0
        && now.info.field("rdb_last_bgsave_time_sec").is_some()
        && last_status(facts) == Some("ok");
    let mut evidence = vec![Pointer::Exchange(flush), Pointer::Exchange(bgsave)];
    evidence.extend(is_logged.then_some(Pointer::Log));
    ((is_logged || is_silent) && !saved_since).then(|| Cause::at(evidence))
}

/// With save points FLUSHALL also writes an empty file over the good one.
pub fn flushall_emptied_the_file(facts: &Facts<'_>) -> Option<Cause> {
    let flush = facts.last_done(&["FLUSHALL"])?;
    let save = last_snapshot(facts);
    let unsaved = facts.evidence.before.number("rdb_changes_since_last_save");
    let came_after = match save {
        Some(save) => facts.surely_after(flush, save),
        None => the_setup_saved(facts) && unsaved == 0,
    };
    // The save points may have been set only after FLUSHALL.
    let set_since = facts.last_set("save").is_some_and(|(set, _)| !facts.surely_after(flush, set));
    (came_after && has_save_points(facts) && !set_since).then(|| seen_at(flush).and(save))
}

/// The setup's file held what is missing, until the answer took it away and then saved.
pub fn saved_over_the_good_one(facts: &Facts<'_>) -> Option<Cause> {
    let save = last_snapshot(facts).filter(|_| the_setup_saved(facts))?;
    let writes = facts.writes();
    facts.missing().iter().find_map(|missing| {
        let was_there = matches!(facts.state_at_start(&missing.key), KeyState::Stored(_));
        let mut story = writes.iter().filter(|write| write.concerns(&missing.key));
        let last = story.rfind(|write| facts.surely_after(save, write.index))?;
        let is_gone = matches!(last.effect, Effect::Deleted | Effect::Flushed);
        let names = [save, last.index].map(|index| facts.exchange(index).map(Exchange::name));
        let [Some(saver), Some(remover)] = names else { return None };
        (was_there && is_gone).then(|| seen_at(save).and(last.index).with(saver).with(remover))
    })
}

fn the_setup_saved(facts: &Facts<'_>) -> bool {
    let mut lines = facts.exercise.setup.iter().flat_map(|code| code.text.lines());
    lines.any(|line| {
        let name = line.split_whitespace().next().unwrap_or_default();
        ["SAVE", "BGSAVE"].iter().any(|save| name.eq_ignore_ascii_case(save))
    })
}

pub fn has_save_points(facts: &Facts<'_>) -> bool {
    points::setting(facts).is_some_and(|points| points::has_any(&points))
}

/// The missing data was written after the moment of the snapshot.
pub fn written_after(facts: &Facts<'_>) -> Option<Cause> {
    let snapshot = last_snapshot(facts)?;
    if is_scheduled(facts, snapshot) {
        return None;
    }
    let writes = last_writes_after(facts, snapshot)?;
    let first = *writes.first()?;
    let names = in_backticks(facts.missing().iter().map(Missing::name));
    let command = facts.exchange(snapshot)?.name();
    let is_queued = facts.exchange(first)?.is_queued();
    let came = if is_queued { "was run by EXEC, after" } else { "came after" };
    Some(seen_at(first).and(snapshot).with(names).with(came).with(command))
}

/// A BGSAVE inside MULTI, or `BGSAVE SCHEDULE`, takes the snapshot later.
pub fn is_scheduled(facts: &Facts<'_>, snapshot: usize) -> bool {
    let Some(exchange) = facts.exchange(snapshot) else { return true };
    let says_scheduled = reply_text(exchange).is_some_and(|reply| reply.contains("scheduled"));
    exchange.is_queued() || says_scheduled
}

/// The last write of each missing key, in order. `None` unless keys are missing and each of them
/// was written after the exchange `snapshot`, is stored since, and was not so before.
pub fn last_writes_after(facts: &Facts<'_>, snapshot: usize) -> Option<Vec<usize>> {
    let writes = facts.writes();
    let mut last = Vec::new();
    for missing in &facts.missing() {
        last.push(last_write_after(facts, &writes, missing, snapshot)?);
    }
    last.sort_unstable();
    (!last.is_empty()).then_some(last)
}

fn last_write_after(
    facts: &Facts<'_>,
    writes: &[Write<'_>],
    missing: &Missing<'_>,
    snapshot: usize,
) -> Option<usize> {
    let story = facts.story(writes, &missing.key)?;
    let last = story.iter().rev().find(|write| write.effect != Effect::Expires)?;
    let is_stored = matches!(last.effect, Effect::Stored(_));
    let held = facts.state_at(snapshot, writes, &missing.key);
    // What setup did to the key may be unknown, but the key is not in the file.
    let is_new = !story.iter().any(|write| write.index < snapshot);
    let explains =
        missing.shows(&held) || (missing.is_absent() && (held == KeyState::Absent || is_new));
    (is_stored && explains && facts.surely_after(last.index, snapshot)).then_some(last.index)
}

/// A setting was changed, so the snapshot went to another file than the one that is loaded.
pub fn file_elsewhere(facts: &Facts<'_>) -> Option<Cause> {
    let snapshot = last_snapshot(facts)?;
    let changed = ["dir", "dbfilename"].into_iter().find_map(|name| {
        let (index, value) = facts.last_set(name)?;
        let is_another = name == "dir" || value != "dump.rdb";
        (is_another && facts.surely_after(snapshot, index)).then_some((index, name))
    });
    let (index, name) = changed?;
    let went_elsewhere = if matches!(facts.evidence.restored(), Some(Err(LoadFailure::NoFile))) {
        has_succeeded(facts, snapshot)
    } else {
        should_hold_the_data(facts, snapshot)
    };
    went_elsewhere.then(|| seen_at(index).with(name))
}

/// Whether nothing would be missing if this snapshot's file had been loaded.
fn should_hold_the_data(facts: &Facts<'_>, snapshot: usize) -> bool {
    was_to_hold_the_data(facts, snapshot) && has_succeeded(facts, snapshot)
}

/// The same, if the snapshot succeeded.
pub fn was_to_hold_the_data(facts: &Facts<'_>, snapshot: usize) -> bool {
    let (writes, missing) = (facts.writes(), facts.missing());
    let holds_all = missing.iter().all(|missing| {
        let state = facts.state_at(snapshot, &writes, &missing.key);
        missing.would_be_met_by(&state).unwrap_or(matches!(state, KeyState::Stored(_)))
    });
    !missing.is_empty() && holds_all
}

/// `can't set protected config`: since 7.0 only the one who starts the server may change these.
pub fn protected_setting(facts: &Facts<'_>) -> Option<Cause> {
    let index = facts.last_refused(&["CONFIG"], "protected config")?;
    let exchange = facts.exchange(index)?;
    let sets_the_file =
        exchange.value_set("dir").is_some() || exchange.value_set("dbfilename").is_some();
    (sets_the_file && facts.failed_saying("protected config")).then(|| seen_at(index))
}

/// The append-only file is another file than the snapshot.
pub fn aof_instead(facts: &Facts<'_>) -> Option<Cause> {
    let rewrite = facts.last_done(&["BGREWRITEAOF"]);
    let switched =
        facts.last_set("appendonly").filter(|(_, value)| value.eq_ignore_ascii_case("yes"));
    let index = rewrite.or(switched.map(|(index, _)| index))?;
    let name = if rewrite.is_some() { "BGREWRITEAOF" } else { "appendonly yes" };
    has_no_save(facts).then(|| seen_at(index).with(name))
}

/// LASTSAVE and INFO read something, and write nothing.
pub fn read_instead(facts: &Facts<'_>) -> Option<Cause> {
    let index = facts.exchanges().iter().rposition(reads_about_saves)?;
    let name = facts.exchange(index)?.name();
    has_no_save(facts).then(|| seen_at(index).with(name))
}

fn reads_about_saves(exchange: &Exchange) -> bool {
    let name = exchange.name();
    exchange.outcome == CommandOutcome::Done
        && (name == "LASTSAVE" || (name == "INFO" && has_persistence_section(exchange)))
}

fn has_persistence_section(info: &Exchange) -> bool {
    let with_persistence = ["persistence", "all", "everything", "default"];
    let mut sections = info.words[1..].iter();
    info.words.len() == 1 || sections.any(|section| is_any(section, &with_persistence))
}

/// The answer took two snapshots, and the missing data was right in the earlier one: the later one
/// replaced it.
pub fn overwritten(facts: &Facts<'_>) -> Option<Cause> {
    let last = last_snapshot(facts)?;
    let missing = facts.missing();
    let counted = facts.unmet_replies().len();
    let are_all = !missing.is_empty() && (counted == 0 || counted == missing.len());
    let elsewhere = ["dir", "dbfilename"].iter().any(|name| facts.last_set(name).is_some());
    if !are_all || elsewhere || is_scheduled(facts, last) || !has_succeeded(facts, last) {
        return None;
    }
    let writes = facts.writes();
    let shows_the_last =
        missing.iter().all(|key| key.shows(&facts.state_at(last, &writes, &key.key)));
    if !shows_the_last {
        return None;
    }
    let (earlier, _) = facts.numbered().rev().find(|(index, exchange)| {
        exchange.outcome == CommandOutcome::Done
            && ["SAVE", "BGSAVE"].contains(&exchange.name().as_str())
            && facts.surely_after(last, *index)
            && !is_scheduled(facts, *index)
            && was_right_at(facts, &writes, &missing, *index)
    })?;
    let command = facts.exchange(last)?.name();
    Some(seen_at(last).and(earlier).with(command))
}

/// Whether this snapshot would have met the check for all of these keys.
fn was_right_at(
    facts: &Facts<'_>,
    writes: &[Write<'_>],
    missing: &[Missing<'_>],
    snapshot: usize,
) -> bool {
    missing.iter().all(|missing| {
        let state = facts.state_at(snapshot, writes, &missing.key);
        missing.would_be_met_by(&state) == Some(true)
    })
}

/// The check asks for a command, and Redis saved without one.
pub fn saved_by_a_save_point(facts: &Facts<'_>) -> Option<Cause> {
    let index = facts.exchanges().iter().position(sets_a_save_point)?;
    let now = forks_for_saves(&facts.last_look()?.info);
    let is_about_calls = facts.check?.kind == "calls";
    let has_saved = now > forks_for_saves(&facts.evidence.before);
    (is_about_calls && has_saved && facts.never_sent("SAVE") && facts.never_sent("BGSAVE"))
        .then(|| seen_at(index))
}

fn sets_a_save_point(exchange: &Exchange) -> bool {
    exchange.outcome == CommandOutcome::Done
        && exchange.value_set("save").is_some_and(|points| points::has_any(&points))
}

/// The server had save points, and the answer has removed them.
pub fn points_taken_away(facts: &Facts<'_>) -> Option<Cause> {
    let had_points = points::given(facts).is_some_and(|points| points::has_any(points));
    let (index, _) = facts.last_set("save").filter(|_| had_points)?;
    has_no_save(facts).then(|| seen_at(index))
}

pub fn nobody_asked(facts: &Facts<'_>) -> Option<Cause> {
    has_no_save(facts).then(Cause::default)
}

/// Whether nothing in the evidence can have saved. With save points Redis may have saved by itself.
fn has_no_save(facts: &Facts<'_>) -> bool {
    let before = facts.evidence.before.lastsave;
    let has_moved = facts.last_look().is_some_and(|now| now.info.lastsave != before);
    // SYNC saves for a replica, or for `redis-cli --rdb`.
    ["SAVE", "BGSAVE", "SYNC", "PSYNC"].iter().all(|name| facts.never_sent(name))
        && !has_moved
        && !has_save_points(facts)
        && facts.exchanges().iter().all(|exchange| {
            let may_have_saved = exchange.name() == "SHUTDOWN" && exchange.error().is_none();
            !may_have_saved && lastsave(exchange).is_none_or(|time| time == before)
        })
}

/// BGSAVE was sent, and the check asks for SAVE as well.
pub fn never_sent_save(facts: &Facts<'_>) -> Option<Cause> {
    facts.last_done(&["BGSAVE"])?;
    (facts.shows(NO_SAVE) && facts.never_sent("SAVE")).then(Cause::default)
}

/// SAVE was sent, and the check asks for BGSAVE as well.
pub fn never_sent_bgsave(facts: &Facts<'_>) -> Option<Cause> {
    facts.last_done(&["SAVE"])?;
    let is_about_calls = matches!(facts.check?.kind, "calls" | "sent");
    (is_about_calls && facts.shows(NO_BGSAVE) && facts.never_sent("BGSAVE")).then(Cause::default)
}
