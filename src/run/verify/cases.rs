//! Which cases are wanted on the command line.

use std::collections::BTreeMap;

use super::super::Stop;
use super::super::course::language_of_name;
use super::{Wish, changed, unloadable};
use crate::error::WorldError;
use crate::lesson::Course;
use crate::verify::choice::{Choice, Name};
use crate::verify::{self, Case, coverage, mutants};

/// The wanted cases of a course.
pub(super) struct Wanted<'c> {
    /// In the lessons' order.
    pub(super) cases: Vec<Case<'c>>,
    /// How many cases there are in all of each exercise of which all are known, see [`coverage::count`].
    pub(super) all: BTreeMap<&'c str, usize>,
    /// Why mutants are missing.
    pub(super) unmade: Option<WorldError>,
}

/// Those that are wanted, whatever part of them is this machine's.
pub(super) fn wanted<'c>(course: &'c Course, wish: &Wish<'_>) -> Result<Wanted<'c>, Stop> {
    let names = wish.choice.only.iter().map(|text| parsed(text)).collect::<Result<_, _>>()?;
    let language = wish.choice.language.map(language_of_name);
    let lessons =
        wish.choice.changed.as_deref().map(|base| changed::lessons(course, base)).transpose()?;
    let choice = Choice { names, language, lessons };
    let cases = verify::cases(course);
    let (made, unmade) = if wish.choice.no_mutants {
        (mutants::none(cases), None)
    } else {
        match mutants::add(&cases, |solution| choice.may_want_mutants_of(solution)) {
            Ok(made) => (made, None),
            Err(error) => (mutants::none(cases), Some(error)),
        }
    };
    if !made.problems.is_empty() {
        return Err(unloadable(&made.problems, wish));
    }
    let is_nothing = |name: &&Name| !made.cases.iter().any(|case| name.names(case));
    if let Some(name) = choice.names.iter().find(is_nothing).filter(|_| unmade.is_none()) {
        let help = "name a lesson, an exercise (`redislings list` shows all) or one case of it";
        return Err(Stop::Usage(
            format!("there is nothing called `{name}` to verify"),
            help.to_owned(),
        ));
    }
    let all = coverage::count(&made);
    let cases = made.cases.into_iter().filter(|case| choice.wants(case)).collect();
    Ok(Wanted { cases, all, unmade })
}

fn parsed(text: &str) -> Result<Name, Stop> {
    Name::parse(text).map_err(|why| {
        let help = "`*` stands for anything, `?` for one character, `[ab]` for one of these";
        Stop::Usage(format!("`{text}` is no glob: {why}"), help.to_owned())
    })
}
