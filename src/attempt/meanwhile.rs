//! Watches the server while an answer runs, before each of its commands runs and before it reads
//! each reply; does what the exercise's `[[meanwhile]]`s say.

use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::Value;

use super::answer_control::AnswerControl;
use super::background::{BackgroundTask, Shared};
use super::environment::cannot;
use super::evidence::{Evidence, Observation, Violation};
use super::look::{config_value, words_of};
use super::steps::Actor;
use super::timing::{LONGEST_AT_REST, REPLY_LIMIT, pause_at_rest, pause_for};
use super::triggers::Triggers;
use super::watch_look::WatchLook;
use super::watcher_report::{WatcherReport, add_up_to, authors_error, missed_a_look};
use crate::checks::Question;
use crate::error::EnvironmentError;
use crate::lesson::{Check, Exercise, Moment, Trigger};
use crate::redis_cli::reply::Printed;
use crate::redis_cli::words;
use crate::relay::{Exchange, Gate, Mark, Relay, StepKind};
use crate::server::info::Words;
use crate::server::{CallError, Client, Server, ServerInfo, versions};
use crate::topics::{self, BackgroundWork};

/// What could not be done, if it could not.
const BEFORE: &str = "look at the server before the answer";

/// Starts a task that looks at the server repeatedly, and before each command and each reply that
/// goes through the relay. Does what is to be done at the start.
pub(super) fn watch(
    server: &Server,
    relay: &Relay,
    exercise: &Exercise,
    before: &ServerInfo,
    control: &Arc<AnswerControl>,
    began: Instant,
) -> Result<BackgroundTask<WatcherReport>, EnvironmentError> {
    let gate = Arc::new(Gate::default());
    let questions = questions(exercise);
    let mut watcher = Watcher {
        client: server.observer(),
        actor: Actor {
            client: server.observer(),
            target: server.checker_target(),
            cancel: server.cancel().clone(),
            gate: Arc::clone(&gate),
            connections: relay.connections(),
            control: Arc::clone(control),
            clients_before: 0,
            began,
        },
        info: versions::info_for(exercise.info_fields_meanwhile().as_deref(), before),
        watches_background: exercise.watches_background(),
        words: questions.iter().map(words_of).collect(),
        questions,
        always: always(exercise),
        triggers: Triggers::new(exercise),
        evidence: Evidence::new(before.clone()),
        began,
        gate: Arc::clone(&gate),
        control: Arc::clone(control),
        last: None,
        replied: Vec::new(),
        last_command: None,
        cause: String::new(),
        report: WatcherReport::default(),
        has_news: false,
    };
    watcher.begin(&exercise.id)?;
    if watcher.must_be_shut() {
        gate.shut();
    }
    let task = BackgroundTask::start("meanwhile", move |shared| watcher.watch(shared))?;
    relay.hold_at(gate);
    Ok(task)
}

/// What checks and conditions ask while the answer runs.
fn questions(exercise: &Exercise) -> Vec<Question> {
    let mut questions: Vec<Question> = Vec::new();
    for question in exercise.questions_meanwhile() {
        // The loader refuses other databases here.
        let is_asked = matches!(question, Question::Command(_) | Question::Config(_));
        if is_asked && !questions.contains(&question) {
            questions.push(question);
        }
    }
    questions
}

fn always(exercise: &Exercise) -> Vec<(usize, Check)> {
    let checks = exercise.checks.iter().enumerate();
    let always = checks.filter(|(_, check)| check.at == Moment::Always && exercise.asks(check));
    always.map(|(index, check)| (index, check.clone())).collect()
}

struct Watcher {
    client: Client,
    actor: Actor,
    /// Which sections of INFO each look asks for.
    info: &'static str,
    /// Whether the end of work in the background must be seen at once.
    watches_background: bool,
    questions: Vec<Question>,
    /// Of each question, to ask it.
    words: Vec<Words>,
    always: Vec<(usize, Check)>,
    triggers: Triggers,
    /// What the triggers and the invariants compare with: the server before the answer.
    evidence: Evidence,
    began: Instant,
    gate: Arc<Gate>,
    control: Arc<AnswerControl>,
    last: Option<WatchLook>,
    /// Commands that were replied to before a look that failed.
    replied: Vec<Exchange>,
    /// The answer's last command that was looked at, or another client's.
    last_command: Option<String>,
    /// How what is seen now came about.
    cause: String,
    report: WatcherReport,
    /// Whether the report has changed since it was shared.
    has_news: bool,
}

