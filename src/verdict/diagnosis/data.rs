//! The server holds other data than the check asks for.

use std::collections::BTreeSet;

use redis::Value;

use super::cause::{Cause, seen_at};
use super::effects::{Effect, Write, kind_read_by, kind_stored_by};
use super::facts::{Facts, in_backticks, text};
use super::keys::{KeyState, Missing};
use super::lines::lines;
use super::pasted::why_refused;
use super::symptom::DATA_LOST;
use crate::attempt::evidence::Run;
use crate::redis_cli::commands;
use crate::relay::{CommandOutcome, Exchange};
use crate::topics::TOPICS;

/// Keys and values are compared byte for byte.
pub fn another_value(facts: &Facts<'_>) -> Option<Cause> {
    if facts.check.is_some_and(|check| check.is_secret) {
        return None;
    }
    let writes = facts.writes();
    facts.missing().iter().find_map(|missing| {
        let found = missing.found?.bare.as_ref()?;
        let story = story(facts, &writes, missing)?;
        let last = story.last()?;
        let Effect::Stored(Some(value)) = &last.effect else { return None };
        let asked = missing.value().filter(|_| text(value) == *found)?;
        // If the value was right at another time, then the time is wrong, not the value.
        let is_about_time = facts.shows(DATA_LOST) && was_ever_right(facts, &story, missing);
        (!is_about_time).then(|| seen_at(last.index).with(missing.name()).with(found).with(asked))
    })
}

/// Whether setup or one of these writes left what the check asks for, as far as that is known.
fn was_ever_right(facts: &Facts<'_>, story: &[&Write<'_>], missing: &Missing<'_>) -> bool {
    let key = &missing.key;
    may_meet(missing, &facts.state_at_start(key))
        || story.iter().any(|write| may_meet(missing, &facts.state_after(&[write], key)))
}

fn may_meet(missing: &Missing<'_>, state: &KeyState) -> bool {
    missing.would_be_met_by(state) != Some(false)
}

/// A key that is spelled like the missing one, and that no check asks for.
pub fn another_key(facts: &Facts<'_>) -> Option<Cause> {
    let absent = absent(facts);
    if absent.is_empty() || !facts.names_all_keys() {
        return None;
    }
    let writes = facts.writes();
    let others = other_keys(facts, &writes);
    absent.iter().find_map(|missing| {
        if writes.iter().any(|write| write.names(&missing.key)) {
            return None;
        }
        let is_similar = |(_, key): &&(usize, String)| is_slip(key, &missing.name());
        let (index, key) = others.iter().find(is_similar)?;
        Some(seen_at(*index).with(key).with(missing.name()))
    })
}

/// The keys that the answer has stored, and that nobody asks for: each with the command that stored
/// it first.
fn other_keys(facts: &Facts<'_>, writes: &[Write<'_>]) -> Vec<(usize, String)> {
    let mut known: BTreeSet<Vec<u8>> = facts.asked_keys().into_iter().collect();
    let mut others = Vec::new();
    for write in writes {
        let stored = write.key().filter(|key| write.has_stored(key));
        let new = stored.filter(|key| known.insert(key.to_vec()));
        if let Some(key) = new.filter(|key| facts.state_at_start(key) == KeyState::Absent) {
            others.push((write.index, text(key)));
        }
    }
    others
}

/// Whether the names differ only in case, separators, or a letter or two. A different number is not
/// a slip.
fn is_slip(written: &str, asked: &str) -> bool {
    letters(written) == letters(asked)
        || (digits(written) == digits(asked)
            && asked.chars().count() >= 6
            && strsim::osa_distance(written, asked) <= 2)
}

fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn digits(name: &str) -> String {
    name.chars().filter(char::is_ascii_digit).collect()
}

/// Each connection writes to the database that it has selected, 0 at first.
pub fn another_database(facts: &Facts<'_>) -> Option<Cause> {
    let writes = facts.writes();
    absent(facts).iter().filter(|_| facts.names_all_keys()).find_map(|missing| {
        let key = &missing.key;
        let may_be_here = writes.iter().any(|write| {
            let is_stored_here = write.database == Some(0) && write.has_stored(key);
            write.names(key) && (write.effect == Effect::Unclear || is_stored_here)
        });
        if may_be_here {
            return None;
        }
        let elsewhere = writes.iter().rev().find(|write| write.has_stored(key))?;
        let number = elsewhere.database?;
        Some(seen_at(elsewhere.index).with(missing.name()).with(number.to_string()))
    })
}

