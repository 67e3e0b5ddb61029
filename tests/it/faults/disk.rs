//! Full disks.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{LESSON, Running, is_unchecked, verify, workspace};
use crate::support::terminal::{Student, USUAL};
use crate::support::{Ended, Workspace, image, report_skipped};

/// A small file system of its own, unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None`, with a note that `test` is skipped, if this user can't mount.
    fn new(test: &str) -> Option<Self> {
        Self::with(test, "size=256k")
    }

    fn with(test: &str, options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "none"]).arg(folder.path());
        let why = match mount.output() {
            Ok(output) if output.status.success() => return Some(Self(folder)),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        report_skipped(test, format_args!("no disk can be mounted: {why}"));
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Leaves no free byte.
    fn fill(&self) {
        let filler = self.path().join("filler");
        let mut file = OpenOptions::new().create(true).append(true).open(filler).unwrap();
        for size in [4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    /// The files on the disk other than the filler.
    fn others(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| !path.ends_with("filler")).collect()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

/// The output reports the full disk, and nothing is left on it.
fn assert_reported(disk: &SmallDisk, output: &str) {
    let fact = format!("no space left in `{}`: ", disk.path().display());
    assert!(output.contains(&fact), "{output}");
    assert_eq!(disk.others(), Vec::<PathBuf>::new());
}

#[test]
fn a_disk_that_is_full_at_the_start_is_reported_at_once() {
    let test = "a_disk_that_is_full_at_the_start_is_reported_at_once";
    let Some(disk) = SmallDisk::new(test) else { return };
    disk.fill();
    let workspace = workspace(LESSON);
    for more in [&[][..], &["--no-mutants", "--language", "redis"]] {
        let mut command = verify(&workspace, more);
        command.env("TMPDIR", disk.path());
        let ended = Running::start(&workspace, command).end();
        is_unchecked(&ended);
        assert_reported(&disk, &[ended.stdout, ended.stderr].concat());
    }
    workspace.file("answer.redis", "SAVE\n");
    let mut command = workspace.command(&["check", "e", "answer.redis", "--lessons", "course"]);
    command.env("TMPDIR", disk.path());
    let ended = Running::start(&workspace, command).end();
    assert_eq!(ended.code, 3, "{ended:?}");
    assert_reported(&disk, &ended.stderr);
    assert!(ended.stderr.contains("\nhelp: free some space there, or set TMPDIR"), "{ended:?}");
}

fn verify_while_it_fills(disk: &SmallDisk, workspace: &Workspace, more: &[&str]) -> Ended {
    let mut command = verify(workspace, more);
    command.env("TMPDIR", disk.path());
    let running = Running::waits(workspace, command);
    disk.fill();
    running.go().end()
}

#[test]
fn a_disk_that_fills_during_a_run_fails_no_case() {
    let Some(disk) = SmallDisk::new("a_disk_that_fills_during_a_run_fails_no_case") else {
        return;
    };
    let workspace = workspace(LESSON);
    let ended = verify_while_it_fills(&disk, &workspace, &["--no-mutants"]);
    is_unchecked(&ended);
    assert_reported(&disk, &ended.stdout);
}

#[test]
fn a_disk_that_fills_during_a_run_fails_no_case_in_a_container() {
    let test = "a_disk_that_fills_during_a_run_fails_no_case_in_a_container";
    let Some(image) = image::for_test(test) else { return };
    let Some(disk) = SmallDisk::new(test) else { return };
    let workspace = workspace(LESSON);
    let more = ["--no-mutants", "--server", "container", "--image", image];
    let ended = verify_while_it_fills(&disk, &workspace, &more);
    is_unchecked(&ended);
    assert_reported(&disk, &ended.stdout);
}

#[test]
fn an_unwritable_report_is_reported_whatever_the_outcome() {
    let test = "an_unwritable_report_is_reported_whatever_the_outcome";
    let full = Path::new("/dev/full");
    if File::open(full).is_err() {
        report_skipped(test, "there is no `/dev/full`");
        return;
    }
    let workspace = workspace(LESSON);
    for kind in ["human", "jsonl", "junit", "github", "summary"] {
        let report = format!("{kind}=/dev/full");
        let command = verify(&workspace, &["e/redis", "--no-mutants", "--report", &report]);
        let ended = Running::start(&workspace, command).end();
        assert_eq!(ended.code, 3, "{ended:?}");
        let fact = "error: the result could not be written to `/dev/full`: No space left";
        assert!(ended.stderr.contains(fact), "{ended:?}");
    }
}

#[test]
fn a_full_cache_disk_is_reported_and_left_unchanged() {
    let test = "a_full_cache_disk_is_reported_and_left_unchanged";
    let Some(disk) = SmallDisk::new(test) else { return };
    disk.fill();
    let workspace = workspace(LESSON);
    let mut command = verify(&workspace, &["e/redis", "--no-mutants", "--server", "bundled"]);
    command.env("XDG_CACHE_HOME", disk.path());
    let ended = Running::start(&workspace, command).end();
    is_unchecked(&ended);
    let cache = disk.path().join("redislings");
    let fact = format!("error: no space left in `{}`: ", cache.display());
    assert!(ended.stderr.contains(&fact), "{ended:?}");
    let help = "\nhelp: free some space there, or set XDG_CACHE_HOME";
    assert!(ended.stderr.contains(help), "{ended:?}");
    let mut left = std::fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path());
    assert!(left.all(|path| path.is_file()));
}

#[test]
fn a_session_on_a_read_only_disk_says_so_at_the_start() {
    let test = "a_session_on_a_read_only_disk_says_so_at_the_start";
    let Some(disk) = SmallDisk::with(test, "size=256k,ro") else { return };
    let student = Student::new();
    let mut terminal = student.starts_redislings_with(USUAL, |command| {
        command.cwd(disk.path());
        command.env("XDG_STATE_HOME", disk.path());
    });
    terminal.sees("your answers can't be saved: the folder answers is read-only");
    terminal.sees("your progress can't be saved: ");
    terminal.sees("XDG_STATE_HOME to a folder");
    assert!(!terminal.text().contains("free some space"), "{}", terminal.text());
    terminal.presses("q");
    terminal.ends();
}

#[test]
fn a_check_with_a_read_only_progress_file_passes_and_says_so() {
    let test = "a_check_with_a_read_only_progress_file_passes_and_says_so";
    let Some(disk) = SmallDisk::with(test, "size=256k,ro") else { return };
    let workspace = Workspace::new();
    workspace.file("answer.redis", "SAVE\nBGSAVE\n");
    let mut command = workspace.command(&["check", "creating-snapshots", "answer.redis"]);
    command.env("XDG_STATE_HOME", disk.path());
    let ended = Ended::from(command.output().unwrap());
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("not counted as passed: "), "{ended:?}");
    assert!(!ended.stderr.contains("free some space"), "{ended:?}");
}
