//! The time that a busy machine takes from a program that begins.

use std::time::{Duration, Instant};

use crate::cleanup::Leader;

/// The unit of a process's time on Linux.
const TICK: Duration = Duration::from_millis(10);

/// How much a Python runs until it has loaded redis-py. A program that has run for longer had its
/// chance: one without an end would else have twice its time.
const START: u64 = 50;

/// The time that a busy machine has taken from a program that begins.
#[derive(Default)]
pub(super) struct LostTime {
    /// For how long it could have run, and did not.
    time: Duration,
    since: Option<(Instant, u64)>,
}

impl LostTime {
    /// `ready`: the program, if it runs or would run if it could.
    pub(super) fn look(&mut self, ready: Option<Leader>, now: Instant) {
        let begins = ready.filter(|leader| leader.ticks < START);
        if let (Some((since, before)), Some(leader)) = (self.since, begins) {
            let ran = TICK * u32::try_from(leader.ticks.saturating_sub(before)).unwrap_or(u32::MAX);
            self.time += (now - since).saturating_sub(ran);
        }
        self.since = begins.map(|leader| (now, leader.ticks));
    }

    pub(super) fn time(&self) -> Duration {
        self.time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_in_which_a_program_could_have_run_and_did_not_is_lost() {
        let began = Instant::now();
        let ready = |ticks| Some(Leader { is_in_the_kernel: false, is_ready: true, ticks });
        let mut lost = LostTime::default();
        lost.look(ready(10), began);
        lost.look(ready(12), began + Duration::from_millis(50));
        lost.look(None, began + Duration::from_millis(100));
        lost.look(ready(12), began + Duration::from_millis(900));
        assert_eq!(lost.time(), Duration::from_millis(30));
    }

    #[test]
    fn a_program_that_has_run_for_long_loses_nothing() {
        let began = Instant::now();
        let ready = |ticks| Some(Leader { is_in_the_kernel: false, is_ready: true, ticks });
        let mut lost = LostTime::default();
        lost.look(ready(START), began);
        lost.look(ready(START), began + Duration::from_millis(50));
        assert_eq!(lost.time(), Duration::ZERO);
    }
}
