//! Full disks.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{LESSON, Running, is_unchecked, place, verify};
use crate::support::{Ended, Place, image};

/// A disk of its own, as small as what is written to it at once; unmounted when dropped.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where this user can't mount; then `test` is told to be skipped.
    fn new(test: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=256k", "none"]).arg(folder.path());
        let why = match mount.output() {
            Ok(output) if output.status.success() => return Some(Self(folder)),
            Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        let _ = writeln!(std::io::stderr(), "skipped: {test}: no disk can be mounted: {why}");
        None
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Not a byte is left.
    fn fill(&self) {
        let filler = self.path().join("filler");
        let mut file = OpenOptions::new().create(true).append(true).open(filler).unwrap();
        for size in [4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    /// What lies there beside what fills it.
    fn others(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.path()).unwrap().map(|it| it.unwrap().path());
        entries.filter(|path| !path.ends_with("filler")).collect()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|it| it.success()) || std::thread::panicking());
    }
}

fn is_told(disk: &SmallDisk, told: &str) {
    let fact = format!("no space is left in `{}`: ", disk.path().display());
    assert!(told.contains(&fact), "{told}");
    assert_eq!(disk.others(), Vec::<PathBuf>::new());
}

#[test]
fn a_disk_that_is_full_from_the_beginning_is_named_at_once() {
    let test = "a_disk_that_is_full_from_the_beginning_is_named_at_once";
    let Some(disk) = SmallDisk::new(test) else { return };
    disk.fill();
    let place = place(LESSON);
    for more in [&[][..], &["--no-mutants", "--language", "redis"]] {
        let mut command = verify(&place, more);
        command.env("TMPDIR", disk.path());
        let ended = Running::start(&place, command).end();
        is_unchecked(&ended);
        is_told(&disk, &[ended.stdout, ended.stderr].concat());
    }
    place.file("answer.redis", "SAVE\n");
    let mut command = place.command(&["check", "e", "answer.redis", "--lessons", "course"]);
    command.env("TMPDIR", disk.path());
    let ended = Running::start(&place, command).end();
    assert_eq!(ended.code, 3, "{ended:?}");
    is_told(&disk, &ended.stderr);
    assert!(ended.stderr.contains("\nhelp: free some there, or set TMPDIR"), "{ended:?}");
}

fn verify_while_it_fills(disk: &SmallDisk, place: &Place, more: &[&str]) -> Ended {
    let mut command = verify(place, more);
    command.env("TMPDIR", disk.path());
    let running = Running::waits(place, command);
    disk.fill();
    running.go().end()
}

#[test]
fn a_disk_that_fills_in_the_middle_lets_no_case_fail() {
    let Some(disk) = SmallDisk::new("a_disk_that_fills_in_the_middle_lets_no_case_fail") else {
        return;
    };
    let place = place(LESSON);
    let ended = verify_while_it_fills(&disk, &place, &["--no-mutants"]);
    is_unchecked(&ended);
    is_told(&disk, &ended.stdout);
}

#[test]
fn a_disk_that_fills_in_the_middle_lets_no_case_in_a_container_fail() {
    let test = "a_disk_that_fills_in_the_middle_lets_no_case_in_a_container_fail";
    let Some(image) = image::for_test(test) else { return };
    let Some(disk) = SmallDisk::new(test) else { return };
    let place = place(LESSON);
    let more = ["--no-mutants", "--server", "container", "--image", image];
    let ended = verify_while_it_fills(&disk, &place, &more);
    is_unchecked(&ended);
    is_told(&disk, &ended.stdout);
}

#[test]
fn a_report_that_could_not_be_written_is_told_whatever_came_of_the_cases() {
    let test = "a_report_that_could_not_be_written_is_told_whatever_came_of_the_cases";
    let full = Path::new("/dev/full");
    if File::open(full).is_err() {
        let _ = writeln!(std::io::stderr(), "skipped: {test}: there is no `/dev/full`");
        return;
    }
    let place = place(LESSON);
    for kind in ["human", "jsonl", "junit", "github", "summary"] {
        let report = format!("{kind}=/dev/full");
        let command = verify(&place, &["e/redis", "--no-mutants", "--report", &report]);
        let ended = Running::start(&place, command).end();
        assert_eq!(ended.code, 3, "{ended:?}");
        let told = "error: the result could not be written to `/dev/full`: No space left";
        assert!(ended.stderr.contains(told), "{ended:?}");
    }
}

#[test]
fn a_cache_that_has_no_room_for_a_package_is_told_and_left_as_it_was() {
    let test = "a_cache_that_has_no_room_for_a_package_is_told_and_left_as_it_was";
    let Some(disk) = SmallDisk::new(test) else { return };
    disk.fill();
    let place = place(LESSON);
    let mut command = verify(&place, &["e/redis", "--no-mutants", "--server", "bundled"]);
    command.env("XDG_CACHE_HOME", disk.path());
    let ended = Running::start(&place, command).end();
    is_unchecked(&ended);
    let cache = disk.path().join("redislings");
    let fact = format!("error: no space is left in `{}`: ", cache.display());
    assert!(ended.stderr.contains(&fact), "{ended:?}");
    assert!(ended.stderr.contains("\nhelp: free some there, or set XDG_CACHE_HOME"), "{ended:?}");
    let left = std::fs::read_dir(&cache).unwrap().map(|it| it.unwrap().path());
    assert!(left.into_iter().all(|path| path.is_file()));
}
