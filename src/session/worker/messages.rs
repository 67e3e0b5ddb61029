//! What the session asks of the worker, and what the worker tells it: plain values.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::attempt::{Answer, Evidence, Run, WorkProgress};
use crate::error::EnvironmentError;
use crate::lesson::{Code, Exercise};
use crate::progress_event::ProgressEvent;
use crate::redis_prompt::CommandDocs;
use crate::relay::{Relay, Timeline};
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
pub struct StepVisit {
    pub number: u64,
    /// The indexes of the lesson and of its step, from 0.
    pub at: (usize, usize),
}

/// Counts what the worker runs for a verdict or an output, and what can be cancelled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunNumber(pub u64);

/// An event of the worker, and which request caused it.
pub struct StepEvent {
    /// The student may have left that step. `None` for events about servers and programs, which
    /// matter at every step.
    pub visit: Option<StepVisit>,
    /// The run may have been cancelled. `None` for events that do not depend on a run.
    pub run: Option<RunNumber>,
    pub event: WorkerEvent,
}

impl StepEvent {
    pub fn for_every_step(event: WorkerEvent) -> Self {
        Self { visit: None, run: None, event }
    }
}

/// How often a wait looks whether it is cancelled.
pub(super) const CANCEL_POLL: Duration = Duration::from_millis(20);

/// A request, and what cancels it.
pub type CancellableRequest = (Request, CancellationToken);

pub enum Request {
    /// Opens an exercise: from now on, clients of the relay work on a server with its setup.
    Open(StepVisit, Arc<Exercise>),
    /// Starts a server for work by hand, before the student connects through the relay.
    Begin,
    /// Judges an answer on a fresh server; ends work by hand.
    Check(RunNumber, Answer),
    /// Judges work by hand, and ends it.
    Judge(RunNumber),
    /// Ends work by hand without a verdict.
    StartOver,
    /// Runs an example on a fresh server; ends work by hand.
    Example(RunNumber, Box<ExampleRequest>),
}

impl Request {
    /// Whether it ends the run before, and can be cancelled itself.
    pub fn is_run(&self) -> bool {
        matches!(self, Self::Check(..) | Self::Judge(_) | Self::Example(..))
    }
}

pub struct ExampleRequest {
    pub settings: Vec<(String, String)>,
    pub setup: Vec<Code>,
    pub answer: Answer,
    pub limit: Duration,
}

pub enum WorkerEvent {
    /// A progress message about a slow step.
    Line(String),
    /// The current progress, which replaces the one before.
    Progress(String),
    /// Which servers were chosen, the address at which clients reach them, and whether another
    /// program has port 6379.
    Found { name: String, address: SocketAddr, usual_port_is_taken: bool },
    /// The current progress of background work; empty when it is done.
    Background(String),
    /// Work by hand has begun on this server.
    Began { server: String, docs: Arc<CommandDocs> },
    /// The state of the checks in work by hand.
    Live(LiveEvent),
    /// The verdict on an answer or on work by hand.
    Judged(Box<JudgedAnswer>),
    /// Work by hand has ended without a verdict.
    Explored { server: String, timeline: Box<Timeline> },
    /// An example has run.
    Ran(Box<Run>),
    /// A request has failed.
    Failed(EnvironmentError),
}

/// One look at the server of work by hand.
pub struct LiveEvent {
    /// When the look began; it does not show what happened later.
    pub looked: Instant,
    /// `None` while the server is too busy to answer.
    pub verdict: Option<LiveVerdict>,
    /// The progress of work that runs in the background.
    pub running: Option<WorkProgress>,
    /// Whether the exercise has killed the answer since the last look: whoever works by hand loses
    /// the connection.
    pub killed: bool,
    /// The verdict for the journal, once the work has passed.
    pub passed: Option<Box<JudgedAnswer>>,
}

/// A verdict with its answer and evidence.
pub struct JudgedAnswer {
    /// `None` for work by hand.
    pub answer: Option<Answer>,
    pub server: String,
    pub evidence: Evidence,
    pub verdict: Verdict,
}
