//! The saves that a save point began, as far as they were seen to begin and to end.

use super::background::SAVE;
use super::saves::{by_a_child, end_unseen, is_followed};
use crate::attempt::evidence::Evidence;
use crate::relay::{Mark, StepKind};
use crate::verdict::work::{WorkEnd, WorkSpan};

/// In order; none where another save may have run that was not seen, or something may have ended
/// one.
pub fn own_saves(evidence: &Evidence) -> Vec<WorkSpan> {
    let (begins, ends) = (marks(evidence, SAVE.begin_trigger), marks(evidence, SAVE.end_trigger));
    if begins.is_empty() || !are_all(evidence, begins.len()) {
        return Vec::new();
    }
    let mut saves = Vec::new();
    for (index, begin) in begins.iter().enumerate() {
        let from = begin.seen;
        saves.push(match ends.get(index) {
            Some(end) => by_a_child(from, end.at.max(from), WorkEnd::Ended(end.seen)),
            None => by_a_child(from, from, end_unseen(evidence)),
        });
    }
    saves
}

fn marks<'e>(evidence: &'e Evidence, word: &str) -> Vec<&'e Mark> {
    evidence.timeline.marks.iter().filter(|mark| mark.word == word).collect()
}

/// Whether so many saves are all that this server has begun since `before`.
fn are_all(evidence: &Evidence, seen: usize) -> bool {
    let (timeline, before) = (&evidence.timeline, &evidence.before);
    let Some(now) = evidence.last() else { return false };
    let is_stopped = timeline.steps.iter().any(|step| step.what == StepKind::KilledServer);
    let saves = ["SAVE", "BGSAVE", "FLUSHALL"];
    let has_saved = timeline.exchanges.iter().any(|exchange| saves.contains(&&*exchange.name()));
    is_followed(evidence)
        && !is_stopped
        && !has_saved
        && now.info.run_id() == before.run_id()
        && SAVE.begun_since(&now.info, before) == seen
}
