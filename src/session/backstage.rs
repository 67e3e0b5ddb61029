//! The thread that has the servers, so that keys are answered while a server is busy.
//!
//! It is given [`Order`]s and tells [`News`]; both are plain values.

mod worker;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::attempt::{Answer, Evidence, Run, SaveProgress};
use crate::error::{WorldError, no_thread};
use crate::lesson::course::Package;
use crate::lesson::{Code, Exercise};
use crate::redis_prompt::CommandDocs;
use crate::server::Chosen;
use crate::tap::{Tap, Transcript};
use crate::telling::Told;
use crate::verdict::{LiveVerdict, Verdict};
use worker::Worker;

/// Where fresh servers come from, and the one address at which all of them are found.
pub struct Redis {
    /// For the servers.
    pub chosen: Chosen,
    /// For the student's clients.
    pub tap: Tap,
}

/// Finds where servers come from, telling what takes its time.
pub type FindRedis = dyn Fn(&dyn Fn(Told<'_>)) -> Result<Redis, WorldError> + Send;

/// The student's stay at a step; the same step gets another number when it is opened again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Visit {
    pub(super) number: u64,
    /// The lesson's and the step's number.
    pub(super) at: (usize, usize),
}

/// News, and the visit whose orders they come from: the student may be elsewhere by now. `None`: they are about
/// servers and programs, whoever wants them.
pub(super) type Dated = (Option<Visit>, News);

/// What is wanted of the thread.
pub(super) enum Order {
    /// This exercise is at hand: whoever comes through the tap works on a server with its setup.
    Open(Visit, Arc<Exercise>),
    /// The student is about to come through the tap.
    Begin,
    /// An answer is judged, on a fresh server; what was done by hand is over.
    Check(Answer),
    /// What was done by hand is judged, and over.
    Judge,
    /// What was done by hand is over without a verdict.
    StartOver,
    /// An example runs on a fresh server.
    Example(Box<ExampleOrder>),
}

/// An example with what it needs.
pub(super) struct ExampleOrder {
    pub(super) settings: Vec<(String, String)>,
    pub(super) setup: Vec<Code>,
    pub(super) answer: Answer,
    pub(super) limit: Duration,
}

/// What the thread tells.
pub(super) enum News {
    /// A line about what takes its time, which stays.
    Line(String),
    /// The same, in place of the one before.
    Progress(String),
    /// Where servers come from, and where they are found; also whether port 6379 belongs to another program.
    Found { why: String, address: SocketAddr, usual_port_is_taken: bool },
    /// The same of what goes on behind the student's back; empty: no more.
    Background(String),
    /// Work by hand has begun on this server.
    Began { server: String, docs: Arc<CommandDocs> },
    /// How the checks stand.
    Live(LiveNews),
    /// An order to judge something is carried out.
    Judged(Box<Judged>),
    /// What was done by hand is over without a verdict.
    Explored { server: String, transcript: Box<Transcript> },
    /// An example has run.
    Ran(Box<Run>),
    /// An order could not be carried out.
    Failed(WorldError),
}

/// A look at work by hand.
pub(super) struct LiveNews {
    /// When the look began: what came later it does not know.
    pub(super) looked: Instant,
    /// `None` while the server is too busy to say anything.
    pub(super) verdict: Option<LiveVerdict>,
    /// Of a background save that runs.
    pub(super) saving: Option<SaveProgress>,
    /// For the journal, where the work has passed.
    pub(super) passed: Option<Box<Judged>>,
}

/// A verdict and what it rests on.
pub(super) struct Judged {
    /// `None`: what was done by hand.
    pub(super) answer: Option<Answer>,
    pub(super) server: String,
    pub(super) evidence: Evidence,
    pub(super) verdict: Verdict,
}

/// The thread's handle. Dropped, the thread ends as soon as it is done with its order; whoever leaves need not wait
/// for that, since what it has started ends with the program ([`crate::cleanup`]).
pub(super) struct Backstage {
    orders: Sender<Order>,
    news: Receiver<Dated>,
    thread: JoinHandle<()>,
}

impl Backstage {
    /// Starts the thread, which begins to find a server at once.
    pub(super) fn start(
        find_redis: Box<FindRedis>,
        python_packages: Vec<Package>,
    ) -> Result<Self, WorldError> {
        let (orders, for_thread) = mpsc::channel();
        let (tell, news) = mpsc::channel();
        let run = move || {
            Worker::new(for_thread, tell, find_redis, python_packages).run();
        };
        let thread = thread::Builder::new().name("backstage".into()).spawn(run);
        let thread = thread.map_err(no_thread)?;
        Ok(Self { orders, news, thread })
    }

    /// Whether nothing will be carried out any more: only a panic ends the thread before us.
    pub(super) fn has_panicked(&self) -> bool {
        self.thread.is_finished()
    }

    pub(super) fn order(&self, order: Order) {
        // Where nobody listens any more, the session finds out by itself.
        let _ = self.orders.send(order);
    }

    /// Where the news come from, for somebody else who waits for them.
    pub(super) fn receiver(&mut self) -> &mut Receiver<Dated> {
        &mut self.news
    }

    /// The next news, if there are any yet.
    pub(super) fn news(&self) -> Option<Dated> {
        self.news.try_recv().ok()
    }
}
