//! What a run makes is for its user alone, whatever the umask; what the user asked for has the rights of their other files.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::terminal::{ROOMY, Student};
use crate::support::{Place, local_server, shipped_lessons};

/// Saves in both ways, leaves a file, and goes on until the test has looked around.
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

/// Everything below that somebody else has a right to, with its mode. What a link leads to is looked at for itself. What
/// pip keeps for a moment has modes of its own, in a folder that is closed to others.
fn open_to_others(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    // What is gone again was nobody's for long.
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

/// `redislings` for somebody whose umask keeps nothing from anybody.
fn with_an_open_umask(place: &Place, arguments: &[&str]) -> Command {
    let program = place.command(arguments);
    let mut command = Command::new("sh");
    command.args(["-c", "umask 000; exec \"$@\"", "sh"]).arg(program.get_program());
    command.args(program.get_args()).current_dir(place.work());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn a_check_makes_nothing_that_others_may_read() {
    let place = Place::new();
    let (answer, seen) = (place.file("a.py", ANSWER), place.work().join("seen"));
    let words = ["check", "creating-snapshots", answer.to_str().unwrap(), "--server", "process"];
    let mut child = with_an_open_umask(&place, &words).env("SEEN", &seen).spawn().unwrap();
    while !seen.with_extension("new").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
        assert_eq!(open_to_others(&place.temporary_folder()), [""; 0]);
        std::thread::park_timeout(std::time::Duration::from_millis(5));
    }
    assert!(!place.leftovers().is_empty());
    assert_eq!(open_to_others(&place.temporary_folder()), [""; 0]);
    std::fs::rename(seen.with_extension("new"), &seen).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_proof_makes_nothing_that_others_may_read() {
    let place = Place::new();
    let words = ["verify", "creating-snapshots", "--no-mutants", "--server", local_server()];
    let mut child = with_an_open_umask(&place, &words).spawn().unwrap();
    while child.try_wait().unwrap().is_none() {
        assert_eq!(open_to_others(&place.temporary_folder()), [""; 0]);
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
fn what_the_user_asked_for_has_the_rights_of_their_other_files() {
    let place = Place::new();
    let run = |words: &[&str]| with_an_open_umask(&place, words).status().unwrap();
    assert!(run(&["init", "course"]).success());
    let lessons = shipped_lessons();
    let words = ["list", "--lessons", lessons.to_str().unwrap()];
    assert!(run(&words).success());
    let words = ["verify", "creating-snapshots", "--language", "redis", "--report"];
    let report = ["junit=report.xml", "--report", "jsonl=report.jsonl", "--server", local_server()];
    assert!(run(&[&words[..], &report[..]].concat()).success());
    for (path, mode) in [
        ("course", 0o777),
        ("course/README.md", 0o666),
        ("course/lessons/04-snapshotting.md", 0o666),
        ("report.xml", 0o666),
        ("report.jsonl", 0o666),
    ] {
        let found = std::fs::metadata(place.work().join(path)).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode, "{path}");
    }
}
