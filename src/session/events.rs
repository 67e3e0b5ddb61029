//! Handles the worker's events for the step at which the student is.

use std::time::Instant;

use super::step_state::Busy;
use super::worker::{LiveEvent, Request, WorkerEvent};
use super::{BUSY_INPUT_POLL, SHUTDOWN_GRACE, Session, View};
use crate::lesson::Step;
use crate::present::{plain, terminal, usual_port_taken, waiting};
use crate::relay::Transcript;
use crate::verdict::Tick;

impl Session<'_> {
    /// Handles all events that have arrived. Returns whether there were any.
    pub(super) fn take_events(&mut self) -> bool {
        let mut were_any = false;
        while let Some(event) = self.worker.next_event() {
            were_any = true;
            if let Some(event) = self.unless_stale(event) {
                self.take(event);
            }
        }
        were_any
    }

    pub(super) fn take(&mut self, event: WorkerEvent) {
        match event {
            WorkerEvent::Line(line) => {
                if let Some(busy) = self.work.busy.as_mut() {
                    busy.progress = line;
                } else {
                    self.background = Some(Busy::with(line));
                }
            }
            WorkerEvent::Progress(progress) => match (&mut self.work.busy, &mut self.background) {
                (Some(busy), _) | (None, Some(busy)) => busy.progress = progress,
                (None, none) => *none = Some(Busy::with(progress)),
            },
            WorkerEvent::Background(text) => {
                let since = self.background.as_ref().map_or_else(Instant::now, |busy| busy.since);
                self.background = (!text.is_empty()).then(|| Busy { since, ..Busy::with(text) });
            }
            WorkerEvent::Found { why, address, usual_port_is_taken } => {
                self.background = None;
                self.address = Some(address.to_string());
                self.warning = usual_port_is_taken.then(|| usual_port_taken(address));
                self.rendered = None;
                if self.status.is_empty() {
                    self.tell(format!("server: {why}"));
                }
                self.warn();
            }
            WorkerEvent::Began { .. } => self.work.is_at_hand = true,
            WorkerEvent::Live(live) => self.take_live(live),
            WorkerEvent::Explored { server, transcript } => {
                // A live event from just before may have shown work that is over now.
                self.work.forget_work_by_hand();
                self.tell("fresh server ready");
                self.note_exploration(self.step(), &server, &transcript);
            }
            WorkerEvent::Judged(judged) => self.take_verdict(*judged),
            WorkerEvent::Ran(run) => {
                self.work.busy = None;
                self.work.forget_work_by_hand();
                self.work.example = Some(*run);
                self.look_at(View::Example);
            }
            WorkerEvent::Failed(error) => {
                self.work.busy = None;
                self.background = None;
                // The server is gone, or was replaced.
                self.work.forget_work_by_hand();
                self.status = terminal::environment_error(&error);
            }
        }
    }

    /// Appends a warning to the status if another program has port 6379.
    pub(super) fn warn(&mut self) {
        // In line mode, the exercise's text has just said so.
        let is_known = plain::is_on() && self.view == View::Text && self.exercise().is_some();
        if let Some(warning) = self.warning.as_ref().filter(|_| !is_known) {
            let status = std::mem::take(&mut self.status);
            self.status = match status.trim_end() {
                "" => warning.clone(),
                status => format!("{status}\n{warning}"),
            };
        }
    }

    fn take_live(&mut self, live: LiveEvent) {
        self.work.is_at_hand = true;
        self.work.now.clear();
        let Some(exercise) = self.exercise() else { return };
        let Some(verdict) = live.verdict else {
            "the server is too busy to answer".clone_into(&mut self.work.now);
            return;
        };
        self.work.note_running(live.running.map(|progress| progress.work));
        self.work.now = live.running.map(waiting::settling).unwrap_or_default();
        let before = self.work.marks(exercise);
        let invalid = verdict.invalid.clone();
        let is_ready = exercise.may_be_typed()
            && !verdict.ticks.contains(&Tick::Open)
            && verdict.ticks.contains(&Tick::AtTheEnd);
        self.work.live = Some(verdict);
        let new = self.work.newly_met(&before, exercise);
        if let Some(judged) = live.passed {
            self.note_passed_by_hand(exercise, *judged);
        } else if let Some(why) = invalid {
            self.tell(format!("{why}; `o` starts over with a fresh server"));
        } else if !new.is_empty() && is_ready {
            self.tell("all checks so far are met: `j` judges the work");
        } else if !new.is_empty() {
            self.tell(format!("met: {}", new.join(", ")));
        }
    }

    /// Saves work by hand that was not judged to the journal, if the worker delivers it within
    /// [`SHUTDOWN_GRACE`].
    pub(super) fn keep_unfinished_work(&mut self) {
        if !self.work.is_at_hand {
            return;
        }
        self.worker.request(Request::StartOver);
        let deadline = Instant::now() + SHUTDOWN_GRACE;
        while Instant::now() < deadline {
            while let Some(event) = self.next_event() {
                let is_last = matches!(event, WorkerEvent::Explored { .. });
                self.take(event);
                if is_last {
                    return;
                }
            }
            std::thread::park_timeout(BUSY_INPUT_POLL);
        }
    }

    pub(super) fn note_exploration(&mut self, step: &Step, server: &str, transcript: &Transcript) {
        let Some(journal) = &self.kept.journal else { return };
        let saved = journal.add_exploration(&step.title, server, transcript);
        self.report_if_failed(saved);
    }
}
