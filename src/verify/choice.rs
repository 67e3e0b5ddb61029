//! Which cases are wanted: by name, language and lesson, and which part of them is this machine's.

use std::fmt;
use std::path::PathBuf;

use glob::Pattern;

use super::case::Case;
use crate::lesson::{Course, Language};

/// What is wanted of a course's cases. Nothing said: all of them.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Cases that one of these names; none: all.
    pub names: Vec<Name>,
    /// Answers and examples in this language only.
    pub language: Option<Language>,
    /// Of these lessons' files only.
    pub lessons: Option<Vec<PathBuf>>,
}

impl Choice {
    /// Whether it wants the case.
    pub fn wants(&self, case: &Case<'_>) -> bool {
        (self.names.is_empty() || self.names.iter().any(|name| name.names(case)))
            && self.language.is_none_or(|language| case.answer.language == language)
            && self.lessons.as_ref().is_none_or(|lessons| lessons.contains(&case.lesson.path))
    }

    /// Whether it may want what is made out of this solution.
    pub fn may_want_mutants_of(&self, solution: &Case<'_>) -> bool {
        let is_below = |name: &Name| match name {
            Name::Plain(name) => {
                name.strip_prefix(&solution.id).is_some_and(|it| it.starts_with('/'))
            }
            Name::Glob(_) => true,
        };
        let of_any_name = Self { names: Vec::new(), ..self.clone() };
        of_any_name.wants(solution) && (self.wants(solution) || self.names.iter().any(is_below))
    }
}

/// A name on the command line: of a lesson, an exercise, or the beginning of a case's id up to a `/`; with `*`,
/// `?` or `[…]` a glob of one of them.
#[derive(Debug, Clone)]
pub enum Name {
    /// As it stands.
    Plain(String),
    /// A glob; `*` also stands for `/`.
    Glob(Pattern),
}

impl Name {
    /// Reads it; the error says what is wrong with a glob.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.contains(['*', '?', '[']) {
            return Ok(Self::Plain(text.to_owned()));
        }
        Pattern::new(text).map(Self::Glob).map_err(|error| error.msg.to_owned())
    }

    /// Whether it names the case.
    pub fn names(&self, case: &Case<'_>) -> bool {
        match self {
            Self::Plain(name) => {
                let rest = case.id.strip_prefix(name.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                    || *name == case.lesson.id
            }
            Self::Glob(pattern) => {
                let exercise = case.exercise.is_some_and(|it| pattern.matches(&it.id));
                exercise || pattern.matches(&case.id) || pattern.matches(&case.lesson.id)
            }
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(name) => f.write_str(name),
            Self::Glob(pattern) => f.write_str(pattern.as_str()),
        }
    }
}

/// One of several parts of the cases: the first, and every `count`th after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// From 1 to `count`.
    pub index: usize,
    /// How many parts there are.
    pub count: usize,
}

impl Slice {
    /// Reads `slice:1/4`, as nextest has it, or `1/4`.
    pub fn parse(text: &str) -> Option<Self> {
        let (index, count) = text.strip_prefix("slice:").unwrap_or(text).split_once('/')?;
        Self::new(index.parse().ok()?, count.parse().ok()?)
    }

    /// `None` where there is no such part.
    pub fn new(index: usize, count: usize) -> Option<Self> {
        (1..=count).contains(&index).then_some(Self { index, count })
    }

    /// Those of `all` that are in the wanted part; `None`: all of them.
    pub fn part<T>(wanted: Option<Self>, all: Vec<T>) -> Vec<T> {
        match wanted {
            Some(slice) => slice.of(all),
            None => all,
        }
    }

    /// Those of `all` that are in this part; the parts of a list are disjoint, and together they are all of it.
    pub fn of<T>(self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip(self.index - 1).step_by(self.count).collect()
    }
}

impl fmt::Display for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// The lessons among these files of the course, given as absolute paths; all lessons where its settings are
/// among them.
pub fn lessons_among(course: &Course, files: &[PathBuf]) -> Vec<PathBuf> {
    let is_among = |path: &PathBuf| {
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        files.contains(&real)
    };
    let settings = course.path.join("course.toml");
    let all = is_among(&settings);
    let paths = course.lessons.iter().map(|lesson| lesson.path.clone());
    paths.filter(|path| all || is_among(path)).collect()
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
                let slice = |index| Slice::new(index, count).unwrap().of((0..cases).collect());
                let mut all: Vec<usize> = (1..=count).flat_map(slice).collect();
                all.sort_unstable();
                assert_eq!(all, (0..cases).collect::<Vec<_>>(), "{cases} cases, {count} parts");
            }
        }
    }

    #[test]
    fn slices_differ_by_one_case_at_most() {
        let sizes = (1..=7).map(|index| Slice::new(index, 7).unwrap().of(vec![(); 40]).len());
        assert_eq!(sizes.collect::<Vec<_>>(), [6, 6, 6, 6, 6, 5, 5]);
    }
}
