//! Selects cases by name, language and lesson, and this machine's part of them.

use std::fmt;
use std::path::{Path, PathBuf};

use glob::Pattern;
use serde::{Deserialize, Serialize};

use super::case::Case;
use crate::lesson::{Course, Language};

/// A filter for a course's cases; the default selects all.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Cases that match one of these patterns; empty: all.
    pub names: Vec<CasePattern>,
    /// Only answers and examples in this language.
    pub language: Option<Language>,
    /// Only cases of these lessons' files.
    pub lessons: Option<Vec<PathBuf>>,
}

impl Choice {
    pub fn wants(&self, case: &Case<'_>) -> bool {
        (self.names.is_empty() || self.names.iter().any(|name| name.names(case)))
            && self.language.is_none_or(|language| case.answer.language == language)
            && self.lessons.as_ref().is_none_or(|lessons| lessons.contains(&case.lesson.path))
    }

    /// Whether the filter may select mutants of this solution.
    pub fn may_want_mutants_of(&self, solution: &Case<'_>) -> bool {
        let with_any_name = Self { names: Vec::new(), ..self.clone() };
        with_any_name.wants(solution)
            && (self.wants(solution)
                || self.names.iter().any(|name| name.may_name_mutants_of(solution)))
    }
}

/// A name on the command line: of a lesson, an exercise, or the beginning of a case's id up to a
/// `/`; with `*`, `?` or `[…]` a glob of one of them.
#[derive(Debug, Clone)]
pub enum CasePattern {
    /// The text itself.
    Plain(String),
    /// A glob, in which `*` also matches `/`.
    Glob(Pattern),
}

impl CasePattern {
    /// The error says what is wrong with a glob.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.contains(['*', '?', '[']) {
            return Ok(Self::Plain(text.to_owned()));
        }
        Pattern::new(text).map(Self::Glob).map_err(|error| error.msg.to_owned())
    }

    pub fn names(&self, case: &Case<'_>) -> bool {
        match self {
            Self::Plain(name) => {
                let rest = case.id.strip_prefix(name.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                    || *name == case.lesson.id
            }
            Self::Glob(pattern) => {
                let group = case.id.rsplit_once('/').map_or("", |(group, _)| group);
                pattern.matches(&case.id)
                    || pattern.matches(group)
                    || pattern.matches(&case.lesson.id)
                    || case.exercise.is_some_and(|exercise| pattern.matches(&exercise.id))
            }
        }
    }

    /// Whether a name is this text or matches this glob.
    pub(super) fn is_like(&self, name: &str) -> bool {
        match self {
            Self::Plain(text) => text == name,
            Self::Glob(pattern) => pattern.matches(name),
        }
    }

    /// A glob may match ids that do not exist yet.
    fn may_name_mutants_of(&self, solution: &Case<'_>) -> bool {
        match self {
            Self::Plain(name) => {
                name.strip_prefix(&solution.id).is_some_and(|rest| rest.starts_with('/'))
            }
            Self::Glob(_) => true,
        }
    }
}

impl fmt::Display for CasePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(name) => f.write_str(name),
            Self::Glob(pattern) => f.write_str(pattern.as_str()),
        }
    }
}

/// One part of the cases: number `index`, and every `count`th after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Slice {
    /// From 1 to `count`.
    pub index: usize,
    /// The number of parts.
    pub count: usize,
}

impl Slice {
    /// Reads `slice:1/4`, the form that nextest uses, or `1/4`.
    pub fn parse(text: &str) -> Option<Self> {
        let (index, count) = text.strip_prefix("slice:").unwrap_or(text).split_once('/')?;
        Self::new(index.parse().ok()?, count.parse().ok()?)
    }

    /// `None` if there is no such part.
    pub fn new(index: usize, count: usize) -> Option<Self> {
        (1..=count).contains(&index).then_some(Self { index, count })
    }

    /// The items of the wanted part; `None`: all of them. The parts of a list are disjoint, and
    /// together they make up the whole list.
    pub fn part<T>(wanted: Option<Self>, all: Vec<T>) -> Vec<T> {
        let (index, count) = wanted.map_or((1, 1), |slice| (slice.index, slice.count));
        all.into_iter().skip(index - 1).step_by(count).collect()
    }
}

impl From<Slice> for String {
    fn from(slice: Slice) -> Self {
        slice.to_string()
    }
}

impl TryFrom<String> for Slice {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("`{text}` is not a part"))
    }
}

impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// The lessons among these files, which are absolute paths. If the course's settings are among
/// them, all lessons.
pub fn lessons_among(course: &Course, files: &[PathBuf]) -> Vec<PathBuf> {
    let all = is_among(&course.path.join("course.toml"), files);
    let paths = course.lessons.iter().map(|lesson| lesson.path.clone());
    paths.filter(|path| all || is_among(path, files)).collect()
}

fn is_among(path: &Path, files: &[PathBuf]) -> bool {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    files.contains(&real)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_is_read_as_nextest_writes_it() {
        assert_eq!(Slice::parse("slice:2/4"), Some(Slice { index: 2, count: 4 }));
        assert_eq!(Slice::parse("1/1"), Some(Slice { index: 1, count: 1 }));
        for wrong in ["", "slice:0/4", "slice:5/4", "1/0", "a/b", "count:1/4", "1", "1/2/3"] {
            assert_eq!(Slice::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn slices_are_disjoint_and_complete_for_every_count_up_to_16() {
        for cases in 0..40 {
            for count in 1..=16 {
                let slice = |index| Slice::part(Slice::new(index, count), (0..cases).collect());
                let mut all: Vec<usize> = (1..=count).flat_map(slice).collect();
                all.sort_unstable();
                assert_eq!(all, (0..cases).collect::<Vec<_>>(), "{cases} cases, {count} parts");
            }
        }
    }

    #[test]
    fn slices_differ_by_one_case_at_most() {
        let sizes = (1..=7).map(|index| Slice::part(Slice::new(index, 7), vec![(); 40]).len());
        assert_eq!(sizes.collect::<Vec<_>>(), [6, 6, 6, 6, 6, 5, 5]);
    }
}
