//! Finds checks that no answer fails on, and kills that no wrong answer needs, after all answers to
//! an exercise have run.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Case, CaseKind, Expectation};
use super::mutants::equivalent;
use super::result::CaseResult;
use crate::lesson::{Check, Exercise, Lesson, Problem, check};
use crate::verdict::Outcome;

/// For each server, the cases' results in the cases' order.
type Results = [Vec<Option<CaseResult>>];

/// The loader's warnings, corrected by the run. If every answer to an exercise was judged on every
/// server, the run knows better than the loader which checks nothing fails on. `answers` comes from
/// [`super::mutants::Made`].
pub fn warnings(
    of_loader: Vec<Problem>,
    cases: &[Case<'_>],
    answers: &BTreeMap<&str, usize>,
    results: &Results,
) -> Vec<Problem> {
    let mut warnings = of_loader;
    let indexed = cases.iter().enumerate();
    let answered: Vec<(usize, &Lesson, &Exercise)> =
        indexed.filter_map(|(index, case)| Some((index, case.lesson, answered(case)?))).collect();
    for group in answered.chunk_by(|(.., one), (.., next)| one.id == next.id) {
        let (_, lesson, exercise) = group[0];
        let (mut judged, mut failed) = (0, BTreeSet::new());
        for (index, ..) in group {
            judged += usize::from(add_failed(*index, results, &mut failed));
        }
        if answers.get(exercise.id.as_str()) != Some(&judged) {
            continue;
        }
        warnings.extend(needless_kills(exercise, lesson, cases, results));
        for check in &exercise.checks {
            warnings.retain(|warning| !is_the_loaders(warning, lesson, check));
            if !failed.contains(check.id.as_str()) && !check.only_shows {
                warnings.push(never_failed(lesson, check));
            }
        }
    }
    warnings
}

/// Adds the checks that were unmet at least once. Returns whether the case was judged in every run
/// on every server.
fn add_failed<'r>(index: usize, results: &'r Results, failed: &mut BTreeSet<&'r str>) -> bool {
    let mut all_judged = !results.is_empty();
    for on_server in results {
        let Some(Some(result)) = on_server.get(index) else {
            all_judged = false;
            continue;
        };
        for run in &result.runs {
            all_judged &= run.unchecked.is_none() && !run.findings.is_empty();
            let unmet = run.findings.iter().filter(|(_, outcome)| *outcome == Outcome::Unmet);
            failed.extend(unmet.map(|(check, _)| check.as_str()));
        }
    }
    all_judged
}

/// The exercise that a case answers as it stands.
fn answered<'c>(case: &Case<'c>) -> Option<&'c Exercise> {
    let is_changed = matches!(case.expectation, Expectation::WithoutKill { .. });
    case.exercise.filter(|_| case.kind() != CaseKind::Example && !is_changed)
}

/// A warning for each kill without which every wrong answer fails as well.
fn needless_kills(
    exercise: &Exercise,
    lesson: &Lesson,
    cases: &[Case<'_>],
    results: &Results,
) -> Vec<Problem> {
    let mut needless: BTreeMap<usize, bool> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        let Expectation::WithoutKill { meanwhile, check } = case.expectation else { continue };
        if case.exercise.is_none_or(|other| other.id != exercise.id) {
            continue;
        }
        let mut failed = BTreeSet::new();
        // What was not judged may have needed it.
        let fails_too = add_failed(index, results, &mut failed) && failed.contains(check);
        *needless.entry(meanwhile).or_insert(true) &=
            fails_too && equivalent(exercise, &case.id).is_none();
    }
    let found = needless.into_iter().filter(|(_, is_needless)| *is_needless);
    found.map(|(meanwhile, _)| needless_kill(lesson, exercise, meanwhile)).collect()
}

fn needless_kill(lesson: &Lesson, exercise: &Exercise, meanwhile: usize) -> Problem {
    let message = "no wrong answer needs this kill: each fails without it too".to_owned();
    let help = "add a wrong answer that passes without it, or take it out; if it is to stay, write \
                an `[[equivalent]]` for `*/without-kill-N/*`";
    let span = &exercise.meanwhile[meanwhile].span;
    lesson.error(span, message, Some(help.to_owned())).into_warning()
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
    lesson.error(&check.span, message, Some(help)).into_warning()
}
