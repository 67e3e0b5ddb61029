//! For people at a terminal or in a log: failures come first.

use std::fmt::Write as _;

use crate::error::EnvironmentError;
use crate::present::terminal;
use crate::verify::case::CaseKind;
use crate::verify::report::{CaseOutcome, CaseReport, Conclusion, Report, ServerReport, Warning};

pub fn text(report: &Report) -> String {
    let mut text = String::new();
    for server in &report.servers {
        let broken = all_broken(server);
        if !broken.is_empty() {
            text.push_str(&of_server(server, &broken));
        }
    }
    text.extend(report.warnings.iter().map(warning));
    for server in &report.servers {
        text.push_str(&of_server(server, &groups(server)));
        text.push('\n');
    }
    for error in &report.incomplete {
        text.push_str(&could_not_be_checked("", error));
    }
    for server in &report.servers {
        text.push_str(&retried(server));
        text.push_str(&last_line(server));
    }
    if let Some(why) = &report.nothing {
        let _ = writeln!(text, "{why}");
    }
    text
}

/// Which cases were begun again: the machine stalled, or the case makes it so.
fn retried(server: &ServerReport) -> String {
    const NAMED: usize = 5;
    let retried: Vec<&CaseReport> = server.cases.iter().filter(|case| case.retries > 0).collect();
    let names = retried.iter().take(NAMED).map(|case| format!("{} {}×", case.id, case.retries));
    let mut names: Vec<String> = names.collect();
    if retried.len() > NAMED {
        names.push(format!("{} more", retried.len() - NAMED));
    }
    let names = names.join(", ");
    if names.is_empty() { names } else { format!("retried after a stall: {names}\n") }
}

/// Text below the server's name, if several servers were requested.
fn of_server(server: &ServerReport, text: &str) -> String {
    if server.wanted.is_empty() {
        return text.to_owned();
    }
    terminal::heading(&server.wanted) + text
}

fn last_line(server: &ServerReport) -> String {
    let wanted =
        if server.wanted.is_empty() { String::new() } else { format!("{}: ", server.wanted) };
    let line = match server.cases.len() {
        0 if server.unchecked.is_none() => "nothing to run".to_owned(),
        _ => {
            let all = server.wanted_here();
            let good = server.count(CaseOutcome::Passed);
            format!("{good} of {all} cases passed, on {}{}", server.server(), counts(server))
        }
    };
    match server.conclusion() {
        Conclusion::NothingToRun => format!("{wanted}{line}\n"),
        conclusion => {
            terminal::result_line(conclusion == Conclusion::Passed, &format!("{wanted}{line}"))
        }
    }
}

/// `; 1 failed, 2 could not be checked, 1 flaky, 3 not run, 2 retried; 4.1 s`, without zero counts.
fn counts(server: &ServerReport) -> String {
    let counts = [
        (server.count(CaseOutcome::Failed), "failed"),
        (server.count(CaseOutcome::Unchecked), "could not be checked"),
        (server.flaky(), "flaky"),
        (server.count(CaseOutcome::NotRun), "not run"),
        (server.count(CaseOutcome::NotForServer), "not for this server"),
        (server.retries() as usize, "retried"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, what)| format!("{count} {what}")).collect();
    let counts = if counts.is_empty() { String::new() } else { format!("; {}", counts.join(", ")) };
    // Without a server or the end of a run, the time is unknown or meaningless.
    let is_known = server.unchecked.is_none() && !server.took.is_zero();
    let took = is_known.then(|| format!("; {:.1} s", server.took.as_secs_f64()));
    counts + &took.unwrap_or_default()
}

/// Each broken case; of several that are alike, the first in full and the names of the others.
fn all_broken(server: &ServerReport) -> String {
    let mut alike: Vec<(String, Vec<&CaseReport>)> = Vec::new();
    for case in server.broken() {
        let story = story(case);
        match alike.iter_mut().find(|(other, _)| *other == story) {
            Some((_, cases)) => cases.push(case),
            None => alike.push((story, vec![case])),
        }
    }
    alike.iter().map(|(_, cases)| broken(cases[0], &cases[1..])).collect()
}

/// Equal for cases that tell the author the same: mutants of one solution and kind that pass for
/// the same reason, cases of one exercise that could not be checked for the same reason, and those
/// that break on the same line of the lesson.
fn story(case: &CaseReport) -> String {
    let kind = case.id.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
    match (case.problems.as_slice(), &case.unchecked) {
        ([problem], None) if case.kind == CaseKind::Mutant && !case.is_flaky => {
            let why = problem.rsplit_once(": ").map_or("", |(_, why)| why);
            format!("{kind} {why}")
        }
        ([], Some(error)) => {
            let exercise = case.id.split('/').next().unwrap_or_default();
            format!("{exercise} {}", error.fact)
        }
        // The lesson's fault, not the case's: that has a line of its own.
        (problems, None) if case.details.is_empty() => {
            format!("{}:{:?} {}", case.file, case.line, problems.join("\n"))
        }
        _ => case.id.clone(),
    }
}

fn broken(case: &CaseReport, alike: &[&CaseReport]) -> String {
    let mut text = terminal::heading(&case.id);
    text.push_str(&terminal::place(&case.file, case.line));
    for problem in &case.problems {
        let _ = writeln!(text, "  {}", problem.replace('\n', "\n    "));
    }
    if let Some(error) = &case.unchecked {
        text.push_str(&could_not_be_checked("  ", error));
    }
    if !alike.is_empty() {
        let _ = writeln!(text, "  {}", and_alike(case, alike));
    }
    for line in case.details.lines() {
        let _ = writeln!(text, "  {line}");
    }
    if !case.repeat.is_empty() {
        let _ = writeln!(text, "  repeat: {}", case.repeat);
    }
    text + "\n"
}

/// `2 more alike: other-value-1-2, other-value-1-3`, without what their ids have in common.
fn and_alike(case: &CaseReport, alike: &[&CaseReport]) -> String {
    let common = &case.id[..=case.id.rfind('/').unwrap_or(0)];
    let names: Vec<&str> =
        alike.iter().map(|other| other.id.strip_prefix(common).unwrap_or(&other.id)).collect();
    format!("{} more alike: {}", names.len(), names.join(", "))
}

fn could_not_be_checked(
    margin: &str,
    EnvironmentError { fact, help, .. }: &EnvironmentError,
) -> String {
    let help = help.replace('\n', &format!("\n{margin}      "));
    format!("{margin}could not be checked: {fact}\n{margin}help: {help}\n")
}

fn warning(warning: &Warning) -> String {
    let mut text = terminal::heading(&format!("warning: {}", warning.message));
    text.push_str(&terminal::place(&warning.file, warning.line));
    if !warning.help.is_empty() {
        let _ = writeln!(text, "  help: {}", warning.help);
    }
    text + "\n"
}

/// A line for each group: the cases whose ids are the same up to the last `/`.
fn groups(server: &ServerReport) -> String {
    let mut lines = String::new();
    for cases in server.cases.chunk_by(|one, other| group(one) == group(other)) {
        let count = |outcome| cases.iter().filter(|case| case.outcome == outcome).count();
        let (good, broken) = (count(CaseOutcome::Passed), cases.iter().any(CaseReport::is_broken));
        lines.push_str(&terminal::group_line(group(&cases[0]), good, cases.len(), broken));
    }
    lines
}

fn group(case: &CaseReport) -> &str {
    case.id.rsplit_once('/').map_or(&case.id, |(group, _)| group)
}
