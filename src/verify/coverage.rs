//! Checks that nothing fails on, seen when all that could has run.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Case, Kind};
use super::mutants::Made;
use super::prove::Proof;
use super::result::CaseResult;
use crate::lesson::{Check, Exercise, Lesson, Problem, Severity, check};
use crate::verdict::Outcome;

/// What became of the cases on each server, in the cases' order.
type Results = [Vec<Option<CaseResult>>];

/// How many answers there are to each exercise all of whose mutants are there.
pub fn count<'c>(made: &Made<'c>) -> BTreeMap<&'c str, usize> {
    let mut counts = BTreeMap::new();
    for exercise in made.cases.iter().filter_map(answered) {
        if made.complete.contains(exercise.id.as_str()) {
            *counts.entry(exercise.id.as_str()).or_insert(0) += 1;
        }
    }
    counts
}

/// The loader's warnings and what the run says of checks. Where every answer to an exercise was judged on every server, the
/// run knows better than the loader which check nothing fails on. `all` is of [`count`].
pub fn warnings(
    of_loader: Vec<Problem>,
    cases: &[Case<'_>],
    all: &BTreeMap<&str, usize>,
    results: &Results,
) -> Vec<Problem> {
    let mut warnings = of_loader;
    let seen = seen(cases, results);
    for seen in seen.iter().filter(|it| all.get(it.exercise.id.as_str()) == Some(&it.judged)) {
        for check in &seen.exercise.checks {
            warnings.retain(|warning| !is_the_loaders(warning, seen.lesson, check));
            if !seen.failed.contains(check.id.as_str()) {
                warnings.push(never_failed(seen.lesson, check));
            }
        }
    }
    warnings
}

/// What was seen of an exercise's answers.
struct Seen<'s> {
    lesson: &'s Lesson,
    exercise: &'s Exercise,
    /// How many answers were judged each time on every server.
    judged: usize,
    /// Checks that were unmet at least once.
    failed: BTreeSet<&'s str>,
}

fn seen<'s>(cases: &'s [Case<'s>], results: &'s Results) -> Vec<Seen<'s>> {
    let mut all: Vec<Seen<'s>> = Vec::new();
    for (place, case) in cases.iter().enumerate() {
        let Some(exercise) = answered(case) else { continue };
        if all.last().is_none_or(|last| last.exercise.id != exercise.id) {
            let lesson = case.lesson;
            all.push(Seen { lesson, exercise, judged: 0, failed: BTreeSet::new() });
        }
        let Some(seen) = all.last_mut() else { continue };
        let of_server = |results: &'s Vec<Option<CaseResult>>| results.get(place)?.as_ref();
        let of_case: Vec<&CaseResult> = results.iter().filter_map(of_server).collect();
        let proofs = || of_case.iter().flat_map(|result| &result.proofs);
        let ran = !results.is_empty() && of_case.len() == results.len();
        seen.judged += usize::from(ran && proofs().all(is_judged));
        let findings = proofs().flat_map(|proof| &proof.findings);
        let unmet = findings.filter(|(_, outcome)| *outcome == Outcome::Unmet);
        seen.failed.extend(unmet.map(|(check, _)| check.as_str()));
    }
    all
}

/// The exercise that a case answers.
fn answered<'c>(case: &Case<'c>) -> Option<&'c Exercise> {
    case.exercise.filter(|_| case.kind() != Kind::Example)
}

fn is_judged(proof: &Proof) -> bool {
    proof.unchecked.is_none() && !proof.findings.is_empty()
}

fn is_the_loaders(warning: &Problem, lesson: &Lesson, check: &Check) -> bool {
    warning.path == lesson.path
        && warning.span.as_ref() == Some(&check.span)
        && warning.message == check::never_named(&check.id)
}

fn never_failed(lesson: &Lesson, check: &Check) -> Problem {
    let message = format!("nothing ever fails on `{}`", check.id);
    let help = format!(
        "add a wrong answer with `fails={}`: what nothing can fail on may have been so from the beginning",
        check.id
    );
    Problem { severity: Severity::Warning, ..lesson.error(&check.span, message, Some(help)) }
}
