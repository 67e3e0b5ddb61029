mod live;
mod messages;
mod sent;
mod waits;

use std::path::Path;
use std::time::Duration;

use super::*;
use crate::attempt::evidence::{
    Evidence, Observation, Output, ProgramEnd, ProgramRun, Run, Stopped, Typed,
};
use crate::lesson::check::{ENDS_WELL, EVIDENCE_IS_VALID};
use crate::lesson::{Exercise, Moment};
use crate::redis_cli::reply::Printed;
use crate::relay::{CommandOutcome, Exchange};
use crate::server::ServerInfo;

/// Parses an exercise with these checks.
pub fn exercise(checks: &str) -> Exercise {
    let source = format!(
        "# L\n\n## E\n\n```toml exercise\nid = \"e\"\n{checks}\n```\n\n> [!TIP]\n> look\n\n\
         ```redis solution\nPING\n```\n"
    );
    let (lesson, problems) = crate::lesson::parse::parse(Path::new("l.md"), source);
    let step = lesson.unwrap_or_else(|| panic!("{problems:?}")).steps.pop();
    step.and_then(|step| step.exercise).unwrap()
}

pub fn observation(saved_at: i64, info: &str) -> Observation {
    Observation::of(ServerInfo::of(saved_at, info))
}

/// Evidence of a `redis` answer on a server that says `info` at every moment; LASTSAVE moves from
/// 100.
pub fn evidence(saved_at: i64, info: &str) -> Evidence {
    Evidence::new(ServerInfo::of(100, "total_forks:0\n"))
        .seeing(Moment::Exit, Ok(observation(saved_at, info)))
        .seeing(Moment::Settled, Ok(observation(saved_at, info)))
}

/// Evidence in which a client has sent something.
pub fn after_a_command(mut evidence: Evidence) -> Evidence {
    evidence.timeline.exchanges.push(Exchange {
        at: Duration::ZERO,
        connection: 1,
        words: vec![b"PING".to_vec()],
        reply: None,
        outcome: CommandOutcome::Done,
    });
    evidence
}

pub fn program(end: ProgramEnd, stdout: &str) -> Run {
    let stdout = Output { text: stdout.to_owned(), omitted: 0 };
    let stderr = Output { text: "Traceback\nValueError: no\n".to_owned(), omitted: 0 };
    Run::Program(ProgramRun { end, stdout, stderr })
}

pub fn unmet(checks: &str, evidence: &Evidence) -> Vec<String> {
    judge(&exercise(checks), evidence).unmet().into_iter().map(str::to_owned).collect()
}

const STORED: &str = "[[check]]\nid = \"stored\"\ncalls = { set = 1 }\n";
/// INFO after a SET: it meets [`STORED`].
const SET: &str = "cmdstat_set:calls=1\n";
const STDOUT: &str = "[[check]]\nid = \"says\"\nstdout = \"Done.\"\n";

#[test]
fn calls_that_may_be_the_checkers_own_decide_nothing() {
    let calls = "[[check]]\nid = \"asked\"\ncalls = { get = \">= 1\" }\n";
    let info = "cmdstat_get:calls=1,failed_calls=0\n";
    let outcome = |unsure: u64| {
        let mut evidence = evidence(100, info);
        for now in evidence.looks.values_mut().flatten() {
            now.info = now.info.clone().with_unsure_calls("get", unsure);
        }
        judge(&exercise(calls), &evidence).findings[0].outcome
    };
    assert_eq!(outcome(0), Outcome::Met);
    assert_eq!(outcome(1), Outcome::NotReached);
}

#[test]
fn refused_calls_do_not_count() {
    let checks = "[[check]]\nid = \"saved\"\ncalls = { save = 1 }\n";
    assert_eq!(unmet(checks, &evidence(100, "cmdstat_save:calls=1,failed_calls=1\n")), ["saved"]);
    assert!(unmet(checks, &evidence(100, "cmdstat_save:calls=2,failed_calls=1\n")).is_empty());
}

