//! Somebody with a home of their own, and an editor that writes what a test tells it to.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use portable_pty::CommandBuilder;

use super::{DEADLINE, Size, Terminal, until};
use crate::support::{cache, local_server, shipped_lessons};

/// Would change what redislings does.
pub const FOREIGN: [&str; 11] = [
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "FORCE_HYPERLINK",
    "VISUAL",
    "REDISLINGS_SERVER",
    "REDISLINGS_IMAGE",
    "REDISLINGS_LESSONS",
    "REDISLINGS_PLAIN",
    "PYTHONPATH",
    "REDIS_URL",
];

/// A student who has never started redislings.
pub struct Student {
    place: tempfile::TempDir,
}

impl Student {
    pub fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        for folder in ["home", "state", "work", "tmp"] {
            std::fs::create_dir(place.path().join(folder)).unwrap();
        }
        let student = Self { place };
        student.writes_in_the_editor("");
        student
    }

    /// Somebody who has stopped at this exercise of Lesson 4.
    pub fn at(exercise: &str) -> Self {
        let student = Self::new();
        student.has_the_progress(&format!("passed = []\n{}", place(exercise)));
        student
    }

    /// The same with exercises that are passed already.
    pub fn who_has_passed(exercises: &[&str], exercise: &str) -> Self {
        let student = Self::new();
        student.has_the_progress(&format!("passed = {exercises:?}\n{}", place(exercise)));
        student
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    pub fn has_the_progress(&self, text: &str) {
        let file = self.path("state/redislings/progress.toml");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// What the progress file holds.
    pub fn progress(&self) -> String {
        std::fs::read_to_string(self.path("state/redislings/progress.toml")).unwrap()
    }

    /// Waits until so many failed attempts at the exercise are noted.
    pub fn has_failed(&self, exercise: &str, times: u32) {
        let noted = || {
            let progress: toml::Table = self.progress().parse().unwrap_or_default();
            let effort = progress.get("exercise").and_then(|it| it.get(exercise)).cloned();
            let failed = effort.and_then(|it| it.get("failed_attempts")?.as_integer());
            failed == Some(times.into())
        };
        until(DEADLINE, noted, || format!("{times} failed attempts in {}", self.progress()));
    }

    /// An answer in the folder of answers, as an editor of the student's own saves it.
    pub fn saves(&self, name: &str, text: &str) {
        let file = self.path("work/answers").join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// What is kept as an answer.
    pub fn answer(&self, name: &str) -> String {
        std::fs::read_to_string(self.path("work/answers").join(name)).unwrap()
    }

    /// From now on the editor replaces all that is in the file.
    pub fn writes_in_the_editor(&self, text: &str) {
        std::fs::write(self.path("text"), text).unwrap();
        self.has_the_editor("cat \"$text\" > \"$1\"");
    }

    /// A shell script; `$1` is the file, `$text` what is to be written, `$place` the student's folder.
    pub fn has_the_editor(&self, script: &str) {
        let place = self.place.path().display();
        let head = format!("#!/bin/sh\nplace='{place}'\ntext=\"$place/text\"\n");
        // A new file each time: one that runs can't be written to.
        let new = self.path("scribe.new");
        std::fs::write(&new, format!("{head}{script}\n")).unwrap();
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::rename(new, self.path("scribe")).unwrap();
    }

    pub fn starts_redislings(&self, size: Size) -> Terminal {
        self.starts_redislings_with(size, |_| {})
    }

    pub fn starts_redislings_with(
        &self,
        size: Size,
        change: impl FnOnce(&mut CommandBuilder),
    ) -> Terminal {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_redislings"));
        for name in FOREIGN {
            command.env_remove(name);
        }
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        command.cwd(self.path("work"));
        change(&mut command);
        Terminal::open(command, size.into())
    }

    /// What a process of this student's has in its environment.
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("HOME", self.path("home")),
            ("XDG_STATE_HOME", self.path("state")),
            // Shared, so that the Python environment is made once.
            ("XDG_CACHE_HOME", cache()),
            ("TMPDIR", self.path("tmp")),
            ("EDITOR", self.path("scribe")),
            ("TERM", PathBuf::from("xterm-256color")),
            ("REDISLINGS_LESSONS", shipped_lessons()),
            ("REDISLINGS_SERVER", PathBuf::from(local_server())),
            ("REDISLINGS_PORT", PathBuf::from("0")),
        ]
    }

    /// Waits until nothing of redislings is left: no process, no private directory.
    pub fn has_nothing_left_within(&self, limit: Duration) {
        let left = || {
            let mut left = self.processes();
            let entries = std::fs::read_dir(self.path("tmp")).unwrap().flatten();
            left.extend(entries.map(|entry| entry.path().display().to_string()));
            left
        };
        until(limit, || left().is_empty(), || format!("left behind: {:#?}", left()));
    }

    /// The command lines of all processes that descend from this student's redislings.
    pub fn processes(&self) -> Vec<String> {
        self.process_folders().iter().map(|process| command_line(process)).collect()
    }

    /// The process ids of this student's Redis servers.
    pub fn servers(&self) -> Vec<i32> {
        // Not redislings itself, which is told `--server …`.
        let is_server = |process: &&PathBuf| {
            let program = command_line(process).split(' ').next().map(str::to_owned);
            program.is_some_and(|program| program.ends_with("-server"))
        };
        let id = |process: &PathBuf| process.file_name()?.to_str()?.parse().ok();
        self.process_folders().iter().filter(is_server).filter_map(id).collect()
    }

    /// By their environment; Redis writes its title over that, but works in the private directory.
    fn process_folders(&self) -> Vec<PathBuf> {
        let tmp = self.path("tmp");
        let mark = format!("TMPDIR={}", tmp.display());
        let has_the_mark = |process: &PathBuf| {
            std::fs::read(process.join("environ")).is_ok_and(|environ| {
                environ.split(|&byte| byte == 0).any(|it| it == mark.as_bytes())
            })
        };
        // A Redis server wipes its environment to have room for its title; it works in a folder of ours.
        let works_here = |process: &PathBuf| {
            std::fs::read_link(process.join("cwd")).is_ok_and(|folder| folder.starts_with(&tmp))
        };
        let is_ours = |process: &PathBuf| has_the_mark(process) || works_here(process);
        let all = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        all.filter(is_ours).collect()
    }

    pub fn waits_for_the_file(&self, name: &str, limit: Duration) {
        let path = self.path(name);
        until(limit, || path.exists(), || format!("`{}` never came", path.display()));
    }
}

fn place(exercise: &str) -> String {
    format!(
        "[place]\nlesson = \"snapshotting\"\nstep = \"by its exercise\"\nexercise = \"{exercise}\"\n"
    )
}

fn command_line(process: &std::path::Path) -> String {
    let words = std::fs::read(process.join("cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).replace('\0', " ")
}
