//! What is stored is not what is asked for.

use redis::Value;

use super::case::{Case, text};
use super::effects::{Effect, Write, kind_read_by, kind_stored_by};
use super::keys::{Missing, State};
use super::server::seen_at;
use super::symptom::Symptom;
use super::{Found, Pointer};
use crate::tap::{Exchange, Outcome};

/// The key and the value are compared byte for byte.
pub(super) fn another_value(case: &Case<'_>) -> Option<Found> {
    let writes = case.writes();
    case.missing().iter().find_map(|missing| {
        let found = missing.found?.bare.as_ref()?;
        let story = story(case, &writes, missing)?;
        let last = story.last()?;
        let Effect::Stored(Some(value)) = &last.effect else { return None };
        let asked = missing.value().filter(|_| text(value) == *found)?;
        // Where it was right at another time, it is the time that is wrong.
        let is_asked = |state: &State| missing.would_be_met_by(state) != Some(false);
        let start = case.state_at_start(&missing.key);
        let was_right = is_asked(&start)
            || story.iter().any(|write| is_asked(&case.state_after(&[write], &missing.key)));
        (!case.shows(Symptom::DataLost) || !was_right)
            .then(|| seen_at(last.index).with(missing.name()).with(found).with(asked))
    })
}

/// Near to the key that is asked for, and none that any check asks for.
pub(super) fn another_key(case: &Case<'_>) -> Option<Found> {
    let writes = case.writes();
    let asked = case.asked_keys();
    absent(case).iter().filter(|_| case.names_all_keys()).find_map(|missing| {
        if writes.iter().any(|write| write.names(&missing.key)) {
            return None;
        }
        let is_near = |key: &[u8]| {
            !asked.iter().any(|it| it == key)
                && case.state_at_start(key) == State::Absent
                && is_slip(&text(key), &missing.name())
        };
        let (near, key) = writes.iter().find_map(|write| {
            let key = write.key().filter(|key| write.has_stored(key) && is_near(key))?;
            Some((write, key))
        })?;
        Some(seen_at(near.index).with(text(key)).with(missing.name()))
    })
}

/// The same but for case, separators, or a letter or two; never but for a number.
fn is_slip(written: &str, asked: &str) -> bool {
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    plain(written) == plain(asked)
        || (digits(written) == digits(asked)
            && asked.chars().count() >= 6
            && strsim::osa_distance(written, asked) <= 2)
}

/// Each connection writes to the database that it has selected, 0 at first.
pub(super) fn another_database(case: &Case<'_>) -> Option<Found> {
    let writes = case.writes();
    absent(case).iter().filter(|_| case.names_all_keys()).find_map(|missing| {
        let stores = |write: &&Write<'_>| write.has_stored(&missing.key);
        let here = |write: &Write<'_>| write.database == Some(0);
        if writes.iter().any(|write| {
            write.names(&missing.key)
                && (write.effect == Effect::Unclear || (here(write) && stores(&write)))
        }) {
            return None;
        }
        let elsewhere = writes.iter().rev().find(stores)?;
        let number = elsewhere.database?;
        Some(seen_at(elsewhere.index).with(missing.name()).with(number.to_string()))
    })
}

/// HGET on a string, GET on a list and so on.
pub(super) fn another_type(case: &Case<'_>) -> Option<Found> {
    let writes = case.writes();
    case.missing().iter().find_map(|missing| {
        let is_wrong = missing.found?.terminal.starts_with("(error) WRONGTYPE");
        let reader = missing.command.as_ref().filter(|_| is_wrong)?;
        let reads = kind_read_by(reader)?;
        let story = story(case, &writes, missing)?;
        let last = story.iter().rev().find(|write| write.effect != Effect::Expires)?;
        let writer = case.exchange(last.index)?.name();
        let stored = kind_stored_by(&writer).filter(|_| last.has_stored(&missing.key))?;
        let fills = [missing.name(), writer, stored.to_owned(), reader.clone(), reads.to_owned()];
        (stored != reads).then(|| fills.into_iter().fold(seen_at(last.index), Found::with))
    })
}

