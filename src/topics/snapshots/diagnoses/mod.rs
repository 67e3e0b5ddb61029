//! Common mistakes with snapshots (`tests/facts`, Common mistakes).

mod blocking;
mod refused;
mod saved;
mod waiting;

use redis::Value;

use super::slow_down;
use super::symptoms::{NO_BGSAVE, NO_SAVE, NO_SNAPSHOT, SAVE_FAILED, USED_SAVE};
use crate::relay::Exchange;
use crate::verdict::diagnosis::facts::{Facts, text};
use crate::verdict::diagnosis::server::seen_at;
use crate::verdict::diagnosis::symptom::{
    BLOCKED, CONFIG, DATA_LOST, DATA_WRONG, ENDED_BADLY, EVIDENCE_INVALID, STILL_RUNNING,
};
use crate::verdict::diagnosis::{Cause, Diagnosis, Stage};

/// Most specific first within a stage.
pub const TABLE: &[Diagnosis] = &[
    Diagnosis {
        id: "slow-down-changed",
        stage: Stage::Setting,
        cause: "CONFIG SET changed `rdb-key-save-delay`, by which this exercise sees whether an \
                answer waits",
        explains: &[EVIDENCE_INVALID],
        recognise: slow_down_changed,
    },
    Diagnosis {
        id: "client-timeout-during-save",
        stage: Stage::Server,
        cause: "the client waits for SAVE no longer than its timeout; the server went on saving",
        explains: &[ENDED_BADLY],
        recognise: blocking::client_gave_up,
    },
    Diagnosis {
        id: "own-data-takes-too-long",
        stage: Stage::Server,
        cause: "{} had {} keys to write, {} of them the answer's own: at {} s a key that takes {} \
                s, and the answer has {} s",
        explains: &[ENDED_BADLY],
        recognise: waiting::own_data_takes_too_long,
    },
    Diagnosis {
        id: "save-inside-multi",
        stage: Stage::Refused,
        cause: "SAVE is not allowed inside MULTI: it was refused, and with it the whole \
                transaction",
        explains: &[ENDED_BADLY, NO_SAVE, NO_SNAPSHOT, DATA_WRONG, DATA_LOST],
        recognise: refused::save_in_multi,
    },
    Diagnosis {
        id: "save-inside-lua",
        stage: Stage::Refused,
        cause: "{} is not allowed in a script: it was refused, and no snapshot came of it",
        explains: &[ENDED_BADLY, NO_SAVE, NO_BGSAVE, NO_SNAPSHOT, DATA_LOST],
        recognise: refused::save_in_script,
    },
    Diagnosis {
        id: "save-refused-while-bgsave-runs",
        stage: Stage::Refused,
        cause: "SAVE was refused because a background save was still running: it does not wait \
                for it",
        explains: &[ENDED_BADLY, NO_SAVE, STILL_RUNNING, DATA_LOST],
        recognise: refused::save_while_saving,
    },
    Diagnosis {
        id: "bgsave-refused-while-bgsave-runs",
        stage: Stage::Refused,
        cause: "BGSAVE was refused because a background save was still running: only one runs at \
                a time",
        explains: &[ENDED_BADLY, NO_BGSAVE, STILL_RUNNING, DATA_LOST],
        recognise: refused::bgsave_while_saving,
    },
    Diagnosis {
        id: "bgsave-refused-while-aof-rewrites",
        stage: Stage::Refused,
        cause: "BGSAVE was refused because the append-only file was being rewritten: one child at \
                a time",
        explains: &[ENDED_BADLY, NO_BGSAVE, NO_SNAPSHOT],
        recognise: refused::bgsave_while_rewriting,
    },
    Diagnosis {
        id: "misconf-switched-off",
        stage: Stage::Refused,
        cause: "`stop-writes-on-bgsave-error no` only silences the warning: no save has succeeded \
                since the one that failed",
        explains: &[SAVE_FAILED, NO_SNAPSHOT, DATA_LOST, CONFIG],
        recognise: refused::misconf_switched_off,
    },
    Diagnosis {
        id: "misconf",
        stage: Stage::Refused,
        cause: "Redis refuses writes (MISCONF) since a background save failed: first a save must \
                succeed again",
        explains: &[ENDED_BADLY, DATA_WRONG, DATA_LOST],
        recognise: refused::misconf,
    },
    Diagnosis {
        id: "lastsave-poll-after-failed-save",
        stage: Stage::Refused,
        cause: "the background save failed, so LASTSAVE never moves: look at \
                `rdb_last_bgsave_status` too",
        explains: &[ENDED_BADLY],
        recognise: waiting::lastsave_after_failure,
    },
    Diagnosis {
        id: "lastsave-poll-never-ends",
        stage: Stage::Refused,
        cause: "the snapshot was finished in the second that LASTSAVE showed before: it counts \
                whole seconds, so it did not move",
        explains: &[ENDED_BADLY],
        recognise: waiting::lastsave_within_a_second,
    },
    Diagnosis {
        id: "lastsave-read-too-late",
        stage: Stage::Refused,
        cause: "LASTSAVE was first read after SAVE had moved it, so it does not move again",
        explains: &[ENDED_BADLY],
        recognise: waiting::lastsave_read_too_late,
    },
    Diagnosis {
        id: "info-poll-never-ends",
        stage: Stage::Refused,
        cause: "no background save was running, and the answer went on asking INFO: its loop \
                waits for something that does not come",
        explains: &[ENDED_BADLY],
        recognise: waiting::info_poll_never_ends,
    },
    Diagnosis {
        id: "bgsave-could-not-fork",
        stage: Stage::Refused,
        cause: "BGSAVE failed at once: the server could not start a child (its log says why, \
                mostly memory)",
        explains: &[ENDED_BADLY, NO_BGSAVE, SAVE_FAILED, NO_SNAPSHOT, DATA_LOST],
        recognise: refused::bgsave_could_not_fork,
    },
    Diagnosis {
        id: "save-failed",
        stage: Stage::Refused,
        cause: "SAVE failed: the server could not write the file (its log says why, mostly the \
                disk)",
        explains: &[ENDED_BADLY, NO_SAVE, NO_SNAPSHOT, DATA_LOST],
        recognise: refused::save_failed,
    },
    Diagnosis {
        id: "flushall-ended-the-save",
        stage: Stage::Refused,
        cause: "FLUSHALL ended the background save that was still running: no snapshot came of it",
        explains: &[SAVE_FAILED, NO_SNAPSHOT, DATA_LOST],
        recognise: saved::flushall_ended_it,
    },
    Diagnosis {
        id: "bgsave-failed",
        stage: Stage::Refused,
        cause: "the background save failed after BGSAVE had answered: only INFO and the log tell",
        explains: &[SAVE_FAILED, NO_SNAPSHOT, DATA_LOST],
        recognise: refused::bgsave_failed,
    },
    Diagnosis {
        id: "flushall-after-the-snapshot",
        stage: Stage::Refused,
        cause: "FLUSHALL came after the snapshot: on a server with save points it also writes an \
                empty `dump.rdb`",
        explains: &[DATA_LOST],
        recognise: saved::flushall_emptied_the_file,
    },
    Diagnosis {
        id: "snapshot-goes-elsewhere",
        stage: Stage::Refused,
        cause: "CONFIG SET {} sent the snapshot to another file than the one that is loaded",
        explains: &[DATA_LOST],
        recognise: saved::file_elsewhere,
    },
    Diagnosis {
        id: "protected-setting",
        stage: Stage::Refused,
        cause: "where the snapshot goes can't be changed on a running server: `dir` and \
                `dbfilename` are protected",
        explains: &[ENDED_BADLY],
        recognise: saved::protected_setting,
    },
    Diagnosis {
        id: "bgsave-inside-multi",
        stage: Stage::Unfinished,
        cause: "inside MULTI, BGSAVE is only scheduled: it began after EXEC, and {}",
        explains: &[STILL_RUNNING, DATA_LOST],
        recognise: refused::bgsave_in_multi,
    },
    Diagnosis {
        id: "ended-though-info-said-saving",
        stage: Stage::Unfinished,
        cause: "INFO said `rdb_bgsave_in_progress:1`, and the answer ended all the same: wait \
                until this field is 0",
        explains: &[STILL_RUNNING],
        recognise: waiting::wrong_field,
    },
    Diagnosis {
        id: "waited-too-early",
        stage: Stage::Unfinished,
        cause: "`@wait-bgsave` stands above BGSAVE, where there was nothing to wait for yet",
        explains: &[STILL_RUNNING],
        recognise: waiting::waited_too_early,
    },
    Diagnosis {
        id: "guessed-wait",
        stage: Stage::Unfinished,
        cause: "the answer ended {} after BGSAVE's reply without asking whether the save was \
                done: it was not",
        explains: &[STILL_RUNNING],
        recognise: waiting::guessed,
    },
    Diagnosis {
        id: "save-not-awaited",
        stage: Stage::Unfinished,
        cause: "the answer ended before SAVE had answered: the kill came while the file was being \
                written",
        explains: &[DATA_LOST, NO_SNAPSHOT],
        recognise: waiting::save_not_awaited,
    },
    Diagnosis {
        id: "bgsave-reply-taken-as-done",
        stage: Stage::Unfinished,
        cause: "BGSAVE's reply only means begun: the child was still writing when the answer ended",
        explains: &[STILL_RUNNING],
        recognise: waiting::reply_taken_as_done,
    },
    Diagnosis {
        id: "written-after-the-snapshot",
        stage: Stage::Unfinished,
        cause: "{} was written after {}: a snapshot holds what was there at its moment, and \
                nothing later",
        explains: &[DATA_LOST],
        recognise: saved::written_after,
    },
    Diagnosis {
        id: "save-blocks-everyone",
        stage: Stage::Blocked,
        cause: "SAVE makes every client wait until the file is written{}: BGSAVE leaves that to a \
                child",
        explains: &[USED_SAVE],
        recognise: blocking::save_is_used,
    },
    Diagnosis {
        id: "save-blocks-everyone",
        stage: Stage::Blocked,
        cause: "SAVE made every client wait until the file was written, another client for {}: \
                BGSAVE leaves that to a child",
        explains: &[BLOCKED],
        recognise: blocking::save_blocks,
    },
    Diagnosis {
        id: "appendonly-taken-for-a-snapshot",
        stage: Stage::NeverAsked,
        cause: "`{}` writes the append-only file, which is another file than the snapshot \
                `dump.rdb`",
        explains: &[NO_SAVE, NO_BGSAVE, NO_SNAPSHOT, DATA_LOST],
        recognise: saved::aof_instead,
    },
    Diagnosis {
        id: "read-instead-of-saved",
        stage: Stage::NeverAsked,
        cause: "{} only tells of the last snapshot and takes none: neither SAVE nor BGSAVE was \
                sent",
        explains: &[NO_SAVE, NO_BGSAVE, NO_SNAPSHOT, DATA_LOST],
        recognise: saved::read_instead,
    },
    Diagnosis {
        id: "saved-by-a-save-point",
        stage: Stage::NeverAsked,
        cause: "the save point that CONFIG SET made let Redis save by itself: neither SAVE nor \
                BGSAVE was sent",
        explains: &[NO_SAVE, NO_BGSAVE, NO_SNAPSHOT],
        recognise: saved::saved_by_a_save_point,
    },
    Diagnosis {
        id: "nobody-asked-for-a-snapshot",
        stage: Stage::NeverAsked,
        cause: "neither SAVE nor BGSAVE was sent: nobody asked for a snapshot",
        explains: &[NO_SAVE, NO_BGSAVE, NO_SNAPSHOT, DATA_LOST],
        recognise: saved::nobody_asked,
    },
    Diagnosis {
        id: "save-never-sent",
        stage: Stage::NeverAsked,
        cause: "SAVE was never sent: it is another command than BGSAVE",
        explains: &[NO_SAVE],
        recognise: saved::never_sent_save,
    },
    Diagnosis {
        id: "bgsave-never-sent",
        stage: Stage::NeverAsked,
        cause: "BGSAVE was never sent: it is another command than SAVE",
        explains: &[NO_BGSAVE],
        recognise: saved::never_sent_bgsave,
    },
    Diagnosis {
        id: "another-save-came-after",
        stage: Stage::Replaced,
        cause: "another save came after: the file is the picture of the moment of that {}, and \
                not of the earlier one",
        explains: &[DATA_LOST],
        recognise: saved::overwritten,
    },
];

