//! Which `[[meanwhile]]`s are due.

use std::collections::BTreeMap;

use super::evidence::{Evidence, Observation};
use crate::lesson::{Exercise, Meanwhile, Trigger};
use crate::relay::{CommandOutcome, Exchange, resolve_transactions};

/// What has happened so far to each trigger of an exercise.
#[derive(Debug, Default)]
pub(super) struct Triggers {
    all: Vec<Meanwhile>,
    /// Whether each has fired.
    fired: Vec<bool>,
    /// How many commands that each waits for ran with success.
    counts: Vec<usize>,
    /// The commands since MULTI, by connection.
    open: BTreeMap<u32, Vec<Exchange>>,
}

impl Triggers {
    pub(super) fn new(exercise: &Exercise) -> Self {
        let all = &exercise.meanwhile;
        // Those of other worlds are never due.
        let fired = all.iter().map(|meanwhile| !exercise.includes(meanwhile)).collect();
        Self { all: all.clone(), fired, counts: vec![0; all.len()], open: BTreeMap::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether nothing is done, and all looks are at the end of work in the background.
    pub(super) fn are_only_looks(&self) -> bool {
        let others = self.indexes(|_, meanwhile| {
            !(meanwhile.steps.is_empty() && matches!(meanwhile.when, Trigger::Ended(_)))
        });
        others.is_empty()
    }

    pub(super) fn get(&self, index: usize) -> &Meanwhile {
        &self.all[index]
    }

    pub(super) fn has_fired(&mut self, index: usize) {
        self.fired[index] = true;
    }

    /// The indexes of those that wait for the start.
    pub(super) fn at_the_start(&self) -> Vec<usize> {
        self.indexes(|_, meanwhile| matches!(meanwhile.when, Trigger::Start))
    }

    /// Whether a command may fire one.
    pub(super) fn await_commands(&self) -> bool {
        let waiting = self.indexes(|_, meanwhile| {
            matches!(
                meanwhile.when,
                Trigger::Command { .. } | Trigger::Condition(_) | Trigger::Began(_)
            )
        });
        !waiting.is_empty()
    }

    /// Counts commands that were replied to.
    pub(super) fn note(&mut self, replied: Vec<Exchange>) {
        for exchange in replied {
            for ran in self.that_ran(exchange) {
                for (meanwhile, count) in self.all.iter().zip(&mut self.counts) {
                    if let Trigger::Command { words, .. } = &meanwhile.when
                        && ran.begins_with(words)
                    {
                        *count += 1;
                    }
                }
            }
        }
    }

    /// A killed answer's transactions never end.
    pub(super) fn forget_transactions(&mut self) {
        self.open.clear();
    }

    /// The commands that have run by this reply: those of MULTI run at EXEC.
    fn that_ran(&mut self, exchange: Exchange) -> Vec<Exchange> {
        let (connection, name) = (exchange.connection, exchange.name());
        let mut ran = match (self.open.remove(&connection), name.as_str()) {
            (None, "MULTI") => {
                self.open.insert(connection, vec![exchange]);
                return Vec::new();
            }
            (None, _) => vec![exchange],
            (Some(mut open), "EXEC" | "DISCARD" | "RESET") => {
                open.push(exchange);
                resolve_transactions(&mut open);
                open
            }
            (Some(mut open), _) => {
                open.push(exchange);
                self.open.insert(connection, open);
                return Vec::new();
            }
        };
        ran.retain(|exchange| exchange.outcome == CommandOutcome::Done);
        ran
    }

    /// The indexes of those that are due now, in the order of the file.
    pub(super) fn due(&self, now: &Observation, evidence: &Evidence) -> Vec<usize> {
        self.indexes(|index, meanwhile| match &meanwhile.when {
            Trigger::Start => false,
            Trigger::Command { nth, .. } => self.counts[index] >= *nth,
            Trigger::Condition(subject) => {
                subject.judge_at(now, evidence).is_some_and(|seen| seen.met)
            }
            Trigger::Began(work) => work.begun_since(&now.info, &evidence.before) > 0,
            Trigger::Ended(work) => work.ended_since(&now.info, &evidence.before) > 0,
        })
    }

    fn indexes(&self, counts: impl Fn(usize, &Meanwhile) -> bool) -> Vec<usize> {
        let all = self.all.iter().enumerate();
        let waiting = all.filter(|(index, _)| !self.fired[*index]);
        waiting.filter(|(index, one)| counts(*index, one)).map(|(index, _)| index).collect()
    }
}
