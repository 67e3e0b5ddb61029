//! JSON lines: the progress of a run, one event a line. The structs here and those of
//! [`crate::verify::report`] are the format, which [`read`] reads back; `lessons/README.md`
//! describes it.

mod read;

pub use read::{Malformed, Recorded, read};

use serde::{Deserialize, Serialize};

use crate::error::EnvironmentError;
use crate::lesson::Problem;
use crate::present::text::{escaped_json, without_colors};
use crate::verify::plan::Plan;
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
    Server(ServerReport),
    Warning(Warning),
    /// Instead of `begin` if the lessons can't be loaded.
    Problem(Warning),
    /// The last event; without it, the run did not finish.
    End(EndLine),
}

#[derive(Debug, Serialize, Deserialize)]
struct Begin {
    format: u32,
    redislings: String,
    #[serde(flatten)]
    plan: Plan,
}

#[derive(Debug, Serialize, Deserialize)]
struct CaseLine {
    /// The requested server.
    wanted: String,
    #[serde(flatten)]
    report: CaseReport,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct EndLine {
    /// `passed`, `failed`, `unchecked`, `nothing-to-run`, or `unloadable` if the lessons have problems.
    conclusion: String,
    passed: usize,
    failed: usize,
    unchecked: usize,
    not_run: usize,
    flaky: usize,
    /// Why a merged report is incomplete.
    incomplete: Vec<EnvironmentError>,
    /// Why there is no case. Missing in earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nothing: Option<String>,
}

/// Reported before anything runs.
pub fn begin(plan: &Plan) -> String {
    line(&ReportLine::Begin(Begin {
        format: FORMAT,
        redislings: env!("CARGO_PKG_VERSION").to_owned(),
        plan: plan.clone(),
    }))
}

/// Reported when a case ends on the requested server.
pub fn case(wanted: &str, case: &CaseReport) -> String {
    let report = CaseReport { details: without_colors(&case.details), ..case.clone() };
    line(&ReportLine::Case(Box::new(CaseLine { wanted: wanted.to_owned(), report })))
}

/// Reported when all cases on a server have ended.
pub fn server(server: &ServerReport) -> String {
    line(&ReportLine::Server(server.clone()))
}

/// The warnings and the last event.
pub fn end(report: &Report) -> String {
    let warnings =
        report.warnings.iter().map(|warning| line(&ReportLine::Warning(warning.clone())));
    let end = EndLine {
        conclusion: report.conclusion().word().to_owned(),
        passed: count(report, CaseOutcome::Passed),
        failed: count(report, CaseOutcome::Failed),
        unchecked: count(report, CaseOutcome::Unchecked),
        not_run: count(report, CaseOutcome::NotRun),
        flaky: report.servers.iter().map(ServerReport::flaky).sum(),
        incomplete: report.incomplete.clone(),
        nothing: report.nothing.clone(),
    };
    warnings.chain([line(&ReportLine::End(end))]).collect()
}

fn count(report: &Report, outcome: CaseOutcome) -> usize {
    report.servers.iter().map(|server| server.count(outcome)).sum()
}

/// All events if the lessons could not be loaded.
pub fn unloadable(problems: &[Problem]) -> String {
    let lines = problems.iter().map(|problem| {
        let message = super::warning(problem);
        let is_error = super::is_error(problem);
        line(&if is_error { ReportLine::Problem(message) } else { ReportLine::Warning(message) })
    });
    let end = EndLine { conclusion: "unloadable".to_owned(), ..EndLine::default() };
    lines.chain([line(&ReportLine::End(end))]).collect()
}

fn line(event: &ReportLine) -> String {
    serde_json::to_string(event)
        .map_or_else(|_| "{}\n".to_owned(), |json| escaped_json(&json) + "\n")
}
