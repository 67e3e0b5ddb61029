//! Saved work of a student: progress, answers, the journal, `reset` and `export`.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use redislings::attempt::{self, Answer, Fixture};
use redislings::journal::Journal;
use redislings::lesson::{Course, Language};
use redislings::relay::{Port, Relay};
use redislings::server::Server;
use redislings::verdict::conclude;
use tokio_util::sync::CancellationToken;

use crate::support::terminal::{ROOMY, Student, Terminal};
use crate::support::{Workspace, local_source, shipped_lessons};

const PROGRESS: &str = "home/.local/state/redislings/progress.toml";

const JOURNAL: &str = "home/.local/state/redislings/journal.jsonl";

/// A file of the program, by its path below the private folder.
fn private_file(workspace: &Workspace, path: &str) -> PathBuf {
    workspace.work().parent().unwrap().join(path)
}

fn progress(workspace: &Workspace) -> String {
    std::fs::read_to_string(private_file(workspace, PROGRESS)).unwrap()
}

/// A student who has passed two exercises and has a Python answer to one of them.
fn has_passed_two() -> Workspace {
    let workspace = Workspace::new();
    let path = private_file(&workspace, PROGRESS);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let text = "passed = [\"creating-snapshots\", \"using-bgsave\", \"of-another-course\"]\n\
                [place]\nlesson = \"snapshotting\"\nstep = \"Using BGSAVE\"\n";
    std::fs::write(path, text).unwrap();
    workspace.file("answers/creating-snapshots.py", "print('mine')\n");
    workspace
}

