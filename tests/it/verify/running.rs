//! Which cases run, how often, and what stops them.

use std::process::Command;
use std::time::Duration;

use redis::IntoConnectionInfo as _;
use redislings::server::Client;

use super::{ids, outcomes};
use crate::support::{Ended, Place, image, local_server, wait_until};

/// An exercise in Redis commands: a starter, a solution, a wrong answer that fails on `saved`, and one that does
/// not when it must.
const HOLE: &str = "# L\n\n## E\n\n```toml exercise\nid = \"e\"\n[[check]]\nid = \"saved\"\ncalls = { save = \">= 1\" }\n```\n\n> [!TIP]\n> look\n\n```redis starter fails=saved\nPING\n```\n\n```redis solution\nSAVE\n```\n\n```redis wrong fails=saved\nSET a 1\nSAVE\n```\n";

fn verify(place: &Place, more: &[&str]) -> Ended {
    let mut arguments = vec!["verify", "--lessons", "course", "--jobs", "1"];
    arguments.extend(more);
    place.run(&arguments)
}

fn place(lesson: &str) -> Place {
    let place = Place::new();
    place.file("course/01-l.md", lesson);
    place
}

#[test]
fn what_is_alike_every_time_is_no_flake() {
    let ended = verify(&place(HOLE), &["e/redis/solution-1", "--repeat", "5"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!ended.stdout.contains("flaked"), "{}", ended.stdout);
}

#[test]
fn nothing_more_is_begun_after_the_first_failure_if_that_is_wished() {
    let place = place(HOLE);
    place.file("course/02-more.md", HOLE.replace("id = \"e\"", "id = \"f\""));
    let ended = verify(&place, &["--fail-fast", "--format", "json"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let outcomes = outcomes(&ended);
    let failed = outcomes.iter().position(|(_, outcome)| outcome == "failed").unwrap();
    assert_eq!(outcomes[failed].0, "e/redis/wrong-1");
    assert!(outcomes[failed + 1..].iter().all(|(_, it)| it == "not-run"), "{outcomes:?}");
}

/// What is told of a kept server: its key `a` is there, and it is gone when it was ended by `end`, which is given the
/// command.
fn reaches_and_ends(ended: &Ended, end_by: impl FnOnce(&str)) {
    assert_eq!(ended.code, 1, "{ended:?}");
    let behind = |start: &str| {
        let rest = ended.stderr.split_once(start).unwrap().1;
        rest.split_once('`').unwrap().0.to_owned()
    };
    let (url, end) = (behind("redis-cli -u "), behind("to end it: `"));
    let mut client = Client::new(url.into_connection_info().unwrap());
    let limit = Duration::from_secs(5);
    let reply = client.call(&["GET", "a"], limit).unwrap();
    assert_eq!(reply, redis::Value::BulkString(b"1".to_vec()));
    end_by(&end);
    wait_until("it has ended", || client.call(&["PING"], limit).is_err());
}

#[test]
fn the_server_of_the_first_failure_is_kept_and_can_be_reached_and_ended() {
    let place = place(HOLE);
    let ended = verify(&place, &["--keep", "--server", local_server()]);
    reaches_and_ends(&ended, |end| {
        assert!(Command::new("sh").args(["-c", end]).status().unwrap().success(), "{end}");
    });
    assert_eq!(place.leftovers(), Vec::<String>::new());
}

#[test]
fn the_container_of_the_first_failure_is_kept_whoever_sweeps_and_can_be_ended() {
    let test = "the_container_of_the_first_failure_is_kept_whoever_sweeps_and_can_be_ended";
    let Some(image) = image::for_test(test) else { return };
    let place = place(HOLE);
    let in_container = ["--server", "container", "--image", image];
    let ended = verify(&place, &[&["--keep"], in_container.as_slice()].concat());
    // It sweeps what others left behind.
    let swept = verify(&place, &[&["e/redis/starter"], in_container.as_slice()].concat());
    assert_eq!(swept.code, 0, "{swept:?}");
    // Not every machine with an engine has the command `docker`.
    reaches_and_ends(&ended, |end| {
        image::remove(end.strip_prefix("docker rm --force --volumes ").unwrap());
    });
}

#[test]
fn a_glob_names_cases() {
    let ended = verify(&place(HOLE), &["*/redis/s*", "--format", "json"]);
    let mutant = "e/redis/solution-1/bgsave-for-save-1";
    assert_eq!(ids(&ended), ["e/redis/starter", "e/redis/solution-1", mutant]);
}

#[test]
fn a_glob_that_is_none_is_the_command_lines_fault() {
    let ended = verify(&place(HOLE), &["e/[a"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("`e/[a` is no glob"), "{}", ended.stderr);
}

#[test]
fn a_language_can_be_named() {
    let place = Place::new();
    place.file("course/01-l.md", "```redis\nPING\n```\n\n```python\nprint()\n```\n");
    let ended = verify(&place, &["--language", "python", "--format", "json"]);
    assert_eq!(ids(&ended), ["l/example-2"]);
}

#[test]
fn parts_together_are_the_whole() {
    let place = place(HOLE);
    let mut all = ids(&verify(&place, &["--format", "json"]));
    let part = |part: &str| ids(&verify(&place, &["--format", "json", "--partition", part]));
    let mut parts = [part("slice:1/3"), part("slice:2/3"), part("slice:3/3")].concat();
    parts.sort();
    all.sort();
    assert_eq!(parts, all);
}

#[test]
fn the_part_is_taken_from_the_ci() {
    let place = place(HOLE);
    let mut command = place.command(&["verify", "--lessons", "course", "--format", "json"]);
    command.env("CI_NODE_INDEX", "2").env("CI_NODE_TOTAL", "4");
    let ended = Ended::from(command.output().unwrap());
    assert_eq!(ids(&ended), ["e/redis/solution-1"]);
}

#[test]
fn a_part_that_does_not_exist_is_the_command_lines_fault() {
    let ended = verify(&place(HOLE), &["--partition", "slice:5/4"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("`--partition slice:5/4` is no part"), "{}", ended.stderr);
}
