//! The end of a lesson and of the course, and questions of recall.

use std::sync::LazyLock;

use super::*;
use crate::present::plain;
use crate::present::theme::{self, Theme};
use crate::session::state::View;

const PAGES: &str = "
> [!SUMMARY]
> - `SAVE`: *done*
> - `BGSAVE`: *begun*

> [!RECALL]
> First question?
>
> The first `answer`.

> [!RECALL]
> Second question?
>
> The second answer.

> [!RECALL]
> Third question?
>
> The third answer.

> [!RECALL]
> Fourth question?
>
> The fourth answer.
";

const FIRST: &str = "of-the-session-first";
const SECOND: &str = "of-the-session-second";

fn lesson_with_pages() -> String {
    format!("{LESSON}{PAGES}")
}

static WITH_PAGES: LazyLock<Course> = LazyLock::new(|| course([lesson_with_pages()]));

/// The lesson with pages, then one without exercises.
static TWO_LESSONS: LazyLock<Course> =
    LazyLock::new(|| course([lesson_with_pages(), "# Lesson 2: More\n\nRead on.\n".to_owned()]));

/// A student who has read the first lesson.
fn at_the_end(course: &'static Course, mut record: Record) -> Script {
    let (lesson, step) = ("saving".to_owned(), "Second".to_owned());
    let exercise = Some(SECOND.to_owned());
    ProgressChange::Moved(Some(Position { lesson, step, exercise })).apply(&mut record);
    let mut script = Script::start_in(course, record);
    if script.state.view == View::WelcomeBack {
        script.presses("n");
    }
    script.presses("n");
    script
}

/// Both exercises are passed, the second after four failed attempts.
fn all_passed() -> Record {
    let mut record = passed(&[FIRST]);
    for _ in 0..4 {
        ProgressChange::Failed(SECOND.to_owned()).apply(&mut record);
    }
    ProgressChange::Passed(SECOND.to_owned()).apply(&mut record);
    record
}

fn body_of(script: &Script) -> &str {
    &script.last().body
}

#[test]
fn a_lesson_ends_with_its_numbers_and_its_summary() {
    let script = at_the_end(&TWO_LESSONS, all_passed());
    let body = body_of(&script);
    assert!(body.contains("Lesson 1 complete · 2 of 2 exercises · 6 attempts"), "{body}");
    assert!(body.contains("Keep in mind") && body.contains("begun"), "{body}");
    assert!(body.contains("of-the-session-second (5 attempts)"), "{body}");
    assert!(body.contains("Lesson 2: More"), "{body}");
    assert!(body.contains("redislings export session.md"), "{body}");
}

#[test]
fn the_time_at_exercises_is_in_the_first_line() {
    let mut record = Record::default();
    for (exercise, minutes) in [(FIRST, 4), (SECOND, 61)] {
        let spent = Duration::from_secs(minutes * 60);
        ProgressChange::Spent(exercise.to_owned(), spent).apply(&mut record);
        ProgressChange::Passed(exercise.to_owned()).apply(&mut record);
    }
    let script = at_the_end(&TWO_LESSONS, record);
    let body = body_of(&script);
    assert!(body.contains("2 of 2 exercises · 2 attempts · 1 h 5 min"), "{body}");
}

#[test]
fn the_time_between_keys_is_counted_but_no_long_pause() {
    let mut script = Script::start(Record::default());
    script.presses(FIRST_EXERCISE);
    for minutes in [2, 60] {
        let time = Duration::from_secs(minutes * 60);
        script.happens_after(time, Event::Key(Key::Char('j')));
    }
    script.presses("n");
    assert_eq!(script.record.time_spent(FIRST), Duration::from_secs(7 * 60));
}

#[test]
fn the_time_after_a_pass_is_not_counted() {
    let mut script = Script::start(passed(&[FIRST]));
    script.presses("n");
    script.presses("b");
    script.happens_after(Duration::from_secs(60), Event::Key(Key::Char('n')));
    assert_eq!(script.record.time_spent(FIRST), Duration::ZERO);
}

#[test]
fn attempts_of_an_older_version_are_not_counted() {
    let record: Record = toml::from_str(&format!("passed = [\"{FIRST}\", \"{SECOND}\"]")).unwrap();
    let script = at_the_end(&WITH_PAGES, record);
    assert!(body_of(&script).starts_with("Lesson 1 complete · 2 of 2 exercises\n"));
}

#[test]
fn the_hardest_exercise_is_one_key_away() {
    let mut script = at_the_end(&TWO_LESSONS, all_passed());
    assert!(script.offers("r try the hardest again"));
    script.presses("r");
    assert!(body_of(&script).contains("Do that."), "{}", body_of(&script));
}

#[test]
fn one_failed_attempt_makes_no_exercise_hard() {
    let mut record = passed(&[FIRST]);
    ProgressChange::Failed(SECOND.to_owned()).apply(&mut record);
    ProgressChange::Passed(SECOND.to_owned()).apply(&mut record);
    assert!(!at_the_end(&WITH_PAGES, record).offers("r try the hardest again"));
}

#[test]
fn open_exercises_are_named_and_one_key_away() {
    let mut script = at_the_end(&TWO_LESSONS, passed(&[SECOND]));
    let body = body_of(&script);
    assert!(body.starts_with("End of Lesson 1 · 1 of 2 exercises"), "{body}");
    assert!(body.contains("Still open") && body.contains("First"), "{body}");
    assert!(script.offers("N next open exercise"));
    script.presses("N");
    assert!(body_of(&script).contains("Do this."), "{}", body_of(&script));
}

