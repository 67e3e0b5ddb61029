use crate::verify::mutants::{assert_python_mutants, redis_mutants};

#[test]
fn a_command_is_left_out_and_a_save_is_the_other_one() {
    assert_eq!(
        redis_mutants("SAVE\n# and\nBGSAVE schedule\n"),
        [
            "without-line 1: BGSAVE schedule",
            "bgsave-for-save 1: BGSAVE; BGSAVE schedule",
            "without-line 3: SAVE",
            "save-for-bgsave 3: SAVE; SAVE",
        ]
    );
}

#[test]
fn waiting_is_left_out() {
    assert_eq!(
        redis_mutants("BGSAVE\n@wait-bgsave # it takes long\n"),
        [
            "without-line 1: @wait-bgsave",
            "save-for-bgsave 1: SAVE; @wait-bgsave",
            "without-waiting 2: BGSAVE",
        ]
    );
}

#[test]
fn a_statement_is_left_out_and_a_save_is_the_other_one() {
    assert_python_mutants(
        "client.save()\nclient.bgsave(schedule=True)\nprint('done')\n",
        &[
            "without-line 3:",
            "bgsave-for-save 3: client.bgsave()",
            "without-line 4:",
            "save-for-bgsave 4:",
            "without-line 5:",
        ],
    );
    assert_python_mutants(
        "client.execute_command('BGSAVE', 'SCHEDULE')\n",
        &["without-line 3:", "save-for-bgsave 3: client.execute_command(\"SAVE\")"],
    );
}

#[test]
fn a_loop_that_waits_for_a_save_is_left_out_as_a_whole() {
    assert_python_mutants(
        "while client.info('persistence')['rdb_bgsave_in_progress']:\n    print('.')\n    \
         time.sleep(1)\n",
        &["without-waiting 3:"],
    );
    assert_python_mutants(
        "for _ in range(9):\n    if client.lastsave() != 1:\n        break\n",
        &["without-waiting 3:"],
    );
}
