//! Faults of an exercise's author that each of its cases meets: a setting or a setup command that
//! the server refuses. Such a fault is told once, and the exercise's other cases are not run.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::case::Case;
use super::case_run::{CaseRun, unchecked};
use crate::attempt::refused_command;
use crate::cleanup::lock;
use crate::error::{EnvironmentError, EnvironmentErrorKind};
use crate::lesson::Exercise;
use crate::server::{Server, Source, log};

/// The ids of the exercises whose fault was told.
#[derive(Default)]
pub(super) struct Faults(Mutex<BTreeSet<String>>);

/// What came of looking for a fault.
pub(super) enum Fault<T> {
    /// There is none.
    None(T),
    Told(Box<CaseRun>),
    /// Another case of the exercise has told it.
    ToldBefore,
}

impl Faults {
    /// Whether a fault of the case's exercise was told, so that it need not run.
    pub(super) fn are_told(&self, case: &Case<'_>) -> bool {
        case.exercise.is_some_and(|exercise| lock(&self.0).contains(&exercise.id))
    }

    /// Starts another server for a case whose server did not start. If a server starts without the
    /// lesson's settings, but fails twice with them, the lesson is at fault. If none starts without
    /// them either, the environment is.
    pub(super) fn after_failed_start(
        &self,
        case: &Case<'_>,
        error: EnvironmentError,
        source: &Source,
    ) -> Fault<Server> {
        // Held meanwhile: several cases of an exercise fail at the same time.
        let mut told = lock(&self.0);
        if case.exercise.is_some_and(|exercise| told.contains(&exercise.id)) {
            return Fault::ToldBefore;
        }
        match start_after(case, error, source) {
            Ok(server) => Fault::None(server),
            Err(run) => {
                let exercise = case.exercise.filter(|_| run.unchecked.is_none());
                told.extend(exercise.map(|exercise| exercise.id.clone()));
                Fault::Told(run)
            }
        }
    }

    /// Whether the lesson's setup is at fault, as far as this run shows: Redis refuses one of its
    /// commands, on another server too.
    pub(super) fn of_setup(
        &self,
        case: &Case<'_>,
        run: CaseRun,
        source: &Source,
    ) -> Fault<CaseRun> {
        let is_setup = |error: &EnvironmentError| error.kind == EnvironmentErrorKind::FailedSetup;
        let Some(exercise) = case.exercise.filter(|_| run.unchecked.as_ref().is_some_and(is_setup))
        else {
            return Fault::None(run);
        };
        let mut told = lock(&self.0);
        if told.contains(&exercise.id) {
            return Fault::ToldBefore;
        }
        let Some(refused) = refused_setup(case, exercise, source) else { return Fault::None(run) };
        told.insert(exercise.id.clone());
        Fault::Told(Box::new(refused))
    }
}

fn start_after(
    case: &Case<'_>,
    error: EnvironmentError,
    source: &Source,
) -> Result<Server, Box<CaseRun>> {
    let has_settings = !case.settings().is_empty();
    let plain = if has_settings { Server::start(source, &[]).ok() } else { None };
    let Some(plain) = plain else { return Err(Box::new(unchecked(error))) };
    if let Err(full) = plain.check_room() {
        return Err(Box::new(unchecked(full)));
    }
    Server::start(source, case.settings()).map_err(|error| {
        let mut problems =
            vec![format!("no server starts with the lesson's `[server]`: {}", error.fact)];
        // Else the log's last lines, which are the server's own words, are in the help.
        if !error.fact.contains(log::SETTING_REFUSED) {
            problems.push(error.help);
        }
        let line = case.exercise.map(|exercise| line_of_setting(case, exercise, &problems[0]));
        Box::new(CaseRun { problems, line, ..CaseRun::without_verdict(plain.name()) })
    })
}

/// The line of the setting that the server names, else that of `[server]`.
fn line_of_setting(case: &Case<'_>, exercise: &Exercise, words: &str) -> usize {
    let from = exercise.settings_span.start;
    let named = exercise.settings.iter().find(|(name, _)| words.contains(&format!("`{name} ")));
    let mut at = from;
    for line in case.lesson.source[from..].split_inclusive('\n') {
        let key = line.split('=').next().unwrap_or_default();
        let key = key.trim_matches(|c: char| c.is_whitespace() || "\"'>".contains(c));
        if named.is_some_and(|(name, _)| key.eq_ignore_ascii_case(name)) {
            return case.lesson.line_of(at);
        }
        at += line.len();
    }
    case.lesson.line_of(from)
}

fn refused_setup(case: &Case<'_>, exercise: &Exercise, source: &Source) -> Option<CaseRun> {
    let mut server = Server::start(source, case.settings()).ok()?;
    let refused = refused_command(&mut server, exercise)?;
    let line = case.lesson.line_of(refused.block.span.start) + 1 + refused.line;
    let problems = vec![format!("the setup fails: {}", refused.what)];
    Some(CaseRun { problems, line: Some(line), ..CaseRun::without_verdict(server.name()) })
}
