//! Runs of the worker that are cancelled, and what they report too late.

use std::time::Duration;

use super::{FIRST_EXERCISE, Script, letters, session};
use crate::attempt::evidence::Evidence;
use crate::error::EnvironmentError;
use crate::lesson::Language;
use crate::progress::Record;
use crate::server::ServerInfo;
use crate::session::console::Key;
use crate::session::event::Event;
use crate::session::request::{Request, SessionEnd};
use crate::session::state::View;
use crate::session::worker::messages::{JudgedAnswer, RunNumber, StepEvent, WorkerEvent};
use crate::verdict::Verdict;

/// A session whose first check runs at the first exercise.
fn in_a_check() -> Script {
    let mut script = Script::start(Record::default());
    for letter in FIRST_EXERCISE.chars() {
        script.happens(Event::Key(Key::Char(letter)));
    }
    begins_a_check(&mut script, 1);
    script
}

fn begins_a_check(script: &mut Script, run: u64) {
    script.state.last_run = RunNumber(run);
    script.happens(Event::Checking(Language::Python, RunNumber(run)));
}

fn run_says(script: &mut Script, run: u64, event: WorkerEvent) {
    let (visit, run) = (Some(script.state.visit), Some(RunNumber(run)));
    script.happens(Event::Worker(StepEvent { visit, run, event }));
}

/// A verdict without findings is a pass.
fn pass() -> WorkerEvent {
    WorkerEvent::Judged(Box::new(JudgedAnswer {
        answer: None,
        server: "redis 8".to_owned(),
        evidence: Evidence::new(ServerInfo::default()),
        verdict: Verdict { findings: Vec::new(), diagnosis: None },
    }))
}

fn has_passed(script: &Script) -> bool {
    script.record.has("of-the-session-first")
}

#[test]
fn a_key_ends_a_check_and_its_verdict_comes_too_late() {
    for key in [Key::Escape, Key::Interrupt] {
        let mut script = in_a_check();
        script.happens(Event::Key(key));
        assert_eq!(script.last().status, "the check was ended");
        assert!(matches!(script.requests.last(), Some(Request::CancelRun)));
        run_says(&mut script, 1, pass());
        assert!(!has_passed(&script));
        assert_eq!(script.last().status, "the check was ended");
        script.happens(Event::Key(Key::Interrupt));
        assert_eq!(script.end, Some(SessionEnd::Interrupted));
    }
}

#[test]
fn a_newer_save_begins_its_own_check_with_its_own_time() {
    let mut script = in_a_check();
    script.happens_after(Duration::from_secs(9), Event::Tick);
    assert!(
        script.last().status.contains("9.0 s (Esc ends it) checking"),
        "{}",
        script.last().status
    );
    assert!(script.state.awaits_saves());
    begins_a_check(&mut script, 2);
    let status = script.last().status.clone();
    assert!(
        status.contains("0.0 s a newer save: checking `answers/of-the-session-first.py` again"),
        "{status}"
    );
    run_says(&mut script, 1, WorkerEvent::Progress("of the run before".to_owned()));
    run_says(&mut script, 1, WorkerEvent::Failed(EnvironmentError::new("gone", "try again")));
    run_says(&mut script, 1, pass());
    assert!(script.last().status.contains("a newer save"), "{}", script.last().status);
    assert!(!has_passed(&script));
    run_says(&mut script, 2, pass());
    assert!(has_passed(&script));
}

#[test]
fn a_key_that_has_to_wait_for_a_check_says_so() {
    let mut script = in_a_check();
    for key in ['p', 'e', 'c'] {
        script.happens(Event::Key(Key::Char(key)));
        let status = script.last().status.clone();
        assert!(status.starts_with("one thing after the other"), "{key}: {status}");
        assert!(status.contains("checking"), "{key}: {status}");
    }
}

#[test]
fn a_check_says_after_a_second_how_to_end_it() {
    let mut script = in_a_check();
    assert!(!script.last().status.contains("Esc"));
    script.happens_after(Duration::from_secs(1), Event::Tick);
    assert!(script.last().status.contains("Esc ends it"), "{}", script.last().status);
}

#[test]
fn a_check_of_a_step_that_was_left_still_counts_there() {
    let mut script = in_a_check();
    let visit = script.state.visit;
    script.happens(Event::Key(Key::Char('n')));
    let run = Some(RunNumber(1));
    script.happens(Event::Worker(StepEvent { visit: Some(visit), run, event: pass() }));
    assert!(has_passed(&script));
    assert!(script.last().status.contains("passed meanwhile"), "{}", script.last().status);
}

