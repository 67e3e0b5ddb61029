//! Runs many cases in parallel, each on a fresh server that was started ahead.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::ahead::{Ahead, Starter};
use super::case::Case;
use super::case_run::{CaseRun, run_case, unchecked};
use super::faults::{Fault, Faults};
use super::pace::{Jobs, Pace};
use super::result::CaseResult;
use crate::attempt::{Python, is_for};
use crate::cleanup::lock;
use crate::error::EnvironmentError;
use crate::server::{PreservedServer, Server, Source};

/// The most servers that wait for their cases: enough for one case every 20 ms.
const AHEAD: usize = 48;
/// How many cases a job runs in a second at most.
const AHEAD_OF_A_JOB: usize = 8;
/// How many threads start servers. A start is mostly waiting for the server.
const STARTERS: usize = 2;

/// After so many cases that failed twice, those that fail are not run again: a course that is broken
/// like this is to end soon, and has failed in any case.
const ENOUGH_FAILURES: usize = 20;

/// The largest number of servers at a time: those ahead, those being started, and two for each job,
/// one that runs the case and one that loads its snapshot.
fn servers_at_a_time(runs: usize, jobs: usize) -> u16 {
    u16::try_from(ahead(runs, jobs) + 2 * jobs + STARTERS).unwrap_or(u16::MAX)
}

/// How many servers wait for their cases.
fn ahead(runs: usize, jobs: usize) -> usize {
    AHEAD.min(runs).min(AHEAD_OF_A_JOB * jobs)
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
    pub jobs: Jobs,
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
    /// The cases of exercises that are not for this server; they have no result.
    pub not_for_server: BTreeSet<usize>,
    pub kept: Option<PreservedFailure>,
}

impl Done {
    /// None of so many cases has run.
    pub fn none(cases: usize) -> Self {
        Self { results: vec![None; cases], not_for_server: BTreeSet::new(), kept: None }
    }
}

/// A server that is kept running.
#[derive(Debug)]
pub struct PreservedFailure {
    /// The case's index in [`Runner::cases`].
    pub case: usize,
    /// The error says why it could not be kept.
    pub server: Result<PreservedServer, EnvironmentError>,
}

/// What is called with the result of a run, and with that of all runs of its case so far.
type OnEnd<'f> = dyn Fn(usize, &CaseResult, &CaseResult) + Sync + 'f;

/// A case's index and the server started for it.
type Started = (usize, Result<Server, EnvironmentError>);

/// State that the threads of a run share.
struct Running {
    /// The cases' indices, in starting order.
    order: Vec<usize>,
    /// How many runs of cases there are.
    runs: usize,
    servers: Ahead<Started>,
    /// Without settings, for second runs at the end: those would have to wait for a new server.
    spares: Mutex<Vec<Server>>,
    faults: Faults,
    pace: Pace,
    /// How many cases failed in all their runs.
    failed: AtomicUsize,
    /// How many runs have a server or are getting one.
    started: AtomicUsize,
    stop: AtomicBool,
    results: Mutex<Vec<Option<CaseResult>>>,
    kept: Mutex<Option<PreservedFailure>>,
}

