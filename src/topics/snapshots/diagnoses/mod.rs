//! Common mistakes with snapshots (`tests/facts`, Common mistakes).

mod copied;
mod placed;
mod points;
mod refused;
mod saved;
mod waiting;

use redis::Value;

use self::refused::bare_error;
use super::slow_down;
use super::symptoms::{NO_BGSAVE, NO_SAVE, NO_SNAPSHOT, SAVE_FAILED, USED_SAVE};
use crate::relay::Exchange;
use crate::verdict::diagnosis::facts::{Facts, text};
use crate::verdict::diagnosis::symptom::{
    BLOCKED, CONFIG, COPY_WRONG, DATA_LOST, DATA_WRONG, ENDED_BADLY, EVIDENCE_INVALID,
    STILL_RUNNING,
};
use crate::verdict::diagnosis::{Cause, Diagnosis, Stage, seen_at};

/// Most specific first within a stage.
pub const TABLE: &[Diagnosis] = &[
    Diagnosis::of(Stage::Setting, "slow-down-changed", slow_down_changed)
        .explains(&[EVIDENCE_INVALID])
        .because(
            "CONFIG SET changed `rdb-key-save-delay`, by which this exercise sees whether an \
             answer waits",
        ),
    Diagnosis::of(Stage::Server, "client-timeout-during-save", waiting::client_gave_up)
        .explains(&[ENDED_BADLY])
        .because("the client waits for SAVE no longer than its timeout; the server went on saving"),
    Diagnosis::of(Stage::Server, "own-data-takes-too-long", waiting::own_data_takes_too_long)
        .explains(&[ENDED_BADLY])
        .because(
            "{} had {} keys to write, {} of them the answer's own: at {} s a key that takes {} s, \
             and the answer has {} s",
        ),
    Diagnosis::of(Stage::Refused, "save-inside-multi", refused::save_in_multi)
        .explains(&[ENDED_BADLY, NO_SAVE, NO_SNAPSHOT, DATA_WRONG, DATA_LOST])
        .because(
            "SAVE is not allowed inside MULTI: it was refused, and with it the whole transaction",
        ),
    Diagnosis::of(Stage::Refused, "save-inside-lua", refused::save_in_script)
        .explains(&[ENDED_BADLY, NO_SAVE, NO_BGSAVE, NO_SNAPSHOT, DATA_LOST])
        .because("{} is not allowed in a script: it was refused, and no snapshot came of it"),
    Diagnosis::of(Stage::Refused, "save-refused-while-bgsave-runs", |facts| {
        refused::while_saving(facts, "SAVE", NO_SAVE)
    })
    .explains(&[ENDED_BADLY, NO_SAVE, STILL_RUNNING, DATA_LOST])
    .because(
        "SAVE was refused because a background save was still running: it does not wait for it",
    ),
    Diagnosis::of(Stage::Refused, "bgsave-refused-while-bgsave-runs", |facts| {
        refused::while_saving(facts, "BGSAVE", NO_BGSAVE)
    })
    .explains(&[ENDED_BADLY, NO_BGSAVE, STILL_RUNNING, DATA_LOST])
    .because(
        "BGSAVE was refused because a background save was still running: only one runs at a \
             time",
    ),
    Diagnosis::of(
        Stage::Refused,
        "bgsave-refused-while-aof-rewrites",
        refused::bgsave_while_rewriting,
    )
    .explains(&[ENDED_BADLY, NO_BGSAVE, NO_SNAPSHOT])
    .because(
        "BGSAVE was refused because the append-only file was being rewritten: one child at a time",
    ),
    Diagnosis::of(Stage::Refused, "misconf-switched-off", refused::misconf_switched_off)
        .explains(&[SAVE_FAILED, NO_SNAPSHOT, DATA_LOST, CONFIG])
        .because(
            "`stop-writes-on-bgsave-error no` only silences the warning: no save has succeeded \
             since the one that failed",
        ),
    Diagnosis::of(Stage::Refused, "misconf", refused::misconf)
        .explains(&[ENDED_BADLY, DATA_WRONG, DATA_LOST])
        .because(
            "Redis refuses writes (MISCONF) since a background save failed: first a save must \
             succeed again",
        ),
    Diagnosis::of(
        Stage::Refused,
        "lastsave-poll-after-failed-save",
        waiting::lastsave_after_failure,
    )
    .explains(&[ENDED_BADLY])
    .because(
        "the background save failed, so LASTSAVE never moves: look at `rdb_last_bgsave_status` too",
    ),
    Diagnosis::of(Stage::Refused, "lastsave-poll-never-ends", waiting::lastsave_within_a_second)
        .explains(&[ENDED_BADLY])
        .because(
            "the snapshot was finished in the second that LASTSAVE showed before: it counts whole \
             seconds, so it did not move",
        ),
    Diagnosis::of(Stage::Refused, "lastsave-read-too-late", waiting::lastsave_read_too_late)
        .explains(&[ENDED_BADLY])
        .because("LASTSAVE was first read after SAVE had moved it, so it does not move again"),
    Diagnosis::of(Stage::Refused, "info-poll-never-ends", waiting::info_poll_never_ends)
        .explains(&[ENDED_BADLY])
        .because(
            "no background save was running, and the answer went on asking INFO: its loop waits \
             for something that does not come",
        ),
    Diagnosis::of(Stage::Refused, "bgsave-could-not-fork", |facts| bare_error(facts, "BGSAVE"))
        .explains(&[ENDED_BADLY, NO_BGSAVE, SAVE_FAILED, NO_SNAPSHOT, DATA_LOST])
        .because(
            "BGSAVE failed at once: the server could not start a child (its log says why, usually \
             memory)",
        ),
    Diagnosis::of(Stage::Refused, "save-failed", |facts| bare_error(facts, "SAVE"))
        .explains(&[ENDED_BADLY, NO_SAVE, NO_SNAPSHOT, DATA_LOST])
        .because(
            "SAVE failed: the server could not write the file (its log says why, usually the disk)",
        ),
    Diagnosis::of(Stage::Refused, "flushall-ended-the-save", saved::flushall_ended_it)
        .explains(&[SAVE_FAILED, NO_SNAPSHOT, DATA_LOST])
        .because(
            "FLUSHALL killed the background save that was still running, so it left no snapshot",
        ),
    Diagnosis::of(Stage::Refused, "bgsave-failed", refused::bgsave_failed)
        .explains(&[SAVE_FAILED, NO_SNAPSHOT, DATA_LOST])
        .because(
            "the background save failed after BGSAVE had answered: only INFO and the log tell",
        ),
    Diagnosis::of(Stage::Refused, "flushall-after-the-snapshot", saved::flushall_emptied_the_file)
        .explains(&[DATA_LOST])
        .because(
            "FLUSHALL came after the snapshot: on a server with save points it writes an empty \
             `dump.rdb` at once",
        ),
    Diagnosis::of(Stage::Refused, "snapshot-goes-elsewhere", saved::file_elsewhere)
        .explains(&[DATA_LOST])
        .because("CONFIG SET {} sent the snapshot to a file that is not the one that is loaded"),
    Diagnosis::of(Stage::Refused, "protected-setting", saved::protected_setting)
        .explains(&[ENDED_BADLY])
        .because(
            "where the snapshot goes can't be changed on a running server: `dir` and `dbfilename` \
             are protected",
        ),
    Diagnosis::of(Stage::Unfinished, "bgsave-inside-multi", refused::bgsave_in_multi)
        .explains(&[STILL_RUNNING, DATA_LOST])
        .because("inside MULTI, BGSAVE is only scheduled: it begins some time after EXEC, until then \
             `rdb_bgsave_in_progress` is 0, and {}"),
    Diagnosis::of(Stage::Unfinished, "ended-though-info-said-saving", waiting::wrong_field)
        .explains(&[STILL_RUNNING])
        .because(
            "INFO said `rdb_bgsave_in_progress:1`, and the answer ended all the same: wait until \
             this field is 0 (in redis-py it is a number)",
        ),
    Diagnosis::of(
        Stage::Unfinished,
        "ended-though-lastsave-had-not-moved",
        waiting::unmoved_lastsave,
    )
    .explains(&[STILL_RUNNING])
    .because(
        "LASTSAVE had not moved when the answer asked last, and it ended all the same: the child was \
         still writing",
    ),
    Diagnosis::of(Stage::Unfinished, "bgsave-sent-until-accepted", waiting::sent_until_accepted)
        .explains(&[STILL_RUNNING])
        .because(
            "BGSAVE was sent until it was accepted, and so it began one more save, which still ran \
             when the answer ended",
        ),
    Diagnosis::of(Stage::Unfinished, "waited-for-replicas", waiting::waited_for_replicas)
        .explains(&[STILL_RUNNING])
        .because(
            "WAIT waits for replicas, not for a save: the child was still writing when the answer \
             ended",
        ),
    Diagnosis::of(Stage::Unfinished, "info-asked-too-early", waiting::asked_too_early)
        .explains(&[STILL_RUNNING])
        .because(
            "INFO was asked before BGSAVE and never after it: the child was still writing when the \
             answer ended",
        ),
    Diagnosis::of(Stage::Unfinished, "waited-too-early", waiting::waited_too_early)
        .explains(&[STILL_RUNNING])
        .because("`@wait-bgsave` stands above BGSAVE, where there was nothing to wait for yet"),
    Diagnosis::of(Stage::Unfinished, "guessed-wait", waiting::guessed)
        .explains(&[STILL_RUNNING])
        .because(
            "the answer ended {} after BGSAVE's reply without asking whether the save was done: it \
             was not",
        ),
    Diagnosis::of(Stage::Unfinished, "save-not-awaited", waiting::save_not_awaited)
        .explains(&[DATA_LOST, NO_SNAPSHOT])
        .because(
            "the answer ended before SAVE had answered: the kill came while the file was being \
             written",
        ),
    Diagnosis::of(Stage::Unfinished, "bgsave-reply-taken-as-done", waiting::reply_taken_as_done)
        .explains(&[STILL_RUNNING])
        .because(
            "BGSAVE's reply only means that the save has begun: the child was still writing when the \
             answer ended",
        ),
    Diagnosis::of(Stage::Unfinished, "save-of-a-save-point-not-awaited", points::save_not_awaited)
        .explains(&[STILL_RUNNING, NO_SNAPSHOT, DATA_LOST])
        .because(
            "a save point had begun a background save, and the file was still being written when \
             the answer ended",
        ),
    Diagnosis::of(Stage::Unfinished, "save-point-not-due", points::not_due)
        .explains(&[NO_SNAPSHOT, DATA_LOST])
        .because(
            "the save point `{}` saves {} s after the last save, and the answer ended before that",
        ),
    Diagnosis::of(Stage::Unfinished, "too-few-changes", points::too_few_changes)
        .explains(&[NO_SNAPSHOT, DATA_LOST])
        .because("the save point `{}` needs {} changes, and the server counted {}"),
    Diagnosis::of(Stage::Unfinished, "saved-over-the-good-one", saved::saved_over_the_good_one)
        .explains(&[DATA_LOST])
        .because("{} came after {}: it wrote what was left by then over the good `dump.rdb`"),
    Diagnosis::of(Stage::Unfinished, "stop-ended-the-save", copied::stopped_while_saving)
        .explains(&[COPY_WRONG])
        .because(
            "the server was stopped while BGSAVE was still writing: that broke off the save, \
             and `dump.rdb` stayed as it was",
        ),
    Diagnosis::of(Stage::Unfinished, "copied-before-the-save-ended", copied::before_the_save_ended)
        .explains(&[COPY_WRONG])
        .because(
            "the copy was made before the save of BGSAVE had ended: `dump.rdb` is replaced only at \
             its end",
        ),
    Diagnosis::of(Stage::Unfinished, "written-after-the-snapshot", saved::written_after)
        .explains(&[DATA_LOST, COPY_WRONG])
        .because(
            "{} {} {}: a snapshot holds what was there when it began, and nothing later",
        ),
    Diagnosis::of(Stage::Blocked, "save-blocks-everyone", waiting::save_is_used)
        .explains(&[USED_SAVE])
        .because(
            "SAVE makes every client wait until the file is written{}: BGSAVE leaves that to a \
             child",
        ),
    Diagnosis::of(Stage::Blocked, "save-blocks-everyone", waiting::save_blocks)
        .explains(&[BLOCKED])
        .because(
            "SAVE made every client wait until the file was written, another client for {}: BGSAVE \
             leaves that to a child",
        ),
    Diagnosis::of(Stage::NeverAsked, "appendonly-taken-for-a-snapshot", saved::aof_instead)
        .explains(&[NO_SAVE, NO_BGSAVE, NO_SNAPSHOT, DATA_LOST])
        .because(
            "`{}` writes the append-only file, which is not the snapshot `dump.rdb`",
        ),
    Diagnosis::of(Stage::NeverAsked, "read-instead-of-saved", saved::read_instead)
        .explains(&[NO_SAVE, NO_BGSAVE, NO_SNAPSHOT, DATA_LOST])
        .because(
            "{} only tells about the last snapshot: neither SAVE nor BGSAVE was sent",
        ),
    Diagnosis::of(Stage::NeverAsked, "saved-by-a-save-point", saved::saved_by_a_save_point)
        .explains(&[NO_SAVE, NO_BGSAVE, NO_SNAPSHOT])
        .because(
            "the save point that CONFIG SET made let Redis save by itself: neither SAVE nor BGSAVE \
             was sent",
        ),
    Diagnosis::of(Stage::NeverAsked, "save-points-taken-away", saved::points_taken_away)
        .explains(&[NO_SNAPSHOT, DATA_LOST])
        .because(
            "CONFIG SET took the save points away, and neither SAVE nor BGSAVE was sent: nothing \
             saves any more",
        ),
    Diagnosis::of(Stage::NeverAsked, "nobody-asked-for-a-snapshot", saved::nobody_asked)
        .explains(&[NO_SAVE, NO_BGSAVE, NO_SNAPSHOT, DATA_LOST])
        .because("neither SAVE nor BGSAVE was sent: nobody asked for a snapshot"),
    Diagnosis::of(Stage::NeverAsked, "save-never-sent", saved::never_sent_save)
        .explains(&[NO_SAVE])
        .because("SAVE was never sent, and no other command does the same"),
    Diagnosis::of(Stage::NeverAsked, "bgsave-never-sent", saved::never_sent_bgsave)
        .explains(&[NO_BGSAVE])
        .because("BGSAVE was never sent, and no other command does the same"),
    Diagnosis::of(Stage::Replaced, "saved-over-the-file-in-its-place", placed::saved_over)
        .explains(&[DATA_WRONG])
        .because(
            "SAVE wrote what the server held over the file that was copied to `dump.rdb`: copy it \
             while the server is stopped",
        ),
    Diagnosis::of(Stage::Replaced, "file-was-never-read", placed::never_read)
        .explains(&[DATA_WRONG])
        .because(
            "`dump.rdb` was replaced while the server was running: it reads the file only when it \
             starts, and it was not started again",
        ),
    Diagnosis::of(Stage::Replaced, "file-under-another-name", placed::under_another_name)
        .explains(&[DATA_WRONG])
        .because("no file was copied to `dump.rdb`, the only snapshot that a start reads"),
    Diagnosis::of(Stage::Replaced, "another-save-came-after", saved::overwritten)
        .explains(&[DATA_LOST])
        .because(
            "another save came after: the file is the picture of the moment of that {}, and not of \
             the earlier one",
        ),
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

pub(super) fn lastsave(exchange: &Exchange) -> Option<i64> {
    match exchange.reply.as_ref()?.value {
        Value::Int(time) if exchange.name() == "LASTSAVE" => Some(time),
        _ => None,
    }
}

fn slow_down_changed(facts: &Facts<'_>) -> Option<Cause> {
    let wanted = slow_down::wanted(facts.exercise);
    let mut set = facts.evidence.timeline.values_set(slow_down::SETTING);
    let (index, _) = set.find(|(_, value)| Some(value.as_str()) != wanted)?;
    facts.is_invalid_saying(&[slow_down::SETTING]).then(|| seen_at(index))
}
