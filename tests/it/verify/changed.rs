//! Only the lessons that a git diff touches.

use std::process::Command;

use super::ids;
use crate::support::{Ended, Place};

const LESSON: &str = "```redis\nPING\n```\n";

/// A repository with the lessons `a` and `b` on main, where the work is on a branch.
fn repository() -> Place {
    let place = Place::new();
    place.file("course/01-a.md", LESSON);
    place.file("course/02-b.md", LESSON);
    place.file("course/course.toml", "format = 1\ntitle = \"C\"\n");
    git(&place, &["init", "--quiet", "--initial-branch", "main"]);
    commit(&place);
    git(&place, &["checkout", "--quiet", "-b", "work"]);
    place
}

fn git(place: &Place, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@example.org"]).args(arguments);
    assert!(command.current_dir(place.work()).status().unwrap().success(), "{arguments:?}");
}

fn commit(place: &Place) {
    git(place, &["add", "--all"]);
    git(place, &["commit", "--quiet", "--message", "a change"]);
}

fn verify(place: &Place, changed: &str) -> Ended {
    place.run(&["verify", "--lessons", "course", "--format", "json", changed])
}

#[test]
fn a_lesson_that_the_branch_has_changed_is_verified() {
    let place = repository();
    place.file("course/02-b.md", "# B\n\n".to_owned() + LESSON);
    commit(&place);
    let ended = verify(&place, "--changed");
    assert_eq!((ids(&ended), ended.code), (vec!["b/example-1".to_owned()], 0), "{ended:?}");
}

#[test]
fn uncommitted_and_new_lessons_are_verified() {
    let place = repository();
    place.file("course/01-a.md", "# A\n\n".to_owned() + LESSON);
    place.file("course/03-c.md", LESSON);
    assert_eq!(ids(&verify(&place, "--changed=main")), ["a/example-1", "c/example-1"]);
}

#[test]
fn what_main_has_changed_meanwhile_is_not_the_branchs_work() {
    let place = repository();
    git(&place, &["checkout", "--quiet", "main"]);
    place.file("course/01-a.md", "# A\n\n".to_owned() + LESSON);
    commit(&place);
    git(&place, &["checkout", "--quiet", "work"]);
    assert_eq!(ids(&verify(&place, "--changed")), Vec::<String>::new());
}

#[test]
fn the_courses_settings_are_everybodys() {
    let place = repository();
    place.file("course/course.toml", "format = 1\ntitle = \"Another\"\n");
    assert_eq!(ids(&verify(&place, "--changed")), ["a/example-1", "b/example-1"]);
}

#[test]
fn a_commit_that_git_does_not_know_is_the_command_lines_fault() {
    let ended = verify(&repository(), "--changed=no-such-branch");
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("git knows no commit `no-such-branch`"), "{}", ended.stderr);
}

#[test]
fn outside_a_repository_it_could_not_be_checked() {
    let place = Place::new();
    place.file("course/01-a.md", LESSON);
    let mut command = place.command(&["verify", "--lessons", "course", "--changed"]);
    command.env("GIT_CEILING_DIRECTORIES", place.work().parent().unwrap());
    let ended = Ended::from(command.output().unwrap());
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.stderr.contains("what has changed can't be told"), "{}", ended.stderr);
}

#[test]
fn the_built_in_course_has_no_history() {
    let place = Place::new();
    let mut command = place.command(&["verify", "--changed"]);
    let ended = Ended::from(command.env_remove("REDISLINGS_LESSONS").output().unwrap());
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("the built-in course"), "{}", ended.stderr);
}
