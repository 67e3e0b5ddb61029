//! Runs one answer against one fresh server and collects the evidence: the server before the
//! answer, when it exits, when it has settled and after a crash, and everything that went
//! through the relay.

mod answer;
mod answer_control;
mod background;
mod baseline;
mod cancelled;
pub mod commands;
mod contents;
mod control;
mod environment;
pub mod evidence;
mod files;
mod fixture;
pub mod inherited;
mod key_states;
mod later;
mod live;
mod look;
mod log_contents;
mod lost_time;
mod meanwhile;
mod orphans;
mod phase;
mod probe;
pub mod program;
pub mod python;
mod restore;
mod runner;
mod script;
mod setup;
mod stall;
mod subscriber;
mod steps;
mod time_shift;
mod timing;
mod triggers;
mod unknown_replies;
mod validity;
mod watch_look;
mod watcher_report;

use std::time::{Duration, Instant};

pub use answer::Answer;
pub use baseline::microseconds;
pub use cancelled::{AttemptError, go_on};
pub use environment::{BUSY_MICROS, OVERLOADED, was_paused};
pub use evidence::{Evidence, Observation, Run};
pub use fixture::Fixture;
pub use live::{Live, LiveLook};
pub use look::LOOK_LIMIT;
pub use phase::{Phase, WorkProgress};
pub use python::Python;
pub use setup::{RefusedCommand, refused_command};
pub use stall::{machine_lateness, refuse as refuse_stall};
pub use validity::{has_set, silent};

use self::answer::run_answer;
use self::answer_control::AnswerControl;
use self::baseline::wait_until_idle;
use self::cancelled::unless_cancelled;
use self::environment::stall_matters;
use self::runner::ServerControl;
use self::setup::SetUp;
use self::stall::watched;
use crate::cleanup;
use crate::error::EnvironmentError;
use crate::lesson::words::setup_with_new_words;
use crate::lesson::{Code, Exercise};
use crate::server::{Server, ServerVersion, Source};
use crate::topics::TOPICS;

/// How often an attempt is repeated when the machine spoiled it.
const RETRIES: usize = 5;

/// Runs `answer` on a fresh server. If the machine spoils the attempt, repeats it on another fresh
/// server, which replaces the fixture's. On the user's own server it is not repeated, because the
/// answer's keys stay there. After it was cancelled, the fixture's server is of no further use.
pub fn attempt(
    fixture: &mut Fixture<'_>,
    exercise: &Exercise,
    answer: &Answer,
    python: Option<&Python>,
) -> Result<Evidence, AttemptError> {
    ensure_server_fits(exercise, fixture.server.version())?;
    setup::ensure_address_supports(fixture.server, exercise)?;
    if fixture.server.is_ours() && TOPICS.iter().any(|topic| (topic.needs_new_server)(exercise)) {
        *fixture.server = fixture.server.another()?;
    }
    let words = exercise.new_words();
    let exercise = &*exercise.with_words(&words);
    let evidence = with_setup(
        fixture,
        &exercise.setup,
        &exercise.restart,
        |fixture| script::run(fixture, exercise, answer, python),
        |evidence| stall_matters(exercise, evidence),
    )?;
    Ok(Evidence { words, ..evidence })
}

/// An error if the exercise is for other servers than this one.
pub fn ensure_server_fits(exercise: &Exercise, server: &str) -> Result<(), EnvironmentError> {
    if is_for(exercise, server) {
        return Ok(());
    }
    let servers = exercise.servers.join(" or ");
    Err(EnvironmentError::new(
        format!("`{}` is not for {server}: it needs {servers}", exercise.id),
        "go on with another exercise, or choose a server by `--server` or `--image`",
    ))
}

/// Whether the exercise is for this server: `redis 7.0.15`.
pub fn is_for(exercise: &Exercise, server: &str) -> bool {
    let mut named = exercise.servers.iter().filter_map(|text| ServerVersion::parse(text));
    exercise.servers.is_empty() || named.any(|version| version.is_met_by(server))
}

