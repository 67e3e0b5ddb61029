//! The formats of a [`crate::verify::report::Report`].

pub mod github;
pub mod human;
pub mod json_lines;
pub mod junit;
pub mod summary;
#[cfg(test)]
mod tests;

use crate::error::EnvironmentError;
use crate::lesson::Problem;
use crate::lesson::problem::Severity;
use crate::sanitize::ShownPath as _;
use crate::verify::report::{CaseReport, Report, ServerReport, Warning};

/// A problem of a lesson for reports. A problem of a whole file is on its first line.
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

/// The problems of a case, and why it could not be checked.
fn sentences(case: &CaseReport) -> Vec<String> {
    let unchecked = case.unchecked.iter().map(could_not_be_checked);
    case.problems.iter().cloned().chain(unchecked).collect()
}

/// `could not be checked: the fact; help: the next step`.
fn could_not_be_checked(error: &EnvironmentError) -> String {
    let help = error.help.replace('\n', " ");
    format!("could not be checked: {}", with_help(&error.fact, &help))
}

/// `the fact; help: the next step`, if there is one.
fn with_help(fact: &str, help: &str) -> String {
    if help.is_empty() { fact.to_owned() } else { format!("{fact}; help: {help}") }
}

/// The id of a case, with the server if several were requested.
fn title(case: &CaseReport, server: &ServerReport) -> String {
    named_with_server(&case.id, server)
}

fn named_with_server(name: &str, server: &ServerReport) -> String {
    match server.wanted.as_str() {
        "" => name.to_owned(),
        wanted => format!("{name} ({wanted})"),
    }
}

/// A warning in one line after its place.
fn located(Warning { file, line, column, message, help }: &Warning) -> String {
    format!("{file}:{line}:{column}: {}", with_help(message, help))
}

/// Errors that belong to no single case: unavailable servers and missing parts.
fn unchecked_at_large(report: &Report) -> Vec<(&str, &EnvironmentError)> {
    let on_servers = report.servers.iter().filter_map(|server| {
        let name = if server.wanted.is_empty() { "server" } else { server.wanted.as_str() };
        Some((name, server.unchecked.as_ref()?))
    });
    on_servers.chain(report.incomplete.iter().map(|error| ("incomplete", error))).collect()
}
