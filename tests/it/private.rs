//! Internal files of a run are private, whatever the umask. Files that the user asked for follow
//! the umask.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::terminal::{ROOMY, Student};
use crate::support::{Workspace, after_shell_line, local_server, shipped_lessons};

/// Saves in both ways, writes a file, and waits until the test has checked the access rights.
const ANSWER: &str = "import os, redis, time
client = redis.Redis()
client.save()
client.bgsave()
open('mine', 'w').write('x')
open(os.environ['SEEN'] + '.new', 'w').close()
while not os.path.exists(os.environ['SEEN']):
    time.sleep(0.01)
print('Manual snapshot triggered.')
";

/// Every file below `folder` that other users have a right to, with its mode. Links are not
/// followed. Temporary files of pip have modes of their own, in a folder that is closed to others.
fn open_to_others(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    // The folder may be gone already.
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for path in entries.flatten().map(|entry| entry.path()) {
        let Ok(metadata) = path.symlink_metadata() else { continue };
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 && !metadata.is_symlink() {
            found.push(format!("{mode:o} {}", path.display()));
        }
        let is_pips = path.file_name().unwrap().to_string_lossy().starts_with("installer-");
        if metadata.is_dir() && !is_pips {
            found.extend(open_to_others(&path));
        }
    }
    found
}

/// `redislings` with a umask that removes no rights.
fn with_an_open_umask(workspace: &Workspace, arguments: &[&str]) -> Command {
    let mut command = after_shell_line("umask 000", &workspace.command(arguments));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn a_check_makes_nothing_that_others_may_read() {
    let workspace = Workspace::new();
    let (answer, seen) = (workspace.file("a.py", ANSWER), workspace.work().join("seen"));
    let words = ["check", "creating-snapshots", answer.to_str().unwrap(), "--server", "process"];
    let mut child = with_an_open_umask(&workspace, &words).env("SEEN", &seen).spawn().unwrap();
    while !seen.with_extension("new").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
        assert_eq!(open_to_others(&workspace.temporary_folder()), [""; 0]);
        std::thread::park_timeout(std::time::Duration::from_millis(5));
    }
    assert!(!workspace.leftovers().is_empty());
    assert_eq!(open_to_others(&workspace.temporary_folder()), [""; 0]);
    std::fs::rename(seen.with_extension("new"), &seen).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn verify_makes_nothing_that_others_may_read() {
    let workspace = Workspace::new();
    let words =
        ["verify", "creating-snapshots", "--no-mutants", "--jobs", "4", "--server", local_server()];
    let mut child = with_an_open_umask(&workspace, &words).spawn().unwrap();
    while child.try_wait().unwrap().is_none() {
        assert_eq!(open_to_others(&workspace.temporary_folder()), [""; 0]);
        std::thread::park_timeout(std::time::Duration::from_millis(5));
    }
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_session_makes_nothing_but_answers_that_others_may_read() {
    let student = Student::new();
    let mut terminal = student.starts_redislings_with(ROOMY, |command| {
        command.umask(Some(0));
    });
    terminal.sees("server: ");
    for folder in ["tmp", "home", "state"] {
        assert_eq!(open_to_others(&student.path(folder)), [""; 0], "{folder}");
    }
    terminal.presses("q");
    terminal.ends();
    for folder in ["tmp", "home", "state"] {
        assert_eq!(open_to_others(&student.path(folder)), [""; 0], "{folder}");
    }
}

#[test]
fn requested_files_follow_the_umask() {
    let workspace = Workspace::new();
    let lessons = shipped_lessons();
    let verify = ["verify", "creating-snapshots", "--language", "redis", "--jobs", "4", "--report"];
    let report = ["junit=report.xml", "--report", "jsonl=report.jsonl", "--server", local_server()];
    let commands: [&[&str]; 3] = [
        &["init", "course"],
        &["list", "--lessons", lessons.to_str().unwrap()],
        &[&verify[..], &report[..]].concat(),
    ];
    for words in commands {
        let mut command = with_an_open_umask(&workspace, words);
        let ended = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        assert!(ended.status.success(), "{words:?}: {ended:?}");
    }
    for (path, mode) in [
        ("course", 0o777),
        ("course/README.md", 0o666),
        ("course/lessons/04-snapshotting.md", 0o666),
        ("report.xml", 0o666),
        ("report.jsonl", 0o666),
    ] {
        let found = std::fs::metadata(workspace.work().join(path)).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode, "{path}");
    }
}
