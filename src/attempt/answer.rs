//! An answer, and running it.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::answer_control::{AnswerControl, RunControl};
use super::control::Control;
use super::evidence::{ProgramEnd, ProgramRun, Run, Stopped, Typed};
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

/// In place of the reply to a line at which the answer was killed.
const KILLED: &str = "(no reply: the answer is killed and begins again)";

/// How often the thread that owns the server looks what is asked for while a program runs.
const SERVE_PAUSE: Duration = Duration::from_millis(5);

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
    /// Also what its killed runs have printed.
    Program(program::FinishedProgram, Vec<ProgramRun>),
}

impl FinishedAnswer {
    /// Whether it was stopped at its time limit.
    pub(super) fn is_overdue(&self) -> bool {
        match self {
            Self::Typed(typed) => typed.stopped == Some(Stopped::OutOfTime),
            Self::Program(program, _) => program.end == ProgramEnd::TimedOut,
        }
    }

    /// An error if the machine held the program up, or delayed our look at the server after the
    /// program's end.
    pub(super) fn ensure_look_is_in_time(&self) -> Result<(), EnvironmentError> {
        let Self::Program(program, _) = self else { return Ok(()) };
        stall::refuse("held up the answer's program", program.held_up)?;
        let late = if self.is_overdue() { Duration::ZERO } else { program.ended_at.elapsed() };
        stall::refuse("held up the look at the server", late)
    }

    /// The folder in which a program ran.
    pub(super) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Typed(_) => None,
            Self::Program(program, _) => Some(program.directory()),
        }
    }

    pub(super) fn into_run(self) -> Run {
        match self {
            Self::Typed(typed) => Run::Typed(typed),
            Self::Program(program, killed) => {
                let mut run = program.collect();
                for earlier in killed.into_iter().rev() {
                    run.stdout = earlier.stdout.followed_by(run.stdout);
                    run.stderr = earlier.stderr.followed_by(run.stderr);
                }
                Run::Program(run)
            }
        }
    }

    /// The same after runs that were killed: what those typed or printed comes first.
    fn after(mut self, killed: Vec<Run>) -> Self {
        for run in killed.into_iter().rev() {
            match (&mut self, run) {
                (Self::Typed(typed), Run::Typed(mut earlier)) => {
                    if let Some(last) = earlier.exchanges.last_mut() {
                        KILLED.clone_into(&mut last.reply);
                    }
                    earlier.exchanges.append(&mut typed.exchanges);
                    typed.exchanges = earlier.exchanges;
                }
                (Self::Program(_, all), Run::Program(earlier)) => all.insert(0, earlier),
                (Self::Typed(_), Run::Program(_)) | (Self::Program(..), Run::Typed(_)) => {}
            }
        }
        self
    }
}

/// Runs the answer, and again from its first line when it was killed; `time`: when it began, and
/// how long a run may take. Each has all of the time: a kill must not take it from a right answer,
/// and a busy machine is slow to start a program twice.
pub(super) fn run_answer(
    fixture: &mut Fixture<'_>,
    answer: &Answer,
    python: Option<&Python>,
    before: &ServerInfo,
    (server, control): (ServerControl<'_>, &AnswerControl),
    (began, limit): (Instant, Duration),
) -> Result<FinishedAnswer, EnvironmentError> {
    let mut killed = Vec::new();
    loop {
        let cancel = control.next_run(fixture.cancel);
        let run = RunControl { before, began, limit, server, answer: control };
        let mut run_fixture = Fixture { cancel: &cancel, server: fixture.server, ..*fixture };
        let finished = run_once(&mut run_fixture, answer, python, &run)?;
        if control.begins_again(!finished.is_overdue(), fixture.cancel) {
            killed.push(finished.into_run());
        } else {
            return Ok(finished.after(killed));
        }
    }
}

fn run_once(
    fixture: &mut Fixture<'_>,
    answer: &Answer,
    python: Option<&Python>,
    run: &RunControl<'_>,
) -> Result<FinishedAnswer, EnvironmentError> {
    match (answer.language, python) {
        (Language::Redis, _) => {
            Ok(FinishedAnswer::Typed(commands::run(fixture, &answer.text, run)?))
        }
        (Language::Python, Some(python)) => {
            let program = match &answer.path {
                Some(path) => run_program(fixture, python, path, run)?,
                None => {
                    in_private_file(&answer.text, |path| run_program(fixture, python, path, run))?
                }
            };
            Ok(FinishedAnswer::Program(program, Vec::new()))
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
    run: &RunControl<'_>,
) -> Result<program::FinishedProgram, EnvironmentError> {
    let (endpoint, limit, cancel) = (fixture.endpoint(), run.limit, fixture.cancel);
    if run.server.place == Place::WhereTheServerStops {
        let directory = cleanup::private_directory("answer")?;
        let mut control = Control::new(&directory, run.server, fixture.server)?;
        let requests = control.address().to_owned();
        // A program may have up to twice its limit.
        let deadline = Instant::now() + 2 * limit;
        let finished = beside(
            || python.run_in(directory, Some(&requests), path, &endpoint, limit, cancel),
            |is_over| control.serve(fixture, deadline, is_over),
        )?;
        control.finish(fixture.server)?;
        return Ok(finished);
    }
    if run.answer.acts_on_the_server {
        return beside(
            || python.run(path, &endpoint, limit, cancel),
            |_| run.answer.serve(fixture),
        );
    }
    python.run(path, &endpoint, limit, cancel)
}

/// Runs a program in another thread and serves it in this one, which owns the server; `serve` is
/// told how to ask whether the program has ended.
fn beside<T: Send>(
    run: impl FnOnce() -> Result<T, EnvironmentError> + Send,
    mut serve: impl FnMut(&dyn Fn() -> bool),
) -> Result<T, EnvironmentError> {
    let this = thread::current();
    thread::scope(|scope| {
        let run = || {
            let result = run();
            this.unpark();
            result
        };
        let running = thread::Builder::new().name("answer".into()).spawn_scoped(scope, run);
        let running = running.map_err(no_thread)?;
        while !running.is_finished() {
            serve(&|| running.is_finished());
            thread::park_timeout(SERVE_PAUSE);
        }
        running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
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
