use super::*;

fn at_an_exercise(passed: bool) -> Situation {
    Situation { exercise: Some(Passed(passed)), languages: 2, hints: 2, ..Situation::default() }
}

#[test]
fn every_key_means_one_thing() {
    let by_hand = Situation { by_hand: ByHand::Answer, ..at_an_exercise(false) };
    let exercise = Situation { hint: Some(1), ..by_hand };
    let list = Situation { screen: ScreenKind::List, ..Situation::default() };
    for here in [exercise, list, Situation { examples: 3, ..Situation::default() }] {
        let mut keys: Vec<String> = offered(&here).iter().map(|(key, ..)| key_name(*key)).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), offered(&here).len());
    }
}

#[test]
fn going_on_comes_first_once_an_exercise_is_passed() {
    assert_eq!(labels(&at_an_exercise(true))[0], "n next");
    assert_eq!(labels(&at_an_exercise(false))[0], "c check");
    assert!(labels(&at_an_exercise(false)).contains(&"n skip".to_owned()));
}

#[test]
fn hints_go_round() {
    for (hint, label) in
        [(None, "h hint 1 of 2"), (Some(0), "h hint 2 of 2"), (Some(1), "h hint 1 of 2")]
    {
        let here = Situation { hint, ..at_an_exercise(false) };
        assert!(labels(&here).contains(&label.to_owned()), "{hint:?}");
    }
    let here = Situation { hint: Some(1), ..at_an_exercise(false) };
    assert_eq!(action(Key::Char('H'), &here), Some(Action::HintBefore));
}

#[test]
fn a_number_runs_that_example() {
    let here = Situation { examples: 2, ..Situation::default() };
    assert_eq!(action(Key::Number(2), &here), Some(Action::Example(1)));
    assert_eq!(action(Key::Number(3), &here), None);
}

fn check_label(here: &Situation) -> String {
    labels(here).into_iter().find(|label| label.starts_with("c ")).unwrap_or_default()
}

#[test]
fn c_says_what_it_checks() {
    let here = at_an_exercise(false);
    assert_eq!(check_label(&here), "c check");
    // Where only a program answers, work by hand is not judged.
    let here = Situation { by_hand: ByHand::Exploration, ..here };
    assert_eq!(check_label(&here), "c check");
    assert_eq!(action(Key::Char('o'), &here), Some(Action::StartOver));
    let here = Situation { by_hand: ByHand::Answer, ..here };
    assert_eq!(check_label(&here), "c check what you did");
}

#[test]
fn enter_and_space_go_on_but_skip_no_open_exercise() {
    for key in [Key::Enter, Key::Char(' ')] {
        assert_eq!(action(key, &Situation::default()), Some(Action::Next));
        assert_eq!(action(key, &at_an_exercise(true)), Some(Action::Next));
        assert_eq!(action(key, &at_an_exercise(false)), None);
    }
}

#[test]
fn the_next_open_exercise_is_one_key_away_everywhere() {
    for screen in [ScreenKind::Welcome, ScreenKind::Text, ScreenKind::About, ScreenKind::List] {
        let here = Situation { screen, ..Situation::default() };
        assert_eq!(action(Key::Char('N'), &here), Some(Action::NextExercise), "{screen:?}");
    }
}

#[test]
fn what_is_not_offered_has_no_key() {
    assert_eq!(action(Key::Char('s'), &Situation::default()), None);
    assert_eq!(action(Key::Char('z'), &at_an_exercise(false)), None);
}