impl Watcher {
    /// Before the answer's first line.
    fn begin(&mut self, exercise: &str) -> Result<(), EnvironmentError> {
        let now = self.ask().map_err(|why| cannot(BEFORE, &why))?;
        let seen = self.observation(&now, &now.replies, false);
        for index in self.triggers.due(&seen, &self.evidence) {
            let Trigger::Condition(subject) = &self.triggers.get(index).when else { continue };
            let what = format!("waits for what is true before the answer: {}", subject.sentence());
            return Err(authors_error(exercise, &what));
        }
        for (_, check) in &self.always {
            let found = check.subject.judge_at(&seen, &self.evidence);
            if let Some(found) = found.filter(|found| !found.met) {
                let what = format!(
                    "demands at every moment what is not so before the answer: expected {}, found \
                     {}",
                    found.expected, found.found
                );
                return Err(authors_error(exercise, &what));
            }
        }
        self.actor.clients_before = now.info.number("connected_clients");
        if !self.triggers.is_empty() {
            // Connects.
            let info = ServerInfo::take(&mut self.actor.client, REPLY_LIMIT);
            let info = info.map_err(|why| cannot(BEFORE, &why))?;
            self.actor.clients_before = info.number("connected_clients");
        }
        self.last = Some(now);
        self.news().last = Some(Arc::clone(&seen));
        for index in self.triggers.at_the_start() {
            self.perform(index, seen.clone())?;
        }
        Ok(())
    }

    fn watch(&mut self, shared: &Shared<WatcherReport>) {
        self.gate.register_looker();
        loop {
            // When asked to stop, look once more: something may have ended just now.
            let is_last = shared.is_told_to_stop();
            let asked = self.gate.requested();
            if self.look().is_err() {
                self.gate.has_missed();
            }
            if std::mem::take(&mut self.has_news) {
                shared.note(|report| report.clone_from(&self.report));
            }
            self.gate.finish_look(asked, self.must_be_shut());
            if is_last {
                break;
            }
            if !self.gate.has_waiters() {
                std::thread::park_timeout(self.pause());
            }
        }
        self.gate.open();
        if self.gate.missed() > 0 && (!self.always.is_empty() || !self.triggers.are_only_looks()) {
            shared.note(|report| {
                report.failure.get_or_insert_with(missed_a_look);
            });
        }
    }

    /// Whether commands must wait for a look. Nothing can end while nothing is running.
    fn must_be_shut(&self) -> bool {
        let may_end = self.last.as_ref().is_none_or(|last| !last.running.is_empty());
        let goes_on = self.report.failure.is_none() && !*self.control.is_over();
        may_end || (goes_on && (!self.always.is_empty() || self.triggers.await_commands()))
    }

    /// The interval to the next look, if no command asks for one before.
    fn pause(&self) -> Duration {
        let last = self.last.as_ref();
        if self.watches_background || last.is_none_or(|last| !last.running.is_empty()) {
            return pause_for(self.began);
        }
        let may_change = last.is_none_or(WatchLook::may_change_by_itself);
        if may_change || self.gate.has_sent() || !self.must_be_shut() {
            pause_at_rest(self.began)
        } else {
            LONGEST_AT_REST
        }
    }

    fn look(&mut self) -> Result<(), CallError> {
        // Before the question: what is replied to later is looked at later.
        self.replied.extend(self.gate.take_replied());
        let now = self.ask()?;
        // What a command does whose reply has not come is told at its reply.
        let may_be_unfinished = self.replied.is_empty() && self.gate.has_sent();
        let replied = std::mem::take(&mut self.replied);
        self.cause = match &self.last_command {
            Some(last) => format!("some time after {last}, with no command in between"),
            None => "before any command".to_owned(),
        };
        if let Some(last) = replied.last() {
            let last = format!("`{}`", words::join(&last.words));
            self.cause = format!("after {last}");
            self.last_command = Some(last);
        }
        let seen = self.observation(&now, &now.replies, false);
        self.note_work(&now);
        self.triggers.note(replied);
        let is_over = *self.control.is_over();
        if !is_over && !may_be_unfinished {
            self.note_invariants(now.asked_at, &seen);
        }
        self.gate.look_before(now.may_change_by_itself());
        let last = self.last.replace(now);
        self.fire(last.as_ref(), seen);
        Ok(())
    }

    fn ask(&mut self) -> Result<WatchLook, CallError> {
        let (asked_at, missed) = (self.began.elapsed(), self.gate.missed());
        // After giving up on a question, it could be asked only after the answer's next commands.
        let (info, replies) =
            ServerInfo::take_with(&mut self.client, self.info, &self.words, REPLY_LIMIT)?;
        let running = topics::background().filter(|work| (work.is_running)(&info)).collect();
        Ok(WatchLook { asked_at, missed, running, replies, info })
    }

    fn note_work(&mut self, now: &WatchLook) {
        let at = self.last.as_ref().map_or(Duration::ZERO, |last| last.asked_at);
        let seen = self.began.elapsed();
        for work in topics::background() {
            let before = &self.evidence.before;
            let begun = work.begun_since(&now.info, before);
            let ended = work.ended_since(&now.info, before);
            let begin = Mark { word: work.begin_trigger, at, seen };
            self.has_news |= add_up_to(begun, begin, &mut self.report.begins);
            let end = Mark { word: work.end_trigger, at, seen };
            if add_up_to(ended, end, &mut self.report.ends) {
                let seen = self.at_the_end_of(work, now);
                self.news().ended.insert(work.name, seen);
            }
        }
    }

