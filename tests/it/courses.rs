//! Courses and what stands around the session: the built-in course, `init`, `new`, `list`, hints, solutions, the
//! files for shells.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Ended, Place, shipped_lessons};

/// Without `REDISLINGS_LESSONS`, as after an installation.
fn run_installed(place: &Place, folder: &str, arguments: &[&str]) -> Ended {
    let mut command = place.command(arguments);
    command.env_remove("REDISLINGS_LESSONS").current_dir(place.work().join(folder));
    Ended::from(command.stdin(Stdio::null()).output().unwrap())
}

fn json(ended: &Ended) -> serde_json::Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn files_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(place) = folders.pop() {
        for entry in std::fs::read_dir(place).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}

/// Of a student who has passed `creating-snapshots`.
fn run_with_progress(arguments: &[&str]) -> Ended {
    let place = Place::new();
    place.file("state/redislings/progress.toml", "passed = [\"creating-snapshots\"]\n");
    let mut command = place.command(arguments);
    command.env("XDG_STATE_HOME", place.work().join("state"));
    Ended::from(command.stdin(Stdio::null()).output().unwrap())
}

const ALL: [&str; 5] = [
    "creating-snapshots",
    "using-bgsave",
    "trigger-snapshots-manually",
    "save-blocks-everyone",
    "restore-from-the-dump",
];

#[test]
fn an_installed_program_has_the_course_in_any_folder() {
    let place = Place::new();
    let list = json(&run_installed(&place, "", &["list", "--format", "json"]));
    assert_eq!(list["course"], "Redis by doing");
    assert_eq!(list["lessons"][0]["file"], "<built-in>/04-snapshotting.md");
}

#[test]
fn an_answer_is_judged_by_the_built_in_course() {
    let place = Place::new();
    place.file("answer.redis", "SAVE\nBGSAVE\n");
    let ended = run_installed(&place, "", &["check", "creating-snapshots", "answer.redis"]);
    assert_eq!(ended.code, 0, "{ended:?}");
}

#[test]
fn verify_says_that_it_is_the_built_in_course_which_it_proves() {
    let place = Place::new();
    let case = "creating-snapshots/redis/solution-1";
    let ended = run_installed(&place, "", &["verify", case, "--format", "json"]);
    assert!(ended.stderr.contains("the built-in course is verified"), "{}", ended.stderr);
    let report = json(&ended);
    assert_eq!(report["cases"][0]["file"], "<built-in>/04-snapshotting.md");
    let repeat = report["cases"][0]["repeat"].as_str().unwrap();
    assert!(!repeat.contains("--lessons"), "{repeat}");
}

#[test]
fn a_folder_of_lessons_here_comes_before_the_built_in_course() {
    let place = Place::new();
    place.file("lessons/01-mine.md", "# Mine\n");
    let ended = run_installed(&place, "", &["list"]);
    assert!(ended.stdout.starts_with("Mine\n"), "{ended:?}");
}

#[test]
fn a_folder_that_was_named_and_is_missing_is_not_replaced_by_the_built_in_course() {
    let ended = run_installed(&Place::new(), "", &["list", "--lessons", "lessons"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
}
