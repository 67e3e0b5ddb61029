//! What lessons say about snapshots: the subjects `lastsave` and `dump`, and the end of a
//! background save.

use crate::lesson::Moment;
use crate::lesson::tests::checks::{check, exercise};
use crate::lesson::tests::{assert_problem, assert_says, assert_told, told, with_subject};

#[test]
fn lastsave_advances_or_not() {
    assert_problem(
        &with_subject("lastsave = \"advancd\""),
        "14:12: `lastsave` cannot be `advancd` (did you mean `advanced`?)",
    );
    assert_told(
        &with_subject("lastsave = 1"),
        "14:12: `lastsave` must be a string, not an integer",
    );
}

#[test]
fn a_slip_in_lastsave_gets_a_suggestion() {
    assert_problem(
        &with_subject("lastsav = \"advanced\""),
        "14:1: unknown check subject `lastsav` (did you mean `lastsave`?)",
    );
}

#[test]
fn lastsave_is_not_compared_with_that_of_another_server() {
    for (at, message) in [
        ("crash", "the crash restarts the server"),
        ("restore", "a second server loads the snapshot: its counters and LASTSAVE"),
    ] {
        for subject in ["lastsave = \"advanced\"", "info = { rdb_saves = \"+1\" }"] {
            let source = with_subject(&format!("{subject}\nat = \"{at}\""));
            assert_told(&source, &format!("15:6: {message}"));
        }
    }
}

#[test]
fn a_dump_is_asked_for_keys() {
    let check = check("dump = { keys = [\"order:1001\", \"a b\"] }");
    assert_eq!(check.subject.expected_keys(), ["order:1001", "a b"]);
    assert_problem(&with_subject("dump = {}"), "14:8: `dump` is empty");
    assert_problem(&with_subject("dump = { keys = [] }"), "14:17: `keys` is empty");
    assert_problem(&with_subject("dump = { keys = [\"\"] }"), "14:18: a key without a name");
    assert_told(&with_subject("dump = { keys = \"a\" }"), "14:17: `keys` must be an array");
    assert_problem(
        &with_subject("dump = { kyes = [\"a\"] }"),
        "14:10: unknown key `kyes` in `dump` (did you mean `keys`?)",
    );
}

#[test]
fn a_snapshot_may_be_compared_with_all_that_was_there_before() {
    let check = check("dump = { holds = \"before\", keys = [\"a\"] }");
    assert!(check.subject.compares_with_all_keys());
    assert_eq!(check.subject.expected_keys(), ["a"]);
    assert_says(&with_subject("dump = { holds = \"befor\" }"), "`holds` cannot be `befor`");
}

#[test]
fn a_dump_is_looked_at_when_it_is_restored() {
    assert_eq!(check("dump = { keys = [\"a\"] }").at, Moment::Restore);
    assert_eq!(check("dump = { keys = [\"a\"] }\nat = \"restore\"").at, Moment::Restore);
    for at in ["exit", "settled", "crash"] {
        assert_problem(
            &with_subject(&format!("dump = {{ keys = [\"a\"] }}\nat = \"{at}\"")),
            &format!("15:6: a snapshot file alone has no `{at}`, only `restore` (remove `at`)"),
        );
    }
}

#[test]
fn a_check_on_a_dump_needs_it_and_no_look_at_exit() {
    let exercise = exercise(&with_subject("dump = { keys = [\"a\"] }"));
    assert!(exercise.needs_the_dump());
    assert!(!exercise.looks_at_exit());
}

#[test]
fn a_dump_has_a_sentence_of_its_own() {
    let sentence = check("dump = { keys = [\"a\", \"b\"] }").sentence();
    assert_eq!(sentence, "the snapshot file alone holds a, b");
}

#[test]
fn a_line_waits_for_the_end_of_a_background_save() {
    assert!(told("```redis\nBGSAVE\n@wait-bgsave\n```\n").is_empty());
    assert_problem(
        "```redis\n@wait-bgsav\n```\n",
        "warning: 2:1: unknown line `@wait-bgsav`: the block is not run (did you mean `@wait-bgsave`?)",
    );
}

const SAVED: &str = "[[meanwhile]]\nid = \"saved\"\nwhen = \"@bgsave-ended\"\n";

#[test]
fn a_check_may_look_at_the_server_when_a_save_has_ended() {
    let check = check(&format!("reply = {{ \"GET a\" = \"1\" }}\nat = \"saved\"\n\n{SAVED}"));
    assert_eq!(check.at, Moment::Meanwhile(0));
    assert_eq!(check.sentence(), "`GET a` answers 1, while the answer runs");
}

#[test]
fn a_slip_in_the_end_of_a_save_gets_a_suggestion() {
    let source = with_subject(&format!("exit = 0\n\n{SAVED}")).replace("-ended", "-end");
    assert_says(&source, "unknown trigger `@bgsave-end` (did you mean `@bgsave-ended`?)");
}

#[test]
fn lastsave_is_not_checked_while_the_answer_runs() {
    assert_says(
        &with_subject(&format!("lastsave = \"advanced\"\nat = \"saved\"\n\n{SAVED}")),
        "while an answer runs, only a `reply` can be checked",
    );
}

fn depends_on_time(subject: &str) -> bool {
    exercise(&with_subject(subject)).depends_on_time()
}

#[test]
fn what_saves_leave_behind_does_not_depend_on_time_once_all_has_settled() {
    for subject in [
        "calls = { save = 1 }",
        "calls = { bgsave = 1 }",
        "lastsave = \"advanced\"",
        "info = { rdb_bgsave_in_progress = 0 }",
    ] {
        assert!(!depends_on_time(subject), "{subject}");
        assert!(depends_on_time(&format!("{subject}\nat = \"exit\"")), "{subject}");
    }
    let at_the_end = format!("reply = {{ \"GET a\" = \"1\" }}\nat = \"saved\"\n\n{SAVED}");
    assert!(depends_on_time(&at_the_end));
    assert!(depends_on_time("calls = { lastsave = \"< 9\" }"), "programs poll it");
}

#[test]
fn calls_of_both_kinds_of_saves_are_added_up() {
    let sentence = check("calls = { \"save+bgsave\" = \">= 1\" }").sentence();
    assert_eq!(sentence, "successful calls of SAVE or BGSAVE: at least 1");
}
