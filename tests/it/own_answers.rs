//! `redislings check` on the student's own answers: which one it judges, and that a pass counts.

use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use crate::support::terminal::{CTRL_D, ROOMY, Student};
use crate::support::{Ended, Workspace};

const RIGHT: &str = "SAVE\nBGSAVE\n";
const WRONG: &str = "PING\n";
const FIRST: &str = "creating-snapshots";

/// A workspace with these answers. Later ones were edited later.
fn with_answers(answers: &[(&str, &str)]) -> Workspace {
    let workspace = Workspace::new();
    let began = SystemTime::now() - Duration::from_secs(60);
    for (second, (name, text)) in (0..).zip(answers) {
        let path = workspace.file(&format!("answers/{name}"), text);
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_modified(began + Duration::from_secs(second)).unwrap();
    }
    workspace
}

fn progress(workspace: &Workspace) -> String {
    let path = workspace.work().with_file_name("home/.local/state/redislings/progress.toml");
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn without_a_file_the_answer_that_was_edited_last_is_judged() {
    let python = ("creating-snapshots.py", "print('older')\n");
    let workspace = with_answers(&[python, ("creating-snapshots.redis", RIGHT)]);
    let ended = workspace.run(&["check", FIRST]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let line = "answer: `answers/creating-snapshots.redis`, edited last";
    assert!(ended.stderr.contains(line), "{}", ended.stderr);
}

#[test]
fn without_an_exercise_the_first_open_one_is_checked() {
    let workspace = with_answers(&[("creating-snapshots.redis", RIGHT)]);
    let ended = workspace.run(&["check"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let line = "exercise: `creating-snapshots`, the first open one";
    assert!(ended.stderr.contains(line), "{}", ended.stderr);
    let line = "error: `using-bgsave` has no answer yet: there is no `answers/using-bgsave.py`";
    let next = workspace.run(&["check"]);
    assert!(next.stderr.contains(line) && next.code == 2, "{next:?}");
}

#[test]
fn hint_and_solution_are_about_the_first_open_exercise_too() {
    let workspace = Workspace::new();
    let hint = workspace.run(&["hint", "2"]);
    assert!(hint.stdout.starts_with("hint 2 of "), "{hint:?}");
    let solution = workspace.run(&["solution", "--yes"]);
    assert!(solution.stdout.contains("client.bgsave()"), "{solution:?}");
    for ended in [hint, solution] {
        assert!(ended.stderr.contains("`creating-snapshots`, the first open one"), "{ended:?}");
    }
}

#[test]
fn an_exercise_without_an_answer_says_how_to_begin_one() {
    let ended = Workspace::new().run(&["check", FIRST, "--language", "python"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    for part in ["no `answers/creating-snapshots.py`", "redislings path creating-snapshots --begin"]
    {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
}

#[test]
fn a_pipe_is_judged_rather_than_the_file() {
    let workspace = with_answers(&[("creating-snapshots.redis", WRONG)]);
    assert_eq!(workspace.run_with_input(&["check", FIRST], RIGHT).code, 0);
}

#[test]
fn an_empty_pipe_is_no_answer_and_stands_for_none() {
    let workspace = with_answers(&[("creating-snapshots.redis", RIGHT)]);
    let ended = workspace.run_with_input(&["check", FIRST], "");
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
    assert!(ended.stderr.contains("error: standard input is empty"), "{}", ended.stderr);
}

#[test]
fn on_a_terminal_the_file_is_judged() {
    let student = Student::new();
    student.saves("creating-snapshots.redis", RIGHT);
    let mut terminal = student.starts_redislings_with(ROOMY, |command| {
        command.args(["check", FIRST]);
    });
    terminal.sees("passed: all");
    assert_eq!(terminal.ends().exit_code(), 0);
}

#[test]
fn a_terminal_as_standard_input_says_how_it_ends() {
    let student = Student::new();
    let mut terminal = student.starts_redislings_with(ROOMY, |command| {
        command.args(["check", FIRST, "-"]);
    });
    terminal.sees("reading Redis commands from the terminal; Ctrl-D ends");
    terminal.presses(RIGHT);
    terminal.presses(CTRL_D);
    terminal.sees("passed: all");
    assert_eq!(terminal.ends().exit_code(), 0);
}

#[test]
fn a_file_in_place_of_the_exercise_is_recognized() {
    let workspace = with_answers(&[("creating-snapshots.redis", RIGHT)]);
    let ended = workspace.run(&["check", "answers/creating-snapshots.redis"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("help: `redislings check EXERCISE FILE`"), "{ended:?}");
}

#[test]
fn a_pass_counts_as_in_the_session() {
    let workspace = with_answers(&[("creating-snapshots.redis", RIGHT)]);
    let ended = workspace.run(&["check", FIRST]);
    assert!(ended.stderr.contains("counted as passed: 1 of 5 exercises so far"), "{ended:?}");
    assert!(workspace.run(&["list"]).stdout.contains("✓ creating-snapshots"));
    assert_eq!(workspace.run(&["solution", FIRST]).code, 0);
    let again = workspace.run(&["check", FIRST]);
    assert!(!again.stderr.contains("counted"), "{again:?}");
}

#[test]
fn a_failure_counts_as_a_failed_attempt() {
    let workspace = with_answers(&[("creating-snapshots.redis", WRONG)]);
    assert_eq!(workspace.run(&["check", FIRST]).code, 1);
    assert!(progress(&workspace).contains("failed_attempts = 1"), "{}", progress(&workspace));
}

#[test]
fn a_pass_that_cannot_be_saved_is_still_a_pass_and_says_why_in_one_line() {
    let workspace = with_answers(&[("creating-snapshots.redis", RIGHT)]);
    let state = workspace.file("state", "a file in place of the folder");
    let mut command = workspace.command(&["check", FIRST]);
    command.env("XDG_STATE_HOME", state).stdin(Stdio::null());
    let ended = Ended::from(command.output().unwrap());
    assert_eq!(ended.code, 0, "{ended:?}");
    let mut lines = ended.stderr.lines();
    assert!(
        lines.any(|line| line.contains("not counted as passed: cannot read the progress file"))
    );
}

#[test]
fn a_pass_beside_a_running_session_says_when_that_shows_it() {
    let workspace = with_answers(&[("creating-snapshots.redis", RIGHT)]);
    let state = workspace.work().join("state");
    let lock = workspace.file("state/redislings/session.lock", "4711\n");
    let lock = std::fs::File::open(lock).unwrap();
    lock.lock().unwrap();
    let mut command = workspace.command(&["check", FIRST]);
    let ended = Ended::from(command.env("XDG_STATE_HOME", state).output().unwrap());
    let line = "; your running session (process 4711) shows it from its next step on";
    assert!(ended.stderr.contains(line), "{}", ended.stderr);
}

#[test]
fn all_answers_are_judged_and_the_worst_decides() {
    let workspace = with_answers(&[
        ("creating-snapshots.redis", RIGHT),
        ("using-bgsave.redis", WRONG),
        ("notes.redis", WRONG),
    ]);
    let ended = workspace.run(&["check", "--all"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    for part in [
        "✓ passed: all 6 checks met  answers/creating-snapshots.redis\n",
        " checks met  answers/using-bgsave.redis\n",
        "\nanswers/using-bgsave.redis\n✗ not passed: ",
        "\n1 of 2 answers passed\n",
    ] {
        assert!(ended.stdout.contains(part), "{part:?} is missing in:\n{}", ended.stdout);
    }
    assert!(progress(&workspace).contains("creating-snapshots"));
    assert!(!progress(&workspace).contains("failed_attempts"), "{}", progress(&workspace));
}

#[test]
fn an_answer_that_cannot_be_checked_is_worse_than_one_that_failed() {
    let workspace = with_answers(&[("creating-snapshots.redis", WRONG)]);
    symlink("/dev/zero", workspace.work().join("answers/using-bgsave.redis")).unwrap();
    let ended = workspace.run(&["check", "--all"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stdout.contains("! could not be checked  answers/using-bgsave.redis\n"));
    assert!(ended.stderr.contains("not a regular file"), "{ended:?}");
}

#[test]
fn the_json_of_all_answers_has_a_document_for_each() {
    let workspace = with_answers(&[
        ("creating-snapshots.redis", RIGHT),
        ("creating-snapshots.py", "print(1)\n"),
    ]);
    let arguments = ["check", "--all", "--language", "redis", "--format", "json"];
    let ended = workspace.run(&arguments);
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        (&json["outcome"], &json["passed"], &json["all"]),
        (&"passed".into(), &1.into(), &1.into())
    );
    let answer = &json["answers"][0];
    assert_eq!(answer["file"], "answers/creating-snapshots.redis");
    assert_eq!((&answer["exercise"], &answer["outcome"]), (&FIRST.into(), &"passed".into()));
    assert!(answer["findings"].is_array() && answer["language"] == "redis");
}

#[test]
fn no_answers_at_all_is_a_usage_error() {
    let ended = Workspace::new().run(&["check", "--all"]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("`redislings path --begin`"), "{ended:?}");
}
