//! The append-only file: BGREWRITEAOF and the rewrites that the server begins by itself.

mod log;
mod rewrites;
#[cfg(test)]
mod tests;

use super::{BackgroundWork, Topic};
use crate::lesson::{Crash, Exercise};
use crate::server::ServerInfo;
use crate::server::versions::aof_rewrites;
use crate::verdict::diagnosis::symptom::{
    CONFIG, DATA_LOST, DATA_WRONG, ENDED_BADLY, EVIDENCE_INVALID, NO_SERVER,
};
use crate::verdict::diagnosis::{Diagnosis, Stage};

const IN_PROGRESS: &str = "aof_rewrite_in_progress";
const SCHEDULED: &str = "aof_rewrite_scheduled";

pub const TOPIC: Topic = Topic {
    background: &[REWRITE],
    timeless_fields: &["aof_enabled", IN_PROGRESS, SCHEDULED, "aof_last_bgrewrite_status"],
    // INFO has them only while the file is written.
    fields_that_come_and_go: &[
        "aof_current_size",
        "aof_base_size",
        "aof_pending_rewrite",
        "aof_buffer_length",
        "aof_rewrite_buffer_length",
        "aof_pending_bio_fsync",
        "aof_delayed_fsync",
    ],
    advice,
    write_status_fields: &["aof_last_write_status", "aof_last_bgrewrite_status"],
    symptoms: rewrites::symptoms,
    diagnoses: DIAGNOSES,
    ..Topic::NONE
};

const DIAGNOSES: &[Diagnosis] = &[
    Diagnosis::of(Stage::Refused, "log-can-not-be-read", log::broken)
        .knowing_others()
        .explains(&[NO_SERVER, ENDED_BADLY, EVIDENCE_INVALID])
        .because("a start can't read the log: {}"),
    Diagnosis::of(Stage::Gone, "flush-in-the-log", log::flush_in_it)
        .knowing_others()
        .explains(&[DATA_WRONG])
        .because("the log still has {} after {}, and each start runs it again"),
    Diagnosis::of(Stage::Gone, "log-written-anew", log::written_anew)
        .knowing_others()
        .explains(&[DATA_WRONG])
        .because(
            "BGREWRITEAOF wrote the log anew from what was in memory, and that was without {}",
        ),
    Diagnosis::of(Stage::Unfinished, "waited-for-other-work", rewrites::waited_for_other_work)
        .knowing_others()
        .explains(&[rewrites::BEING_WRITTEN])
        .because("`{}` waits for a {} only, and what still ran was the {}"),
    Diagnosis::of(Stage::Unfinished, "rewrite-only-scheduled", rewrites::only_scheduled)
        .knowing_others()
        .explains(&[rewrites::BEING_WRITTEN])
        .because(
            "the log's rewrite was only scheduled: it begins after EXEC, or when another child has \
             ended, and until then `aof_rewrite_in_progress` is 0",
        ),
    Diagnosis::of(
        Stage::Unfinished,
        "ended-though-info-said-rewriting",
        rewrites::ended_though_info_said_so,
    )
    .knowing_others()
    .explains(&[rewrites::BEING_WRITTEN])
    .because(
        "INFO said `aof_rewrite_in_progress:1`, and the answer ended all the same: wait until this \
         field is 0 (in redis-py it is a number)",
    ),
    Diagnosis::of(Stage::Unfinished, "first-log-not-awaited", rewrites::first_log_not_awaited)
        .knowing_others()
        .explains(&[rewrites::BEING_WRITTEN])
        .because(
            "CONFIG SET only begins a new log: its child was still writing when the answer ended",
        ),
    Diagnosis::of(Stage::Unfinished, "rewrite-not-awaited", rewrites::rewrite_not_awaited)
        .knowing_others()
        .explains(&[rewrites::BEING_WRITTEN])
        .because(
            "BGREWRITEAOF's reply only means that the rewrite has begun: the child was still writing \
             when the answer ended",
        ),
    Diagnosis::of(
        Stage::NeverAsked,
        "rewrite-taken-for-the-switch",
        rewrites::rewrite_taken_for_the_switch,
    )
    .explains(&[CONFIG, DATA_WRONG, DATA_LOST])
    .because(
        "BGREWRITEAOF writes one log, and no later change gets into it: the log is switched on by \
         the setting `appendonly`",
    ),
    Diagnosis::of(
        Stage::NeverAsked,
        "fsync-taken-for-the-switch",
        rewrites::fsync_taken_for_the_switch,
    )
    .explains(&[CONFIG, DATA_WRONG, DATA_LOST])
    .because(
        "`appendfsync` says how often the log is brought to the disk, but the log itself is off: \
         it is switched on by `appendonly`",
    ),
    Diagnosis::of(
        Stage::NeverAsked,
        "nobody-asked-for-a-rewrite",
        rewrites::nobody_asked_for_a_rewrite,
    )
    .explains(&[rewrites::LONG])
    .because("BGREWRITEAOF was never sent: nothing has made the log shorter"),
];

pub const REWRITE: BackgroundWork = BackgroundWork {
    name: "rewrite of the append-only file",
    begun_by: "bgrewriteaof",
    wait_line: None,
    begin_trigger: "@bgrewriteaof-began",
    end_trigger: "@bgrewriteaof-ended",
    is_pending: |now, _| is_running(now) || now.number(SCHEDULED) != 0,
    is_running,
    progress: |now| {
        if is_running(now) {
            (now.number("current_save_keys_processed"), now.number("current_save_keys_total"))
        } else {
            (0, 0)
        }
    },
    begun: aof_rewrites,
};

fn is_running(now: &ServerInfo) -> bool {
    now.number(IN_PROGRESS) != 0
}

/// With `no` Redis writes before it replies, and SIGKILL takes nothing from the system's buffers: only
/// a power cut would. With `everysec` it may keep writes to itself while it syncs.
fn advice(exercise: &Exercise) -> Option<(&'static str, &'static str)> {
    let is_lax =
        |(name, value): &(String, String)| name == "appendfsync" && value.trim() == "everysec";
    let crashes = exercise.crash == Crash::AtExit;
    (crashes && exercise.settings.iter().any(is_lax)).then_some((
        "what `appendfsync` leaves for later is a race with the crash at the answer's end",
        "use `appendfsync = \"always\"`, or check what does not depend on it: a killed server loses \
         only what it has not written yet",
    ))
}
