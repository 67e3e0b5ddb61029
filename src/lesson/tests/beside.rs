//! `[[meanwhile]]` with triggers and steps, and the moments `always` and `31m later`.

use std::time::Duration;

use super::checks::exercise;
use super::{assert_says, told, with_subject};
use crate::lesson::check::time_words;
use crate::lesson::meanwhile::{DiskChange, Kill, Steps};
use crate::lesson::{Moment, Trigger};

fn with_meanwhile(meanwhile: &str) -> String {
    with_subject(&format!("exit = 0\n\n[[meanwhile]]\n{meanwhile}"))
}

#[test]
fn the_steps_of_a_meanwhile_are_read_in_any_order() {
    let source = with_meanwhile(
        "kill = \"answer\"\nrun = [\"SET a 1\", \"GET a\"]\nlater = \"31s\"\nnth = 2\nwhen = \
         \"GET lock\"",
    );
    let meanwhile = exercise(&source).meanwhile.remove(0);
    let steps = Steps {
        later: Some(Duration::from_secs(31)),
        disk: None,
        run: vec!["SET a 1".to_owned(), "GET a".to_owned()],
        kill: Some(Kill::Answer),
    };
    assert_eq!(meanwhile.steps, steps);
    assert!(matches!(meanwhile.when, Trigger::Command { line, nth: 2, .. } if line == "GET lock"));
}

#[test]
fn the_disk_changes_at_a_moment() {
    let steps = |lines| exercise(&with_meanwhile(lines)).meanwhile.remove(0).steps;
    assert_eq!(steps("when = \"SAVE\"\ndisk = \"refuses\"").disk, Some(DiskChange::Refuses));
    assert_eq!(steps("when = \"SAVE\"\ndisk = \"works\"").disk, Some(DiskChange::Works));
    assert_says(
        &with_meanwhile("disk = \"refuses\""),
        "before the answer, the setup does that (write `@disk refuses` into the setup",
    );
    let slip = with_meanwhile("when = \"SAVE\"\ndisk = \"refuse\"");
    assert_says(&slip, "unknown disk `refuse` (did you mean `refuses`?)");
}

#[test]
fn a_meanwhile_without_when_waits_for_the_start() {
    let meanwhile = exercise(&with_meanwhile("run = \"SET a 1\"")).meanwhile.remove(0);
    assert!(matches!(meanwhile.when, Trigger::Start) && meanwhile.id.is_none());
}

#[test]
fn a_condition_is_one_subject_about_the_server() {
    let of = |when: &str| with_meanwhile(&format!("when = {when}\nrun = \"PING\""));
    let exercise = exercise(&of("{ reply = { \"EXISTS a\" = \"(integer) 1\" } }"));
    assert!(exercise.must_come_to_that());
    let never = "it was never true that `EXISTS a` answers (integer) 1";
    assert_eq!(exercise.meanwhile[0].never(), never);
    let message = "unknown key `replay` in a condition";
    assert_says(&of("{ replay = { \"EXISTS a\" = 1 } }"), message);
    let two = "{ reply = { \"EXISTS a\" = \"1\" }, info = { db0 = \"\" } }";
    assert_says(&of(two), "a condition has one subject");
    for subject in ["stdout = \"a\"", "calls = { set = 1 }", "sent = { order = [\"SET\"] }"] {
        assert_says(&of(&format!("{{ {subject} }}")), "cannot be a condition");
    }
    assert_says(&of("{ reply = { \"SET a 1\" = \"OK\" } }"), "it would change what is checked");
    assert_says(&of("3"), "`when` must be the beginning of a command line");
}

#[test]
fn a_moment_is_told_in_the_authors_words() {
    let when = "when = { reply = { \"EXISTS a\" = 1 } }\nrun = \"PING\"";
    let exercise = exercise(&with_meanwhile(&format!("{when}\nsays = \"the lock is taken\"")));
    let told = &exercise.meanwhile[0];
    assert_eq!(told.moment(), "a moment at which the lock is taken");
    assert_eq!(told.never(), "it was never true that the lock is taken");
}

#[test]
fn a_step_that_cannot_be_done_is_told() {
    let done = |step: &str| with_meanwhile(&format!("when = \"GET a\"\n{step}"));
    assert_says(&done("run = \"\""), "this is no command");
    assert_says(&done("run = [\"BLPOP a 0\"]"), "another client must not wait");
    assert_says(&done("run = [\"SUBSCRIBE a\"]"), "another client must not wait");
    assert_says(&done("run = [\"STE a 1\"]"), "this command is not known");
    assert_says(&done("run = [\"SET 'a\"]"), "redis-cli refuses this line");
    assert_says(&done("kill = \"servre\""), "unknown victim `servre`");
    assert_says(&done("later = \"soon\""), "`soon` is not a time that can pass");
    assert_says(&with_meanwhile("kill = \"answer\""), "nothing runs yet that could be killed");
    let mark = with_meanwhile("when = \"@toy-began\"\nnth = 2\nrun = \"PING\"");
    assert_says(&mark, "`nth` counts commands, and `when` names none");
}

#[test]
fn what_another_client_sends_is_not_counted() {
    let source = |step: &str| {
        with_subject(&format!("calls = {{ xadd = 1, pttl = 0 }}\n\n[[meanwhile]]\n{step}"))
    };
    let counted = |source: &str, name: &str| {
        let message = format!("{name} can't be counted");
        told(source).iter().any(|told| told.contains(&message))
    };
    let run = source("run = \"XADD s * a 1\"");
    assert!(counted(&run, "XADD") && !counted(&run, "PTTL"));
    assert!(counted(&source("later = \"31s\""), "PTTL"));
}

#[test]
fn whether_it_came_to_that_may_be_named_where_it_is_judged() {
    let named = |when: &str| {
        let source = with_meanwhile(&format!("when = {when}\nrun = \"PING\""));
        told(&source.replacen("fails=saved", "fails=it-came-to-that", 1))
    };
    let is_unknown = |told: Vec<String>| {
        told.iter().any(|problem| problem.contains("unknown check `it-came-to-that`"))
    };
    assert!(!is_unknown(named("{ reply = { \"EXISTS a\" = \"(integer) 1\" } }")));
    assert!(!is_unknown(named("\"@toy-began\"")));
    assert!(is_unknown(named("\"GET a\"")));
    let taken = with_subject("exit = 0").replacen("id = \"saved\"", "id = \"it-came-to-that\"", 1);
    assert_says(&taken, "`it-came-to-that` cannot be the id of a check");
}

#[test]
fn a_time_is_a_moment() {
    let at = |at: &str| with_subject(&format!("reply = {{ \"GET a\" = \"1\" }}\nat = \"{at}\""));
    let later = exercise(&at("31m later"));
    assert_eq!(later.checks[0].at, Moment::Later(Duration::from_secs(31 * 60)));
    assert_eq!(later.checks[0].sentence(), "`GET a` answers 1, 31m later");
    assert_eq!(exercise(&at("always")).checks[0].at, Moment::Always);
    assert_says(&at("soon later"), "`soon` is not a time");
    assert_says(&at("allways"), "did you mean `always`?");
    let killed = at("2h later").replacen("[[check]]", "crash = \"exit\"\n[[check]]", 1);
    assert_says(&killed, "time can't be moved on where the server starts again");
    let words = [1500, 90_000, 1_860_000, 7_200_000].map(Duration::from_millis).map(time_words);
    assert_eq!(words, ["1500ms", "90s", "31m", "2h"]);
}
