//! For people at a terminal or in a log: what is not as it must be comes first.

use std::fmt::Write as _;

use crate::error::WorldError;
use crate::present::terminal;
use crate::present::text::clean;
use crate::verify::report::{CaseOutcome, CaseReport, Conclusion, Report, ServerReport};

/// The whole report.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    for server in &report.servers {
        if !server.wanted.is_empty() {
            text.push_str(&terminal::heading(&server.wanted));
        }
        text.push_str(&body(server));
        text.push('\n');
    }
    for server in &report.servers {
        text.push_str(&last_line(server));
    }
    text
}

/// What is not as it must be on one server, and what there is.
fn body(server: &ServerReport) -> String {
    let mut text = String::new();
    for case in &server.cases {
        if matches!(case.outcome, CaseOutcome::Failed | CaseOutcome::Unchecked) {
            text.push_str(&broken(case));
        }
    }
    for (group, good, all) in groups(server) {
        text.push_str(&terminal::group_line(group, good, all));
    }
    text
}

fn last_line(server: &ServerReport) -> String {
    let (good, all) = (server.count(CaseOutcome::Passed), server.cases.len());
    let not_run = match server.count(CaseOutcome::NotRun) {
        0 => String::new(),
        count => format!("; {count} were not run"),
    };
    let line = match all {
        0 => "the lessons load; there is nothing in them to run".to_owned(),
        _ => format!("{good} of {all} cases as they must be, on {}{not_run}", server.server()),
    };
    let wanted =
        if server.wanted.is_empty() { String::new() } else { format!("{}: ", server.wanted) };
    terminal::result_line(server.conclusion() == Conclusion::Passed, &format!("{wanted}{line}"))
}

fn broken(case: &CaseReport) -> String {
    let mut text = terminal::heading(&case.id);
    text.push_str(&terminal::place(&case.file, case.line));
    for problem in &case.problems {
        let _ = writeln!(text, "  {}", clean(problem));
    }
    if let Some(WorldError { fact, help }) = &case.unchecked {
        let help = help.replace('\n', "\n        ");
        let _ = writeln!(text, "  could not be checked: {fact}\n  help: {help}");
    }
    for line in case.details.lines() {
        let _ = writeln!(text, "  {line}");
    }
    let _ = writeln!(text, "  repeat: {}\n", case.repeat);
    text
}

/// Cases by what stands before the last `/` of their ids, in order: name, good ones, all.
fn groups(server: &ServerReport) -> Vec<(&str, usize, usize)> {
    let mut groups: Vec<(&str, usize, usize)> = Vec::new();
    for case in &server.cases {
        let name = case.id.rsplit_once('/').map_or(case.id.as_str(), |(group, _)| group);
        if groups.last().is_none_or(|group| group.0 != name) {
            groups.push((name, 0, 0));
        }
        if let Some(group) = groups.last_mut() {
            group.1 += usize::from(case.outcome == CaseOutcome::Passed);
            group.2 += 1;
        }
    }
    groups
}
