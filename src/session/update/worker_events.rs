//! Handles the worker's events. One that arrives after the student has left the step of its request
//! counts for that step.

use std::fmt::Write as _;
use std::rc::Rc;

use super::super::request::Request;
use super::super::state::{Mode, PromptState, Stage, State, View};
use super::super::step_state::Busy;
use super::super::worker::messages::{JudgedAnswer, LiveEvent, StepEvent, StepVisit, WorkerEvent};
use crate::lesson::Step;
use crate::present::checks::Mark;
use crate::present::{usual_port_taken, waiting};
use crate::progress::ProgressChange;
use crate::verdict::Tick;

impl<'c> State<'c> {
    pub(super) fn take(&mut self, event: StepEvent) {
        if let Mode::Prompt(PromptState { stage: Stage::Running { .. }, .. }) = self.mode {
            return self.held_back.push(event);
        }
        let StepEvent { visit, run, event } = event;
        if run.is_some_and(|run| run <= self.cancelled) {
            return;
        }
        let is_awaited = self
            .pending
            .is_some_and(|pending| pending.visit == self.visit && Some(pending.number) == run);
        let ends_a_run =
            matches!(event, WorkerEvent::Judged(_) | WorkerEvent::Ran(_) | WorkerEvent::Failed(_));
        if run.is_some() && ends_a_run {
            self.pending = None;
        }
        match visit {
            Some(visit) if visit != self.visit && !is_awaited => self.take_stale(visit, event),
            _ => self.take_current(event),
        }
    }

    fn take_current(&mut self, event: WorkerEvent) {
        match event {
            WorkerEvent::Line(line) => {
                if let Some(busy) = self.work.busy.as_mut() {
                    busy.progress = line;
                } else {
                    self.background = Some(Busy::with(line, self.now));
                }
            }
            WorkerEvent::Progress(progress) => match (&mut self.work.busy, &mut self.background) {
                (Some(busy), _) | (None, Some(busy)) => busy.progress = progress,
                (None, none) => *none = Some(Busy::with(progress, self.now)),
            },
            WorkerEvent::Background(text) => {
                let since = self.background.as_ref().map_or(self.now, |busy| busy.since);
                self.background = (!text.is_empty()).then(|| Busy::with(text, since));
            }
            WorkerEvent::Found { name, address, usual_port_is_taken } => {
                self.background = None;
                self.address = Some(address);
                name.split(';').next().unwrap_or_default().clone_into(&mut self.server);
                self.warning = usual_port_is_taken.then(|| usual_port_taken(address));
                if self.status.is_empty() {
                    self.tell(format!("server: {name}"));
                }
                self.warn();
            }
            WorkerEvent::Began { server, docs } => {
                self.work.is_at_hand = true;
                self.server.clone_from(&server);
                if let Mode::Starting = self.mode {
                    self.work.busy = None;
                    self.open_prompt(server, docs);
                }
            }
            WorkerEvent::Live(live) => self.take_live(live),
            WorkerEvent::Explored { server, timeline } => {
                // A live event from just before may have shown work that is over now.
                self.work.forget_work_by_hand();
                // Where a run was ended, the status says what that means for the work.
                if std::mem::take(&mut self.work.starts_over) || self.status.is_empty() {
                    self.tell("fresh server ready");
                }
                self.request(Request::WriteExploration(self.step(), server, timeline));
                if let Mode::Leaving(end, _) = self.mode {
                    self.request(Request::Leave(end));
                }
            }
            WorkerEvent::Judged(judged) => self.take_verdict(*judged),
            WorkerEvent::Ran(run) => {
                self.work.busy = None;
                self.work.forget_work_by_hand();
                self.work.example = Some(*run);
                self.look_at(View::Example);
            }
            WorkerEvent::Failed(error) => {
                // A run that was asked for since then is still waited for.
                if self.pending.is_none_or(|run| run.visit != self.visit) {
                    self.work.busy = None;
                }
                self.background = None;
                // The server is gone, or was replaced.
                self.work.forget_work_by_hand();
                self.tell_error(&error);
                match self.mode {
                    Mode::Starting => self.mode = Mode::Screen,
                    Mode::Prompt(_) => self.fail_at_prompt(&error),
                    Mode::Screen | Mode::Leaving(..) => {}
                }
            }
        }
    }

