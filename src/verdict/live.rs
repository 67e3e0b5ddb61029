//! Judges the checks while the student is still at work.

use super::finding::{Finding, Outcome};
use super::judge::judge;
use super::meanwhile::violation;
use crate::attempt::{Evidence, LiveLook};
use crate::lesson::{Check, Exercise, Moment};
use crate::relay::Exchange;
use crate::topics::is_busy;

/// The state of a check now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tick {
    /// Would be met if the work ended here.
    Met,
    /// Not met yet, or nothing was done yet.
    Open,
    /// Not met, and nothing that comes can change that: only a fresh server helps.
    Spoilt,
    /// It needs a check that is spoilt, so it is not judged.
    NotJudged,
    /// Known only at the end of the work, when the server is killed or a second server loads the
    /// snapshot.
    AtTheEnd,
    /// About a program's output or exit, so only a run of the program shows it.
    OfAProgram,
}

/// The state of a whole exercise now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveVerdict {
    /// Every check of the exercise, in the lesson's order.
    pub ticks: Vec<Tick>,
    /// Whether the work so far is sure to pass as an answer: no check waits for the end of the
    /// work, and nothing that runs in the background could still change the result.
    pub passed: bool,
    /// Why nothing can be concluded from the server any more.
    pub invalid: Option<String>,
}

/// Judges a look at the server in the middle of the work.
pub fn judge_live(exercise: &Exercise, look: &LiveLook) -> LiveVerdict {
    let evidence = &look.evidence;
    let verdict = judge(exercise, evidence);
    let is_untouched = is_untouched(evidence);
    let mut ticks = Vec::new();
    for check in &exercise.checks {
        ticks.push(if !exercise.asks(check) {
            Tick::AtTheEnd
        } else if is_spoilt(check, exercise, evidence) {
            Tick::Spoilt
        } else if needs_a_spoilt_check(check, exercise, evidence) {
            Tick::NotJudged
        } else {
            match tick(check, exercise, &verdict.findings) {
                Tick::Met if is_untouched => Tick::Open,
                tick => tick,
            }
        });
    }
    let is_whole =
        !exercise.needs_crash() && !exercise.needs_restart() && !ticks.contains(&Tick::AtTheEnd);
    let is_busy =
        evidence.at(Moment::Settled).is_none_or(|now| is_busy(&now.info, &evidence.before));
    let passed =
        look.is_sure && verdict.passed() && is_whole && exercise.may_be_typed() && !is_busy;
    LiveVerdict { ticks, passed, invalid: evidence.invalid.clone() }
}

/// Whether no client has sent anything yet. A check that forbids something would be met then.
fn is_untouched(evidence: &Evidence) -> bool {
    let timeline = &evidence.timeline;
    !timeline.is_incomplete
        && timeline.left_out == 0
        && timeline.exchanges.iter().all(Exchange::only_sets_up_the_connection)
}

/// Whether the check is not met and can't be any more. What makes the evidence invalid, such as
/// counters that were reset, is told in its own words.
fn is_spoilt(check: &Check, exercise: &Exercise, evidence: &Evidence) -> bool {
    if evidence.invalid.is_some() {
        return false;
    }
    if check.at == Moment::Always {
        return violation(check, exercise, evidence).is_some();
    }
    if !matches!(check.at, Moment::Exit | Moment::Settled) {
        return false;
    }
    evidence.at(check.at).is_some_and(|now| check.subject.is_spoilt(now, evidence))
}

/// The lesson has no circular needs.
fn needs_a_spoilt_check(check: &Check, exercise: &Exercise, evidence: &Evidence) -> bool {
    check.needs.iter().any(|id| {
        let needed = exercise.checks.iter().find(|other| other.id == *id);
        needed.is_some_and(|needed| {
            is_spoilt(needed, exercise, evidence)
                || needs_a_spoilt_check(needed, exercise, evidence)
        })
    })
}

fn tick(check: &Check, exercise: &Exercise, findings: &[Finding]) -> Tick {
    let shown = when_shown(check, exercise);
    let is_met =
        findings.iter().any(|finding| finding.check == check.id && finding.outcome == Outcome::Met);
    if shown == Tick::Open && is_met { Tick::Met } else { shown }
}

/// [`Tick::Open`] for what a look in the middle can show.
fn when_shown(check: &Check, exercise: &Exercise) -> Tick {
    if check.is_about_the_program() {
        return Tick::OfAProgram;
    }
    match check.at {
        Moment::Crash
        | Moment::Restart
        | Moment::Restore
        | Moment::RestoredFrom(_)
        | Moment::Later(_) => Tick::AtTheEnd,
        Moment::Exit | Moment::Settled | Moment::Meanwhile(_) | Moment::Always => {
            if needs_a_check_at_the_end(check, exercise) {
                Tick::AtTheEnd
            } else {
                Tick::Open
            }
        }
    }
}

/// The lesson has no circular needs.
fn needs_a_check_at_the_end(check: &Check, exercise: &Exercise) -> bool {
    check.needs.iter().any(|id| {
        let needed = exercise.checks.iter().find(|other| other.id == *id);
        needed.is_some_and(|needed| when_shown(needed, exercise) == Tick::AtTheEnd)
    })
}
