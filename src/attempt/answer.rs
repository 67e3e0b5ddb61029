//! An answer, and running it.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::control::Control;
use super::evidence::{ProgramEnd, Run, Stopped, Typed};
use super::fixture::Fixture;
use super::python::Python;
use super::runner::ServerControl;
use super::{commands, program, stall};
use crate::cleanup::{self, PassingDirectory};
use crate::error::{EnvironmentError, no_thread};
use crate::lesson::Language;
use crate::runner_line::Place;
use crate::sanitize::ShownPath as _;
use crate::server::ServerInfo;

/// How often a running program's requests are looked for.
const REQUEST_POLL: Duration = Duration::from_millis(5);

/// What the student (or the lesson) answers.
#[derive(Debug, Clone)]
pub struct Answer {
    pub language: Language,
    pub text: String,
    /// The answer's own file. It runs in place, so that a traceback names it; a `python` answer
    /// without a file is written to a private one.
    pub path: Option<PathBuf>,
}

/// An answer that has ended; a program's output may still be arriving.
pub(super) enum FinishedAnswer {
    Typed(Typed),
    Program(program::FinishedProgram),
}

impl FinishedAnswer {
    /// Whether it was stopped at its time limit.
    pub(super) fn is_overdue(&self) -> bool {
        match self {
            Self::Typed(typed) => typed.stopped == Some(Stopped::OutOfTime),
            Self::Program(program) => program.end == ProgramEnd::TimedOut,
        }
    }

    /// An error if the machine held the program up, or delayed our look at the server after the
    /// program's end.
    pub(super) fn ensure_look_is_in_time(&self) -> Result<(), EnvironmentError> {
        let Self::Program(program) = self else { return Ok(()) };
        stall::refuse("held up the answer's program", program.held_up)?;
        let late = if self.is_overdue() { Duration::ZERO } else { program.ended_at.elapsed() };
        stall::refuse("held up the look at the server", late)
    }

    /// The folder in which a program ran.
    pub(super) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Typed(_) => None,
            Self::Program(program) => Some(program.directory()),
        }
    }

    pub(super) fn into_run(self) -> Run {
        match self {
            Self::Typed(typed) => Run::Typed(typed),
            Self::Program(program) => Run::Program(program.collect()),
        }
    }
}

pub(super) fn run_answer(
    fixture: &mut Fixture<'_>,
    answer: &Answer,
    python: Option<&Python>,
    before: &ServerInfo,
    control: ServerControl<'_>,
    began: Instant,
    limit: Duration,
) -> Result<FinishedAnswer, EnvironmentError> {
    match (answer.language, python) {
        (Language::Redis, _) => {
            let typed = commands::run(fixture, before, &answer.text, control, began, limit)?;
            Ok(FinishedAnswer::Typed(typed))
        }
        (Language::Python, Some(python)) => {
            let program = match &answer.path {
                Some(path) => run_program(fixture, python, path, control, limit)?,
                None => in_private_file(&answer.text, |path| {
                    run_program(fixture, python, path, control, limit)
                })?,
            };
            Ok(FinishedAnswer::Program(program))
        }
        (Language::Python, None) => {
            Err(EnvironmentError::new("Python is not available", "see `redislings doctor`"))
        }
    }
}

fn run_program(
    fixture: &mut Fixture<'_>,
    python: &Python,
    path: &Path,
    control: ServerControl<'_>,
    limit: Duration,
) -> Result<program::FinishedProgram, EnvironmentError> {
    let endpoint = fixture.endpoint();
    if control.place != Place::WhereTheServerStops {
        return python.run(path, &endpoint, limit, fixture.cancel);
    }
    let directory = cleanup::private_directory("answer")?;
    let mut control = Control::new(&directory, control, fixture.server)?;
    let (requests, cancel) = (control.address().to_owned(), fixture.cancel);
    let (deadline, this) = (Instant::now() + limit, thread::current());
    // We stop and start the server here while the program runs there.
    let finished = thread::scope(|scope| {
        let run = || {
            let run = python.run_in(directory, Some(&requests), path, &endpoint, limit, cancel);
            this.unpark();
            run
        };
        let running = thread::Builder::new().name("answer".into()).spawn_scoped(scope, run);
        let running = running.map_err(no_thread)?;
        while !running.is_finished() {
            control.serve(fixture, deadline, &|| running.is_finished());
            thread::park_timeout(REQUEST_POLL);
        }
        running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    control.finish()?;
    Ok(finished)
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