#[test]
fn a_student_who_returns_to_a_check_waits_for_it_again() {
    for ends_it in [false, true] {
        let mut script = in_a_check();
        let visit = script.state.visit;
        script.happens(Event::Key(Key::Char('n')));
        script.happens(Event::Key(Key::Char('b')));
        assert!(script.last().status.contains("checking"), "{}", script.last().status);
        if ends_it {
            script.happens(Event::Key(Key::Escape));
            assert_eq!(script.last().status, "the check was ended");
        }
        let run = Some(RunNumber(1));
        script.happens(Event::Worker(StepEvent { visit: Some(visit), run, event: pass() }));
        assert_eq!(has_passed(&script), !ends_it);
        assert_eq!(script.state.work.judged.is_some(), !ends_it);
    }
}

#[test]
fn a_check_at_another_step_ends_the_one_that_was_left() {
    let mut script = in_a_check();
    let visit = script.state.visit;
    script.happens(Event::Key(Key::Char('n')));
    begins_a_check(&mut script, 2);
    let status = script.last().status.clone();
    assert!(status.contains("the check before was ended"), "{status}");
    let run = Some(RunNumber(1));
    script.happens(Event::Worker(StepEvent { visit: Some(visit), run, event: pass() }));
    assert!(!has_passed(&script));
}

/// A session whose work at the first exercise is being judged.
fn in_a_judging() -> Script {
    let mut script = Script::start(Record::default());
    script.presses(FIRST_EXERCISE);
    script.state.work.is_at_hand = true;
    script.presses("c");
    script
}

fn cancels(script: &Script) -> bool {
    script.requests.iter().any(|request| matches!(request, Request::CancelRun))
}

#[test]
fn escape_closes_the_list_its_search_and_the_help_before_it_ends_a_check() {
    for (keys, escapes) in [("l", 1), ("l/a", 2), ("?", 1)] {
        let mut script = in_a_check();
        script.presses(keys);
        for _ in 0..escapes {
            script.happens(Event::Key(Key::Escape));
        }
        assert!(script.state.view == View::Text && !cancels(&script), "{keys}");
        script.happens(Event::Key(Key::Escape));
        assert!(cancels(&script), "{keys}");
    }
}

#[test]
fn in_the_list_ctrl_c_ends_a_check_and_the_status_says_so() {
    let mut script = in_a_check();
    script.presses("l");
    script.happens_after(Duration::from_secs(1), Event::Tick);
    assert!(script.last().status.contains("(Ctrl-C ends it)"), "{}", script.last().status);
    script.happens(Event::Key(Key::Interrupt));
    assert!(cancels(&script));
}

#[test]
fn line_mode_says_from_the_beginning_how_to_end_a_check() {
    let mut script = Script::start(Record::default());
    script.state.is_plain = true;
    script.presses(FIRST_EXERCISE);
    begins_a_check(&mut script, 1);
    assert!(script.last().status.contains("0.0 s (Ctrl-C ends it)"), "{}", script.last().status);
}

#[test]
fn nothing_at_another_step_ends_the_judging_of_work_by_hand() {
    for key in ['c', 'e'] {
        let mut script = in_a_judging();
        let visit = script.state.visit;
        script.presses("n");
        assert!(!script.state.awaits_saves());
        script.state.work.is_at_hand = true;
        let asked = script.requests.len();
        script.presses(&key.to_string());
        let status = script.last().status.clone();
        assert!(status.contains("\"First\" is still being judged"), "{key}: {status}");
        assert_eq!(script.requests.len(), asked, "{key}");
        let run = Some(RunNumber(1));
        script.happens(Event::Worker(StepEvent { visit: Some(visit), run, event: pass() }));
        assert!(has_passed(&script) && script.state.awaits_saves(), "{key}");
    }
}

#[test]
fn a_judging_at_another_step_says_that_it_ends_a_check() {
    let mut script = in_a_check();
    script.presses("n");
    script.state.work.is_at_hand = true;
    script.presses("c");
    let status = script.last().status.clone();
    assert!(status.contains("judging what was done; the check before was ended"), "{status}");
}

#[test]
fn a_failure_of_no_run_leaves_the_spinner_of_a_check() {
    let mut script = in_a_check();
    script.worker_says(WorkerEvent::Failed(EnvironmentError::new("gone", "try again")));
    assert!(script.last().status.contains("checking"), "{}", script.last().status);
    script.happens(Event::Key(Key::Escape));
    assert!(cancels(&script));
}

#[test]
fn escape_without_a_check_ends_nothing() {
    let script = session(&[], letters("nnn").into_iter().chain([super::Press(Key::Escape)]));
    assert!(!cancels(&script));
}
