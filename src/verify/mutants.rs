//! Mutants: variants of each solution that differ in one thing and must not pass. A mutant that
//! passes shows a hole in the checks, unless the lesson calls it equivalent.

mod kills;
mod python;
mod redis;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;

use super::case::{Case, CaseKind, Expectation};
use super::choice::CasePattern;
use crate::attempt::Answer;
use crate::error::EnvironmentError;
use crate::lesson::problem::did_you_mean;
use crate::lesson::{Equivalent, Exercise, Language, Problem};

pub use self::kills::exercise_without;

// For the tests of topics.
#[cfg(test)]
pub(crate) use self::python::tests::assert_mutants as assert_python_mutants;
#[cfg(test)]
pub(crate) use self::redis::tests::mutants as redis_mutants;

/// What differs from the solution.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "change")]
pub enum Mutation {
    /// A command or a statement is left out.
    #[serde(rename = "without-line")]
    Without {
        /// Its text in the solution; of several lines the first.
        what: String,
    },
    /// Another command in place of one.
    Instead {
        /// The command in the solution, in upper case.
        of: String,
        /// In upper case.
        with: String,
    },
    /// Waiting for the end of work in the background is left out.
    WithoutWaiting,
    /// The save moves in front of the nearest write before it.
    SaveFirst {
        /// The write's line in the block, from 1.
        write: usize,
    },
    /// An option of a command is left out.
    WithoutOption {
        /// As the solution writes it.
        what: String,
    },
    /// Another number is given.
    OtherNumber {
        /// The number in the solution, or the value that holds it.
        number: String,
    },
    /// What follows a wait comes before it.
    Earlier {
        /// The line of the wait, or of what must come first, from 1.
        wait: usize,
    },
    /// Another key is named.
    OtherKey {
        /// The key in the solution.
        key: String,
    },
    /// Another value is written.
    OtherValue {
        /// The value in the solution.
        value: String,
    },
}

impl Mutation {
    /// The word in the case's id.
    fn word(&self) -> String {
        let word = match self {
            Self::Without { .. } => "without-line",
            Self::Instead { of, with } => return format!("{with}-for-{of}").to_lowercase(),
            Self::WithoutWaiting => "without-waiting",
            Self::SaveFirst { .. } => "save-first",
            Self::WithoutOption { .. } => "without-option",
            Self::OtherNumber { .. } => "other-number",
            Self::Earlier { .. } => "earlier",
            Self::OtherKey { .. } => "other-key",
            Self::OtherValue { .. } => "other-value",
        };
        word.to_owned()
    }
}

/// A mutation and its line; displayed as `` without `LASTSAVE` in line 4 ``.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Difference {
    #[serde(flatten)]
    pub change: Mutation,
    /// The line in the solution's block, from 1.
    pub line: usize,
}

impl Difference {
    /// The problem to report if the mutant passes.
    pub fn hole(&self) -> String {
        let why = match &self.change {
            Mutation::Without { .. } | Mutation::WithoutWaiting => "no check needs it",
            Mutation::Instead { .. } => "no check tells one from the other",
            Mutation::SaveFirst { .. } | Mutation::Earlier { .. } => "no check needs this order",
            Mutation::WithoutOption { .. } => "no check needs that option",
            Mutation::OtherNumber { .. } => "no check looks at that number",
            Mutation::OtherKey { .. } => "no check looks at that key",
            Mutation::OtherValue { .. } => "no check looks at that value",
        };
        format!("{self} the solution still passes: {why}")
    }

    /// The same if what was changed was never sent.
    pub fn not_run(&self) -> String {
        format!("{self} the solution still passes: line {} was not run", self.line)
    }

    /// Whether the change shows in a command that is sent: by a word that ends in [`OTHER`].
    pub fn shows_when_sent(&self) -> bool {
        matches!(self.change, Mutation::OtherKey { .. } | Mutation::OtherValue { .. })
    }
}

/// The suffix that makes a key or a value another one.
pub const OTHER: &str = "-other";

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line;
        match &self.change {
            Mutation::Without { what } => write!(f, "without `{what}`")?,
            Mutation::Instead { of, with } => write!(f, "with {with} in place of {of}")?,
            Mutation::WithoutWaiting => f.write_str("without the waiting")?,
            Mutation::SaveFirst { write } => {
                return write!(f, "with the save of line {line} before the write in line {write}");
            }
            Mutation::WithoutOption { what } => write!(f, "without the option `{what}`")?,
            Mutation::OtherNumber { number } => {
                write!(f, "with another number in place of `{number}`")?;
            }
            Mutation::Earlier { wait } => {
                return write!(f, "with line {line} before line {wait}");
            }
            Mutation::OtherKey { key } => write!(f, "with another key in place of `{key}`")?,
            Mutation::OtherValue { value } => {
                write!(f, "with another value in place of `{value}`")?;
            }
        }
        write!(f, " in line {line}")
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Mutant {
    #[serde(flatten)]
    difference: Difference,
    text: String,
    /// A normal form: equal for answers that differ only in how they are written.
    form: String,
}

