//! What the keys of pages do that belong to no step.

use super::super::pages::{Recall, Scope};
use super::super::state::{State, View};
use crate::progress::ProgressChange;

impl State<'_> {
    /// Goes on from such a page. Returns whether there is one.
    pub(super) fn leave_page(&mut self) -> bool {
        match &self.view {
            View::WelcomeBack => self.look_at(View::Text),
            View::Recall(recall) => {
                let recall = recall.clone();
                self.go_on_recalling(recall);
            }
            View::End(scope) => {
                let ending = self.ending(*scope);
                if ending.next.is_some() {
                    self.go_to((self.at.0 + 1, 0));
                } else if ending.has_course_page() {
                    self.look_at(View::End(Scope::Course));
                } else {
                    self.tell("this is the end; `l` lists all steps");
                }
            }
            _ => return false,
        }
        true
    }

    /// The first exercise that the page at an end shows as open.
    pub(super) fn first_open_of_the_page(&self) -> Option<(usize, usize)> {
        let View::End(scope) = self.view else { return None };
        self.ending(scope).open.first().map(|(place, _)| *place)
    }

    pub(super) fn try_the_hardest_again(&mut self) {
        let View::End(scope) = self.view else { return };
        if let Some((place, _)) = self.ending(scope).hardest {
            self.go_to(place);
        }
    }

    pub(super) fn begin_recall(&mut self) {
        if let Some(recall) = Recall::of(self.course, &self.record) {
            self.ask(recall);
        }
    }

    fn go_on_recalling(&mut self, recall: Recall) {
        if !recall.shows_answer {
            self.view = View::Recall(recall.with_answer());
        } else if recall.is_last() {
            self.look_at(View::Text);
        } else {
            self.ask(recall.after());
        }
    }

    /// Shows a question, and remembers that, so that others come next time.
    fn ask(&mut self, recall: Recall) {
        self.save(ProgressChange::Recalled(recall.name(self.course)));
        self.look_at(View::Recall(recall));
    }
}
