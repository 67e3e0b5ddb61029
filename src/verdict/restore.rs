//! The snapshot file alone, loaded by a second, clean server.

use super::Seen;
use super::run::quoted;
use super::server::look_at_server;
use crate::attempt::evidence::{Evidence, Restored};
use crate::lesson::Subject;

/// Of more keys only so many are told.
const TOLD_KEYS: usize = 5;

pub(super) fn look_at_dump(wanted: &[String], evidence: &Evidence) -> Seen {
    let expected = format!("in the snapshot file: {}", wanted.join(", "));
    let (keys, count, holds) = match &evidence.restored {
        Some(Restored::Loaded { keys, count, holds, .. }) => (keys, *count, holds),
        _ => return Seen::unmet(expected, why_not_loaded(evidence)),
    };
    let is_there = |key: &String| holds.get(key).copied().unwrap_or_else(|| keys.contains(key));
    let missing: Vec<&str> =
        wanted.iter().filter(|key| !is_there(key)).map(String::as_str).collect();
    if missing.is_empty() {
        let found = format!("in the snapshot file: {}", wanted.join(", "));
        return Seen { met: true, expected, found };
    }
    Seen::unmet(expected, format!("no {} in it: {}", missing.join(", no "), held(keys, count)))
}

/// What the second server answers.
pub(super) fn look_at_restored(
    subject: &Subject,
    evidence: &Evidence,
    sentence: impl Fn() -> String,
) -> Seen {
    match &evidence.restored {
        Some(Restored::Loaded { observation, .. }) => {
            look_at_server(subject, observation, evidence)
        }
        _ => Seen::unmet(sentence(), why_not_loaded(evidence)),
    }
}

fn why_not_loaded(evidence: &Evidence) -> String {
    match &evidence.restored {
        Some(Restored::NoFile) => {
            // A snapshot may have gone to another file.
            let last = evidence.last();
            let unmoved = last.is_some_and(|now| now.snapshot.lastsave == evidence.before.lastsave);
            let why = if unmoved { ": no snapshot was finished" } else { "" };
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

/// `it holds a, b and 3 more`; `count` knows also of keys that are not named.
fn held(keys: &[String], count: i64) -> String {
    let told = &keys[..keys.len().min(TOLD_KEYS)];
    let more = count.saturating_sub(i64::try_from(told.len()).unwrap_or(i64::MAX));
    match (told, more) {
        ([], ..=0) => "database 0 has no key".to_owned(),
        ([], _) => format!("it holds {count} keys"),
        (_, ..=0) => format!("it holds {}", told.join(", ")),
        _ => format!("it holds {} and {more} more", told.join(", ")),
    }
}
