//! Many cases on many servers: each on a fresh one that was started before it is needed.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::case::Case;
use super::prove::{Proof, prove, refused_setup, start_after, unchecked};
use super::result::CaseResult;
use crate::attempt::Python;
use crate::cleanup::lock;
use crate::error::WorldError;
use crate::server::{Kept, Server, Source};

/// How many servers wait for their cases. LASTSAVE counts whole seconds, so an answer may start only when its
/// server is a second old: with this many waiting, and a case every twenty milliseconds, each is. An idle server
/// costs 3 MB and 0.4 % of a core (`--hz 100`).
const AHEAD: usize = 48;
/// How many servers are started at the same time: a start is mostly waiting for the server.
const STARTERS: usize = 2;
/// How many servers there are at most at a time for so many runs: those ahead, and for each job one and another that
/// loads its snapshot alone; and those that are just being started.
fn servers_at_a_time(runs: usize, jobs: usize) -> u16 {
    u16::try_from(AHEAD.min(runs) + 2 * jobs + STARTERS).unwrap_or(u16::MAX)
}

/// What Python answers run in.
pub struct Interpreters {
    /// A process for each answer.
    pub fresh: Python,
    /// Forks of a warmed one, if it can be had. Not for those that [`Case::runs_cold`], nor for a second look.
    pub warmed: Option<Python>,
}

/// What to run, and how.
pub struct Work<'w> {
    /// Each on a server of its own.
    pub cases: &'w [Case<'w>],
    /// Where servers come from; not an address.
    pub source: &'w Source,
    /// How many cases run at the same time.
    pub jobs: usize,
    /// How often each case is run.
    pub repeat: u32,
    /// Nothing more is begun once a case is not as it must be.
    pub fail_fast: bool,
    /// Whether the server of the first case that is not as it must be outlives us.
    pub keep: bool,
}

/// What came of [`Work::run`].
pub struct Done {
    /// In the cases' order; `None`: not run.
    pub results: Vec<Option<CaseResult>>,
    /// The server that was kept.
    pub kept: Option<KeptServer>,
}

/// A server that outlives its case.
#[derive(Debug)]
pub struct KeptServer {
    /// The case's place in [`Work::cases`].
    pub case: usize,
    /// How to reach it, or why there is none.
    pub server: Result<Kept, WorldError>,
}

/// A case and the server that was started for it.
type Started = (usize, Result<Server, WorldError>);

/// What the threads of a run share.
struct Running {
    /// The cases' places, in the order in which they are begun.
    order: Vec<usize>,
    servers: Mutex<Receiver<Started>>,
    /// How many runs have got a server.
    begun: AtomicUsize,
    stop: AtomicBool,
    results: Mutex<Vec<Option<CaseResult>>>,
    kept: Mutex<Option<KeptServer>>,
}

