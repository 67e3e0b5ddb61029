//! Results put into the values of a report.

use super::super::shell::{lessons_option, shell_word};
use crate::cli::Common;
use crate::present::evidence::Form;
use crate::present::text::clean;
use crate::present::{self, output_width};
use crate::sanitize::ShownPath as _;
use crate::server::ServerVersion;
use crate::server::source::DEFAULT_IMAGE;
use crate::verify::report::{CaseOutcome, CaseReport};
use crate::verify::{Case, CaseResult, Proof};

/// How often at least a case is to be run that was not alike in two runs.
const REPEAT_A_FLAKE: u32 = 10;

/// What the report of a case needs beside its result.
pub(super) struct Context<'r> {
    pub(super) common: &'r Common,
    /// The wanted version, which is named to repeat a case.
    pub(super) version: Option<&'r ServerVersion>,
    /// How often each case is run.
    pub(super) repeat: u32,
}

impl Context<'_> {
    /// `None`: the case was not run, see [`crate::verify::Work::run`].
    pub(super) fn case(&self, case: &Case<'_>, result: Option<&CaseResult>) -> CaseReport {
        let telling = result.and_then(CaseResult::telling);
        let is_flaky = result.is_some_and(is_flaky);
        CaseReport {
            id: case.id.clone(),
            kind: case.kind(),
            lesson: case.lesson.id.clone(),
            file: case.lesson.path.shown(),
            line: telling.and_then(|proof| proof.line).unwrap_or(case.line),
            server: telling.map(|proof| proof.server.clone()).unwrap_or_default(),
            outcome: result.map_or(CaseOutcome::NotRun, outcome),
            problems: result.map(problems).unwrap_or_default(),
            unchecked: telling.and_then(|proof| proof.unchecked.clone()),
            details: telling.map(|proof| details(case, proof)).unwrap_or_default(),
            repeat: self.repeat(case, is_flaky),
            is_flaky,
            runs: result.map_or(0, |result| count(result.runs())),
            again: result.map_or(0, |result| count(result.again())),
            took: result.map(CaseResult::took).unwrap_or_default(),
        }
    }

    fn repeat(&self, case: &Case<'_>, is_flaky: bool) -> String {
        let mut command = format!("redislings verify {}", shell_word(&case.id));
        command = format!("{command} --server {}", shell_word(&self.common.server));
        if let Some(lessons) = lessons_option(self.common) {
            command = format!("{command} {lessons}");
        }
        if self.common.image != DEFAULT_IMAGE {
            command = format!("{command} --image {}", shell_word(&self.common.image));
        }
        if let Some(version) = self.version {
            command = format!("{command} --server-version '{version}'");
        }
        if is_flaky {
            command = format!("{command} --repeat {}", self.repeat.max(REPEAT_A_FLAKE));
        }
        command
    }
}

/// Runs that could not be checked say nothing of the case.
fn is_flaky(result: &CaseResult) -> bool {
    let checked = || result.proofs.iter().filter(|proof| proof.unchecked.is_none());
    let some_failed = checked().any(|proof| !proof.is_good());
    let some_good = checked().any(Proof::is_good);
    (some_failed && some_good) || !result.flakes().is_empty()
}

fn outcome(result: &CaseResult) -> CaseOutcome {
    if result.is_good() {
        CaseOutcome::Passed
    } else if !is_flaky(result) && result.proofs.iter().all(|proof| proof.problems.is_empty()) {
        CaseOutcome::Unchecked
    } else {
        CaseOutcome::Failed
    }
}

/// What the telling run says, and what was not alike in all of them.
fn problems(result: &CaseResult) -> Vec<String> {
    let mut problems = result.telling().map(|it| it.problems.clone()).unwrap_or_default();
    if let Some(outcomes) = result.outcomes() {
        let flaky = if is_flaky(result) { "flaky: " } else { "" };
        problems.push(format!("{flaky}{outcomes}"));
    }
    problems.extend(result.flakes());
    // They quote programs and servers.
    problems.iter().map(|problem| clean(problem).into_owned()).collect()
}

fn details(case: &Case<'_>, proof: &Proof) -> String {
    let Some(judged) = &proof.judged else { return String::new() };
    let (evidence, verdict) = (&judged.evidence, &judged.verdict);
    let exercise = case.exercise.map_or("", |exercise| exercise.id.as_str());
    present::judged(exercise, &proof.server, evidence, verdict, Form::Short, output_width())
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
