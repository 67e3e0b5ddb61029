//! Exercises that stop, start, crash and restart their server, or damage its files: each answer of
//! the courses in this folder is judged as it must be, on servers of every version.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::redis_server::{ForeignServer, of_several_versions};
use crate::support::{Ended, Workspace, found, image, unmet, wait_until};

const LINES: &str = include_str!("01-lines.md");
const COPIES: &str = include_str!("02-copies.md");
const PROGRAMS: &str = include_str!("03-programs.md");

/// A workspace with these lessons as its course, for all servers at hand.
fn course(lessons: &[(&str, &str)]) -> Workspace {
    let workspace = Workspace::new();
    for (name, text) in lessons {
        workspace.file(&format!("course/{name}"), text);
    }
    let names: Vec<String> = of_several_versions().into_iter().map(|(name, _)| name).collect();
    workspace.file("course/course.toml", format!("format = 1\n[server]\nversions = {names:?}\n"));
    workspace
}

fn verify(workspace: &Workspace, more: &[&str]) -> Ended {
    let usual = ["verify", "--lessons", "course", "--no-mutants"];
    workspace.run(&[&usual, more].concat())
}

fn assert_that_all_is_as_it_must_be(workspace: &Workspace, more: &[&str]) {
    let ended = verify(workspace, more);
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    assert_eq!(workspace.leftovers(), [""; 0]);
}

#[test]
fn the_lines_of_the_runner_do_the_same_on_servers_of_every_version() {
    let workspace = course(&[("01-lines.md", LINES), ("02-copies.md", COPIES)]);
    assert_that_all_is_as_it_must_be(&workspace, &["--server", "process", "--server-matrix"]);
}

#[test]
fn the_lines_of_the_runner_do_the_same_in_containers() {
    let test = "the_lines_of_the_runner_do_the_same_in_containers";
    let Some(image) = image::for_test(test) else { return };
    let workspace = course(&[("01-lines.md", LINES)]);
    assert_that_all_is_as_it_must_be(&workspace, &["--server", "container", "--image", image]);
}

#[test]
fn a_program_stops_its_server_on_servers_of_every_version() {
    let workspace = course(&[("03-programs.md", PROGRAMS)]);
    assert_that_all_is_as_it_must_be(&workspace, &["--server", "process", "--server-matrix"]);
}

#[test]
fn a_program_stops_its_server_in_a_container() {
    let test = "a_program_stops_its_server_in_a_container";
    let Some(image) = image::for_test(test) else { return };
    let workspace = course(&[("03-programs.md", PROGRAMS)]);
    assert_that_all_is_as_it_must_be(&workspace, &["--server", "container", "--image", image]);
}

/// The verdict on an answer to an exercise of these courses, and the exit code.
fn check(exercise: &str, name: &str, answer: &str, more: &[&str]) -> (Value, i32) {
    let workspace =
        course(&[("01-lines.md", LINES), ("02-copies.md", COPIES), ("03-programs.md", PROGRAMS)]);
    let more = [&["--lessons", "course"], more].concat();
    let checked = workspace.check_with(exercise, name, answer, &more);
    assert_eq!(workspace.leftovers(), [""; 0]);
    checked
}

#[test]
fn a_slip_is_the_cause_and_told_with_what_was_meant() {
    let answer = "CONFIG SET appendonly yes\n@wait-fro aof_rewrite_in_progress 0\n";
    let (verdict, code) = check("back-to-last-night", "a.redis", &format!("@stpo\n{answer}"), &[]);
    assert_eq!(code, 1, "{verdict:#}");
    let cause = verdict["cause"]["text"].as_str().unwrap_or_default();
    let expected = "line 1 was not done: unknown line `@stpo`; did you mean `@stop`?";
    assert_eq!(cause, expected, "{verdict:#}");
}

#[test]
fn a_server_that_its_log_keeps_from_starting_says_so() {
    let answer = "import pathlib, redis\n\
        client = redis.Redis(host='localhost', port=6379, decode_responses=True)\n\
        client.set('order:1', 'paid')\n\
        directory = pathlib.Path(client.config_get('dir')['dir'])\n\
        logs = sorted(directory.rglob('*.incr.aof')) or [directory / 'appendonly.aof']\n\
        with logs[-1].open('a') as log:\n    log.write('\\n')\n";
    let (verdict, code) = check("damaged-by-the-answer", "a.py", answer, &[]);
    assert_eq!((code, unmet(&verdict)), (1, vec!["order-is-back"]), "{verdict:#}");
    let found = found(&verdict, "order-is-back");
    assert!(found.starts_with("the server did not start again: "), "{found}");
}

#[test]
fn a_server_that_cannot_save_refuses_to_end_and_says_so() {
    let (verdict, code) = check("the-disk-refuses", "a.redis", "SET order:3 paid\n", &[]);
    assert_eq!((code, unmet(&verdict)), (1, vec!["order-is-back"]), "{verdict:#}");
    let found = found(&verdict, "order-is-back");
    assert!(found.starts_with("the server was told to end and goes on: "), "{found}");
}

