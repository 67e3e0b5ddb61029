//! The keys of pages that belong to no step.

use super::{Action, Offers};

/// What `n` does at a question of recall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum RecallKey {
    ShowAnswer,
    NextQuestion,
    GoOn,
}

/// What the page at an end offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct EndKeys {
    pub(in super::super) has_open: bool,
    pub(in super::super) has_hardest: bool,
    pub(in super::super) next: EndNext,
}

/// What follows the page at an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum EndNext {
    Nothing,
    Lesson,
    Course,
}

impl Offers {
    pub(super) fn add_for_the_welcome_back(&mut self) {
        self.add('n', Action::Next, "go on");
        self.add('r', Action::Recall, "recall");
        self.add('N', Action::NextExercise, "next open exercise");
        self.add('l', Action::List, "list");
    }

    pub(super) fn add_for_recall(&mut self, key: RecallKey) {
        let name = match key {
            RecallKey::ShowAnswer => "show the answer",
            RecallKey::NextQuestion => "next question",
            RecallKey::GoOn => "go on with the lesson",
        };
        self.add('n', Action::Next, name);
        self.add('t', Action::Text, "skip the questions");
    }

    pub(super) fn add_for_an_end(&mut self, keys: EndKeys) {
        match keys.next {
            EndNext::Nothing => self.add('n', Action::Next, ""),
            EndNext::Lesson => self.add('n', Action::Next, "next lesson"),
            EndNext::Course => self.add('n', Action::Next, "end of the course"),
        }
        if keys.has_open {
            self.add('N', Action::NextExercise, "next open exercise");
        }
        if keys.has_hardest {
            self.add('r', Action::TryAgain, "try the hardest again");
        }
        self.add('b', Action::Text, "back");
        self.add('t', Action::Text, "");
        self.add('l', Action::List, "list");
    }
}
