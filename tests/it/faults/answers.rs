//! Answers that are killed, and what they run in.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{LESSON, NAMES, Running, SERVERS, WAITING, outcome, place, report, verify};
use crate::support::redis_server::ForeignServer;
use crate::support::{Ended, Place, wait_until};

/// All is as it must be.
fn holds(ended: &Ended) {
    let report = report(ended);
    assert_eq!((ended.code, &report["outcome"]), (0, &"passed".into()), "{report:#}");
    for case in WAITING {
        assert_eq!(outcome(&report, case), "passed", "{case} in {report:#}");
    }
}

#[test]
fn answers_that_were_killed_from_outside_are_run_again_and_both_runs_count() {
    let place = place(LESSON);
    let mut running = Running::waits(&place, verify(&place, &["--no-mutants"]));
    for name in NAMES {
        let flag = place.work().join("flags").join(name);
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
    let place = place(LESSON);
    let running = Running::waits(&place, verify(&place, &["--no-mutants"]));
    running.kill_children(&["answer.pyc"]);
    holds(&running.go().end());
}

#[test]
fn an_answer_that_kills_itself_is_judged_by_that() {
    let itself =
        "import os, redis, signal\nredis.Redis().save()\nos.kill(os.getpid(), signal.SIGKILL)";
    let place = place(&LESSON.replace(
        "```python wrong fails=saved\nBEGIN(\"wrong\")\nclient.ping()",
        &format!("```python wrong fails=ends-well\n{itself}"),
    ));
    let more = ["--no-mutants", "e/python/wrong-1"];
    let ended = Running::start(&place, verify(&place, &more)).end();
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn without_its_reaper_a_run_ends_as_well_and_leaves_nothing() {
    let place = place(LESSON);
    let running = Running::waits(&place, verify(&place, &["--no-mutants"]));
    running.kill_children(&["redislings-reaper"]);
    let servers = running.children(&SERVERS);
    holds(&running.go().end());
    let runs = |pid: &Pid| kill(*pid, None).is_ok();
    wait_until("no server is left", || !servers.iter().any(runs));
}

/// Each connection of an answer is two open files of ours, and one of its own.
#[test]
fn an_answer_whose_connections_we_could_not_pass_on_is_not_judged() {
    let place = place(LESSON);
    let connections = "import redis\nmany = [redis.Redis(socket_timeout=2) for _ in range(60)]\nfor it in many:\n    it.ping()\nmany[0].save()\n";
    place.file("answer.py", connections);
    let command = place.command(&["check", "e", "answer.py", "--lessons", "course"]);
    let ended = Running::start(&place, with_open_files(&place, 90, &command)).end();
    assert_eq!(ended.code, 3, "{ended:?}");
    let fact = "error: a connection to the server could not be made for the answer: ";
    assert!(ended.stderr.contains(fact), "{ended:?}");
    assert!(ended.stderr.contains("\nhelp: ") && ended.stderr.contains("`ulimit -n`"), "{ended:?}");
}

/// The same command with no more than so many files open at a time.
fn with_open_files(place: &Place, limit: u32, command: &Command) -> Command {
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("ulimit -n {limit} && exec \"$0\" \"$@\"")]);
    limited.arg(command.get_program()).args(command.get_args()).current_dir(place.work());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited
}

/// Stops the program for a second: as long as it could not see the answer's end.
fn stands_still(running: &Running<'_>) {
    let began = Instant::now();
    kill(running.pid(), Signal::SIGSTOP).unwrap();
    wait_until("a second is over", || began.elapsed() > Duration::from_secs(1));
    kill(running.pid(), Signal::SIGCONT).unwrap();
}

/// `check` of an answer that is told to go on after a stall, once; and how often it was begun.
fn stalled_check(lesson: &str, more: &[&str]) -> (Ended, usize) {
    let place = place(lesson);
    let begin = super::BEGIN.replace("NAME", "solution");
    let count = "open(os.environ['FLAGS'] + '/begun', 'a').write('x')";
    place.file("answer.py", format!("{}\nclient.save()\n", begin.replace("client.ping()", count)));
    let usual = ["check", "e", "answer.py", "--lessons", "course"];
    let mut command = place.command(&[usual.as_slice(), more].concat());
    command.env("FLAGS", place.work().join("flags"));
    let running = Running::start(&place, command);
    let flag = place.work().join("flags/solution");
    wait_until("it has begun", || flag.exists());
    stands_still(&running);
    let ended = running.go().end();
    (ended, std::fs::read_to_string(place.work().join("flags/begun")).unwrap().len())
}

/// With a check that looks at the moment the answer ends.
fn looks_at_exit() -> String {
    let more = "calls = { save = \">= 1\" }\n[[check]]\nid = \"new\"\nat = \"exit\"\nlastsave = \"advanced\"\nneeds = [\"saved\"]";
    LESSON.replacen("calls = { save = \">= 1\" }", more, 1)
}