#[test]
fn calls_are_compared_with_before() {
    let checks = "[[check]]\nid = \"saved\"\ncalls = { save = 0 }\n";
    let mut evidence = evidence(100, "cmdstat_save:calls=1\n");
    evidence.before = ServerInfo::of(100, "cmdstat_save:calls=1\n");
    assert!(unmet(checks, &evidence).is_empty());
}

#[test]
fn a_field_is_compared_as_text_as_number_and_with_before() {
    let checks = |expected: &str| {
        format!("[[check]]\nid = \"info\"\ninfo = {{ total_forks = {expected} }}\n")
    };
    let evidence = evidence(100, "total_forks:2\n");
    for met in ["2", "\"2\"", "\">= 2\"", "\"< 3\"", "\"+2\""] {
        assert!(unmet(&checks(met), &evidence).is_empty(), "{met}");
    }
    for not in ["1", "\"> 2\"", "\"+1\"", "\"two\""] {
        assert_eq!(unmet(&checks(not), &evidence), ["info"], "{not}");
    }
}

#[test]
fn replies_of_a_check_are_all_looked_at() {
    let checks = "[[check]]\nid = \"both\"\nreply = { \"GET a\" = \"1\", \"GET b\" = \"2\" }\n";
    let mut evidence = evidence(100, "");
    let replies = &mut evidence.at_mut(Moment::Settled).replies;
    let printed =
        |text: &str| Printed { terminal: format!("\"{text}\""), bare: Some(text.to_owned()) };
    replies.insert("GET a".to_owned(), printed("1"));
    replies.insert("GET b".to_owned(), printed("3"));
    let verdict = judge(&exercise(checks), &evidence);
    assert_eq!(verdict.findings[0].found, "GET b → \"3\"");
    assert_eq!(verdict.unmet(), ["both"]);
}

#[test]
fn what_needs_an_unmet_check_is_not_reached() {
    let checks = format!(
        "{STORED}\
         [[check]]\nid = \"then\"\nneeds = \"stored\"\ncalls = {{ save = 1 }}\n\
         [[check]]\nid = \"last\"\nneeds = \"then\"\ncalls = {{ save = 0 }}\n"
    );
    let verdict = judge(&exercise(&checks), &evidence(100, ""));
    let outcomes: Vec<Outcome> = verdict.findings.iter().map(|finding| finding.outcome).collect();
    assert_eq!(outcomes, [Outcome::Unmet, Outcome::NotReached, Outcome::NotReached]);
}

#[test]
fn a_printed_line_is_not_asked_of_commands() {
    assert!(judge(&exercise(STDOUT), &evidence(100, "")).findings.is_empty());
}

#[test]
fn what_needs_a_check_that_is_not_asked_is_reached() {
    let needs = STORED.replace("calls", "needs = \"says\"\ncalls");
    assert!(judge(&exercise(&format!("{STDOUT}{needs}")), &evidence(100, SET)).passed());
}

#[test]
fn a_printed_line_is_compared_without_the_space_around_it() {
    let judged = |stdout: &str| {
        let run = program(ProgramEnd::Exited(0), stdout);
        unmet(STDOUT, &Evidence { run, ..evidence(100, "") })
    };
    for good in [
        "Done.\n",
        "Done.",
        "before\n  Done. \r\nafter\n",
        "....Done.\n",
        "50 %\r\u{1b}[32mDone.\u{1b}[0m\n",
    ] {
        assert!(judged(good).is_empty(), "{good:?}");
    }
    for bad in ["", "done.\n", "Done", "Done. Not!\n", "All Done.\n"] {
        assert_eq!(judged(bad), ["says"], "{bad:?}");
    }
}

