//! Runs many cases in parallel, each on a fresh server that was started ahead.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::case::Case;
use super::case_run::{CaseRun, refused_setup, run_case, start_after, unchecked};
use super::result::CaseResult;
use crate::attempt::Python;
use crate::cleanup::lock;
use crate::error::EnvironmentError;
use crate::server::{PreservedServer, Server, Source};

/// How many servers wait for their cases. LASTSAVE counts whole seconds, so an answer can start
/// only when its server is a second old. With one case every 20 ms, 48 waiting servers are old
/// enough. An idle server costs 3 MB and 0.4 % of a core (`--hz 100`).
const AHEAD: usize = 48;
/// How many threads start servers. A start is mostly waiting for the server.
const STARTERS: usize = 2;

/// The largest number of servers at a time: those ahead, those being started, and two for each job,
/// one that runs the case and one that loads its snapshot.
fn servers_at_a_time(runs: usize, jobs: usize) -> u16 {
    u16::try_from(AHEAD.min(runs) + 2 * jobs + STARTERS).unwrap_or(u16::MAX)
}

/// The interpreters for Python answers.
pub struct Interpreters {
    /// Starts a process for each answer.
    pub fresh: Python,
    /// Forks a warm process, if there is one. Cases that [`Case::runs_cold`] and second runs do not
    /// use it.
    pub warmed: Option<Python>,
}

pub struct Runner<'w> {
    pub cases: &'w [Case<'w>],
    /// Where servers come from; not an address, since each case needs a fresh server.
    pub source: &'w Source,
    /// How many cases run at the same time.
    pub jobs: usize,
    /// How often each case is run.
    pub repeat: u32,
    /// Start no more cases after the first that is not good.
    pub fail_fast: bool,
    /// Keep the server of the first case that is not good running after this program ends.
    pub keep: bool,
}

/// The result of [`Runner::run`].
pub struct Done {
    /// In the cases' order; `None`: not run.
    pub results: Vec<Option<CaseResult>>,
    pub kept: Option<PreservedFailure>,
}

/// A server that is kept running.
#[derive(Debug)]
pub struct PreservedFailure {
    /// The case's index in [`Runner::cases`].
    pub case: usize,
    /// The error says why it could not be kept.
    pub server: Result<PreservedServer, EnvironmentError>,
}

/// A case's index and the server started for it.
type Started = (usize, Result<Server, EnvironmentError>);

/// State that the threads of a run share.
struct Running {
    /// The cases' indices, in starting order.
    order: Vec<usize>,
    servers: Mutex<Receiver<Started>>,
    /// How many runs have a server or are getting one.
    started: AtomicUsize,
    stop: AtomicBool,
    results: Mutex<Vec<Option<CaseResult>>>,
    kept: Mutex<Option<PreservedFailure>>,
}

impl Runner<'_> {
    /// Runs the cases. `python` finds the interpreters while the first servers start. `done` is
    /// called as each run of a case ends, with the case's index; if a failed run is repeated, after
    /// the second run. When a server cannot be started, the remaining cases are not run and have no
    /// result, since each would fail for the same reason.
    pub fn run(
        &self,
        python: impl FnOnce() -> Result<Option<Interpreters>, EnvironmentError>,
        done: &(dyn Fn(usize, &CaseResult) + Sync),
    ) -> Result<Done, EnvironmentError> {
        self.source.make_room_for(servers_at_a_time(self.runs(), self.jobs));
        let (sender, servers) = mpsc::sync_channel(AHEAD.min(self.runs()));
        let running = Running {
            order: longest_first(self.cases),
            servers: Mutex::new(servers),
            started: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            results: Mutex::new(vec![None; self.cases.len()]),
            kept: Mutex::new(None),
        };
        thread::scope(|scope| {
            // With one job the cases run in order, so only one thread may start their servers.
            for _ in 0..STARTERS.min(self.jobs) {
                let sender = sender.clone();
                scope.spawn(|| self.start_servers(sender, &running));
            }
            drop(sender);
            let python = python().inspect_err(|_| running.give_up())?;
            let run_cases = || self.run_cases(&running, python.as_ref(), done);
            thread::scope(|scope| {
                for _ in 1..self.jobs {
                    let thread = thread::Builder::new().name("case".into());
                    // If the thread can't be started, the run only takes longer.
                    let _ = thread.spawn_scoped(scope, run_cases);
                }
                run_cases();
            });
            Ok(())
        })?;
        Ok(Done { results: into_inner(running.results), kept: into_inner(running.kept) })
    }

    fn runs(&self) -> usize {
        self.cases.len() * self.repeat as usize
    }

    /// Starts a server for each run, as many ahead as the channel holds.
    fn start_servers(&self, sender: SyncSender<Started>, running: &Running) {
        while !running.stop.load(Ordering::Relaxed) {
            let run = running.started.fetch_add(1, Ordering::Relaxed);
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

    fn run_cases(
        &self,
        running: &Running,
        python: Option<&Interpreters>,
        done: &(dyn Fn(usize, &CaseResult) + Sync),
    ) {
        while let Some((index, server)) = running.next() {
            if running.stop.load(Ordering::Relaxed) {
                continue;
            }
            let ended = CaseResult { runs: self.run_one(index, server, python, &running.kept) };
            let no_server = ended.runs.iter().any(|run| run.server.is_empty());
            let must_stop = no_server || (self.fail_fast && !ended.is_good());
            running.stop.fetch_or(must_stop, Ordering::Relaxed);
            done(index, &ended);
            let mut results = lock(&running.results);
            let result: &mut CaseResult = results[index].get_or_insert_default();
            for run in ended.runs {
                result.add(run);
            }
        }
    }

    fn run_one(
        &self,
        index: usize,
        server: Result<Server, EnvironmentError>,
        python: Option<&Interpreters>,
        kept: &Mutex<Option<PreservedFailure>>,
    ) -> Vec<CaseRun> {
        let case = &self.cases[index];
        let mut server = match server {
            Ok(server) => server,
            Err(error) => match start_after(case, error, self.source) {
                Ok(server) => server,
                Err(run) => return vec![*run],
            },
        };
        let cold = python.map(|python| &python.fresh);
        let warm = python.map(|python| python.warmed.as_ref().unwrap_or(&python.fresh));
        let run = run_case(case, &mut server, if case.runs_cold() { cold } else { warm });
        if let Some(refused) = refused_setup(case, &run, self.source) {
            return vec![refused];
        }
        if self.keep && !run.is_good() {
            lock(kept)
                .get_or_insert_with(|| PreservedFailure { case: index, server: server.keep() });
        }
        if self.repeat > 1 || !run.asks_for_another() {
            return vec![run];
        }
        let second = match Server::start(self.source, case.settings()) {
            Ok(mut server) => run_case(case, &mut server, cold),
            Err(error) => CaseRun { server: run.server.clone(), ..unchecked(error) },
        };
        vec![run, second]
    }
}

/// The cases' indices by descending time limit, since a long case that starts last would run alone
/// at the end. Examples without an exercise come first; equal limits keep their order.
fn longest_first(cases: &[Case<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..cases.len()).collect();
    order.sort_by_key(|&index| {
        Reverse(cases[index].exercise.map_or(Duration::MAX, |exercise| exercise.time_limit))
    });
    order
}

fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Running {
    /// Waits for the next server; `None` when there are no more.
    fn next(&self) -> Option<Started> {
        lock(&self.servers).recv().ok()
    }

    /// Drops the servers that are started or being started.
    fn give_up(&self) {
        self.stop.store(true, Ordering::Relaxed);
        while self.next().is_some() {}
    }
}
