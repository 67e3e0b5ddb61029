//! No Python, or none with the packages, and no way to get them.

use std::path::Path;
use std::process::Command;

use redislings::server::source::on_path;

use super::{LESSON, Running, is_unchecked, place, report, verify};
use crate::support::{Ended, Place};

/// Runs it with these programs only, and an empty cache.
fn verify_with(place: &Place, bin: &Path, more: &[&str], variables: &[(&str, &str)]) -> Ended {
    place.file("flags/go", "");
    for name in ["sh", "rm", "grep", "ps"] {
        std::os::unix::fs::symlink(on_path(name).unwrap(), bin.join(name)).unwrap();
    }
    let server = crate::support::redis_server::program();
    std::os::unix::fs::symlink(server, bin.join("redis-server")).unwrap();
    let mut command = verify(place, more);
    command.env("PATH", bin).env("XDG_CACHE_HOME", place.work().join("cache"));
    command.env("REDISLINGS_SERVER", "process").envs(variables.iter().copied());
    Running::start(place, command).end()
}

fn empty_bin(place: &Place) -> std::path::PathBuf {
    let bin = place.work().join("bin");
    std::fs::create_dir(&bin).unwrap();
    bin
}

/// The programs of a virtual environment that has nothing but Python.
fn bare_python(place: &Place) -> std::path::PathBuf {
    let folder = place.work().join("bare");
    let made = Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(&folder).status();
    assert!(made.unwrap().success());
    folder.join("bin")
}

fn is_told(ended: &Ended, fact: &str) {
    is_unchecked(ended);
    assert!(ended.stderr.contains(fact), "{ended:?}");
    assert!(ended.stderr.contains("\nhelp: "), "{ended:?}");
}

#[test]
fn without_python_nothing_in_python_is_verified() {
    let place = place(LESSON);
    let ended = verify_with(&place, &empty_bin(&place), &["--no-mutants"], &[]);
    is_told(&ended, "error: `python3` can't be run: No such file or directory");
}

#[test]
fn without_python_there_are_no_mutants_and_nothing_is_verified() {
    let place = place(LESSON);
    let ended = verify_with(&place, &empty_bin(&place), &[], &[]);
    is_told(&ended, "error: `python3` can't make mutants of the solutions: No such file");
}

#[test]
fn without_python_what_needs_none_is_verified() {
    let place = place(LESSON);
    let ended = verify_with(&place, &empty_bin(&place), &["e/redis"], &[]);
    assert_eq!((ended.code, &report(&ended)["outcome"]), (0, &"passed".into()), "{ended:?}");
}

#[test]
fn where_no_package_index_is_reached_that_is_told_and_nothing_half_installed_is_left() {
    let place = place(LESSON);
    let nowhere = [
        ("PIP_INDEX_URL", "http://127.0.0.1:9/"),
        ("PIP_CONFIG_FILE", "/dev/null"),
        ("PIP_RETRIES", "1"),
    ];
    let bin = bare_python(&place);
    let ended = verify_with(&place, &bin, &["--no-mutants", "e/python"], &nowhere);
    is_told(&ended, "could not be installed: no package index was reached: ");
    let cache = std::fs::read_dir(place.work().join("cache/redislings")).unwrap();
    let left = cache.map(|it| it.unwrap().path()).filter(|path| path.is_dir());
    assert_eq!(left.collect::<Vec<_>>(), Vec::<std::path::PathBuf>::new());
}