/// Whether the check misses what this command would have done: it was not run, or was refused at
/// `index`, and nothing made up for it.
pub fn misses(facts: &Facts<'_>, command: &[Vec<u8>], index: Option<usize>) -> bool {
    let name = command.first().map(|name| text(name).to_uppercase()).unwrap_or_default();
    let saves_the_data = matches!(name.as_str(), "SAVE" | "BGSAVE")
        && facts.shows(DATA_LOST)
        && last_snapshot(facts).is_none_or(|last| index.is_none_or(|index| last < index));
    refused::is_a_missing_save(facts, &name, index) || saves_the_data
}

/// The last SAVE or BGSAVE that was accepted.
pub fn last_snapshot(facts: &Facts<'_>) -> Option<usize> {
    facts.last_done(&["SAVE"]).max(facts.last_done(&["BGSAVE"]))
}

fn last_status<'a>(facts: &Facts<'a>) -> Option<&'a str> {
    facts.last_look()?.info.field("rdb_last_bgsave_status")
}

fn lastsave(exchange: &Exchange) -> Option<i64> {
    match exchange.reply.as_ref()?.value {
        Value::Int(time) if exchange.name() == "LASTSAVE" => Some(time),
        _ => None,
    }
}

fn slow_down_changed(facts: &Facts<'_>) -> Option<Cause> {
    let wanted = slow_down::wanted(facts.exercise);
    let mut set = facts.evidence.transcript.values_set(slow_down::SETTING);
    let (index, _) = set.find(|(_, value)| Some(value.as_str()) != wanted)?;
    let why = facts.evidence.invalid.as_ref()?;
    why.contains(slow_down::SETTING).then(|| seen_at(index))
}
