//! Finds checks that no answer fails on, and kills that no wrong answer needs, after all answers to
//! an exercise have run.

use std::collections::{BTreeMap, BTreeSet};

use super::case::{Case, CaseKind, Expectation};
use super::mutants::{is_meant, needed};
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
    let all_cases = cases;
    for cases in answered.chunk_by(|(.., one), (.., next)| one.id == next.id) {
        let (_, lesson, exercise) = cases[0];
        let (mut judged, mut failed) = (0, BTreeSet::new());
        for (index, ..) in cases {
            judged += usize::from(add_failed(*index, results, &mut failed));
        }
        if answers.get(exercise.id.as_str()) != Some(&judged) {
            continue;
        }
        warnings.extend(needless_kills(
            of_exercise(exercise, all_cases),
            lesson,
            exercise,
            results,
        ));
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

/// The cases of the exercise without one of its kills, each with its index.
fn of_exercise<'a, 'c>(
    exercise: &'a Exercise,
    cases: &'a [Case<'c>],
) -> impl Iterator<Item = (usize, &'a Case<'c>)> + use<'a, 'c> {
    cases.iter().enumerate().filter(|(_, case)| {
        matches!(case.expectation, Expectation::WithoutKill { .. })
            && case.exercise.is_some_and(|other| other.id == exercise.id)
    })
}

/// A warning for each kill without which every wrong answer fails as well.
fn needless_kills<'a, 'c: 'a>(
    cases: impl Iterator<Item = (usize, &'a Case<'c>)>,
    lesson: &Lesson,
    exercise: &Exercise,
    results: &'a Results,
) -> Vec<Problem> {
    let mut tried = Vec::new();
    for (index, case) in cases {
        let mut failed = BTreeSet::new();
        let name = case.id.strip_prefix(&format!("{}/", exercise.id)).unwrap_or_default();
        let is_equivalent = exercise.equivalents.iter().any(|other| is_meant(other, name));
        // What was not judged may have needed it.
        if !add_failed(index, results, &mut failed) || is_equivalent {
            failed.clear();
        }
        tried.push((case, failed));
    }
    let (all, needed) = needed(tried.into_iter());
    all.difference(&needed).map(|index| needless(lesson, exercise, *index)).collect()
}

fn needless(lesson: &Lesson, exercise: &Exercise, meanwhile: usize) -> Problem {
    let message = "no wrong answer needs this kill: each fails without it too".to_owned();
    let help =
        "add a wrong answer that passes without it, or take it out; if it is to stay, write \
                an `[[equivalent]]` for `*/without-kill-N/*`"
            .to_owned();
    let span = &exercise.meanwhile[meanwhile].span;
    lesson.error(span, message, Some(help)).into_warning()
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
