//! Servers that are killed.

use super::{
    LESSON, Running, SERVERS, in_front_of, is_unchecked, report, verify, waiting_are_unchecked,
    workspace,
};
use crate::support::{Ended, image, redis_server, wait_until};

#[test]
fn a_killed_server_process_neither_passes_nor_fails_a_case() {
    let workspace = workspace(LESSON);
    let running = Running::waits(&workspace, verify(&workspace, &["--no-mutants"]));
    running.kill_children(&SERVERS);
    let ended = running.go().end();
    waiting_are_unchecked(&ended, "the server was lost: it was ended by signal 9");
}

#[test]
fn a_killed_host_neither_passes_nor_fails_a_case() {
    let name = "a_killed_host_neither_passes_nor_fails_a_case";
    let Some(image) = image::for_test(name) else { return };
    let workspace = workspace(LESSON);
    let more = ["--no-mutants", "--server", "container", "--image", image];
    let running = Running::waits(&workspace, verify(&workspace, &more));
    let session = image::session_of(&workspace);
    let hosts = image::containers_of(&session);
    assert_eq!(hosts.len(), 1);
    image::kill(&hosts[0]);
    let ended = running.go().end();
    let why = format!("the server was lost: the container `{}` can't be used", &hosts[0][..12]);
    waiting_are_unchecked(&ended, &why);
    wait_until("no container is left", || image::containers_of(&session).is_empty());
}

#[test]
fn an_answer_whose_server_was_killed_is_not_judged() {
    let workspace = workspace(LESSON);
    let answer = format!("{}\nclient.save()\n", super::BEGIN.replace("NAME", "solution"));
    workspace.file("answer.py", answer);
    let mut command = workspace.command(&["check", "e", "answer.py", "--lessons", "course"]);
    command.env("FLAGS", workspace.work().join("flags"));
    let running = Running::start(&workspace, command);
    let flag = workspace.work().join("flags/solution");
    wait_until("it has begun", || flag.exists());
    running.kill_children(&SERVERS);
    let ended = running.go().end();
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("error: the server was lost: "), "{ended:?}");
    assert!(ended.stderr.contains("\nhelp: "), "{ended:?}");
}

/// Verifies with a `redis-server` that runs these shell lines before the real program.
fn verify_with_a_server_that(fails: &str) -> Ended {
    let workspace = workspace(
        "# L\n\n## E\n\n```toml exercise\nid = \"e\"\n[server]\nmaxclients = 77\n[[check]]\n\
         id = \"saved\"\ncalls = { save = \">= 1\" }\n```\n\n> [!TIP]\n> look\n\n\
         ```redis solution\nSAVE\n```\n",
    );
    let path = in_front_of(&redis_server::program(), &workspace, "redis-server", fails);
    let mut command = verify(&workspace, &["--server", "process", "--jobs", "1", "--no-mutants"]);
    command.env("PATH", path);
    Running::start(&workspace, command).end()
}

#[test]
fn a_server_that_failed_once_is_started_again() {
    let once = "mkdir \"$FLAGS/failed\" 2>/dev/null && exit 1";
    let ended = verify_with_a_server_that(once);
    assert_eq!((ended.code, &report(&ended)["outcome"]), (0, &"passed".into()), "{ended:?}");
}

#[test]
fn a_server_that_never_starts_is_an_environment_error() {
    let ended = verify_with_a_server_that("exit 1");
    let report = is_unchecked(&ended);
    assert_eq!(report["cases"][0]["outcome"], "unchecked", "{report:#}");
}
