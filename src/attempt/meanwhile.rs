//! Watches for events while an answer runs, before each of its commands runs and before it reads
//! each reply.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::Value;

use super::background::{BackgroundTask, Shared};
use super::evidence::{MeanwhileLook, Observation, forks_for_saves, is_saving};
use super::timing::pause_for;
use crate::error::EnvironmentError;
use crate::lesson::{Exercise, Meanwhile, Moment, Subject, Trigger};
use crate::redis_cli::reply::Printed;
use crate::redis_cli::words;
use crate::relay::{Gate, Relay};
use crate::server::info::Words;
use crate::server::{Client, Server, ServerInfo};

/// How long the server may be busy or paused. After giving up on a question, the watcher could ask
/// it only after the answer's next commands.
const LIMIT: Duration = Duration::from_secs(5);

/// What the watcher has seen so far.
#[derive(Debug, Clone, Default)]
pub(super) struct WatcherReport {
    /// The background saves that ended.
    pub(super) bgsave_ends: Vec<BgsaveEnded>,
    /// The server when the last of them ended.
    pub(super) last_end: Option<MeanwhileLook>,
}

/// The end of a background save; times count from the answer's beginning.
#[derive(Debug, Clone, Copy)]
pub(super) struct BgsaveEnded {
    /// The last moment at which the save was still running: commands after it count as run after
    /// the save's end.
    pub(super) after: Duration,
    /// When the end was seen.
    pub(super) seen: Duration,
}

impl WatcherReport {
    /// For each of the exercise's `[[meanwhile]]`s, the server when it had happened.
    pub(super) fn by(&self, exercise: &Exercise) -> Vec<Option<MeanwhileLook>> {
        exercise.meanwhile.iter().map(|meanwhile| self.look_for(meanwhile)).collect()
    }

    fn look_for(&self, meanwhile: &Meanwhile) -> Option<MeanwhileLook> {
        match meanwhile.when {
            Trigger::BgsaveEnded => self.last_end.clone(),
        }
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
        client: Client::that_asks_again(server.checker_target()),
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
        let (Moment::Meanwhile(_), Subject::Reply(replies)) = (check.at, &check.subject) else {
            continue;
        };
        for (command, _) in replies {
            // The loader has rejected lines that cannot be split.
            commands.insert(command.clone(), words::split(command).unwrap_or_default());
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
    is_saving: bool,
    replies: Vec<Value>,
}

impl Watcher {
    fn watch(&mut self, shared: &Shared<WatcherReport>) {
        self.gate.register_looker();
        loop {
            // When asked to stop, look once more: a save may have ended just now.
            let is_last = shared.is_told_to_stop();
            let asked = self.gate.requested();
            self.look(shared);
            // No save can end while none is running, so commands need not wait for a look.
            let is_saving = self.last.as_ref().is_none_or(|last| last.is_saving);
            self.gate.finish_look(asked, is_saving);
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
        let begun = forks_for_saves(&now) - forks_for_saves(&self.before);
        let over = begun - i64::from(is_saving(&now, &self.before));
        let over = usize::try_from(over).unwrap_or(0);
        let after = self.last.as_ref().map_or(Duration::ZERO, |last| last.asked_at);
        let end = BgsaveEnded { after, seen: self.began.elapsed() };
        let is_sure =
            self.last.as_ref().is_none_or(|last| last.missed == missed || last.replies == replies);
        let is_saving = now.number("rdb_bgsave_in_progress") != 0;
        // A command that ran between two looks may have run after the save's end, so it counts as
        // later: the replies at the end are those of the last look during the save.
        let during_save = self.last.as_ref().filter(|last| last.is_saving);
        let at_the_end = during_save.map_or(&replies, |last| &last.replies);
        shared.note(|report| {
            if over > report.bgsave_ends.len() {
                report.bgsave_ends.resize(over, end);
                let observation = self.observation(now, at_the_end);
                report.last_end = Some(MeanwhileLook { observation, is_sure });
            }
        });
        self.last = Some(WatchLook { asked_at, missed, is_saving, replies });
    }

    fn observation(&self, info: ServerInfo, replies: &[Value]) -> Observation {
        let lines = self.commands.iter().map(|(line, _)| line.clone());
        Observation {
            info,
            replies: lines.zip(replies.iter().map(Printed::new)).collect(),
            config: BTreeMap::new(),
            bgsave_ends: Vec::new(),
            log_is_silent: false,
        }
    }
}
