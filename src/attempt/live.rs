//! A live attempt, which ends when the student decides. Any client may work on the server through
//! the relay; meanwhile we look at the server repeatedly.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::answer::FinishedAnswer;
use super::answer_control::AnswerControl;
use super::background::BackgroundTask;
use super::cancelled::{AttemptError, unless_cancelled};
use super::environment::ensure_only_the_answer_is_judged;
use super::evidence::{Evidence, Typed};
use super::fixture::Fixture;
use super::look::ask_all;
use super::phase::Phase;
use super::script::{Beginning, OVERRUN, observe, with_outcomes};
use super::setup::{SetUp, ensure_address_supports};
use super::validity::{paused_too_long, server_end, why_invalid};
use crate::cleanup;
use crate::error::EnvironmentError;
use crate::lesson::words::RandomWords;
use crate::lesson::{Exercise, Moment};
use crate::relay::{Relay, Timeline};
use crate::server::{CallError, Client, Server, ServerInfo};

/// A look during a live attempt.
pub struct LiveLook {
    /// Contains the same server info at exit and settled, and nothing later.
    pub evidence: Evidence,
    /// Whether we could judge the work if it ended now: no environment failure affects the
    /// evidence.
    pub is_sure: bool,
}

/// A server with an exercise's setup, behind the relay. Dropping it ends the attempt without a
/// verdict.
pub struct Live {
    server: Server,
    relay: Arc<Relay>,
    /// With the words of this attempt.
    exercise: Exercise,
    words: RandomWords,
    setup: Option<SetUp>,
    beginning: Option<Beginning>,
    read: ReadTimeline,
}

/// Caches the timeline, because reading a long one takes time.
#[derive(Default)]
struct ReadTimeline {
    /// The relay's change counter when `timeline` was read.
    version: Option<u64>,
    timeline: Timeline,
}

impl ReadTimeline {
    fn up_to_now(&mut self, relay: &Relay) -> Timeline {
        // Read the counter first, so that a command that comes meanwhile is read at the next look.
        let version = Some(relay.traffic());
        if self.version != version {
            self.timeline = relay.timeline();
            self.version = version;
        }
        self.timeline.clone()
    }
}

impl Live {
    /// Begins on a fresh server that was started with the exercise's settings.
    pub fn begin(
        mut server: Server,
        relay: Arc<Relay>,
        exercise: &Exercise,
    ) -> Result<Self, EnvironmentError> {
        ensure_address_supports(&mut server, exercise)?;
        let words = exercise.new_words();
        let exercise = &*exercise.with_words(&words);
        let setup = Some(SetUp::new(&mut server, &exercise.setup, &exercise.restart)?);
        if exercise.stop && server.is_down() {
            let fact = format!("`{}` begins with a server that is stopped", exercise.id);
            let help = "write your answer into its file: only an answer file can start the server";
            return Err(EnvironmentError::new(fact, help));
        }
        let mut live = Self {
            server,
            relay,
            exercise: exercise.clone(),
            words,
            setup,
            beginning: None,
            read: ReadTimeline::default(),
        };
        let cancel = live.server.cancel().clone();
        let mut fixture = Fixture {
            server: &mut live.server,
            relay: &live.relay,
            report: &|_| {},
            cancel: &cancel,
        };
        let control = Arc::new(AnswerControl::by_hand(exercise));
        let beginning = Beginning::of(&mut fixture, exercise, "", control)?;
        // Only now: a waiting client must not change the server before the first look.
        fixture.route_to_server();
        live.beginning = Some(beginning);
        Ok(live)
    }

    /// `redis 7.0.15 (container)`.
    pub fn server_name(&self) -> &str {
        self.server.name()
    }

    /// A new connection as the checker's user, directly to the server and not through the relay.
    pub fn client(&self) -> Client {
        Client::new(self.server.checker_target())
    }

