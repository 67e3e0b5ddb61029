//! Merges reports into one: of several parts of the cases, of several servers, or both.

use std::collections::BTreeMap;
use std::time::Duration;

use super::choice::Slice;
use super::plan::{Plan, PlannedCase};
use super::report::{CaseOutcome, CaseReport, Report, ServerReport};
use crate::error::EnvironmentError;

/// A report read from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The file's name, as given.
    pub name: String,
    pub plan: Plan,
    /// It holds every planned case on every planned server; cases without a result are `NotRun`.
    pub report: Report,
    /// Whether the run reached its end.
    pub is_finished: bool,
}

/// The merged report; its `incomplete` says what is missing. The error names two parts that do not
/// belong together.
pub fn merge(parts: &[Part]) -> Result<(Plan, Report), String> {
    if let Some(why) = mismatch(parts) {
        return Err(why);
    }
    let mut incomplete: Vec<EnvironmentError> = Vec::new();
    for part in parts {
        incomplete.extend(part.report.incomplete.iter().cloned());
        incomplete.extend((!part.is_finished).then(|| unfinished(part)));
    }
    let groups = groups(parts);
    let mut servers = Vec::new();
    for group in &groups {
        let (server, missing) = group.merge();
        servers.push(server);
        incomplete.extend(missing);
    }
    let mut warnings = Vec::new();
    for warning in parts.iter().flat_map(|part| &part.report.warnings) {
        if !warnings.contains(warning) {
            warnings.push(warning.clone());
        }
    }
    let plan = plan(parts, &groups);
    let course = plan.course.clone();
    Ok((plan, Report { course, slice: None, servers, warnings, incomplete }))
}

fn mismatch(parts: &[Part]) -> Option<String> {
    let first = parts.first()?;
    for part in parts {
        let (one, other) = (&first.plan, &part.plan);
        if one.course != other.course {
            return Some(format!(
                "`{}` is about the course `{}`, but `{}` is about `{}`",
                first.name, one.course, part.name, other.course
            ));
        }
        if one.fingerprint != other.fingerprint || one.wanted != other.wanted {
            return Some(format!(
                "`{}` and `{}` are not about the same lessons and cases ({} cases in the first \
                 run, {} in the second)",
                first.name, part.name, one.wanted, other.wanted
            ));
        }
    }
    None
}

fn unfinished(part: &Part) -> EnvironmentError {
    let reported = part.report.cases().filter(|case| has_run(case)).count();
    let fact = format!(
        "the run of `{}` did not finish: it reported {reported} of {} cases",
        part.name,
        part.report.cases().count()
    );
    EnvironmentError::new(fact, "find out why it ended, and run that part again")
}

fn has_run(case: &CaseReport) -> bool {
    case.outcome != CaseOutcome::NotRun
}

/// The reports on one server.
struct Group<'p> {
    /// The server's name; empty: any server.
    wanted: &'p str,
    reports: Vec<(&'p Part, &'p ServerReport)>,
}

/// Groups the reports by the wanted server. If any server would do, but one part ran on several,
/// groups by the server that ran it.
fn groups(parts: &[Part]) -> Vec<Group<'_>> {
    let all: Vec<(&Part, &ServerReport)> = parts
        .iter()
        .flat_map(|part| part.report.servers.iter().map(move |server| (part, server)))
        .collect();
    let on_several = ran_on_several(&all);
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (part, server) in all {
        let by_actual_server = server.wanted.is_empty() && on_several;
        let wanted = if by_actual_server { server.server() } else { &server.wanted };
        match groups.iter_mut().find(|group| group.wanted == wanted) {
            Some(group) => group.reports.push((part, server)),
            None => groups.push(Group { wanted, reports: vec![(part, server)] }),
        }
    }
    groups
}

/// Whether the same part ran on several servers, though any server would do.
fn ran_on_several(all: &[(&Part, &ServerReport)]) -> bool {
    let mut seen: Vec<(Option<Slice>, &str)> = Vec::new();
    for (part, report) in all.iter().filter(|(_, report)| report.wanted.is_empty()) {
        let (slice, server) = (part.plan.slice, report.server());
        if seen.iter().any(|(other_slice, other)| *other_slice == slice && *other != server) {
            return true;
        }
        seen.push((slice, server));
    }
    false
}

