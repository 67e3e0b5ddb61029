//! Finds the cause of a finding.

use std::sync::LazyLock;

use super::cause::Diagnosis;
use super::diagnosed::Diagnosed;
use super::facts::Facts;
use super::symptom::{self, Symptom};
use super::table;
use crate::attempt::evidence::{Evidence, LoadFailure, ProgramEnd, Run, Stopped};
use crate::lesson::check::{ENDS_WELL, EVIDENCE_IS_VALID};
use crate::lesson::{Check, Exercise};
use crate::topics::TOPICS;
use crate::verdict::finding::{Finding, Outcome};

/// All diagnoses, in the order in which they are tried: by stage, and in each stage those of the
/// topics last. The first one that explains a finding and is recognised is the cause.
pub static DIAGNOSES: LazyLock<Vec<&'static Diagnosis>> = LazyLock::new(|| {
    let of_topics = TOPICS.iter().flat_map(|topic| topic.diagnoses);
    let mut all: Vec<&Diagnosis> = table::TABLE.iter().chain(of_topics).collect();
    all.sort_by_key(|diagnosis| diagnosis.stage);
    all
});

/// Finds the cause of the first unmet finding that has a known one.
pub fn diagnose(
    exercise: &Exercise,
    evidence: &Evidence,
    findings: &[Finding],
) -> Option<Diagnosed> {
    let unmet = findings.iter().filter(|finding| finding.outcome == Outcome::Unmet);
    let unmet: Vec<Facts<'_>> = unmet
        .filter(|finding| !was_cut_off(evidence) || is_about_the_whole_answer(finding))
        .map(|finding| facts_about(exercise, evidence, &finding.check))
        .collect();
    unmet.iter().find_map(find_cause).or_else(|| {
        let others = unmet.into_iter().filter(may_be_for_any_reason);
        let mut others = others.map(|facts| Facts { symptoms: vec![symptom::UNMET], ..facts });
        others.find_map(|facts| find_cause(&facts))
    })
}

fn may_be_for_any_reason(facts: &Facts<'_>) -> bool {
    !facts.shows_any(&[symptom::ENDED_BADLY, symptom::EVIDENCE_INVALID])
        && facts.check.is_none_or(|check| !is_told_by_the_finding(check, facts.evidence))
}

/// Whether nobody knows how the file of the check came to be, or the finding says itself why there is
/// no server.
fn is_told_by_the_finding(check: &Check, evidence: &Evidence) -> bool {
    check.from.is_some() || has_no_server(check, evidence)
}

fn facts_about<'a>(exercise: &'a Exercise, evidence: &'a Evidence, id: &str) -> Facts<'a> {
    let check = exercise.checks.iter().find(|check| check.id == id);
    let mut facts = Facts { exercise, evidence, check, symptoms: Vec::new() };
    facts.symptoms = match (check, id) {
        (Some(check), _) if has_no_server(check, evidence) => vec![symptom::NO_SERVER],
        (Some(check), _) if check.from.is_some() => match evidence.at(check.at) {
            Some(_) => vec![symptom::COPY_WRONG],
            None => Vec::new(),
        },
        (Some(check), _) => {
            let of_topics = TOPICS.iter().flat_map(|topic| (topic.symptoms)(check, &facts));
            check.subject.symptoms(check, &facts).into_iter().chain(of_topics).collect()
        }
        (None, EVIDENCE_IS_VALID) => vec![symptom::EVIDENCE_INVALID],
        (None, ENDS_WELL) => vec![symptom::ENDED_BADLY],
        (None, _) => Vec::new(),
    };
    facts
}

/// Whether no server came up for the check, for another reason than the snapshot file.
fn has_no_server(check: &Check, evidence: &Evidence) -> bool {
    matches!(evidence.looks.get(&check.at), Some(Err(LoadFailure::Because(_))))
}

/// The symptoms of data that is missing in a file that a server loads.
pub fn data_in_the_file(facts: &Facts<'_>) -> Vec<Symptom> {
    if is_loaded_from_the_log(facts) {
        return vec![symptom::DATA_WRONG];
    }
    match facts.evidence.restored() {
        Some(Err(LoadFailure::Unloadable(_))) => Vec::new(),
        _ => vec![symptom::DATA_LOST],
    }
}

/// Whether the check is about a server that starts again, and the answer's server wrote each command
/// to the append-only file: then no snapshot explains what is missing.
pub fn is_loaded_from_the_log(facts: &Facts<'_>) -> bool {
    let is_on = facts.last_look().is_some_and(|now| now.info.number("aof_enabled") != 0);
    facts.is_about_a_start() && (facts.exercise.keeps_a_log() || is_on)
}

/// Whether the answer did not end by itself. Then what it had not done yet is not why it falls
/// short: the cause is that of its end, or unknown.
fn was_cut_off(evidence: &Evidence) -> bool {
    match &evidence.run {
        run if run.timed_out() => true,
        Run::Program(program) => matches!(program.end, ProgramEnd::Signalled(_)),
        Run::Typed(typed) => matches!(typed.stopped, Some(Stopped::Endless(_))),
    }
}

fn is_about_the_whole_answer(finding: &Finding) -> bool {
    [EVIDENCE_IS_VALID, ENDS_WELL].contains(&finding.check.as_str())
}

fn find_cause(facts: &Facts<'_>) -> Option<Diagnosed> {
    let is_alone = facts.evidence.timeline.steps.is_empty() && !facts.exercise.moves_time();
    let mut fitting = DIAGNOSES.iter().filter(|diagnosis| {
        (is_alone || diagnosis.knows_others) && facts.shows_any(diagnosis.explains)
    });
    fitting.find_map(|diagnosis| {
        let found = (diagnosis.recognise)(facts)?;
        let cause = filled(diagnosis.cause, &found.fills);
        Some(Diagnosed { id: diagnosis.id, cause, evidence: found.evidence })
    })
}

/// Replaces the template's own `{}`, but not those in the texts that are filled in.
pub(super) fn filled(template: &str, fills: &[String]) -> String {
    let mut fills = fills.iter();
    let mut parts = template.split("{}");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + fills.next().map_or("", String::as_str) + part)
}
