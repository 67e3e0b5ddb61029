//! Mutants: out of each solution the runner makes wrong answers of its own, each of which differs in one thing and must
//! not pass. One that does shows a hole in the checks, or is called equivalent by the lesson.

mod python;
mod redis;

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;

use super::case::{Case, Expectation, Kind};
use crate::attempt::Answer;
use crate::error::WorldError;
use crate::lesson::problem::did_you_mean;
use crate::lesson::{Equivalent, Exercise, Language, Problem};

/// What differs from the solution.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "change")]
pub enum Change {
    /// A command or a statement is left out.
    #[serde(rename = "without-line")]
    Without {
        /// As it stands in the solution; of several lines the first.
        what: String,
    },
    /// BGSAVE in place of SAVE.
    BgsaveForSave,
    /// SAVE in place of BGSAVE.
    SaveForBgsave,
    /// The waiting for the end of a background save is left out.
    WithoutWaiting,
    /// The save comes before the nearest write that came before it.
    SaveFirst {
        /// The write's line in the block, from 1.
        write: usize,
    },
    /// Another key is written.
    OtherKey {
        /// As it stands in the solution.
        key: String,
    },
    /// Another value is written.
    OtherValue {
        /// As it stands in the solution.
        value: String,
    },
}

impl Change {
    /// The word of the case's id.
    fn word(&self) -> &'static str {
        match self {
            Self::Without { .. } => "without-line",
            Self::BgsaveForSave => "bgsave-for-save",
            Self::SaveForBgsave => "save-for-bgsave",
            Self::WithoutWaiting => "without-waiting",
            Self::SaveFirst { .. } => "save-first",
            Self::OtherKey { .. } => "other-key",
            Self::OtherValue { .. } => "other-value",
        }
    }

    /// What it means that an answer with it passes.
    fn hole(&self) -> &'static str {
        match self {
            Self::Without { .. } | Self::WithoutWaiting => "no check needs it",
            Self::BgsaveForSave | Self::SaveForBgsave => "no check tells one from the other",
            Self::SaveFirst { .. } => "no check needs this order",
            Self::OtherKey { .. } => "no check looks at that key",
            Self::OtherValue { .. } => "no check looks at that value",
        }
    }
}

/// A change and where it is; shown as `` without `LASTSAVE` in line 4 ``.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Difference {
    /// What differs.
    #[serde(flatten)]
    pub change: Change,
    /// The line in the solution's block, from 1.
    pub line: usize,
}

impl Difference {
    /// Said where such an answer passes.
    pub fn hole(&self) -> String {
        format!("{self} the solution still passes: {}", self.change.hole())
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line;
        match &self.change {
            Change::Without { what } => write!(f, "without `{what}` in line {line}"),
            Change::BgsaveForSave => write!(f, "with BGSAVE in place of SAVE in line {line}"),
            Change::SaveForBgsave => write!(f, "with SAVE in place of BGSAVE in line {line}"),
            Change::WithoutWaiting => write!(f, "without the waiting in line {line}"),
            Change::SaveFirst { write } => {
                write!(f, "with the save of line {line} before the write in line {write}")
            }
            Change::OtherKey { key } => {
                write!(f, "with another key in place of `{key}` in line {line}")
            }
            Change::OtherValue { value } => {
                write!(f, "with another value in place of `{value}` in line {line}")
            }
        }
    }
}

/// A wrong answer out of a solution.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Mutant {
    #[serde(flatten)]
    difference: Difference,
    text: String,
    /// The same of the same answer, however it is written.
    form: String,
}

/// A solution and its mutants.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Mutated {
    form: String,
    mutants: Vec<Mutant>,
}

/// The cases with those of mutants.
pub struct Made<'c> {
    /// Mutants stand behind the other cases of their exercise and language.
    pub cases: Vec<Case<'c>>,
    /// Of `[[equivalent]]` tables that name no mutant.
    pub problems: Vec<Problem>,
    /// The ids of exercises all of whose mutants are there.
    pub complete: BTreeSet<&'c str>,
}

