//! Servers that are killed.

use super::{
    LESSON, Running, SERVERS, in_front_of, is_unchecked, place, report, verify,
    waiting_are_unchecked,
};
use crate::support::{Ended, image, redis_server, wait_until};

#[test]
fn a_server_process_that_was_killed_lets_no_case_pass_or_fail() {
    let place = place(LESSON);
    let running = Running::waits(&place, verify(&place, &["--no-mutants"]));
    running.kill_children(&SERVERS);
    let ended = running.go().end();
    waiting_are_unchecked(&ended, "the server was lost: it was ended by signal 9");
}

#[test]
fn a_host_that_was_killed_lets_no_case_pass_or_fail() {
    let name = "a_host_that_was_killed_lets_no_case_pass_or_fail";
    let Some(image) = image::for_test(name) else { return };
    let place = place(LESSON);
    let more = ["--no-mutants", "--server", "container", "--image", image];
    let running = Running::waits(&place, verify(&place, &more));
    let session = image::session_of(&place);
    let hosts = image::containers_of(&session);
    assert_eq!(hosts.len(), 1);
    image::kill(&hosts[0]);
    let ended = running.go().end();
    let why = format!("the server was lost: the container `{}` can't be used", &hosts[0][..12]);
    waiting_are_unchecked(&ended, &why);
    wait_until("no container is left", || image::containers_of(&session).is_empty());
}

#[test]
fn an_answer_is_not_judged_whose_server_was_killed() {
    let place = place(LESSON);
    let answer = format!("{}\nclient.save()\n", super::BEGIN.replace("NAME", "solution"));
    place.file("answer.py", answer);
    let mut command = place.command(&["check", "e", "answer.py", "--lessons", "course"]);
    command.env("FLAGS", place.work().join("flags"));
    let running = Running::start(&place, command);
    let flag = place.work().join("flags/solution");
    wait_until("it has begun", || flag.exists());
    running.kill_children(&SERVERS);
    let ended = running.go().end();
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("error: the server was lost: "), "{ended:?}");
    assert!(ended.stderr.contains("\nhelp: "), "{ended:?}");
}

/// A `redis-server` in front of the real one that fails as long as `fails` says so in `sh`.
fn verify_with_a_server_that(fails: &str) -> Ended {
    let place = place(
        "# L\n\n## E\n\n```toml exercise\nid = \"e\"\n[server]\nmaxclients = 77\n[[check]]\nid = \"saved\"\ncalls = { save = \">= 1\" }\n```\n\n> [!TIP]\n> look\n\n```redis solution\nSAVE\n```\n",
    );
    let path = in_front_of(&redis_server::program(), &place, "redis-server", fails);
    let mut command = verify(&place, &["--server", "process", "--jobs", "1", "--no-mutants"]);
    command.env("PATH", path);
    Running::start(&place, command).end()
}

#[test]
fn a_server_that_failed_once_is_not_the_lessons_fault() {
    let once = "mkdir \"$FLAGS/failed\" 2>/dev/null && exit 1";
    let ended = verify_with_a_server_that(once);
    assert_eq!((ended.code, &report(&ended)["outcome"]), (0, &"passed".into()), "{ended:?}");
}

#[test]
fn a_server_that_never_starts_is_not_the_lessons_fault() {
    let ended = verify_with_a_server_that("exit 1");
    let report = is_unchecked(&ended);
    assert_eq!(report["cases"][0]["outcome"], "unchecked", "{report:#}");
}