/// A solution and its mutants.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Mutated {
    form: String,
    mutants: Vec<Mutant>,
}

/// The cases, including those of mutants.
#[derive(Default)]
pub struct Made<'c> {
    /// Mutants follow the other cases of their exercise and language.
    pub cases: Vec<Case<'c>>,
    /// `[[equivalent]]` tables that name no mutant.
    pub problems: Vec<Problem>,
    /// The number of answers to each exercise that has all its mutants.
    pub answers: BTreeMap<&'c str, usize>,
}

/// The cases without mutants.
pub fn none(cases: Vec<Case<'_>>) -> Made<'_> {
    Made { cases, ..Made::default() }
}

/// Adds mutants. If one solution of an exercise in a language is wanted, it mutates all solutions
/// of that exercise and language, so that a mutant's id does not depend on what else is wanted.
pub fn add<'c>(
    cases: &[Case<'c>],
    is_wanted: impl Fn(&Case<'c>) -> bool,
) -> Result<Made<'c>, EnvironmentError> {
    let groups: Vec<&[Case<'c>]> = cases.chunk_by(|one, next| group(one) == group(next)).collect();
    let mut solutions: Vec<Vec<&Case<'c>>> = Vec::new();
    for group in &groups {
        let of_group: Vec<&Case<'c>> =
            group.iter().filter(|case| case.kind() == CaseKind::Solution).collect();
        let wanted = of_group.iter().any(|case| is_wanted(case));
        solutions.push(if wanted { of_group } else { Vec::new() });
    }
    let mut mutated = mutated(&solutions.concat())?.into_iter();
    let mut made = Made::default();
    let mut incomplete = BTreeSet::new();
    for (cases, solutions) in groups.into_iter().zip(solutions) {
        made.cases.extend_from_slice(cases);
        let (Some(exercise), Some((_, language))) = (cases[0].exercise, group(&cases[0])) else {
            continue;
        };
        let count = solutions.len();
        let mutated: Vec<(&Case<'c>, Mutated)> = solutions
            .into_iter()
            .zip(mutated.by_ref())
            .filter_map(|(solution, mutated)| Some((solution, mutated?)))
            .collect();
        let mutants = mutant_cases(exercise, &mutated);
        let without_kills =
            if count == 0 { Vec::new() } else { kills::without_kills(exercise, cases) };
        if count == 0 || mutated.len() < count {
            incomplete.insert(exercise.id.as_str());
        } else {
            *made.answers.entry(&exercise.id).or_default() += cases.len() + mutants.len();
            let named = [mutants.as_slice(), &without_kills].concat();
            made.problems.extend(misnamed(&cases[0], exercise, language, &named));
        }
        made.cases.extend(mutants);
        made.cases.extend(without_kills);
    }
    made.answers.retain(|id, _| !incomplete.contains(id));
    let idle = idle_globs(&made);
    made.problems.extend(idle);
    Ok(made)
}

/// An exercise's id and a language. Mutants are made for all solutions of a group together.
fn group<'c>(case: &Case<'c>) -> Option<(&'c str, Language)> {
    let exercise = case.exercise.filter(|_| case.kind() != CaseKind::Example)?;
    Some((exercise.id.as_str(), case.answer.language))
}

/// One item for each solution; `None` if a Python solution does not parse.
fn mutated(solutions: &[&Case<'_>]) -> Result<Vec<Option<Mutated>>, EnvironmentError> {
    // All Python solutions go to one interpreter, since its start takes longest.
    let python_texts: Vec<&str> = solutions
        .iter()
        .filter(|case| case.answer.language == Language::Python)
        .map(|case| case.answer.text.as_str())
        .collect();
    let mut of_python = python::mutated(&python_texts)?.into_iter();
    let mutated = solutions.iter().map(|case| match case.answer.language {
        Language::Python => of_python.next().flatten(),
        Language::Redis => Some(redis::mutated(&case.answer.text)),
    });
    Ok(mutated.collect())
}

/// The mutants of one exercise in one language. Leaves out mutants that are equal to another, to a
/// solution or to the empty answer.
fn mutant_cases<'c>(exercise: &'c Exercise, solutions: &[(&Case<'c>, Mutated)]) -> Vec<Case<'c>> {
    let mut known: BTreeSet<&str> =
        solutions.iter().map(|(_, mutated)| mutated.form.as_str()).collect();
    let mut cases: Vec<Case<'c>> = Vec::new();
    for (solution, mutated) in solutions {
        for mutant in &mutated.mutants {
            if known.insert(&mutant.form) && !mutant.form.is_empty() {
                let id = free_id(&cases, solution, &mutant.difference);
                cases.push(mutant_case(exercise, solution, mutant, id));
            }
        }
    }
    cases
}

/// `creating-snapshots/redis/solution-1/without-line-2`; the second of its kind in a line ends with
/// `-2`.
fn free_id(cases: &[Case<'_>], solution: &Case<'_>, difference: &Difference) -> String {
    let id = format!("{}/{}-{}", solution.id, difference.change.word(), difference.line);
    let numbered = (2..).map(|number| format!("{id}-{number}"));
    let mut ids = std::iter::once(id.clone()).chain(numbered);
    ids.find(|id| cases.iter().all(|case| case.id != *id)).unwrap_or_default()
}

fn mutant_case<'c>(
    exercise: &'c Exercise,
    solution: &Case<'c>,
    mutant: &Mutant,
    id: String,
) -> Case<'c> {
    let difference = mutant.difference.clone();
    let (line, expectation) = match equivalent(exercise, &id) {
        Some(equivalent) => {
            let line = solution.lesson.line_of(equivalent.span.start);
            (line, Expectation::Equivalent(difference))
        }
        None => (solution.line + difference.line, Expectation::Mutant(difference)),
    };
    let answer = Answer { text: mutant.text.clone(), ..solution.answer.clone() };
    Case { id, line, answer, expectation, ..solution.clone() }
}

/// The `[[equivalent]]` that means the mutant with this id.
pub(super) fn equivalent<'e>(exercise: &'e Exercise, id: &str) -> Option<&'e Equivalent> {
    let name = id.strip_prefix(&format!("{}/", exercise.id))?;
    exercise.equivalents.iter().find(|equivalent| is_meant(equivalent, name))
}

fn is_meant(equivalent: &Equivalent, name: &str) -> bool {
    CasePattern::parse(&equivalent.mutant).is_ok_and(|pattern| pattern.is_like(name))
}

/// Problems with `[[equivalent]]` tables whose glob matches no mutant in any language.
fn idle_globs(made: &Made<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let exercises = made.cases.chunk_by(|one, next| exercise_id(one) == exercise_id(next));
    for cases in exercises {
        let (Some(exercise), case) = (cases[0].exercise, &cases[0]) else { continue };
        if !made.answers.contains_key(exercise.id.as_str()) {
            continue;
        }
        let prefix = format!("{}/", exercise.id);
        for equivalent in exercise.equivalents.iter().filter(|equivalent| equivalent.is_glob()) {
            let mut names = cases.iter().filter_map(|case| case.id.strip_prefix(&prefix));
            if !names.any(|name| is_meant(equivalent, name)) {
                let message = format!("there is no mutant like `{}`", equivalent.mutant);
                let help = format!("`redislings verify {}` names those that exist", exercise.id);
                problems.push(case.lesson.error(&equivalent.span, message, Some(help)));
            }
        }
    }
    problems
}

fn exercise_id<'c>(case: &Case<'c>) -> Option<&'c str> {
    group(case).map(|(id, _)| id)
}

/// Problems with `[[equivalent]]` tables that name no mutant in this language.
fn misnamed(
    case: &Case<'_>,
    exercise: &Exercise,
    language: Language,
    mutants: &[Case<'_>],
) -> Vec<Problem> {
    let prefix = format!("{}/", exercise.id);
    let names: Vec<&str> =
        mutants.iter().filter_map(|mutant| mutant.id.strip_prefix(&prefix)).collect();
    let mut problems = Vec::new();
    for equivalent in &exercise.equivalents {
        let name = equivalent.mutant.as_str();
        let is_other = name.split('/').next() != Some(language.word());
        if is_other || equivalent.is_glob() || names.contains(&name) {
            continue;
        }
        let message = format!("there is no mutant `{name}`");
        let help = did_you_mean(name, names.iter().copied()).unwrap_or_else(|| {
            let solution = name.rsplit_once('/').map_or(name, |(solution, _)| solution);
            format!("`redislings verify {prefix}{solution}` names those that exist")
        });
        problems.push(case.lesson.error(&equivalent.span, message, Some(help)));
    }
    problems
}
