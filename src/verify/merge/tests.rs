use std::time::Duration;

use super::*;
use crate::verify::case::CaseKind;
use crate::verify::report::Conclusion;

const ALL: [&str; 5] = ["e/a", "e/b", "e/c", "e/d", "e/e"];

fn part(name: &str, slice: Option<(usize, usize)>, wanted: &str) -> Part {
    let slice = slice.map(|(index, count)| Slice::new(index, count).unwrap());
    let all = ALL.iter().enumerate().map(|(place, id)| PlannedCase {
        place,
        id: (*id).to_owned(),
        kind: CaseKind::Wrong,
        lesson: "l".to_owned(),
        file: "l.md".to_owned(),
        line: place + 1,
    });
    let cases: Vec<PlannedCase> = Slice::part(slice, all.collect());
    let passed = |case: &PlannedCase| CaseReport {
        outcome: CaseOutcome::Passed,
        server: "redis 7.0.15 (process)".to_owned(),
        runs: 1,
        retries: 0,
        ..case.not_run()
    };
    let server = ServerReport {
        wanted: wanted.to_owned(),
        unchecked: None,
        cases: cases.iter().map(passed).collect(),
        took: Duration::from_secs(1),
    };
    let plan = Plan {
        course: "C".to_owned(),
        slice,
        wanted: ALL.len(),
        fingerprint: "f".to_owned(),
        servers: vec![wanted.to_owned()],
        cases,
    };
    let report = Report {
        course: "C".to_owned(),
        slice,
        servers: vec![server],
        warnings: Vec::new(),
        incomplete: Vec::new(),
        nothing: None,
    };
    Part { name: name.to_owned(), plan, report, is_finished: true }
}

fn set(part: &mut Part, index: usize, outcome: CaseOutcome) {
    part.report.servers[0].cases[index].outcome = outcome;
}

fn merged(parts: &[Part]) -> Report {
    merge(parts).unwrap().1
}

/// What is missing, without the help.
fn incomplete(report: &Report) -> Vec<&str> {
    report.incomplete.iter().map(|error| error.fact.as_str()).collect()
}

#[test]
fn the_parts_of_a_run_are_the_whole_run() {
    let whole = part("w", None, "");
    let parts: Vec<Part> = (1..=3).rev().map(|index| part("p", Some((index, 3)), "")).collect();
    let (plan, report) = merge(&parts).unwrap();
    assert_eq!((plan, report), (whole.plan, whole.report));
}

#[test]
fn a_missing_part_is_named_and_never_green() {
    let report = merged(&[part("a", Some((1, 3)), ""), part("c", Some((3, 3)), "")]);
    assert_eq!(report.conclusion(), Conclusion::Unchecked);
    assert_eq!(incomplete(&report), ["2 of 5 cases are in no report; missing: slice:2/3"]);
}

#[test]
fn a_part_that_did_not_end_is_never_green() {
    let mut second = part("b", Some((2, 2)), "");
    second.is_finished = false;
    set(&mut second, 1, CaseOutcome::NotRun);
    let report = merged(&[part("a", Some((1, 2)), ""), second]);
    assert_eq!(report.conclusion(), Conclusion::Unchecked);
    let fact = "the run of `b` did not finish: it reported 1 of 2 cases";
    assert_eq!(incomplete(&report), [fact]);
}

#[test]
fn a_failure_says_more_than_a_missing_part() {
    let mut first = part("a", Some((1, 2)), "");
    set(&mut first, 0, CaseOutcome::Failed);
    assert_eq!(merged(&[first]).conclusion(), Conclusion::Failed);
}

#[test]
fn a_contradiction_is_reported_and_the_worse_outcome_stays() {
    for swap in [false, true] {
        let mut parts = [part("a", None, ""), part("b", None, "")];
        set(&mut parts[usize::from(swap)], 2, CaseOutcome::Unchecked);
        let report = merged(&parts);
        assert_eq!(report.servers[0].cases[2].outcome, CaseOutcome::Unchecked);
        assert_eq!(report.servers[0].cases.len(), 5);
        let words = if swap { ["passed", "unchecked"] } else { ["unchecked", "passed"] };
        let fact = format!("`e/c` is {} in `a` and {} in `b`", words[0], words[1]);
        assert_eq!(incomplete(&report), [fact]);
    }
}

#[test]
fn the_same_report_twice_changes_nothing() {
    let once = merged(&[part("a", None, "")]);
    assert_eq!(merged(&[part("a", None, ""), part("b", None, "")]), once);
}

#[test]
fn reports_on_several_servers_stay_apart() {
    let report = merged(&[part("a", None, "redis 7.0"), part("b", None, "valkey 9")]);
    let wanted: Vec<&str> = report.servers.iter().map(|server| server.wanted.as_str()).collect();
    assert_eq!(wanted, ["redis 7.0", "valkey 9"]);
    assert_eq!(report.conclusion(), Conclusion::Passed);
}

#[test]
fn a_part_that_is_missing_on_one_server_is_reported_there() {
    let [mut first, second] =
        [part("a", Some((1, 2)), "redis 7.0"), part("b", Some((2, 2)), "redis 7.0")];
    let mut other = first.report.servers[0].clone();
    other.wanted = "valkey 9".to_owned();
    first.report.servers.push(other);
    let report = merged(&[first, second]);
    assert_eq!(
        incomplete(&report),
        ["2 of 5 cases on valkey 9 are in no report; missing: slice:2/2"]
    );
}

#[test]
fn where_any_server_would_do_several_stay_apart() {
    let mut other = part("b", None, "");
    for case in &mut other.report.servers[0].cases {
        case.server = "valkey 9.1.2 (bundled)".to_owned();
    }
    let report = merged(&[part("a", None, ""), other]);
    let wanted: Vec<&str> = report.servers.iter().map(|server| server.wanted.as_str()).collect();
    assert_eq!(wanted, ["redis 7.0.15 (process)", "valkey 9.1.2 (bundled)"]);
    assert_eq!(report.conclusion(), Conclusion::Passed);
}

#[test]
fn other_lessons_are_refused_by_name() {
    let mut other = part("b.jsonl", Some((2, 2)), "");
    other.plan.fingerprint = "g".to_owned();
    let why = merge(&[part("a.jsonl", Some((1, 2)), ""), other]).unwrap_err();
    assert!(why.starts_with("`a.jsonl` and `b.jsonl` are not about the same lessons"), "{why}");
    let mut other = part("b.jsonl", Some((2, 2)), "");
    other.plan.course = "D".to_owned();
    assert!(merge(&[part("a.jsonl", None, ""), other]).unwrap_err().contains("the course `C`"));
}
