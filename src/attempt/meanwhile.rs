//! What happens while an answer runs: noticed before the answer's next command is run, and before it reads the reply to
//! the one before.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::Value;

use super::beside::{Beside, Shared};
use super::evidence::{MeanwhileLook, Observation, forks_for_saves, is_saving};
use super::pace::pause_for;
use crate::error::WorldError;
use crate::lesson::{Exercise, Meanwhile, Moment, Subject, Trigger};
use crate::redis_cli::reply::Printed;
use crate::redis_cli::words;
use crate::server::snapshot::Words;
use crate::server::{Client, Server, Snapshot};
use crate::tap::{Gate, Tap};

/// A server may be busy or paused: a question that was given up would have to be asked once more, behind the answer's
/// commands.
const LIMIT: Duration = Duration::from_secs(5);

/// What was noticed so far.
#[derive(Debug, Clone, Default)]
pub(super) struct WatcherReport {
    /// The background saves that ended.
    pub(super) bgsave_ends: Vec<BgsaveEnded>,
    /// The server as the last of them ended.
    pub(super) last_end: Option<MeanwhileLook>,
}

/// The end of a background save, since the answer began.
#[derive(Debug, Clone, Copy)]
pub(super) struct BgsaveEnded {
    /// The last moment at which it was not over yet: what came behind that was run when it had ended.
    pub(super) after: Duration,
    /// When that was seen.
    pub(super) seen: Duration,
}

impl WatcherReport {
    /// The server when each of the exercise's `[[meanwhile]]`s had happened.
    pub(super) fn by(&self, exercise: &Exercise) -> Vec<Option<MeanwhileLook>> {
        let happened = |meanwhile: &Meanwhile| match meanwhile.when {
            Trigger::BgsaveEnded => self.last_end.clone(),
        };
        exercise.meanwhile.iter().map(happened).collect()
    }
}

/// Looks at the server again and again, and before each command and each reply that goes through the tap.
pub(super) fn watch(
    server: &Server,
    tap: &Tap,
    exercise: &Exercise,
    before: &Snapshot,
    began: Instant,
) -> Result<Beside<WatcherReport>, WorldError> {
    let gate = Arc::new(Gate::default());
    let mut watcher = Watcher {
        client: Client::that_asks_again(server.checker_target()),
        commands: asked_commands(exercise),
        before: before.clone(),
        began,
        gate: Arc::clone(&gate),
        last: None,
    };
    let beside = Beside::start("meanwhile", move |shared| watcher.watch(shared))?;
    tap.hold_at(gate);
    Ok(beside)
}

/// What the checks ask at such a moment: the command lines and their words.
fn asked_commands(exercise: &Exercise) -> Vec<(String, Words)> {
    let is_meanwhile = |at: Moment| matches!(at, Moment::Meanwhile(_));
    let mut commands = BTreeMap::new();
    for check in exercise.checks.iter().filter(|check| is_meanwhile(check.at)) {
        let Subject::Reply(replies) = &check.subject else { continue };
        for (command, _) in replies {
            // The loader has refused what has no words.
            commands.insert(command.clone(), words::split(command).unwrap_or_default());
        }
    }
    commands.into_iter().collect()
}

struct Watcher {
    client: Client,
    commands: Vec<(String, Words)>,
    before: Snapshot,
    began: Instant,
    gate: Arc<Gate>,
    last: Option<Look>,
}

/// One look that was answered.
struct Look {
    asked_at: Duration,
    /// Commands that had gone on without a look by then.
    missed: u64,
    is_saving: bool,
    replies: Vec<Value>,
}

impl Watcher {
    fn watch(&mut self, shared: &Shared<WatcherReport>) {
        self.gate.register_looker();
        loop {
            // Told to stop, it looks once more: the end may just have come.
            let is_last = shared.is_told_to_stop();
            let asked = self.gate.requested();
            self.look(shared);
            // While no save runs none can end.
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
        let Ok((now, replies)) = Snapshot::take_with(&mut self.client, &questions, LIMIT) else {
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
        // A command that ran between the two looks may have seen the end: it counts as behind it.
        let while_it_ran = self.last.as_ref().filter(|last| last.is_saving);
        let at_the_end = while_it_ran.map_or(&replies, |last| &last.replies);
        let look = || MeanwhileLook { observation: self.observation(now, at_the_end), is_sure };
        shared.note(|report| {
            if over > report.bgsave_ends.len() {
                report.bgsave_ends.resize(over, end);
                report.last_end = Some(look());
            }
        });
        self.last = Some(Look { asked_at, missed, is_saving, replies });
    }

    fn observation(&self, snapshot: Snapshot, replies: &[Value]) -> Observation {
        let lines = self.commands.iter().map(|(line, _)| line.clone());
        Observation {
            snapshot,
            replies: lines.zip(replies.iter().map(Printed::new)).collect(),
            config: BTreeMap::new(),
            bgsave_ends: Vec::new(),
            log_is_silent: false,
        }
    }
}
