//! `redislings merge`: the reports of several machines as one.

use std::path::{Path, PathBuf};

use super::reports::Reports;
use super::verify::exit;
use super::{Exit, Stop, tell};
use crate::error::WorldError;
use crate::present::verify::json_lines::{self, Malformed, Recorded};
use crate::sanitize::ShownPath as _;
use crate::verify::merge::{self, Part};

pub(super) fn merge(files: &[PathBuf], reports: &Reports) -> Result<Exit, Stop> {
    reports.try_targets()?;
    let mut parts = Vec::new();
    let mut nothing = Vec::new();
    for file in files {
        match read(file)? {
            Some(part) => parts.push(part),
            None => nothing.push(told_nothing(file)),
        }
    }
    if parts.is_empty() && !nothing.is_empty() {
        return Err(Stop::World(nothing.swap_remove(0)));
    }
    show(&parts, nothing, reports)
}

fn show(parts: &[Part], nothing: Vec<WorldError>, reports: &Reports) -> Result<Exit, Stop> {
    let help = "merge the reports of one run of verify on one version of the lessons";
    let (plan, mut report) =
        merge::merge(parts).map_err(|why| Stop::Usage(why, help.to_owned()))?;
    report.incomplete.extend(nothing);
    reports.begin(&plan)?;
    for server in &report.servers {
        server.cases.iter().for_each(|case| reports.case(&server.wanted, case));
        reports.server(server);
    }
    for error in report.servers.iter().filter_map(|server| server.unchecked.as_ref()) {
        tell(&Stop::World(error.clone()));
    }
    reports.end(&report)?;
    Ok(exit(report.conclusion()))
}

/// `None`: the run told nothing.
fn read(file: &Path) -> Result<Option<Part>, Stop> {
    let name = file.shown();
    let text = std::fs::read_to_string(file).map_err(|error| {
        let fact = format!("`{name}` can't be read: {error}");
        Stop::Usage(fact, "name files that `verify --report jsonl=FILE` has written".to_owned())
    })?;
    match json_lines::read(&name, &text) {
        Ok(Recorded::Run(part)) => Ok(Some(*part)),
        Ok(Recorded::Nothing) => Ok(None),
        Ok(Recorded::Unloadable(problems)) => {
            let first =
                problems.first().map(|it| format!(": {}:{}: {}", it.file, it.line, it.message));
            let fact =
                format!("the lessons of `{name}` could not be loaded{}", first.unwrap_or_default());
            Err(Stop::Usage(fact, "repair them, and run all parts again".to_owned()))
        }
        Err(Malformed { line, message }) => {
            let help = "name files that `verify --report jsonl=FILE` has written";
            Err(Stop::Usage(format!("{name}:{line}: {message}"), help.to_owned()))
        }
    }
}

fn told_nothing(file: &Path) -> WorldError {
    let fact = format!("`{}` tells of no run: it ended before it had begun", file.shown());
    WorldError::new(fact, "see why it ended, and run that part again")
}
