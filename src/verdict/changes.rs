//! What an answer has changed on the server: the evidence in a few rows.

use crate::attempt::evidence::{Evidence, Observation};
use crate::server::Snapshot;

/// A field that is another one than before, or that an answer has moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// As Redis calls it, where it has a name.
    pub field: &'static str,
    /// Before the answer; empty where there is nothing to compare.
    pub before: String,
    /// After it.
    pub after: String,
}

/// What has changed and matters; nothing where the server could not be looked at.
pub fn changes(evidence: &Evidence) -> Vec<Change> {
    let Some(Observation { snapshot: now, .. }) = evidence.last() else {
        return dump(evidence).into_iter().collect();
    };
    let before = &evidence.before;
    if now.run_id() != before.run_id() {
        // Another start: nothing that it counts can be compared.
        return vec![change("run_id", short(before.run_id()), short(now.run_id()))];
    }
    let fields =
        ["rdb_saves", "rdb_changes_since_last_save", "total_forks", "rdb_last_bgsave_status"];
    let plain = fields.into_iter().filter_map(|field| differs(field, before, now));
    let rows = lastsave(before, now).into_iter().chain(plain);
    let rows = rows.chain(in_progress(evidence)).chain(save_took(before, now));
    rows.chain(bgsave_took(before, now)).chain(dump(evidence)).collect()
}

fn change(field: &'static str, before: impl Into<String>, after: impl Into<String>) -> Change {
    Change { field, before: before.into(), after: after.into() }
}

fn short(run_id: &str) -> String {
    run_id.chars().take(8).collect()
}

fn lastsave(before: &Snapshot, now: &Snapshot) -> Option<Change> {
    let (was, is) = (before.lastsave, now.lastsave);
    (was != is).then(|| change("LASTSAVE", was.to_string(), format!("{is} ({:+} s)", is - was)))
}

fn differs(field: &'static str, before: &Snapshot, now: &Snapshot) -> Option<Change> {
    let (was, is) = (before.field(field)?, now.field(field)?);
    (was != is).then(|| change(field, was, is))
}

/// What the commonest mistake hinges on.
fn in_progress(evidence: &Evidence) -> Option<Change> {
    let field = "rdb_bgsave_in_progress";
    let exit = evidence.exit.as_ref()?;
    (exit.snapshot.number(field) == 1).then(|| {
        change(field, evidence.before.number(field).to_string(), "1 when the answer ended")
    })
}

/// INFO commandstats counts microseconds.
fn save_took(before: &Snapshot, now: &Snapshot) -> Option<Change> {
    let calls = now.successful_calls("save") - before.successful_calls("save");
    let micros = micros(now, "cmdstat_save") - micros(before, "cmdstat_save");
    let all = match calls {
        ..=0 => return None,
        1 => String::new(),
        calls => format!(" in {calls} calls"),
    };
    let took = match micros {
        ..1000 => "under 1 ms".to_owned(),
        micros => format!("{} ms", micros / 1000),
    };
    Some(change("SAVE took", "", took + &all))
}

pub(super) fn micros(snapshot: &Snapshot, field: &str) -> i64 {
    let line = snapshot.field(field).unwrap_or_default();
    let usec = line.split(',').find_map(|part| part.strip_prefix("usec="));
    usec.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Whole seconds; -1 until the first one has ended.
fn bgsave_took(before: &Snapshot, now: &Snapshot) -> Option<Change> {
    let field = "rdb_last_bgsave_time_sec";
    let said = |value: &str| match value {
        "-1" => "none yet".to_owned(),
        "0" => "under 1 s".to_owned(),
        seconds => format!("{seconds} s"),
    };
    let row = differs(field, before, now)?;
    Some(change(field, said(&row.before), said(&row.after)))
}

fn dump(evidence: &Evidence) -> Option<Change> {
    let said = |bytes: Option<u64>| match bytes {
        Some(1) => "1 byte".to_owned(),
        Some(bytes) => format!("{bytes} bytes"),
        None => "none".to_owned(),
    };
    let (was, is) = (evidence.dump_bytes_before, evidence.dump_bytes);
    (was != is).then(|| change("dump.rdb", said(was), said(is)))
}

#[cfg(test)]
mod tests;
