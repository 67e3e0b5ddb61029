//! One answer's trial: it is run in each of the exercise's worlds, and judged by what happened in
//! all of them.

use crate::attempt::{self, Answer, AttemptError, Evidence, Fixture, Python};
use crate::lesson::Exercise;
use crate::verdict::worlds::{Tried, concluded};
use crate::verdict::{Verdict, judge};

/// Runs the answer and judges it, see [`run_answer`].
pub fn try_answer(
    fixture: &mut Fixture<'_>,
    exercise: &Exercise,
    answer: &Answer,
    python: Option<&Python>,
) -> Result<(Evidence, Verdict), AttemptError> {
    Ok(concluded(exercise, run_answer(fixture, exercise, answer, python)?)?)
}

/// Runs the answer once, or once in each of the exercise's worlds. The fixture's server was started
/// for the first one; each other world has a fresh server, which replaces it.
pub fn run_answer(
    fixture: &mut Fixture<'_>,
    exercise: &Exercise,
    answer: &Answer,
    python: Option<&Python>,
) -> Result<Vec<Tried>, AttemptError> {
    let mut tried: Vec<Tried> = Vec::new();
    for world in exercise.in_each_world() {
        if !tried.is_empty() {
            *fixture.server = fixture.server.another_with(&world.settings)?;
        }
        let evidence = attempt::attempt(fixture, &world, answer, python)?;
        let evidence = Evidence { world: world.world.clone(), ..evidence };
        let verdict = judge(&world, &evidence);
        tried.push(Tried { evidence, verdict });
    }
    Ok(tried)
}
