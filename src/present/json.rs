//! JSON for programs. The structs here are the format; no other type is serialized.

mod answers;
mod list;
mod transcript;

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;

pub use answers::{AnswersDocument, CheckedAnswer};
pub use list::{ListDocument, ListExercise, ListLesson};

use self::transcript::{CheckTranscript, transcript};

use super::text::escaped_json;
use crate::attempt::evidence::{Evidence, LoadFailure, Look, Waits};
use crate::verdict::changes::{Change, changes};
use crate::verdict::{Diagnosed, Finding, Outcome, Pointer, Verdict};
use crate::verify::report::{CaseReport, Report, ServerReport};

/// The document of `check --format json`.
#[derive(Debug, Serialize)]
pub struct CheckDocument<'a> {
    exercise: &'a str,
    outcome: &'static str,
    server: &'a str,
    findings: Vec<CheckFinding<'a>>,
    /// `null` if the answer passed or the cause is unknown.
    cause: Option<CheckCause<'a>>,
    changes: Vec<CheckChange>,
    /// `null` if the answer could not be checked.
    transcript: Option<CheckTranscript>,
    /// `null` if no check asks for it.
    waits: Option<CheckWaits>,
    /// The snapshot file alone, loaded by a second server; `null` if no check asks for it.
    dump: Option<CheckDump<'a>>,
    /// Why the answer could not be checked; otherwise absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct CheckFinding<'a> {
    check: &'a str,
    outcome: &'static str,
    expected: &'a str,
    found: &'a str,
}

#[derive(Debug, Serialize)]
struct CheckCause<'a> {
    id: &'a str,
    text: &'a str,
    evidence: Vec<CheckPointer>,
}

/// Evidence in this document: the index of an exchange, from 0, or the field of a change.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum CheckPointer {
    Exchange { index: usize },
    Change { field: &'static str },
    Log,
    LongestWait,
    ProgramErrors,
}

#[derive(Debug, Serialize)]
struct CheckChange {
    field: Cow<'static, str>,
    before: String,
    after: String,
}

#[derive(Debug, Serialize)]
struct CheckDump<'a> {
    /// `loaded`, `no-file` or `unloadable`.
    state: &'static str,
    /// The names of some or all keys.
    keys: &'a [String],
    /// The number of all keys.
    count: i64,
}

#[derive(Debug, Serialize)]
struct CheckWaits {
    longest_ms: f64,
    pings: u64,
}

impl<'a> CheckDocument<'a> {
    /// A judged answer.
    pub fn judged(
        exercise: &'a str,
        server: &'a str,
        verdict: &'a Verdict,
        evidence: &'a Evidence,
    ) -> Self {
        Self {
            exercise,
            outcome: if verdict.passed() { "passed" } else { "failed" },
            server,
            findings: verdict.findings.iter().map(finding).collect(),
            cause: verdict.diagnosis.as_ref().map(cause),
            changes: changes(evidence).into_iter().map(change).collect(),
            transcript: Some(transcript(&evidence.timeline)),
            waits: evidence.waits.as_ref().map(waits),
            dump: evidence.restored().map(dump),
            reason: None,
        }
    }

    /// An answer that could not be judged; `server` may be empty.
    pub fn unchecked(exercise: &'a str, server: &'a str, reason: &'a str) -> Self {
        Self {
            exercise,
            outcome: "unchecked",
            server,
            findings: Vec::new(),
            cause: None,
            changes: Vec::new(),
            transcript: None,
            waits: None,
            dump: None,
            reason: Some(reason),
        }
    }
}

fn dump(restored: &Look) -> CheckDump<'_> {
    let file = restored.as_ref().ok().and_then(|loaded| loaded.file.as_ref());
    CheckDump {
        state: match restored {
            Err(LoadFailure::NoFile) => "no-file",
            Err(LoadFailure::Unloadable(_)) => "unloadable",
            Err(LoadFailure::Because(_)) => "not-loaded",
            Ok(_) => "loaded",
        },
        keys: file.map(|file| file.keys.as_slice()).unwrap_or_default(),
        count: file.map_or(0, |file| file.count),
    }
}

fn cause(diagnosed: &Diagnosed) -> CheckCause<'_> {
    let evidence = diagnosed.evidence.iter().map(pointer).collect();
    CheckCause { id: diagnosed.id, text: &diagnosed.cause, evidence }
}

