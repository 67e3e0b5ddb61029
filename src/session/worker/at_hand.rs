//! Work by hand on a running server.

use std::time::{Duration, Instant};

use super::messages::{JudgedAnswer, LiveEvent};
use crate::attempt::{Live, WorkProgress};
use crate::error::EnvironmentError;
use crate::lesson::{Exercise, Moment};
use crate::relay::StepKind;
use crate::topics;
use crate::verdict::{conclude, judge_live};

/// The time limit of a look at a server that answered the last one: the student should soon see
/// that the server is busy.
const FIRST_LOOK: Duration = Duration::from_millis(400);
/// The time limit of a look at a server that is known to be busy.
const BUSY_LOOK: Duration = Duration::from_secs(5);

/// Work by hand, and the result of the last look at it.
pub(super) struct AtHand {
    pub(super) live: Live,
    pub(super) looked: Instant,
    /// `Relay::traffic` at the last look.
    pub(super) traffic: u64,
    /// Whether work was running in the background at the last look.
    pub(super) is_settling: bool,
    pub(super) passed: bool,
    /// Whether the server did not answer the last look.
    pub(super) is_busy: bool,
    /// How often the exercise has killed the answer.
    pub(super) kills: usize,
}

impl AtHand {
    pub(super) fn new(live: Live) -> Self {
        Self {
            live,
            looked: Instant::now(),
            traffic: u64::MAX,
            is_settling: false,
            passed: false,
            is_busy: false,
            kills: 0,
        }
    }
}

/// Looks at work by hand; `traffic` is `Relay::traffic` from before the look.
pub(super) fn look(
    exercise: &Exercise,
    work: &mut AtHand,
    traffic: u64,
) -> Result<LiveEvent, EnvironmentError> {
    let looked = Instant::now();
    let limit = if work.is_busy { BUSY_LOOK } else { FIRST_LOOK };
    let look = work.live.look(limit)?;
    work.looked = Instant::now();
    work.is_busy = look.is_none();
    let Some(look) = look else {
        return Ok(LiveEvent { looked, verdict: None, running: None, killed: false, passed: None });
    };
    work.traffic = traffic;
    let settled = look.evidence.at(Moment::Settled);
    let running = settled.and_then(|now| {
        let work = topics::pending(&now.info, &look.evidence.before)?;
        Some(WorkProgress::of(work, &now.info))
    });
    work.is_settling = running.is_some();
    let live = judge_live(exercise, &look);
    let steps = look.evidence.timeline.steps.iter();
    let kills = steps.filter(|step| step.what == StepKind::KilledAnswer).count();
    let killed = kills > std::mem::replace(&mut work.kills, kills);
    let is_new = live.passed && !work.passed;
    work.passed |= live.passed;
    let passed = is_new.then(|| conclude(exercise, &look.evidence).ok()).flatten().map(|verdict| {
        let server = work.live.server_name().to_owned();
        Box::new(JudgedAnswer { answer: None, server, evidence: look.evidence, verdict })
    });
    Ok(LiveEvent { looked, verdict: Some(live), running, killed, passed })
}