    /// Appends a warning to the status if another program has port 6379. The screen of an exercise
    /// says so itself.
    fn warn(&mut self) {
        let is_text = !self.is_plain || self.view == View::Text;
        let is_known = self.exercise().is_some() && is_text;
        if let Some(warning) = self.warning.clone().filter(|_| !is_known) {
            self.tell_also(&warning);
        }
    }

    fn take_live(&mut self, live: LiveEvent) {
        let (looked, running) = (live.looked, live.running);
        let is_answered = live.verdict.is_some();
        let killed = live.killed;
        self.show_live(live);
        if killed {
            self.tell_of_a_kill();
        }
        self.take_look(looked, is_answered, running);
    }

    fn show_live(&mut self, live: LiveEvent) {
        self.work.is_at_hand = true;
        self.work.now.clear();
        let Some(exercise) = self.exercise() else { return };
        let Some(verdict) = live.verdict else {
            "the server is too busy to answer".clone_into(&mut self.work.now);
            return;
        };
        self.work.note_running(live.running.map(|progress| progress.work), self.now);
        self.work.now = live.running.map(waiting::settling).unwrap_or_default();
        let seconds = self.work.seconds_running(self.now);
        // In line mode, each second would be another line.
        if seconds > 0 && !self.is_plain {
            let _ = write!(self.work.now, " · {seconds} s");
        }
        let before = self.work.marks(exercise);
        let invalid = verdict.invalid.clone();
        let is_ready = exercise.may_be_typed()
            && !verdict.ticks.contains(&Tick::Open)
            && !verdict.ticks.contains(&Tick::Spoilt)
            && verdict.ticks.contains(&Tick::AtTheEnd);
        self.work.live = Some(verdict);
        let new = self.work.newly(Mark::Met, &before, exercise);
        let spoilt = self.work.newly(Mark::Spoilt, &before, exercise);
        if let Some(judged) = live.passed {
            self.note_passed_by_hand(exercise, *judged);
        } else if let Some(why) = invalid {
            self.tell(format!("{why}; `o` starts over with a fresh server"));
        } else if let Some(spoilt) = spoilt.first() {
            self.tell(format!("can't be met any more: {spoilt}; `o` starts over"));
        } else if !new.is_empty() && is_ready {
            self.tell("all checks so far are met: `c` checks the work");
        } else if !new.is_empty() {
            self.tell(format!("met: {}", new.join(", ")));
        }
    }

    fn take_stale(&mut self, visit: StepVisit, event: WorkerEvent) {
        let step = self.step_at(visit.at);
        match event {
            WorkerEvent::Explored { server, timeline } => {
                self.request(Request::WriteExploration(step, server, timeline));
            }
            WorkerEvent::Judged(judged)
            | WorkerEvent::Live(LiveEvent { passed: Some(judged), .. })
                if visit.number >= self.anew_since =>
            {
                self.record_stale_verdict(step, *judged);
            }
            _ => {}
        }
    }

    fn record_stale_verdict(&mut self, step: &'c Step, judged: JudgedAnswer) {
        let Some(exercise) = &step.exercise else { return };
        let id = exercise.id.clone();
        let (outcome, change) = if judged.verdict.passed() {
            ("passed", ProgressChange::Passed(id))
        } else {
            ("not passed", ProgressChange::Failed(id))
        };
        self.tell(format!("{outcome} meanwhile: {}", step.title));
        self.request(Request::WriteAttempt(step, exercise, Rc::new(judged)));
        self.save(change);
    }
}