impl Work<'_> {
    /// Runs the cases. `python` finds what answers in Python need, while the first servers start. `done` is called
    /// as each run of a case ends, with the case's place; one that is run once, and is not as it must be, is run a second
    /// time before that. Once a server could not be started, what is left is not run: it would only fail alike, one
    /// after another; it has no result.
    pub fn run(
        &self,
        python: impl FnOnce() -> Result<Option<Interpreters>, WorldError>,
        done: &(dyn Fn(usize, &CaseResult) + Sync),
    ) -> Result<Done, WorldError> {
        self.source.make_room_for(servers_at_a_time(self.runs(), self.jobs));
        let (sender, servers) = mpsc::sync_channel(AHEAD.min(self.runs()));
        let running = Running {
            order: longest_first(self.cases),
            servers: Mutex::new(servers),
            begun: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            results: Mutex::new(vec![None; self.cases.len()]),
            kept: Mutex::new(None),
        };
        thread::scope(|scope| {
            // One job runs the cases in their order, so there must be one to start their servers.
            for _ in 0..STARTERS.min(self.jobs) {
                let sender = sender.clone();
                scope.spawn(|| self.start_servers(sender, &running));
            }
            drop(sender);
            let python = python().inspect_err(|_| running.give_up())?;
            let work = || self.work(&running, python.as_ref(), done);
            thread::scope(|scope| {
                for _ in 1..self.jobs {
                    // With fewer threads than wished it only takes longer.
                    let _ = thread::Builder::new().name("case".into()).spawn_scoped(scope, work);
                }
                work();
            });
            Ok(())
        })?;
        Ok(Done { results: into_inner(running.results), kept: into_inner(running.kept) })
    }

    fn runs(&self) -> usize {
        self.cases.len() * self.repeat as usize
    }

    /// Starts a server for each run that nobody has begun, as many ahead as the channel takes.
    fn start_servers(&self, sender: SyncSender<Started>, running: &Running) {
        while !running.stop.load(Ordering::Relaxed) {
            let run = running.begun.fetch_add(1, Ordering::Relaxed);
            if run >= self.runs() {
                break;
            }
            let index = running.order[run % running.order.len()];
            let server = Server::start(self.source, self.cases[index].settings());
            if sender.send((index, server)).is_err() {
                break;
            }
        }
    }

    fn work(
        &self,
        running: &Running,
        python: Option<&Interpreters>,
        done: &(dyn Fn(usize, &CaseResult) + Sync),
    ) {
        while let Some((index, server)) = running.next() {
            if running.stop.load(Ordering::Relaxed) {
                continue;
            }
            let ended = CaseResult { proofs: self.run_one(index, server, python, &running.kept) };
            let no_server = ended.proofs.iter().any(|proof| proof.server.is_empty());
            let ends_all = no_server || (self.fail_fast && !ended.is_good());
            running.stop.fetch_or(ends_all, Ordering::Relaxed);
            done(index, &ended);
            let mut results = lock(&running.results);
            let result: &mut CaseResult = results[index].get_or_insert_default();
            ended.proofs.into_iter().for_each(|proof| result.add(proof));
        }
    }

    fn run_one(
        &self,
        index: usize,
        server: Result<Server, WorldError>,
        python: Option<&Interpreters>,
        kept: &Mutex<Option<KeptServer>>,
    ) -> Vec<Proof> {
        let case = &self.cases[index];
        let mut server = match server {
            Ok(server) => server,
            Err(error) => match start_after(case, error, self.source) {
                Ok(server) => server,
                Err(proof) => return vec![*proof],
            },
        };
        let cold = python.map(|it| &it.fresh);
        let warm = python.map(|it| it.warmed.as_ref().unwrap_or(&it.fresh));
        let proof = prove(case, &mut server, if case.runs_cold() { cold } else { warm });
        if let Some(refused) = refused_setup(case, &proof, self.source) {
            return vec![refused];
        }
        if self.keep && !proof.is_good() {
            lock(kept).get_or_insert_with(|| KeptServer { case: index, server: server.keep() });
        }
        if self.repeat > 1 || !proof.asks_for_another() {
            return vec![proof];
        }
        let second = match Server::start(self.source, case.settings()) {
            Ok(mut server) => prove(case, &mut server, cold),
            Err(error) => Proof { server: proof.server.clone(), ..unchecked(error) },
        };
        vec![proof, second]
    }
}

/// The cases' places, examples first, then those that may take longest: begun last, one would run when all others are
/// done. Else in their order.
fn longest_first(cases: &[Case<'_>]) -> Vec<usize> {
    let limit = |case: &Case<'_>| case.exercise.map_or(Duration::MAX, |it| it.time_limit);
    let mut order: Vec<usize> = (0..cases.len()).collect();
    order.sort_by_key(|&index| Reverse(limit(&cases[index])));
    order
}

fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Running {
    /// Waits for the next; `None` when there are no more.
    fn next(&self) -> Option<Started> {
        lock(&self.servers).recv().ok()
    }

    /// Nobody will take the servers that are started or being started.
    fn give_up(&self) {
        self.stop.store(true, Ordering::Relaxed);
        while self.next().is_some() {}
    }
}
