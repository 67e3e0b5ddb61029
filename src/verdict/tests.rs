mod live;
mod restore;
mod sent;
mod waits;

use std::path::Path;

use super::*;
use crate::attempt::evidence::{
    Evidence, Observation, Output, ProgramEnd, ProgramRun, Run, Stopped, Typed,
};
use crate::lesson::Exercise;
use crate::lesson::check::{ENDS_WELL, EVIDENCE_IS_VALID};
use crate::redis_cli::reply::Printed;
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

pub fn observation(lastsave: i64, info: &str) -> Observation {
    Observation::of(ServerInfo::of(lastsave, info))
}

/// Evidence of a `redis` answer on a server that says `info` at every moment; LASTSAVE moves from
/// 100.
fn evidence(lastsave: i64, info: &str) -> Evidence {
    Evidence {
        exit: Some(observation(lastsave, info)),
        settled: Some(observation(lastsave, info)),
        ..Evidence::new(ServerInfo::of(100, "total_forks:0\n"))
    }
}

fn program(end: ProgramEnd, stdout: &str) -> Run {
    let stdout = Output { text: stdout.to_owned(), omitted: 0 };
    let stderr = Output { text: "Traceback\nValueError: no\n".to_owned(), omitted: 0 };
    Run::Program(ProgramRun { end, stdout, stderr })
}

fn unmet(checks: &str, evidence: &Evidence) -> Vec<String> {
    judge(&exercise(checks), evidence).unmet().into_iter().map(str::to_owned).collect()
}

/// Lines of a server's log.
const SUCCEEDED: &str = "Background saving terminated with success";
pub const KILLED: &str = "Background saving terminated by signal 10";

const LASTSAVE: &str = "[[check]]\nid = \"new\"\nlastsave = \"advanced\"\n";
const STDOUT: &str = "[[check]]\nid = \"says\"\nstdout = \"Done.\"\n";

#[test]
fn calls_that_may_be_the_checkers_own_decide_nothing() {
    let calls = "[[check]]\nid = \"asked\"\ncalls = { lastsave = \">= 1\" }\n";
    let info = "cmdstat_lastsave:calls=1,failed_calls=0\n";
    let outcome = |unsure: u64| {
        let mut evidence = evidence(100, info);
        for now in [&mut evidence.exit, &mut evidence.settled].into_iter().flatten() {
            now.info = now.info.clone().with_unsure_calls("lastsave", unsure);
        }
        judge(&exercise(calls), &evidence).findings[0].outcome
    };
    assert_eq!(outcome(0), Outcome::Met);
    assert_eq!(outcome(1), Outcome::NotReached);
}

#[test]
fn lastsave_that_moved_has_advanced() {
    assert!(unmet(LASTSAVE, &evidence(101, "")).is_empty());
    assert_eq!(unmet(LASTSAVE, &evidence(100, "")), ["new"]);
}

