//! Snapshots: LASTSAVE, SAVE, BGSAVE and the file `dump.rdb`.

mod background;
mod changes;
mod diagnoses;
mod disturbed;
mod dump;
mod lastsave;
mod own_saves;
mod save_points;
mod saves;
mod slow_down;
mod symptoms;

#[cfg(test)]
pub mod tests;

use super::Topic;

pub const TOPIC: Topic = Topic {
    checks: &[&lastsave::KIND, &dump::KIND],
    background: &[background::SAVE],
    timeless_fields: &[
        "rdb_bgsave_in_progress",
        "rdb_last_bgsave_status",
        "rdb_changes_since_last_save",
    ],
    fields_that_come_and_go: &[],
    write_status_fields: &["rdb_last_bgsave_status"],
    shown_fields: &["rdb_bgsave_in_progress", "rdb_last_bgsave_status"],
    durable_commands: &["SAVE", "BGSAVE"],
    known_blockers: &["SAVE"],
    status_commands: &["LASTSAVE"],
    swaps: &[("SAVE", "BGSAVE"), ("BGSAVE", "SAVE")],
    needs_ready: lastsave::may_be_read,
    get_ready: lastsave::wait_until_it_can_move,
    refuse_setting: save_points::refuse_setting,
    needs_new_server: save_points::needs_new_server,
    ensure_still_new: save_points::ensure_still_new,
    advice: save_points::advice,
    protected_setting: slow_down::protected_setting,
    only_slows: slow_down::only_slows,
    why_invalid: slow_down::why_invalid,
    ensure_undisturbed: disturbed::ensure_no_save_was_held_up,
    ensure_quick_enough: disturbed::ensure_no_save_took_too_long,
    ensure_visible: disturbed::ensure_log_is_complete,
    acted_by_itself: background::saved_by_itself,
    why_not_restored: |evidence| Some(dump::why_not_loaded(evidence)),
    what_info_misses: background::what_info_misses,
    changes: changes::changes,
    work: saves::saves,
    log_row: changes::log_row,
    symptoms: symptoms::of,
    misses: diagnoses::misses,
    last_write_of_file: diagnoses::last_snapshot,
    diagnoses: diagnoses::TABLE,
};
