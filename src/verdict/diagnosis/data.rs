//! What is stored is not what is asked for.

use super::case::{Case, text};
use super::keys::{Effect, Missing, Write};
use super::server::seen_at;
use super::symptom::Symptom;
use super::{Found, Pointer};
use crate::tap::Outcome;

/// The key and the value are compared byte for byte.
pub(super) fn another_value(case: &Case<'_>) -> Option<Found> {
    let writes = case.writes();
    case.missing().iter().find_map(|missing| {
        let found = missing.found?.bare.as_ref()?;
        let last = last_effect(case, &writes, missing)?;
        let Effect::Stored(Some(value)) = &last.effect else { return None };
        let asked = missing.value.filter(|_| text(value) == *found)?;
        Some(seen_at(last.index).with(missing.name()).with(found).with(asked))
    })
}

/// Near to the key that is asked for, and none that any check asks for.
pub(super) fn another_key(case: &Case<'_>) -> Option<Found> {
    let writes = case.writes();
    let asked = case.asked_keys();
    absent(case).iter().find_map(|missing| {
        if writes.iter().any(|write| write.key == missing.key) {
            return None;
        }
        let is_near = |write: &&Write<'_>| {
            matches!(write.effect, Effect::Stored(_))
                && write.outcome == Outcome::Done
                && !asked.iter().any(|key| key == write.key)
                && is_slip(&text(write.key), &missing.name())
        };
        let near = writes.iter().find(is_near)?;
        Some(seen_at(near.index).with(text(near.key)).with(missing.name()))
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
    absent(case).iter().find_map(|missing| {
        let stores = |write: &&Write<'_>| {
            write.key == missing.key
                && write.outcome == Outcome::Done
                && matches!(write.effect, Effect::Stored(_))
        };
        if writes.iter().filter(stores).any(|write| write.database == Some(0)) {
            return None;
        }
        let elsewhere = writes.iter().rev().find(stores)?;
        let number = elsewhere.database?;
        Some(seen_at(elsewhere.index).with(missing.name()).with(number.to_string()))
    })
}

/// GET on a list, a hash and so on.
pub(super) fn another_type(case: &Case<'_>) -> Option<Found> {
    let writes = case.writes();
    case.missing().iter().find_map(|missing| {
        let wrong_type = missing.found?.terminal.starts_with("(error) WRONGTYPE");
        let last = last_effect(case, &writes, missing).filter(|_| wrong_type)?;
        let command = case.exchange(last.index)?.name();
        Some(seen_at(last.index).with(missing.name()).with(command))
    })
}

pub(super) fn deleted(case: &Case<'_>) -> Option<Found> {
    let (missing, last) = taken_away(case, &Effect::Deleted)?;
    let command = case.exchange(last)?.name();
    Some(seen_at(last).with(command).with(missing))
}

pub(super) fn flushed(case: &Case<'_>) -> Option<Found> {
    let (missing, last) = taken_away(case, &Effect::Flushed)?;
    let command = case.exchange(last)?.name();
    Some(seen_at(last).with(command).with(missing))
}

pub(super) fn expired(case: &Case<'_>) -> Option<Found> {
    let (missing, last) = taken_away(case, &Effect::Expires)?;
    Some(seen_at(last).with(missing))
}

/// The first absent key to which this was the last that happened, and where.
fn taken_away(case: &Case<'_>, effect: &Effect) -> Option<(String, usize)> {
    let writes = case.writes();
    absent(case).iter().find_map(|missing| {
        let last = last_effect(case, &writes, missing).filter(|last| last.effect == *effect)?;
        Some((missing.name(), last.index))
    })
}

/// The last thing that happened to the key: for what is in the file, before the snapshot's moment.
fn last_effect<'w, 'a>(
    case: &Case<'a>,
    writes: &'w [Write<'a>],
    missing: &Missing<'_>,
) -> Option<&'w Write<'a>> {
    let mut concerning = writes.iter().rev().filter(|write| write.concerns(&missing.key));
    if !case.shows(Symptom::DataLost) {
        return concerning.next();
    }
    let snapshot = case.last_snapshot()?;
    let last = concerning.next()?;
    // What happened behind the snapshot has not touched the file, and hides what is in it.
    (case.surely_after(snapshot, last.index)).then_some(last)
}

/// Refused for a reason that has no diagnosis of its own.
pub(super) fn write_refused(case: &Case<'_>) -> Option<Found> {
    let writes = case.writes();
    case.missing().iter().find_map(|missing| {
        let tried: Vec<&Write<'_>> =
            writes.iter().filter(|write| write.key == missing.key).collect();
        let last = *tried.last()?;
        let error = case.exchange(last.index)?.error()?;
        let never = tried.iter().all(|write| write.outcome == Outcome::Refused);
        never.then(|| seen_at(last.index).with(missing.name()).with(error))
    })
}

/// Nothing was sent that could have stored it.
pub(super) fn never_written(case: &Case<'_>) -> Option<Found> {
    let whole = case.evidence.transcript.left_out == 0 && !case.has_script();
    let names = |bytes: &[u8], key: &[u8]| bytes.windows(key.len().max(1)).any(|it| it == key);
    let unnamed = |key: &[u8]| {
        let words = case.exchanges().iter().flat_map(|it| &it.words);
        let setup = case.exercise.setup.iter().map(|code| code.text.as_bytes());
        !words.map(Vec::as_slice).chain(setup).any(|bytes| names(bytes, key))
    };
    let absent = absent(case);
    let never: Vec<String> = absent
        .iter()
        .filter(|missing| unnamed(&missing.key))
        .map(|missing| format!("`{}`", missing.name()))
        .collect();
    let wrote = case.writes().iter().any(|write| matches!(write.effect, Effect::Stored(_)));
    let evidence: Vec<Pointer> = Vec::new();
    (whole && wrote && !never.is_empty()).then(|| Found::at(evidence).with(never.join(", ")))
}

fn absent<'a>(case: &Case<'a>) -> Vec<Missing<'a>> {
    case.missing().into_iter().filter(Missing::is_absent).collect()
}
