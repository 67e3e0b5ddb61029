//! The list of lessons and steps.

use std::fmt::Write as _;
use std::sync::LazyLock;

use super::*;

/// Eight lessons with five exercises each, and a reading step before those.
static LONG_COURSE: LazyLock<Course> = LazyLock::new(|| course((1..=8).map(long_lesson)));

fn long_lesson(lesson: usize) -> String {
    let mut text =
        format!("# Lesson {lesson}: Saving\n\nWelcome.\n\n## Reading {lesson}\n\nRead.\n");
    for exercise in 1..=5 {
        let _ = write!(
            text,
            "\n## Exercise {lesson}.{exercise}\n\nDo it.\n\n```toml exercise\n\
             id = \"exercise-{lesson}-{exercise}\"\n\n[[check]]\nid = \"saved\"\n\
             says = \"it is saved\"\ncalls = {{ save = \">= 1\" }}\notherwise = \"save it\"\n```\n\n\
             > [!TIP]\n> Look.\n\n```redis solution\nSAVE\n```\n"
        );
    }
    text
}

/// The list of the long course, which is opened at its first exercise.
fn long_list(passed_exercises: &[&str]) -> Script {
    let mut script = Script::start_in(&LONG_COURSE, passed(passed_exercises));
    script.presses("l");
    script
}

fn chosen(script: &Script) -> &str {
    let mut lines = script.last().body.lines();
    let line = lines.find(|line| line.starts_with('▸')).unwrap_or_default();
    line.trim_start_matches('▸').trim()
}

fn presses_key(script: &mut Script, key: Key) {
    script.happens(Event::Key(key));
}

/// Whether the chosen line is on the screen.
fn is_cursor_visible(script: &Script) -> bool {
    shown(&script.state, Size { columns: 80, rows: 24 }).contains('▸')
}

#[test]
fn the_list_has_reading_steps_too() {
    let mut script = long_list(&["exercise-1-1"]);
    assert!(script.last().body.contains("      Reading 1     reading"), "{}", script.last().body);
    script.presses("gj");
    presses_key(&mut script, Key::Enter);
    assert!(script.last().body.contains("Read."), "{}", script.last().body);
}

#[test]
fn each_lesson_has_its_progress() {
    let script = long_list(&["exercise-1-1", "exercise-1-2"]);
    let line = script.last().body.lines().find(|line| line.contains("Lesson 1: Saving")).unwrap();
    assert!(line.ends_with("▓▓▓▓░░░░░░ 2 of 5"), "{line}");
    assert!(script.last().title.ends_with("2 of 40 passed"), "{}", script.last().title);
}

#[test]
fn attempts_are_counted_in_the_list() {
    let id = || "of-the-session-first".to_owned();
    let changes = [ProgressChange::Failed(id()), ProgressChange::Passed(id())];
    let mut script = Script::start(record(changes));
    script.presses("l");
    assert!(script.last().body.contains("✓ First    2 attempts"), "{}", script.last().body);
}

#[test]
fn the_keys_that_fingers_know_move_in_the_list() {
    let mut script = long_list(&["exercise-1-1"]);
    assert!(chosen(&script).starts_with("○ Exercise 1.2"), "{}", chosen(&script));
    let keys = [
        (Key::Char('j'), "○ Exercise 1.3"),
        (Key::Char('k'), "○ Exercise 1.2"),
        (Key::Char('g'), "Lesson 1"),
        (Key::Char('G'), "○ Exercise 8.5"),
        (Key::Home, "Lesson 1"),
        (Key::PageDown, "○ Exercise 3.3"),
        (Key::PageUp, "Lesson 1"),
        (Key::End, "○ Exercise 8.5"),
        (Key::Up, "○ Exercise 8.4"),
        (Key::Down, "○ Exercise 8.5"),
    ];
    for (key, expected) in keys {
        presses_key(&mut script, key);
        assert!(chosen(&script).starts_with(expected), "{key:?}: {}", chosen(&script));
        assert!(is_cursor_visible(&script), "{key:?}");
    }
}

