//! How many cases run at a time: a fixed number, or as many as the machine carries.
//!
//! Most of a case is waiting, so a machine carries many more than it has cores. Three things say
//! when it has enough: threads begin late (see [`machine_lateness`]; load averages lag behind by
//! minutes), memory runs low, or there are not enough file descriptors. All three can be asked on
//! every system that we support.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit};

use crate::attempt::machine_lateness;
use crate::cleanup::lock;

/// How many cases may run at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Jobs {
    Fixed(usize),
    /// From eight per core on, more or fewer as the machine carries, and never more than this.
    AsCarried {
        most: usize,
    },
}

/// Most that is worth trying: of 762 cases on two cores, 64 at a time took half as long as 16.
const PER_CORE: usize = 32;
const MOST: usize = 128;
/// What one case needs: a relay, its connections, and pipes to a program.
const DESCRIPTORS_EACH: u64 = 40;
const OTHER_DESCRIPTORS: u64 = 256;
/// How often the number is changed.
const INTERVAL: Duration = Duration::from_millis(200);
/// A beat that is later than this is felt by what a case measures: let some cases end first.
const LATE: Duration = Duration::from_millis(40);
/// Below this the machine has time left.
const PUNCTUAL: Duration = Duration::from_millis(12);
/// Shares of the memory in percent that must be free to go on, and to start more.
const LITTLE_MEMORY: u64 = 8;
const ENOUGH_MEMORY: u64 = 15;

impl Jobs {
    /// As many as this machine carries, with room for so many at most.
    pub fn as_carried(room: usize) -> Self {
        let open_files = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(_, hard)| hard);
        let files = open_files.saturating_sub(OTHER_DESCRIPTORS) / DESCRIPTORS_EACH;
        let files = usize::try_from(files).unwrap_or(MOST);
        Self::AsCarried { most: (PER_CORE * cores()).min(MOST).min(room).min(files).max(1) }
    }

    pub(super) fn most(self) -> usize {
        match self {
            Self::Fixed(number) => number,
            Self::AsCarried { most } => most,
        }
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Lets cases begin.
pub(super) struct Pace {
    jobs: Jobs,
    /// Not fewer where only threads are late: if others make them late, they stay so.
    least: usize,
    state: Mutex<State>,
    ended: Condvar,
}

struct State {
    running: usize,
    allowed: usize,
    changed: Instant,
}

/// A case that runs; it ends when this is dropped.
pub(super) struct Turn<'p>(&'p Pace);

/// What the machine says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pressure {
    None,
    Some,
    TooMuch,
    OutOfMemory,
}

impl Pace {
    pub(super) fn new(jobs: Jobs) -> Self {
        let usual = match jobs {
            Jobs::Fixed(number) => number,
            Jobs::AsCarried { most } => (8 * cores()).min(16).min(most),
        };
        let least = usual.min(4 * cores());
        let state = State { running: 0, allowed: usual, changed: Instant::now() };
        Self { jobs, least, state: Mutex::new(state), ended: Condvar::new() }
    }

    /// Waits until the machine carries another case.
    pub(super) fn begin(&self) -> Turn<'_> {
        let mut state = lock(&self.state);
        loop {
            self.adjust(&mut state);
            if state.running < state.allowed {
                state.running += 1;
                return Turn(self);
            }
            let waited = self.ended.wait_timeout(state, INTERVAL);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn adjust(&self, state: &mut State) {
        let Jobs::AsCarried { most } = self.jobs else { return };
        if state.changed.elapsed() < INTERVAL {
            return;
        }
        state.changed = Instant::now();
        state.allowed = match pressure(machine_lateness(), free_memory()) {
            // What is not used says nothing about what the machine carries.
            Pressure::None if state.running >= state.allowed => {
                (state.allowed + state.allowed / 8 + 1).min(most)
            }
            Pressure::TooMuch => (state.allowed * 3 / 4).max(self.least),
            Pressure::OutOfMemory => (state.allowed / 2).max(1),
            Pressure::None | Pressure::Some => state.allowed,
        };
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).running -= 1;
        self.0.ended.notify_one();
    }
}

fn pressure(lateness: Duration, free_memory: Option<u64>) -> Pressure {
    let memory = free_memory.unwrap_or(100);
    if memory < LITTLE_MEMORY {
        Pressure::OutOfMemory
    } else if lateness > LATE {
        Pressure::TooMuch
    } else if lateness < PUNCTUAL && memory > ENOUGH_MEMORY {
        Pressure::None
    } else {
        Pressure::Some
    }
}

/// The free share of the memory in percent: Linux tells it in a file; where there is none, nothing
/// is known, and the number of cases stays bounded by [`PER_CORE`].
fn free_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    free_share(&text)
}

fn free_share(meminfo: &str) -> Option<u64> {
    let field = |name: &str| {
        let mut lines = meminfo.lines();
        let rest = lines.find_map(|line| line.strip_prefix(name))?;
        rest.split_whitespace().next()?.parse::<u64>().ok()
    };
    (100 * field("MemAvailable:")?).checked_div(field("MemTotal:")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_machine_or_one_without_memory_gets_no_more_cases() {
        let punctual = Duration::from_millis(1);
        assert_eq!(pressure(punctual, None), Pressure::None);
        assert_eq!(pressure(punctual, Some(50)), Pressure::None);
        assert_eq!(pressure(punctual, Some(10)), Pressure::Some);
        assert_eq!(pressure(punctual, Some(3)), Pressure::OutOfMemory);
        assert_eq!(pressure(Duration::from_millis(20), None), Pressure::Some);
        assert_eq!(pressure(Duration::from_millis(90), Some(50)), Pressure::TooMuch);
    }

    #[test]
    fn free_memory_is_a_share_of_all() {
        let meminfo = "MemTotal:  200 kB\nMemFree:  10 kB\nMemAvailable:  50 kB\n";
        assert_eq!(free_share(meminfo), Some(25));
        assert_eq!(free_share(""), None);
    }

    #[test]
    fn a_fixed_number_is_kept() {
        let pace = Pace::new(Jobs::Fixed(2));
        let (_first, second) = (pace.begin(), pace.begin());
        assert_eq!(lock(&pace.state).running, 2);
        drop(second);
        let _third = pace.begin();
        assert_eq!(lock(&pace.state).running, 2);
    }
}
