//! Turns results into the values of a report.

use std::fmt::Write as _;

use super::super::shell::{lessons_option, shell_word};
use super::VerifyRequest;
use crate::cli::Common;
use crate::present::evidence::Form;
use crate::present::judged::{self, Detail, Judged};
use crate::present::output_width;
use crate::present::text::truncate;
use crate::sanitize::{ShownPath as _, clean_lines};
use crate::server::ServerVersion;
use crate::verify::report::{CaseOutcome, CaseReport};
use crate::verify::{Case, CaseResult, CaseRun};

/// The least number of runs in the command that repeats a flaky case.
const REPEAT_A_FLAKE: u32 = 10;

/// What came of a case.
#[derive(Clone, Copy)]
pub(super) enum Ended<'r> {
    Run(&'r CaseResult),
    /// See [`crate::verify::Runner::run`].
    NotRun,
    NotForServer,
}

pub(super) fn case(
    request: &VerifyRequest<'_>,
    version: Option<&ServerVersion>,
    case: &Case<'_>,
    ended: Ended<'_>,
) -> CaseReport {
    let (result, otherwise) = match ended {
        Ended::Run(result) => (Some(result), CaseOutcome::NotRun),
        Ended::NotRun => (None, CaseOutcome::NotRun),
        Ended::NotForServer => (None, CaseOutcome::NotForServer),
    };
    let report = result.and_then(CaseResult::report);
    let is_flaky = result.is_some_and(is_flaky);
    CaseReport {
        id: case.id.clone(),
        kind: case.kind(),
        lesson: case.lesson.id.clone(),
        file: case.lesson.path.shown(),
        line: report.and_then(|run| run.line).unwrap_or(case.line),
        server: report.map(|run| run.server.clone()).unwrap_or_default(),
        outcome: result.map_or(otherwise, outcome),
        problems: result.map(problems).unwrap_or_default(),
        unchecked: report.and_then(|run| run.unchecked.clone()),
        details: report.map(|run| details(case, run)).unwrap_or_default(),
        repeat: repeat(request, version, case, is_flaky),
        is_flaky,
        runs: result.map_or(0, |result| count(result.runs())),
        retries: result.map_or(0, |result| count(result.retries())),
        took: result.map(CaseResult::took).unwrap_or_default(),
    }
}

fn repeat(
    request: &VerifyRequest<'_>,
    version: Option<&ServerVersion>,
    case: &Case<'_>,
    is_flaky: bool,
) -> String {
    let Common { server, image, .. } = request.common;
    let mut command = format!(
        "redislings verify {} --server {}{}",
        shell_word(&case.id),
        shell_word(server),
        lessons_option(request.common)
    );
    if let Some(image) = image {
        let _ = write!(command, " --image {}", shell_word(image));
    }
    if let Some(version) = version {
        let _ = write!(command, " --server-version '{version}'");
    }
    if is_flaky {
        let _ = write!(command, " --repeat {}", request.options.repeat.max(REPEAT_A_FLAKE));
    }
    command
}

/// Ignores runs that could not be checked.
fn is_flaky(result: &CaseResult) -> bool {
    let mut checked = result.runs.iter().filter(|run| run.unchecked.is_none());
    let some_good = checked.clone().any(CaseRun::is_good);
    let some_failed = checked.any(|run| !run.is_good());
    (some_failed && some_good) || !result.flakes().is_empty()
}

fn outcome(result: &CaseResult) -> CaseOutcome {
    if result.is_good() {
        CaseOutcome::Passed
    } else if !is_flaky(result) && result.runs.iter().all(|run| run.problems.is_empty()) {
        CaseOutcome::Unchecked
    } else {
        CaseOutcome::Failed
    }
}

/// The problems of the reported run, and the differences between runs.
fn problems(result: &CaseResult) -> Vec<String> {
    let mut problems = result.report().map(|run| run.problems.clone()).unwrap_or_default();
    if let Some(outcomes) = result.outcomes() {
        let flaky = if is_flaky(result) { "flaky: " } else { "" };
        problems.push(format!("{flaky}{outcomes}"));
    }
    problems.extend(result.flakes());
    // They quote the output of programs and servers.
    problems.iter().map(|problem| clean_lines(problem).replace(['\r', '\t'], " ")).collect()
}

/// In CI logs and in the readers of files nobody scrolls to the right for long.
const LONGEST_LINE: usize = 400;

fn details(case: &Case<'_>, run: &CaseRun) -> String {
    let details = evidence(case, run);
    let lines = details.lines().map(|line| truncate(line, LONGEST_LINE) + "\n");
    lines.collect()
}

fn evidence(case: &Case<'_>, run: &CaseRun) -> String {
    let Some(judged) = &run.judged else { return judged::errors(&run.errors, output_width()) };
    let judged = Judged {
        exercise: case.exercise.map_or("", |exercise| exercise.id.as_str()),
        server: &run.server,
        answer: None,
        evidence: &judged.evidence,
        verdict: &judged.verdict,
        previous: None,
    };
    judged::judged(&judged, Detail::Full(Form::Short), output_width())
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
