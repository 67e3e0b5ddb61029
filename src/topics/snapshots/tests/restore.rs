use redis::Value;

use crate::attempt::evidence::{
    Evidence, FileContents, LoadFailure, Look, Observation, ProgramEnd,
};
use crate::checks::exists;
use crate::lesson::Moment;
use crate::lesson::check::ENDS_WELL;
use crate::redis_cli::reply::Printed;
use crate::verdict::tests::{evidence, exercise, observation, program, unmet};
use crate::verdict::{Outcome, judge};

const DUMP: &str = "[[check]]\nid = \"held\"\ndump = { keys = [\"a\", \"b\"] }\n";
const REPLY: &str =
    "[[check]]\nid = \"paid\"\nat = \"restore\"\nreply = { \"GET a\" = \"paid\" }\n";

/// A snapshot with these keys. The check asks for `a` and `b`, and `a` is `paid`.
fn loaded(keys: &[&str]) -> Observation {
    let keys: Vec<String> = keys.iter().map(|&key| key.to_owned()).collect();
    let mut observation = observation(0, "db0:keys=1,expires=0,avg_ttl=0\n");
    let paid = Printed { terminal: "\"paid\"".to_owned(), bare: Some("paid".to_owned()) };
    observation.replies.insert("GET a".to_owned(), paid);
    for key in ["a", "b"] {
        let is_there = keys.iter().any(|own| own == key);
        observation.replies.insert(exists(key), integer(is_there.into()));
    }
    let count = i64::try_from(keys.len()).unwrap();
    observation.file = Some(FileContents { keys, count, ..FileContents::default() });
    observation
}

fn integer(number: i64) -> Printed {
    Printed::new(&Value::Int(number))
}

fn found(checks: &str, restored: Look) -> (bool, String) {
    let evidence = evidence(100, "").seeing(Moment::Restore, restored);
    let verdict = judge(&exercise(checks), &evidence);
    (verdict.passed(), verdict.findings[0].found.clone())
}

fn timed_out() -> Evidence {
    Evidence { run: program(ProgramEnd::TimedOut, ""), ..evidence(100, "") }
}

#[test]
fn a_snapshot_holds_all_of_the_keys() {
    assert_eq!(
        found(DUMP, Ok(loaded(&["a", "b", "c"]))),
        (true, "in the snapshot file: a, b".to_owned())
    );
}

#[test]
fn a_snapshot_without_one_of_the_keys_shows_those_it_holds() {
    assert_eq!(
        found(DUMP, Ok(loaded(&["a", "c"]))),
        (false, "no b in it: it holds a, c".to_owned())
    );
    assert_eq!(
        found(DUMP, Ok(loaded(&[]))),
        (false, "no a, no b in it: database 0 has no key".to_owned())
    );
}

#[test]
fn of_many_keys_a_few_are_shown() {
    let mut observation = observation(0, "");
    observation.replies = [(exists("a"), integer(1)), (exists("b"), integer(0))].into();
    let keys = ["c", "d", "e", "f", "g", "h"].map(str::to_owned).into();
    observation.file = Some(FileContents { keys, count: 1000, ..FileContents::default() });
    assert_eq!(
        found(DUMP, Ok(observation)),
        (false, "no b in it: it holds c, d, e, f, g and 995 more".to_owned())
    );
}

#[test]
fn without_a_file_there_was_no_snapshot() {
    for checks in [DUMP, REPLY] {
        let text = "there is no `dump.rdb` in the server's directory: no snapshot was finished";
        assert_eq!(found(checks, Err(LoadFailure::NoFile)), (false, text.to_owned()));
    }
}

#[test]
fn a_snapshot_that_was_finished_may_have_gone_to_another_file() {
    let evidence = evidence(101, "").seeing(Moment::Restore, Err(LoadFailure::NoFile));
    for checks in [DUMP, REPLY] {
        let found = judge(&exercise(checks), &evidence).findings[0].found.clone();
        assert_eq!(found, "there is no `dump.rdb` in the server's directory");
    }
}

#[test]
fn a_file_that_cannot_be_loaded_is_shown_with_the_log() {
    let log = "Wrong signature trying to load DB from file\n".to_owned();
    let text = "no server starts with this dump.rdb: `Wrong signature trying to load DB from file`";
    assert_eq!(found(DUMP, Err(LoadFailure::Unloadable(log))), (false, text.to_owned()));
}

#[test]
fn what_the_killed_server_cannot_load_is_no_good_file() {
    let refused = Err(LoadFailure::Unloadable("Is a directory".to_owned()));
    let evidence = evidence(100, "").seeing(Moment::Crash, refused);
    let found = judge(&exercise(DUMP), &evidence).findings[0].found.clone();
    assert_eq!(found, "no server starts with this dump.rdb: `Is a directory`");
}

#[test]
fn a_reply_at_restore_comes_from_the_second_server() {
    assert_eq!(found(REPLY, Ok(loaded(&["a"]))), (true, "GET a → \"paid\"".to_owned()));
    let other = REPLY.replace("paid\" }", "shipped\" }");
    assert!(!found(&other, Ok(loaded(&["a"]))).0);
}

#[test]
fn a_field_at_restore_comes_from_the_second_server() {
    let info = "[[check]]\nid = \"one\"\nat = \"restore\"\n\
                info = { db0 = \"keys=1,expires=0,avg_ttl=0\" }\n";
    assert!(found(info, Ok(loaded(&["a"]))).0);
}

#[test]
fn a_snapshot_that_was_not_looked_at_meets_nothing() {
    assert_eq!(unmet(DUMP, &evidence(100, "")), ["held"]);
    assert_eq!(unmet(REPLY, &evidence(100, "")), ["paid"]);
}

#[test]
fn after_a_time_out_the_crash_and_the_snapshot_are_not_reached() {
    let crash = REPLY.replace("restore", "crash");
    for checks in [DUMP, REPLY, &crash] {
        let verdict = judge(&exercise(checks), &timed_out());
        assert_eq!(verdict.unmet(), [ENDS_WELL], "{checks}");
        assert_eq!(verdict.findings[1].outcome, Outcome::NotReached, "{checks}");
    }
}

#[test]
fn what_was_seen_in_spite_of_a_time_out_is_judged() {
    let evidence = timed_out().seeing(Moment::Restore, Ok(loaded(&["a"])));
    assert_eq!(unmet(DUMP, &evidence), [ENDS_WELL, "held"]);
}

#[test]
fn what_the_snapshot_itself_proves_needs_no_look_at_a_busy_server() {
    let checks = "crash = \"exit\"\n\
                  [[check]]\nid = \"new\"\nlastsave = \"advanced\"\n\
                  [[check]]\nid = \"held\"\nneeds = \"new\"\ndump = { keys = [\"a\"] }\n";
    let judged = |keys: &[&str]| {
        let evidence = evidence(101, "").without(&[Moment::Exit]);
        unmet(checks, &evidence.seeing(Moment::Restore, Ok(loaded(keys))))
    };
    assert!(judged(&["a"]).is_empty());
    assert_eq!(judged(&["b"]), ["held"]);
}