#[test]
fn the_transcript_says_when_the_server_was_stopped() {
    let answer = "GET a\n@stop\n@copy last-night.rdb dump.rdb\n@start\nGET a\n";
    let (verdict, code) = check("back-to-last-night", "a.redis", answer, &[]);
    assert_eq!(code, 0, "{verdict:#}");
    let marks = verdict["transcript"]["marks"].as_array().unwrap();
    let words: Vec<&str> = marks.iter().map(|mark| mark["mark"].as_str().unwrap()).collect();
    assert_eq!(words, ["@stop", "@start"], "{verdict:#}");
}

#[test]
fn a_file_that_is_not_there_is_told_with_those_that_are() {
    let workspace = course(&[("01-lines.md", LINES)]);
    workspace.file("a.redis", "@copy nothing.rdb dump.rdb\n");
    let ended = workspace.run(&["check", "back-to-last-night", "a.redis", "--lessons", "course"]);
    let told = "there is no `nothing.rdb` in the server's directory: it holds `dump.rdb` and";
    assert!(ended.stdout.contains(told), "{}", ended.stdout);
}

#[test]
fn a_server_at_an_address_is_neither_stopped_nor_are_its_files_touched() {
    let foreign = ForeignServer::start();
    for exercise in ["back-to-last-night", "planned-restart", "a-copy", "crash-in-the-setup"] {
        let workspace = course(&[("01-lines.md", LINES), ("02-copies.md", COPIES)]);
        let name = if exercise == "a-copy" { "a.py" } else { "a.redis" };
        workspace.file(name, "");
        let arguments =
            ["check", exercise, name, "--lessons", "course", "--server", &foreign.url()];
        let ended = workspace.run(&arguments);
        assert_eq!(ended.code, 3, "{exercise}: {ended:?}");
    }
    assert_eq!(foreign.ask(&["DBSIZE"]), "(integer) 0");
}

#[test]
fn nothing_is_left_of_an_answer_that_is_interrupted_while_its_server_is_stopped() {
    let workspace = course(&[("03-programs.md", PROGRAMS)]);
    let stopped = workspace.work().join("stopped");
    let answer = format!(
        "import subprocess, time\nsubprocess.run(['server', 'stop'], check=True)\n\
         open({:?}, 'w').close()\ntime.sleep(60)\n",
        stopped.display().to_string()
    );
    workspace.file("a.py", answer);
    let exercise = "programs-back-to-last-night";
    let mut child = workspace.start(&["check", exercise, "a.py", "--lessons", "course"]);
    wait_until("the answer has stopped its server", || stopped.exists());
    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGINT).unwrap();
    child.wait().unwrap();
    wait_until("nothing is left", || workspace.leftovers().is_empty());
}

#[test]
fn a_setting_of_a_restart_that_no_server_takes_is_the_lessons_fault() {
    let lesson = LINES.replace("[restart]\nappendonly = \"yes\"", "[restart]\nnonsense = \"yes\"");
    let workspace = course(&[("01-lines.md", &lesson)]);
    workspace.file("a.redis", "CONFIG SET appendonly yes\n");
    let ended = workspace.run(&["check", "rewrite-settles", "a.redis", "--lessons", "course"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("the exercise's `[restart]`"), "{}", ended.stderr);
}

/// An exercise whose copy is good only if the answer has waited for its save.
const SLOW: &str = "# L\n\n## E\n\n```toml exercise\nid = \"e\"\nstop = true\ntime_limit = \"30s\"\n\
    [server]\nrdb-key-save-delay = 300000\n[[check]]\nid = \"copied\"\nat = \"restore\"\n\
    from = \"copy.rdb\"\nreply = { \"GET a\" = \"1\" }\n```\n\n```redis setup\nSET b 1\n```\n\n\
    > [!TIP]\n> look\n\n```redis solution\nSET a 1\nSAVE\n@copy dump.rdb copy.rdb\n```\n";

#[track_caller]
fn refuses_to_be_made_quick(answer: &str, expected: &str) {
    let workspace = course(&[("01-slow.md", SLOW)]);
    let (verdict, code) = workspace.check_with("e", "a.redis", answer, &["--lessons", "course"]);
    assert_eq!(code, 1, "{verdict:#}");
    assert!(verdict.to_string().contains(expected), "{verdict:#}");
}

#[test]
fn an_answer_does_not_make_quick_what_shows_whether_it_waits() {
    let quick = "SET a 1\nCONFIG SET rdb-key-save-delay 0\nBGSAVE\n@copy dump.rdb copy.rdb\n";
    refuses_to_be_made_quick(quick, "the answer has changed `rdb-key-save-delay`");
    let quick = "SET a 1\nSAVE\n@stop\n@start rdb-key-save-delay 0\n@copy dump.rdb copy.rdb\n";
    refuses_to_be_made_quick(quick, "leave `rdb-key-save-delay` as it is");
}
