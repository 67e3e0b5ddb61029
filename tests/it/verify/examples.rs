//! What `verify` says of an example that fails.

use crate::support::{Ended, Workspace};

fn verify(example: &str) -> (Workspace, Ended) {
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", format!("# L\n\nText.\n\n{example}"));
    let reports = ["junit=j.xml", "github=g.txt", "summary=s.md", "jsonl=l.jsonl"];
    let mut arguments = vec!["verify", "--lessons", "course"];
    arguments.extend(reports.iter().flat_map(|report| ["--report", *report]));
    let ended = workspace.run(&arguments);
    (workspace, ended)
}

#[track_caller]
fn assert_told(python: &str, line: usize, says: &str) {
    let (_, ended) = verify(&format!("```python\n{python}\n```\n"));
    assert_eq!(ended.code, 1, "{ended:?}");
    let expected = format!("  --> course/01-l.md:{line}\n  the example failed: {says}\n");
    assert!(ended.stdout.contains(&expected), "{expected}\nis not in\n{}", ended.stdout);
}

#[test]
fn an_exception_is_named_at_the_line_that_raised_it() {
    let python = "def check():\n    raise ValueError('no')\n\ncheck()";
    assert_told(python, 7, "ValueError: no");
}

#[test]
fn all_lines_of_a_message_are_told() {
    let python = "class Bad(Exception): pass\nraise Bad('the order is missing\\n  found: nil')";
    assert_told(python, 7, "Bad: the order is missing\n      found: nil");
}

#[test]
fn a_group_is_named() {
    let python = "class Two(Exception): pass\ntry:\n    ExceptionGroup\nexcept NameError:\n    raise \
                  SystemExit('ExceptionGroup: two (2 sub-exceptions)')\nraise ExceptionGroup('two', \
                  [ValueError('a'), TypeError('b')])";
    let (_, ended) = verify(&format!("```python\n{python}\n```\n"));
    assert!(ended.stdout.contains("ExceptionGroup: two (2 sub-exceptions)"), "{}", ended.stdout);
}

#[test]
fn what_led_to_an_exception_is_told() {
    let python = "try:\n    1/0\nexcept ZeroDivisionError as e:\n    raise RuntimeError('wrapped') \
                  from e";
    let says = "RuntimeError: wrapped\n    caused by ZeroDivisionError: division by zero";
    assert_told(python, 9, says);
}

#[test]
fn a_program_that_ends_itself_is_told_by_its_exit_status() {
    let python = "import sys\nprint('Traceback follows', file=sys.stderr)\nraise SystemExit(3)";
    assert_told(python, 5, "exit status 3; its last error message: Traceback follows");
}

#[test]
fn a_long_reply_is_cut_where_it_differs_in_every_report() {
    let redis = "> SETRANGE k 100000 x\n(integer) 100001\n> GETRANGE k 0 9000\n\"nope\"\n";
    let (workspace, ended) = verify(&format!("```redis\n{redis}```\n"));
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stdout.contains("characters"), "{}", ended.stdout);
    assert!(ended.stdout.len() < 1500, "{}", ended.stdout);
    for name in ["j.xml", "g.txt", "s.md", "l.jsonl"] {
        let report = std::fs::read_to_string(workspace.work().join(name)).unwrap();
        assert!(report.len() < 4096, "{name}: {}", report.len());
        assert!(report.contains("redislings verify l/example-1"), "{name}: {report}");
    }
}
