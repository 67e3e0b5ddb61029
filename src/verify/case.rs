//! What there is to prove: the cases of a course.

use super::mutants::Difference;
use crate::attempt::Answer;
use crate::lesson::{Code, Course, Example, Exercise, FailingAnswer, Language, Lesson};

/// One thing to prove.
#[derive(Debug, Clone)]
pub struct Case<'c> {
    /// `creating-snapshots/python/wrong-2`, `snapshotting/example-1`.
    pub id: String,
    /// Where its code stands.
    pub lesson: &'c Lesson,
    /// The line of the code's fence, from 1; of a mutant, the line in the solution that differs, or where the lesson
    /// calls it equivalent.
    pub line: usize,
    /// The section's exercise; an example may have none.
    pub exercise: Option<&'c Exercise>,
    /// What is run.
    pub answer: Answer,
    /// What must come of it.
    pub expectation: Expectation<'c>,
}

/// What must come of a case.
#[derive(Debug, Clone)]
pub enum Expectation<'c> {
    /// It runs, and replies as printed.
    Example(&'c Example),
    /// A solution: every check is met.
    Passes,
    /// A starter: unmet on this check, whatever else is.
    FailsOn(&'c str),
    /// A wrong answer: unmet on this check and no other.
    FailsExactlyOn(&'c str),
    /// The empty answer: not passed.
    Fails,
    /// A solution but for this: not passed.
    Mutant(Difference),
    /// A solution but for this, which the lesson calls equivalent: every check is met.
    Equivalent(Difference),
}

/// The kinds of cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A block without a role.
    Example,
    /// Where the student starts.
    Starter,
    /// A right answer.
    Solution,
    /// A known wrong answer.
    Wrong,
    /// No answer at all.
    Empty,
    /// What the runner made out of a solution.
    Mutant,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Example, Self::Starter, Self::Solution, Self::Wrong, Self::Empty, Self::Mutant];

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

impl Case<'_> {
    /// Given to its server as it starts.
    pub fn settings(&self) -> &[(String, String)] {
        self.exercise.map(|exercise| exercise.settings.as_slice()).unwrap_or_default()
    }

    /// Whether it runs as cold as a student's answer, however warm a Python there is: an exercise's first solution in it.
    pub fn runs_cold(&self) -> bool {
        self.kind() == Kind::Solution && self.id.ends_with("/python/solution-1")
    }

    /// Which kind it is.
    pub fn kind(&self) -> Kind {
        match self.expectation {
            Expectation::Example(_) => Kind::Example,
            Expectation::Passes => Kind::Solution,
            Expectation::FailsOn(_) => Kind::Starter,
            Expectation::FailsExactlyOn(_) => Kind::Wrong,
            Expectation::Fails => Kind::Empty,
            Expectation::Mutant(_) | Expectation::Equivalent(_) => Kind::Mutant,
        }
    }
}

/// All cases of the course but its mutants ([`super::mutants`]), in reading order.
pub fn cases(course: &Course) -> Vec<Case<'_>> {
    course.lessons.iter().flat_map(lesson_cases).collect()
}

fn lesson_cases(lesson: &Lesson) -> Vec<Case<'_>> {
    let examples = lesson.steps.iter().flat_map(|step| {
        step.examples.iter().map(move |example| (example, step.exercise.as_ref()))
    });
    let examples = examples.enumerate().map(|(index, (example, exercise))| Case {
        id: format!("{}/example-{}", lesson.id, index + 1),
        lesson,
        line: lesson.line_of(example.code.span.start),
        exercise,
        answer: Answer {
            language: example.code.language,
            text: example.code.text.clone(),
            path: None,
        },
        expectation: Expectation::Example(example),
    });
    let exercises = lesson.steps.iter().filter_map(|step| step.exercise.as_ref());
    examples.chain(exercises.flat_map(|exercise| exercise_cases(lesson, exercise))).collect()
}

fn exercise_cases<'c>(lesson: &'c Lesson, exercise: &'c Exercise) -> Vec<Case<'c>> {
    let languages = exercise.languages().into_iter();
    languages.flat_map(|language| cases_in(language, lesson, exercise)).collect()
}

fn cases_in<'c>(language: Language, lesson: &'c Lesson, exercise: &'c Exercise) -> Vec<Case<'c>> {
    let of_language = |it: &&FailingAnswer| it.code.language == language;
    let case = |name: String, code: &Code, expectation| Case {
        id: format!("{}/{language}/{name}", exercise.id),
        lesson,
        line: lesson.line_of(code.span.start),
        exercise: Some(exercise),
        answer: Answer { language, text: code.text.clone(), path: None },
        expectation,
    };
    let mut cases = Vec::new();
    for starter in exercise.starters.iter().filter(of_language) {
        cases.push(case("starter".to_owned(), &starter.code, Expectation::FailsOn(&starter.fails)));
    }
    let solutions = exercise.solutions.iter().filter(|code| code.language == language);
    for (index, code) in solutions.enumerate() {
        cases.push(case(format!("solution-{}", index + 1), code, Expectation::Passes));
    }
    for (index, wrong) in exercise.wrong_answers.iter().filter(of_language).enumerate() {
        let expectation = Expectation::FailsExactlyOn(&wrong.fails);
        cases.push(case(format!("wrong-{}", index + 1), &wrong.code, expectation));
    }
    let nothing = Code { language, text: String::new(), span: exercise.span.clone() };
    cases.push(case("empty".to_owned(), &nothing, Expectation::Fails));
    cases
}

/// Whether a case needs Python.
pub fn needs_python(cases: &[Case<'_>]) -> bool {
    cases.iter().any(|case| case.answer.language == Language::Python)
}
