//! The time that a busy machine takes from a program.

use std::time::{Duration, Instant};

use crate::cleanup::Leader;

/// The unit of a process's time on Linux.
const TICK: Duration = Duration::from_millis(10);

/// The time that a busy machine has taken from a program.
#[derive(Default)]
pub(super) struct LostTime {
    /// How late we were woken: such a machine has as little time for the program.
    pub(super) late: Duration,
    /// For how long it could have run, and did not.
    waited: Duration,
    since: Option<(Instant, u64)>,
}

impl LostTime {
    pub(super) fn look(&mut self, ready: Option<Leader>, now: Instant) {
        if let (Some((since, before)), Some(leader)) = (self.since, ready) {
            let ran = TICK * u32::try_from(leader.ticks.saturating_sub(before)).unwrap_or(u32::MAX);
            self.waited += (now - since).saturating_sub(ran);
        }
        self.since = ready.map(|leader| (now, leader.ticks));
    }

    pub(super) fn time(&self) -> Duration {
        self.late.max(self.waited)
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
}
