//! An answer, and running it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::evidence::{ProgramEnd, Run, Stopped, Typed};
use super::fixture::Fixture;
use super::python::Python;
use super::{commands, program, stall};
use crate::cleanup::PassingDirectory;
use crate::error::EnvironmentError;
use crate::lesson::Language;
use crate::sanitize::ShownPath as _;
use crate::server::ServerInfo;

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
    began: Instant,
    limit: Duration,
) -> Result<FinishedAnswer, EnvironmentError> {
    match (answer.language, python) {
        (Language::Redis, _) => {
            Ok(FinishedAnswer::Typed(commands::run(fixture, before, &answer.text, began, limit)))
        }
        (Language::Python, Some(python)) => {
            let endpoint = fixture.endpoint();
            let program = match &answer.path {
                Some(path) => python.run(path, &endpoint, limit, fixture.cancel)?,
                None => in_private_file(&answer.text, |path| {
                    python.run(path, &endpoint, limit, fixture.cancel)
                })?,
            };
            Ok(FinishedAnswer::Program(program))
        }
        (Language::Python, None) => {
            Err(EnvironmentError::new("Python is not available", "see `redislings doctor`"))
        }
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
