//! The saves that a save point began, as far as they were seen to begin and to end.

use super::background::{SAVE, is_saving};
use super::saves::{DOING, LANE, is_followed, is_killed};
use crate::attempt::evidence::Evidence;
use crate::relay::{Mark, StepKind};
use crate::verdict::work::{WorkEnd, WorkSpan, Worker};

/// In order; none where another save may have run that was not seen, or something may have ended
/// one.
pub fn own_saves(evidence: &Evidence) -> Vec<WorkSpan> {
    let (begins, ends) = (marks(evidence, SAVE.begin_trigger), marks(evidence, SAVE.end_trigger));
    if begins.is_empty() || !are_all(evidence, begins.len()) {
        return Vec::new();
    }
    let mut saves = Vec::new();
    for (index, begin) in begins.iter().enumerate() {
        let end = ends.get(index);
        saves.push(WorkSpan {
            name: SAVE.name,
            lane: LANE,
            doing: DOING,
            worker: Worker::Child,
            from: begin.seen,
            is_scheduled: false,
            ran_until: end.map_or(begin.seen, |end| end.at.max(begin.seen)),
            end: end.map_or_else(|| still_running(evidence), |end| WorkEnd::Ended(end.seen)),
            made_the_file: false,
        });
    }
    saves
}

fn marks<'e>(evidence: &'e Evidence, word: &str) -> Vec<&'e Mark> {
    evidence.timeline.marks.iter().filter(|mark| mark.word == word).collect()
}

/// Whether so many saves are all that this server has begun since `before`.
fn are_all(evidence: &Evidence, seen: usize) -> bool {
    let timeline = &evidence.timeline;
    let Some(now) = evidence.last() else { return false };
    let begun = (SAVE.begun)(&now.info) - (SAVE.begun)(&evidence.before);
    let is_stopped = timeline.steps.iter().any(|step| step.what == StepKind::KilledServer);
    let saves = ["SAVE", "BGSAVE", "FLUSHALL"];
    let has_saved = timeline.exchanges.iter().any(|exchange| saves.contains(&&*exchange.name()));
    is_followed(evidence)
        && !is_stopped
        && !has_saved
        && now.info.run_id() == evidence.before.run_id()
        && i64::try_from(seen).is_ok_and(|seen| seen == begun)
}

/// How a save ended whose end was not seen.
fn still_running(evidence: &Evidence) -> WorkEnd {
    let runs = evidence
        .last()
        .is_some_and(|now| (SAVE.is_running)(&now.info) || is_saving(&now.info, &evidence.before));
    match runs {
        true if is_killed(evidence) => WorkEnd::Killed,
        true => WorkEnd::StillRunning,
        false => WorkEnd::Unknown,
    }
}
