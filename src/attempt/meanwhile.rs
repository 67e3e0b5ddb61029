//! Watches for events while an answer runs, before each of its commands runs and before it reads
//! each reply.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::Value;

use super::background::{BackgroundTask, Shared};
use super::evidence::{Look, Observation};
use super::timing::pause_for;
use crate::checks::Question;
use crate::error::EnvironmentError;
use crate::lesson::{Exercise, Meanwhile, Moment, Trigger};
use crate::redis_cli::reply::Printed;
use crate::redis_cli::words;
use crate::relay::{Gate, Mark, Relay};
use crate::server::info::Words;
use crate::server::{Client, Server, ServerInfo};
use crate::topics::{self, BackgroundWork};

/// How long the server may be busy or paused. After giving up on a question, the watcher could ask
/// it only after the answer's next commands.
const LIMIT: Duration = Duration::from_secs(5);

/// What the watcher has seen so far.
#[derive(Debug, Clone, Default)]
pub(super) struct WatcherReport {
    /// The ends of background work, each with the last moment at which it was still running:
    /// commands after that count as run after the end.
    pub(super) ends: Vec<Mark>,
    /// The server at the last end of each work, by the work's name.
    looks: BTreeMap<&'static str, Observation>,
}

impl WatcherReport {
    /// The server after each of the exercise's `[[meanwhile]]`s that happened, and before the
    /// answer's next command.
    pub(super) fn looks(&self, exercise: &Exercise) -> Vec<(Moment, Look)> {
        let mut looks = Vec::new();
        for (index, Meanwhile { when: Trigger::Ended(work), .. }) in
            exercise.meanwhile.iter().enumerate()
        {
            let look = self.looks.get(work.name).cloned();
            looks.extend(look.map(|look| (Moment::Meanwhile(index), Ok(look))));
        }
        looks
    }

    fn count(&self, work: &BackgroundWork) -> usize {
        self.ends.iter().filter(|end| end.word == work.end_trigger).count()
    }
}

/// Starts a task that looks at the server repeatedly, and before each command and each reply that
/// goes through the relay.
pub(super) fn watch(
    server: &Server,
    relay: &Relay,
    exercise: &Exercise,
    before: &ServerInfo,
    began: Instant,
) -> Result<BackgroundTask<WatcherReport>, EnvironmentError> {
    let gate = Arc::new(Gate::default());
    let mut watcher = Watcher {
        client: server.observer(),
        commands: asked_commands(exercise),
        before: before.clone(),
        began,
        gate: Arc::clone(&gate),
        last: None,
    };
    let task = BackgroundTask::start("meanwhile", move |shared| watcher.watch(shared))?;
    relay.hold_at(gate);
    Ok(task)
}

/// The commands that `meanwhile` checks ask: each line and its words.
fn asked_commands(exercise: &Exercise) -> Vec<(String, Words)> {
    let mut commands = BTreeMap::new();
    for check in &exercise.checks {
        let Moment::Meanwhile(_) = check.at else { continue };
        for question in check.subject.questions() {
            let Question::Command(line) = question else { continue };
            // The loader has rejected lines that cannot be split.
            let words = words::split(&line).unwrap_or_default();
            commands.insert(line, words);
        }
    }
    commands.into_iter().collect()
}

struct Watcher {
    client: Client,
    commands: Vec<(String, Words)>,
    before: ServerInfo,
    began: Instant,
    gate: Arc<Gate>,
    last: Option<WatchLook>,
}

/// One look at the server that got its replies.
struct WatchLook {
    asked_at: Duration,
    /// How many packets had passed the gate without a look by then.
    missed: u64,
    /// Which work in the background was running.
    running: Vec<&'static BackgroundWork>,
    replies: Vec<Value>,
}

impl Watcher {
    fn watch(&mut self, shared: &Shared<WatcherReport>) {
        self.gate.register_looker();
        loop {
            // When asked to stop, look once more: something may have ended just now.
            let is_last = shared.is_told_to_stop();
            let asked = self.gate.requested();
            self.look(shared);
            // Nothing can end while nothing is running, so commands need not wait for a look.
            let may_end = self.last.as_ref().is_none_or(|last| !last.running.is_empty());
            self.gate.finish_look(asked, may_end);
            if is_last {
                break;
            }
            if !self.gate.has_waiters() {
                std::thread::park_timeout(pause_for(self.began));
            }
        }
        self.gate.open();
    }

    fn look(&mut self, shared: &Shared<WatcherReport>) {
        let (asked_at, missed) = (self.began.elapsed(), self.gate.missed());
        let questions: Vec<Words> = self.commands.iter().map(|(_, words)| words.clone()).collect();
        let Ok((now, replies)) = ServerInfo::take_with(&mut self.client, &questions, LIMIT) else {
            return;
        };
        let at = self.last.as_ref().map_or(Duration::ZERO, |last| last.asked_at);
        let may_be_late =
            self.last.as_ref().is_some_and(|last| last.missed != missed && last.replies != replies);
        for work in topics::background() {
            let pending = i64::from((work.is_pending)(&now, &self.before));
            let over = (work.begun)(&now) - (work.begun)(&self.before) - pending;
            let over = usize::try_from(over).unwrap_or(0);
            let end = Mark { word: work.end_trigger, at, seen: self.began.elapsed() };
            // A command that ran between two looks may have run after the end, so it counts as
            // later: the replies at the end are those of the last look while the work ran.
            let while_it_ran = self.last.as_ref().filter(|last| last.running.contains(&work));
            let at_the_end = while_it_ran.map_or(&replies, |last| &last.replies);
            shared.note(|report| {
                let new = over.saturating_sub(report.count(work));
                report.ends.extend(std::iter::repeat_n(end, new));
                if new > 0 {
                    let seen = self.observation(now.clone(), at_the_end, may_be_late);
                    report.looks.insert(work.name, seen);
                }
            });
        }
        let running = topics::background().filter(|work| (work.is_running)(&now)).collect();
        self.last = Some(WatchLook { asked_at, missed, running, replies });
    }

    fn observation(&self, info: ServerInfo, replies: &[Value], may_be_late: bool) -> Observation {
        let asked = self.commands.iter().zip(replies);
        let replies =
            asked.map(|((line, words), reply)| (line.clone(), Printed::of(words, reply))).collect();
        Observation { replies, may_be_late, ..Observation::of(info) }
    }
}
