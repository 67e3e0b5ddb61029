//! Which commands were run in which order.

use super::timeline::{CommandOutcome, Shown, Timeline};

impl Timeline {
    /// Whether commands that begin like these succeeded in this order, with any commands between.
    /// `accepts` decides by the index of an exchange whether its reply is the right one too; `None`
    /// if that is unknown.
    pub fn has_in_order<S: AsRef<[Vec<u8>]>>(
        &self,
        starts: &[S],
        accepts: impl Fn(&S, usize) -> Option<bool>,
    ) -> Shown {
        if self.run_in_order(starts, &accepts).len() == starts.len() {
            return Shown::Yes;
        }
        let possible = self.in_order(starts, |start, index| {
            may_have_succeeded(self.exchanges[index].outcome)
                && accepts(start, index) != Some(false)
        });
        let is_unknown = possible.len() == starts.len()
            || starts.iter().any(|start| self.may_have_lost(start.as_ref()));
        if is_unknown { Shown::Unknown } else { Shown::No }
    }

    /// The indexes of the earliest successful commands that begin like these, in this order. Ends
    /// at the first of `starts` that no command matches.
    pub fn run_in_order<S: AsRef<[Vec<u8>]>>(
        &self,
        starts: &[S],
        accepts: impl Fn(&S, usize) -> Option<bool>,
    ) -> Vec<usize> {
        self.in_order(starts, |start, index| {
            self.exchanges[index].outcome == CommandOutcome::Done
                && accepts(start, index) == Some(true)
        })
    }

    fn in_order<S: AsRef<[Vec<u8>]>>(
        &self,
        starts: &[S],
        counts: impl Fn(&S, usize) -> bool,
    ) -> Vec<usize> {
        let mut found = Vec::new();
        for index in self.as_they_ran() {
            let Some(next) = starts.get(found.len()) else { break };
            if self.exchanges[index].begins_with(next.as_ref()) && counts(next, index) {
                found.push(index);
            }
        }
        found
    }
}

fn may_have_succeeded(outcome: CommandOutcome) -> bool {
    matches!(outcome, CommandOutcome::Done | CommandOutcome::Unknown)
}
