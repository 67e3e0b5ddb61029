//! The cases that the command line selects.

use std::collections::BTreeMap;

use super::super::Stop;
use super::super::course::language_of_name;
use super::{VerifyOptions, changed, unloadable};
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
}

/// The wanted cases of all parts, not only of this machine's.
pub(super) fn wanted<'c>(
    course: &'c Course,
    options: &VerifyOptions<'_>,
) -> Result<WantedCases<'c>, Stop> {
    let names = options.choice.only.iter().map(|text| parsed(text)).collect::<Result<_, _>>()?;
    let language = options.choice.language.map(language_of_name);
    let lessons =
        options.choice.changed.as_deref().map(|base| changed::lessons(course, base)).transpose()?;
    let choice = Choice { names, language, lessons };
    let cases = verify::cases(course);
    let (made, unmade) = if options.choice.no_mutants {
        (mutants::none(cases), None)
    } else {
        match mutants::add(&cases, |solution| choice.may_want_mutants_of(solution)) {
            Ok(made) => (made, None),
            Err(error) => (mutants::none(cases), Some(error)),
        }
    };
    if !made.problems.is_empty() {
        return Err(unloadable(&made.problems, options));
    }
    let unknown = choice.names.iter().find(|name| !made.cases.iter().any(|case| name.names(case)));
    // Without mutants, the name of one is not a mistake.
    if let Some(name) = unknown.filter(|_| unmade.is_none()) {
        let help = "name a lesson, an exercise (`redislings list` shows all) or one of its cases";
        return Err(Stop::Usage(
            format!("there is nothing called `{name}` to verify"),
            help.to_owned(),
        ));
    }
    let cases = made.cases.into_iter().filter(|case| choice.wants(case)).collect();
    Ok(WantedCases { cases, all: made.answers, unmade })
}

fn parsed(text: &str) -> Result<CasePattern, Stop> {
    CasePattern::parse(text).map_err(|why| {
        let help = "`*` matches anything, `?` one character, `[ab]` one of these characters";
        Stop::Usage(format!("`{text}` is not a glob: {why}"), help.to_owned())
    })
}
