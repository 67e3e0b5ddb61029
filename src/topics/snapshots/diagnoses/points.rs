//! Save points that did not save in time.

use std::fmt;
use std::time::Duration;

use super::super::symptoms::was_saving_at_exit;
use super::{last_snapshot, last_status};
use crate::attempt::evidence::Observation;
use crate::lesson::Moment;
use crate::verdict::diagnosis::{Cause, Facts, Pointer};

const CHANGES: &str = "rdb_changes_since_last_save";
/// A server looks at its save points ten times a second, on a busy machine later.
const TICK: Duration = Duration::from_millis(500);

/// A save point: after so many seconds, if there were so many changes.
struct Point {
    seconds: i64,
    changes: i64,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.seconds, self.changes)
    }
}

/// The setting `save` at the end: what the answer has set, else what the exercise gives.
pub fn setting(facts: &Facts<'_>) -> Option<String> {
    let set = facts.last_set("save").map(|(_, value)| value);
    set.or_else(|| given(facts).cloned())
}

/// The setting `save` that the exercise gives.
pub fn given<'a>(facts: &Facts<'a>) -> Option<&'a String> {
    let given = facts.exercise.settings.iter().rev().find(|(name, _)| name == "save");
    given.map(|(_, value)| value)
}

/// Whether this value of `save` has any save points.
pub fn has_any(value: &str) -> bool {
    !matches!(value.trim(), "" | "\"\"")
}

fn points(facts: &Facts<'_>) -> Vec<Point> {
    let points = setting(facts).unwrap_or_default();
    let numbers: Vec<i64> =
        points.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let pairs = numbers.chunks_exact(2);
    pairs.map(|pair| Point { seconds: pair[0], changes: pair[1] }).collect()
}

/// The server at the end of an answer that left saving to the save points, if none has saved yet.
fn unsaved<'a>(facts: &Facts<'a>) -> Option<&'a Observation> {
    // A server that is told to end saves whatever its save points say.
    let is_told_to_end = facts.check.is_none_or(|check| check.at == Moment::Restart);
    let exit = facts.evidence.at(Moment::Exit).filter(|_| !is_told_to_end)?;
    let nobody_saved = last_snapshot(facts).is_none()
        && !facts.has_script()
        && !facts.exercise.stop
        && facts.evidence.timeline.left_out == 0;
    let was_saved = exit.info.lastsave != facts.evidence.before.lastsave;
    let is_well = last_status(facts) != Some("err");
    (nobody_saved && !was_saved && is_well && facts.ended_by_itself()).then_some(exit)
}

/// The changes of which no save knows, at the end of an answer that saved nothing and where no save
/// runs.
fn unsaved_changes(facts: &Facts<'_>) -> Option<i64> {
    let exit = unsaved(facts).filter(|_| !was_saving_at_exit(facts))?;
    Some(exit.info.number(CHANGES))
}

/// There were changes enough: a save point that is due saves within a tenth of a second, unless it
/// was set only then.
pub fn not_due(facts: &Facts<'_>) -> Option<Cause> {
    if facts.last_set("save").is_some_and(|(index, _)| is_late(facts, index)) {
        return None;
    }
    let changes = unsaved_changes(facts)?;
    let reached = points(facts).into_iter().filter(|point| point.changes <= changes);
    let next = reached.min_by_key(|point| point.seconds)?;
    let cause = Cause::at([Pointer::Row(CHANGES)]);
    Some(cause.with(next.to_string()).with(next.seconds.to_string()))
}

fn is_late(facts: &Facts<'_>, index: usize) -> bool {
    facts.exchange(index).is_some_and(|set| set.ended() + TICK > facts.evidence.took)
}

pub fn too_few_changes(facts: &Facts<'_>) -> Option<Cause> {
    let changes = unsaved_changes(facts)?;
    let easiest = points(facts).into_iter().min_by_key(|point| point.changes)?;
    // Without any, a save may have come in the second of the one before.
    (1..easiest.changes).contains(&changes).then(|| {
        let cause = Cause::at([Pointer::Row(CHANGES)]).with(easiest.to_string());
        cause.with(easiest.changes.to_string()).with(changes.to_string())
    })
}

pub fn save_not_awaited(facts: &Facts<'_>) -> Option<Cause> {
    let saves = unsaved(facts).is_some() && was_saving_at_exit(facts);
    (saves && !points(facts).is_empty())
        .then(|| Cause::at([Pointer::Row("rdb_bgsave_in_progress")]))
}
