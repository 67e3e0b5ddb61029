//! Reads the stream back.

use std::time::Duration;

use serde_json::Value;

use super::{Begin, CaseLine, FORMAT, LocatedMessage, Planned, Reason, ReportLine, ServerLine};
use crate::error::EnvironmentError;
use crate::sanitize::{clean, clean_lines};
use crate::verify::case::CaseKind;
use crate::verify::choice::Slice;
use crate::verify::merge::Part;
use crate::verify::plan::{Plan, PlannedCase};
use crate::verify::report::{CaseOutcome, CaseReport, Report, ServerReport, Warning};

/// The fields that may have several lines.
const LONG_TEXTS: [&str; 3] = ["details", "reason", "help"];

/// The content of a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Recorded {
    /// A run, finished or not.
    Run(Box<Part>),
    /// The problems that prevented loading the lessons.
    Unloadable(Vec<Warning>),
    /// The run ended before its first event.
    Nothing,
}

/// An error in a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// From 1.
    pub line: usize,
    pub message: String,
}

/// Reads the report of a run from the file called `name`. A truncated last line is not an error:
/// the run ended while writing it.
pub fn read(name: &str, text: &str) -> Result<Recorded, Malformed> {
    let mut reading = Reading::default();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let taken = match event(line.trim_end()) {
            Ok(event) => reading.take(name, event),
            Err(_) if !line.ends_with('\n') && line.starts_with("{\"event\":") => Ok(()),
            Err(error) => Err(format!("not a line of a report: {error}")),
        };
        taken.map_err(|message| Malformed { line: index + 1, message })?;
    }
    Ok(match reading {
        Reading { part: Some(part), .. } => Recorded::Run(Box::new(part)),
        Reading { problems, .. } if !problems.is_empty() => Recorded::Unloadable(problems),
        _ => Recorded::Nothing,
    })
}

/// Parses an event and cleans all its strings, because anybody may have written the report.
fn event(line: &str) -> serde_json::Result<ReportLine> {
    let mut value = serde_json::from_str(line)?;
    clean_strings(&mut value, false);
    serde_json::from_value(value)
}

/// `is_long` keeps line breaks.
fn clean_strings(value: &mut Value, is_long: bool) {
    match value {
        Value::String(text) => {
            *text = if is_long { clean_lines(text) } else { clean(text) }.into_owned();
        }
        Value::Array(items) => items.iter_mut().for_each(|item| clean_strings(item, is_long)),
        Value::Object(fields) => {
            for (name, field) in fields {
                clean_strings(field, LONG_TEXTS.contains(&name.as_str()));
            }
        }
        _ => {}
    }
}

#[derive(Default)]
struct Reading {
    part: Option<Part>,
    problems: Vec<Warning>,
    is_over: bool,
}

impl Reading {
    fn take(&mut self, name: &str, event: ReportLine) -> Result<(), String> {
        if self.is_over {
            return Err(
                "there are lines after its end; a file may contain only one report".to_owned()
            );
        }
        match event {
            ReportLine::Begin(_) if self.part.is_some() => {
                return Err(
                    "a second report begins before its end; a file may contain only one".to_owned()
                );
            }
            ReportLine::Begin(begin) => self.part = Some(part(name, begin)?),
            ReportLine::Case(case) => take_case(&mut self.begun()?.report, *case)?,
            ReportLine::Server(server) => take_server(&mut self.begun()?.report, server)?,
            ReportLine::Warning(message) => {
                if let Some(part) = &mut self.part {
                    part.report.warnings.push(warning(message));
                }
            }
            ReportLine::Problem(message) => self.problems.push(warning(message)),
            ReportLine::End(end) => {
                self.is_over = true;
                if let Some(part) = &mut self.part {
                    part.is_finished = true;
                    part.report.incomplete = end.incomplete.into_iter().map(error).collect();
                }
            }
        }
        Ok(())
    }

    fn begun(&mut self) -> Result<&mut Part, String> {
        self.part.as_mut().ok_or_else(|| "there is no `begin` before it".to_owned())
    }
}

