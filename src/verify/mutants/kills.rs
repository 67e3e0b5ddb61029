//! Wrong answers on the exercise without one of its kills: a kill that no wrong answer needs shows
//! nothing.

use super::super::case::{Case, Expectation};
use crate::lesson::Exercise;

/// Each wrong answer and starter of these cases, once for each kill of the exercise.
pub fn without_kills<'c>(exercise: &Exercise, cases: &[Case<'c>]) -> Vec<Case<'c>> {
    let numbered = kills(exercise).zip(1..);
    let without = numbered.flat_map(|(meanwhile, number)| {
        cases.iter().filter_map(move |case| without_kill(case, meanwhile, number))
    });
    without.collect()
}

/// `killed-in-the-middle/python/without-kill-2/wrong-3`.
fn without_kill<'c>(case: &Case<'c>, meanwhile: usize, number: usize) -> Option<Case<'c>> {
    let (Expectation::FailsOn(check) | Expectation::FailsExactlyOn(check)) = case.expectation
    else {
        return None;
    };
    let (group, name) = case.id.rsplit_once('/')?;
    let id = format!("{group}/without-kill-{number}/{name}");
    Some(Case { id, expectation: Expectation::WithoutKill { meanwhile, check }, ..case.clone() })
}

/// The indexes of the `[[meanwhile]]` that kill something.
fn kills(exercise: &Exercise) -> impl Iterator<Item = usize> {
    let all = exercise.meanwhile.iter().enumerate();
    all.filter(|(_, meanwhile)| meanwhile.steps.kill.is_some()).map(|(index, _)| index)
}

/// The exercise without the kill of the `[[meanwhile]]` with this index.
pub fn exercise_without(exercise: &Exercise, meanwhile: usize) -> Exercise {
    let mut changed = exercise.clone();
    changed.meanwhile[meanwhile].steps.kill = None;
    changed
}
