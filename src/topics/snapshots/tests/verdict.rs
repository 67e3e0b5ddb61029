use super::scene::{KILLED, QUIET, SAVED, STATUS};
use crate::lesson::Moment;
use crate::verdict::tests::{evidence, unmet};

/// A line of the server's log.
const SUCCEEDED: &str = "Background saving terminated with success";

#[test]
fn lastsave_that_moved_has_advanced() {
    assert!(unmet(SAVED, &evidence(101, "")).is_empty());
    assert_eq!(unmet(SAVED, &evidence(100, "")), ["c"]);
}

#[test]
fn a_clock_that_was_set_back_hides_no_save() {
    assert!(unmet(SAVED, &evidence(99, "")).is_empty());
}

#[test]
fn a_status_of_ok_is_not_believed_when_the_log_says_killed() {
    let mut evidence = evidence(100, "rdb_last_bgsave_status:ok\n");
    assert!(unmet(STATUS, &evidence).is_empty());
    evidence.at_mut(Moment::Settled).log = Some([SUCCEEDED, KILLED].join("\n"));
    assert_eq!(unmet(STATUS, &evidence), ["c"]);
}

#[test]
fn a_log_with_more_ends_than_forks_is_not_believed() {
    let mut evidence = evidence(100, "rdb_last_bgsave_status:ok\ntotal_forks:1\n");
    evidence.at_mut(Moment::Settled).log = Some([KILLED, SUCCEEDED].join("\n"));
    assert_eq!(unmet(STATUS, &evidence), ["c"]);
}

#[test]
fn a_scheduled_background_save_is_in_progress() {
    let scheduled = "rdb_bgsave_in_progress:0\ntotal_forks:0\ncmdstat_bgsave:calls=1\n";
    assert_eq!(unmet(QUIET, &evidence(100, scheduled)), ["c"]);
    let finished = "rdb_bgsave_in_progress:0\ntotal_forks:1\ncmdstat_bgsave:calls=1\n";
    assert!(unmet(QUIET, &evidence(101, finished)).is_empty());
}

#[test]
fn a_save_before_does_not_hide_a_scheduled_background_save() {
    let scheduled = "rdb_bgsave_in_progress:0\ntotal_forks:0\ncmdstat_bgsave:calls=1\n";
    assert_eq!(unmet(QUIET, &evidence(101, scheduled)), ["c"]);
}

#[test]
fn an_aof_rewrite_is_not_taken_for_the_scheduled_background_save() {
    let rewriting =
        "rdb_bgsave_in_progress:0\ntotal_forks:1\naof_rewrites:1\ncmdstat_bgsave:calls=1\n";
    assert_eq!(unmet(QUIET, &evidence(100, rewriting)), ["c"]);
}

#[test]
fn a_finished_save_that_did_not_fork_is_not_taken_for_a_scheduled_one() {
    let checks = "[[check]]\nid = \"quiet\"\ninfo = { rdb_bgsave_in_progress = 0 }\n";
    let forkless = "rdb_bgsave_in_progress:0\ntotal_forks:0\n\
                    rdb_last_bgsave_type:forkless\ncmdstat_bgsave:calls=1\n";
    assert!(unmet(checks, &evidence(101, forkless)).is_empty());
}
