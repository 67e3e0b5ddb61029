//! `redislings merge`: merges the reports of several machines into one.

use std::path::{Path, PathBuf};

use super::reports::Reports;
use super::verify::conclude;
use super::{Exit, Stop, variable};
use crate::cli::{Format, Reporting};
use crate::error::EnvironmentError;
use crate::present::verify::json_lines::{self, Malformed, Recorded};
use crate::sanitize::ShownPath as _;
use crate::verify::merge::{self, Part};

pub(super) fn merge(files: &[PathBuf], reporting: &Reporting) -> Result<Exit, Stop> {
    let reports = Reports::of(&reporting.reports, Format::Human, &variable)?;
    reports.try_targets()?;
    let mut parts = Vec::new();
    let mut empty = Vec::new();
    for file in files {
        match read(file)? {
            Some(part) => parts.push(part),
            None => empty.push(no_run(file)),
        }
    }
    if parts.is_empty() && !empty.is_empty() {
        return Err(Stop::Environment(empty.swap_remove(0)));
    }
    show(&parts, empty, &reports)
}

fn show(parts: &[Part], empty: Vec<EnvironmentError>, reports: &Reports) -> Result<Exit, Stop> {
    let help = "merge the reports of one run of verify on one version of the lessons";
    let (plan, mut report) = merge::merge(parts).map_err(|why| Stop::usage(why, help))?;
    report.incomplete.extend(empty);
    reports.begin(&plan)?;
    for server in &report.servers {
        for case in &server.cases {
            reports.case(&server.wanted, case);
        }
        reports.server(server);
    }
    conclude(&report, reports)
}

/// `None` if the run ended before it wrote anything.
fn read(file: &Path) -> Result<Option<Part>, Stop> {
    let name = file.shown();
    let text = std::fs::read_to_string(file).map_err(|error| {
        let fact = format!("`{name}` can't be read: {error}");
        Stop::usage(fact, "name files that `verify --report jsonl=FILE` has written")
    })?;
    match json_lines::read(&name, &text) {
        Ok(Recorded::Run(part)) => Ok(Some(*part)),
        Ok(Recorded::Nothing) => Ok(None),
        Ok(Recorded::Unloadable(problems)) => {
            let mut fact = format!("the lessons of `{name}` could not be loaded");
            if let Some(first) = problems.first() {
                fact = format!("{fact}: {}:{}: {}", first.file, first.line, first.message);
            }
            Err(Stop::usage(fact, "fix them, and run all parts again"))
        }
        Err(Malformed { line, message }) => {
            let help = "name files that `verify --report jsonl=FILE` has written";
            Err(Stop::usage(format!("{name}:{line}: {message}"), help))
        }
    }
}

fn no_run(file: &Path) -> EnvironmentError {
    let fact = format!("`{}` contains no run: it ended before it started", file.shown());
    EnvironmentError::new(fact, "find out why it ended, and run that part again")
}
