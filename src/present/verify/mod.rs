//! The forms of a [`crate::verify::report::Report`].

pub mod github;
pub mod human;
pub mod json_lines;
pub mod junit;
pub mod summary;
#[cfg(test)]
mod tests;

use crate::error::WorldError;
use crate::lesson::Problem;
use crate::lesson::problem::Severity;
use crate::sanitize::ShownPath as _;
use crate::verify::report::{CaseReport, Report, ServerReport, Warning};

/// A problem of a lesson as reports have it; one about a whole file stands in its first line.
pub fn warning(problem: &Problem) -> Warning {
    let (line, column) = problem.position().unwrap_or((1, 1));
    Warning {
        file: problem.path.shown(),
        line,
        column,
        message: problem.message.clone(),
        help: problem.help.clone().unwrap_or_default(),
    }
}

fn is_error(problem: &Problem) -> bool {
    problem.severity == Severity::Error
}

/// All that is said of a case in sentences, those that say why it could not be checked included.
fn sentences(case: &CaseReport) -> Vec<String> {
    let unchecked = case.unchecked.iter().map(could_not_be_checked);
    case.problems.iter().cloned().chain(unchecked).collect()
}

/// `could not be checked: the fact; help: the next step`.
fn could_not_be_checked(error: &WorldError) -> String {
    let help = error.help.replace('\n', " ");
    format!("could not be checked: {}", with_help(&error.fact, &help))
}

/// `the fact; help: the next step`, if there is one.
fn with_help(fact: &str, help: &str) -> String {
    if help.is_empty() { fact.to_owned() } else { format!("{fact}; help: {help}") }
}

/// The case's id, and the server where several were wanted.
fn title(case: &CaseReport, server: &ServerReport) -> String {
    if server.wanted.is_empty() {
        return case.id.clone();
    }
    format!("{} ({})", case.id, server.wanted)
}

/// What can't be laid at one case's door: servers that were not to be had, and parts that are missing.
fn unchecked_at_large(report: &Report) -> Vec<(&str, &WorldError)> {
    let on_servers = report.servers.iter().filter_map(|server| {
        let name = if server.wanted.is_empty() { "server" } else { server.wanted.as_str() };
        Some((name, server.unchecked.as_ref()?))
    });
    on_servers.chain(report.incomplete.iter().map(|error| ("merge", error))).collect()
}
