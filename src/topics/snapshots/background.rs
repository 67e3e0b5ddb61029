//! Background saves: whether one runs, and what INFO does not say about it.

use super::super::BackgroundWork;
use crate::attempt::evidence::{Evidence, Observation};
use crate::server::ServerInfo;
use crate::server::log::{BgsaveEnd, bgsave_ends};
use crate::server::versions::{forks_for_saves, saves_without_fork};

/// The line that waits for its end.
pub const WAIT: &str = "@wait-bgsave";

pub const SAVE: BackgroundWork = BackgroundWork {
    name: "background save",
    begun_by: "bgsave",
    wait_line: Some(WAIT),
    begin_trigger: "@bgsave-began",
    end_trigger: "@bgsave-ended",
    is_pending: is_saving,
    is_running: |now| now.number("rdb_bgsave_in_progress") != 0,
    progress,
    begun: forks_for_saves,
};

/// The child reports it about once a second (Redis 7.0's rdb.c).
fn progress(now: &ServerInfo) -> (i64, i64) {
    (now.number("current_save_keys_processed"), now.number("current_save_keys_total"))
}

/// Whether a background save is running, or was accepted and has not begun. BGSAVE inside MULTI
/// replies `Background saving scheduled` and starts at the server's next tick; until then INFO does
/// not show it (`tests/facts`, commandstats). A save that does not fork (Valkey's forkless save,
/// which INFO names as such) is never seen as scheduled.
pub fn is_saving(now: &ServerInfo, before: &ServerInfo) -> bool {
    let has_not_begun = || {
        forks_for_saves(now) == forks_for_saves(before)
            && now.successful_calls("bgsave") > before.successful_calls("bgsave")
            && now.field("rdb_last_bgsave_status") != Some("err")
            && !saves_without_fork(now)
    };
    (SAVE.is_running)(now) || has_not_begun()
}

/// Whether more saves ran than BGSAVE asked for: those of save points.
pub fn saved_by_itself(now: &ServerInfo, before: &ServerInfo) -> bool {
    let saves = forks_for_saves(now) - forks_for_saves(before);
    saves > now.successful_calls("bgsave") - before.successful_calls("bgsave")
}

/// How the last background save ended, by the server's log.
pub fn last_end(now: &Observation) -> Option<BgsaveEnd> {
    bgsave_ends(now.log.as_deref()?).pop()
}

pub fn was_killed(now: &Observation) -> bool {
    last_end(now) == Some(BgsaveEnd::Killed)
}

/// INFO's two blind spots (`tests/facts`, INFO persistence and commandstats): a background save
/// that a signal ended leaves the status as it was, and one that is only scheduled is not in
/// progress yet.
pub fn what_info_misses(
    field: &str,
    value: &str,
    now: &Observation,
    evidence: &Evidence,
) -> Option<String> {
    let truth = match field {
        "rdb_last_bgsave_status" if value == "ok" && more_ends_than_forks(now) => {
            "the server's log shows more background saves that ended than began, so something \
             else wrote to it"
        }
        "rdb_last_bgsave_status" if value == "ok" && was_killed(now) => {
            "INFO still says ok, but the server's log says that a signal ended the background \
             save (FLUSHALL does that): it left no snapshot"
        }
        "rdb_bgsave_in_progress" if value == "0" && is_saving(&now.info, &evidence.before) => {
            "rdb_bgsave_in_progress 0, but a background save was scheduled and has not begun"
        }
        _ => return None,
    };
    Some(truth.to_owned())
}

/// A script can write to the server's log (`redis.log`), but can't begin a save that way. Where
/// saves do not fork (Valkey's forkless ones), the number of forks says nothing.
fn more_ends_than_forks(now: &Observation) -> bool {
    let forks = forks_for_saves(&now.info);
    let ends = now.log.as_deref().map_or(0, |log| bgsave_ends(log).len());
    forks > 0 && i64::try_from(ends).is_ok_and(|ends| ends > forks)
}