#[test]
fn a_program_that_failed_does_not_pass() {
    for end in [ProgramEnd::Exited(1), ProgramEnd::Signalled(11), ProgramEnd::TimedOut] {
        let run = program(end, "Done.\n");
        assert_eq!(unmet(STDOUT, &Evidence { run, ..evidence(100, "") }), [ENDS_WELL], "{end:?}");
    }
}

#[test]
fn an_exercise_that_looks_at_the_exit_status_decides_itself() {
    let checks = "[[check]]\nid = \"status\"\nexit = 3\n";
    let judged = |end| unmet(checks, &Evidence { run: program(end, ""), ..evidence(100, "") });
    assert!(judged(ProgramEnd::Exited(3)).is_empty());
    assert_eq!(judged(ProgramEnd::Exited(0)), ["status"]);
    assert_eq!(judged(ProgramEnd::TimedOut), [ENDS_WELL, "status"]);
}

#[test]
fn commands_that_ran_out_of_time_do_not_pass() {
    let run = Run::Typed(Typed { stopped: Some(Stopped::OutOfTime), ..Typed::default() });
    assert_eq!(unmet(STORED, &Evidence { run, ..evidence(100, SET) }), [ENDS_WELL]);
}

#[test]
fn invalid_evidence_decides_nothing_else() {
    let invalid = Evidence { invalid: Some("the server is gone".to_owned()), ..evidence(100, SET) };
    let verdict = judge(&exercise(STORED), &invalid);
    assert_eq!(verdict.unmet(), [EVIDENCE_IS_VALID]);
    assert_eq!(verdict.findings[1].outcome, Outcome::NotReached);
}

#[test]
fn a_server_too_busy_to_be_looked_at_before_its_crash_meets_nothing() {
    let checks = format!("crash = \"exit\"\n{STORED}");
    let busy = evidence(100, SET).without(&[Moment::Exit]);
    let verdict = judge(&exercise(&checks), &busy);
    assert_eq!(verdict.unmet(), ["stored"]);
    assert!(verdict.findings[0].found.contains("busy"));
}

#[test]
fn what_the_crash_itself_proves_needs_no_look_at_a_busy_server() {
    let checks = format!(
        "crash = \"exit\"\n{STORED}\
         [[check]]\nid = \"there\"\nat = \"crash\"\nneeds = \"stored\"\n\
         reply = {{ \"GET a\" = \"1\" }}\n"
    );
    let judged = |stored: &str, last: &str| {
        let mut after = observation(0, "");
        let printed = Printed { terminal: format!("\"{stored}\""), bare: Some(stored.to_owned()) };
        after.replies.insert("GET a".to_owned(), printed);
        let timeline = sent::done(&["SET a 1", "SAVE", last]);
        let unseen =
            timeline.without(&[Moment::Exit, Moment::Settled]).seeing(Moment::Crash, Ok(after));
        judge(&exercise(&checks), &unseen)
    };
    assert!(judged("1", "CLIENT PAUSE 9").passed());
    assert!(judged("1", "GET b").passed());
    assert_eq!(judged("2", "CLIENT PAUSE 9").unmet(), ["there"]);
    let open = judged("1", "DEL a");
    assert!(!open.passed() && open.unmet().is_empty(), "{open:?}");
}

#[test]
fn commands_that_never_end_do_not_pass() {
    let stopped = Some(Stopped::Endless("SUBSCRIBE".to_owned()));
    let run = Run::Typed(Typed { stopped, ..Typed::default() });
    assert_eq!(unmet(STORED, &Evidence { run, ..evidence(100, SET) }), [ENDS_WELL]);
}

#[test]
fn a_secret_check_does_not_say_what_is_expected() {
    let checks = "[[check]]\nid = \"guessed\"\nsays = \"you guessed right\"\nsecret = true\n\
                  reply = { \"GET guess\" = \"7\" }\n";
    let verdict = judge(&exercise(checks), &evidence(100, ""));
    assert_eq!(verdict.unmet(), ["guessed"]);
    assert_eq!(verdict.findings[0].expected, "you guessed right");
}