/// HGET on a string, GET on a list and so on.
pub fn another_type(facts: &Facts<'_>) -> Option<Cause> {
    let writes = facts.writes();
    facts.missing().iter().find_map(|missing| {
        let is_wrong = missing.found?.terminal.starts_with("(error) WRONGTYPE");
        let reader = missing.command.as_ref().filter(|_| is_wrong)?;
        let reads = kind_read_by(reader)?;
        let story = story(facts, &writes, missing)?;
        let last = story.iter().rev().find(|write| write.effect != Effect::Expires)?;
        let writer = facts.exchange(last.index)?.name();
        let stored = kind_stored_by(&writer).filter(|_| last.has_stored(&missing.key))?;
        (stored != reads).then(|| {
            seen_at(last.index)
                .with(missing.name())
                .with(writer)
                .with(stored)
                .with(reader)
                .with(reads)
        })
    })
}

/// Whether this DEL, UNLINK or GETDEL removed a key that was in this state before.
pub(super) fn has_deleted(before: &KeyState, deletion: &Exchange) -> bool {
    let removed = match deletion.reply_value() {
        Some(Value::Int(number)) => Some(*number),
        Some(Value::Nil) => Some(0),
        _ => None,
    };
    let mut keys: Vec<&Vec<u8>> = deletion.words.iter().skip(1).collect();
    keys.sort_unstable();
    keys.dedup();
    let all = removed.is_some_and(|number| usize::try_from(number) == Ok(keys.len()));
    let none = removed == Some(0) || *before == KeyState::Absent;
    !none && (matches!(before, KeyState::Stored(_)) || (all && !deletion.lacks_arguments()))
}

pub(super) fn has_flushed(before: &KeyState, _flush: &Exchange) -> bool {
    matches!(before, KeyState::Stored(_))
}

/// The first absent key whose last write has this effect. `has_removed` decides by the key's state
/// before whether the write is the cause.
pub(super) fn removed(
    facts: &Facts<'_>,
    effect: &Effect,
    has_removed: fn(&KeyState, &Exchange) -> bool,
) -> Option<Cause> {
    let writes = facts.writes();
    absent(facts).iter().find_map(|missing| {
        let story = story(facts, &writes, missing)?;
        let (last, before) = story.split_last()?;
        let before = facts.state_after(before, &missing.key);
        let removal = facts.exchange(last.index)?;
        (last.effect == *effect && has_removed(&before, removal))
            .then(|| seen_at(last.index).with(removal.name()).with(missing.name()))
    })
}

pub fn expired(facts: &Facts<'_>) -> Option<Cause> {
    let writes = facts.writes();
    absent(facts).iter().filter(|missing| missing.is_surely_absent()).find_map(|missing| {
        let story = story(facts, &writes, missing)?;
        let last = story.last().filter(|last| last.effect == Effect::Expires)?;
        Some(seen_at(last.index).with(missing.name()))
    })
}

/// What happened to the key, in order. If the check is about the file, `None` unless everything
/// happened before the snapshot: later writes do not touch the file and hide what is in it.
fn story<'w, 'a>(
    facts: &Facts<'a>,
    writes: &'w [Write<'a>],
    missing: &Missing<'_>,
) -> Option<Vec<&'w Write<'a>>> {
    let story = facts.story(writes, &missing.key)?;
    if !facts.shows(DATA_LOST) {
        return Some(story);
    }
    let snapshot = TOPICS.iter().find_map(|topic| (topic.last_write_of_file)(facts))?;
    story.iter().all(|write| facts.surely_after(snapshot, write.index)).then_some(story)
}

/// A key of an `always` check that was gone when the check was first unmet.
pub fn taken_away_for_a_while(facts: &Facts<'_>) -> Option<Cause> {
    let violation = facts.violation(facts.check?)?;
    let mut writes = facts.writes();
    writes.retain(|write| {
        facts.exchange(write.index).is_some_and(|exchange| exchange.at <= violation.at)
    });
    facts.keys_of_the_check().iter().find_map(|key| {
        let story: Vec<&Write<'_>> = writes.iter().filter(|write| write.concerns(key)).collect();
        let (last, earlier) = story.split_last()?;
        let was_there = matches!(facts.state_after(earlier, key), KeyState::Stored(_));
        let is_gone = matches!(last.effect, Effect::Deleted | Effect::Flushed);
        let removal = facts.exchange(last.index).filter(|_| was_there && is_gone)?;
        Some(seen_at(last.index).with(removal.name()).with(text(key)))
    })
}