impl<'p> Group<'p> {
    fn merge(&self) -> (ServerReport, Vec<EnvironmentError>) {
        let mut missing = Vec::new();
        let mut found: BTreeMap<usize, (&'p Part, &'p CaseReport)> = BTreeMap::new();
        for (part, server) in &self.reports {
            for (planned, case) in part.plan.cases.iter().zip(&server.cases) {
                let Some((other, before)) = found.get(&planned.place).copied() else {
                    found.insert(planned.place, (part, case));
                    continue;
                };
                if severity(case) > severity(before) {
                    found.insert(planned.place, (part, case));
                }
                missing.extend(contradiction((&other.name, before), (&part.name, case)));
            }
        }
        missing.extend(self.missing(found.len()));
        let server = ServerReport {
            wanted: self.wanted.to_owned(),
            unchecked: self.reports.iter().find_map(|(_, server)| server.unchecked.clone()),
            took: self
                .reports
                .iter()
                .map(|(_, server)| server.took)
                .max()
                .unwrap_or(Duration::ZERO),
            cases: found.into_values().map(|(_, case)| case.clone()).collect(),
        };
        (server, missing)
    }

    /// `None` if every wanted case was found.
    fn missing(&self, found: usize) -> Option<EnvironmentError> {
        let wanted = self.reports.first()?.0.plan.wanted;
        if found >= wanted {
            return None;
        }
        let on =
            if self.wanted.is_empty() { String::new() } else { format!(" on {}", self.wanted) };
        let fact =
            format!("{} of {wanted} cases{on} are in no report{}", wanted - found, self.absent());
        Some(EnvironmentError::new(
            fact,
            "name the reports of all parts; run the parts again that have none",
        ))
    }

    /// Names the parts without a report, if all reports are parts of the same partition.
    fn absent(&self) -> String {
        let slices: Vec<Slice> =
            self.reports.iter().filter_map(|(part, _)| part.plan.slice).collect();
        let Some(count) = slices.first().map(|slice| slice.count) else { return String::new() };
        if slices.len() < self.reports.len() || slices.iter().any(|slice| slice.count != count) {
            return String::new();
        }
        let absent = (1..=count).filter(|index| slices.iter().all(|slice| slice.index != *index));
        let absent: Vec<String> = absent.map(|index| format!("slice:{index}/{count}")).collect();
        if absent.is_empty() { String::new() } else { format!("; missing: {}", absent.join(", ")) }
    }
}

/// Of two reports of a case the more severe one is kept.
fn severity(case: &CaseReport) -> u8 {
    match case.outcome {
        CaseOutcome::NotRun => 0,
        CaseOutcome::Passed => 1,
        CaseOutcome::Unchecked => 2,
        CaseOutcome::Failed => 3,
    }
}

fn contradiction(one: (&str, &CaseReport), other: (&str, &CaseReport)) -> Option<EnvironmentError> {
    if one.1.outcome == other.1.outcome || !has_run(one.1) || !has_run(other.1) {
        return None;
    }
    let fact = format!(
        "`{}` is {} in `{}` and {} in `{}`",
        one.1.id,
        one.1.outcome.word(),
        one.0,
        other.1.outcome.word(),
        other.0
    );
    Some(EnvironmentError::new(fact, format!("run it several times: {} --repeat 10", one.1.repeat)))
}

/// The plan of all parts that have a report.
fn plan(parts: &[Part], groups: &[Group<'_>]) -> Plan {
    let cases: BTreeMap<usize, &PlannedCase> =
        parts.iter().flat_map(|part| &part.plan.cases).map(|case| (case.place, case)).collect();
    let first = parts.first().map(|part| &part.plan);
    Plan {
        course: first.map(|plan| plan.course.clone()).unwrap_or_default(),
        slice: None,
        wanted: first.map_or(0, |plan| plan.wanted),
        fingerprint: first.map(|plan| plan.fingerprint.clone()).unwrap_or_default(),
        servers: groups.iter().map(|group| group.wanted.to_owned()).collect(),
        cases: cases.into_values().cloned().collect(),
    }
}

#[cfg(test)]
mod tests;
