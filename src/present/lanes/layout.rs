//! Finds room for the picture: in how many rows and with how much detail each lane is drawn, and
//! what is left out.

use std::time::Duration;

use super::axis::{Axis, StopId, Stops};
use super::values::{Content, DETAILS, Lane, Picture, Point, Span, Weight};
use crate::present::text::display_width;

/// How the points of a lane are drawn.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// Two or more: what is about work has a row for itself.
    pub rows: usize,
    /// Which of the texts of a point.
    detail: usize,
    /// The divisor of the columns that are kept for long periods.
    spare: usize,
}

impl Form {
    const fn new(rows: usize, detail: usize, spare: usize) -> Self {
        Self { rows, detail, spare }
    }

    pub fn text(self, point: &Point) -> &str {
        let detail = match self.detail {
            detail @ 1.. if point.weight < Weight::AskedKey => detail + 1,
            detail => detail,
        };
        &point.texts[detail.min(DETAILS - 1)]
    }

    /// The columns of a label with its sign.
    fn width(self, point: &Point) -> usize {
        1 + display_width(self.text(point))
    }

    /// The row of each point.
    pub fn rows_of(self, points: &[&Point]) -> Vec<usize> {
        let others = self.rows.saturating_sub(1).max(1);
        let mut next = 0;
        let mut used: Vec<usize> = Vec::new();
        let mut rows = Vec::new();
        for point in points {
            let row = if self.rows > 1 && point.is_about_work {
                self.rows - 1
            } else {
                next += 1;
                (next - 1) % others
            };
            // One reads from above: the row that begins first stands first.
            let place = used.iter().position(|other| *other == row);
            rows.push(place.unwrap_or(used.len()));
            if place.is_none() {
                used.push(row);
            }
        }
        rows
    }
}

/// From the best form to the last resort.
const FORMS: [Form; 15] = [
    Form::new(1, 0, 2),
    Form::new(1, 1, 2),
    Form::new(2, 1, 2),
    Form::new(1, 2, 2),
    Form::new(2, 2, 2),
    Form::new(1, 1, 4),
    Form::new(1, 2, 4),
    Form::new(2, 1, 5),
    Form::new(2, 2, 6),
    Form::new(3, 1, 5),
    Form::new(3, 2, 5),
    Form::new(2, 2, 12),
    Form::new(3, 2, 12),
    Form::new(2, 3, 12),
    Form::new(3, 3, 12),
];

/// More points are never tried.
pub(super) const MOST_POINTS: usize = 24;
/// As many spans of a lane are tried, the last ones.
const SPANS: [usize; 4] = [12, 5, 2, 1];
/// A span is at least this wide, so that it is seen to be one.
const NARROWEST_SPAN: usize = 7;

pub struct Layout<'p> {
    pub form: Form,
    pub axis: Axis,
    pub lanes: Vec<LaidOut<'p>>,
    /// How many commands are left out.
    pub left_out: usize,
    /// How many spans are left out, all of them early ones.
    pub spans_left_out: usize,
}

