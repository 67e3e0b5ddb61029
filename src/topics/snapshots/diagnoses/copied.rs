//! Copies of the snapshot file that came too early.

use std::time::Duration;

use super::super::saves::stop_after;
use super::super::slow_down;
use super::super::symptoms::was_saving_at_exit;
use super::last_snapshot;
use super::saved::{is_scheduled, was_to_hold_the_data};
use super::waiting::has_succeeded;
use crate::attempt::evidence::Run;
use crate::runner_line::{self, Place, RunnerLine};
use crate::verdict::diagnosis::facts::Facts;
use crate::verdict::diagnosis::{Cause, seen_at};

/// The save that was to write what the copy lacks went on when the answer had ended, or succeeded.
pub fn before_the_save_ended(facts: &Facts<'_>) -> Option<Cause> {
    let bgsave = awaited_save(facts)?;
    let is_stopped = stop_after(facts.evidence, Duration::ZERO).is_some();
    let was_early = was_saving_at_exit(facts)
        || (has_succeeded(facts, bgsave) && copies_only_the_snapshot(facts));
    (was_early && !is_stopped).then(|| seen_at(bgsave))
}

/// A save takes its delay for each key, and there is one at least: the one that is missing.
pub fn stopped_while_saving(facts: &Facts<'_>) -> Option<Cause> {
    let bgsave = awaited_save(facts)?;
    if facts.last_set(slow_down::SETTING).is_some() {
        return None;
    }
    let delay = Duration::from_micros(slow_down::wanted(facts.exercise)?.parse().ok()?);
    let began = facts.exchange(bgsave)?.at;
    let stop = stop_after(facts.evidence, began)?;
    (stop < began + delay).then(|| seen_at(bgsave))
}

/// The last BGSAVE, if the copy would lack nothing had it been made when that save had ended.
fn awaited_save(facts: &Facts<'_>) -> Option<usize> {
    let bgsave = facts.last_done(&["BGSAVE"])?;
    let is_last = last_snapshot(facts) == Some(bgsave) && !is_scheduled(facts, bgsave);
    (is_last && was_to_hold_the_data(facts, bgsave)).then_some(bgsave)
}

/// A program may copy whatever it finds.
fn copies_only_the_snapshot(facts: &Facts<'_>) -> bool {
    let Run::Typed(typed) = &facts.evidence.run else { return false };
    let lines = typed.exchanges.iter().map(|exchange| &exchange.line);
    let mut lines = lines.map(|line| runner_line::read(line, Place::WhereTheServerStops));
    lines.all(|line| match line {
        Ok(RunnerLine::Copy { from, .. }) => from.as_str() == "dump.rdb",
        _ => true,
    })
}
