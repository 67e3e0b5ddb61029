//! The checks while the student works by hand, shown above the prompt.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use super::super::step_state::StepState;
use super::super::worker::{LiveEvent, StepEvent, WorkerEvent};
use crate::lesson::Exercise;
use crate::present::{checks, terminal as shown};
use crate::progress::Progress;

pub(super) const POLL: Duration = Duration::from_millis(10);

/// The state of the checks at one moment.
#[derive(Default)]
pub(super) struct CheckState {
    pub(super) marks: Vec<checks::Mark>,
    pub(super) has_passed: bool,
}

/// Prints changes of the checks while the editor reads a line.
pub(super) struct LiveChecks<'e> {
    pub(super) exercise: &'e Exercise,
    /// The marks that were printed last.
    pub(super) marks: Vec<checks::Mark>,
    pub(super) has_passed: bool,
    pub(super) progress: Option<Progress>,
}

impl LiveChecks<'_> {
    /// Prints what the events report, until `stop` is set. Returns the events.
    pub(super) fn follow(
        &mut self,
        receiver: &Receiver<StepEvent>,
        stop: &AtomicBool,
        printer: &mut dyn FnMut(&str),
    ) -> Vec<StepEvent> {
        let mut events = Vec::new();
        while !stop.load(Ordering::SeqCst) {
            let Ok(event) = receiver.recv_timeout(POLL) else { continue };
            self.report(&event.1, printer);
            events.push(event);
        }
        events
    }

    fn report(&mut self, event: &WorkerEvent, printer: &mut dyn FnMut(&str)) {
        for sentence in met_by(event, &mut self.marks, self.exercise) {
            printer(&format!("  {}", checks::line(checks::Mark::Met, &sentence)));
        }
        if let WorkerEvent::Failed(error) = event {
            printer(shown::environment_error(error).trim_end());
        }
        if !self.has_passed && matches!(event, WorkerEvent::Live(live) if live.passed.is_some()) {
            // Saved at once: the window may be closed before the next key. An error is reported
            // when the session handles the event.
            let _ = self.progress.as_mut().map(|progress| progress.add(&self.exercise.id));
            printer(&passed_line());
        }
    }
}

pub(super) fn passed_line() -> String {
    format!("  {}", shown::result_line(true, "passed: all checks met").trim_end())
}

/// The sentences of the checks that this event newly shows as met. `shown` is updated.
fn met_by(event: &WorkerEvent, shown: &mut Vec<checks::Mark>, exercise: &Exercise) -> Vec<String> {
    let WorkerEvent::Live(LiveEvent { verdict: Some(verdict), .. }) = event else {
        return Vec::new();
    };
    let work = StepState { live: Some(verdict.clone()), ..StepState::default() };
    let met = work.newly_met(shown, exercise);
    *shown = work.marks(exercise);
    met
}