/// Starts a server with the exercise's settings, which a server that the exercise is not for may
/// refuse.
pub fn start_server(source: &Source, exercise: &Exercise) -> Result<Server, EnvironmentError> {
    Server::start(source, &exercise.settings).map_err(|error| {
        let plain =
            if exercise.servers.is_empty() { None } else { Server::start(source, &[]).ok() };
        let misfit = plain.and_then(|plain| ensure_server_fits(exercise, plain.version()).err());
        misfit.unwrap_or(error)
    })
}

/// Waits until a fresh server is ready for an attempt. Called ahead of it, this saves the attempt
/// the wait.
pub fn warm_up(server: &mut Server) -> Result<(), EnvironmentError> {
    TOPICS.iter().try_for_each(|topic| (topic.get_ready)(server))
}

/// Runs an example on a fresh server without judging it; repeats it as [`attempt`] does.
pub fn run_example(
    fixture: &mut Fixture<'_>,
    setup: &[Code],
    answer: &Answer,
    python: Option<&Python>,
    limit: Duration,
) -> Result<Run, AttemptError> {
    let setup = &setup_with_new_words(setup);
    let once = |fixture: &mut Fixture<'_>| run_example_once(fixture, answer, python, limit);
    with_setup(fixture, setup, &[], once, |_| true)
}

fn run_example_once(
    fixture: &mut Fixture<'_>,
    answer: &Answer,
    python: Option<&Python>,
    limit: Duration,
) -> Result<Run, AttemptError> {
    let before = wait_until_idle(fixture.server, "the")?;
    fixture.relay.begin();
    (fixture.report)(Phase::Answer { limit });
    let began = Instant::now();
    let controls = (ServerControl::NONE, &AnswerControl::default());
    let finished = run_answer(fixture, answer, python, &before, controls, (began, limit))?;
    go_on(fixture.cancel)?;
    let run = finished.into_run();
    fixture.relay.check_connections()?;
    validity::ensure_server_alive(fixture.server)?;
    python.map_or(Ok(()), |python| python.ensure_packages_present(&run))?;
    Ok(run)
}

/// Does `work` on the server with `setup` in place; repeats it on another server if the machine
/// spoiled it.
fn with_setup<T>(
    fixture: &mut Fixture<'_>,
    setup: &[Code],
    restart: &[(String, String)],
    work: impl Fn(&mut Fixture<'_>) -> Result<T, AttemptError>,
    stall_matters: impl Fn(&T) -> bool,
) -> Result<T, AttemptError> {
    let cancel = fixture.cancel;
    fixture.server.cancelled_by(cancel);
    unless_cancelled(cancel, || {
        for _ in 0..RETRIES {
            let result =
                watched(|| between_setup_and_end(fixture, setup, restart, &work), &stall_matters);
            match &result {
                Err(error) if error.is_the_machines() && fixture.server.is_ours() => {
                    go_on(cancel)?;
                    *fixture.server = fixture.server.another()?;
                }
                _ => return result,
            }
        }
        watched(|| between_setup_and_end(fixture, setup, restart, &work), &stall_matters)
    })
}

fn between_setup_and_end<T>(
    fixture: &mut Fixture<'_>,
    setup: &[Code],
    restart: &[(String, String)],
    work: impl FnOnce(&mut Fixture<'_>) -> Result<T, AttemptError>,
) -> Result<T, AttemptError> {
    (fixture.report)(Phase::Setup);
    let setup = SetUp::new(fixture.server, setup, restart)?;
    fixture.route_to_server();
    let result = work(fixture);
    fixture.relay.disconnect();
    setup.take_out(fixture.server);
    // If a signal to us also ended the server, the result is wrong.
    cleanup::stop_if_a_signal_came();
    result
}
