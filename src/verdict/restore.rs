//! Checks of the snapshot file alone, loaded by a second, clean server.

use std::collections::BTreeMap;

use super::run::quoted;
use super::server::look_at_server;
use super::{Seen, all};
use crate::attempt::evidence::{Changed, Differences, Evidence, Restored, SnapshotDifference};
use crate::lesson::{Check, Dump};

const SHOWN_KEYS: usize = 5;

pub(super) fn look_at_dump(wanted: &Dump, evidence: &Evidence) -> Seen {
    let Some(Restored::Loaded { keys, count, holds, differences, .. }) = &evidence.restored else {
        let expected = format!("in the snapshot file: {wanted}");
        return Seen::unmet(expected, why_not_loaded(evidence));
    };
    let named = (!wanted.keys.is_empty()).then(|| look_at_keys(&wanted.keys, keys, *count, holds));
    let compared = differences.as_ref().filter(|_| wanted.all_from_before).map(look_at_differences);
    let parts: Vec<Seen> = named.into_iter().chain(compared).collect();
    all(&parts, Seen::clone)
}

fn look_at_differences(differences: &Differences) -> Seen {
    let Differences { compared, keys } = differences;
    let expected = format!("in the snapshot file: all {compared} keys from before, unchanged");
    if keys.is_empty() {
        return Seen { met: true, found: expected.clone(), expected };
    }
    let mut shown: Vec<String> = keys.iter().take(SHOWN_KEYS).map(difference).collect();
    if keys.len() > shown.len() {
        shown.push(format!("and {} more", keys.len() - shown.len()));
    }
    Seen::unmet(expected, format!("{} of {compared} differ: {}", keys.len(), shown.join(", ")))
}

fn difference(difference: &SnapshotDifference) -> String {
    let what = match difference.what {
        Changed::Missing => "is missing",
        Changed::Value => "has another value",
        Changed::TimeToLive => "has another time to live",
    };
    let database = match difference.database {
        0 => String::new(),
        number => format!(" in database {number}"),
    };
    format!("{}{database} {what}", difference.key)
}

fn look_at_keys(
    wanted: &[String],
    keys: &[String],
    count: i64,
    holds: &BTreeMap<String, bool>,
) -> Seen {
    let expected = format!("in the snapshot file: {}", wanted.join(", "));
    let mut missing: Vec<&str> = Vec::new();
    for key in wanted {
        let is_there = holds.get(key).copied().unwrap_or_else(|| keys.contains(key));
        if !is_there {
            missing.push(key);
        }
    }
    if missing.is_empty() {
        let found = format!("in the snapshot file: {}", wanted.join(", "));
        return Seen { met: true, expected, found };
    }
    Seen::unmet(expected, format!("no {} in it: {}", missing.join(", no "), held(keys, count)))
}

/// Looks at what the second server answers.
pub(super) fn look_at_restored(check: &Check, evidence: &Evidence) -> Seen {
    match &evidence.restored {
        Some(Restored::Loaded { observation, .. }) => {
            look_at_server(&check.subject, observation, evidence)
        }
        _ => Seen::unmet(check.sentence(), why_not_loaded(evidence)),
    }
}

fn why_not_loaded(evidence: &Evidence) -> String {
    match &evidence.restored {
        Some(Restored::NoFile) => {
            // If LASTSAVE moved, a snapshot may have gone to another file.
            let last = evidence.last();
            let has_none = last.is_some_and(|now| now.info.lastsave == evidence.before.lastsave);
            let why = if has_none { ": no snapshot was finished" } else { "" };
            format!("there is no `dump.rdb` in the server's directory{why}")
        }
        Some(Restored::Unloadable(log)) => {
            let why = match log.trim() {
                "" => String::new(),
                log => format!(": {}", quoted(log)),
            };
            format!("no server starts with this dump.rdb{why}")
        }
        Some(Restored::Loaded { .. }) | None => "the snapshot file was not loaded".to_owned(),
    }
}

/// `it holds a, b and 3 more`; `count` includes keys that are not in `keys`.
fn held(keys: &[String], count: i64) -> String {
    let shown = &keys[..keys.len().min(SHOWN_KEYS)];
    let more = count.saturating_sub(i64::try_from(shown.len()).unwrap_or(i64::MAX));
    match (shown, more) {
        ([], ..=0) => "database 0 has no key".to_owned(),
        ([], _) => format!("it holds {count} keys"),
        (_, ..=0) => format!("it holds {}", shown.join(", ")),
        _ => format!("it holds {} and {more} more", shown.join(", ")),
    }
}