/// The write was refused for a reason that has no diagnosis of its own.
pub fn write_refused(facts: &Facts<'_>) -> Option<Cause> {
    let writes = facts.writes();
    let is_complete = facts.evidence.timeline.left_out == 0;
    facts.missing().iter().filter(|_| is_complete).find_map(|missing| {
        let tried: Vec<&Write<'_>> =
            writes.iter().filter(|write| write.is_to_store(&missing.key)).collect();
        let last = *tried.last()?;
        let error = facts.exchange(last.index)?.error()?;
        let was_never_stored = tried.iter().all(|write| write.outcome == CommandOutcome::Refused)
            && !facts.was_stored(&missing.key);
        let lines = lines(facts);
        let line = lines.iter().find(|line| line.index == Some(last.index));
        let why = line.and_then(|line| why_refused(line.typed.line.trim()));
        let why = why.unwrap_or(error);
        was_never_stored.then(|| seen_at(last.index).with(missing.name()).with(why))
    })
}

/// Nothing was sent that could have stored the key.
pub fn never_written(facts: &Facts<'_>) -> Option<Cause> {
    let writes = facts.writes();
    let absent = absent(facts);
    let never: Vec<String> = absent
        .iter()
        .filter(|missing| {
            let key = &missing.key;
            !is_named(facts, &writes, key) && facts.state_at_start(key) == KeyState::Absent
        })
        .map(Missing::name)
        .collect();
    let has_written = writes.iter().any(|write| matches!(write.effect, Effect::Stored(_)));
    // A start may bring back what a file holds.
    let is_sure = has_written && !facts.exercise.stop && facts.names_all_keys();
    (is_sure && !never.is_empty() && facts.ended_well()).then(|| {
        Cause::default().with(in_backticks(never.into_iter())).with(written_instead(facts, &writes))
    })
}

/// Whether a word of any command contains the key, other than of one that surely stored another key
/// or changes none.
fn is_named(facts: &Facts<'_>, writes: &[Write<'_>], key: &[u8]) -> bool {
    facts.numbered().any(|(index, exchange)| {
        let is_part_of = |word: &[u8]| word.windows(key.len().max(1)).any(|part| part == key);
        let is_word = exchange.words.iter().any(|word| word == key);
        let is_part = exchange.words.iter().any(|word| is_part_of(word));
        let mut effects = writes.iter().filter(|write| write.index == index);
        is_word || (is_part && effects.any(|write| !matches!(write.effect, Effect::Stored(_))))
    })
}

/// So many keys are named.
const SHOWN_KEYS: usize = 3;

/// `: the answer has written …`, if it has stored keys that nobody asks for.
fn written_instead(facts: &Facts<'_>, writes: &[Write<'_>]) -> String {
    let others = other_keys(facts, writes);
    if others.is_empty() {
        return String::new();
    }
    let more = if others.len() > SHOWN_KEYS { " and others" } else { "" };
    let named = in_backticks(others.into_iter().take(SHOWN_KEYS).map(|(_, key)| key));
    format!(": the answer has written {named}{more}")
}

/// The server holds what setup left in it. Where others wait for the answer, or it works on files,
/// that is not what the answer lacks.
pub fn nothing_was_written(facts: &Facts<'_>) -> Option<Cause> {
    if facts.exercise.stop || !facts.exercise.meanwhile.is_empty() || facts.shows(DATA_LOST) {
        return None;
    }
    let mut sent = facts.exchanges().iter();
    let changes_nothing = facts.writes().is_empty()
        && facts.names_all_keys()
        && sent.all(|exchange| commands::changes_no_named_key(&exchange.words));
    let is_program = matches!(facts.evidence.run, Run::Program(_));
    let keys = facts.keys_of_the_check();
    // A key that setup lets expire may only have to be waited for.
    let are_steady = keys.iter().all(|key| facts.state_at_start(key) != KeyState::Unclear);
    (is_program && !keys.is_empty() && are_steady && changes_nothing && facts.ended_well())
        .then(Cause::default)
}

fn absent<'a>(facts: &Facts<'a>) -> Vec<Missing<'a>> {
    facts.missing().into_iter().filter(Missing::is_absent).collect()
}
