//! What an answer changed about snapshots.

use super::background::last_end;
use crate::attempt::evidence::{Evidence, Observation};
use crate::lesson::Moment;
use crate::server::{BgsaveEnd, ServerInfo};
use crate::verdict::changes::{Change, change, differs};

/// Only the change of the file if the server could not be observed.
pub fn changes(evidence: &Evidence, now: Option<&ServerInfo>) -> Vec<Change> {
    let Some(now) = now else { return dump(evidence).into_iter().collect() };
    let before = &evidence.before;
    let fields =
        ["rdb_saves", "rdb_changes_since_last_save", "total_forks", "rdb_last_bgsave_status"];
    let plain = fields.into_iter().filter_map(|field| differs(field, before, now));
    let rows = lastsave(before, now).into_iter().chain(plain);
    let rows = rows.chain(in_progress(evidence)).chain(save_took(before, now));
    rows.chain(bgsave_took(before, now)).chain(dump(evidence)).collect()
}

/// The end of the last background save in the server's log.
pub fn log_row(now: &Observation) -> Option<&'static str> {
    Some(match last_end(now)? {
        BgsaveEnd::Succeeded => "the background save succeeded",
        BgsaveEnd::Failed => "the background save failed",
        BgsaveEnd::Killed => "the background save was ended by a signal",
    })
}

fn lastsave(before: &ServerInfo, now: &ServerInfo) -> Option<Change> {
    let (was, is) = (before.lastsave, now.lastsave);
    (was != is).then(|| change("LASTSAVE", was.to_string(), format!("{is} ({:+} s)", is - was)))
}

/// The most common mistake shows here.
fn in_progress(evidence: &Evidence) -> Option<Change> {
    let field = "rdb_bgsave_in_progress";
    let exit = evidence.at(Moment::Exit)?;
    (exit.info.number(field) == 1).then(|| {
        change(field, evidence.before.number(field).to_string(), "1 when the answer ended")
    })
}

fn save_took(before: &ServerInfo, now: &ServerInfo) -> Option<Change> {
    let calls = now.successful_calls("save") - before.successful_calls("save");
    let micros = now.micros("save") - before.micros("save");
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

fn bgsave_took(before: &ServerInfo, now: &ServerInfo) -> Option<Change> {
    let field = "rdb_last_bgsave_time_sec";
    let row = differs(field, before, now)?;
    Some(change(field, save_time(&row.before), save_time(&row.after)))
}

/// INFO gives whole seconds, and -1 until the first background save has ended.
fn save_time(value: &str) -> String {
    match value {
        "-1" => "none yet".to_owned(),
        "0" => "under 1 s".to_owned(),
        seconds => format!("{seconds} s"),
    }
}

fn dump(evidence: &Evidence) -> Option<Change> {
    let (was, is) = (evidence.file_bytes_before, evidence.file_bytes);
    (was != is).then(|| change("dump.rdb", file_size(was), file_size(is)))
}

fn file_size(bytes: Option<u64>) -> String {
    match bytes {
        Some(1) => "1 byte".to_owned(),
        Some(bytes) => format!("{bytes} bytes"),
        None => "none".to_owned(),
    }
}