    /// The server at the end of this work. A command that ran between two looks may have run after
    /// the end, so it counts as later: the replies at the end are those of the last look while the
    /// work ran.
    fn at_the_end_of(&self, work: &BackgroundWork, now: &WatchLook) -> Arc<Observation> {
        let last = self.last.as_ref();
        let may_be_late =
            last.is_some_and(|last| last.missed != now.missed && last.replies != now.replies);
        let while_it_ran =
            last.filter(|last| last.running.iter().any(|running| **running == *work));
        let replies = while_it_ran.map_or(&now.replies, |last| &last.replies);
        self.observation(now, replies, may_be_late)
    }

    /// The report, to add something.
    fn news(&mut self) -> &mut WatcherReport {
        self.has_news = true;
        &mut self.report
    }

    fn observation(
        &self,
        now: &WatchLook,
        replies: &[Value],
        may_be_late: bool,
    ) -> Arc<Observation> {
        let mut seen = Observation { may_be_late, ..Observation::of(now.info.clone()) };
        for ((question, words), reply) in self.questions.iter().zip(&self.words).zip(replies) {
            match question {
                Question::Command(line) => {
                    seen.replies.insert(line.clone(), Printed::of(words, reply));
                }
                Question::Config(name) => {
                    seen.config.insert(name.clone(), config_value(reply));
                }
                Question::CommandIn(..) | Question::Log => {}
            }
        }
        Arc::new(seen)
    }

    /// Judges the checks with `at = "always"`, and keeps the first moment at which one is not met.
    fn note_invariants(&mut self, at: Duration, seen: &Arc<Observation>) {
        if self.always.is_empty() {
            return;
        }
        for (index, check) in &self.always {
            if self.report.violations.contains_key(index) {
                continue;
            }
            let found = check.subject.judge_at(seen, &self.evidence);
            if found.is_some_and(|found| !found.met) {
                let (how, seen) = (self.cause.clone(), Observation::clone(seen));
                self.report.violations.insert(*index, Violation { at, how, seen });
            }
        }
        self.news().last = Some(Arc::clone(seen));
    }

    /// Does what is due, in the order of the file, until nothing is due any more. Nothing is done
    /// beside an answer that has ended.
    fn fire(&mut self, before: Option<&WatchLook>, mut seen: Arc<Observation>) {
        let control = Arc::clone(&self.control);
        let is_over = control.is_over();
        while self.report.failure.is_none() {
            let mut due = self.triggers.due(&seen, &self.evidence);
            due.retain(|index| !*is_over || self.triggers.get(*index).steps.is_empty());
            if due.is_empty() {
                return;
            }
            let Some(now) = self.last.clone() else { return };
            for index in due {
                let seen = match (self.triggers.get(index).when.clone(), before) {
                    (Trigger::Ended(work), Some(before)) => {
                        let while_it_ran = before.running.iter().any(|running| **running == *work);
                        let replies = if while_it_ran { &before.replies } else { &now.replies };
                        self.observation(&now, replies, false)
                    }
                    _ => seen.clone(),
                };
                if let Err(error) = self.perform(index, seen) {
                    self.news().failure = Some(error);
                    return;
                }
            }
            let Some(now) = &self.last else { return };
            seen = self.observation(now, &now.replies, false);
        }
    }

    /// One `[[meanwhile]]`: the look, and then its steps. `seen` is the server before all that is
    /// due now.
    fn perform(&mut self, index: usize, seen: Arc<Observation>) -> Result<(), EnvironmentError> {
        self.triggers.has_fired(index);
        let steps = self.triggers.get(index).steps.clone();
        self.news().moments.insert(index, seen);
        if steps.is_empty() {
            return Ok(());
        }
        self.gate.act(true);
        let mut done = Vec::new();
        let result = self.actor.act(&steps, &mut |step| done.push(step));
        self.gate.act(false);
        for step in done {
            match &step.what {
                StepKind::Ran { line, .. } => {
                    self.last_command = Some(format!("another client's `{line}`"));
                }
                StepKind::DiskRefuses | StepKind::DiskWorks => {
                    self.last_command = Some("the disk's change".to_owned());
                }
                StepKind::KilledAnswer => self.triggers.forget_transactions(),
                StepKind::KilledServer => {
                    self.triggers.forget_transactions();
                    self.client = self.actor.observer();
                    self.last_command = Some("the server's restart".to_owned());
                }
                StepKind::Passed(_) => self.last_command = Some("moving time on".to_owned()),
            }
            self.news().steps.push(step);
        }
        result?;
        if let Some(last) = &self.last_command {
            self.cause = format!("after {last}");
        }
        let now = self.ask().map_err(|why| cannot("look at the server", &why))?;
        let seen = self.observation(&now, &now.replies, false);
        self.note_invariants(now.asked_at, &seen);
        self.last = Some(now);
        Ok(())
    }
}
