//! Events that arrive after the student has left the step of their request: they count for that
//! step.

use super::Session;
use super::worker::{JudgedAnswer, LiveEvent, StepEvent, StepVisit, WorkerEvent};
use crate::lesson::Step;

impl Session<'_> {
    /// The next event for the current step; handles the stale ones before it.
    pub(super) fn next_event(&mut self) -> Option<WorkerEvent> {
        loop {
            let event = self.worker.next_event()?;
            if let Some(event) = self.unless_stale(event) {
                return Some(event);
            }
        }
    }

    /// Returns the event if it is for the current step, and handles it otherwise.
    pub(super) fn unless_stale(&mut self, (visit, event): StepEvent) -> Option<WorkerEvent> {
        match visit {
            Some(visit) if visit != self.visit => self.handle_stale(visit, event),
            _ => return Some(event),
        }
        None
    }

    fn handle_stale(&mut self, visit: StepVisit, event: WorkerEvent) {
        let step = &self.course.lessons[visit.at.0].steps[visit.at.1];
        match event {
            WorkerEvent::Explored { server, transcript } => {
                self.note_exploration(step, &server, &transcript);
            }
            WorkerEvent::Judged(judged)
            | WorkerEvent::Live(LiveEvent { passed: Some(judged), .. })
                if visit.number >= self.anew_since =>
            {
                self.record_stale_verdict(step, &judged);
            }
            _ => {}
        }
    }

    fn record_stale_verdict(&mut self, step: &Step, judged: &JudgedAnswer) {
        let Some(exercise) = &step.exercise else { return };
        self.journal(step, exercise, judged);
        let passed = judged.verdict.passed();
        let saved = if passed {
            self.progress.add(&exercise.id)
        } else {
            self.progress.add_failed_attempt(&exercise.id).map(drop)
        };
        self.rendered = None;
        if self.report_if_failed(saved).is_some() {
            let outcome = if passed { "passed" } else { "not passed" };
            self.tell(format!("{outcome} meanwhile: {}", step.title));
        }
    }
}