#[test]
fn the_next_lesson_follows_and_after_the_last_one_the_page_of_the_course() {
    let mut script = at_the_end(&TWO_LESSONS, all_passed());
    script.presses("n");
    assert!(body_of(&script).contains("Read on."), "{}", body_of(&script));
    script.presses("n");
    assert!(body_of(&script).starts_with("Lesson 2 complete\n"), "{}", body_of(&script));
    script.presses("n");
    assert!(
        body_of(&script).starts_with("Course complete · 2 of 2 exercises · 6 attempts\n"),
        "{}",
        body_of(&script)
    );
    assert!(!script.offers("n next lesson") && !script.offers("n end of the course"));
}

#[test]
fn an_only_lesson_has_one_page() {
    let mut script = at_the_end(&WITH_PAGES, all_passed());
    script.presses("n");
    assert!(body_of(&script).starts_with("Lesson 1 complete"), "{}", body_of(&script));
    assert!(body_of(&script).contains("this was its only lesson"), "{}", body_of(&script));
    assert!(script.last().status.contains("this is the end"), "{}", script.last().status);
}

#[test]
fn from_the_end_one_goes_back_to_the_last_step() {
    let mut script = at_the_end(&WITH_PAGES, all_passed());
    script.presses("b");
    assert!(body_of(&script).contains("Do that."), "{}", body_of(&script));
}

#[test]
fn a_session_that_continues_offers_questions() {
    let mut script = Script::start_in(&WITH_PAGES, passed(&[FIRST]));
    let body = body_of(&script);
    assert!(body.contains("You stopped at step 4 of \"Lesson 1: Saving\": Second."), "{body}");
    assert!(script.offers("r recall") && script.offers("n go on"));
    script.presses("n");
    assert!(body_of(&script).contains("Do that."), "{}", body_of(&script));
}

#[test]
fn the_help_goes_back_to_the_page_where_it_was_opened() {
    for (keys, shows) in [("?q", View::Welcome), ("??", View::Welcome), ("n?q", View::Text)] {
        let mut script = Script::start(Record::default());
        for letter in keys.chars() {
            script.happens(Event::Key(Key::Char(letter)));
        }
        assert_eq!(script.state.view, shows, "{keys}");
    }
}

#[test]
fn without_a_passed_exercise_there_are_no_questions() {
    let record = session(&[], [letter('n'), letter('n')]).record;
    let script = Script::start_in(&WITH_PAGES, record);
    assert!(body_of(&script).contains("Read this."), "{}", body_of(&script));
}

#[test]
fn a_question_is_answered_by_a_key_and_the_next_one_follows() {
    let mut script = Script::start_in(&WITH_PAGES, passed(&[FIRST]));
    script.presses("r");
    assert!(body_of(&script).contains("First question?"), "{}", body_of(&script));
    assert!(!body_of(&script).contains("The first"));
    script.presses("n");
    assert!(body_of(&script).contains("The first `answer`."), "{}", body_of(&script));
    script.presses("n");
    assert!(body_of(&script).contains("Second question?"), "{}", body_of(&script));
    script.presses("nnn");
    assert!(script.offers("n go on with the lesson"), "{:?}", script.last().keys);
    script.presses("n");
    assert!(body_of(&script).contains("Do that."), "{}", body_of(&script));
}

#[test]
fn questions_can_be_skipped_at_any_time() {
    for keys in ["rt", "rnt", "rnnt"] {
        let mut script = Script::start_in(&WITH_PAGES, passed(&[FIRST]));
        script.presses(keys);
        assert!(body_of(&script).contains("Do that."), "{keys}: {}", body_of(&script));
    }
}

#[test]
fn other_questions_come_the_next_time() {
    let mut script = Script::start_in(&WITH_PAGES, passed(&[FIRST]));
    script.presses("rnnnn");
    let mut again = Script::start_in(&WITH_PAGES, script.record);
    again.presses("r");
    assert!(body_of(&again).contains("Fourth question?"), "{}", body_of(&again));
    again.presses("nn");
    assert!(body_of(&again).contains("First question?"), "{}", body_of(&again));
}

#[test]
fn pages_look_like_this() {
    colored::control::set_override(false);
    let size = Size { columns: 80, rows: 24 };
    let small = Size { columns: 40, rows: 20 };
    let mut script = Script::start_in(&WITH_PAGES, passed(&[FIRST]));
    insta::assert_snapshot!("welcome_back", shown(&script.state, size));
    insta::assert_snapshot!("welcome_back_on_a_small_screen", shown(&script.state, small));
    script.presses("rn");
    insta::assert_snapshot!("recall", shown(&script.state, size));
    let script = at_the_end(&TWO_LESSONS, all_passed());
    insta::assert_snapshot!("end", shown(&script.state, size));
    insta::assert_snapshot!("end_on_a_small_screen", shown(&script.state, small));
    let script = at_the_end(&TWO_LESSONS, Record::default());
    insta::assert_snapshot!("end_with_open_exercises", shown(&script.state, size));
}

#[test]
fn pages_in_words_have_no_sign() {
    let script = at_the_end(&TWO_LESSONS, all_passed());
    let back = Script::start_in(&WITH_PAGES, passed(&[FIRST]));
    let size = Size { columns: 80, rows: 24 };
    plain::while_on(|| {
        insta::assert_snapshot!("end_in_words", body(&script.state, size));
        insta::assert_snapshot!("welcome_back_in_words", body(&back.state, size));
    });
    theme::with(Theme::Plain, || assert!(body(&back.state, size).is_ascii()));
}
