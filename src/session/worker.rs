//! The worker: a thread that owns the servers, so that keys are answered while a server is busy.
//!
//! It takes [`Request`]s and sends [`WorkerEvent`]s; both are plain values.

mod at_hand;
mod thread;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use self::thread::Worker;
use crate::attempt::{Answer, Evidence, Run, WorkProgress};
use crate::error::{EnvironmentError, no_thread};
use crate::lesson::course::Package;
use crate::lesson::{Code, Exercise};
use crate::progress_event::ProgressEvent;
use crate::redis_prompt::CommandDocs;
use crate::relay::{Relay, Transcript};
use crate::server::Chosen;
use crate::verdict::{LiveVerdict, Verdict};

/// Where fresh servers come from, and the one address at which clients reach all of them.
pub struct Redis {
    pub chosen: Chosen,
    pub relay: Relay,
}

/// Finds where servers come from, and reports the progress of slow steps.
pub type FindRedis = dyn Fn(&dyn Fn(ProgressEvent<'_>)) -> Result<Redis, EnvironmentError> + Send;

/// One visit to a step; opening the same step again is another visit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct StepVisit {
    pub(super) number: u64,
    /// The indexes of the lesson and of its step, from 0.
    pub(super) at: (usize, usize),
}

/// An event with the visit whose request caused it, since the student may have left that step.
/// `None` for events about servers and programs, which matter at every step.
pub(super) type StepEvent = (Option<StepVisit>, WorkerEvent);

pub(super) enum Request {
    /// Opens an exercise: from now on, clients of the relay work on a server with its setup.
    Open(StepVisit, Arc<Exercise>),
    /// Starts a server for work by hand, before the student connects through the relay.
    Begin,
    /// Judges an answer on a fresh server; ends work by hand.
    Check(Answer),
    /// Judges work by hand, and ends it.
    Judge,
    /// Ends work by hand without a verdict.
    StartOver,
    /// Runs an example on a fresh server; ends work by hand.
    Example(Box<ExampleRequest>),
}

pub(super) struct ExampleRequest {
    pub(super) settings: Vec<(String, String)>,
    pub(super) setup: Vec<Code>,
    pub(super) answer: Answer,
    pub(super) limit: Duration,
}

pub(super) enum WorkerEvent {
    /// A progress message about a slow step.
    Line(String),
    /// The current progress, which replaces the one before.
    Progress(String),
    /// Why these servers were chosen, the address at which clients reach them, and whether another
    /// program has port 6379.
    Found { why: String, address: SocketAddr, usual_port_is_taken: bool },
    /// The current progress of background work; empty when it is done.
    Background(String),
    /// Work by hand has begun on this server.
    Began { server: String, docs: Arc<CommandDocs> },
    /// The state of the checks in work by hand.
    Live(LiveEvent),
    /// The verdict on an answer or on work by hand.
    Judged(Box<JudgedAnswer>),
    /// Work by hand has ended without a verdict.
    Explored { server: String, transcript: Box<Transcript> },
    /// An example has run.
    Ran(Box<Run>),
    /// A request has failed.
    Failed(EnvironmentError),
}

/// One look at the server of work by hand.
pub(super) struct LiveEvent {
    /// When the look began; it does not show what happened later.
    pub(super) looked: Instant,
    /// `None` while the server is too busy to answer.
    pub(super) verdict: Option<LiveVerdict>,
    /// The progress of a running background save.
    pub(super) running: Option<WorkProgress>,
    /// The verdict for the journal, once the work has passed.
    pub(super) passed: Option<Box<JudgedAnswer>>,
}

/// A verdict with its answer and evidence.
pub(super) struct JudgedAnswer {
    /// `None` for work by hand.
    pub(super) answer: Option<Answer>,
    pub(super) server: String,
    pub(super) evidence: Evidence,
    pub(super) verdict: Verdict,
}

/// The worker's handle. When it is dropped, the thread ends after its current request. There is no
/// need to wait for that: everything that it has started ends with the program
/// ([`crate::cleanup`]).
pub(super) struct WorkerHandle {
    requests: Sender<Request>,
    events: Receiver<StepEvent>,
    thread: JoinHandle<()>,
}

impl WorkerHandle {
    /// Starts the thread, which begins to look for a server at once.
    pub(super) fn start(
        find_redis: Box<FindRedis>,
        python_packages: Vec<Package>,
    ) -> Result<Self, EnvironmentError> {
        let (requests, for_thread) = mpsc::channel();
        let (sender, events) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("worker".into())
            .spawn(move || Worker::new(for_thread, sender, find_redis, python_packages).run())
            .map_err(no_thread)?;
        Ok(Self { requests, events, thread })
    }

    /// Whether the thread has ended. Only a panic ends it before the handle is dropped.
    pub(super) fn has_panicked(&self) -> bool {
        self.thread.is_finished()
    }

    pub(super) fn request(&self, request: Request) {
        // If the thread has ended, the session finds out by `has_panicked`.
        let _ = self.requests.send(request);
    }

    /// The channel of events, for another thread to wait on.
    pub(super) fn receiver(&mut self) -> &mut Receiver<StepEvent> {
        &mut self.events
    }

    /// The next event, if one has arrived.
    pub(super) fn news(&self) -> Option<StepEvent> {
        self.events.try_recv().ok()
    }
}
