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
