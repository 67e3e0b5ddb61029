//! The time axis: which column each moment has.

use std::time::Duration;

/// Moments that get columns, and the room that they need.
#[derive(Debug, Default)]
pub struct Stops {
    /// The moment of the first column.
    begin: Duration,
    moments: Vec<Duration>,
    gaps: Vec<Gap>,
    /// A moment, and the columns that something at it takes.
    widths: Vec<(StopId, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StopId(usize);

/// The second moment is at least so many columns after the first one.
#[derive(Debug)]
struct Gap {
    first: StopId,
    second: StopId,
    columns: usize,
}

impl Stops {
    /// Moments from this one on.
    pub fn from(begin: Duration) -> Self {
        Self { begin, ..Self::default() }
    }

    pub fn add(&mut self, at: Duration) -> StopId {
        self.moments.push(at.max(self.begin));
        StopId(self.moments.len() - 1)
    }

    pub fn keep_apart(&mut self, first: StopId, second: StopId, columns: usize) {
        self.gaps.push(Gap { first, second, columns });
    }

    /// One column at least between all of these that are at different times.
    pub fn keep_order(&mut self, mut stops: Vec<StopId>) {
        stops.sort_by_key(|stop| self.moments[stop.0]);
        for pair in stops.windows(2) {
            if self.moments[pair[0].0] < self.moments[pair[1].0] {
                self.keep_apart(pair[0], pair[1], 1);
            }
        }
    }

    pub fn give_room(&mut self, at: StopId, columns: usize) {
        self.widths.push((at, columns));
    }

    /// The axis with the largest scale that fits into `columns`, of which `spare` are kept for
    /// long periods; `None` if nothing fits.
    pub fn axis(&self, columns: usize, spare: usize) -> Option<Axis> {
        if self.laid_out(0.0).1 + spare > columns {
            return None;
        }
        let last = self.moments.iter().max().copied().unwrap_or_default();
        let last = last.saturating_sub(self.begin).as_secs_f64();
        let (mut low, mut high) = (0.0, columns_f64(columns) / last.max(1e-6));
        for _ in 0..48 {
            let middle = f64::midpoint(low, high);
            if self.laid_out(middle).1 <= columns { low = middle } else { high = middle }
        }
        let positions = self.laid_out(low).0;
        let mut knots = vec![(self.begin.as_secs_f64(), 0.0)];
        for (moment, column) in self.moments.iter().zip(&positions) {
            knots.push((moment.as_secs_f64(), columns_f64(*column)));
        }
        knots.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
        let last = self.moments.iter().max().copied().unwrap_or_default();
        Some(Axis { begin: self.begin, last, per_second: low, positions, knots })
    }

    /// Each moment's column at this scale, and how many columns all take.
    fn laid_out(&self, per_second: f64) -> (Vec<usize>, usize) {
        let mut order: Vec<usize> = (0..self.moments.len()).collect();
        order.sort_by_key(|index| self.moments[*index]);
        let mut exact = vec![0.0_f64; self.moments.len()];
        let (mut at, mut time) = (0.0_f64, self.begin.as_secs_f64());
        for index in order {
            let now = self.moments[index].as_secs_f64();
            at += per_second * (now - time);
            time = now;
            for gap in self.gaps.iter().filter(|gap| gap.second.0 == index) {
                at = at.max(exact[gap.first.0].round() + columns_f64(gap.columns));
            }
            exact[index] = at;
        }
        let columns: Vec<usize> = exact.into_iter().map(rounded).collect();
        let last = columns.iter().map(|column| column + 1);
        let wide = self.widths.iter().map(|(id, width)| columns[id.0] + width);
        let all = last.chain(wide).max().unwrap_or(0);
        (columns, all)
    }
}

/// The columns of moments. Where much happens at once, the scale is stretched.
#[derive(Debug)]
pub struct Axis {
    pub begin: Duration,
    /// Columns a second, where nothing is stretched.
    per_second: f64,
    positions: Vec<usize>,
    /// The moments in seconds with their columns, in order.
    knots: Vec<(f64, f64)>,
    /// The time of the last moment.
    pub last: Duration,
}

impl Axis {
    pub fn column(&self, stop: StopId) -> usize {
        self.positions[stop.0]
    }

    /// The column of the last moment.
    pub fn end(&self) -> usize {
        self.positions.iter().max().copied().unwrap_or(0)
    }

    /// The column of any moment; of several moments at the same time, that of the last one.
    pub fn column_at(&self, at: Duration) -> usize {
        let (at, knots) = (at.as_secs_f64(), &self.knots);
        if let Some((_, column)) = knots.iter().rfind(|(time, _)| (time - at).abs() < 1e-9) {
            return rounded(*column);
        }
        match knots.iter().position(|(time, _)| *time > at) {
            None => self.end(),
            Some(0) => 0,
            Some(index) => {
                let ((t0, c0), (t1, c1)) = (knots[index - 1], knots[index]);
                rounded(c0 + (at - t0) / (t1 - t0) * (c1 - c0))
            }
        }
    }

    /// The moment of the left edge of a column.
    pub fn moment_at(&self, column: usize) -> Duration {
        let (column, knots) = (columns_f64(column), &self.knots);
        let Some(after) = knots.iter().position(|(_, other)| *other >= column) else {
            return self.last;
        };
        if after == 0 {
            return self.begin;
        }
        let ((t0, c0), (t1, c1)) = (knots[after - 1], knots[after]);
        let share = if c1 > c0 { (column - c0) / (c1 - c0) } else { 1.0 };
        Duration::try_from_secs_f64(t0 + share * (t1 - t0)).unwrap_or_default()
    }

    /// Whether these columns show less time than others do.
    pub fn is_stretched(&self, from: usize, until: usize) -> bool {
        let time = self.moment_at(until).saturating_sub(self.moment_at(from)).as_secs_f64();
        // Columns are rounded, so that one of the scale may be half of one.
        self.per_second * time < 0.4 * columns_f64(until - from)
    }

    /// A round number of seconds whose marks are at least `apart` columns apart.
    pub fn step(&self, apart: usize) -> Option<Duration> {
        let steps = [1, 2, 5]
            .into_iter()
            .flat_map(|digit| [1_u64, 10, 100, 1_000, 10_000, 100_000].map(|power| digit * power));
        let mut steps: Vec<u64> = steps.collect();
        steps.sort_unstable();
        let steps = steps.into_iter().map(Duration::from_millis);
        let mut wide =
            steps.filter(|step| self.per_second * step.as_secs_f64() >= columns_f64(apart));
        wide.next()
    }
}

fn columns_f64(columns: usize) -> f64 {
    f64::from(u32::try_from(columns).unwrap_or(u32::MAX))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "columns are few")]
fn rounded(column: f64) -> usize {
    column.round().max(0.0) as usize
}
