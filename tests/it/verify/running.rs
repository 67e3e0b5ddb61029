//! Which cases run, how often, and when the run stops.

use std::process::Command;
use std::time::Duration;

use redis::IntoConnectionInfo as _;
use redislings::server::Client;

use super::{ids, outcomes};
use crate::support::{Ended, Workspace, image, local_server, wait_until};

/// An exercise in Redis commands with a starter, a solution, and a wrong answer that passes
/// although it should fail on `saved`.
const HOLE: &str = "# L\n\n\
    ## E\n\n\
    ```toml exercise\n\
    id = \"e\"\n\
    [[check]]\n\
    id = \"saved\"\n\
    calls = { save = \">= 1\" }\n\
    ```\n\n\
    > [!TIP]\n\
    > look\n\n\
    ```redis starter fails=saved\n\
    PING\n\
    ```\n\n\
    ```redis solution\n\
    SAVE\n\
    ```\n\n\
    ```redis wrong fails=saved\n\
    SET a 1\n\
    SAVE\n\
    ```\n";

fn verify(workspace: &Workspace, more: &[&str]) -> Ended {
    let mut arguments = vec!["verify", "--lessons", "course", "--jobs", "1"];
    arguments.extend(more);
    workspace.run(&arguments)
}

fn workspace(lesson: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", lesson);
    workspace
}

#[test]
fn equal_runs_are_not_flaky() {
    let ended = verify(&workspace(HOLE), &["e/redis/solution-1", "--repeat", "5"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!ended.stdout.contains("flaked"), "{}", ended.stdout);
}

#[test]
fn fail_fast_stops_after_the_first_failure() {
    let workspace = workspace(HOLE);
    workspace.file("course/02-more.md", HOLE.replace("id = \"e\"", "id = \"f\""));
    let ended = verify(&workspace, &["--fail-fast", "--format", "json"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let outcomes = outcomes(&ended);
    let failed = outcomes.iter().position(|(_, outcome)| outcome == "failed").unwrap();
    assert_eq!(outcomes[failed].0, "e/redis/wrong-1");
    assert!(outcomes[failed + 1..].iter().all(|(_, outcome)| outcome == "not-run"), "{outcomes:?}");
}

/// The text from `start` to the next backtick.
fn quoted_after<'t>(text: &'t str, start: &str) -> &'t str {
    let (_, rest) = text.split_once(start).unwrap();
    rest.split_once('`').unwrap().0
}

/// The output names a preserved server that has the key `a`. `end_by` gets the command that ends
/// it.
fn reaches_and_ends(ended: &Ended, end_by: impl FnOnce(&str)) {
    assert_eq!(ended.code, 1, "{ended:?}");
    let url = quoted_after(&ended.stderr, "redis-cli -u ");
    let end = quoted_after(&ended.stderr, "stop it with `");
    let mut client = Client::new(url.into_connection_info().unwrap());
    let limit = Duration::from_secs(5);
    let reply = client.call(&["GET", "a"], limit).unwrap();
    assert_eq!(reply, redis::Value::BulkString(b"1".to_vec()));
    end_by(end);
    wait_until("it has ended", || client.call(&["PING"], limit).is_err());
}

#[test]
fn keep_preserves_the_server_of_the_first_failure() {
    let workspace = workspace(HOLE);
    let ended = verify(&workspace, &["--keep", "--server", local_server()]);
    reaches_and_ends(&ended, |end| {
        assert!(Command::new("sh").args(["-c", end]).status().unwrap().success(), "{end}");
    });
    assert_eq!(workspace.leftovers(), Vec::<String>::new());
}

#[test]
fn keep_preserves_the_container_of_the_first_failure() {
    let test = "keep_preserves_the_container_of_the_first_failure";
    let Some(image) = image::for_test(test) else { return };
    let workspace = workspace(HOLE);
    let in_container = ["--server", "container", "--image", image];
    let ended = verify(&workspace, &[&["--keep"], in_container.as_slice()].concat());
    // The next run removes containers that others left behind.
    let next = verify(&workspace, &[&["e/redis/starter"], in_container.as_slice()].concat());
    assert_eq!(next.code, 0, "{next:?}");
    // Not every machine with an engine has the command `docker`.
    reaches_and_ends(&ended, |end| {
        image::remove(end.strip_prefix("docker rm --force --volumes ").unwrap());
    });
}

#[test]
fn a_glob_selects_cases() {
    let ended = verify(&workspace(HOLE), &["*/redis/s*", "--format", "json"]);
    let mutant = "e/redis/solution-1/bgsave-for-save-1";
    assert_eq!(ids(&ended), ["e/redis/starter", "e/redis/solution-1", mutant]);
}

#[test]
fn an_invalid_glob_is_a_usage_error() {
    let ended = verify(&workspace(HOLE), &["e/[a"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("`e/[a` is not a glob"), "{}", ended.stderr);
}

#[test]
fn a_language_selects_cases() {
    let workspace = Workspace::new();
    workspace.file("course/01-l.md", "```redis\nPING\n```\n\n```python\nprint()\n```\n");
    let ended = verify(&workspace, &["--language", "python", "--format", "json"]);
    assert_eq!(ids(&ended), ["l/example-2"]);
}

#[test]
fn all_parts_together_are_the_whole_run() {
    let workspace = workspace(HOLE);
    let mut all = ids(&verify(&workspace, &["--format", "json"]));
    let mut parts = Vec::new();
    for part in ["slice:1/3", "slice:2/3", "slice:3/3"] {
        parts.extend(ids(&verify(&workspace, &["--format", "json", "--partition", part])));
    }
    parts.sort();
    all.sort();
    assert_eq!(parts, all);
}

#[test]
fn the_part_comes_from_ci_variables() {
    let workspace = workspace(HOLE);
    let mut command = workspace.command(&["verify", "--lessons", "course", "--format", "json"]);
    command.env("CI_NODE_INDEX", "2").env("CI_NODE_TOTAL", "4");
    let ended = Ended::from(command.output().unwrap());
    assert_eq!(ids(&ended), ["e/redis/solution-1"]);
}

#[test]
fn an_invalid_part_is_a_usage_error() {
    let ended = verify(&workspace(HOLE), &["--partition", "slice:5/4"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("`--partition slice:5/4` is not a part"), "{}", ended.stderr);
}
