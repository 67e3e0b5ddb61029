//! The formats of one report that has a case of each outcome.

use std::path::Path;
use std::time::Duration;

use super::json_lines::{Malformed, Recorded};
use super::*;
use crate::lesson::problem::Problem;
use crate::verify::case::CaseKind;
use crate::verify::choice::Slice;
use crate::verify::merge::Part;
use crate::verify::plan::{Plan, PlannedCase};
use crate::verify::report::CaseOutcome;

fn case(id: &str, line: usize, outcome: CaseOutcome) -> CaseReport {
    let runs = u32::from(outcome != CaseOutcome::NotRun);
    CaseReport {
        id: id.to_owned(),
        kind: CaseKind::Wrong,
        lesson: "saving".to_owned(),
        file: "lessons/01-saving.md".to_owned(),
        line,
        server: if runs == 1 { "redis 7.0.15 (process)".to_owned() } else { String::new() },
        outcome,
        problems: Vec::new(),
        unchecked: None,
        details: String::new(),
        repeat: format!("redislings verify {id} --server process"),
        runs,
        retries: 0,
        is_flaky: false,
        took: Duration::from_millis(40 * u64::from(runs)),
    }
}

fn failed() -> CaseReport {
    CaseReport {
        problems: vec!["`saved` is met | 100%, <b>".to_owned()],
        details: "\u{1b}[31mred\u{1b}[0m </pre>\n```\n".to_owned(),
        ..case("e/redis/wrong-1", 12, CaseOutcome::Failed)
    }
}

fn report() -> Report {
    let unchecked = CaseReport {
        unchecked: Some(EnvironmentError::new("the disk is full", "free some space")),
        ..case("e/redis/wrong-2", 20, CaseOutcome::Unchecked)
    };
    let cases = vec![
        case("e/redis/solution-1", 5, CaseOutcome::Passed),
        failed(),
        unchecked,
        case("e/redis/empty", 3, CaseOutcome::NotRun),
    ];
    let took = Duration::from_millis(1250);
    let warning = Warning {
        file: "lessons/01-saving.md".to_owned(),
        line: 7,
        column: 3,
        message: "nothing fails on `ok`".to_owned(),
        help: "add a wrong answer".to_owned(),
    };
    Report {
        course: "A *course*".to_owned(),
        slice: Slice::new(1, 2),
        servers: vec![ServerReport { wanted: String::new(), unchecked: None, cases, took }],
        warnings: vec![warning],
        incomplete: Vec::new(),
        nothing: None,
    }
}

fn plan(report: &Report) -> Plan {
    Plan {
        course: report.course.clone(),
        slice: report.slice,
        wanted: 7,
        fingerprint: "f00d".to_owned(),
        servers: report.servers.iter().map(|server| server.wanted.clone()).collect(),
        cases: (0..).zip(&report.servers[0].cases).map(planned).collect(),
    }
}

fn planned((index, case): (usize, &CaseReport)) -> PlannedCase {
    PlannedCase {
        place: 2 * index,
        id: case.id.clone(),
        kind: case.kind,
        lesson: case.lesson.clone(),
        file: case.file.clone(),
        line: case.line,
    }
}

