//! Looks at the server as it will be some time later: time is moved on, not waited for.

use std::time::{Duration, Instant};

use super::environment::cannot;
use super::evidence::Evidence;
use super::fixture::Fixture;
use super::look::{LOOK_LIMIT, observe_at};
use super::time_shift;
use crate::error::EnvironmentError;
use crate::lesson::{Exercise, Moment};

/// Looks at each later moment of the exercise, in their order.
pub(super) fn look_later(
    fixture: &mut Fixture<'_>,
    exercise: &Exercise,
    evidence: &mut Evidence,
) -> Result<(), EnvironmentError> {
    let mut now = Duration::ZERO;
    for time in exercise.later_moments() {
        time_shift::pass(fixture.server.client(), time.saturating_sub(now))?;
        now = time;
        let (moment, until) = (Moment::Later(time), Instant::now() + LOOK_LIMIT);
        let seen = observe_at(fixture.server, exercise, moment, until)
            .map_err(|why| cannot("look at the server later", &why))?;
        evidence.looks.insert(moment, Ok(seen));
    }
    Ok(())
}