fn part(name: &str, begin: Begin) -> Result<Part, String> {
    if begin.format != FORMAT {
        return Err(format!(
            "it is in format {} (redislings {}); this is redislings {}, \
             which reads format {FORMAT}",
            begin.format,
            begin.redislings,
            env!("CARGO_PKG_VERSION")
        ));
    }
    let slice = match &begin.slice {
        Some(text) => Some(Slice::parse(text).ok_or_else(|| format!("`{text}` is not a part"))?),
        None => None,
    };
    let plan = Plan {
        course: begin.course,
        slice,
        wanted: begin.wanted,
        fingerprint: begin.fingerprint,
        servers: begin.servers,
        cases: begin.cases.into_iter().map(planned).collect::<Result<_, _>>()?,
    };
    let servers = plan.servers.iter().map(|wanted| ServerReport {
        wanted: wanted.clone(),
        unchecked: None,
        cases: plan.cases.iter().map(PlannedCase::not_run).collect(),
        took: Duration::ZERO,
    });
    let report = Report {
        course: plan.course.clone(),
        slice,
        servers: servers.collect(),
        warnings: Vec::new(),
        incomplete: Vec::new(),
    };
    Ok(Part { name: name.to_owned(), plan, report, is_finished: false })
}

fn take_case(report: &mut Report, case: CaseLine) -> Result<(), String> {
    let server = report.servers.iter_mut().find(|server| server.wanted == case.wanted);
    let planned =
        server.and_then(|server| server.cases.iter_mut().find(|planned| planned.id == case.id));
    let Some(planned) = planned else {
        return Err(format!("`{}` on `{}` is not planned in `begin`", case.id, case.wanted));
    };
    if planned.runs > 0 {
        return Err(format!("`{}` on `{}` is reported twice", case.id, case.wanted));
    }
    *planned = case_report(case)?;
    Ok(())
}

fn take_server(report: &mut Report, server: ServerLine) -> Result<(), String> {
    let Some(planned) = report.servers.iter_mut().find(|planned| planned.wanted == server.wanted)
    else {
        return Err(format!("the server `{}` is not planned in `begin`", server.wanted));
    };
    planned.unchecked = server.unchecked.map(error);
    planned.took = duration(server.took_ms)?;
    Ok(())
}

fn case_report(case: CaseLine) -> Result<CaseReport, String> {
    let outcome = CaseOutcome::ALL.into_iter().find(|outcome| outcome.word() == case.outcome);
    Ok(CaseReport {
        id: case.id,
        kind: kind(&case.kind)?,
        lesson: case.lesson,
        file: case.file,
        line: case.line,
        server: case.server,
        outcome: outcome.ok_or_else(|| format!("`{}` is not an outcome", case.outcome))?,
        problems: case.problems,
        unchecked: case.unchecked.map(error),
        details: case.details,
        repeat: case.repeat,
        runs: case.runs,
        retries: case.retries,
        is_flaky: case.flaky,
        took: duration(case.took_ms)?,
    })
}

fn planned(case: Planned) -> Result<PlannedCase, String> {
    Ok(PlannedCase {
        place: case.place,
        id: case.id,
        kind: kind(&case.kind)?,
        lesson: case.lesson,
        file: case.file,
        line: case.line,
    })
}

fn kind(word: &str) -> Result<CaseKind, String> {
    let kind = CaseKind::ALL.into_iter().find(|kind| kind.word() == word);
    kind.ok_or_else(|| format!("`{word}` is not a kind of case"))
}

fn error(reason: Reason) -> EnvironmentError {
    EnvironmentError::new(reason.reason, reason.help)
}

fn warning(located: LocatedMessage) -> Warning {
    let LocatedMessage { file, line, column, message, help } = located;
    Warning { file, line, column, message, help }
}

fn duration(milliseconds: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(milliseconds / 1e3)
        .map_err(|_| format!("{milliseconds} is not a duration"))
}
