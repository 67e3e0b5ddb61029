//! What can be done, and by which key.

use super::console::Key;

/// Everything the student can do at a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Check,
    Edit,
    EditOther,
    Play,
    Judge,
    StartOver,
    Hint,
    HintBefore,
    Solution,
    Reset,
    ResetAll,
    Example(usize),
    Text,
    Next,
    /// To the next open exercise, past all that is to be read.
    NextExercise,
    Back,
    List,
    Filter,
    Choose,
    Help,
    Quit,
}

impl Action {
    /// Whether it has to wait until the servers are done with what was wanted before.
    pub(super) fn needs_a_server(self) -> bool {
        matches!(
            self,
            Self::Check
                | Self::Edit
                | Self::EditOther
                | Self::Play
                | Self::Judge
                | Self::StartOver
                | Self::Example(_)
        )
    }
}

/// What decides what can be done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Situation {
    pub(super) screen: Screen,
    /// Whether an exercise is at hand, and whether it was passed.
    pub(super) exercise: Option<Passed>,
    /// The languages it can be answered in.
    pub(super) languages: usize,
    pub(super) hints: usize,
    /// The hint that is shown.
    pub(super) hint: Option<usize>,
    pub(super) examples: usize,
    pub(super) is_first: bool,
    pub(super) is_last: bool,
    pub(super) by_hand: ByHand,
}

/// What was done by hand on the step's server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum ByHand {
    #[default]
    Nothing,
    /// What can't be an answer here.
    Exploration,
    /// What can be judged.
    Answer,
}

/// Whether an exercise was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Passed(pub(super) bool);

/// The kinds of screens, as far as keys differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Screen {
    Welcome,
    /// A step's text.
    #[default]
    Text,
    /// Something about a step: a verdict, a hint, the solution, an example's output.
    About,
    List,
    Help,
}

/// Everything that can be done here: its key, and its name on the screen; the most likely first.
pub(super) fn offered(here: &Situation) -> Vec<(char, Action, String)> {
    let mut offered = Vec::new();
    let mut offer = |key: char, action: Action, name: &str| {
        offered.push((key, action, name.to_owned()));
    };
    match here.screen {
        Screen::Welcome => offer('n', Action::Next, "begin"),
        Screen::Help => offer('t', Action::Text, "back to the text"),
        Screen::List => {
            offer('c', Action::Choose, "choose (or Enter)");
            offer('f', Action::Filter, "filter: all, open, done");
            offer('t', Action::Text, "back to the text");
            offer('X', Action::ResetAll, "reset all");
        }
        Screen::Text | Screen::About => offer_at_a_step(here, &mut offer),
    }
    offer('?', Action::Help, "help");
    offer('q', Action::Quit, "quit");
    offered
}

fn offer_at_a_step(here: &Situation, offer: &mut dyn FnMut(char, Action, &str)) {
    let passed = here.exercise == Some(Passed(true));
    let next = match (here.is_last, here.exercise) {
        (true, _) => "finish",
        (false, Some(Passed(false))) => "skip",
        (false, _) => "next",
    };
    if here.exercise.is_none() || passed {
        offer('n', Action::Next, next);
    }
    if here.exercise.is_some() {
        offer('c', Action::Check, "check");
        offer('e', Action::Edit, "edit");
        if here.languages > 1 {
            offer('E', Action::EditOther, "edit in another language");
        }
    }
    offer('p', Action::Play, "play: the Redis prompt");
    if here.by_hand == ByHand::Answer {
        offer('j', Action::Judge, "judge what was done");
    }
    if here.by_hand != ByHand::Nothing {
        offer('o', Action::StartOver, "over: a fresh server");
    }
    offer_help_with_the_exercise(here, offer);
    match here.examples {
        0 => {}
        1 => offer('r', Action::Example(0), "run the example"),
        _ => offer('r', Action::Example(0), "run example 1; 2, 3, … the others"),
    }
    if here.screen == Screen::About {
        offer('t', Action::Text, "text");
    }
    if here.exercise == Some(Passed(false)) {
        offer('n', Action::Next, next);
    }
    offer('N', Action::NextExercise, "next open exercise");
    if !here.is_first {
        offer('b', Action::Back, "back");
    }
    offer('l', Action::List, "list");
}