/// A lane with the columns of its parts.
pub struct LaidOut<'p> {
    pub lane: &'p Lane,
    /// Of each point that is drawn; of each span its beginning and its end.
    pub points: Vec<(&'p Point, StopId)>,
    pub spans: Vec<(&'p Span, StopId, StopId)>,
}

impl<'p> Layout<'p> {
    /// `columns` are those behind the labels. `None` if there is no room for anything.
    pub fn new(picture: &'p Picture, columns: usize) -> Option<Self> {
        SPANS.into_iter().find_map(|most_spans| Self::with_spans(picture, columns, most_spans))
    }

    fn with_spans(picture: &'p Picture, columns: usize, most_spans: usize) -> Option<Self> {
        let all = weights(picture);
        let times = Times { begin: begin(picture), latest: latest(picture) };
        let lasts = picture.lanes.iter().any(|lane| !matches!(lane.content, Content::Points(_)));
        let spans_left_out = picture.lanes.iter().map(|lane| lane.spans_beyond(most_spans)).sum();
        // Points of the least weight go first, the later ones of equal weight before.
        for left_out in all.len().saturating_sub(MOST_POINTS)..all.len() {
            for form in FORMS {
                let (stops, lanes) = stops(picture, &all[left_out..], most_spans, times, form);
                let spare = if lasts { columns / form.spare } else { 0 };
                if let Some(axis) = stops.axis(columns, spare) {
                    let left_out = count(picture, &all[..left_out]);
                    return Some(Self { form, axis, lanes, left_out, spans_left_out });
                }
            }
        }
        None
    }
}

/// The first and the last moment of the axis.
#[derive(Clone, Copy)]
struct Times {
    begin: Duration,
    latest: Duration,
}

/// Each point as (weight, lane, index), the least important first.
fn weights(picture: &Picture) -> Vec<(Weight, usize, usize)> {
    let mut all = Vec::new();
    for (lane, drawn) in picture.lanes.iter().enumerate() {
        if let Content::Points(points) = &drawn.content {
            let weights = points.iter().enumerate();
            all.extend(weights.map(|(index, point)| (point.weight, lane, index)));
        }
    }
    all.sort_by_key(|(weight, lane, index)| (*weight, *lane, std::cmp::Reverse(*index)));
    all
}

/// How many commands these points stand for.
fn count(picture: &Picture, points: &[(Weight, usize, usize)]) -> usize {
    let counts = points.iter().map(|(_, lane, index)| match &picture.lanes[*lane].content {
        Content::Points(points) => points[*index].count,
        _ => 0,
    });
    counts.sum()
}

/// `visible` are the points that are drawn.
fn stops<'p>(
    picture: &'p Picture,
    visible: &[(Weight, usize, usize)],
    most_spans: usize,
    times: Times,
    form: Form,
) -> (Stops, Vec<LaidOut<'p>>) {
    let mut stops = Stops::from(times.begin);
    let mut lanes = Vec::new();
    for (number, lane) in picture.lanes.iter().enumerate() {
        let mut laid = LaidOut { lane, points: Vec::new(), spans: Vec::new() };
        match &lane.content {
            Content::Points(points) => {
                let of_lane = visible.iter().filter(|(_, lane, _)| *lane == number);
                let mut shown: Vec<usize> = of_lane.map(|(.., index)| *index).collect();
                shown.sort_unstable();
                let shown: Vec<&Point> = shown.into_iter().map(|index| &points[index]).collect();
                laid.points = add_points(&mut stops, &shown, form);
            }
            Content::Spans(spans) => {
                for span in &spans[lane.spans_beyond(most_spans)..] {
                    laid.spans.push(add_span(&mut stops, span, times.latest));
                }
            }
            Content::Caption { at, .. } => {
                stops.add(*at);
            }
            Content::Waits(_) => {}
        }
        lanes.push(laid);
    }
    // What came first is further to the left in every lane.
    let points = lanes.iter().flat_map(|lane| lane.points.iter().map(|(_, stop)| *stop));
    let spans = lanes.iter().flat_map(|lane| lane.spans.iter());
    let edges = spans.flat_map(|(_, from, until)| [*from, *until]);
    stops.keep_order(points.chain(edges).collect());
    (stops, lanes)
}

fn add_points<'p>(stops: &mut Stops, points: &[&'p Point], form: Form) -> Vec<(&'p Point, StopId)> {
    let rows = form.rows_of(points);
    let mut added: Vec<(&Point, StopId)> = Vec::new();
    for (index, point) in points.iter().enumerate() {
        let stop = stops.add(point.at);
        if let Some((_, before)) = added.last() {
            stops.keep_apart(*before, stop, 1);
        }
        if let Some(left) = rows[..index].iter().rposition(|row| *row == rows[index]) {
            stops.keep_apart(added[left].1, stop, form.width(points[left]) + 1);
        }
        stops.give_room(stop, form.width(point));
        added.push((point, stop));
    }
    // Only now, so that they do not come between points of the same moment.
    for trail in points.iter().filter_map(|point| point.trail) {
        stops.add(trail.until());
    }
    added
}

fn add_span<'p>(stops: &mut Stops, span: &'p Span, latest: Duration) -> (&'p Span, StopId, StopId) {
    let from = stops.add(span.from);
    let end = span.until.unwrap_or(latest).max(span.from);
    stops.add(span.ran_until.min(end));
    let until = stops.add(end);
    stops.keep_apart(from, until, NARROWEST_SPAN);
    if !span.after.is_empty() {
        stops.give_room(until, 2 + display_width(span.after));
    }
    (span, from, until)
}

/// Where the axis begins: at the answer's beginning, or at its first command if nothing happened
/// for long before it, such as the start of Python.
fn begin(picture: &Picture) -> Duration {
    let mut first = Duration::MAX;
    for lane in &picture.lanes {
        if let Content::Points(points) = &lane.content {
            first = points.iter().map(|point| point.at).fold(first, Duration::min);
        }
    }
    if first == Duration::MAX || first * 20 < latest(picture) { Duration::ZERO } else { first }
}

/// The last moment of the picture.
fn latest(picture: &Picture) -> Duration {
    let mut latest = Duration::ZERO;
    for lane in &picture.lanes {
        let last = match &lane.content {
            Content::Points(points) => points.iter().map(|point| point.at).max(),
            Content::Spans(spans) => spans.iter().map(|span| span.ran_until).max(),
            Content::Waits(_) => None,
            Content::Caption { at, .. } => Some(*at),
        };
        latest = latest.max(last.unwrap_or_default());
    }
    latest
}