#[test]
fn people_read_failures_first_and_a_line_for_each_server_last() {
    colored::control::set_override(false);
    let text = human::text(&report()).replace("\u{1b}[31m", "").replace("\u{1b}[0m", "");
    insta::assert_snapshot!(text, @"
    e/redis/wrong-1
      --> lessons/01-saving.md:12
      `saved` is met | 100%, <b>
      red </pre>
      ```
      repeat: redislings verify e/redis/wrong-1 --server process

    e/redis/wrong-2
      --> lessons/01-saving.md:20
      could not be checked: the disk is full
      help: free some space
      repeat: redislings verify e/redis/wrong-2 --server process

    warning: nothing fails on `ok`
      --> lessons/01-saving.md:7
      help: add a wrong answer

    ✗ e/redis: 1 of 4

    1 of 4 cases passed, on redis 7.0.15 (process); 1 failed, 1 could not be checked, 1 not run; 1.2 s
    ");
}

#[test]
fn retries_are_counted() {
    let mut report = report();
    report.servers[0].cases[0].retries = 3;
    let text = human::text(&report);
    assert!(text.contains("1 not run, 3 retried; 1.2 s"), "{text}");
}

#[test]
fn a_flaky_case_is_counted() {
    let mut report = report();
    report.servers[0].cases[1].is_flaky = true;
    let text = human::text(&report);
    assert!(
        text.contains("; 1 failed, 1 could not be checked, 1 flaky, 1 not run; 1.2 s"),
        "{text}"
    );
}

#[test]
fn annotations_point_at_the_markdown_line() {
    let text = github::annotations(&report(), &|file| Some(format!("course/{file}")));
    let lines = [
        "::error file=course/lessons/01-saving.md,line=12,title=e/redis/wrong-1::\
         `saved` is met | 100%25, <b>%0Arepeat: redislings verify e/redis/wrong-1 --server process",
        "::error file=course/lessons/01-saving.md,line=20,title=e/redis/wrong-2::\
         could not be checked: the disk is full; help: free some space\
         %0Arepeat: redislings verify e/redis/wrong-2 --server process",
        "::warning file=course/lessons/01-saving.md,line=7,col=3,title=redislings::\
         nothing fails on `ok`%0Ahelp: add a wrong answer",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), lines);
}

#[test]
fn what_has_no_file_has_no_line_either() {
    let text = github::annotations(&report(), &|_| None);
    assert!(text.starts_with("::error title=e/redis/wrong-1::"), "{text}");
    assert!(!text.contains("line="), "{text}");
}

#[test]
fn properties_of_an_annotation_are_escaped() {
    let mut report = report();
    report.servers[0].wanted = "redis 7.0, or so: 100%".to_owned();
    let text = github::annotations(&report, &|_| None);
    let title = "::error title=e/redis/wrong-1 (redis 7.0%2C or so%3A 100%25)::";
    assert!(text.starts_with(title), "{text}");
}

#[test]
fn a_lesson_that_cant_be_loaded_is_annotated_where_it_is_wrong() {
    let problem = Problem {
        source: "# L\n\nab".into(),
        span: Some(6..7),
        ..Problem::of_path(Path::new("l.md"), "no `b` here", Some("write c".to_owned()))
    };
    let text = github::problems(std::slice::from_ref(&problem), &|file| Some(file.to_owned()));
    assert_eq!(
        text,
        "::error file=l.md,line=3,col=2,title=redislings::no `b` here%0Ahelp: write c\n"
    );
    let xml = junit::problems(&[problem]);
    assert!(xml.contains("errors=\"1\"") && xml.contains("name=\"l.md:3:2\""), "{xml}");
}

#[test]
fn junit_has_a_test_for_each_case() {
    insta::assert_snapshot!(junit::xml(&report()), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites name="redislings" tests="4" failures="1" errors="1" time="0.120">
        <testsuite name="saving" tests="4" skipped="1" errors="1" failures="1" time="0.120" file="lessons/01-saving.md">
            <properties>
                <property name="course" value="A *course*"/>
                <property name="server" value="redis 7.0.15 (process)"/>
                <property name="slice" value="1/2"/>
                <property name="repeat e/redis/wrong-1" value="redislings verify e/redis/wrong-1 --server process"/>
                <property name="repeat e/redis/wrong-2" value="redislings verify e/redis/wrong-2 --server process"/>
                <property name="repeat e/redis/empty" value="redislings verify e/redis/empty --server process"/>
            </properties>
            <testcase name="redis/solution-1" classname="e" time="0.040" file="lessons/01-saving.md" line="5"/>
            <testcase name="redis/wrong-1" classname="e" time="0.040" file="lessons/01-saving.md" line="12">
                <failure message="`saved` is met | 100%, &lt;b&gt;" type="wrong">lessons/01-saving.md:12
    `saved` is met | 100%, &lt;b&gt;
    red &lt;/pre&gt;
    ```
    repeat: redislings verify e/redis/wrong-1 --server process
    </failure>
            </testcase>
            <testcase name="redis/wrong-2" classname="e" time="0.040" file="lessons/01-saving.md" line="20">
                <error message="could not be checked: the disk is full; help: free some space" type="unchecked">lessons/01-saving.md:20
    could not be checked: the disk is full; help: free some space
    repeat: redislings verify e/redis/wrong-2 --server process
    </error>
            </testcase>
            <testcase name="redis/empty" classname="e" time="0.000" file="lessons/01-saving.md" line="3">
                <skipped message="not run: the run ended early"/>
            </testcase>
            <system-out>lessons/01-saving.md:7:3: nothing fails on `ok`; help: add a wrong answer</system-out>
        </testsuite>
    </testsuites>
    "#);
}

#[test]
fn a_warning_stands_in_the_suite_of_its_lesson() {
    let mut report = report();
    report.warnings[0].file = "lessons/02-other.md".to_owned();
    let xml = junit::xml(&report);
    let (saving, others) = xml.split_once("</testsuite>").unwrap();
    assert!(!saving.contains("system-out"), "{xml}");
    assert!(others.contains("lessons/02-other.md:7:3: nothing fails on"), "{xml}");
}

#[test]
fn a_report_without_a_case_does_not_look_like_a_proof() {
    let mut report = report();
    report.servers[0].cases.clear();
    report.warnings.clear();
    report.nothing = Some("no lesson differs from `main`".to_owned());
    let text = human::text(&report);
    assert_eq!(text, "\nnothing to run\nno lesson differs from `main`\n");
    let markdown = summary::markdown(&report, summary::LIMIT);
    assert!(markdown.contains("&#42;: nothing to run\n\nno lesson differs"), "{markdown}");
    let annotations = github::annotations(&report, &|_| None);
    assert_eq!(annotations, "::notice title=redislings::no lesson differs from `main`\n");
    let end = json_lines::end(&report);
    assert!(end.contains("\"conclusion\":\"nothing-to-run\""), "{end}");
}

#[test]
fn in_a_matrix_tests_of_one_name_stay_apart() {
    let mut report = report();
    report.servers[0].wanted = "redis 7.0".to_owned();
    let xml = junit::xml(&report);
    assert!(xml.contains("<testsuite name=\"saving (redis 7.0)\""), "{xml}");
    assert!(xml.contains("name=\"redis/wrong-1 (redis 7.0)\" classname=\"e\""), "{xml}");
}

#[test]
fn what_is_missing_is_an_error_in_every_format() {
    let mut report = report();
    report.servers[0].cases.truncate(1);
    report.incomplete.push(EnvironmentError::new("2 of 4 cases are in no report", "run them"));
    assert_eq!(report.conclusion(), crate::verify::report::Conclusion::Unchecked);
    assert!(junit::xml(&report).contains("errors=\"1\""));
    assert!(
        github::annotations(&report, &|_| None).contains("::error title=incomplete::could not")
    );
    assert!(summary::markdown(&report, summary::LIMIT).contains("2 of 4 cases are in no report"));
    assert!(human::text(&report).contains("2 of 4 cases are in no report"));
}

#[test]
fn a_summary_cant_be_broken_by_what_programs_print() {
    insta::assert_snapshot!(summary::markdown(&report(), summary::LIMIT), @"
    ## redislings: A &#42;course&#42;: failed

    Part 1/2 of the cases.

    | server | passed | failed | unchecked | not run | not for it | flaky | time |
    |---|---:|---:|---:|---:|---:|---:|---:|
    | redis 7.0.15 (process) | 1 | 1 | 1 | 1 | 0 | 0 | 1.2 s |

    ### e/redis/wrong-1: failed

    lessons/01-saving.md:12

    - &#96;saved&#96; is met &#124; 100%, &#60;b&#62;

    <pre>redislings verify e/redis/wrong-1 --server process</pre>

    <details><summary>evidence</summary>

    <pre>
    red &lt;/pre&gt;
    ```
    </pre>

    </details>

    ### e/redis/wrong-2: unchecked

    lessons/01-saving.md:20

    - could not be checked: the disk is full; help: free some space

    <pre>redislings verify e/redis/wrong-2 --server process</pre>

    ### Warnings: 1

    - lessons/01-saving.md:7:3: nothing fails on &#96;ok&#96;; help: add a wrong answer
    ");
}

#[test]
fn a_summary_keeps_its_limit_and_says_what_it_leaves_out() {
    let mut report = report();
    let long = CaseReport { details: "x".repeat(50_000), ..failed() };
    report.servers[0].cases = vec![long; 40];
    let text = summary::markdown(&report, 500_000);
    assert!(text.len() <= 500_000 && text.len() > 400_000, "{}", text.len());
    assert!(text.contains("cases are left out: GitHub's limit is 1 MiB"), "{}", text.len());
    assert_eq!(text.matches("### e/redis/wrong-1").count(), 40);
    let short = summary::markdown(&report, 5_000);
    assert!(short.len() <= 5_000, "{}", short.len());
    assert!(short.contains("more cases are left out"), "{short}");
}

/// All events of a finished run.
fn whole(plan: &Plan, report: &Report) -> String {
    let mut text = json_lines::begin(plan);
    for server_report in &report.servers {
        let wanted = &server_report.wanted;
        text.extend(
            server_report.cases.iter().map(|case_report| json_lines::case(wanted, case_report)),
        );
        text.push_str(&json_lines::server(server_report));
    }
    text + &json_lines::end(report)
}

#[test]
fn json_lines_read_back_give_the_report() {
    let mut report = report();
    let plan = plan(&report);
    let text = whole(&plan, &report);
    report.servers[0].cases[1].details = "red </pre>\n```\n".to_owned();
    let part = Part { name: "a.jsonl".to_owned(), plan, report, is_finished: true };
    assert_eq!(json_lines::read("a.jsonl", &text), Ok(Recorded::Run(Box::new(part))));
}

#[test]
fn a_stream_without_its_end_is_an_unfinished_run() {
    let report = report();
    let text = whole(&plan(&report), &report);
    // Also where a line was cut off.
    for cut in [text.rfind("{\"event\":\"end\"").unwrap(), text.len() - 3] {
        let Ok(Recorded::Run(part)) = json_lines::read("a.jsonl", &text[..cut]) else {
            panic!("{cut}")
        };
        assert!(!part.is_finished);
    }
    assert_eq!(json_lines::read("a.jsonl", ""), Ok(Recorded::Nothing));
}

#[test]
fn a_broken_line_is_told_with_its_number() {
    let report = report();
    let text = whole(&plan(&report), &report).replacen("\"runs\":1", "\"runs\":", 1);
    let Err(Malformed { line, message }) = json_lines::read("a.jsonl", &text) else { panic!() };
    assert_eq!(line, 2);
    assert!(message.starts_with("not a line of a report: "), "{message}");
    let other = whole(&plan(&report), &report).replace("\"format\":1", "\"format\":9");
    let Err(Malformed { line: 1, message }) = json_lines::read("a.jsonl", &other) else { panic!() };
    assert!(message.contains("format 9"), "{message}");
}

#[test]
fn two_runs_in_one_file_are_refused() {
    let report = report();
    let text = whole(&plan(&report), &report);
    let twice = json_lines::read("a.jsonl", &text.repeat(2)).unwrap_err();
    assert_eq!(twice.line, text.lines().count() + 1);
}
