//! Whether this machine has more to do than it can.

use std::time::{Duration, Instant};

/// Where Linux tells for how long somebody had to wait for a processor.
const PRESSURE: &str = "/proc/pressure/cpu";

/// Begins to look; tells nothing where the system does not.
#[derive(Debug)]
pub struct Pressure {
    began: Instant,
    waited: Option<Duration>,
}

impl Pressure {
    /// From now on.
    pub fn begin() -> Self {
        Self { began: Instant::now(), waited: waited() }
    }

    /// Whether somebody had to wait nearly all the time since. Sixteen cases at a time on two processors that do nothing
    /// else come to two fifths; with two programs beside them that want all they get, to nine tenths.
    pub fn is_high(&self) -> bool {
        let since = waited().zip(self.waited).map(|(now, before)| now.saturating_sub(before));
        since.is_some_and(|waited| waited > self.began.elapsed().mul_f64(0.75))
    }
}

/// Since the machine's start.
fn waited() -> Option<Duration> {
    micros(&std::fs::read_to_string(PRESSURE).ok()?).map(Duration::from_micros)
}

/// Of `some avg10=0.00 avg60=0.00 avg300=0.00 total=4711`, the first line.
fn micros(text: &str) -> Option<u64> {
    text.lines().find(|line| line.starts_with("some "))?.rsplit_once("total=")?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_in_which_some_waited_is_read() {
        let text = "some avg10=1.00 avg60=0.27 avg300=7.05 total=119010864\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=5\n";
        assert_eq!((micros(text), micros("")), (Some(119_010_864), None));
    }
}