fn pointer(pointer: &Pointer) -> CheckPointer {
    match *pointer {
        Pointer::Exchange(index) => CheckPointer::Exchange { index },
        Pointer::Row(field) => CheckPointer::Change { field },
        Pointer::Log => CheckPointer::Log,
        Pointer::LongestWait => CheckPointer::LongestWait,
        Pointer::ProgramErrors => CheckPointer::ProgramErrors,
    }
}

fn change(change: Change) -> CheckChange {
    CheckChange { field: change.field, before: change.before, after: change.after }
}

fn waits(waits: &Waits) -> CheckWaits {
    CheckWaits { longest_ms: milliseconds(waits.longest.took), pings: waits.pings }
}

/// Rounded to microseconds: more digits are noise.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

fn finding(finding: &Finding) -> CheckFinding<'_> {
    CheckFinding {
        check: &finding.check,
        outcome: match finding.outcome {
            Outcome::Met => "met",
            Outcome::Unmet => "unmet",
            Outcome::NotReached => "not-reached",
        },
        expected: &finding.expected,
        found: &finding.found,
    }
}

/// The document of `verify --format json`.
#[derive(Debug, Serialize)]
struct Verify<'a> {
    /// `passed`, `failed` or `unchecked`.
    outcome: &'static str,
    /// `redis 7.0.15 (container)`.
    server: &'a str,
    /// In the lessons' order.
    cases: Vec<VerifyCase<'a>>,
}

/// The document of `verify --server-matrix --format json`.
#[derive(Debug, Serialize)]
struct VerifyMatrix<'a> {
    /// `failed` if a case failed on any server, else `unchecked` if one could not be checked.
    outcome: &'static str,
    /// In the order of `course.toml`.
    servers: Vec<VerifyServer<'a>>,
}

/// One server of the matrix.
#[derive(Debug, Serialize)]
struct VerifyServer<'a> {
    /// As in `course.toml`: `redis 6.2`.
    wanted: &'a str,
    /// Why nothing was run; otherwise absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    /// The same fields as without a matrix.
    #[serde(flatten)]
    verified: Verify<'a>,
}

/// One case of `verify`.
#[derive(Debug, Serialize)]
struct VerifyCase<'a> {
    /// `creating-snapshots/python/wrong-2`.
    case: &'a str,
    /// `lessons/04-snapshotting.md`.
    file: &'a str,
    /// From 1.
    line: usize,
    /// `passed`, `failed`, `unchecked` or `not-run`.
    outcome: &'static str,
    /// What went wrong, one sentence each.
    problems: Vec<&'a str>,
    /// Whether its runs disagree.
    flaky: bool,
    /// The command that repeats just this case.
    repeat: &'a str,
}

/// The document of `verify`, for one server or for each requested server.
pub fn verified(report: &Report) -> String {
    match report.servers.as_slice() {
        [only] if only.wanted.is_empty() => text(&on_one(only)),
        servers => text(&VerifyMatrix {
            outcome: report.conclusion().word(),
            servers: servers.iter().map(on_wanted).collect(),
        }),
    }
}

fn on_wanted(server: &ServerReport) -> VerifyServer<'_> {
    let reason = server.unchecked.as_ref().map(|error| error.fact.as_str());
    VerifyServer { wanted: &server.wanted, reason, verified: on_one(server) }
}

fn on_one(server: &ServerReport) -> Verify<'_> {
    let cases = server.cases.iter().map(verified_case).collect();
    Verify { outcome: server.conclusion().word(), server: server.server(), cases }
}

fn verified_case(case: &CaseReport) -> VerifyCase<'_> {
    let unchecked = case.unchecked.iter().map(|error| error.fact.as_str());
    VerifyCase {
        case: &case.id,
        file: &case.file,
        line: case.line,
        outcome: case.outcome.word(),
        problems: case.problems.iter().map(String::as_str).chain(unchecked).collect(),
        flaky: case.is_flaky,
        repeat: &case.repeat,
    }
}

/// The document as text with a line break.
pub fn text<T: Serialize>(document: &T) -> String {
    serde_json::to_string_pretty(document)
        .map_or_else(|_| "{}\n".to_owned(), |json| escaped_json(&json) + "\n")
}
