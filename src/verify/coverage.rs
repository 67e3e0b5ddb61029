//! Finds checks that no answer fails on, after all answers to an exercise have run.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Case, CaseKind};
use super::case_run::CaseRun;
use super::mutants::Made;
use super::result::CaseResult;
use crate::lesson::{Check, Exercise, Lesson, Problem, Severity, check};
use crate::verdict::Outcome;

/// For each server, the cases' results in the cases' order.
type Results = [Vec<Option<CaseResult>>];

/// The number of answers to each exercise whose mutants are complete.
pub fn count<'c>(made: &Made<'c>) -> BTreeMap<&'c str, usize> {
    let mut counts = BTreeMap::new();
    for exercise in made.cases.iter().filter_map(answered) {
        if made.complete.contains(exercise.id.as_str()) {
            *counts.entry(exercise.id.as_str()).or_insert(0) += 1;
        }
    }
    counts
}

/// The loader's warnings, corrected by the run. If every answer to an exercise was judged on every
/// server, the run knows better than the loader which checks nothing fails on. `answers` comes from
/// [`count`].
pub fn warnings(
    of_loader: Vec<Problem>,
    cases: &[Case<'_>],
    answers: &BTreeMap<&str, usize>,
    results: &Results,
) -> Vec<Problem> {
    let mut warnings = of_loader;
    for CheckCoverage { lesson, exercise, judged, failed } in coverage(cases, results) {
        if answers.get(exercise.id.as_str()) != Some(&judged) {
            continue;
        }
        for check in &exercise.checks {
            warnings.retain(|warning| !is_the_loaders(warning, lesson, check));
            if !failed.contains(check.id.as_str()) {
                warnings.push(never_failed(lesson, check));
            }
        }
    }
    warnings
}

/// The checks of an exercise that its answers failed on.
struct CheckCoverage<'s> {
    lesson: &'s Lesson,
    exercise: &'s Exercise,
    /// How many answers were judged in every run on every server.
    judged: usize,
    /// Checks that were unmet at least once.
    failed: BTreeSet<&'s str>,
}

fn coverage<'s>(cases: &'s [Case<'s>], results: &'s Results) -> Vec<CheckCoverage<'s>> {
    let mut all: Vec<CheckCoverage<'s>> = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        let Some(exercise) = answered(case) else { continue };
        if all.last().is_none_or(|last| last.exercise.id != exercise.id) {
            let lesson = case.lesson;
            all.push(CheckCoverage { lesson, exercise, judged: 0, failed: BTreeSet::new() });
        }
        let Some(coverage) = all.last_mut() else { continue };
        let case_results: Vec<&'s CaseResult> =
            results.iter().filter_map(|on_server| on_server.get(index)?.as_ref()).collect();
        let ran = !results.is_empty() && case_results.len() == results.len();
        let mut all_judged = true;
        for run in case_results.into_iter().flat_map(|result| &result.runs) {
            all_judged &= is_judged(run);
            for (check, outcome) in &run.findings {
                if *outcome == Outcome::Unmet {
                    coverage.failed.insert(check.as_str());
                }
            }
        }
        coverage.judged += usize::from(ran && all_judged);
    }
    all
}

/// The exercise that a case answers.
fn answered<'c>(case: &Case<'c>) -> Option<&'c Exercise> {
    case.exercise.filter(|_| case.kind() != CaseKind::Example)
}

fn is_judged(run: &CaseRun) -> bool {
    run.unchecked.is_none() && !run.findings.is_empty()
}

fn is_the_loaders(warning: &Problem, lesson: &Lesson, check: &Check) -> bool {
    warning.path == lesson.path
        && warning.span.as_ref() == Some(&check.span)
        && warning.message == check::never_named(&check.id)
}

fn never_failed(lesson: &Lesson, check: &Check) -> Problem {
    let message = format!("nothing ever fails on `{}`", check.id);
    let help = format!(
        "add a wrong answer with `fails={}`: a check that nothing fails on may hold from the start",
        check.id
    );
    Problem { severity: Severity::Warning, ..lesson.error(&check.span, message, Some(help)) }
}
