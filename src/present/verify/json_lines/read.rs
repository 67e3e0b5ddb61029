//! Reads the stream back.

use std::time::Duration;

use serde_json::Value;

use super::{Begin, CaseLine, FORMAT, ReportLine};
use crate::sanitize::{clean, clean_lines};
use crate::verify::merge::Part;
use crate::verify::plan::PlannedCase;
use crate::verify::report::{Report, ServerReport, Warning};

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
            Err(error) if error.is_eof() && line.starts_with("{\"event\":") => Ok(()),
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
                    part.report.warnings.push(message);
                }
            }
            ReportLine::Problem(message) => self.problems.push(message),
            ReportLine::End(end) => {
                self.is_over = true;
                if let Some(part) = &mut self.part {
                    part.is_finished = true;
                    part.report.incomplete = end.incomplete;
                    part.report.nothing = end.nothing;
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
    let plan = begin.plan;
    let servers = plan.servers.iter().map(|wanted| ServerReport {
        wanted: wanted.clone(),
        unchecked: None,
        cases: plan.cases.iter().map(PlannedCase::not_run).collect(),
        took: Duration::ZERO,
    });
    let report = Report {
        course: plan.course.clone(),
        slice: plan.slice,
        servers: servers.collect(),
        warnings: Vec::new(),
        incomplete: Vec::new(),
        nothing: None,
    };
    Ok(Part { name: name.to_owned(), plan, report, is_finished: false })
}

fn take_case(
    report: &mut Report,
    CaseLine { wanted, report: case }: CaseLine,
) -> Result<(), String> {
    let server = report.servers.iter_mut().find(|server| server.wanted == wanted);
    let planned =
        server.and_then(|server| server.cases.iter_mut().find(|planned| planned.id == case.id));
    let Some(planned) = planned else {
        return Err(format!("`{}` on `{wanted}` is not planned in `begin`", case.id));
    };
    if planned.runs > 0 {
        return Err(format!("`{}` on `{wanted}` is reported twice", case.id));
    }
    *planned = case;
    Ok(())
}

fn take_server(report: &mut Report, server: ServerReport) -> Result<(), String> {
    let Some(planned) = report.servers.iter_mut().find(|planned| planned.wanted == server.wanted)
    else {
        return Err(format!("the server `{}` is not planned in `begin`", server.wanted));
    };
    planned.unchecked = server.unchecked;
    planned.took = server.took;
    Ok(())
}
