//! Whether chance kept a case from being judged, so that it is run again.

use super::prove::Proof;
use crate::error::WorldErrorKind;

/// A busy machine was seen to stand still for half of the time.
const STANDSTILLS: usize = 20;
/// An answer may end itself by SIGKILL, or the interpreter that it was forked from; then it does so again. Else it was the
/// system, short of memory, or somebody.
const KILLED: usize = 1;
/// What is not as it must be each time is told.
const HURRIED: usize = 3;
/// The same where the answer was out of time or its server silent: that is what a busy machine does.
const LATE: usize = 9;

/// What the runs of one case met up to now, and how often.
#[derive(Debug, Default)]
pub(super) struct Chance {
    /// This machine stood still.
    standstills: usize,
    /// The answer, or what it was forked from, was killed.
    pub(super) killed: usize,
    /// It was not as it must be, on a machine that had too much to do.
    hurried: usize,
}

impl Chance {
    /// Whether a case is to be run again of which the last run gave this.
    pub(super) fn asks_for_another(&mut self, proof: &Proof) -> bool {
        let kind = proof.unchecked.as_ref().map(|it| it.kind);
        let (times, most) = if kind == Some(WorldErrorKind::Standstill) {
            (&mut self.standstills, STANDSTILLS)
        } else if proof.is_killed || kind == Some(WorldErrorKind::LostFork) {
            (&mut self.killed, KILLED)
        } else if proof.is_hurried && !proof.problems.is_empty() {
            (&mut self.hurried, if proof.is_late() { LATE } else { HURRIED })
        } else {
            return false;
        };
        *times += 1;
        *times <= most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::WorldError;

    fn unchecked(kind: WorldErrorKind) -> Proof {
        let error = WorldError::new("lost", "look for it").of(kind);
        Proof { unchecked: Some(error), ..Proof::without_verdict("") }
    }

    #[test]
    fn a_killed_answer_is_run_again_once_also_behind_a_standstill() {
        let killed = Proof { is_killed: true, ..Proof::without_verdict("") };
        let runs = [unchecked(WorldErrorKind::Standstill), killed.clone(), killed];
        let mut chance = Chance::default();
        assert_eq!(runs.map(|it| chance.asks_for_another(&it)), [true, true, false]);
    }

    #[test]
    fn what_is_not_as_it_must_be_on_a_busy_machine_is_told_in_the_end() {
        let problems = vec!["does not pass".to_owned()];
        let proof = Proof { problems, is_hurried: true, ..Proof::without_verdict("") };
        let mut chance = Chance::default();
        let runs = (0..99).take_while(|_| chance.asks_for_another(&proof)).count();
        assert_eq!(runs, HURRIED);
    }

    #[test]
    fn what_chance_has_no_part_in_is_not_run_again() {
        let mut chance = Chance::default();
        assert!(!chance.asks_for_another(&Proof::without_verdict("")));
        assert!(!chance.asks_for_another(&unchecked(WorldErrorKind::Other)));
    }
}