/// Of these cases alone.
pub fn none(cases: Vec<Case<'_>>) -> Made<'_> {
    Made { cases, problems: Vec::new(), complete: BTreeSet::new() }
}

/// Adds the mutants of the exercises and languages of which a solution is wanted: so each has the same id whatever else
/// is wanted.
pub fn add<'c>(
    cases: &[Case<'c>],
    is_wanted: impl Fn(&Case<'c>) -> bool,
) -> Result<Made<'c>, WorldError> {
    let solutions = cases.iter().filter(|case| case.kind() == Kind::Solution);
    let wanted: BTreeSet<Group<'_>> =
        solutions.filter(|case| is_wanted(case)).filter_map(group).collect();
    let solutions: Vec<&Case<'c>> = cases
        .iter()
        .filter(|case| case.kind() == Kind::Solution)
        .filter(|case| group(case).is_some_and(|group| wanted.contains(&group)))
        .collect();
    let mutated = mutated(&solutions)?;
    let mut made = none(Vec::new());
    let mut incomplete = BTreeSet::new();
    for (place, case) in cases.iter().enumerate() {
        made.cases.push(case.clone());
        let (Some(exercise), Some(own)) = (case.exercise, group(case)) else { continue };
        if cases.get(place + 1).and_then(group) == Some(own) {
            continue;
        }
        let of_group = solutions.iter().zip(&mutated).filter(|(it, _)| group(it) == Some(own));
        let of_group: Vec<(&Case<'c>, Option<&Mutated>)> =
            of_group.map(|(case, mutated)| (*case, mutated.as_ref())).collect();
        let mutants = mutant_cases(exercise, &of_group);
        if of_group.is_empty() || of_group.iter().any(|(_, mutated)| mutated.is_none()) {
            incomplete.insert(exercise.id.as_str());
        } else {
            made.complete.insert(exercise.id.as_str());
            made.problems.extend(misnamed(case, exercise, own.1, &mutants));
        }
        made.cases.extend(mutants);
    }
    made.complete.retain(|id| !incomplete.contains(id));
    Ok(made)
}

/// Of an exercise the answers in one language.
type Group<'c> = (&'c str, Language);

fn group<'c>(case: &Case<'c>) -> Option<Group<'c>> {
    let exercise = case.exercise.filter(|_| case.kind() != Kind::Example)?;
    Some((exercise.id.as_str(), case.answer.language))
}

/// `None` where a solution is no Python.
fn mutated(solutions: &[&Case<'_>]) -> Result<Vec<Option<Mutated>>, WorldError> {
    let is_python = |case: &&&Case<'_>| case.answer.language == Language::Python;
    let texts: Vec<&str> =
        solutions.iter().filter(is_python).map(|case| case.answer.text.as_str()).collect();
    let mut of_python = python::mutated(&texts)?.into_iter();
    let of = |case: &&Case<'_>| match case.answer.language {
        Language::Python => of_python.next().flatten(),
        Language::Redis => Some(redis::mutated(&case.answer.text)),
    };
    Ok(solutions.iter().map(of).collect())
}

/// Those of one exercise in one language: no two are the same answer, and none is a solution or no answer at all.
fn mutant_cases<'c>(
    exercise: &'c Exercise,
    solutions: &[(&Case<'c>, Option<&Mutated>)],
) -> Vec<Case<'c>> {
    let solutions = || solutions.iter().filter_map(|(case, mutated)| Some((*case, (*mutated)?)));
    let mut known: BTreeSet<&str> = solutions().map(|(_, mutated)| mutated.form.as_str()).collect();
    let mut cases: Vec<Case<'c>> = Vec::new();
    for (solution, mutated) in solutions() {
        for mutant in &mutated.mutants {
            if known.insert(&mutant.form) && !mutant.form.is_empty() {
                let id = free_id(&cases, solution, &mutant.difference);
                cases.push(mutant_case(exercise, solution, mutant, id));
            }
        }
    }
    cases
}

/// `creating-snapshots/redis/solution-1/without-line-2`; the second of a line has `-2` behind that.
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
    let of_exercise = |id: &str| id.strip_prefix(&format!("{}/", exercise.id)).map(str::to_owned);
    let name = of_exercise(&id).unwrap_or_default();
    let equivalent = exercise.equivalents.iter().find(|it| it.mutant == name);
    let (line, expectation) = match equivalent {
        Some(it) => (solution.lesson.line_of(it.span.start), Expectation::Equivalent(difference)),
        None => (solution.line + difference.line, Expectation::Mutant(difference)),
    };
    let answer = Answer { text: mutant.text.clone(), ..solution.answer.clone() };
    Case { id, line, answer, expectation, ..solution.clone() }
}

/// What the lesson calls equivalent, but is no mutant in this language.
fn misnamed(
    case: &Case<'_>,
    exercise: &Exercise,
    language: Language,
    mutants: &[Case<'_>],
) -> Vec<Problem> {
    let prefix = format!("{}/", exercise.id);
    let names: Vec<&str> =
        mutants.iter().filter_map(|mutant| mutant.id.strip_prefix(&prefix)).collect();
    let of_language = exercise.equivalents.iter().filter(|it| {
        it.mutant.split('/').next() == Some(language.word()) && !names.contains(&&*it.mutant)
    });
    let problem = |it: &Equivalent| {
        let message = format!("there is no mutant `{}`", it.mutant);
        let help = did_you_mean(&it.mutant, names.iter().copied()).unwrap_or_else(|| {
            let solution = it.mutant.rsplit_once('/').map_or(&*it.mutant, |(solution, _)| solution);
            format!("`redislings verify {prefix}{solution}` names those that there are")
        });
        case.lesson.error(&it.span, message, Some(help))
    };
    of_language.map(problem).collect()
}
