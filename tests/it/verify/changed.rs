//! `--changed`: only the lessons that a git diff touches.

use std::process::Command;

use super::ids;
use crate::support::{Ended, Workspace};

const LESSON: &str = "```redis\nPING\n```\n";

/// A repository with the lessons `a` and `b` on main and a branch `work`, which is checked out.
fn repository() -> Workspace {
    let workspace = Workspace::new();
    workspace.file("course/01-a.md", LESSON);
    workspace.file("course/02-b.md", LESSON);
    workspace.file("course/course.toml", "format = 1\ntitle = \"C\"\n");
    git(&workspace, &["init", "--quiet", "--initial-branch", "main"]);
    commit(&workspace);
    git(&workspace, &["checkout", "--quiet", "-b", "work"]);
    workspace
}

fn git(workspace: &Workspace, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@example.org"]).args(arguments);
    assert!(command.current_dir(workspace.work()).status().unwrap().success(), "{arguments:?}");
}

fn commit(workspace: &Workspace) {
    git(workspace, &["add", "--all"]);
    git(workspace, &["commit", "--quiet", "--message", "a change"]);
}

fn verify(workspace: &Workspace, changed: &str) -> Ended {
    workspace.run(&["verify", "--lessons", "course", "--format", "json", changed])
}

#[test]
fn a_lesson_that_the_branch_has_changed_is_verified() {
    let workspace = repository();
    workspace.file("course/02-b.md", "# B\n\n".to_owned() + LESSON);
    commit(&workspace);
    let ended = verify(&workspace, "--changed");
    assert_eq!((ids(&ended), ended.code), (vec!["b/example-1".to_owned()], 0), "{ended:?}");
}

#[test]
fn uncommitted_and_new_lessons_are_verified() {
    let workspace = repository();
    workspace.file("course/01-a.md", "# A\n\n".to_owned() + LESSON);
    workspace.file("course/03-c.md", LESSON);
    assert_eq!(ids(&verify(&workspace, "--changed=main")), ["a/example-1", "c/example-1"]);
}

#[test]
fn later_changes_on_main_are_not_verified() {
    let workspace = repository();
    git(&workspace, &["checkout", "--quiet", "main"]);
    workspace.file("course/01-a.md", "# A\n\n".to_owned() + LESSON);
    commit(&workspace);
    git(&workspace, &["checkout", "--quiet", "work"]);
    assert_eq!(ids(&verify(&workspace, "--changed")), Vec::<String>::new());
}

#[test]
fn on_the_target_branch_itself_it_is_said_why_nothing_runs() {
    let workspace = repository();
    git(&workspace, &["checkout", "--quiet", "main"]);
    let ended = workspace.run(&["verify", "--lessons", "course", "--changed"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let says = "\nnothing to run\nno lesson differs from `main`, which is HEAD itself (";
    assert!(ended.stdout.starts_with(says), "{}", ended.stdout);
    let ended = verify(&workspace, "--changed");
    assert!(ended.stdout.contains("\"outcome\": \"nothing-to-run\""), "{}", ended.stdout);
    assert!(ended.stderr.contains("no lesson differs from `main`"), "{}", ended.stderr);
}

#[test]
fn changed_course_settings_verify_every_lesson() {
    let workspace = repository();
    workspace.file("course/course.toml", "format = 1\ntitle = \"Another\"\n");
    assert_eq!(ids(&verify(&workspace, "--changed")), ["a/example-1", "b/example-1"]);
}

#[test]
fn an_unknown_commit_is_a_usage_error() {
    let ended = verify(&repository(), "--changed=no-such-branch");
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("git knows no commit `no-such-branch`"), "{}", ended.stderr);
}

#[test]
fn changed_outside_a_repository_is_an_environment_error() {
    let workspace = Workspace::new();
    workspace.file("course/01-a.md", LESSON);
    let mut command = workspace.command(&["verify", "--lessons", "course", "--changed"]);
    command.env("GIT_CEILING_DIRECTORIES", workspace.work().parent().unwrap());
    let ended = Ended::from(command.output().unwrap());
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("cannot tell what has changed"), "{}", ended.stderr);
}

#[test]
fn the_built_in_course_has_no_history() {
    let workspace = Workspace::new();
    let mut command = workspace.command(&["verify", "--changed"]);
    let ended = Ended::from(command.env_remove("REDISLINGS_LESSONS").output().unwrap());
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("the built-in course"), "{}", ended.stderr);
}
