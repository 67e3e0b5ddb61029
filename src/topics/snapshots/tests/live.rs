use super::scene::SAVED;
use crate::attempt::LiveLook;
use crate::verdict::tests::{after_a_command, evidence, exercise};
use crate::verdict::{Tick, judge_live};

#[test]
fn while_a_save_runs_nothing_is_passed() {
    let evidence = after_a_command(evidence(101, "rdb_bgsave_in_progress:1\n"));
    let verdict = judge_live(&exercise(SAVED), &LiveLook { evidence, is_sure: true });
    assert_eq!((verdict.ticks, verdict.passed), (vec![Tick::Met], false));
}

#[test]
fn a_snapshot_that_must_not_be_taken_spoils_its_check_once_taken() {
    let unchanged = exercise(&SAVED.replace("advanced", "unchanged"));
    let evidence = after_a_command(evidence(101, "cmdstat_save:calls=1,failed_calls=0\n"));
    let verdict = judge_live(&unchanged, &LiveLook { evidence, is_sure: true });
    assert_eq!(verdict.ticks, [Tick::Spoilt]);
}
