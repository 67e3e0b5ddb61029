//! One answer against one fresh server: what was seen before, at exit, when settled, after a crash.

mod baseline;
pub mod commands;
pub mod evidence;
mod observe;
pub mod program;
pub mod python;
mod setup;
mod stragglers;

use std::path::PathBuf;
use std::time::Duration;

pub use evidence::{Evidence, Observation, Run};
pub use python::Python;

use self::baseline::{baseline, look};
use self::evidence::Typed;
use self::observe::observe;
use self::setup::SetUp;
use crate::cleanup;
use crate::error::WorldError;
use crate::lesson::{Code, Exercise, Language};
use crate::server::{Server, Snapshot};

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

/// Runs `answer` on `server`, which must be fresh and started with the exercise's settings.
pub fn attempt(
    server: &mut Server,
    exercise: &Exercise,
    answer: &Answer,
    python: Option<&Python>,
) -> Result<Evidence, WorldError> {
    setup::refuse_what_an_address_cannot_do(server, exercise)?;
    with_setup(server, &exercise.setup, |server| {
        let before = baseline(server, exercise)?;
        let run = run_answer(server, answer, python, &before, exercise.time_limit)?;
        observe(server, exercise, before, run)
    })
}

/// The same for commands that come one by one, each with the exercise's time limit for itself; `None`
/// when the answer is withdrawn.
pub fn attempt_lines(
    server: &mut Server,
    exercise: &Exercise,
    next_line: &mut commands::Lines<'_>,
) -> Result<Option<Evidence>, WorldError> {
    setup::refuse_what_an_address_cannot_do(server, exercise)?;
    with_setup(server, &exercise.setup, |server| {
        let before = baseline(server, exercise)?;
        let typed = commands::run_lines(server, &before, next_line);
        typed.map(|typed| observe(server, exercise, before, Finished::Typed(typed))).transpose()
    })
}

/// Runs code on a fresh server without judging it: an example.
pub fn run_example(
    server: &mut Server,
    setup: &[Code],
    answer: &Answer,
    python: Option<&Python>,
    limit: Duration,
) -> Result<Run, WorldError> {
    with_setup(server, setup, |server| {
        let before = look(server)?;
        run_answer(server, answer, python, &before, limit).map(Finished::into_run)
    })
}

/// Works on the server between its setup and the end of that.
fn with_setup<T>(
    server: &mut Server,
    setup: &[Code],
    work: impl FnOnce(&mut Server) -> Result<T, WorldError>,
) -> Result<T, WorldError> {
    let setup = SetUp::new(server, setup)?;
    let result = work(server);
    setup.take_out(server);
    // A signal may have ended the server in the middle: then nothing of this is true.
    cleanup::stop_if_a_signal_came();
    result
}

/// An answer that has ended; a program's output may still be under way.
enum Finished {
    Typed(Typed),
    Program(program::Finished),
}

impl Finished {
    fn into_run(self) -> Run {
        match self {
            Self::Typed(typed) => Run::Typed(typed),
            Self::Program(program) => Run::Program(program.collect()),
        }
    }
}

fn run_answer(
    server: &mut Server,
    answer: &Answer,
    python: Option<&Python>,
    before: &Snapshot,
    limit: Duration,
) -> Result<Finished, WorldError> {
    match (answer.language, python) {
        (Language::Redis, _) => {
            Ok(Finished::Typed(commands::run(server, before, &answer.text, limit)))
        }
        (Language::Python, Some(python)) => {
            let endpoint = server.endpoint();
            let path = match &answer.path {
                Some(path) => path.clone(),
                None => private_file(&answer.text)?,
            };
            Ok(Finished::Program(python.run(&path, &endpoint, limit)?))
        }
        (Language::Python, None) => {
            Err(WorldError::new("no Python is at hand", "see `redislings doctor`"))
        }
    }
}

fn private_file(text: &str) -> Result<PathBuf, WorldError> {
    let path = cleanup::private_directory("code")?.join("answer.py");
    std::fs::write(&path, text).map_err(|error| {
        WorldError::new(
            format!("cannot write `{}`: {error}", path.display()),
            "free some space there",
        )
    })?;
    Ok(path)
}
