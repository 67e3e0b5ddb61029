//! The checks while the student is still at work.

use super::{Outcome, conclude};
use crate::attempt::Look;
use crate::attempt::evidence::is_saving;
use crate::lesson::{Check, Exercise, Moment};

/// How a check stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tick {
    /// Met, as if the work ended here.
    Met,
    /// Not met yet.
    Open,
    /// Only the end of the work shows it: the server is killed, or its snapshot is loaded by a second one.
    AtTheEnd,
    /// It is about a program's own output or end, which only running the program shows.
    OfAProgram,
}

/// How a whole exercise stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveVerdict {
    /// Every check of the exercise, in the lesson's order.
    pub ticks: Vec<Tick>,
    /// Whether an answer that consists of what was done, and ends here, passes for sure: nothing is left to the
    /// end of the work, and no save runs that could still change it.
    pub passed: bool,
    /// Why nothing can be concluded from the server any more.
    pub doubt: Option<String>,
}

/// Judges what a look in the middle has shown.
pub fn judge_live(exercise: &Exercise, look: &Look) -> LiveVerdict {
    let evidence = &look.evidence;
    // Where what decides was not kept, nothing is met for sure.
    let verdict = conclude(exercise, evidence).ok();
    let is_met = |check: &Check| {
        let mut findings = verdict.iter().flat_map(|verdict| &verdict.findings);
        findings.any(|it| it.check == check.id && it.outcome == Outcome::Met)
    };
    let tick = |check: &Check| match when_shown(check, exercise) {
        Tick::Open if is_met(check) => Tick::Met,
        other => other,
    };
    let ticks: Vec<Tick> = exercise.checks.iter().map(tick).collect();
    let is_whole = !exercise.needs_crash() && !ticks.contains(&Tick::AtTheEnd);
    let saves = evidence
        .settled
        .as_ref()
        .is_none_or(|settled| is_saving(&settled.snapshot, &evidence.before));
    let has_passed = verdict.as_ref().is_some_and(super::Verdict::passed);
    let passed = look.is_sure && has_passed && is_whole && exercise.may_be_typed() && !saves;
    LiveVerdict { ticks, passed, doubt: evidence.doubt.clone() }
}

/// [`Tick::Open`] for what a look in the middle can show.
fn when_shown(check: &Check, exercise: &Exercise) -> Tick {
    if check.subject.is_about_the_program() {
        return Tick::OfAProgram;
    }
    let needed = |id: &String| exercise.checks.iter().find(|it| it.id == *id);
    let waits =
        |id: &String| needed(id).is_some_and(|it| when_shown(it, exercise) == Tick::AtTheEnd);
    match check.at {
        Moment::Crash | Moment::Restore => Tick::AtTheEnd,
        // The lesson has no circles of needs.
        Moment::Exit | Moment::Settled | Moment::Meanwhile(_) => {
            if check.needs.iter().any(waits) {
                Tick::AtTheEnd
            } else {
                Tick::Open
            }
        }
    }
}
