//! The append-only file: BGREWRITEAOF and the rewrites that the server begins by itself.

use super::{BackgroundWork, Topic};
use crate::lesson::{Crash, Exercise};
use crate::server::ServerInfo;
use crate::server::versions::aof_rewrites;

pub const TOPIC: Topic = Topic {
    background: &[REWRITE],
    timeless_fields: &[
        "aof_enabled",
        "aof_rewrite_in_progress",
        "aof_rewrite_scheduled",
        "aof_last_bgrewrite_status",
    ],
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
    ..Topic::NONE
};

pub const REWRITE: BackgroundWork = BackgroundWork {
    name: "rewrite of the append-only file",
    begun_by: "bgrewriteaof",
    wait_line: None,
    begin_trigger: "@bgrewriteaof-began",
    end_trigger: "@bgrewriteaof-ended",
    is_pending: |now, _| is_running(now) || now.number("aof_rewrite_scheduled") != 0,
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
    now.number("aof_rewrite_in_progress") != 0
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

#[cfg(test)]
mod tests {
    use super::super::{is_busy, pending};
    use super::*;
    use crate::verdict::tests::exercise;

    fn info(fields: &str) -> ServerInfo {
        ServerInfo::of(0, fields)
    }

    #[test]
    fn a_rewrite_that_runs_or_is_scheduled_is_waited_for() {
        let before = info("");
        for fields in ["aof_rewrite_in_progress:1\n", "aof_rewrite_scheduled:1\n"] {
            assert_eq!(pending(&info(fields), &before), Some(&REWRITE), "{fields}");
        }
        let rests = "aof_rewrite_in_progress:0\naof_rewrite_scheduled:0\n";
        assert!(!is_busy(&info(rests), &before));
    }

    #[test]
    fn a_lax_setting_and_a_crash_are_a_race() {
        let with = |crash: &str, fsync: &str| {
            let check = "[[check]]\nid = \"c\"\nreply = { \"GET a\" = \"1\" }\n";
            advice(&exercise(&format!("{crash}[server]\nappendfsync = \"{fsync}\"\n{check}")))
        };
        assert!(with("crash = \"exit\"\n", "everysec").is_some());
        assert!(with("crash = \"exit\"\n", "always").is_none());
        assert!(with("crash = \"exit\"\n", "no").is_none());
        assert!(with("", "everysec").is_none());
    }
}
