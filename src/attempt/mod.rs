//! Runs one answer against one fresh server and collects the evidence: the server before the
//! answer, when it exits, when saves have settled and after a crash, and everything that went
//! through the relay.

mod baseline;
mod background;
pub mod commands;
mod contents;
mod validity;
pub mod evidence;
pub mod inherited;
mod live;
mod meanwhile;
mod observe;
mod unknown_replies;
mod timing;
mod phase;
mod probe;
pub mod program;
pub mod python;
mod environment;
mod restore;
mod setup;
mod stall;
mod orphans;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use redis::{ConnectionAddr, ConnectionInfo};

pub use evidence::{Evidence, Observation, Run};
pub use live::{Live, Look};
pub use phase::{Phase, SaveProgress};
pub use python::Python;
pub use setup::{RefusedCommand, refused_command};

use self::background::BackgroundTask;
use self::baseline::{baseline, look};
use self::contents::Contents;
use self::environment::stall_matters;
use self::evidence::{Typed, Waits};
use self::meanwhile::WatcherReport;
use self::observe::observe;
use self::setup::SetUp;
use self::stall::watched;
use crate::cleanup::{self, PassingDirectory};
use crate::error::EnvironmentError;
use crate::lesson::{Code, Exercise, Language};
use crate::relay::Relay;
use crate::sanitize::ShownPath as _;
use crate::server::{Endpoint, Server, ServerInfo};

/// How long a server may still save, or not reply, after the answer's time limit.
const OVERRUN: Duration = Duration::from_secs(1);
/// How often an attempt is repeated when the machine spoiled it.
const RETRIES: usize = 5;

/// What the student (or the lesson) answers.
#[derive(Debug, Clone)]
pub struct Answer {
    pub language: Language,
    pub text: String,
    /// The answer's own file. It runs in place, so that a traceback names it; a `python` answer
    /// without a file is written to a private one.
    pub path: Option<PathBuf>,
}

/// A server and the relay through which the answer reaches it.
pub struct Fixture<'s> {
    /// Fresh, and started with the exercise's settings.
    pub server: &'s mut Server,
    /// Routes to the server while the answer runs.
    pub relay: &'s Relay,
    /// Receives each phase of the attempt, for progress display.
    pub report: &'s dyn Fn(Phase),
}

impl Fixture<'_> {
    /// The endpoint that a program uses: the relay's address.
    fn endpoint(&self) -> Endpoint {
        self.server.endpoint().behind(self.relay.address())
    }

    /// The connection settings of a `redis` answer, through the relay.
    fn target(&self) -> ConnectionInfo {
        let address = self.relay.address();
        let target = self.server.target();
        target.set_addr(ConnectionAddr::Tcp(address.ip().to_string(), address.port()))
    }

    fn route_to_server(&self) {
        let Endpoint { host, port, password, .. } = self.server.endpoint();
        self.relay.route_to(&host, port, password);
    }

    /// Kills the server with SIGKILL and closes every connection to it.
    fn kill(&mut self) -> Result<(), EnvironmentError> {
        self.relay.disconnect();
        self.server.kill()
    }

    /// Restarts the killed server behind the same relay address.
    fn restart(&mut self) -> Result<(), EnvironmentError> {
        self.server.restart()?;
        self.route_to_server();
        Ok(())
    }
}

/// Runs `answer` on a fresh server. If the machine spoils the attempt, repeats it on another fresh
/// server, which replaces the fixture's. On the user's own server it is not repeated, because the
/// answer's keys stay there.
pub fn attempt(
    fixture: &mut Fixture<'_>,
    exercise: &Exercise,
    answer: &Answer,
    python: Option<&Python>,
) -> Result<Evidence, EnvironmentError> {
    setup::ensure_address_supports(fixture.server, exercise)?;
    with_setup(
        fixture,
        &exercise.setup,
        |fixture| attempt_once(fixture, exercise, answer, python),
        |evidence| stall_matters(exercise, evidence),
    )
}

fn attempt_once(
    fixture: &mut Fixture<'_>,
    exercise: &Exercise,
    answer: &Answer,
    python: Option<&Python>,
) -> Result<Evidence, EnvironmentError> {
    let beginning = Beginning::of(fixture, exercise)?;
    (fixture.report)(Phase::Answer { limit: exercise.time_limit });
    let run = run_answer(fixture, answer, python, &beginning.before, exercise.time_limit)?;
    let deadline = beginning.began + exercise.time_limit + OVERRUN;
    let evidence = observe(fixture, exercise, beginning, run, deadline)?;
    ensure_packages_present(python, &evidence.run)?;
    Ok(Evidence { usual_port_is_taken: fixture.relay.usual_port_is_taken(), ..evidence })
}

/// Waits until a fresh server's LASTSAVE can move. Called ahead of an attempt, it saves that
/// attempt the wait.
pub fn warm_up(server: &mut Server) -> Result<(), EnvironmentError> {
    baseline::wait_until_lastsave_can_move(server)
}

/// Runs an example on a fresh server without judging it; repeats it as [`attempt`] does.
pub fn run_example(
    fixture: &mut Fixture<'_>,
    setup: &[Code],
    answer: &Answer,
    python: Option<&Python>,
    limit: Duration,
) -> Result<Run, EnvironmentError> {
    with_setup(fixture, setup, |fixture| run_example_once(fixture, answer, python, limit), |_| true)
}

fn run_example_once(
    fixture: &mut Fixture<'_>,
    answer: &Answer,
    python: Option<&Python>,
    limit: Duration,
) -> Result<Run, EnvironmentError> {
    let before = look(fixture.server)?;
    fixture.relay.begin();
    (fixture.report)(Phase::Answer { limit });
    let run = run_answer(fixture, answer, python, &before, limit)?.into_run();
    fixture.relay.check_connections()?;
    validity::ensure_server_alive(fixture.server)?;
    ensure_packages_present(python, &run)?;
    Ok(run)
}

