//! What the thread beside an answer has seen and done, and why nothing can be judged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::evidence::{Look, Observation, Violation};
use crate::error::{EnvironmentError, EnvironmentErrorKind};
use crate::lesson::{Exercise, Moment, Trigger};
use crate::relay::{Mark, Step, StepKind, Timeline};
use crate::topics::{self, BackgroundWork};

/// What the watcher has seen and done so far.
#[derive(Debug, Clone, Default)]
pub(super) struct WatcherReport {
    /// The ends of background work, each with the last moment at which it was still running:
    /// commands after that count as run after the end.
    pub(super) ends: Vec<Mark>,
    /// The beginnings of background work, whoever asked for it.
    pub(super) begins: Vec<Mark>,
    /// The server at the last end of each work, by the work's name.
    pub(super) ended: BTreeMap<&'static str, Arc<Observation>>,
    /// The server at the moment of each `[[meanwhile]]` that came, by its index.
    pub(super) moments: BTreeMap<usize, Arc<Observation>>,
    /// What was done beside the answer.
    pub(super) steps: Vec<Step>,
    /// The first moment at which each check with `at = "always"` was not met, by its index.
    pub(super) violations: BTreeMap<usize, Violation>,
    /// The server at the last look, for checks with `at = "always"`.
    pub(super) last: Option<Arc<Observation>>,
    /// Why nothing can be judged.
    pub(super) failure: Option<EnvironmentError>,
}

impl WatcherReport {
    /// The server after each of the exercise's `[[meanwhile]]`s that happened, and before the
    /// answer's next command.
    pub(super) fn looks(&self, exercise: &Exercise) -> Vec<(Moment, Look)> {
        let mut looks = Vec::new();
        for (index, meanwhile) in exercise.meanwhile.iter().enumerate() {
            let look = match &meanwhile.when {
                Trigger::Ended(work) if meanwhile.steps.is_empty() => self.ended.get(work.name),
                _ => self.moments.get(&index),
            };
            looks.extend(look.map(|look| (Moment::Meanwhile(index), Ok(Observation::clone(look)))));
        }
        if exercise.checks.iter().any(|check| check.at == Moment::Always) {
            let last = self.last.as_deref().cloned();
            looks.extend(last.map(|look| (Moment::Always, Ok(look))));
        }
        looks
    }

    /// The indexes of the `[[meanwhile]]`s that came.
    pub(super) fn came(&self) -> BTreeSet<usize> {
        self.moments.keys().copied().collect()
    }

    /// The beginnings of work for which no client asked by a command of its own.
    pub(super) fn begun_by_itself(&self, timeline: &Timeline) -> Vec<Mark> {
        let mut begins = self.begins.clone();
        for work in topics::background().filter(|work| is_asked_for(work, timeline)) {
            begins.retain(|mark| mark.word != work.begin_trigger);
        }
        begins
    }
}

/// Adds this mark until there are so many of its word. Returns whether any was added.
pub(super) fn add_up_to(count: usize, mark: Mark, marks: &mut Vec<Mark>) -> bool {
    let known = marks.iter().filter(|known| known.word == mark.word).count();
    let new = count.saturating_sub(known);
    marks.extend(std::iter::repeat_n(mark, new));
    new > 0
}

fn is_asked_for(work: &BackgroundWork, timeline: &Timeline) -> bool {
    timeline.exchanges.iter().any(|exchange| work.is_begun_by(&exchange.name()))
        || timeline
            .steps
            .iter()
            .any(|step| matches!(&step.what, StepKind::Ran { line, .. } if work.is_begun_by(line)))
}

pub(super) fn authors_error(exercise: &str, what: &str) -> EnvironmentError {
    let help = "the cause is the lesson's `toml exercise` block or its setup, not the answer";
    let error = EnvironmentError::new(format!("`{exercise}` {what}"), help);
    error.of(EnvironmentErrorKind::FailedSetup)
}

pub(super) fn missed_a_look() -> EnvironmentError {
    let fact = "the server could not be looked at after each of the answer's commands";
    let help = "try again; an answer that turns replies off (CLIENT REPLY) cannot be checked here";
    EnvironmentError::new(fact, help).of(EnvironmentErrorKind::Stall)
}
