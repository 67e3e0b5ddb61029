//! Answers that are killed, delayed or stalled.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{LESSON, NAMES, Running, SERVERS, WAITING, outcome, report, verify, workspace};
use crate::support::redis_server::ForeignServer;
use crate::support::{Ended, after_shell_line, wait_until};

/// The run passes, and every waiting case passes.
fn assert_passes(ended: &Ended) {
    let report = report(ended);
    assert_eq!((ended.code, &report["outcome"]), (0, &"passed".into()), "{report:#}");
    for case in WAITING {
        assert_eq!(outcome(&report, case), "passed", "{case} in {report:#}");
    }
}

#[test]
fn externally_killed_answers_run_again_and_both_runs_count() {
    let workspace = workspace(LESSON);
    let mut running = Running::waits(&workspace, verify(&workspace, &["--no-mutants"]));
    for name in NAMES {
        let flag = workspace.work().join("flags").join(name);
        let pid = std::fs::read_to_string(&flag).unwrap().parse().unwrap();
        std::fs::remove_file(&flag).unwrap();
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    }
    running.until_all_have_begun();
    let ended = running.go().end();
    let report = report(&ended);
    assert_eq!((ended.code, &report["outcome"]), (1, &"failed".into()), "{report:#}");
    for case in WAITING {
        assert_eq!(outcome(&report, case), "failed", "{case} in {report:#}");
    }
    assert_eq!(ended.stdout.matches("flaky: failed ").count(), WAITING.len(), "{report:#}");
}

#[test]
fn answers_whose_warmed_interpreter_was_killed_are_run_again() {
    let workspace = workspace(LESSON);
    let running = Running::waits(&workspace, verify(&workspace, &["--no-mutants"]));
    running.kill_children(&["zygote.py"]);
    assert_passes(&running.go().end());
}