#[test]
fn a_reset_reopens_the_exercise_and_backs_up_the_answer() {
    let workspace = has_passed_two();
    let ended = workspace.run(&["reset", "creating-snapshots", "--yes"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("`answers/creating-snapshots.1.py`"), "{ended:?}");
    let backup = std::fs::read_to_string(workspace.work().join("answers/creating-snapshots.1.py"));
    assert_eq!(backup.unwrap(), "print('mine')\n");
    let starter = std::fs::read_to_string(workspace.work().join("answers/creating-snapshots.py"));
    assert!(starter.unwrap().contains("import redis"));
    let left = progress(&workspace);
    assert!(!left.contains("creating-snapshots") && left.contains("using-bgsave"), "{left}");
}

#[test]
fn a_second_reset_makes_no_backup() {
    let workspace = has_passed_two();
    workspace.run(&["reset", "creating-snapshots", "--yes"]);
    let ended = workspace.run(&["reset", "creating-snapshots", "--yes"]);
    assert!(ended.code == 0 && !ended.stdout.contains("kept"), "{ended:?}");
    assert!(!workspace.work().join("answers/creating-snapshots.2.py").exists());
}

#[test]
fn reset_all_keeps_only_other_courses() {
    let workspace = has_passed_two();
    let ended = workspace.run(&["reset", "--all", "--yes"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let left = progress(&workspace);
    assert!(left.contains("passed = [\"of-another-course\"]"), "{left}");
    assert!(!left.contains("[place]"), "{left}");
    assert!(workspace.run(&["list"]).stdout.contains("0 of 5 exercises passed"));
}

#[test]
fn reset_without_a_terminal_needs_yes() {
    let workspace = has_passed_two();
    let before = progress(&workspace);
    let ended = workspace.run(&["reset", "creating-snapshots"]);
    assert!(ended.code == 2 && ended.stderr.contains("--yes"), "{ended:?}");
    assert_eq!(progress(&workspace), before);
    assert!(!workspace.work().join("answers/creating-snapshots.1.py").exists());
}

/// Resets an exercise that the student has begun, up to the question.
fn is_asked_before_a_reset(student: &Student) -> Terminal {
    std::fs::create_dir(student.path("work/answers")).unwrap();
    std::fs::write(student.path("work/answers/using-bgsave.redis"), "BGSAVE\n").unwrap();
    let terminal = student.starts_redislings_with(ROOMY, |command| {
        command.args(["reset", "using-bgsave"]);
    });
    terminal.sees("Reset `using-bgsave`? (y/N)");
    terminal
}

#[test]
fn a_yes_at_the_terminal_resets() {
    let student = Student::new();
    let mut terminal = is_asked_before_a_reset(&student);
    terminal.presses(b"y\r");
    terminal.sees("your answer is kept as");
    assert!(terminal.ends().success());
    assert!(student.path("work/answers/using-bgsave.1.redis").exists());
    let starter = std::fs::read_to_string(student.path("work/answers/using-bgsave.redis")).unwrap();
    assert_ne!(starter, "BGSAVE\n");
}

#[test]
fn enter_at_the_terminal_resets_nothing() {
    let student = Student::new();
    let mut terminal = is_asked_before_a_reset(&student);
    terminal.presses(b"\r");
    terminal.sees("nothing was reset");
    assert!(terminal.ends().success() && terminal.is_sane());
    assert!(student.path("work/answers/using-bgsave.redis").exists());
}

#[test]
fn an_unknown_exercise_resets_nothing() {
    let workspace = has_passed_two();
    let before = progress(&workspace);
    let ended = workspace.run(&["reset", "--yes", "using-bgsave", "creating-snapshot"]);
    assert!(ended.code == 2 && ended.stderr.contains("creating-snapshots"), "{ended:?}");
    assert_eq!(progress(&workspace), before);
}

#[test]
fn a_failed_reset_still_names_the_backup() {
    let workspace = has_passed_two();
    let lock = private_file(&workspace, "home/.local/state/redislings/progress.lock");
    std::fs::create_dir(lock).unwrap();
    let ended = workspace.run(&["reset", "creating-snapshots", "--yes"]);
    assert!(
        ended.code == 3 && ended.stderr.contains("cannot write the progress file"),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("`answers/creating-snapshots.1.py`"), "{ended:?}");
}

#[test]
fn concurrent_resets_both_take_effect() {
    let workspace = has_passed_two();
    let ids = ["creating-snapshots", "using-bgsave"];
    let children: Vec<_> = ids.map(|id| workspace.start(&["reset", id, "--yes"])).into();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert!(
        progress(&workspace).contains("passed = [\"of-another-course\"]"),
        "{}",
        progress(&workspace)
    );
}

#[test]
fn a_damaged_progress_file_is_set_aside() {
    let workspace = has_passed_two();
    std::fs::write(private_file(&workspace, PROGRESS), b"passed = [\xff").unwrap();
    let ended = workspace.run(&["list"]);
    assert!(ended.code == 0 && ended.stderr.contains("progress.damaged-1.toml"), "{ended:?}");
    let aside = private_file(&workspace, "home/.local/state/redislings/progress.damaged-1.toml");
    assert_eq!(std::fs::read(aside).unwrap(), b"passed = [\xff");
}

/// Judges an answer in Redis commands on a real server and adds it to the journal of a session that
/// began `seconds_ago`.
fn add_attempt(journal: &Path, seconds_ago: u64, exercise: &str, text: &str) {
    let (course, _) = Course::load(&shipped_lessons()).unwrap();
    let (_, step, exercise) =
        course.exercises().find(|(.., candidate)| candidate.id == exercise).unwrap();
    let mut server = Server::start(&local_source(), &exercise.settings).unwrap();
    let relay = Relay::open(Port::Free).unwrap();
    let answer = Answer { language: Language::Redis, text: text.to_owned(), path: None };
    let cancel = CancellationToken::new();
    let mut fixture =
        Fixture { server: &mut server, relay: &relay, report: &|_| {}, cancel: &cancel };
    let evidence = attempt::attempt(&mut fixture, exercise, &answer, None).unwrap();
    let verdict = conclude(exercise, &evidence).unwrap();
    let session = Journal::at(journal, SystemTime::now() - Duration::from_secs(seconds_ago));
    let answer = Some((text, Language::Redis));
    session.add_attempt(exercise, &step.title, server.name(), answer, &evidence, &verdict).unwrap();
    session.add_exploration(&step.title, server.name(), &evidence.timeline).unwrap();
}

#[test]
fn the_last_session_is_exported_with_its_evidence() {
    let workspace = Workspace::new();
    let journal = private_file(&workspace, JOURNAL);
    add_attempt(&journal, 9000, "creating-snapshots", "PING\n");
    add_attempt(&journal, 60, "creating-snapshots", "BGSAVE\nSAVE\n");
    let ended = workspace.run(&["export"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    for expected in [
        "## ",
        "Exercise `creating-snapshots`.",
        "### Attempt 1: not passed",
        "```redis\nBGSAVE\nSAVE\n```",
        "ERR Background save already in progress",
        "Cause: ",
        "✗ unmet: ",
        "| total_forks | 0 | 1 |",
        "### At the prompt",
    ] {
        assert!(ended.stdout.contains(expected), "no {expected} in {}", ended.stdout);
    }
    assert!(!ended.stdout.contains("PING"), "{}", ended.stdout);
    assert!(!ended.stdout.contains('\u{1b}'), "{}", ended.stdout);
    let all = workspace.run(&["export", "--all"]);
    assert_eq!(all.stdout.matches("# redislings: session of").count(), 2, "{}", all.stdout);
}

#[test]
fn export_overwrites_a_file_only_with_force() {
    let workspace = Workspace::new();
    add_attempt(&private_file(&workspace, JOURNAL), 60, "creating-snapshots", "SAVE\n");
    let file = workspace.file("session.md", "by hand");
    let refused = workspace.run(&["export", "session.md"]);
    assert!(refused.code == 2 && refused.stderr.contains("--force"), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "by hand");
    let forced = workspace.run(&["export", "session.md", "--force"]);
    assert!(forced.code == 0 && forced.stdout.is_empty(), "{forced:?}");
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("# redislings: session of"));
}

#[test]
fn a_damaged_journal_line_is_reported() {
    let workspace = Workspace::new();
    let journal = private_file(&workspace, JOURNAL);
    add_attempt(&journal, 60, "creating-snapshots", "SAVE\n");
    let damaged = std::fs::read_to_string(&journal).unwrap() + "{\"session\":\n";
    std::fs::write(&journal, damaged).unwrap();
    let ended = workspace.run(&["export"]);
    assert!(ended.code == 0 && ended.stderr.contains("skipped 1 unreadable line of"), "{ended:?}");
}

#[test]
fn without_a_session_there_is_nothing_to_export() {
    let ended = Workspace::new().run(&["export"]);
    assert!(ended.code == 3 && ended.stderr.contains("nothing to export"), "{ended:?}");
}
