//! `redislings verify` finds lessons that are broken on purpose.

mod changed;
mod examples;
mod faults;
mod flaky;
mod running;
mod update;

use crate::support::{Ended, Workspace, shipped_lessons};

const LESSON: &str = "04-snapshotting.md";

/// Verifies the cases `only` of the shipped lesson with one text replaced.
fn verify_with(from: &str, to: &str, only: &str) -> Ended {
    let shipped = std::fs::read_to_string(shipped_lessons().join(LESSON)).unwrap();
    assert!(shipped.contains(from), "the lesson has no `{from}`");
    let workspace = Workspace::new();
    workspace.file(&format!("lessons/{LESSON}"), shipped.replacen(from, to, 1));
    workspace.run(&["verify", only, "--lessons", "lessons"])
}

/// The ids and outcomes of the cases in a report.
fn outcomes(ended: &Ended) -> Vec<(String, String)> {
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    let cases = report["cases"].as_array().unwrap();
    cases.iter().map(|case| (text(&case["case"]), text(&case["outcome"]))).collect()
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn ids(ended: &Ended) -> Vec<String> {
    outcomes(ended).into_iter().map(|(id, _)| id).collect()
}

#[test]
fn a_broken_solution_is_found_and_located() {
    let ended = verify_with(
        "```redis solution\nSAVE\n",
        "```redis solution\nPING\n",
        "creating-snapshots/redis",
    );
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stdout.contains("the solution does not pass"), "{}", ended.stdout);
    assert!(ended.stdout.contains("--> lessons/04-snapshotting.md:"), "{}", ended.stdout);
    let repeat = "repeat: redislings verify creating-snapshots/redis/solution-1 --server";
    assert!(ended.stdout.contains(repeat), "{}", ended.stdout);
}

#[test]
fn a_wrong_answer_that_passes_is_found() {
    let lesson = "# L\n\n## E\n\n```toml exercise\nid = \"e\"\n[[check]]\nid = \"saved\"\n\
        calls = { save = \">= 1\" }\n```\n\n> [!TIP]\n> look\n\n```redis solution\nSAVE\n```\n\n\
        ```redis wrong fails=saved\nSAVE\n```\n";
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", lesson);
    let ended = workspace.run(&["verify", "--lessons", "course"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.stdout.contains("e/redis/wrong-1\n  --> course/01-l.md:19\n"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_wrong_answer_that_fails_on_another_check_is_found() {
    let ended = verify_with("fails=says-so", "fails=snapshot-is-new", "creating-snapshots/python");
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.stdout.contains("must fail on `snapshot-is-new`, which is met"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_check_that_can_never_be_met_is_found() {
    let ended = verify_with("bgsave = \">= 1\"", "bgsave = \">= 5\"", "creating-snapshots/redis");
    assert_eq!(ended.code, 1, "{ended:?}");
}

#[test]
fn a_check_that_an_empty_answer_meets_is_found() {
    let lesson = "# L\n\n## E\n\n```toml exercise\nid = \"e\"\n[[check]]\nid = \"never\"\n\
        calls = { save = 0 }\n```\n\n> [!TIP]\n> look\n\n```redis solution\nPING\n```\n\n\
        ```redis wrong fails=never\nSAVE\n```\n";
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", lesson);
    let ended = workspace.run(&["verify", "--lessons", "course"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stdout.contains("the empty answer passes"), "{}", ended.stdout);
}

#[test]
fn an_example_with_another_reply_is_found() {
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", "# L\n\n```redis\n> SET a 1\nOK\n> GET a\n\"2\"\n```\n");
    let ended = workspace.run(&["verify", "--lessons", "course"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.stdout.contains("`GET a` is answered by `\"1\"`, the lesson says `\"2\"`"),
        "{}",
        ended.stdout
    );
}

#[test]
fn an_example_that_ends_with_a_traceback_is_found() {
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", "# L\n\n```python\nraise ValueError('no')\n```\n");
    let ended = workspace.run(&["verify", "--lessons", "course"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stdout.contains("ValueError: no"), "{}", ended.stdout);
}

#[test]
fn an_example_goes_on_from_the_one_above_only_where_it_says_so() {
    let workspace = Workspace::new();
    let lesson = "# L\n\n```python\nr = 1\n```\n\n## B\n\n```python continued\nprint(r)\n```\n\n\
        ```redis\n127.0.0.1:6379> SET a 1\nOK\n```\n\n\
        ```redis continued\nredis> GET a\n\"1\"\nredis> GET b\n\"2\"\n```\n";
    workspace.file("course/01-l.md", lesson);
    let ended = workspace.run(&["verify", "--lessons", "course"]);
    assert!(ended.stdout.contains("3 of 4 cases"), "{}", ended.stdout);
    assert!(ended.stdout.contains("--> course/01-l.md:21"), "{}", ended.stdout);
    let ended = workspace.run(&["verify", "--lessons", "course", "--update"]);
    assert!(ended.stderr.contains("rewrote the reply to `GET b`"), "{}", ended.stderr);
    let alone = lesson.replace("python continued", "python").replace("\"2\"", "(nil)");
    workspace.file("course/01-l.md", alone);
    let ended = workspace.run(&["verify", "--lessons", "course"]);
    let hint = "each example runs alone, and `r` is from one above: write `python continued`";
    assert!(ended.stdout.contains(hint), "{}", ended.stdout);
}

#[test]
fn one_case_can_be_named() {
    let ended = Workspace::new().run(&["verify", "creating-snapshots/redis/wrong-1"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("1 of 1 cases"), "{}", ended.stdout);
}

#[test]
fn an_unknown_case_is_a_usage_error() {
    let ended = Workspace::new().run(&["verify", "no-such-thing"]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("nothing called `no-such-thing`"), "{}", ended.stderr);
}

#[test]
fn a_missing_server_is_reported_once() {
    let workspace = Workspace::new();
    let image = "redislings-local/no-such-image:0";
    let arguments = ["verify", "--server", "container", "--image", image, "--format", "json"];
    let ended = workspace.run(&arguments);
    assert_eq!(ended.code, 3, "{ended:?}");
    let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["outcome"], "unchecked");
    assert_eq!(ended.stderr.matches("error: ").count(), 1, "{}", ended.stderr);
}

#[test]
fn verify_refuses_a_foreign_server() {
    let ended = Workspace::new().run(&["verify", "--server", "redis://127.0.0.1:1"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("each case needs a fresh one"), "{}", ended.stderr);
}

#[test]
fn a_refused_setting_is_a_lesson_error() {
    let lesson = "# L\n\n```redis\nPING\n```\n\n## E\n\n```toml exercise\nid = \"e\"\n[server]\n\
        no-such-setting = 1\n[[check]]\nid = \"saved\"\ncalls = { save = 1 }\n```\n\n> [!TIP]\n\
        > look\n\n```redis solution\nSAVE\n```\n\n```redis wrong fails=saved\nPING\n```\n";
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", lesson);
    let ended = workspace.run(&["verify", "--lessons", "course"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(
        ended.stdout.contains("no server starts with the lesson's `[server]`"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("1 of 5 cases"), "{}", ended.stdout);
}
