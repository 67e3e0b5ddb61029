//! No Python, or no packages and no package index.

use std::path::Path;
use std::process::Command;

use redislings::server::source::on_path;

use super::{LESSON, Running, is_unchecked, report, verify, workspace};
use crate::support::{Ended, Workspace};

/// Verifies with only the programs in `bin` on PATH and an empty cache.
fn verify_with(
    workspace: &Workspace,
    bin: &Path,
    more: &[&str],
    variables: &[(&str, &str)],
) -> Ended {
    workspace.file("flags/go", "");
    for name in ["sh", "rm", "grep", "ps"] {
        std::os::unix::fs::symlink(on_path(name).unwrap(), bin.join(name)).unwrap();
    }
    let server = crate::support::redis_server::program();
    std::os::unix::fs::symlink(server, bin.join("redis-server")).unwrap();
    let mut command = verify(workspace, more);
    command.env("PATH", bin).env("XDG_CACHE_HOME", workspace.work().join("cache"));
    command.env("REDISLINGS_SERVER", "process").envs(variables.iter().copied());
    Running::start(workspace, command).end()
}

fn empty_bin(workspace: &Workspace) -> std::path::PathBuf {
    let bin = workspace.work().join("bin");
    std::fs::create_dir(&bin).unwrap();
    bin
}

/// The `bin` folder of a virtual environment without packages.
fn bare_python(workspace: &Workspace) -> std::path::PathBuf {
    let folder = workspace.work().join("bare");
    let made = Command::new("python3").args(["-m", "venv", "--without-pip"]).arg(&folder).status();
    assert!(made.unwrap().success());
    folder.join("bin")
}

fn assert_unchecked(ended: &Ended, fact: &str) {
    is_unchecked(ended);
    assert!(ended.stderr.contains(fact), "{ended:?}");
    assert!(ended.stderr.contains("\nhelp: "), "{ended:?}");
}

#[test]
fn without_python_nothing_in_python_is_verified() {
    let workspace = workspace(LESSON);
    let ended = verify_with(&workspace, &empty_bin(&workspace), &["--no-mutants"], &[]);
    assert_unchecked(&ended, "error: `python3` can't be run: No such file or directory");
}

#[test]
fn without_python_there_are_no_mutants_and_nothing_is_verified() {
    let workspace = workspace(LESSON);
    let ended = verify_with(&workspace, &empty_bin(&workspace), &[], &[]);
    assert_unchecked(&ended, "error: `python3` can't make mutants of the solutions: No such file");
}

#[test]
fn redis_answers_are_verified_without_python() {
    let workspace = workspace(LESSON);
    let ended = verify_with(&workspace, &empty_bin(&workspace), &["e/redis"], &[]);
    assert_eq!((ended.code, &report(&ended)["outcome"]), (0, &"passed".into()), "{ended:?}");
}

#[test]
fn an_unreachable_package_index_leaves_nothing_half_installed() {
    let workspace = workspace(LESSON);
    let nowhere = [
        ("PIP_INDEX_URL", "http://127.0.0.1:9/"),
        ("PIP_CONFIG_FILE", "/dev/null"),
        ("PIP_RETRIES", "1"),
    ];
    let bin = bare_python(&workspace);
    let ended = verify_with(&workspace, &bin, &["--no-mutants", "e/python"], &nowhere);
    assert_unchecked(&ended, "could not be installed: no package index is reachable: ");
    let cache = std::fs::read_dir(workspace.work().join("cache/redislings")).unwrap();
    let left = cache.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    assert_eq!(left.collect::<Vec<_>>(), Vec::<std::path::PathBuf>::new());
}
