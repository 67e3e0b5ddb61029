//! Whether this machine has more to do than it can.

/// Where Linux tells what its processors did.
const PROCESSORS: &str = "/proc/stat";

/// Begins to look; tells nothing where the system does not.
#[derive(Debug)]
pub struct Pressure {
    before: Option<Ticks>,
}

/// Of all processors together, since the machine's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ticks {
    idle: u64,
    all: u64,
}

impl Pressure {
    /// From now on.
    pub fn begin() -> Self {
        Self { before: Ticks::now() }
    }

    /// Whether the processors were hardly ever idle since. Sixteen cases at a time on two that do nothing else leave them a
    /// third of the time; two programs beside them that want all they get leave none. (That somebody waits for a processor
    /// tells less: what waits for a lock whose holder waits for one does not count.)
    pub fn is_high(&self) -> bool {
        let since = Ticks::now().zip(self.before).map(|(now, before)| Ticks {
            idle: now.idle.saturating_sub(before.idle),
            all: now.all.saturating_sub(before.all),
        });
        since.is_some_and(|it| it.all > 0 && it.idle * 10 < it.all)
    }
}

impl Ticks {
    fn now() -> Option<Self> {
        Self::of(&std::fs::read_to_string(PROCESSORS).ok()?)
    }

    /// Of `cpu  user nice system idle iowait irq softirq steal guest guest_nice`, the first line; the last two are in the
    /// first two.
    fn of(text: &str) -> Option<Self> {
        let numbers = text.lines().next()?.strip_prefix("cpu ")?.split_whitespace().take(8);
        let ticks: Vec<u64> = numbers.map(str::parse).collect::<Result<_, _>>().ok()?;
        let idle = ticks.get(3)? + ticks.get(4)?;
        Some(Self { idle, all: ticks.iter().sum() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_a_disk_is_idle_and_guests_are_counted_once() {
        let text = "cpu  10 1 20 300 40 5 6 7 9 1\ncpu0 5 1 10 150 20 2 3 3 4 1\n";
        assert_eq!(Ticks::of(text), Some(Ticks { idle: 340, all: 389 }));
        assert_eq!(Ticks::of("no such line"), None);
    }
}
