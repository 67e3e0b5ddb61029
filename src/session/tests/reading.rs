//! Keys while a student reads, and the lines that do not scroll.

use super::*;
use crate::session::step_state::Busy;

/// A session at the first exercise.
fn at_the_first_exercise(record: Record) -> Script {
    let mut script = Script::start(record);
    script.presses("nlggjj");
    script.happens(Event::Key(Key::Enter));
    assert!(script.last().body.contains("Do this."), "{}", script.last().body);
    script
}

fn found(usual_port_is_taken: bool) -> WorkerEvent {
    let address = "127.0.0.1:37231".parse().unwrap();
    WorkerEvent::Found { name: "redis 8; no container".to_owned(), address, usual_port_is_taken }
}

#[test]
fn enter_and_space_go_on_to_the_next_step_and_stop_at_an_open_exercise() {
    for key in [Key::Enter, Key::Char(' ')] {
        let seen = session(&[], [Press(key), Press(key), Press(key)]);
        assert!(seen.last().body.contains("Do this."), "{key:?}: {}", seen.last().body);
        let seen = session(&[], [Press(key), Press(key), Press(key), Press(key)]);
        assert!(seen.last().body.contains("Do this."), "{key:?}: {}", seen.last().body);
        assert!(seen.last().status.contains("`n` skips it"), "{}", seen.last().status);
    }
}

#[test]
fn space_turns_a_page_before_it_goes_on() {
    let mut script = Script::start(Record::default());
    script.presses("?");
    assert!(script.state.below > 0);
    script.presses(" ");
    assert!(script.state.top > 0 && script.last().body.contains("what it does"));
}

#[test]
fn letters_scroll_as_in_a_pager() {
    let mut script = Script::start(Record::default());
    script.presses("?jjj");
    assert_eq!(script.state.top, 3);
    script.presses("k");
    assert_eq!(script.state.top, 2);
    script.presses("G");
    assert_eq!(script.state.below, 0);
    script.presses("g");
    assert_eq!(script.state.top, 0);
}

#[test]
fn an_unknown_key_says_so() {
    let mut script = at_the_first_exercise(Record::default());
    script.presses("z");
    assert_eq!(script.last().status, "z: no such key here; `?` helps");
}

#[test]
fn the_next_open_exercise_is_one_key_away_from_the_welcome_and_the_list() {
    let seen = session(&[], letters("N"));
    assert!(seen.last().body.contains("Do this."), "{}", seen.last().body);
    let seen = session(&["of-the-session-first"], letters("lggN"));
    assert!(seen.last().body.contains("Do that."), "{}", seen.last().body);
}

#[test]
fn the_welcome_is_not_a_step() {
    let script = Script::start(Record::default());
    assert!(!script.last().title.contains("step"), "{}", script.last().title);
}

#[test]
fn checks_are_folded_until_there_is_work_or_a_key() {
    let mut script = at_the_first_exercise(Record::default());
    assert!(script.last().checks.is_empty());
    assert!(script.last().checks_in_short.starts_with("checks ○  0 of 1 met"));
    script.presses("v");
    assert_eq!(script.last().checks, ["○ it is saved"]);
    script.presses("v");
    assert!(script.last().checks.is_empty());
}

#[test]
fn a_passed_exercise_says_so_when_it_is_opened_again() {
    let script = at_the_first_exercise(passed(&["of-the-session-first"]));
    assert!(script.last().body.starts_with("## First  ✓ passed\n"), "{}", script.last().body);
    assert!(script.last().checks_in_short.starts_with("checks ✓  1 of 1 met"));
}

#[test]
fn the_path_and_the_client_are_fixed_on_an_exercises_screen() {
    let mut script = at_the_first_exercise(Record::default());
    script.worker_says(found(false));
    let fixed = script.last().fixed.join("\n");
    assert!(fixed.starts_with("answers/of-the-session-first.redis"), "{fixed}");
    assert!(fixed.contains("checked on save"), "{fixed}");
    assert!(fixed.ends_with("redis-cli -p 37231"), "{fixed}");
    assert!(script.last().checks_in_short.ends_with("  redis 8"));
    assert!(!script.last().body.contains("Your answer:"));
}

#[test]
fn a_taken_port_is_told_in_one_fixed_line() {
    let mut script = at_the_first_exercise(Record::default());
    script.worker_says(found(true));
    let fixed = &script.last().fixed;
    assert_eq!(fixed.len(), 2, "{fixed:?}");
    assert!(fixed[1].contains("port 6379 is taken: use `redis-cli -p 37231`"), "{fixed:?}");
    assert!(!script.last().status.contains("6379"), "{}", script.last().status);
}

#[test]
fn c_judges_work_by_hand_first() {
    let mut script = at_the_first_exercise(Record::default());
    assert!(script.offers("c check"));
    script.happens(Event::AnswerFile(Some(crate::lesson::Language::Redis)));
    script.state.work.is_at_hand = true;
    script.presses("c");
    assert!(script.state.work.busy.is_some());
    assert!(script.last().status.contains("judging what was done"), "{}", script.last().status);
    script.state.work.busy = None::<Busy>;
    assert!(
        script
            .requests
            .iter()
            .any(|request| matches!(request, Request::Worker(worker::messages::Request::Judge(_))))
    );
}

#[test]
fn the_language_of_an_answer_is_remembered() {
    let mut script = at_the_first_exercise(Record::default());
    script.happens(Event::Checking(crate::lesson::Language::Redis, worker::messages::RunNumber(1)));
    assert_eq!(script.record.language(), Some(crate::lesson::Language::Redis));
}

#[test]
fn screens_that_matter_look_like_this() {
    colored::control::set_override(false);
    let size = Size { columns: 80, rows: 24 };
    let small = Size { columns: 40, rows: 20 };
    let mut script = Script::start(Record::default());
    insta::assert_snapshot!("welcome", shown(&script.state, size));
    script.presses("nnn");
    insta::assert_snapshot!("exercise", shown(&script.state, size));
    insta::assert_snapshot!("exercise_on_a_small_screen", shown(&script.state, small));
    script.presses("l");
    insta::assert_snapshot!("list", shown(&script.state, size));
}
