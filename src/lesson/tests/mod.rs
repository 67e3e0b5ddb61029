//! The loader's tests: one claim a test, on small markdown texts.

mod advice;
mod answers;
mod beside;
mod blocks;
pub(crate) mod checks;
mod courses;
mod expected;
mod folders;
mod foreign;
mod pages;
mod places;
mod plain_markdown;
mod reading;
mod stopping;
mod sturdy;
mod subjects;
mod tasks;
mod transcripts_and_dumps;
mod worlds;
mod words;

use std::path::Path;

use super::parse::parse;
use super::{Lesson, Problem, Severity};

/// An exercise without a problem; tests replace a line of it.
const EXERCISE: &str = r#"# Snapshots

Read this.

## Save it

Do it.

```toml exercise
id = "saving"

[[check]]
id = "saved"
calls = { save = 1 }
```

> [!TIP]
> Try `SAVE`.

```redis starter fails=saved
SET a 1
```

```redis solution
SAVE
```
"#;

fn read(source: &str) -> (Option<Lesson>, Vec<Problem>) {
    parse(Path::new("lessons/04-snapshotting.md"), source.to_owned())
}

fn lesson(source: &str) -> Lesson {
    let (lesson, problems) = read(source);
    lesson.unwrap_or_else(|| panic!("{}", drawn(&problems)))
}

/// [`EXERCISE`] with `old` replaced.
fn with(old: &str, new: &str) -> String {
    assert!(EXERCISE.contains(old), "{old}");
    EXERCISE.replacen(old, new, 1)
}

/// [`EXERCISE`] with this line in place of its only subject.
pub(crate) fn with_subject(subject: &str) -> String {
    with("calls = { save = 1 }", subject)
}

/// Every problem as `line:column: message` with ` (help)` and, for warnings, `warning: ` before it.
pub(crate) fn told(source: &str) -> Vec<String> {
    read(source).1.iter().map(tell).collect()
}

fn tell(problem: &Problem) -> String {
    let place = problem.position().map(|(line, column)| format!("{line}:{column}: "));
    let severity = if problem.severity == Severity::Warning { "warning: " } else { "" };
    let help = problem.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    format!("{severity}{}{}{help}", place.unwrap_or_default(), problem.message)
}

fn drawn(problems: &[Problem]) -> String {
    let drawn: Vec<String> =
        problems.iter().map(|problem| super::problem::draw(problem, false)).collect();
    drawn.join("\n\n")
}

/// Asserts that the only problem is this one.
#[track_caller]
pub(crate) fn assert_problem(source: &str, expected: &str) {
    assert_eq!(told(source), [expected]);
}

/// Asserts that one of the problems begins like this.
#[track_caller]
pub(crate) fn assert_told(source: &str, expected: &str) {
    let told = told(source);
    assert!(
        told.iter().any(|problem| problem.starts_with(expected)),
        "{expected}\nis not in\n{told:#?}"
    );
}

/// Asserts that one of the problems says this.
#[track_caller]
pub(crate) fn assert_says(source: &str, message: &str) {
    let told = told(source);
    assert!(
        told.iter().any(|problem| problem.contains(message)),
        "{message}\nis not in\n{told:#?}"
    );
}
