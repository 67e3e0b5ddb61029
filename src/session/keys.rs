//! The available actions and their keys.

use super::console::Key;

/// Everything a key can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Check,
    Edit,
    EditOther,
    Prompt,
    Judge,
    StartOver,
    /// Shows the verdict, or all of it.
    Verdict,
    Hint,
    HintBefore,
    Solution,
    Reset,
    ResetAll,
    Example(usize),
    Text,
    Next,
    /// Goes to the next open exercise, skipping the text before it.
    NextExercise,
    Back,
    List,
    Filter,
    Choose,
    Help,
    Quit,
}

impl Action {
    /// Whether it must wait until the worker has handled the earlier request.
    pub(super) fn needs_a_server(self) -> bool {
        matches!(
            self,
            Self::Check
                | Self::Edit
                | Self::EditOther
                | Self::Prompt
                | Self::Judge
                | Self::StartOver
                | Self::Example(_)
        )
    }

    /// Whether the screen shows its key; the others are only in the help.
    fn has_label(self) -> bool {
        !matches!(self, Self::EditOther | Self::HintBefore | Self::NextExercise)
    }
}

/// What determines the available actions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Situation {
    pub(super) screen: ScreenKind,
    /// `None` at a step without an exercise.
    pub(super) exercise: Option<Passed>,
    /// In how many languages the exercise can be answered.
    pub(super) languages: usize,
    pub(super) verdict: VerdictKey,
    pub(super) hints: usize,
    /// The index of the last hint shown.
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
    /// Work that cannot be judged here.
    Exploration,
    /// Work that can be judged.
    Answer,
}

/// What the key of the verdict does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum VerdictKey {
    /// There is no verdict yet.
    #[default]
    Nothing,
    /// Shows it, or goes back to its short form.
    Short,
    /// Shows all of it.
    Details,
}

/// Whether an exercise has been passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Passed(pub(super) bool);

/// The kinds of screens that differ in their keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum ScreenKind {
    Welcome,
    /// A step's text.
    #[default]
    Text,
    /// A verdict, a hint, the solution, or an example's output.
    About,
    List,
    Help,
}

/// Each available action with its key and its name, the most likely first.
pub(super) fn offered(here: &Situation) -> Vec<(char, Action, String)> {
    let mut offers = Offers(Vec::new());
    match here.screen {
        ScreenKind::Welcome => offers.add('n', Action::Next, "begin"),
        ScreenKind::Help => {
            offers.add('t', Action::Text, "back to the text");
            offers.add('q', Action::Text, "close this help");
            return offers.0;
        }
        ScreenKind::List => {
            offers.add('c', Action::Choose, "choose (or Enter)");
            offers.add('f', Action::Filter, "filter: all, open, done");
            offers.add('t', Action::Text, "back to the text");
            offers.add('X', Action::ResetAll, "reset all");
        }
        ScreenKind::Text | ScreenKind::About => offers.add_for_a_step(here),
    }
    offers.add('?', Action::Help, "help");
    offers.add('q', Action::Quit, "quit");
    offers.0
}

/// Collects what [`offered`] returns.
struct Offers(Vec<(char, Action, String)>);

impl Offers {
    fn add(&mut self, key: char, action: Action, name: &str) {
        self.0.push((key, action, name.to_owned()));
    }

    fn add_for_a_step(&mut self, here: &Situation) {
        let passed = here.exercise == Some(Passed(true));
        let next = match (here.is_last, here.exercise) {
            (true, _) => "finish",
            (false, Some(Passed(false))) => "skip",
            (false, _) => "next",
        };
        if here.exercise.is_none() || passed {
            self.add('n', Action::Next, next);
        }
        match here.verdict {
            VerdictKey::Nothing => {}
            VerdictKey::Short => self.add('d', Action::Verdict, "verdict"),
            VerdictKey::Details => self.add('d', Action::Verdict, "details"),
        }
        if here.exercise.is_some() {
            self.add('c', Action::Check, "check");
            self.add('e', Action::Edit, "edit");
            if here.languages > 1 {
                self.add('E', Action::EditOther, "edit in another language");
            }
        }
        self.add('p', Action::Prompt, "prompt: for Redis commands");
        if here.by_hand == ByHand::Answer {
            self.add('j', Action::Judge, "judge what was done");
        }
        if here.by_hand != ByHand::Nothing {
            self.add('o', Action::StartOver, "start over: a fresh server");
        }
        self.add_help_with_the_exercise(here);
        match here.examples {
            0 => {}
            1 => self.add('r', Action::Example(0), "run the example"),
            _ => self.add('r', Action::Example(0), "run example 1; 2, 3, … the others"),
        }
        if here.screen == ScreenKind::About {
            self.add('t', Action::Text, "text");
        }
        if here.exercise == Some(Passed(false)) {
            self.add('n', Action::Next, next);
        }
        self.add('N', Action::NextExercise, "next open exercise");
        if !here.is_first {
            self.add('b', Action::Back, "back");
        }
        self.add('l', Action::List, "list");
    }

    fn add_help_with_the_exercise(&mut self, here: &Situation) {
        if here.exercise.is_none() {
            return;
        }
        if here.hints > 0 {
            let next = here.hint.map_or(0, |hint| (hint + 1) % here.hints);
            self.add('h', Action::Hint, &format!("hint {} of {}", next + 1, here.hints));
        }
        if here.hint.is_some_and(|hint| hint > 0) {
            self.add('H', Action::HintBefore, "previous hint");
        }
        self.add('s', Action::Solution, "solution");
        self.add('x', Action::Reset, "reset");
    }
}

/// The labels of the keys on the screen, such as `c check`.
pub(super) fn labels(here: &Situation) -> Vec<String> {
    let mut labels = Vec::new();
    for (key, action, name) in offered(here) {
        if action.has_label() {
            labels.push(format!("{key} {}", short_name(&name)));
        }
    }
    labels
}

/// `prompt` of `prompt: for Redis commands`.
fn short_name(name: &str) -> &str {
    name.split([':', ';']).next().unwrap_or(name)
}

/// What a key does here.
pub(super) fn action(key: Key, here: &Situation) -> Option<Action> {
    match (key, here.screen) {
        (Key::Enter | Key::Escape, ScreenKind::Welcome) => Some(Action::Next),
        (Key::Enter, ScreenKind::List) => Some(Action::Choose),
        (Key::Escape, ScreenKind::Text) => None,
        (Key::Escape, _) => Some(Action::Text),
        (Key::Number(number), ScreenKind::Text | ScreenKind::About)
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
        let list = Situation { screen: ScreenKind::List, ..Situation::default() };
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
