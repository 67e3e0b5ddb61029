//! An attempt that ends when the student says so: whoever comes through the tap works on the server, and it is
//! looked at again and again meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::beside::Beside;
use super::doubt::{doubt, server_end};
use super::evidence::{Evidence, Typed};
use super::observe::{ask_all, observe, with_outcomes};
use super::refusals::refuse_what_is_not_the_answers;
use super::setup::{SetUp, refuse_what_an_address_cannot_do};
use super::{Beginning, Finished, OVERRUN, Phase, Stand};
use crate::cleanup;
use crate::error::WorldError;
use crate::lesson::{Exercise, Moment};
use crate::server::{CallError, Client, Server, Snapshot};
use crate::tap::{Tap, Transcript};

/// A look in the middle.
pub struct Look {
    /// With one and the same snapshot at exit and settled, and nothing behind that.
    pub evidence: Evidence,
    /// Whether an end of the work here could be judged: nothing is seen that is not the student's doing.
    pub is_sure: bool,
}

/// A server with an exercise's setup on it, behind the tap. Dropped, it is over without a verdict.
pub struct Live {
    server: Server,
    tap: Arc<Tap>,
    exercise: Exercise,
    setup: Option<SetUp>,
    beginning: Option<Beginning>,
    read: ReadTranscript,
}

/// A transcript is long to read: where nothing was added, the one from the last look stands.
#[derive(Default)]
struct ReadTranscript {
    news: Option<u64>,
    transcript: Transcript,
}

impl ReadTranscript {
    fn up_to_now(&mut self, tap: &Tap) -> Transcript {
        // Before it is read: what comes meanwhile is news at the next look.
        let news = Some(tap.news());
        if self.news != news {
            self.transcript = tap.transcript();
            self.news = news;
        }
        self.transcript.clone()
    }
}

impl Live {
    /// Begins on a fresh server that was started with the exercise's settings.
    pub fn begin(
        mut server: Server,
        tap: Arc<Tap>,
        exercise: &Exercise,
    ) -> Result<Self, WorldError> {
        refuse_what_an_address_cannot_do(&mut server, exercise)?;
        let setup = Some(SetUp::new(&mut server, &exercise.setup)?);
        let mut live = Self {
            server,
            tap,
            exercise: exercise.clone(),
            setup,
            beginning: None,
            read: ReadTranscript::default(),
        };
        let mut stand = Stand { server: &mut live.server, tap: &live.tap, telling: &|_| {} };
        let beginning = Beginning::of(&mut stand, exercise)?;
        // Only now: what a waiting client sends must come behind the look before.
        stand.lead_to_server();
        live.beginning = Some(beginning);
        Ok(live)
    }

    /// `redis 7.0.15 (container)`.
    pub fn server_name(&self) -> &str {
        self.server.name()
    }

    /// Another connection past the tap, of the checker's own user.
    pub fn client(&self) -> Client {
        Client::new(self.server.checker_target())
    }

    /// What can be said now, as if the work ended here, without a crash and without a second server; `None`
    /// while the server is too busy to say anything within `limit`.
    pub fn look(&mut self, limit: Duration) -> Result<Option<Look>, WorldError> {
        let Some(beginning) = &self.beginning else { return Ok(None) };
        let mut evidence = Evidence {
            dump_bytes_before: beginning.dump_bytes,
            took: beginning.began.elapsed(),
            ..Evidence::new(beginning.before.clone())
        };
        let looked = look_once(&mut self.server, &self.exercise, &mut evidence, limit);
        if matches!(looked, Err(CallError::TimedOut(_))) {
            return Ok(None);
        }
        let noticed = beginning.watcher.as_ref().map(Beside::so_far).unwrap_or_default();
        evidence.waits = beginning.probe.as_ref().map(Beside::so_far);
        evidence.transcript = with_outcomes(self.read.up_to_now(&self.tap), &noticed, &evidence);
        evidence.meanwhile = noticed.by(&self.exercise);
        evidence.doubt = match looked {
            Ok(()) => doubt(&self.exercise, &evidence),
            Err(why) => Some(
                server_end(&mut self.server, &why)?
                    .unwrap_or_else(|| format!("the server says nothing any more: {why}")),
            ),
        };
        let is_sure =
            refuse_what_is_not_the_answers(&self.server, &self.exercise, &evidence).is_ok();
        Ok(Some(Look { evidence, is_sure }))
    }

    /// The student's work ends here: everything is looked at, with crash and restore if a check asks for them.
    pub fn finish(mut self, telling: &dyn Fn(Phase)) -> Result<Evidence, WorldError> {
        let Some(beginning) = self.beginning.take() else {
            return Err(WorldError::new("the attempt has not begun", "try again"));
        };
        let mut stand = Stand { server: &mut self.server, tap: &self.tap, telling };
        // The time in which the student was thinking is nobody's.
        let patience = Instant::now() + self.exercise.time_limit + OVERRUN;
        let finished = Finished::Typed(Typed::default());
        let evidence = observe(&mut stand, &self.exercise, beginning, finished, patience);
        // A signal may have ended the server in the middle: then nothing of this is true.
        cleanup::stop_if_a_signal_came();
        evidence
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.tap.lead_nowhere();
        if let Some(setup) = self.setup.take() {
            setup.take_out(&mut self.server);
        }
    }
}

/// One snapshot stands for both moments: the answer would end now, and what runs is told by it.
fn look_once(
    server: &mut Server,
    exercise: &Exercise,
    evidence: &mut Evidence,
    limit: Duration,
) -> Result<(), CallError> {
    let until = Instant::now() + limit;
    let now: Snapshot = server.snapshot(limit)?;
    evidence.exit = Some(ask_all(server, exercise, Moment::Exit, now.clone(), until)?);
    evidence.settled = Some(ask_all(server, exercise, Moment::Settled, now, until)?);
    Ok(())
}
