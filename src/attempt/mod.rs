//! One answer against one fresh server: what was seen before, at exit, when settled, after a crash, and what
//! went through the tap meanwhile.

mod baseline;
mod beside;
pub mod commands;
mod contents;
mod doubt;
pub mod evidence;
pub mod inherited;
mod live;
mod meanwhile;
mod observe;
mod outcomes;
mod pace;
mod phase;
mod probe;
pub mod program;
pub mod python;
mod refusals;
mod restore;
mod setup;
mod standstill;
mod stragglers;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use redis::{ConnectionAddr, ConnectionInfo};

pub use evidence::{Evidence, Observation, Run};
pub use live::{Live, Look};
pub use phase::{Phase, SaveProgress};
pub use python::Python;
pub use setup::{RefusedCommand, refused_command};

use self::baseline::{baseline, look};
use self::beside::Beside;
use self::contents::Contents;
use self::evidence::{Typed, Waits};
use self::meanwhile::WatcherReport;
use self::observe::observe;
use self::refusals::stall_matters;
use self::setup::SetUp;
use self::standstill::watched;
use crate::cleanup::{self, PassingDirectory};
use crate::error::WorldError;
use crate::lesson::{Code, Exercise, Language};
use crate::sanitize::ShownPath as _;
use crate::server::{Endpoint, Server, Snapshot};
use crate::tap::Tap;

/// How long after its time limit an answer's server may still save, or be silent.
const OVERRUN: Duration = Duration::from_secs(1);
/// How often an attempt is begun again that the machine has failed.
const RETRIES: usize = 5;

/// What the student (or the lesson) answers.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Of the text.
    pub language: Language,
    /// The whole text.
    pub text: String,
    /// The file it stands in, to be run in place so that a traceback names it; a `python` answer
    /// without one is written to a private file.
    pub path: Option<PathBuf>,
}

/// A server and the address at which an answer finds it.
pub struct Stand<'s> {
    /// Fresh, and started with the exercise's settings.
    pub server: &'s mut Server,
    /// Leads to the server while the answer runs.
    pub tap: &'s Tap,
    /// Is told what the attempt is busy with, for whoever waits.
    pub telling: &'s dyn Fn(Phase),
}

impl Stand<'_> {
    /// Where an answer finds the server: through the tap.
    fn endpoint(&self) -> Endpoint {
        self.server.endpoint().behind(self.tap.address())
    }

    /// For an answer's connection, through the tap.
    fn target(&self) -> ConnectionInfo {
        let address = self.tap.address();
        let target = self.server.target();
        target.set_addr(ConnectionAddr::Tcp(address.ip().to_string(), address.port()))
    }

    fn lead_to_server(&self) {
        let Endpoint { host, port, password, .. } = self.server.endpoint();
        self.tap.lead_to(&host, port, password);
    }

    /// SIGKILL: everybody's connection is gone with the server.
    fn kill(&mut self) -> Result<(), WorldError> {
        self.tap.lead_nowhere();
        self.server.kill()
    }

    /// Starts the killed server again, behind the same address.
    fn restart(&mut self) -> Result<(), WorldError> {
        self.server.restart()?;
        self.lead_to_server();
        Ok(())
    }
}

/// Runs `answer` on a fresh server. Where the machine fails it, it is begun again on another, which then is the stand's; not
/// on somebody's own server, where the answer's keys stay.
pub fn attempt(
    stand: &mut Stand<'_>,
    exercise: &Exercise,
    answer: &Answer,
    python: Option<&Python>,
) -> Result<Evidence, WorldError> {
    setup::refuse_what_an_address_cannot_do(stand.server, exercise)?;
    let work = |stand: &mut Stand<'_>| {
        let beginning = Beginning::of(stand, exercise)?;
        (stand.telling)(Phase::Answer { limit: exercise.time_limit });
        let run = run_answer(stand, answer, python, &beginning.before, exercise.time_limit)?;
        let patience = beginning.began + exercise.time_limit + OVERRUN;
        let evidence = observe(stand, exercise, beginning, run, patience)?;
        refuse_missing_packages(python, &evidence.run)?;
        Ok(Evidence { usual_port_is_taken: stand.tap.usual_port_is_taken(), ..evidence })
    };
    with_setup(stand, &exercise.setup, work, |evidence| stall_matters(exercise, evidence))
}

/// Waits until a fresh server's LASTSAVE can move: done ahead of an attempt, it costs that attempt nothing.
pub fn warm_up(server: &mut Server) -> Result<(), WorldError> {
    baseline::wait_until_lastsave_can_move(server)
}

/// Runs code on a fresh server without judging it: an example. Begun again as an [`attempt`] is.
pub fn run_example(
    stand: &mut Stand<'_>,
    setup: &[Code],
    answer: &Answer,
    python: Option<&Python>,
    limit: Duration,
) -> Result<Run, WorldError> {
    let work = |stand: &mut Stand<'_>| {
        let before = look(stand.server)?;
        stand.tap.begin();
        (stand.telling)(Phase::Answer { limit });
        let run = run_answer(stand, answer, python, &before, limit)?.into_run();
        stand.tap.check_connections()?;
        doubt::refuse_a_lost_world(stand.server)?;
        refuse_missing_packages(python, &run)?;
        Ok(run)
    };
    with_setup(stand, setup, work, |_| true)
}

