//! The cases that the command line selects.

use std::collections::BTreeMap;

use super::super::Stop;
use super::{VerifyRequest, changed};
use crate::error::EnvironmentError;
use crate::lesson::Course;
use crate::verify::choice::{CasePattern, Choice};
use crate::verify::{self, Case, mutants};

/// The wanted cases of a course.
pub(super) struct WantedCases<'c> {
    /// In the lessons' order.
    pub(super) cases: Vec<Case<'c>>,
    /// See [`mutants::Made::answers`].
    pub(super) all: BTreeMap<&'c str, usize>,
    /// Why mutants could not be made.
    pub(super) unmade: Option<EnvironmentError>,
    /// Why there may be no case.
    pub(super) nothing: Option<String>,
}

/// The wanted cases of all parts, not only of this machine's.
pub(super) fn wanted<'c>(
    course: &'c Course,
    request: &VerifyRequest<'_>,
) -> Result<WantedCases<'c>, Stop> {
    let options = request.options;
    let names = request.only.iter().map(|text| parsed(text)).collect::<Result<_, _>>()?;
    let base = options.changed.as_deref();
    let changed = base.map(|base| changed::lessons(course, base)).transpose()?;
    let nothing = changed.as_ref().map(|changed| {
        if changed.lessons.is_empty() {
            changed.none_differs()
        } else {
            "of the lessons that differ, no case was chosen".to_owned()
        }
    });
    let lessons = changed.map(|changed| changed.lessons);
    let choice = Choice { names, language: options.language, lessons };
    let cases = verify::cases(course);
    let (made, unmade) = if options.no_mutants {
        (mutants::none(cases), None)
    } else {
        match mutants::add(&cases, |solution| choice.may_want_mutants_of(solution)) {
            Ok(made) => (made, None),
            Err(error) => (mutants::none(cases), Some(error)),
        }
    };
    if !made.problems.is_empty() {
        return Err(request.unloadable(&made.problems));
    }
    let unknown = choice.names.iter().find(|name| !made.cases.iter().any(|case| name.names(case)));
    // Without mutants, the name of one is not a mistake.
    if let Some(name) = unknown.filter(|_| unmade.is_none()) {
        let help = "name a lesson, an exercise (`redislings list` shows all) or one of its cases";
        return Err(Stop::usage(format!("there is nothing called `{name}` to verify"), help));
    }
    let cases: Vec<Case<'_>> = made.cases.into_iter().filter(|case| choice.wants(case)).collect();
    if cases.is_empty() && unmade.is_none() && !choice.names.is_empty() && base.is_none() {
        let help = "leave `--language` out, or name other cases";
        return Err(Stop::usage("the names and `--language` choose no case together", help));
    }
    Ok(WantedCases { cases, all: made.answers, unmade, nothing })
}

fn parsed(text: &str) -> Result<CasePattern, Stop> {
    CasePattern::parse(text).map_err(|why| {
        let help = "`*` matches anything, `?` one character, `[ab]` one of these characters";
        Stop::usage(format!("`{text}` is not a glob: {why}"), help)
    })
}
