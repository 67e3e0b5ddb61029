//! Many cases on many servers: each on a fresh one that was started before it is needed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::case::Case;
use super::prove::{Proof, prove, start_after, without_server};
use crate::attempt::Python;
use crate::attempt::python::is_lost_fork;
use crate::cleanup::lock;
use crate::error::WorldError;
use crate::server::{Kept, Server, Source};
use crate::verdict::Outcome;

/// How many servers wait for their cases. LASTSAVE counts whole seconds, so an answer may start only when its
/// server is a second old: with this many waiting, and a case every forty milliseconds, each is. An idle server
/// costs 3 MB and 0.4 % of a core (`--hz 100`).
const AHEAD: usize = 24;

/// How many servers there are at most at a time for so many runs: those ahead, and for each job one and another that
/// loads its snapshot alone; and one that is just being started.
pub fn servers_at_a_time(runs: usize, jobs: usize) -> u16 {
    u16::try_from(AHEAD.min(runs) + 2 * jobs + 1).unwrap_or(u16::MAX)
}

/// What Python answers run in.
pub struct Interpreters {
    /// A process for each answer.
    pub fresh: Python,
    /// Forks of a warmed one, if it can be had.
    pub warmed: Option<Python>,
}

/// What to run, and how.
pub struct Work<'w> {
    /// Each on a server of its own.
    pub cases: &'w [Case<'w>],
    /// Where servers come from; not an address.
    pub source: &'w Source,
    /// Needed if a case is in Python.
    pub python: Option<&'w Interpreters>,
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

/// What became of a case in all its runs.
#[derive(Debug, Clone, Default)]
pub struct CaseResult {
    /// In the order in which they ended; not empty.
    pub proofs: Vec<Proof>,
}

impl CaseResult {
    /// Whether all is as it must be, each time.
    pub fn is_good(&self) -> bool {
        self.proofs.iter().all(Proof::is_good) && self.flakes().is_empty()
    }

    /// The first run that is not as it must be; else the first.
    pub fn telling(&self) -> Option<&Proof> {
        let failed = self.proofs.iter().find(|proof| !proof.problems.is_empty());
        let unchecked = || self.proofs.iter().find(|proof| !proof.is_good());
        failed.or_else(unchecked).or_else(|| self.proofs.first())
    }

    /// Checks that were not alike in all runs, a sentence each; none of a mutant.
    pub fn flakes(&self) -> Vec<String> {
        let judged = self.proofs.iter().filter(|it| !it.findings.is_empty() && !it.is_mutant);
        let judged: Vec<&Proof> = judged.collect();
        let mut ids: Vec<&str> = Vec::new();
        for (id, _) in judged.iter().flat_map(|proof| &proof.findings) {
            if !ids.contains(&id.as_str()) {
                ids.push(id);
            }
        }
        ids.into_iter().filter_map(|id| flake(id, &judged)).collect()
    }
}

/// `ends-well` and its like are told only where they are unmet: where they are not told, they are met.
fn flake(id: &str, judged: &[&Proof]) -> Option<String> {
    let of = |proof: &&Proof| {
        let found = proof.findings.iter().find(|(check, _)| check == id);
        found.map_or(Outcome::Met, |(_, outcome)| *outcome)
    };
    let count = |outcome| judged.iter().filter(|proof| of(proof) == outcome).count();
    let (met, unmet) = (count(Outcome::Met), count(Outcome::Unmet));
    let not_reached = judged.len() - met - unmet;
    if [met, unmet, not_reached].contains(&judged.len()) {
        return None;
    }
    let counts = [(met, "met"), (unmet, "unmet"), (not_reached, "not reached")];
    let told = counts.iter().filter(|(count, _)| *count > 0);
    let told: Vec<String> = told.map(|(count, what)| format!("{what} {count} times")).collect();
    Some(format!("`{id}` flaked in {} runs: {}", judged.len(), told.join(", ")))
}

/// A case and the server that was started for it.
type Started = (usize, Result<Server, WorldError>);

impl Work<'_> {
    /// Runs the cases. `done` is called as each run of a case ends, with the case's place. Once a server could
    /// not be started, what is left is not run: it would only fail alike, one after another; it has no result.
    pub fn run(&self, done: &(dyn Fn(usize, &Proof) + Sync)) -> Done {
        let results = Mutex::new(vec![None; self.cases.len()]);
        let kept = Mutex::new(None);
        let stop = AtomicBool::new(false);
        let (sender, servers) = mpsc::sync_channel(AHEAD.min(self.runs()));
        let servers = Mutex::new(servers);
        thread::scope(|scope| {
            scope.spawn(|| self.start_servers(sender, &stop));
            let work = || {
                while let Some((index, server)) = next(&servers) {
                    if stop.load(Ordering::Relaxed) {
                        continue;
                    }
                    let proof = self.run_one(index, server, &kept);
                    let ends_all = proof.server.is_empty() || (self.fail_fast && !proof.is_good());
                    stop.fetch_or(ends_all, Ordering::Relaxed);
                    done(index, &proof);
                    let mut results = lock(&results);
                    let result: &mut CaseResult = results[index].get_or_insert_default();
                    result.proofs.push(proof);
                }
            };
            for _ in 1..self.jobs {
                // With fewer threads than wished it only takes longer.
                let _ = thread::Builder::new().name("case".into()).spawn_scoped(scope, work);
            }
            work();
        });
        Done { results: into_inner(results), kept: into_inner(kept) }
    }

    fn runs(&self) -> usize {
        self.cases.len() * self.repeat as usize
    }

    /// Starts a server for each run, as many ahead as the channel takes.
    fn start_servers(&self, sender: SyncSender<Started>, stop: &AtomicBool) {
        for run in 0..self.runs() {
            let index = run % self.cases.len();
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let server = Server::start(self.source, self.cases[index].settings());
            if sender.send((index, server)).is_err() {
                break;
            }
        }
    }

    fn run_one(
        &self,
        index: usize,
        server: Result<Server, WorldError>,
        kept: &Mutex<Option<KeptServer>>,
    ) -> Proof {
        let case = &self.cases[index];
        let mut server = match server {
            Ok(server) => server,
            Err(error) => match start_after(case, error, self.source) {
                Ok(server) => server,
                Err(proof) => return proof,
            },
        };
        let python = self.python.map(|it| it.warmed.as_ref().unwrap_or(&it.fresh));
        let mut proof = prove(case, &mut server, python);
        if proof.is_killed || proof.unchecked.as_ref().is_some_and(is_lost_fork) {
            // An answer may end itself like that, or the interpreter that it was forked from; then it does so again.
            // Else it was the system, short of memory, or somebody.
            server = match Server::start(self.source, case.settings()) {
                Ok(server) => server,
                Err(error) => return without_server(error),
            };
            proof = prove(case, &mut server, self.python.map(|it| &it.fresh));
        }
        if self.keep && !proof.is_good() {
            lock(kept).get_or_insert_with(|| KeptServer { case: index, server: server.keep() });
        }
        proof
    }
}

fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for the next; `None` when there are no more.
fn next(servers: &Mutex<Receiver<Started>>) -> Option<Started> {
    lock(servers).recv().ok()
}

impl CaseResult {
    /// How long all its runs took.
    pub fn took(&self) -> Duration {
        self.proofs.iter().map(|proof| proof.took).sum()
    }
}
