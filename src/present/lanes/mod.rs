//! The picture of an attempt: lanes over one time axis for what the answer sent, what went on in
//! the background, who had to wait, what the file holds, and the crash.

mod answer;
mod axis;
mod canvas;
mod contents;
mod draw;
mod gather;
mod layout;
mod others;
mod server;
mod values;
mod words;

#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::attempt::evidence::Evidence;
use crate::lesson::Moment;
use crate::present::plain;
use crate::present::text::without_colors;
use crate::verdict::Verdict;
use crate::verdict::work::{WorkSpan, work};
use values::{Content, Picture, Told};

/// The maximum width of the picture.
const WIDEST: usize = 100;
/// The width in the journal and in its export.
const EXPORTED: usize = 80;

/// The picture within `width` columns, in plain output as sentences; empty if the attempt is not
/// about order or waiting.
pub fn picture(evidence: &Evidence, verdict: &Verdict, width: usize) -> String {
    let Some(picture) = values(evidence, verdict) else { return String::new() };
    if plain::is_on() {
        return words::sentences(&picture, width);
    }
    draw::drawn(&picture, width.min(WIDEST))
}

/// The same, always drawn, and without colours.
pub(super) fn exported(evidence: &Evidence, verdict: &Verdict) -> Option<String> {
    let picture = values(evidence, verdict)?;
    Some(without_colors(&draw::drawn(&picture, EXPORTED)))
}

/// Whether the attempt is about order or waiting: something went on in the background, others
/// waited, the server was killed, messages came, or the answer's time was over.
fn is_about_order(evidence: &Evidence, work: &[WorkSpan]) -> bool {
    let timeline = &evidence.timeline;
    if evidence.invalid.is_some() || timeline.exchanges.is_empty() {
        return false;
    }
    let ends = [Moment::Crash, Moment::Restart];
    let was_killed = ends.iter().any(|at| evidence.looks.contains_key(at));
    let is_watched = evidence.waits.as_ref().is_some_and(|waits| waits.pings > 0);
    !work.is_empty()
        || was_killed
        || is_watched
        || !timeline.marks.is_empty()
        || !timeline.messages.is_empty()
        || !timeline.steps.is_empty()
        || evidence.run.timed_out()
}

fn values(evidence: &Evidence, verdict: &Verdict) -> Option<Picture> {
    let work = work(evidence);
    if !is_about_order(evidence, &work) {
        return None;
    }
    let pointers = super::evidence::pointers(verdict);
    let mut picture = Picture::default();
    answer::add(&mut picture, evidence, pointers);
    others::add(&mut picture, evidence);
    server::add(&mut picture, evidence, &work, pointers);
    picture.story.sort_by_key(Told::order);
    let has_points = picture
        .lanes
        .iter()
        .any(|lane| matches!(&lane.content, Content::Points(points) if points.len() > 1));
    has_points.then_some(picture)
}

/// `3 ms` up to a tenth of a second, `0.5 s` above.
fn time(at: Duration) -> String {
    let millis = at.as_secs_f64() * 1000.0;
    match millis {
        ..=0.0 => "0 s".to_owned(),
        ..0.95 => format!("{millis:.1} ms"),
        ..99.5 => format!("{millis:.0} ms"),
        ..9_950.0 => format!("{:.1} s", millis / 1000.0),
        _ => format!("{:.0} s", millis / 1000.0),
    }
}
