//! `JUnit` XML for CI systems. Uses only what the schema of Jenkins' xUnit plugin (`junit-10.xsd`,
//! pytest's `xunit2`) allows, but for a case's `file` and `line`: by `file`, GitLab links a failed
//! test to its place. Jenkins' own plugin ignores both. The only user of `quick_junit`.

use quick_junit::{NonSuccessKind, Property, TestCase, TestCaseStatus, TestSuite};
use regex_lite::Regex;

use super::{
    could_not_be_checked, is_error, located, named_with_server, sentences, title,
    unchecked_at_large, warning,
};
use crate::lesson::Problem;
use crate::verify::report::{CaseOutcome, CaseReport, Report, ServerReport, Warning};

/// A suite for each lesson on each server. GitLab treats tests with the same name as one test, so
/// names include the server if several were requested.
pub fn xml(report: &Report) -> String {
    let mut suites = Vec::new();
    let mut warnings: Vec<&Warning> = report.warnings.iter().collect();
    for server in &report.servers {
        for cases in server.cases.chunk_by(|one, other| one.lesson == other.lesson) {
            let (here, elsewhere) = warnings.into_iter().partition(|one| one.file == cases[0].file);
            warnings = elsewhere;
            suites.push(with_warnings(lesson_suite(cases, report, server), here));
        }
    }
    if !warnings.is_empty() {
        suites.push(with_warnings(TestSuite::new("warnings"), warnings));
    }
    let at_large = unchecked_at_large(report);
    if !at_large.is_empty() {
        let errors = at_large.into_iter().map(|(name, error)| {
            let status =
                non_success(NonSuccessKind::Error, "unchecked", &could_not_be_checked(error), "");
            named("redislings", name, status)
        });
        suites.push(suite("unchecked", errors));
    }
    document(suites)
}

fn with_warnings(mut suite: TestSuite, warnings: Vec<&Warning>) -> TestSuite {
    let warnings: Vec<String> = warnings.into_iter().map(located).collect();
    if !warnings.is_empty() {
        suite.set_system_out(warnings.join("\n"));
    }
    suite
}

/// An error for each problem that prevents loading the lessons.
pub fn problems(problems: &[Problem]) -> String {
    let errors = problems.iter().filter(|problem| is_error(problem)).map(|problem| {
        let warning = warning(problem);
        let status =
            non_success(NonSuccessKind::Error, "lesson", &problem.message, &located(&warning));
        let mut case = named("lessons", &problem.place(), status);
        case.extra.insert("file".into(), warning.file.into());
        case.extra.insert("line".into(), warning.line.to_string().into());
        case
    });
    document(vec![suite("lessons", errors)])
}

/// The cases of a lesson on a server; at least one.
fn lesson_suite(cases: &[CaseReport], report: &Report, server: &ServerReport) -> TestSuite {
    let name = named_with_server(&cases[0].lesson, server);
    let mut suite = suite(&name, cases.iter().map(|case| test_case(case, server)));
    suite.extra.insert("file".into(), cases[0].file.as_str().into());
    suite.set_time(cases.iter().map(|case| case.took).sum());
    suite.add_property(Property::new("course", &report.course));
    suite.add_property(Property::new("server", server.server()));
    if !server.wanted.is_empty() {
        suite.add_property(Property::new("wanted", &server.wanted));
    }
    if let Some(slice) = report.slice {
        suite.add_property(Property::new("slice", slice.to_string()));
    }
    for case in
        cases.iter().filter(|case| !case.repeat.is_empty() && case.outcome != CaseOutcome::Passed)
    {
        suite.add_property(Property::new(format!("repeat {}", case.id), &case.repeat));
    }
    suite
}

fn test_case(case: &CaseReport, server: &ServerReport) -> TestCase {
    let message = sentences(case).join("\n");
    let status = match case.outcome {
        CaseOutcome::Passed => TestCaseStatus::success(),
        CaseOutcome::Failed => {
            let kind = if case.is_flaky { "flaky" } else { case.kind.word() };
            non_success(NonSuccessKind::Failure, kind, &message, &text(case))
        }
        CaseOutcome::Unchecked => {
            non_success(NonSuccessKind::Error, "unchecked", &message, &text(case))
        }
        CaseOutcome::NotRun => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message("not run: the run ended early");
            skipped
        }
        CaseOutcome::NotForServer => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message("its exercise is not for this server");
            skipped
        }
    };
    let id = title(case, server);
    let (class, name) = id.split_once('/').unwrap_or(("", &id));
    let mut test_case = named(class, name, status);
    test_case.extra.insert("file".into(), case.file.as_str().into());
    test_case.extra.insert("line".into(), case.line.to_string().into());
    test_case.set_time(case.took);
    test_case
}

/// The details of a case: its location, its problems, the evidence and the command to repeat it.
fn text(case: &CaseReport) -> String {
    let place = format!("{}:{}", case.file, case.line);
    let repeat = format!("repeat: {}", case.repeat);
    let mut parts = vec![place, sentences(case).join("\n"), case.details.clone(), repeat];
    parts.retain(|part| !part.is_empty());
    parts.iter().map(|part| part.trim_end().to_owned() + "\n").collect()
}

fn non_success(kind: NonSuccessKind, what: &str, message: &str, text: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(what).set_message(message).set_description(text);
    status
}

fn named(class: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(class);
    case
}

fn suite(name: &str, cases: impl Iterator<Item = TestCase>) -> TestSuite {
    let mut suite = TestSuite::new(name);
    suite.add_test_cases(cases);
    suite
}

fn document(suites: Vec<TestSuite>) -> String {
    let mut document = quick_junit::Report::new("redislings");
    document.set_time(suites.iter().filter_map(|suite| suite.time).sum());
    document.add_test_suites(suites);
    // Writing strings to memory cannot fail.
    without_skipped_in_all(&document.to_string().unwrap_or_default())
}

/// Removes the attribute `skipped` of `testsuites`, which quick-junit writes but the schema does
/// not allow.
fn without_skipped_in_all(xml: &str) -> String {
    let skipped = Regex::new(r#"(<testsuites [^>]*?) skipped="[^"]*""#);
    skipped.expect("the pattern is correct").replace(xml, "$1").into_owned()
}
