//! JSON lines: what a run tells while it goes on, an event a line. The structs here are the format, which
//! [`read`] reads back; `lessons/README.md` describes it.

mod read;

pub use read::{Malformed, Recorded, read};

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::WorldError;
use crate::lesson::Problem;
use crate::present::text::{escaped_json, without_colors};
use crate::verify::plan::{Plan, PlannedCase};
use crate::verify::report::{CaseOutcome, CaseReport, Report, ServerReport, Warning};

/// Another number means that what was read before can't be read any more; new fields do not change it.
const FORMAT: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
enum Event {
    /// The first, before anything runs.
    Begin(Begin),
    /// As a case ends.
    Case(Box<Case>),
    /// As a server's last case ends.
    Server(Server),
    Warning(Place),
    /// In place of `begin` where the lessons can't be loaded.
    Problem(Place),
    /// The last: without it the run did not come to its end.
    End(End),
}

#[derive(Debug, Serialize, Deserialize)]
struct Begin {
    format: u32,
    redislings: String,
    course: String,
    /// `1/4`; `null`: all cases.
    slice: Option<String>,
    /// How many cases all parts have together.
    wanted: usize,
    fingerprint: String,
    /// Each as in `course.toml`; empty: any.
    servers: Vec<String>,
    /// Each to be run on each server.
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
struct Case {
    #[serde(rename = "case")]
    id: String,
    kind: String,
    lesson: String,
    file: String,
    line: usize,
    /// The server as it was wanted.
    wanted: String,
    /// The one that it was: `redis 7.0.15 (container)`.
    server: String,
    /// `passed`, `failed`, `unchecked` or `not-run`.
    outcome: String,
    problems: Vec<String>,
    unchecked: Option<Reason>,
    details: String,
    repeat: String,
    runs: u32,
    /// Not told by earlier versions.
    #[serde(default)]
    again: u32,
    flaky: bool,
    took_ms: f64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Server {
    wanted: String,
    /// Why there was none.
    unchecked: Option<Reason>,
    took_ms: f64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Reason {
    reason: String,
    help: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Place {
    file: String,
    line: usize,
    column: usize,
    message: String,
    help: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct End {
    /// `passed`, `failed`, `unchecked`; `unloadable` where there are problems.
    conclusion: String,
    passed: usize,
    failed: usize,
    unchecked: usize,
    not_run: usize,
    flaky: usize,
    /// Of a merged report: why it is less than what was wanted.
    incomplete: Vec<Reason>,
}

/// Told before anything runs.
pub fn begin(plan: &Plan) -> String {
    line(&Event::Begin(Begin {
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

/// Told as a case ends on the server that was wanted.
pub fn case(wanted: &str, case: &CaseReport) -> String {
    line(&Event::Case(Box::new(Case {
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
        again: case.again,
        flaky: case.is_flaky,
        took_ms: milliseconds(case.took),
    })))
}

/// Told when all cases on a server have been.
pub fn server(server: &ServerReport) -> String {
    line(&Event::Server(Server {
        wanted: server.wanted.clone(),
        unchecked: server.unchecked.as_ref().map(reason),
        took_ms: milliseconds(server.took),
    }))
}

/// The warnings and the end.
pub fn end(report: &Report) -> String {
    let warnings = report.warnings.iter().map(|it| line(&Event::Warning(place(it))));
    let count = |outcome| report.servers.iter().map(|server| server.count(outcome)).sum();
    let end = End {
        conclusion: report.conclusion().word().to_owned(),
        passed: count(CaseOutcome::Passed),
        failed: count(CaseOutcome::Failed),
        unchecked: count(CaseOutcome::Unchecked),
        not_run: count(CaseOutcome::NotRun),
        flaky: report.servers.iter().map(ServerReport::flaky).sum(),
        incomplete: report.incomplete.iter().map(reason).collect(),
    };
    warnings.chain([line(&Event::End(end))]).collect()
}

/// All at once, of a run that is over.
pub fn whole(plan: &Plan, report: &Report) -> String {
    let mut text = begin(plan);
    for on in &report.servers {
        text.extend(on.cases.iter().map(|it| case(&on.wanted, it)));
        text.push_str(&server(on));
    }
    text + &end(report)
}

/// Where the lessons could not be loaded: all that is told.
pub fn unloadable(problems: &[Problem]) -> String {
    let lines = problems.iter().map(|problem| {
        let told = place(&super::warning(problem));
        let is_error = super::is_error(problem);
        line(&if is_error { Event::Problem(told) } else { Event::Warning(told) })
    });
    let end = End {
        conclusion: UNLOADABLE.to_owned(),
        passed: 0,
        failed: 0,
        unchecked: 0,
        not_run: 0,
        flaky: 0,
        incomplete: Vec::new(),
    };
    lines.chain([line(&Event::End(end))]).collect()
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

fn reason(error: &WorldError) -> Reason {
    Reason { reason: error.fact.clone(), help: error.help.clone() }
}

fn place(warning: &Warning) -> Place {
    let Warning { file, line, column, message, help } = warning.clone();
    Place { file, line, column, message, help }
}

/// With microseconds: more is noise.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

fn line(event: &Event) -> String {
    serde_json::to_string(event)
        .map_or_else(|_| "{}\n".to_owned(), |json| escaped_json(&json) + "\n")
}