fn offer_help_with_the_exercise(here: &Situation, offer: &mut dyn FnMut(char, Action, &str)) {
    if here.exercise.is_none() {
        return;
    }
    if here.hints > 0 {
        let next = here.hint.map_or(0, |hint| (hint + 1) % here.hints);
        offer('h', Action::Hint, &format!("hint {} of {}", next + 1, here.hints));
    }
    if here.hint.is_some_and(|hint| hint > 0) {
        offer('H', Action::HintBefore, "hint before");
    }
    offer('s', Action::Solution, "solution");
    offer('x', Action::Reset, "reset");
}

/// How the keys stand on the screen: `c check`, and `n next` where the rest of a name has no place.
pub(super) fn labels(here: &Situation) -> Vec<String> {
    let short = |name: &str| name.split([':', ';']).next().unwrap_or(name).to_owned();
    // The others stand in the help.
    let is_shown = |action: &Action| {
        !matches!(action, Action::EditOther | Action::HintBefore | Action::NextExercise)
    };
    let offered = offered(here).into_iter().filter(|(_, action, _)| is_shown(action));
    offered.map(|(key, _, name)| format!("{key} {}", short(&name))).collect()
}

/// What a key does here.
pub(super) fn action(key: Key, here: &Situation) -> Option<Action> {
    match (key, here.screen) {
        (Key::Enter | Key::Escape, Screen::Welcome) => Some(Action::Next),
        (Key::Enter, Screen::List) => Some(Action::Choose),
        (Key::Escape, Screen::Text) => None,
        (Key::Escape, _) => Some(Action::Text),
        (Key::Number(number), Screen::Text | Screen::About)
            if (1..=here.examples).contains(&number) =>
        {
            Some(Action::Example(number - 1))
        }
        (Key::Char(letter), _) => {
            offered(here).into_iter().find(|(key, ..)| *key == letter).map(|(_, action, _)| action)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_an_exercise(passed: bool) -> Situation {
        Situation { exercise: Some(Passed(passed)), languages: 2, hints: 2, ..Situation::default() }
    }

    #[test]
    fn every_key_means_one_thing() {
        let by_hand = Situation { by_hand: ByHand::Answer, ..at_an_exercise(false) };
        let exercise = Situation { hint: Some(1), ..by_hand };
        let list = Situation { screen: Screen::List, ..Situation::default() };
        for here in [exercise, list, Situation { examples: 3, ..Situation::default() }] {
            let mut keys: Vec<char> = offered(&here).iter().map(|(key, ..)| *key).collect();
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
        let shown = |hint| Situation { hint, ..at_an_exercise(false) };
        assert!(labels(&shown(None)).contains(&"h hint 1 of 2".to_owned()));
        assert!(labels(&shown(Some(0))).contains(&"h hint 2 of 2".to_owned()));
        assert!(labels(&shown(Some(1))).contains(&"h hint 1 of 2".to_owned()));
        assert_eq!(action(Key::Char('H'), &shown(Some(1))), Some(Action::HintBefore));
    }

    #[test]
    fn a_number_runs_that_example() {
        let here = Situation { examples: 2, ..Situation::default() };
        assert_eq!(action(Key::Number(2), &here), Some(Action::Example(1)));
        assert_eq!(action(Key::Number(3), &here), None);
    }

    #[test]
    fn work_by_hand_is_not_judged_where_only_a_program_answers() {
        let by_hand = Situation { by_hand: ByHand::Exploration, ..at_an_exercise(false) };
        assert_eq!(action(Key::Char('j'), &by_hand), None);
        assert_eq!(action(Key::Char('o'), &by_hand), Some(Action::StartOver));
        let typed = Situation { by_hand: ByHand::Answer, ..by_hand };
        assert_eq!(action(Key::Char('j'), &typed), Some(Action::Judge));
    }

    #[test]
    fn what_is_not_offered_has_no_key() {
        assert_eq!(action(Key::Char('s'), &Situation::default()), None);
        assert_eq!(action(Key::Char('j'), &at_an_exercise(false)), None);
    }
}