#[test]
fn an_answer_that_kills_itself_fails_ends_well() {
    let itself =
        "import os, redis, signal\nredis.Redis().save()\nos.kill(os.getpid(), signal.SIGKILL)";
    let workspace = workspace(&LESSON.replace(
        "```python wrong fails=saved\nBEGIN(\"wrong\")\nclient.ping()",
        &format!("```python wrong fails=ends-well\n{itself}"),
    ));
    let more = ["--no-mutants", "e/python/wrong-1"];
    let ended = Running::start(&workspace, verify(&workspace, &more)).end();
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_run_without_its_reaper_still_cleans_up() {
    let workspace = workspace(LESSON);
    let running = Running::waits(&workspace, verify(&workspace, &["--no-mutants"]));
    running.kill_children(&["redislings-reaper"]);
    let servers = running.children(&SERVERS);
    assert_passes(&running.go().end());
    wait_until("no server is left", || servers.iter().all(|pid| kill(*pid, None).is_err()));
}

/// Each connection of an answer needs two open files in redislings and one in the answer.
#[test]
fn an_answer_is_not_judged_if_the_relay_cannot_connect() {
    let workspace = workspace(LESSON);
    let connections = "import redis\nmany = [redis.Redis(socket_timeout=2) for _ in range(60)]\n\
        for client in many:\n    client.ping()\nmany[0].save()\n";
    workspace.file("answer.py", connections);
    let command = workspace.command(&["check", "e", "answer.py", "--lessons", "course"]);
    let ended = Running::start(&workspace, after_shell_line("ulimit -n 90", &command)).end();
    assert_eq!(ended.code, 3, "{ended:?}");
    let fact = "error: cannot connect the answer to the server: ";
    assert!(ended.stderr.contains(fact), "{ended:?}");
    assert!(ended.stderr.contains("\nhelp: ") && ended.stderr.contains("`ulimit -n`"), "{ended:?}");
}

/// Stops the program for a second, so that it cannot see the end of the answer.
fn stall(running: &Running<'_>) {
    let began = Instant::now();
    kill(running.pid(), Signal::SIGSTOP).unwrap();
    wait_until("a second is over", || began.elapsed() > Duration::from_secs(1));
    kill(running.pid(), Signal::SIGCONT).unwrap();
}

/// `check` of an answer during which the program stalls once, and how often the answer began.
fn stalled_check(lesson: &str, more: &[&str]) -> (Ended, usize) {
    let workspace = workspace(lesson);
    let begin = super::BEGIN.replace("NAME", "solution");
    let count = "open(os.environ['FLAGS'] + '/begun', 'a').write('x')";
    workspace
        .file("answer.py", format!("{}\nclient.save()\n", begin.replace("client.ping()", count)));
    let usual = ["check", "e", "answer.py", "--lessons", "course"];
    let mut command = workspace.command(&[usual.as_slice(), more].concat());
    command.env("FLAGS", workspace.work().join("flags"));
    let running = Running::start(&workspace, command);
    let flag = workspace.work().join("flags/solution");
    wait_until("it has begun", || flag.exists());
    stall(&running);
    let ended = running.go().end();
    (ended, std::fs::read_to_string(workspace.work().join("flags/begun")).unwrap().len())
}

/// [`LESSON`] with a check of the state at the end of the answer.
fn looks_at_exit() -> String {
    let more = "calls = { save = \">= 1\" }\n[[check]]\nid = \"new\"\nat = \"exit\"\n\
        lastsave = \"advanced\"\nneeds = [\"saved\"]";
    LESSON.replacen("calls = { save = \">= 1\" }", more, 1)
}

#[test]
fn a_stall_restarts_the_answer_silently() {
    let (ended, begun) = stalled_check(&looks_at_exit(), &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(begun > 1 && !ended.stderr.contains("stall"), "{begun} {ended:?}");
}

#[test]
fn a_stall_is_ignored_if_no_check_depends_on_time() {
    let (ended, begun) = stalled_check(LESSON, &[]);
    assert_eq!((ended.code, begun), (0, 1), "{ended:?}");
}

#[test]
fn an_answer_on_a_foreign_server_runs_once() {
    let server = ForeignServer::start();
    let (ended, begun) = stalled_check(&looks_at_exit(), &["--server", &server.url()]);
    assert_eq!((ended.code, begun), (3, 1), "{ended:?}");
    assert!(ended.stderr.contains("error: the machine stalled for 1."), "{ended:?}");
}

#[test]
fn repeated_stalls_are_reported() {
    let workspace = workspace(&looks_at_exit());
    workspace.file("answer.redis", "SAVE\nBLPOP nothing 1\n");
    let command = workspace.command(&["check", "e", "answer.redis", "--lessons", "course"]);
    let mut running = Running::start(&workspace, command);
    while running.child.try_wait().unwrap().is_none() {
        let began = Instant::now();
        wait_until("it has gone on", || began.elapsed() > Duration::from_millis(300));
        stall(&running);
    }
    let ended = running.end();
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("error: the machine stalled for "), "{ended:?}");
}

#[test]
fn a_stall_restarts_cases() {
    let workspace = workspace(&looks_at_exit());
    let running = Running::waits(&workspace, verify(&workspace, &["--no-mutants"]));
    stall(&running);
    assert_passes(&running.go().end());
}

#[test]
fn a_delayed_background_save_restarts_the_answer() {
    // The save takes long enough for a busy machine to find the child.
    let text = LESSON.replace("40s\"", "8s\"\n[server]\nrdb-key-save-delay = 2000000");
    let text = text.replacen("calls = { save =", "calls = { bgsave =", 1);
    let workspace = workspace(&text);
    workspace.file("answer.redis", "SET a 1\nBGSAVE\n@wait-bgsave\n");
    let command = workspace.command(&["check", "e", "answer.redis", "--lessons", "course"]);
    let running = Running::start(&workspace, command);
    wait_until("the child is stopped", || {
        let servers = running.children(&SERVERS).into_iter();
        servers
            .flat_map(|server| Running::children_of(server, &["redis", "valkey"]))
            .any(|child| kill(child, Signal::SIGSTOP).is_ok())
    });
    let ended = running.end();
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn a_delayed_fork_restarts_the_answer() {
    // redis-py gives up after five seconds.
    let text =
        LESSON.replace("40s\"", "4s\"").replacen("calls = { save =", "calls = { bgsave =", 1);
    let workspace = workspace(&text);
    let begin = super::BEGIN.replace("NAME", "solution");
    workspace.file("answer.py", format!("{begin}\nclient.bgsave()\n"));
    let mut command = workspace.command(&["check", "e", "answer.py", "--lessons", "course"]);
    command.env("FLAGS", workspace.work().join("flags"));
    let running = Running::start(&workspace, command);
    let flag = workspace.work().join("flags/solution");
    wait_until("it has begun", || flag.exists());
    for server in running.children(&SERVERS) {
        kill(server, Signal::SIGSTOP).unwrap();
    }
    let ended = running.go().end();
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn an_answer_that_removes_our_directory_is_not_judged_and_kills_no_other_process() {
    let workspace = workspace(LESSON);
    let remove = "import os, redis, shutil\nredis.Redis().save()\n\
        shutil.rmtree(os.path.dirname(os.getcwd()))\n";
    workspace.file("answer.py", remove);
    let mut other = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
    let command = workspace.command(&["check", "e", "answer.py", "--lessons", "course"]);
    let ended = Running::start(&workspace, command).end();
    let is_running = other.try_wait().unwrap().is_none();
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(is_running, "a process that was not ours was killed");
    assert_eq!(ended.code, 3, "{ended:?}");
    let fact = "was deleted or moved while the answer ran";
    assert!(ended.stderr.contains(fact), "{ended:?}");
}

#[test]
fn a_finished_case_leaves_no_files_for_later_cases() {
    let mut text = LESSON.to_owned();
    for name in ["example", "starter", "solution"] {
        text = text.replace(&format!("BEGIN(\"{name}\")"), "import redis\nclient = redis.Redis()");
    }
    let workspace = workspace(&text);
    let running = Running::start(&workspace, verify(&workspace, &["--no-mutants", "--jobs", "1"]));
    let flag = workspace.work().join("flags/wrong");
    wait_until("the last answer in Python has begun", || flag.exists());
    let [session] = &workspace.leftovers()[..] else { panic!("{:?}", workspace.leftovers()) };
    let entries = std::fs::read_dir(workspace.temporary_folder().join(session)).unwrap();
    let names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(count(&names, "code-"), 1, "{names:?}");
    assert_eq!(count(&names, "answer-"), 1, "{names:?}");
    // The server of this case, those of the four cases after it, and one for a second run.
    assert!(count(&names, "server-") <= 6, "{names:?}");
    running.go().end();
}

fn count(names: &[String], start: &str) -> usize {
    names.iter().filter(|name| name.starts_with(start)).count()
}