    /// The evidence as if the work ended now, without a crash and without a second server; `None`
    /// while the server is too busy to reply within `limit`.
    pub fn look(&mut self, limit: Duration) -> Result<Option<LiveLook>, EnvironmentError> {
        let Some(beginning) = &self.beginning else { return Ok(None) };
        let cancel = self.server.cancel().clone();
        let (server, relay) = (&mut self.server, &*self.relay);
        let mut fixture = Fixture { server, relay, report: &|_| {}, cancel: &cancel };
        beginning.control.serve(&mut fixture);
        let mut evidence = Evidence {
            file_bytes_before: beginning.file_bytes,
            took: beginning.began.elapsed(),
            words: self.words.clone(),
            ..Evidence::new(beginning.before.clone())
        };
        let looked = look_once(&mut self.server, &self.exercise, &mut evidence, limit);
        if matches!(looked, Err(CallError::TimedOut(_))) {
            return Ok(None);
        }
        let report = beginning.watcher.as_ref().map(BackgroundTask::so_far).unwrap_or_default();
        evidence.waits = beginning.probe.as_ref().map(BackgroundTask::so_far);
        evidence.timeline = with_outcomes(self.read.up_to_now(&self.relay), &report, &evidence);
        evidence.looks.extend(report.looks(&self.exercise));
        (evidence.came, evidence.violations) = (report.came(), report.violations);
        evidence.invalid = match looked {
            Ok(()) => why_invalid(&self.exercise, &evidence),
            Err(why) => Some(
                server_end(&mut self.server, &why)?
                    .unwrap_or_else(|| format!("the server says nothing any more: {why}")),
            ),
        };
        if let Some(failure) = report.failure.filter(|_| evidence.invalid.is_none()) {
            evidence.invalid = Some(paused_too_long(&evidence.timeline).ok_or(failure)?);
        }
        let is_sure =
            ensure_only_the_answer_is_judged(&self.server, &self.exercise, &evidence).is_ok();
        Ok(Some(LiveLook { evidence, is_sure }))
    }

    /// Ends the student's work and collects all evidence, with crash and restore if a check asks
    /// for them.
    pub fn finish(
        mut self,
        report: &dyn Fn(Phase),
        cancel: &CancellationToken,
    ) -> Result<Evidence, AttemptError> {
        let Some(beginning) = self.beginning.take() else {
            return Err(EnvironmentError::new("the attempt has not begun", "try again").into());
        };
        self.server.cancelled_by(cancel);
        let mut fixture = Fixture { server: &mut self.server, relay: &self.relay, report, cancel };
        // The time limit starts now: it does not cover the time in which the student worked.
        let deadline = Instant::now() + self.exercise.time_limit + OVERRUN;
        let finished = FinishedAnswer::Typed(Typed::default());
        let evidence = unless_cancelled(cancel, || {
            observe(&mut fixture, &self.exercise, beginning, finished, deadline)
        });
        // If a signal to us also ended the server, the evidence is wrong.
        cleanup::stop_if_a_signal_came();
        let words = std::mem::take(&mut self.words);
        evidence.map(|evidence| Evidence { words, ..evidence })
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.relay.disconnect();
        // What waits for us to act on the server waits no longer.
        self.beginning.iter().for_each(|beginning| beginning.control.end());
        if let Some(setup) = self.setup.take() {
            setup.take_out(&self.server);
        }
    }
}

/// Uses one server info for both moments, as if the answer ended now; it also shows whether a save
/// is running.
fn look_once(
    server: &mut Server,
    exercise: &Exercise,
    evidence: &mut Evidence,
    limit: Duration,
) -> Result<(), CallError> {
    let until = Instant::now() + limit;
    let now: ServerInfo = server.info(limit)?;
    for moment in [Moment::Exit, Moment::Settled] {
        let seen = ask_all(server, exercise, moment, now.clone(), until)?;
        evidence.looks.insert(moment, Ok(seen));
    }
    Ok(())
}