/// Works on the server between its setup and the end of that; again and on another, where the machine has failed the work.
fn with_setup<T>(
    stand: &mut Stand<'_>,
    setup: &[Code],
    work: impl Fn(&mut Stand<'_>) -> Result<T, WorldError>,
    stall_matters: impl Fn(&T) -> bool,
) -> Result<T, WorldError> {
    for _ in 0..RETRIES {
        let result = watched(|| between_setup_and_end(stand, setup, &work), &stall_matters);
        match &result {
            Err(error) if error.is_the_machines() && stand.server.is_ours() => {
                *stand.server = stand.server.another()?;
            }
            _ => return result,
        }
    }
    watched(|| between_setup_and_end(stand, setup, &work), &stall_matters)
}

fn between_setup_and_end<T>(
    stand: &mut Stand<'_>,
    setup: &[Code],
    work: impl FnOnce(&mut Stand<'_>) -> Result<T, WorldError>,
) -> Result<T, WorldError> {
    (stand.telling)(Phase::Setup);
    let setup = SetUp::new(stand.server, setup)?;
    stand.lead_to_server();
    let result = work(stand);
    stand.tap.lead_nowhere();
    setup.take_out(stand.server);
    // A signal may have ended the server in the middle: then nothing of this is true.
    cleanup::stop_if_a_signal_came();
    result
}

/// What is there when an answer begins.
struct Beginning {
    before: Snapshot,
    dump_bytes: Option<u64>,
    /// Where a check asks who had to wait.
    probe: Option<Beside<Waits>>,
    /// Where a check looks at the server in the middle.
    watcher: Option<Beside<WatcherReport>>,
    /// Where a check compares the whole snapshot with it.
    contents: Option<Contents>,
    began: Instant,
}

impl Beginning {
    fn of(stand: &mut Stand<'_>, exercise: &Exercise) -> Result<Self, WorldError> {
        let contents = exercise.compares_with_all_from_before();
        let contents = contents.then(|| Contents::read(stand.server, exercise)).transpose()?;
        let before = baseline(stand.server, exercise)?;
        let dump_bytes = stand.server.dump_bytes()?;
        let probe = exercise.watches_clients().then(|| probe::start(stand.server)).transpose()?;
        stand.tap.begin();
        let began = Instant::now();
        let watch = || meanwhile::watch(stand.server, stand.tap, exercise, &before, began);
        let watcher = exercise.watches_meanwhile().then(watch).transpose()?;
        Ok(Self { before, dump_bytes, probe, watcher, contents, began })
    }
}

/// An answer that has ended; a program's output may still be under way.
enum Finished {
    Typed(Typed),
    Program(program::Finished),
}

impl Finished {
    /// Whether it was ended because its time was over.
    fn is_overdue(&self) -> bool {
        match self {
            Self::Typed(typed) => typed.is_overdue(),
            Self::Program(program) => program.is_overdue(),
        }
    }

    /// An error where this machine held the program up, or where its end was seen, but we came to look at the server only
    /// much later.
    fn refuse_a_late_look(&self) -> Result<(), WorldError> {
        let Self::Program(program) = self else { return Ok(()) };
        standstill::refuse("held up the answer's program", program.held_up())?;
        let late = if program.is_overdue() { Duration::ZERO } else { program.ended_at().elapsed() };
        standstill::refuse("held up the look at the server", late)
    }

    fn into_run(self) -> Run {
        match self {
            Self::Typed(typed) => Run::Typed(typed),
            Self::Program(program) => Run::Program(program.collect()),
        }
    }
}

fn run_answer(
    stand: &mut Stand<'_>,
    answer: &Answer,
    python: Option<&Python>,
    before: &Snapshot,
    limit: Duration,
) -> Result<Finished, WorldError> {
    match (answer.language, python) {
        (Language::Redis, _) => {
            Ok(Finished::Typed(commands::run(stand, before, &answer.text, limit)))
        }
        (Language::Python, Some(python)) => {
            let endpoint = stand.endpoint();
            let run = |path: &Path| python.run(path, &endpoint, limit).map(Finished::Program);
            match &answer.path {
                Some(path) => run(path),
                None => in_private_file(&answer.text, run),
            }
        }
        (Language::Python, None) => {
            Err(WorldError::new("no Python is at hand", "see `redislings doctor`"))
        }
    }
}

fn refuse_missing_packages(python: Option<&Python>, run: &Run) -> Result<(), WorldError> {
    match (python, run) {
        (Some(python), Run::Program(program)) => python.refuse_missing_packages(program),
        _ => Ok(()),
    }
}

/// Runs it from a file that is alone in its folder, as long as that takes.
fn in_private_file<T>(
    text: &str,
    run: impl FnOnce(&Path) -> Result<T, WorldError>,
) -> Result<T, WorldError> {
    let directory = PassingDirectory::new("code")?;
    let path = directory.path().join("answer.py");
    std::fs::write(&path, text).map_err(|error| {
        WorldError::new(
            format!("cannot write `{}`: {error}", path.shown()),
            "free some space there",
        )
    })?;
    run(&path)
}
