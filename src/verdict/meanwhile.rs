//! What was to happen beside the answer, and whether it did.

use super::finding::{Finding, Outcome};
use crate::attempt::evidence::{Evidence, Violation};
use crate::checks::Seen;
use crate::lesson::meanwhile::IT_CAME_TO_THAT;
use crate::lesson::{Check, Exercise, Meanwhile, Moment};

/// The finding that something was to be done beside the answer and its moment never came.
pub(super) fn never_came(exercise: &Exercise, evidence: &Evidence) -> Option<Finding> {
    let mut missing = exercise.meanwhile.iter().enumerate().filter(|(index, meanwhile)| {
        exercise.includes(meanwhile)
            && meanwhile.when.must_come()
            && !meanwhile.steps.is_empty()
            && !evidence.came.contains(index)
    });
    let (_, first) = missing.next().filter(|_| evidence.invalid.is_none())?;
    Some(Finding {
        check: IT_CAME_TO_THAT.to_owned(),
        outcome: Outcome::Unmet,
        says: "what the exercise does while your answer runs has happened".to_owned(),
        expected: first.moment(),
        found: first.never(),
        in_worlds: Vec::new(),
        otherwise: first.otherwise.clone(),
    })
}

/// Whether the check looks at a moment that did not come, and another finding says so.
pub(super) fn is_held_up(check: &Check, exercise: &Exercise, evidence: &Evidence) -> bool {
    moment_that_never_came(check, exercise, evidence)
        .is_some_and(|missing| missing.when.must_come() && !missing.steps.is_empty())
}

/// Whether the check looks at a command that the answer need not use, and did not.
pub(super) fn is_pointless(check: &Check, exercise: &Exercise, evidence: &Evidence) -> bool {
    moment_that_never_came(check, exercise, evidence)
        .is_some_and(|missing| !missing.when.must_come())
}

fn moment_that_never_came<'e>(
    check: &Check,
    exercise: &'e Exercise,
    evidence: &Evidence,
) -> Option<&'e Meanwhile> {
    let Moment::Meanwhile(index) = check.at else { return None };
    let is_missing = !evidence.looks.contains_key(&check.at);
    exercise.meanwhile.get(index).filter(|_| is_missing)
}

/// The first moment at which a check with `at = "always"` was not met.
pub(super) fn violation<'e>(
    check: &Check,
    exercise: &Exercise,
    evidence: &'e Evidence,
) -> Option<&'e Violation> {
    let index = exercise.checks.iter().position(|other| other.id == check.id)?;
    evidence.violations.get(&index)
}

/// What a check with `at = "always"` found at the first moment at which it was not met.
pub(super) fn seen_at(violation: &Violation, check: &Check, evidence: &Evidence) -> Option<Seen> {
    let seen = check.subject.judge_at(&violation.seen, evidence)?;
    Some(Seen { found: format!("{}, {}", seen.found, violation.how), ..seen })
}
