//! Finds room for the picture: in how many rows and with how much detail each lane is drawn, and
//! what is left out.

use std::time::Duration;

use super::axis::{Axis, StopId, Stops};
use super::values::{Content, Lane, Picture, Point, Span, Weight};
use crate::present::text::display_width;

/// How the points of a lane are drawn.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// Each lane's points take turns in so many rows.
    pub rows: usize,
    /// Which of the texts of a point.
    pub detail: usize,
}

/// From the best form to the last resort.
const FORMS: [Form; 8] = [
    Form { rows: 1, detail: 0 },
    Form { rows: 1, detail: 1 },
    Form { rows: 1, detail: 2 },
    Form { rows: 2, detail: 1 },
    Form { rows: 2, detail: 2 },
    Form { rows: 3, detail: 2 },
    Form { rows: 2, detail: 3 },
    Form { rows: 3, detail: 3 },
];

/// More points are never tried.
const MOST_POINTS: usize = 24;
/// A span is at least this wide, so that it is seen to be one.
const NARROWEST_SPAN: usize = 7;

pub struct Layout<'p> {
    pub form: Form,
    pub axis: Axis,
    pub lanes: Vec<LaidOut<'p>>,
    /// How many points are left out.
    pub left_out: usize,
}

/// A lane with the columns of its parts.
pub struct LaidOut<'p> {
    pub lane: &'p Lane,
    /// Of each point that is drawn; of each span its beginning and its end.
    pub points: Vec<(&'p Point, StopId)>,
    pub spans: Vec<(&'p Span, StopId, StopId)>,
}

impl<'p> Layout<'p> {
    /// `columns` are those behind the labels.
    pub fn new(picture: &'p Picture, columns: usize) -> Self {
        let all = weights(picture);
        let mut left_out = all.len().saturating_sub(MOST_POINTS);
        loop {
            // Points of the least weight go first, the later ones of equal weight before.
            let hidden = &all[..left_out];
            let is_last_try = left_out >= all.len();
            for form in FORMS {
                let (stops, lanes) = stops(picture, hidden, form);
                let columns = if is_last_try { usize::MAX / 2 } else { columns };
                let spare = if is_last_try { 0 } else { columns / 8 };
                if let Some(axis) = stops.axis(columns, spare) {
                    return Self { form, axis, lanes, left_out };
                }
            }
            left_out += 1;
        }
    }
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

fn stops<'p>(
    picture: &'p Picture,
    hidden: &[(Weight, usize, usize)],
    form: Form,
) -> (Stops, Vec<LaidOut<'p>>) {
    let mut stops = Stops::default();
    let mut lanes = Vec::new();
    for (number, lane) in picture.lanes.iter().enumerate() {
        let mut laid = LaidOut { lane, points: Vec::new(), spans: Vec::new() };
        match &lane.content {
            Content::Points(points) => {
                let is_hidden = |index: usize| {
                    hidden.iter().any(|(_, lane, other)| (*lane, *other) == (number, index))
                };
                let shown = points.iter().enumerate().filter(|(index, _)| !is_hidden(*index));
                let shown: Vec<&Point> = shown.map(|(_, point)| point).collect();
                laid.points = add_points(&mut stops, &shown, form);
            }
            Content::Spans(spans) => {
                for span in spans {
                    laid.spans.push(add_span(&mut stops, span, latest(picture)));
                }
            }
            Content::Caption { at, .. } => {
                stops.add(*at);
            }
            Content::Waits(_) => {}
        }
        lanes.push(laid);
    }
    (stops, lanes)
}

fn add_points<'p>(
    stops: &mut Stops,
    points: &[&'p Point],
    form: Form,
) -> Vec<(&'p Point, StopId)> {
    let mut added: Vec<(&Point, StopId)> = Vec::new();
    for (index, point) in points.iter().enumerate() {
        let stop = stops.add(point.at);
        if let Some((_, before)) = added.last() {
            stops.keep_apart(*before, stop, 1);
        }
        if let Some((above, before)) = index.checked_sub(form.rows).map(|index| added[index]) {
            stops.keep_apart(before, stop, width(above, form) + 1);
        }
        stops.give_room(stop, width(point, form));
        added.push((point, stop));
    }
    // Only now, so that they do not come between points of the same moment.
    for point in points {
        point.trail.map(|trail| stops.add(trail.until()));
    }
    added
}

/// The columns of a label with its sign.
fn width(point: &Point, form: Form) -> usize {
    1 + display_width(&point.texts[form.detail])
}

fn add_span<'p>(stops: &mut Stops, span: &'p Span, latest: Duration) -> (&'p Span, StopId, StopId) {
    let from = stops.add(span.from);
    stops.add(span.ran_until);
    let until = stops.add(span.until.unwrap_or(latest).max(span.from));
    stops.keep_apart(from, until, NARROWEST_SPAN);
    if !span.after.is_empty() {
        stops.give_room(until, 2 + display_width(span.after));
    }
    (span, from, until)
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