/// Does `work` on the server with `setup` in place; repeats it on another server if the machine
/// spoiled it.
fn with_setup<T>(
    fixture: &mut Fixture<'_>,
    setup: &[Code],
    work: impl Fn(&mut Fixture<'_>) -> Result<T, EnvironmentError>,
    stall_matters: impl Fn(&T) -> bool,
) -> Result<T, EnvironmentError> {
    for _ in 0..RETRIES {
        let result = watched(|| between_setup_and_end(fixture, setup, &work), &stall_matters);
        match &result {
            Err(error) if error.is_the_machines() && fixture.server.is_ours() => {
                *fixture.server = fixture.server.another()?;
            }
            _ => return result,
        }
    }
    watched(|| between_setup_and_end(fixture, setup, &work), &stall_matters)
}

fn between_setup_and_end<T>(
    fixture: &mut Fixture<'_>,
    setup: &[Code],
    work: impl FnOnce(&mut Fixture<'_>) -> Result<T, EnvironmentError>,
) -> Result<T, EnvironmentError> {
    (fixture.report)(Phase::Setup);
    let setup = SetUp::new(fixture.server, setup)?;
    fixture.route_to_server();
    let result = work(fixture);
    fixture.relay.disconnect();
    setup.take_out(fixture.server);
    // If a signal to us also ended the server, the result is wrong.
    cleanup::stop_if_a_signal_came();
    result
}

/// The state when an answer begins, and the tasks that run beside it.
struct Beginning {
    before: ServerInfo,
    dump_bytes: Option<u64>,
    /// Present if a check asks how long clients had to wait.
    probe: Option<BackgroundTask<Waits>>,
    /// Present if a check looks at the server while the answer runs.
    watcher: Option<BackgroundTask<WatcherReport>>,
    /// Present if a check compares the whole snapshot with the keys before the answer.
    contents: Option<Contents>,
    began: Instant,
}

impl Beginning {
    fn of(fixture: &mut Fixture<'_>, exercise: &Exercise) -> Result<Self, EnvironmentError> {
        let contents = if exercise.compares_with_all_from_before() {
            Some(Contents::read(fixture.server, exercise)?)
        } else {
            None
        };
        let before = baseline(fixture.server, exercise)?;
        let dump_bytes = fixture.server.dump_bytes()?;
        let probe =
            if exercise.watches_clients() { Some(probe::start(fixture.server)?) } else { None };
        fixture.relay.begin();
        let began = Instant::now();
        let watcher = if exercise.watches_meanwhile() {
            Some(meanwhile::watch(fixture.server, fixture.relay, exercise, &before, began)?)
        } else {
            None
        };
        Ok(Self { before, dump_bytes, probe, watcher, contents, began })
    }
}

/// An answer that has ended; a program's output may still be arriving.
enum FinishedAnswer {
    Typed(Typed),
    Program(program::FinishedProgram),
}

impl FinishedAnswer {
    /// Whether it was stopped at its time limit.
    fn is_overdue(&self) -> bool {
        match self {
            Self::Typed(typed) => typed.is_overdue(),
            Self::Program(program) => program.is_overdue(),
        }
    }

    /// An error if the machine held the program up, or delayed our look at the server after the
    /// program's end.
    fn ensure_look_is_in_time(&self) -> Result<(), EnvironmentError> {
        let Self::Program(program) = self else { return Ok(()) };
        stall::refuse("held up the answer's program", program.held_up())?;
        let late = if program.is_overdue() { Duration::ZERO } else { program.ended_at().elapsed() };
        stall::refuse("held up the look at the server", late)
    }

    fn into_run(self) -> Run {
        match self {
            Self::Typed(typed) => Run::Typed(typed),
            Self::Program(program) => Run::Program(program.collect()),
        }
    }
}

fn run_answer(
    fixture: &mut Fixture<'_>,
    answer: &Answer,
    python: Option<&Python>,
    before: &ServerInfo,
    limit: Duration,
) -> Result<FinishedAnswer, EnvironmentError> {
    match (answer.language, python) {
        (Language::Redis, _) => {
            Ok(FinishedAnswer::Typed(commands::run(fixture, before, &answer.text, limit)))
        }
        (Language::Python, Some(python)) => {
            let endpoint = fixture.endpoint();
            let program = match &answer.path {
                Some(path) => python.run(path, &endpoint, limit)?,
                None => in_private_file(&answer.text, |path| python.run(path, &endpoint, limit))?,
            };
            Ok(FinishedAnswer::Program(program))
        }
        (Language::Python, None) => {
            Err(EnvironmentError::new("Python is not available", "see `redislings doctor`"))
        }
    }
}

fn ensure_packages_present(python: Option<&Python>, run: &Run) -> Result<(), EnvironmentError> {
    match (python, run) {
        (Some(python), Run::Program(program)) => python.ensure_packages_present(program),
        _ => Ok(()),
    }
}

/// Writes `text` to a file that is alone in its folder, and removes both after `run`.
fn in_private_file<T>(
    text: &str,
    run: impl FnOnce(&Path) -> Result<T, EnvironmentError>,
) -> Result<T, EnvironmentError> {
    let directory = PassingDirectory::new("code")?;
    let path = directory.path().join("answer.py");
    std::fs::write(&path, text).map_err(|error| {
        EnvironmentError::new(
            format!("cannot write `{}`: {error}", path.shown()),
            "free some space there",
        )
    })?;
    run(&path)
}
