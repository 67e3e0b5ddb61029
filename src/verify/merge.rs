//! Merges reports into one: of several parts of the cases, of several servers, or both.

use std::collections::BTreeMap;

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
    let nothing = parts.iter().find_map(|part| part.report.nothing.clone());
    Ok((plan, Report { course, slice: None, servers, warnings, incomplete, nothing }))
}

fn mismatch(parts: &[Part]) -> Option<String> {
    let Part { name: first, plan: one, .. } = parts.first()?;
    parts.iter().find_map(|Part { name, plan, .. }| {
        if one.course != plan.course {
            let (one, other) = (&one.course, &plan.course);
            return Some(format!(
                "`{first}` is about the course `{one}`, but `{name}` is about `{other}`"
            ));
        }
        let differs = one.fingerprint != plan.fingerprint || one.wanted != plan.wanted;
        differs.then(|| {
            format!(
                "`{first}` and `{name}` are not about the same lessons and cases ({} cases in the \
                 first run, {} in the second)",
                one.wanted, plan.wanted
            )
        })
    })
}

fn unfinished(part: &Part) -> EnvironmentError {
    let reported = part.report.cases().filter(|case| has_run(case)).count();
    let (name, all) = (&part.name, part.report.cases().count());
    let fact = format!("the run of `{name}` did not finish: it reported {reported} of {all} cases");
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
    let on_any = all.iter().filter(|(_, report)| report.wanted.is_empty());
    let ran: Vec<(Option<Slice>, &str)> =
        on_any.map(|(part, report)| (part.plan.slice, report.server())).collect();
    ran.iter().any(|(slice, server)| ran.iter().any(|(same, on)| same == slice && on != server))
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
                // Of two reports of a case the more severe one is kept.
                if case.outcome > before.outcome {
                    found.insert(planned.place, (part, case));
                }
                missing.extend(contradiction((&other.name, before), (&part.name, case)));
            }
        }
        missing.extend(self.missing(found.len()));
        let server = ServerReport {
            wanted: self.wanted.to_owned(),
            unchecked: self.reports.iter().find_map(|(_, server)| server.unchecked.clone()),
            took: self.reports.iter().map(|(_, server)| server.took).max().unwrap_or_default(),
            cases: found.into_values().map(|(_, case)| case.clone()).collect(),
        };
        (server, missing)
    }

    /// `None` if every wanted case was found.
    fn missing(&self, found: usize) -> Option<EnvironmentError> {
        let wanted = self.reports.first()?.0.plan.wanted;
        let missing = wanted.checked_sub(found).filter(|missing| *missing > 0)?;
        let on = if self.wanted.is_empty() { "" } else { " on " };
        let (on, absent) = (format!("{on}{}", self.wanted), self.absent());
        let fact = format!("{missing} of {wanted} cases{on} are in no report{absent}");
        let help = "name the reports of all parts; run the parts again that have none";
        Some(EnvironmentError::new(fact, help))
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

fn contradiction(
    (one_part, one): (&str, &CaseReport),
    (other_part, other): (&str, &CaseReport),
) -> Option<EnvironmentError> {
    if one.outcome == other.outcome || !has_run(one) || !has_run(other) {
        return None;
    }
    let (first, second) = (one.outcome.word(), other.outcome.word());
    let fact = format!("`{}` is {first} in `{one_part}` and {second} in `{other_part}`", one.id);
    Some(EnvironmentError::new(fact, format!("run it several times: {} --repeat 10", one.repeat)))
}

/// The plan of all parts that have a report.
fn plan(parts: &[Part], groups: &[Group<'_>]) -> Plan {
    let cases: BTreeMap<usize, &PlannedCase> =
        parts.iter().flat_map(|part| &part.plan.cases).map(|case| (case.place, case)).collect();
    let first = parts.first().map(|part| part.plan.clone());
    Plan {
        slice: None,
        servers: groups.iter().map(|group| group.wanted.to_owned()).collect(),
        cases: cases.into_values().cloned().collect(),
        ..first.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
