//! What a menu offers, and how it says so.

use crate::answers;
use crate::editor;
use crate::lesson::{Example, Exercise, Language, Step};
use crate::redis_cli::words;
use crate::verify;

/// Everything that a menu offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Edit(Language),
    Type,
    Check(Language),
    Hint(usize),
    Solution,
    Example(usize),
    Forward(Forward),
    Back,
    Lessons,
    Quit,
}

/// What going on means here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Forward {
    /// To the next step.
    Next,
    /// Past an exercise that is still open.
    Skip,
    /// From the last step.
    Finish,
}

/// Where a menu is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'l> {
    pub(super) step: &'l Step,
    pub(super) index: usize,
    pub(super) is_last: bool,
}

impl Place<'_> {
    fn forward(self, is_open: bool) -> Action {
        Action::Forward(match (self.is_last, is_open) {
            (true, _) => Forward::Finish,
            (false, true) => Forward::Skip,
            (false, false) => Forward::Next,
        })
    }

    /// The way out of every menu; from the first step there is none back.
    fn ways_out(self) -> impl Iterator<Item = Action> {
        let back = (self.index > 0).then_some(Action::Back);
        back.into_iter().chain([Action::Lessons, Action::Quit])
    }

    fn examples(self) -> impl Iterator<Item = Action> {
        (0..self.step.examples.len()).map(Action::Example)
    }
}

/// At a step to be read.
pub(super) fn reading(place: Place<'_>) -> Vec<Action> {
    let mut menu = vec![place.forward(false)];
    menu.extend(place.examples());
    menu.extend(place.ways_out());
    menu
}

/// At an exercise: once passed, going on comes first; before, working does.
pub(super) fn exercise(
    place: Place<'_>,
    exercise: &Exercise,
    passed: bool,
    hints_shown: usize,
) -> Vec<Action> {
    let languages = exercise.languages();
    let mut menu = Vec::new();
    menu.extend(passed.then(|| place.forward(false)));
    menu.extend(languages.iter().copied().map(Action::Edit));
    menu.extend(languages.contains(&Language::Redis).then_some(Action::Type));
    menu.extend(answers::begun(exercise).into_iter().map(Action::Check));
    if !exercise.hints.is_empty() {
        menu.push(Action::Hint(hints_shown % exercise.hints.len()));
    }
    menu.push(Action::Solution);
    menu.extend(place.examples());
    menu.extend((!passed).then(|| place.forward(true)));
    menu.extend(place.ways_out());
    menu
}

/// The place of what was chosen last, so that Enter repeats it: the next hint, the next try.
pub(super) fn start(menu: &[Action], last: Option<Action>) -> usize {
    let same = |action: &Action| match (action, last) {
        (Action::Hint(_), Some(Action::Hint(_))) => true,
        (action, last) => Some(*action) == last,
    };
    menu.iter().position(same).unwrap_or(0)
}

/// The action in the student's words.
pub(super) fn label(action: Action, step: &Step) -> String {
    match (action, &step.exercise) {
        (Action::Edit(language), Some(exercise)) => edit_label(exercise, language),
        (Action::Check(language), Some(exercise)) => {
            format!("check {}", answers::path(exercise, language).display())
        }
        (Action::Hint(number), Some(exercise)) => {
            format!("hint {} of {}", number + 1, exercise.hints.len())
        }
        (Action::Example(number), _) => example_label(&step.examples, number),
        (action, _) => word(action).to_owned(),
    }
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Edit(_) => "write",
        Action::Type => "type Redis commands one by one",
        Action::Check(_) => "check",
        Action::Hint(_) => "hint",
        Action::Solution => "solution",
        Action::Example(_) => "run the example",
        Action::Forward(Forward::Next) => "next",
        Action::Forward(Forward::Skip) => "skip",
        Action::Forward(Forward::Finish) => "finish",
        Action::Back => "back",
        Action::Lessons => "lessons",
        Action::Quit => "quit",
    }
}

/// `write Python in nano: answers/creating-snapshots.py`.
fn edit_label(exercise: &Exercise, language: Language) -> String {
    let what = match language {
        Language::Python => "Python",
        Language::Redis => "Redis commands",
    };
    let editor = editor::name().unwrap_or_else(|| "your editor".to_owned());
    format!("write {what} in {editor}: {}", answers::path(exercise, language).display())
}

/// With its number where there are several, and with the commands by which a reader knows it again.
fn example_label(examples: &[Example], number: usize) -> String {
    let example = &examples[number];
    let which = if examples.len() > 1 {
        format!("example {}", number + 1)
    } else {
        "the example".to_owned()
    };
    match example.code.language {
        Language::Python => format!("run {which} (Python)"),
        Language::Redis => format!("run {which} ({})", command_names(example).join(", ")),
    }
}

fn command_names(example: &Example) -> Vec<String> {
    let mut names = Vec::new();
    for line in verify::commands_of(example).lines().filter(|line| !words::is_comment(line)) {
        let name = line.split_whitespace().next().unwrap_or_default().to_uppercase();
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