#[test]
fn a_clock_that_was_set_back_hides_no_save() {
    assert!(unmet(LASTSAVE, &evidence(99, "")).is_empty());
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
fn a_status_of_ok_is_not_believed_when_the_log_says_killed() {
    let checks = "[[check]]\nid = \"ok\"\ninfo = { rdb_last_bgsave_status = \"ok\" }\n";
    let mut evidence = evidence(100, "rdb_last_bgsave_status:ok\n");
    assert!(unmet(checks, &evidence).is_empty());
    evidence.settled.as_mut().unwrap().log = Some([SUCCEEDED, KILLED].join("\n"));
    assert_eq!(unmet(checks, &evidence), ["ok"]);
}

#[test]
fn a_scheduled_background_save_is_in_progress() {
    let checks =
        "[[check]]\nid = \"quiet\"\nat = \"exit\"\ninfo = { rdb_bgsave_in_progress = 0 }\n";
    let scheduled = "rdb_bgsave_in_progress:0\ntotal_forks:0\ncmdstat_bgsave:calls=1\n";
    assert_eq!(unmet(checks, &evidence(100, scheduled)), ["quiet"]);
    let finished = "rdb_bgsave_in_progress:0\ntotal_forks:1\ncmdstat_bgsave:calls=1\n";
    assert!(unmet(checks, &evidence(101, finished)).is_empty());
}

#[test]
fn a_save_before_does_not_hide_a_scheduled_background_save() {
    let checks =
        "[[check]]\nid = \"quiet\"\nat = \"exit\"\ninfo = { rdb_bgsave_in_progress = 0 }\n";
    let scheduled = "rdb_bgsave_in_progress:0\ntotal_forks:0\ncmdstat_bgsave:calls=1\n";
    assert_eq!(unmet(checks, &evidence(101, scheduled)), ["quiet"]);
}

#[test]
fn an_aof_rewrite_is_not_taken_for_the_scheduled_background_save() {
    let checks =
        "[[check]]\nid = \"quiet\"\nat = \"exit\"\ninfo = { rdb_bgsave_in_progress = 0 }\n";
    let rewriting =
        "rdb_bgsave_in_progress:0\ntotal_forks:1\naof_rewrites:1\ncmdstat_bgsave:calls=1\n";
    assert_eq!(unmet(checks, &evidence(100, rewriting)), ["quiet"]);
}

#[test]
fn a_finished_save_that_did_not_fork_is_not_taken_for_a_scheduled_one() {
    let checks = "[[check]]\nid = \"quiet\"\ninfo = { rdb_bgsave_in_progress = 0 }\n";
    let forkless = "rdb_bgsave_in_progress:0\ntotal_forks:0\n\
                    rdb_last_bgsave_type:forkless\ncmdstat_bgsave:calls=1\n";
    assert!(unmet(checks, &evidence(101, forkless)).is_empty());
}

#[test]
fn replies_of_a_check_are_all_looked_at() {
    let checks = "[[check]]\nid = \"both\"\nreply = { \"GET a\" = \"1\", \"GET b\" = \"2\" }\n";
    let mut evidence = evidence(100, "");
    let replies = &mut evidence.settled.as_mut().unwrap().replies;
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
        "{LASTSAVE}\
         [[check]]\nid = \"then\"\nneeds = \"new\"\ncalls = {{ save = 1 }}\n\
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
    let checks =
        format!("{STDOUT}[[check]]\nid = \"new\"\nneeds = \"says\"\nlastsave = \"advanced\"\n");
    assert!(judge(&exercise(&checks), &evidence(101, "")).passed());
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
    assert_eq!(unmet(LASTSAVE, &Evidence { run, ..evidence(101, "") }), [ENDS_WELL]);
}

#[test]
fn invalid_evidence_decides_nothing_else() {
    let invalid = Evidence { invalid: Some("the server is gone".to_owned()), ..evidence(101, "") };
    let verdict = judge(&exercise(LASTSAVE), &invalid);
    assert_eq!(verdict.unmet(), [EVIDENCE_IS_VALID]);
    assert_eq!(verdict.findings[1].outcome, Outcome::NotReached);
}

#[test]
fn a_server_too_busy_to_be_looked_at_before_its_crash_meets_nothing() {
    let checks = "crash = \"exit\"\n[[check]]\nid = \"new\"\nlastsave = \"advanced\"\n";
    let busy = Evidence { exit: None, ..evidence(101, "") };
    let verdict = judge(&exercise(checks), &busy);
    assert_eq!(verdict.unmet(), ["new"]);
    assert!(verdict.findings[0].found.contains("busy"));
}

#[test]
fn what_the_crash_itself_proves_needs_no_look_at_a_busy_server() {
    let checks = "crash = \"exit\"\n\
                  [[check]]\nid = \"new\"\nlastsave = \"advanced\"\n\
                  [[check]]\nid = \"there\"\nat = \"crash\"\nneeds = \"new\"\n\
                  reply = { \"GET a\" = \"1\" }\n";
    let judged = |stored: &str, last: &str| {
        let mut after = observation(0, "");
        let printed = Printed { terminal: format!("\"{stored}\""), bare: Some(stored.to_owned()) };
        after.replies.insert("GET a".to_owned(), printed);
        let transcript = sent::done(&["SET a 1", "SAVE", last]);
        let unseen = Evidence { exit: None, settled: None, crash: Some(after), ..transcript };
        judge(&exercise(checks), &unseen)
    };
    assert!(judged("1", "CLIENT PAUSE 9").passed());
    assert_eq!(judged("2", "CLIENT PAUSE 9").unmet(), ["there"]);
    let open = judged("1", "DEL a");
    assert!(!open.passed() && open.unmet().is_empty(), "{open:?}");
}

#[test]
fn a_log_with_more_ends_than_forks_is_not_believed() {
    let checks = "[[check]]\nid = \"ok\"\ninfo = { rdb_last_bgsave_status = \"ok\" }\n";
    let mut evidence = evidence(100, "rdb_last_bgsave_status:ok\ntotal_forks:1\n");
    evidence.settled.as_mut().unwrap().log = Some([KILLED, SUCCEEDED].join("\n"));
    assert_eq!(unmet(checks, &evidence), ["ok"]);
}

#[test]
fn commands_that_never_end_do_not_pass() {
    let stopped = Some(Stopped::Endless("SUBSCRIBE".to_owned()));
    let run = Run::Typed(Typed { stopped, ..Typed::default() });
    assert_eq!(unmet(LASTSAVE, &Evidence { run, ..evidence(101, "") }), [ENDS_WELL]);
}
