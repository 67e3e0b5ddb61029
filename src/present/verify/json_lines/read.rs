//! The stream read back.

use std::time::Duration;

use serde_json::Value;

use super::{Begin, Case, Event, FORMAT, Place, Planned, Reason, Server};
use crate::error::WorldError;
use crate::sanitize::{clean, clean_lines};
use crate::verify::case::Kind;
use crate::verify::choice::Slice;
use crate::verify::merge::Part;
use crate::verify::plan::{Plan, PlannedCase};
use crate::verify::report::{CaseOutcome, CaseReport, Report, ServerReport, Warning};

/// The fields that may have several lines.
const LONG_TEXTS: [&str; 3] = ["details", "reason", "help"];

/// What a stream told.
#[derive(Debug, Clone, PartialEq)]
pub enum Recorded {
    /// Of a run, whether it came to its end or not.
    Run(Box<Part>),
    /// That the lessons could not be loaded, and why.
    Unloadable(Vec<Warning>),
    /// Nothing: the run ended before it had begun.
    Nothing,
}

/// What is wrong with a stream, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// From 1.
    pub line: usize,
    /// The fact.
    pub message: String,
}

/// Reads what a run told into the file of that name. A last line that was cut off is no fault of the file: the run
/// ended while it wrote it.
pub fn read(name: &str, text: &str) -> Result<Recorded, Malformed> {
    let mut reading = Reading::default();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let at = |message: String| Malformed { line: index + 1, message };
        if line.trim().is_empty() {
            continue;
        }
        match event(line.trim_end()) {
            Ok(event) => reading.take(name, event).map_err(at)?,
            Err(_) if !line.ends_with('\n') && line.starts_with("{\"event\":") => {}
            Err(error) => return Err(at(format!("this is no line of a report: {error}"))),
        }
    }
    Ok(match reading {
        Reading { part: Some(part), .. } => Recorded::Run(Box::new(part)),
        Reading { problems, .. } if !problems.is_empty() => Recorded::Unloadable(problems),
        _ => Recorded::Nothing,
    })
}

/// An event of a report that anybody may have written: its strings are cleaned here, all of them.
fn event(line: &str) -> serde_json::Result<Event> {
    let mut value = serde_json::from_str(line)?;
    clean_strings(&mut value, false);
    serde_json::from_value(value)
}

/// `is_long`: whether line ends stay.
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
    fn take(&mut self, name: &str, event: Event) -> Result<(), String> {
        if self.is_over {
            return Err("it goes on after its end; a file holds the report of one run".to_owned());
        }
        match event {
            Event::Begin(_) if self.part.is_some() => {
                return Err(
                    "it begins again before its end; a file holds the report of one run".to_owned()
                );
            }
            Event::Begin(begin) => self.part = Some(part(name, begin)?),
            Event::Case(case) => take_case(&mut self.begun()?.report, *case)?,
            Event::Server(server) => take_server(&mut self.begun()?.report, server)?,
            Event::Warning(place) => {
                if let Some(part) = &mut self.part {
                    part.report.warnings.push(warning(place));
                }
            }
            Event::Problem(place) => self.problems.push(warning(place)),
            Event::End(end) => {
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
        self.part.as_mut().ok_or_else(|| "nothing has begun before it".to_owned())
    }
}

fn part(name: &str, begin: Begin) -> Result<Part, String> {
    if begin.format != FORMAT {
        return Err(format!(
            "it is in format {} (redislings {}); this is redislings {}, which reads format {FORMAT}",
            begin.format,
            begin.redislings,
            env!("CARGO_PKG_VERSION")
        ));
    }
    let slice = match &begin.slice {
        Some(text) => Some(Slice::parse(text).ok_or_else(|| format!("`{text}` is no part"))?),
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

fn take_case(report: &mut Report, case: Case) -> Result<(), String> {
    let server = report.servers.iter_mut().find(|it| it.wanted == case.wanted);
    let planned = server.and_then(|it| it.cases.iter_mut().find(|planned| planned.id == case.id));
    let Some(planned) = planned else {
        return Err(format!("`{}` on `{}` is not planned in `begin`", case.id, case.wanted));
    };
    if planned.runs > 0 {
        return Err(format!("`{}` on `{}` is told for the second time", case.id, case.wanted));
    }
    *planned = case_report(case)?;
    Ok(())
}

fn take_server(report: &mut Report, server: Server) -> Result<(), String> {
    let Some(planned) = report.servers.iter_mut().find(|it| it.wanted == server.wanted) else {
        return Err(format!("the server `{}` is not planned in `begin`", server.wanted));
    };
    planned.unchecked = server.unchecked.map(error);
    planned.took = duration(server.took_ms)?;
    Ok(())
}

fn case_report(case: Case) -> Result<CaseReport, String> {
    let outcome = CaseOutcome::ALL.into_iter().find(|it| it.word() == case.outcome);
    Ok(CaseReport {
        id: case.id,
        kind: kind(&case.kind)?,
        lesson: case.lesson,
        file: case.file,
        line: case.line,
        server: case.server,
        outcome: outcome.ok_or_else(|| format!("`{}` is no outcome", case.outcome))?,
        problems: case.problems,
        unchecked: case.unchecked.map(error),
        details: case.details,
        repeat: case.repeat,
        runs: case.runs,
        again: case.again,
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

fn kind(word: &str) -> Result<Kind, String> {
    let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word);
    kind.ok_or_else(|| format!("`{word}` is no kind of case"))
}

fn error(reason: Reason) -> WorldError {
    WorldError::new(reason.reason, reason.help)
}

fn warning(place: Place) -> Warning {
    let Place { file, line, column, message, help } = place;
    Warning { file, line, column, message, help }
}

fn duration(milliseconds: f64) -> Result<Duration, String> {
    Duration::try_from_secs_f64(milliseconds / 1e3)
        .map_err(|_| format!("{milliseconds} is no time"))
}