#[test]
fn an_answer_is_begun_again_in_silence_if_the_machine_stalled_meanwhile() {
    let (ended, begun) = stalled_check(&looks_at_exit(), &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(begun > 1 && !ended.stderr.contains("stall"), "{begun} {ended:?}");
}

#[test]
fn a_stall_is_no_matter_where_nothing_depends_on_time() {
    let (ended, begun) = stalled_check(LESSON, &[]);
    assert_eq!((ended.code, begun), (0, 1), "{ended:?}");
}

#[test]
fn on_somebodys_own_server_an_answer_is_run_once() {
    let server = ForeignServer::start();
    let (ended, begun) = stalled_check(&looks_at_exit(), &["--server", &server.url()]);
    assert_eq!((ended.code, begun), (3, 1), "{ended:?}");
    assert!(ended.stderr.contains("error: the machine stalled for 1."), "{ended:?}");
}

#[test]
fn a_machine_that_stalls_every_time_is_told_of() {
    let place = place(&looks_at_exit());
    place.file("answer.redis", "SAVE\nBLPOP nothing 1\n");
    let command = place.command(&["check", "e", "answer.redis", "--lessons", "course"]);
    let mut running = Running::start(&place, command);
    while running.child.try_wait().unwrap().is_none() {
        let began = Instant::now();
        wait_until("it has gone on", || began.elapsed() > Duration::from_millis(300));
        stands_still(&running);
    }
    let ended = running.end();
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("error: the machine stalled for "), "{ended:?}");
}

#[test]
fn cases_are_begun_again_if_the_machine_stalled_meanwhile() {
    let place = place(&looks_at_exit());
    let running = Running::waits(&place, verify(&place, &["--no-mutants"]));
    stands_still(&running);
    holds(&running.go().end());
}

#[test]
fn an_answer_is_begun_again_if_its_background_save_was_held_up() {
    let text = LESSON.replace("40s\"", "6s\"\n[server]\nrdb-key-save-delay = 500000");
    let text = text.replacen("calls = { save =", "calls = { bgsave =", 1);
    let place = place(&text);
    place.file("answer.redis", "SET a 1\nBGSAVE\n@wait-bgsave\n");
    let command = place.command(&["check", "e", "answer.redis", "--lessons", "course"]);
    let running = Running::start(&place, command);
    wait_until("the child is stopped", || {
        let servers = running.children(&SERVERS).into_iter();
        let mut saving =
            servers.flat_map(|server| Running::children_of(server, &["redis", "valkey"]));
        saving.any(|child| kill(child, Signal::SIGSTOP).is_ok())
    });
    let ended = running.end();
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn an_answer_is_begun_again_if_its_server_was_held_up_where_it_forks() {
    let text =
        LESSON.replace("40s\"", "6s\"").replacen("calls = { save =", "calls = { bgsave =", 1);
    let place = place(&text);
    let begin = super::BEGIN.replace("NAME", "solution");
    place.file("answer.py", format!("{begin}\nclient.bgsave()\n"));
    let mut command = place.command(&["check", "e", "answer.py", "--lessons", "course"]);
    command.env("FLAGS", place.work().join("flags"));
    let running = Running::start(&place, command);
    let flag = place.work().join("flags/solution");
    wait_until("it has begun", || flag.exists());
    for server in running.children(&SERVERS) {
        kill(server, Signal::SIGSTOP).unwrap();
    }
    let ended = running.go().end();
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn an_answer_that_removes_our_directory_is_not_judged_and_ends_nobody_else() {
    let place = place(LESSON);
    let remove = "import os, redis, shutil\nredis.Redis().save()\nshutil.rmtree(os.path.dirname(os.getcwd()))\n";
    place.file("answer.py", remove);
    let mut somebody = Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap();
    let command = place.command(&["check", "e", "answer.py", "--lessons", "course"]);
    let ended = Running::start(&place, command).end();
    let goes_on = somebody.try_wait().unwrap().is_none();
    somebody.kill().unwrap();
    somebody.wait().unwrap();
    assert!(goes_on, "a process that was not ours was ended");
    assert_eq!(ended.code, 3, "{ended:?}");
    let told = "was deleted or moved while the answer ran";
    assert!(ended.stderr.contains(told), "{ended:?}");
}

#[test]
fn a_case_that_has_ended_leaves_no_file_to_those_behind_it() {
    let mut text = LESSON.to_owned();
    for name in ["example", "starter", "solution"] {
        text = text.replace(&format!("BEGIN(\"{name}\")"), "import redis\nclient = redis.Redis()");
    }
    let place = place(&text);
    let running = Running::start(&place, verify(&place, &["--no-mutants", "--jobs", "1"]));
    let flag = place.work().join("flags/wrong");
    wait_until("the last answer in Python has begun", || flag.exists());
    let [session] = &place.leftovers()[..] else { panic!("{:?}", place.leftovers()) };
    let entries = std::fs::read_dir(place.temporary_folder().join(session)).unwrap();
    let names: Vec<String> =
        entries.map(|it| it.unwrap().file_name().to_string_lossy().into_owned()).collect();
    let count = |start: &str| names.iter().filter(|name| name.starts_with(start)).count();
    assert_eq!((count("code-"), count("answer-")), (1, 1), "{names:?}");
    // Its own server, and those of the four cases behind it.
    assert!(count("server-") <= 5, "{names:?}");
    running.go().end();
}
