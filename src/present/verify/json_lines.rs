//! JSON lines: the progress of a run, one event a line. The structs here are the format, which
//! [`read`] reads back; `lessons/README.md` describes it.

mod read;

pub use read::{Malformed, Recorded, read};

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::EnvironmentError;
use crate::lesson::Problem;
use crate::present::text::{escaped_json, without_colors};
use crate::verify::plan::{Plan, PlannedCase};
use crate::verify::report::{CaseOutcome, CaseReport, Report, ServerReport, Warning};

/// Changes when older readers can no longer read the format; new fields do not change it.
const FORMAT: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum ReportLine {
    /// The first event, before anything runs.
    Begin(Begin),
    /// When a case ends.
    Case(Box<CaseLine>),
    /// When a server's last case ends.
    Server(ServerLine),
    Warning(LocatedMessage),
    /// Instead of `begin` if the lessons can't be loaded.
    Problem(LocatedMessage),
    /// The last event; without it, the run did not finish.
    End(EndLine),
}

#[derive(Debug, Serialize, Deserialize)]
struct Begin {
    format: u32,
    redislings: String,
    course: String,
    /// `1/4`; `null` for all cases.
    slice: Option<String>,
    /// The number of cases in all parts.
    wanted: usize,
    fingerprint: String,
    /// Each as in `course.toml`; empty for any server.
    servers: Vec<String>,
    /// The cases to run on each server.
    cases: Vec<Planned>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Planned {
    place: usize,
    #[serde(rename = "case")]
    id: String,
    kind: String,
    lesson: String,
    file: String,
    line: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct CaseLine {
    #[serde(rename = "case")]
    id: String,
    kind: String,
    lesson: String,
    file: String,
    line: usize,
    /// The requested server.
    wanted: String,
    /// The actual server: `redis 7.0.15 (container)`.
    server: String,
    /// `passed`, `failed`, `unchecked` or `not-run`.
    outcome: String,
    problems: Vec<String>,
    unchecked: Option<Reason>,
    details: String,
    repeat: String,
    runs: u32,
    /// Missing in earlier versions.
    #[serde(default, rename = "again")]
    retries: u32,
    flaky: bool,
    took_ms: f64,
}

#[derive(Debug, Serialize, Deserialize)]
struct ServerLine {
    wanted: String,
    /// Why there was no server.
    unchecked: Option<Reason>,
    took_ms: f64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Reason {
    reason: String,
    help: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct LocatedMessage {
    file: String,
    line: usize,
    column: usize,
    message: String,
    help: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct EndLine {
    /// `passed`, `failed`, `unchecked`, or `unloadable` if the lessons have problems.
    conclusion: String,
    passed: usize,
    failed: usize,
    unchecked: usize,
    not_run: usize,
    flaky: usize,
    /// Why a merged report is incomplete.
    incomplete: Vec<Reason>,
}

/// Reported before anything runs.
pub fn begin(plan: &Plan) -> String {
    line(&ReportLine::Begin(Begin {
        format: FORMAT,
        redislings: env!("CARGO_PKG_VERSION").to_owned(),
        course: plan.course.clone(),
        slice: plan.slice.map(|slice| slice.to_string()),
        wanted: plan.wanted,
        fingerprint: plan.fingerprint.clone(),
        servers: plan.servers.clone(),
        cases: plan.cases.iter().map(planned).collect(),
    }))
}

/// Reported when a case ends on the requested server.
pub fn case(wanted: &str, case: &CaseReport) -> String {
    line(&ReportLine::Case(Box::new(CaseLine {
        id: case.id.clone(),
        kind: case.kind.word().to_owned(),
        lesson: case.lesson.clone(),
        file: case.file.clone(),
        line: case.line,
        wanted: wanted.to_owned(),
        server: case.server.clone(),
        outcome: case.outcome.word().to_owned(),
        problems: case.problems.clone(),
        unchecked: case.unchecked.as_ref().map(reason),
        details: without_colors(&case.details),
        repeat: case.repeat.clone(),
        runs: case.runs,
        retries: case.retries,
        flaky: case.is_flaky,
        took_ms: milliseconds(case.took),
    })))
}

/// Reported when all cases on a server have ended.
pub fn server(server: &ServerReport) -> String {
    line(&ReportLine::Server(ServerLine {
        wanted: server.wanted.clone(),
        unchecked: server.unchecked.as_ref().map(reason),
        took_ms: milliseconds(server.took),
    }))
}

/// The warnings and the last event.
pub fn end(report: &Report) -> String {
    let warnings =
        report.warnings.iter().map(|warning| line(&ReportLine::Warning(located(warning))));
    let end = EndLine {
        conclusion: report.conclusion().word().to_owned(),
        passed: count(report, CaseOutcome::Passed),
        failed: count(report, CaseOutcome::Failed),
        unchecked: count(report, CaseOutcome::Unchecked),
        not_run: count(report, CaseOutcome::NotRun),
        flaky: report.servers.iter().map(ServerReport::flaky).sum(),
        incomplete: report.incomplete.iter().map(reason).collect(),
    };
    warnings.chain([line(&ReportLine::End(end))]).collect()
}

fn count(report: &Report, outcome: CaseOutcome) -> usize {
    report.servers.iter().map(|server| server.count(outcome)).sum()
}

/// All events of a finished run.
pub fn whole(plan: &Plan, report: &Report) -> String {
    let mut text = begin(plan);
    for server_report in &report.servers {
        let wanted = &server_report.wanted;
        text.extend(server_report.cases.iter().map(|case_report| case(wanted, case_report)));
        text.push_str(&server(server_report));
    }
    text + &end(report)
}

/// All events if the lessons could not be loaded.
pub fn unloadable(problems: &[Problem]) -> String {
    let lines = problems.iter().map(|problem| {
        let message = located(&super::warning(problem));
        let is_error = super::is_error(problem);
        line(&if is_error { ReportLine::Problem(message) } else { ReportLine::Warning(message) })
    });
    let end = EndLine {
        conclusion: UNLOADABLE.to_owned(),
        passed: 0,
        failed: 0,
        unchecked: 0,
        not_run: 0,
        flaky: 0,
        incomplete: Vec::new(),
    };
    lines.chain([line(&ReportLine::End(end))]).collect()
}

const UNLOADABLE: &str = "unloadable";

fn planned(case: &PlannedCase) -> Planned {
    Planned {
        place: case.place,
        id: case.id.clone(),
        kind: case.kind.word().to_owned(),
        lesson: case.lesson.clone(),
        file: case.file.clone(),
        line: case.line,
    }
}

fn reason(error: &EnvironmentError) -> Reason {
    Reason { reason: error.fact.clone(), help: error.help.clone() }
}

fn located(warning: &Warning) -> LocatedMessage {
    let Warning { file, line, column, message, help } = warning.clone();
    LocatedMessage { file, line, column, message, help }
}

/// Rounded to microseconds: more digits are noise.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

fn line(event: &ReportLine) -> String {
    serde_json::to_string(event)
        .map_or_else(|_| "{}\n".to_owned(), |json| escaped_json(&json) + "\n")
}
