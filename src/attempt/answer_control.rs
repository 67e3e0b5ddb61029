//! What the thread that works beside an answer may do to the answer itself: kill it, so that it
//! begins again.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use redis::ConnectionInfo;
use tokio_util::sync::CancellationToken;

use super::fixture::Fixture;
use super::runner::ServerControl;
use crate::cleanup::lock;
use crate::error::EnvironmentError;
use crate::lesson::Exercise;
use crate::server::{Disk, ServerInfo};

/// How long a killed answer may take to end, and the kill to be complete.
const LIMIT: Duration = Duration::from_secs(5);
/// How long a killed server may take to start again, or its files to be changed.
const SERVER_LIMIT: Duration = Duration::from_secs(25);

/// How one run of an answer goes, and who may stop it or its server.
pub(super) struct RunControl<'r> {
    pub(super) before: &'r ServerInfo,
    /// When the answer began first.
    pub(super) began: Instant,
    /// How long this run may take.
    pub(super) limit: Duration,
    /// What the answer itself may do to its server.
    pub(super) server: ServerControl<'r>,
    /// What is done to the answer and its server from beside.
    pub(super) answer: &'r AnswerControl,
}

/// Shared by the thread that runs an answer and the one that works beside it.
#[derive(Debug, Default)]
pub(super) struct AnswerControl {
    state: Mutex<State>,
    changed: Condvar,
    /// Whether the answer has ended: nothing is done beside it any more. Locked while something
    /// is done.
    is_over: Mutex<bool>,
    /// Whether a student works by hand: there is no program to kill.
    by_hand: bool,
    /// Whether something may be done to the server itself while the answer runs.
    pub(super) acts_on_the_server: bool,
    /// The settings with which it starts again.
    restart: Vec<(String, String)>,
}

#[derive(Debug, Default)]
struct State {
    /// Ends the current run.
    run: CancellationToken,
    kill: KillState,
    /// Whether the answer ended, and not by a kill.
    has_ended: bool,
    server: ServerRequest,
}

/// A request to the thread that owns the server.
#[derive(Debug, Default)]
enum ServerRequest {
    #[default]
    None,
    Kill,
    SetDisk(Disk),
    /// Where the server is reached now.
    Done(Result<Box<ConnectionInfo>, EnvironmentError>),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum KillState {
    #[default]
    None,
    /// The run is to end.
    Requested,
    /// The run has ended.
    Dead,
}

impl AnswerControl {
    pub(super) fn new(exercise: &Exercise) -> Self {
        Self {
            acts_on_the_server: exercise.acts_on_the_server_meanwhile(),
            restart: exercise.restart.clone(),
            ..Self::default()
        }
    }

    /// For a student who works by hand.
    pub(super) fn by_hand(exercise: &Exercise) -> Self {
        Self { by_hand: true, ..Self::new(exercise) }
    }

    /// What ends the next run of the answer.
    pub(super) fn next_run(&self, cancel: &CancellationToken) -> CancellationToken {
        let mut state = lock(&self.state);
        state.run = cancel.child_token();
        state.run.clone()
    }

    /// After a run: whether the answer was killed and is to begin again. Waits until the kill is
    /// complete.
    pub(super) fn begins_again(&self, ended_by_itself: bool, cancel: &CancellationToken) -> bool {
        let mut state = lock(&self.state);
        if ended_by_itself || cancel.is_cancelled() || state.kill == KillState::None {
            state.has_ended = true;
            self.changed.notify_all();
            return false;
        }
        state.kill = KillState::Dead;
        self.changed.notify_all();
        let waited =
            self.changed.wait_timeout_while(state, LIMIT, |state| state.kill == KillState::Dead);
        waited.is_ok()
    }

    /// Kills the answer and waits for its end; false if it had ended by itself before, or does not
    /// end.
    pub(super) fn kill(&self) -> bool {
        if self.by_hand {
            return true;
        }
        let mut state = lock(&self.state);
        if state.has_ended {
            return false;
        }
        state.kill = KillState::Requested;
        state.run.cancel();
        let waited = self.changed.wait_timeout_while(state, LIMIT, |state| {
            state.kill == KillState::Requested && !state.has_ended
        });
        waited.is_ok_and(|(state, _)| state.kill == KillState::Dead)
    }

    /// After [`Self::kill`]: the answer may begin again.
    pub(super) fn kill_is_complete(&self) {
        lock(&self.state).kill = KillState::None;
        self.changed.notify_all();
    }

    /// Has the server killed and started again; returns where it is reached then, or `None` if the
    /// answer ended before.
    pub(super) fn kill_server(&self) -> Result<Option<ConnectionInfo>, EnvironmentError> {
        self.request(ServerRequest::Kill)
    }

    /// Makes saves fail or work again; false if the answer ended before.
    pub(super) fn set_disk(&self, disk: Disk) -> Result<bool, EnvironmentError> {
        Ok(self.request(ServerRequest::SetDisk(disk))?.is_some())
    }

    fn request(&self, request: ServerRequest) -> Result<Option<ConnectionInfo>, EnvironmentError> {
        let mut state = lock(&self.state);
        state.server = request;
        let waited = self.changed.wait_timeout_while(state, SERVER_LIMIT, |state| {
            !matches!(state.server, ServerRequest::Done(_)) && !state.has_ended
        });
        let Ok((mut state, _)) = waited else { return Ok(None) };
        match std::mem::take(&mut state.server) {
            ServerRequest::Done(result) => result.map(|target| Some(*target)),
            ServerRequest::None | ServerRequest::Kill | ServerRequest::SetDisk(_) => Ok(None),
        }
    }

    /// For the thread that owns the server, as often as it can: does what was requested.
    pub(super) fn serve(&self, fixture: &mut Fixture<'_>) {
        if !self.acts_on_the_server {
            return;
        }
        let disk = match lock(&self.state).server {
            ServerRequest::None | ServerRequest::Done(_) => return,
            ServerRequest::Kill => None,
            ServerRequest::SetDisk(disk) => Some(disk),
        };
        let result = match disk {
            None => fixture.kill().and_then(|()| fixture.restart(&self.restart)),
            Some(disk) => fixture.server.set_disk(disk),
        };
        let result = result.map(|()| Box::new(fixture.server.checker_target()));
        lock(&self.state).server = ServerRequest::Done(result);
        self.changed.notify_all();
    }

    /// From now on nothing is done beside the answer; waits for what is being done.
    pub(super) fn end(&self) {
        // What waits for the answer, or for its server's owner, waits no longer.
        lock(&self.state).has_ended = true;
        self.changed.notify_all();
        *lock(&self.is_over) = true;
    }

    /// Whether the answer has ended; it does not end while this is held.
    pub(super) fn is_over(&self) -> MutexGuard<'_, bool> {
        lock(&self.is_over)
    }
}