pub(super) fn deleted(case: &Case<'_>) -> Option<Found> {
    let was_there = |before: &State, it: &Exchange| {
        let removed = match it.reply.as_ref().map(|reply| &reply.value) {
            Some(Value::Int(number)) => Some(*number),
            Some(Value::Nil) => Some(0),
            _ => None,
        };
        let mut keys = it.words.iter().skip(1).collect::<Vec<_>>();
        keys.sort_unstable();
        keys.dedup();
        let all = removed.is_some_and(|it| usize::try_from(it) == Ok(keys.len()));
        let none = removed == Some(0) || *before == State::Absent;
        !none && (matches!(before, State::Stored(_)) || (all && !it.lacks_arguments()))
    };
    let (missing, last) = taken_away(case, &Effect::Deleted, &was_there)?;
    let command = case.exchange(last)?.name();
    Some(seen_at(last).with(command).with(missing))
}

pub(super) fn flushed(case: &Case<'_>) -> Option<Found> {
    let was_there = |before: &State, _: &Exchange| matches!(before, State::Stored(_));
    let (missing, last) = taken_away(case, &Effect::Flushed, &was_there)?;
    let command = case.exchange(last)?.name();
    Some(seen_at(last).with(command).with(missing))
}

/// The first absent key to which this was the last that happened, and where; `was_there` tells by what was
/// known of it before whether it is the cause.
fn taken_away(
    case: &Case<'_>,
    effect: &Effect,
    was_there: &dyn Fn(&State, &Exchange) -> bool,
) -> Option<(String, usize)> {
    let writes = case.writes();
    absent(case).iter().find_map(|missing| {
        let story = story(case, &writes, missing)?;
        let (last, before) = story.split_last()?;
        let before = case.state_after(before, &missing.key);
        (last.effect == *effect && was_there(&before, case.exchange(last.index)?))
            .then(|| (missing.name(), last.index))
    })
}

pub(super) fn expired(case: &Case<'_>) -> Option<Found> {
    let writes = case.writes();
    absent(case).iter().filter(|missing| missing.is_surely_absent()).find_map(|missing| {
        let story = story(case, &writes, missing)?;
        let last = story.last().filter(|last| last.effect == Effect::Expires)?;
        Some(seen_at(last.index).with(missing.name()))
    })
}

/// What happened to the key, in order: for what is in the file, only if all of it was before the snapshot's
/// moment. What happened behind that has not touched the file, and hides what is in it.
fn story<'w, 'a>(
    case: &Case<'a>,
    writes: &'w [Write<'a>],
    missing: &Missing<'_>,
) -> Option<Vec<&'w Write<'a>>> {
    let story = case.story(writes, &missing.key)?;
    if !case.shows(Symptom::DataLost) {
        return Some(story);
    }
    let snapshot = case.last_snapshot()?;
    story.iter().all(|write| case.surely_after(snapshot, write.index)).then_some(story)
}

/// Refused for a reason that has no diagnosis of its own.
pub(super) fn write_refused(case: &Case<'_>) -> Option<Found> {
    let writes = case.writes();
    let is_whole = case.evidence.transcript.left_out == 0;
    case.missing().iter().filter(|_| is_whole).find_map(|missing| {
        let tried: Vec<&Write<'_>> =
            writes.iter().filter(|write| write.is_to_store(&missing.key)).collect();
        let last = *tried.last()?;
        let error = case.exchange(last.index)?.error()?;
        let never = tried.iter().all(|write| write.outcome == Outcome::Refused)
            && !case.was_stored(&missing.key);
        never.then(|| seen_at(last.index).with(missing.name()).with(error))
    })
}

/// Nothing was sent that could have stored it.
pub(super) fn never_written(case: &Case<'_>) -> Option<Found> {
    let names = |bytes: &[u8], key: &[u8]| bytes.windows(key.len().max(1)).any(|it| it == key);
    let unnamed = |key: &[u8]| {
        let mut words = case.exchanges().iter().flat_map(|it| &it.words);
        !words.any(|bytes| names(bytes, key)) && case.state_at_start(key) == State::Absent
    };
    let absent = absent(case);
    let never: Vec<String> = absent
        .iter()
        .filter(|missing| unnamed(&missing.key))
        .map(|missing| format!("`{}`", missing.name()))
        .collect();
    let wrote = case.writes().iter().any(|write| matches!(write.effect, Effect::Stored(_)));
    let evidence: Vec<Pointer> = Vec::new();
    (wrote && !never.is_empty() && case.ended_well() && case.names_all_keys())
        .then(|| Found::at(evidence).with(never.join(", ")))
}

fn absent<'a>(case: &Case<'a>) -> Vec<Missing<'a>> {
    case.missing().into_iter().filter(Missing::is_absent).collect()
}