#[test]
fn the_search_filters_while_it_is_typed() {
    let mut script = long_list(&["exercise-1-1"]);
    script.presses("/EXERCISE ");
    for digit in [7, 3] {
        presses_key(&mut script, Key::Number(digit));
        script.presses(if digit == 7 { "." } else { "" });
    }
    assert!(chosen(&script).starts_with("○ Exercise 7.3"), "{}", script.last().body);
    assert_eq!(script.last().body.lines().count(), 3, "{}", script.last().body);
    assert!(script.last().status.contains("search: EXERCISE 7.3"), "{}", script.last().status);
    presses_key(&mut script, Key::Backspace);
    assert!(script.last().body.contains("Exercise 7.5"), "{}", script.last().body);
    presses_key(&mut script, Key::Escape);
    assert!(script.last().body.contains("Exercise 1.1") && is_cursor_visible(&script));
    script.presses("/8-2");
    presses_key(&mut script, Key::Enter);
    assert!(script.last().title.contains("Lesson 8"), "{}", script.last().title);
}

#[test]
fn a_search_without_a_match_opens_nothing() {
    let mut script = long_list(&["exercise-1-1"]);
    script.presses("/nowhere");
    presses_key(&mut script, Key::Enter);
    assert!(script.last().body.contains("nothing here"), "{}", script.last().body);
}

#[test]
fn d_and_o_filter_the_exercises() {
    let mut script = long_list(&["exercise-1-1"]);
    script.presses("o");
    let open = &script.last().body;
    assert!(!open.contains("Exercise 1.1") && open.contains("Exercise 1.2"), "{open}");
    assert!(!open.contains("Reading"), "{open}");
    script.presses("d");
    let done = &script.last().body;
    assert!(done.contains("Exercise 1.1") && !done.contains("Exercise 1.2"), "{done}");
    assert!(!done.contains("Lesson 2"), "{done}");
    script.presses("d");
    assert!(script.last().body.contains("Reading 1"));
    script.presses("f");
    assert!(script.last().body.contains("open exercises"));
}

#[test]
fn the_chosen_entry_stays_when_the_filter_changes() {
    let mut script = long_list(&["exercise-1-1"]);
    script.presses("jjj");
    let before = chosen(&script).to_owned();
    script.presses("o");
    assert_eq!(chosen(&script), before);
}

#[test]
fn b_leads_back_to_the_text() {
    let mut script = long_list(&["exercise-1-1"]);
    script.presses("b");
    assert!(script.last().body.contains("Do it."), "{}", script.last().body);
}

#[test]
fn the_chosen_exercise_is_reset_and_the_list_stays() {
    let mut script = long_list(&["exercise-1-1"]);
    script.presses("k");
    assert!(chosen(&script).starts_with("✓ Exercise 1.1"), "{}", chosen(&script));
    script.answers.push_back(true);
    script.presses("x");
    assert!(chosen(&script).starts_with("○ Exercise 1.1"), "{}", script.last().body);
    assert!(script.last().status.contains("reset"));
    script.presses("gx");
    assert!(script.last().status.contains("only an exercise can be reset"));
}

#[test]
fn a_digit_chooses_nothing_that_has_no_number_on_the_screen() {
    let mut script = long_list(&["exercise-1-1"]);
    presses_key(&mut script, Key::Number(3));
    assert!(script.last().body.contains("Reading 1"));
    assert!(script.last().status.contains("no such key here"), "{}", script.last().status);
}

#[test]
fn a_list_of_one_lesson_or_of_many_looks_like_this() {
    colored::control::set_override(false);
    let size = Size { columns: 80, rows: 24 };
    let changes = [ProgressChange::Failed("exercise-4-2".to_owned())];
    let passed = (1..=3).flat_map(|lesson| {
        (1..=5).map(move |exercise| ProgressChange::Passed(format!("exercise-{lesson}-{exercise}")))
    });
    let mut script = Script::start_in(&LONG_COURSE, record(passed.chain(changes)));
    script.presses("l");
    insta::assert_snapshot!("list_of_many_lessons", shown(&script.state, size));
    insta::assert_snapshot!(
        "list_on_a_small_screen",
        shown(&script.state, Size { columns: 40, rows: 20 })
    );
    script.presses("/4.");
    insta::assert_snapshot!("list_while_searching", shown(&script.state, size));
}
