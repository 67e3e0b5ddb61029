//! The cases of a course: what `verify` runs.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::mutants::Difference;
use crate::attempt::Answer;
use crate::lesson::check::ENDS_WELL;
use crate::lesson::{Code, Course, Example, Exercise, Language, Lesson, Step};

/// How much longer than its limit says an exercise is expected to take that waits for work in the
/// background: lessons make that slow, so that it can be seen.
const BACKGROUND: Duration = Duration::from_secs(30);

/// Code to run, and the expected result.
#[derive(Debug, Clone)]
pub struct Case<'c> {
    /// `creating-snapshots/python/wrong-2`, `snapshotting/example-1`.
    pub id: String,
    pub lesson: &'c Lesson,
    /// The line of the code's fence, from 1. For a mutant, the line of the solution that differs,
    /// or the line where the lesson calls the mutant equivalent.
    pub line: usize,
    /// The section in which the code stands.
    pub step: &'c Step,
    /// The section's exercise; an example may have none.
    pub exercise: Option<&'c Exercise>,
    pub answer: Answer,
    pub expectation: Expectation<'c>,
}

#[derive(Debug, Clone)]
pub enum Expectation<'c> {
    /// It runs, and replies as printed.
    Example(&'c Example),
    /// A solution: every check is met.
    Passes,
    /// A starter: this check is unmet; others may be unmet too.
    FailsOn(&'c str),
    /// A wrong answer: this check is unmet, and no other.
    FailsExactlyOn(&'c str),
    /// The empty answer does not pass.
    Fails,
    /// A solution with this difference does not pass.
    Mutant(Difference),
    /// A solution with this difference, which the lesson calls equivalent: every check is met.
    Equivalent(Difference),
    /// A wrong answer without the kill of the `[[meanwhile]]` with this index: it may fail on its
    /// check, or not ([`super::coverage`]).
    WithoutKill { meanwhile: usize, check: &'c str },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseKind {
    /// A block without a role.
    #[default]
    Example,
    /// The code that a student starts from.
    Starter,
    Solution,
    /// A known wrong answer.
    Wrong,
    /// An answer without any code.
    Empty,
    /// A changed solution, made by `mutants`.
    Mutant,
}

impl CaseKind {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Example => "example",
            Self::Starter => "starter",
            Self::Solution => "solution",
            Self::Wrong => "wrong",
            Self::Empty => "empty",
            Self::Mutant => "mutant",
        }
    }
}

/// Python's start with redis-py takes 0.2 s; this is so much more that even a machine under load
/// does not run out of time by it.
const START_COUNTS_BELOW: Duration = Duration::from_secs(10);

impl Case<'_> {
    /// The settings that its server starts with.
    pub fn settings(&self) -> &[(String, String)] {
        self.exercise.map(|exercise| exercise.settings.as_slice()).unwrap_or_default()
    }

    /// Whether to run it in a new Python process, as a student's answer runs, even if a warm one is
    /// ready. That is the first Python solution of a lesson, and of each exercise in whose time a
    /// start counts.
    pub fn runs_cold(&self) -> bool {
        let Some(exercise) = self.exercise else { return false };
        let is_first = self.kind() == CaseKind::Solution && self.id.ends_with("/python/solution-1");
        is_first && (exercise.time_limit < START_COUNTS_BELOW || self.is_first_in_lesson(exercise))
    }

    /// Whether the lesson has no exercise with a Python solution before this one.
    fn is_first_in_lesson(&self, exercise: &Exercise) -> bool {
        let exercises = self.lesson.steps.iter().filter_map(|step| step.exercise.as_ref());
        let mut in_python = exercises.filter(|other| other.languages().contains(&Language::Python));
        in_python.next().is_some_and(|first| first.id == exercise.id)
    }

    /// How long it may take, by what is known before it runs. Examples come first: theirs is not.
    pub(super) fn expected_time(&self) -> (Duration, Duration, bool) {
        let Some(exercise) = self.exercise else { return (Duration::MAX, Duration::ZERO, false) };
        let runs_out = matches!(self.expectation, Expectation::FailsExactlyOn(ENDS_WELL));
        let limit = if runs_out { exercise.time_limit } else { Duration::ZERO };
        let background = if exercise.watches_background() { BACKGROUND } else { Duration::ZERO };
        (limit, exercise.time_limit + background, exercise.depends_on_time())
    }

    pub fn kind(&self) -> CaseKind {
        match self.expectation {
            Expectation::Example(_) => CaseKind::Example,
            Expectation::Passes => CaseKind::Solution,
            Expectation::FailsOn(_) => CaseKind::Starter,
            Expectation::FailsExactlyOn(_) => CaseKind::Wrong,
            Expectation::Fails => CaseKind::Empty,
            Expectation::Mutant(_)
            | Expectation::Equivalent(_)
            | Expectation::WithoutKill { .. } => CaseKind::Mutant,
        }
    }
}

/// All cases of the course except mutants ([`super::mutants`]), in reading order.
pub fn cases(course: &Course) -> Vec<Case<'_>> {
    course.lessons.iter().flat_map(lesson_cases).collect()
}

fn lesson_cases(lesson: &Lesson) -> Vec<Case<'_>> {
    let mut cases = Vec::new();
    for step in &lesson.steps {
        for example in &step.examples {
            let id = format!("{}/example-{}", lesson.id, cases.len() + 1);
            let expectation = Expectation::Example(example);
            cases.push(case(lesson, step, id, &example.code, expectation));
        }
    }
    for step in &lesson.steps {
        let Some(exercise) = &step.exercise else { continue };
        for language in exercise.languages() {
            for (name, code, expectation) in answers(language, exercise) {
                let id = format!("{}/{language}/{name}", exercise.id);
                cases.push(case(lesson, step, id, &code, expectation));
            }
        }
    }
    cases
}

/// The answers in a language, each with its name in a case's id.
fn answers(language: Language, exercise: &Exercise) -> Vec<(String, Code, Expectation<'_>)> {
    let mut answers = Vec::new();
    for starter in exercise.starters.iter().filter(|starter| starter.code.language == language) {
        let expectation = Expectation::FailsOn(&starter.fails);
        answers.push(("starter".to_owned(), starter.code.clone(), expectation));
    }
    let solutions = exercise.solutions.iter().filter(|code| code.language == language);
    for (number, code) in (1..).zip(solutions) {
        answers.push((format!("solution-{number}"), code.clone(), Expectation::Passes));
    }
    let wrong = exercise.wrong_answers.iter().filter(|wrong| wrong.code.language == language);
    for (number, wrong) in (1..).zip(wrong) {
        let expectation = Expectation::FailsExactlyOn(&wrong.fails);
        answers.push((format!("wrong-{number}"), wrong.code.clone(), expectation));
    }
    let no_code = Code { language, text: String::new(), span: exercise.span.clone() };
    answers.push(("empty".to_owned(), no_code, Expectation::Fails));
    answers
}

fn case<'c>(
    lesson: &'c Lesson,
    step: &'c Step,
    id: String,
    code: &Code,
    expectation: Expectation<'c>,
) -> Case<'c> {
    let answer = Answer { language: code.language, text: code.text.clone(), path: None };
    let line = lesson.line_of(code.span.start);
    Case { id, lesson, line, step, exercise: step.exercise.as_ref(), answer, expectation }
}

pub fn needs_python(cases: &[Case<'_>]) -> bool {
    cases.iter().any(|case| case.answer.language == Language::Python)
}
