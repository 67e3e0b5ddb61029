use super::*;
use crate::attempt::evidence::{Output, ProgramEnd, ProgramRun};
use crate::lesson::Language;
use crate::server::ServerInfo;

const NOTHING: &str = "";

fn finding(check: &str, outcome: Outcome, found: &str) -> Finding {
    Finding {
        check: check.to_owned(),
        says: format!("{check} is done"),
        outcome,
        expected: "another LASTSAVE".to_owned(),
        found: found.to_owned(),
        otherwise: (outcome == Outcome::Unmet).then(|| "what does the reply promise?".to_owned()),
        in_worlds: Vec::new(),
    }
}

fn verdict(findings: &[(&str, Outcome, &str)]) -> Verdict {
    let findings = findings.iter().map(|(check, outcome, found)| finding(check, *outcome, found));
    Verdict { findings: findings.collect(), diagnosis: None }
}

/// One of each kind.
fn mixed() -> Verdict {
    verdict(&[
        ("a", Outcome::Met, "OK"),
        ("b", Outcome::Unmet, "GET a → 1"),
        ("c", Outcome::NotReached, NOTHING),
    ])
}

fn printing(stdout: &str, stderr: &str) -> Evidence {
    let output = |text: &str| Output { text: text.to_owned(), omitted: 0 };
    let (stdout, stderr) = (output(stdout), output(stderr));
    let run = Run::Program(ProgramRun { end: ProgramEnd::Exited(1), stdout, stderr });
    Evidence { run, ..Evidence::new(ServerInfo::default()) }
}

fn shown(evidence: &Evidence, verdict: &Verdict, previous: Option<&Verdict>) -> String {
    colored::control::set_override(false);
    let server = "redis 7.0.15 (process)";
    let all = Judged { exercise: "saving", server, answer: None, evidence, verdict, previous };
    judged(&all, Detail::Short, 50)
}

#[test]
fn a_short_verdict_leaves_out_what_is_met() {
    insta::assert_snapshot!(shown(&printing("", ""), &mixed(), None));
}

#[test]
fn a_plain_verdict_has_words_for_signs() {
    insta::assert_snapshot!(plain::while_on(|| shown(&printing("", ""), &mixed(), None)));
}

#[test]
fn a_pass_shows_all_that_is_met() {
    let passed = verdict(&[("a", Outcome::Met, "OK"), ("b", Outcome::Met, "OK")]);
    insta::assert_snapshot!(shown(&printing("", ""), &passed, None));
}

#[test]
fn what_has_changed_since_the_last_attempt_is_one_line() {
    let before = verdict(&[
        ("a", Outcome::Unmet, "nil"),
        ("b", Outcome::Met, "OK"),
        ("c", Outcome::NotReached, NOTHING),
    ]);
    let text = shown(&printing("", ""), &mixed(), Some(&before));
    assert!(text.contains("\n1 → 1 checks met; new: a is done; no longer: b is"), "{text}");
    let same = shown(&printing("", ""), &mixed(), Some(&mixed()));
    assert_eq!(same, shown(&printing("", ""), &mixed(), None));
}

#[test]
fn a_check_without_evidence_is_not_blamed_on_another_one() {
    let findings = [("a", Outcome::NotReached, "too much was sent"), ("b", Outcome::Unmet, "nil")];
    let text = shown(&printing("", ""), &verdict(&findings), None);
    assert!(text.contains("(not judged: too much was sent)\n"), "{text}");
    let findings = [("a", Outcome::NotReached, NOTHING), ("b", Outcome::Unmet, "nil")];
    let text = shown(&printing("", ""), &verdict(&findings), None);
    assert!(text.contains("because of the ✗ below)"), "{text}");
}

#[test]
fn a_traceback_stands_where_the_program_failed_and_its_output_last() {
    let stderr = "Traceback (most recent call last):\n  File \"/tmp/x/answers/a.py\", line 3, in \
                  <module>\n    save()\nValueError: no\n";
    let failed =
        verdict(&[(ENDS_WELL, Outcome::Unmet, "exit status 1"), ("b", Outcome::Unmet, "nil")]);
    insta::assert_snapshot!(shown(&printing("1\n2\n3\n4\n5\n6\n", stderr), &failed, None));
}

#[test]
fn the_line_that_shows_the_cause_is_named() {
    let text = "import redis\nclient = redis.Redis()\nclient.flushdb()\n".to_owned();
    let answer = Answer { language: Language::Python, text, path: Some("/x/answers/a.py".into()) };
    let mut evidence = printing("", "");
    evidence.timeline.exchanges = vec![crate::relay::Exchange {
        at: std::time::Duration::ZERO,
        connection: 1,
        words: vec![b"FLUSHDB".to_vec(), b"ASYNC".to_vec()],
        reply: None,
        outcome: crate::relay::CommandOutcome::Unknown,
    }];
    let diagnosis = crate::verdict::Diagnosed {
        id: "a",
        cause: "it was not waited for".to_owned(),
        evidence: vec![crate::verdict::Pointer::Exchange(0)],
    };
    let verdict = Verdict { diagnosis: Some(diagnosis), ..mixed() };
    let origin = origin::origin(&answer, &evidence, &verdict);
    assert_eq!(origin.as_deref(), Some("answers/a.py:3  client.flushdb()"));
    let text = answer.text.clone() + "client.flushdb()\n";
    assert_eq!(origin::origin(&Answer { text, ..answer }, &evidence, &verdict), None);
}
