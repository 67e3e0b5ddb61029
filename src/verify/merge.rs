//! Reports of several machines made into one: parts of the cases, several servers, or both.

use std::collections::BTreeMap;
use std::time::Duration;

use super::choice::Slice;
use super::plan::{Plan, PlannedCase};
use super::report::{CaseOutcome, CaseReport, Report, ServerReport};
use crate::error::WorldError;

/// One report that was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its file, as it was named.
    pub name: String,
    /// What the run was to do.
    pub plan: Plan,
    /// What it did. It has every planned case on every planned server; those that nothing is known of are not run.
    pub report: Report,
    /// Whether the run came to its end.
    pub is_finished: bool,
}

/// All of them as one; its `incomplete` says what is missing. The error says which two are not about the same.
pub fn merge(parts: &[Part]) -> Result<(Plan, Report), String> {
    if let Some(why) = mismatch(parts) {
        return Err(why);
    }
    let mut incomplete: Vec<WorldError> = Vec::new();
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
    parts.iter().find_map(|part| {
        let (one, other) = (&first.plan, &part.plan);
        if one.course != other.course {
            return Some(format!(
                "`{}` is about the course `{}`, `{}` about `{}`",
                first.name, one.course, part.name, other.course
            ));
        }
        (one.fingerprint != other.fingerprint || one.wanted != other.wanted).then(|| {
            format!(
                "`{}` and `{}` are not about the same lessons and cases ({} cases were wanted in one, {} in the \
                 other)",
                first.name, part.name, one.wanted, other.wanted
            )
        })
    })
}

fn unfinished(part: &Part) -> WorldError {
    let cases = || part.report.servers.iter().flat_map(|server| &server.cases);
    let told = cases().filter(|case| case.outcome != CaseOutcome::NotRun).count();
    let fact = format!(
        "the run of `{}` did not come to its end: it told of {told} of {} cases",
        part.name,
        cases().count()
    );
    WorldError::new(fact, "see why it ended, and run that part again")
}

/// The reports on one server.
struct Group<'p> {
    /// Empty: any.
    wanted: &'p str,
    reports: Vec<(&'p Part, &'p ServerReport)>,
}

/// By the wanted server; where any would do, and one part ran on several, by the server that it was.
fn groups(parts: &[Part]) -> Vec<Group<'_>> {
    let all: Vec<(&Part, &ServerReport)> = parts
        .iter()
        .flat_map(|part| part.report.servers.iter().map(move |it| (part, it)))
        .collect();
    let on_several = ran_on_several(&all);
    let mut groups: Vec<Group<'_>> = Vec::new();
    for (part, server) in all {
        let any = server.wanted.is_empty() && on_several;
        let wanted = if any { server.server() } else { &server.wanted };
        match groups.iter_mut().find(|group| group.wanted == wanted) {
            Some(group) => group.reports.push((part, server)),
            None => groups.push(Group { wanted, reports: vec![(part, server)] }),
        }
    }
    groups
}

/// Whether the same part is there from several servers, though any would do.
fn ran_on_several(all: &[(&Part, &ServerReport)]) -> bool {
    let any = all.iter().filter(|(_, server)| server.wanted.is_empty());
    let any: Vec<(Option<Slice>, &str)> =
        any.map(|(part, server)| (part.plan.slice, server.server())).collect();
    any.iter().any(|(slice, server)| any.iter().any(|(it, other)| it == slice && other != server))
}

impl<'p> Group<'p> {
    fn merge(&self) -> (ServerReport, Vec<WorldError>) {
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
            took: self.reports.iter().map(|(_, it)| it.took).max().unwrap_or(Duration::ZERO),
            cases: found.into_values().map(|(_, case)| case.clone()).collect(),
        };
        (server, missing)
    }

    /// `None`: every wanted case is among those that were found.
    fn missing(&self, found: usize) -> Option<WorldError> {
        let wanted = self.reports.first()?.0.plan.wanted;
        if found >= wanted {
            return None;
        }
        let on =
            if self.wanted.is_empty() { String::new() } else { format!(" on {}", self.wanted) };
        let fact =
            format!("{} of {wanted} cases{on} are in no report{}", wanted - found, self.absent());
        Some(WorldError::new(
            fact,
            "name the reports of all parts, and run those again that have none",
        ))
    }

    /// The parts of which there is no report, if all are parts of the same partition.
    fn absent(&self) -> String {
        let slices: Vec<Slice> =
            self.reports.iter().filter_map(|(part, _)| part.plan.slice).collect();
        let Some(count) = slices.first().map(|slice| slice.count) else { return String::new() };
        if slices.len() < self.reports.len() || slices.iter().any(|slice| slice.count != count) {
            return String::new();
        }
        let absent = (1..=count).filter(|index| slices.iter().all(|it| it.index != *index));
        let absent: Vec<String> = absent.map(|index| format!("slice:{index}/{count}")).collect();
        if absent.is_empty() { String::new() } else { format!("; missing: {}", absent.join(", ")) }
    }
}

/// What was not run says nothing; of the others the worse one stays.
fn severity(case: &CaseReport) -> u8 {
    match case.outcome {
        CaseOutcome::NotRun => 0,
        CaseOutcome::Passed => 1,
        CaseOutcome::Unchecked => 2,
        CaseOutcome::Failed => 3,
    }
}

fn contradiction(one: (&str, &CaseReport), other: (&str, &CaseReport)) -> Option<WorldError> {
    let told = |case: &CaseReport| case.outcome != CaseOutcome::NotRun;
    if one.1.outcome == other.1.outcome || !told(one.1) || !told(other.1) {
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
    Some(WorldError::new(
        fact,
        format!("run it again and more than once: {} --repeat 10", one.1.repeat),
    ))
}

/// What all of them were to do, as far as they say.
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
