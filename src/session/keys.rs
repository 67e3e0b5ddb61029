//! The available actions and their keys.

mod pages;

pub(super) use pages::{EndKeys, EndNext, RecallKey};

use super::console::Key;

/// Everything a key can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Checks the answer's file, or judges what was done by hand since it was saved.
    Check,
    Edit,
    EditOther,
    Prompt,
    StartOver,
    /// Shows the verdict, or all of it.
    Verdict,
    /// Lists the checks, or folds them to one line.
    Checks,
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
    /// Opens the hardest exercise again.
    TryAgain,
    /// Begins the questions of recall.
    Recall,
    Back,
    List,
    Search,
    EndSearch,
    Filter,
    OnlyOpen,
    OnlyDone,
    Choose,
    ResetChosen,
    Help,
    CloseHelp,
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
                | Self::StartOver
                | Self::Example(_)
        )
    }

    /// Whether the screen shows its key; the others are only in the help.
    fn has_label(self) -> bool {
        !matches!(self, Self::EditOther | Self::HintBefore | Self::NextExercise | Self::Filter)
    }
}

/// What determines the available actions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Situation {
    pub(super) screen: ScreenKind,
    pub(super) is_plain: bool,
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
    WelcomeBack,
    /// A question of recall.
    Recall(RecallKey),
    /// The end of a lesson or of the course.
    End(EndKeys),
    /// A step's text.
    #[default]
    Text,
    /// A verdict, a hint, the solution, or an example's output.
    About,
    List,
    /// The list, while the student types what to search for.
    Search,
    Help,
}

/// Each available action with its key and its name, the most likely first. One without a name has
/// no label.
pub(super) fn offered(here: &Situation) -> Vec<(Key, Action, String)> {
    let mut offers = Offers(Vec::new());
    match here.screen {
        ScreenKind::Welcome => {
            offers.add('n', Action::Next, "begin");
            offers.add('N', Action::NextExercise, "first open exercise");
            offers.add('l', Action::List, "list");
        }
        ScreenKind::WelcomeBack => offers.add_for_the_welcome_back(),
        ScreenKind::Recall(key) => offers.add_for_recall(key),
        ScreenKind::End(keys) => offers.add_for_an_end(keys),
        ScreenKind::Help => {
            offers.add('t', Action::Text, "back to the text");
            offers.add('q', Action::CloseHelp, "close this help");
            // What has opened it closes it, too.
            offers.add('?', Action::CloseHelp, "");
            return offers.0;
        }
        ScreenKind::Search => {
            offers.add_key(Key::Enter, Action::Choose, "open");
            offers.add_key(Key::Escape, Action::EndSearch, "clear the search");
            return offers.0;
        }
        ScreenKind::List => offers.add_for_the_list(here),
        ScreenKind::Text | ScreenKind::About => offers.add_for_a_step(here),
    }
    offers.add('?', Action::Help, "help");
    offers.add('q', Action::Quit, "quit");
    offers.0
}

/// Collects what [`offered`] returns.
struct Offers(Vec<(Key, Action, String)>);

impl Offers {
    fn add(&mut self, key: char, action: Action, name: &str) {
        self.add_key(Key::Char(key), action, name);
    }

    fn add_key(&mut self, key: Key, action: Action, name: &str) {
        self.0.push((key, action, name.to_owned()));
    }

    fn add_for_the_list(&mut self, here: &Situation) {
        self.add_key(Key::Enter, Action::Choose, "open");
        // In line mode, every letter would be a line.
        if !here.is_plain {
            self.add('/', Action::Search, "search");
        }
        self.add('d', Action::OnlyDone, "only done");
        self.add('o', Action::OnlyOpen, "only open");
        self.add('f', Action::Filter, "filter: all, open, done");
        self.add('N', Action::NextExercise, "next open exercise");
        self.add('b', Action::Text, "back");
        // As in other views, but without a second label.
        self.add('t', Action::Text, "");
        self.add('x', Action::ResetChosen, "reset");
        self.add('X', Action::ResetAll, "reset all");
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
            // Work by hand comes first, since a saved file has been checked already.
            let by_hand = here.by_hand == ByHand::Answer;
            self.add('c', Action::Check, if by_hand { "check what you did" } else { "check" });
            self.add('e', Action::Edit, "edit");
            if here.languages > 1 {
                self.add('E', Action::EditOther, "edit in another language");
            }
        }
        self.add('p', Action::Prompt, "prompt: for Redis commands");
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
        } else if here.exercise.is_some() && !here.is_plain {
            self.add('v', Action::Checks, "view checks");
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
        // At an end, the next open exercise is what is left to do.
        let is_at_an_end = matches!(here.screen, ScreenKind::End(_));
        let has_label = action.has_label() || (is_at_an_end && action == Action::NextExercise);
        if has_label && !name.is_empty() {
            // In line mode, entries are chosen by their numbers.
            let is_number = here.is_plain && action == Action::Choose;
            let key = if is_number { "a number".to_owned() } else { key_name(key) };
            labels.push(format!("{key} {}", short_name(&name)));
        }
    }
    labels
}

/// `prompt` of `prompt: for Redis commands`.
fn short_name(name: &str) -> &str {
    name.split([':', ';']).next().unwrap_or(name)
}

pub(super) fn key_name(key: Key) -> String {
    match key {
        Key::Char(' ') => "space".to_owned(),
        Key::Char(letter) => letter.to_string(),
        Key::Number(number) => number.to_string(),
        Key::Enter => "enter".to_owned(),
        Key::Escape => "esc".to_owned(),
        key => format!("{key:?}").to_lowercase(),
    }
}

/// What Enter does where there is nothing to choose, and the space bar at the end of a text. An
/// exercise is only skipped on request.
pub(super) fn going_on(here: &Situation) -> Option<Action> {
    match here.screen {
        ScreenKind::Welcome
        | ScreenKind::WelcomeBack
        | ScreenKind::Recall(_)
        | ScreenKind::End(_) => Some(Action::Next),
        ScreenKind::Text | ScreenKind::About if here.exercise != Some(Passed(false)) => {
            Some(Action::Next)
        }
        _ => None,
    }
}

/// What the space bar does at the end of a text, in a word; empty for nothing.
pub(super) fn at_the_end(here: &Situation) -> String {
    let goes_on = going_on(here);
    let next = offered(here).into_iter().find(|(_, action, _)| goes_on == Some(*action));
    next.map(|(.., name)| name).unwrap_or_default()
}

/// What a key does here.
pub(super) fn action(key: Key, here: &Situation) -> Option<Action> {
    let offered = offered(here).into_iter().find(|(offered, ..)| *offered == key);
    match (key, here.screen) {
        _ if offered.is_some() => offered.map(|(_, action, _)| action),
        (Key::Escape, ScreenKind::Welcome | ScreenKind::WelcomeBack) => Some(Action::Next),
        (Key::Enter | Key::Escape, ScreenKind::Help) => Some(Action::CloseHelp),
        (Key::Enter | Key::Char(' '), _) => going_on(here),
        (Key::Escape, screen) if screen != ScreenKind::Text => Some(Action::Text),
        (Key::Number(number), ScreenKind::Text | ScreenKind::About)
            if (1..=here.examples).contains(&number) =>
        {
            Some(Action::Example(number - 1))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