impl Runner<'_> {
    /// Runs the cases. `python` finds the interpreters while the first servers start. `done` is
    /// called as each run of a case ends, with the case's index, this result and that of all runs so
    /// far; if a failed run is repeated, after the second run. When a server cannot be started, the
    /// remaining cases are not run and have no result, since each would fail for the same reason.
    pub fn run(
        &self,
        python: impl FnOnce() -> Result<Option<Interpreters>, EnvironmentError>,
        done: &OnEnd<'_>,
    ) -> Result<Done, EnvironmentError> {
        let not_for_server = self.not_for_server()?;
        let mut order = longest_first(self.cases);
        order.retain(|index| !not_for_server.contains(index));
        let runs = order.len() * self.repeat as usize;
        self.source.make_room_for(servers_at_a_time(runs, self.jobs.most()));
        // With one job the cases run in order, so only one thread may start their servers.
        let starters = STARTERS.min(self.jobs.most());
        let running = Running {
            order,
            runs,
            servers: Ahead::new(ahead(runs, self.jobs.most()), starters),
            spares: Mutex::default(),
            faults: Faults::default(),
            pace: Pace::new(self.jobs),
            failed: AtomicUsize::new(0),
            started: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            results: Mutex::new(vec![None; self.cases.len()]),
            kept: Mutex::new(None),
        };
        thread::scope(|scope| {
            for _ in 0..starters {
                scope.spawn(|| self.start_servers(running.servers.starter(), &running));
            }
            let python = python().inspect_err(|_| running.give_up())?;
            let run_cases = || self.run_cases(&running, python.as_ref(), done);
            thread::scope(|scope| {
                for _ in 1..self.jobs.most().min(runs) {
                    let thread = thread::Builder::new().name("case".into());
                    // If the thread can't be started, the run only takes longer.
                    let _ = thread.spawn_scoped(scope, run_cases);
                }
                run_cases();
            });
            Ok(())
        })?;
        let (results, kept) = (into_inner(running.results), into_inner(running.kept));
        Ok(Done { results, not_for_server, kept })
    }

    /// Asks a server for its version if a case needs to know.
    fn not_for_server(&self) -> Result<BTreeSet<usize>, EnvironmentError> {
        let is_limited =
            |case: &Case<'_>| case.exercise.is_some_and(|exercise| !exercise.servers.is_empty());
        if !self.cases.iter().any(is_limited) {
            return Ok(BTreeSet::new());
        }
        let server = Server::start(self.source, &[])?;
        let mut others = BTreeSet::new();
        for (index, case) in self.cases.iter().enumerate() {
            if case.exercise.is_some_and(|exercise| !is_for(exercise, server.version())) {
                others.insert(index);
            }
        }
        Ok(others)
    }

    /// Starts a server for each run, as many ahead as are wanted.
    fn start_servers(&self, starter: Starter<'_, Started>, running: &Running) {
        loop {
            let run = running.started.fetch_add(1, Ordering::Relaxed);
            if run >= running.runs {
                break;
            }
            starter.wait_until_wanted();
            if running.stop.load(Ordering::Relaxed) {
                break;
            }
            let index = running.order[run % running.order.len()];
            starter.add((index, Server::start(self.source, self.cases[index].settings())));
        }
        // Nobody has to wait for the spare one.
        drop(starter);
        self.start_spare(running);
    }

    fn run_cases(&self, running: &Running, python: Option<&Interpreters>, done: &OnEnd<'_>) {
        loop {
            let _turn = running.pace.begin();
            let Some((index, server)) = running.servers.next() else { break };
            if running.stop.load(Ordering::Relaxed) {
                continue;
            }
            let Some(runs) = self.run_one(index, server, python, running) else { continue };
            let ended = CaseResult { runs };
            let no_server = ended.runs.iter().any(|run| run.server.is_empty());
            let must_stop = no_server || (self.fail_fast && !ended.is_good());
            running.stop.fetch_or(must_stop, Ordering::Relaxed);
            let so_far = {
                let mut results = lock(&running.results);
                let result: &mut CaseResult = results[index].get_or_insert_default();
                for run in ended.runs.iter().cloned() {
                    result.add(run);
                }
                result.clone()
            };
            done(index, &ended, &so_far);
        }
    }

    /// `None` if a fault of the exercise was told in the result of another case.
    fn run_one(
        &self,
        index: usize,
        server: Result<Server, EnvironmentError>,
        python: Option<&Interpreters>,
        running: &Running,
    ) -> Option<Vec<CaseRun>> {
        let case = &self.cases[index];
        if running.faults.are_told(case) {
            return None;
        }
        let mut server = match server {
            Ok(server) => server,
            Err(error) => match running.faults.after_failed_start(case, error, self.source) {
                Fault::None(server) => server,
                Fault::Told(run) => return Some(vec![*run]),
                Fault::ToldBefore => return None,
            },
        };
        let cold = python.map(|python| &python.fresh);
        let warm = python.map(|python| python.warmed.as_ref().unwrap_or(&python.fresh));
        let run = run_case(case, &mut server, if case.runs_cold() { cold } else { warm });
        let run = match running.faults.of_setup(case, run, self.source) {
            Fault::None(run) => run,
            Fault::Told(run) => return Some(vec![*run]),
            Fault::ToldBefore => return None,
        };
        if self.keep && !run.is_good() {
            lock(&running.kept)
                .get_or_insert_with(|| PreservedFailure { case: index, server: server.keep() });
        }
        let has_failed_enough = running.failed.load(Ordering::Relaxed) >= ENOUGH_FAILURES;
        if self.repeat > 1 || !run.asks_for_another() || has_failed_enough {
            return Some(vec![run]);
        }
        let second = match self.server_for_second_run(case, running) {
            Ok(mut server) => run_case(case, &mut server, cold),
            Err(error) => CaseRun { server: run.server.clone(), ..unchecked(error) },
        };
        running.failed.fetch_add(usize::from(!second.is_good()), Ordering::Relaxed);
        Some(vec![run, second])
    }

    /// If it can't be started, nothing is lost.
    fn start_spare(&self, running: &Running) {
        let has_second_runs = self.repeat == 1 && running.runs > 0;
        if has_second_runs && !running.stop.load(Ordering::Relaxed) {
            let spare = Server::start(self.source, &[]).ok();
            lock(&running.spares).extend(spare);
        }
    }

    fn server_for_second_run(
        &self,
        case: &Case<'_>,
        running: &Running,
    ) -> Result<Server, EnvironmentError> {
        let settings = case.settings();
        let spare = if settings.is_empty() { lock(&running.spares).pop() } else { None };
        spare.map_or_else(|| Server::start(self.source, settings), Ok)
    }
}

/// The cases' indices, those first that take longest: a long case that starts last would run alone
/// at the end. Equal ones keep their order.
fn longest_first(cases: &[Case<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..cases.len()).collect();
    order.sort_by_key(|&index| Reverse(cases[index].expected_time()));
    order
}

fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Running {
    /// Drops the servers that are started or being started.
    fn give_up(&self) {
        self.stop.store(true, Ordering::Relaxed);
        while self.servers.next().is_some() {}
    }
}
