//! A student with a private home and an editor that writes a text chosen by the test.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portable_pty::CommandBuilder;

use super::{DEADLINE, Size, Terminal, until};
use crate::support::{cache, lesson_4, local_server};

/// Environment variables that change what redislings does.
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
    folder: tempfile::TempDir,
}

impl Student {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "state", "work", "tmp"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let student = Self { folder };
        student.writes_in_the_editor("");
        student
    }

    /// A student who has stopped at this exercise of Lesson 4.
    pub fn at(exercise: &str) -> Self {
        let student = Self::new();
        student.has_the_progress(&format!("passed = []\n{}", place(exercise)));
        student
    }

    /// A student who has passed some exercises and stopped at this one.
    pub fn who_has_passed(exercises: &[&str], exercise: &str) -> Self {
        let student = Self::new();
        student.has_the_progress(&format!("passed = {exercises:?}\n{}", place(exercise)));
        student
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn has_the_progress(&self, text: &str) {
        let file = self.path("state/redislings/progress.toml");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// The text of the progress file.
    pub fn progress(&self) -> String {
        std::fs::read_to_string(self.path("state/redislings/progress.toml")).unwrap()
    }

    /// Waits until the progress file has this number of failed attempts at the exercise.
    pub fn has_failed(&self, exercise: &str, times: u32) {
        until(
            DEADLINE,
            || self.failed_attempts(exercise) == Some(times.into()),
            || format!("{times} failed attempts in {}", self.progress()),
        );
    }

    pub fn failed_attempts(&self, exercise: &str) -> Option<i64> {
        let progress: toml::Table = self.progress().parse().ok()?;
        progress.get("exercise")?.get(exercise)?.get("failed_attempts")?.as_integer()
    }

    /// Saves an answer, as the student's own editor would.
    pub fn saves(&self, name: &str, text: &str) {
        let file = self.path("work/answers").join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// The text of a saved answer.
    pub fn answer(&self, name: &str) -> String {
        std::fs::read_to_string(self.path("work/answers").join(name)).unwrap()
    }

    /// From now on the editor replaces the text of its file by this one.
    pub fn writes_in_the_editor(&self, text: &str) {
        std::fs::write(self.path("text"), text).unwrap();
        self.has_the_editor("cat \"$text\" > \"$1\"");
    }

    /// Sets the editor to a shell script. `$1` is its file, `$text` the file with the text to
    /// write, `$place` the student's folder.
    pub fn has_the_editor(&self, script: &str) {
        let folder = self.folder.path().display();
        let head = format!("#!/bin/sh\nplace='{folder}'\ntext=\"$place/text\"\n");
        // A new file each time: a running program can't be overwritten.
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

    /// The environment variables of the student's processes.
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        vec![
            ("HOME", self.path("home")),
            ("XDG_STATE_HOME", self.path("state")),
            // Shared, so that the Python environment is made once.
            ("XDG_CACHE_HOME", cache()),
            ("TMPDIR", self.path("tmp")),
            ("EDITOR", self.path("scribe")),
            ("TERM", PathBuf::from("xterm-256color")),
            ("REDISLINGS_LESSONS", lesson_4()),
            ("REDISLINGS_SERVER", PathBuf::from(local_server())),
            ("REDISLINGS_PORT", PathBuf::from("0")),
        ]
    }

    /// Waits until nothing of redislings is left: no process, no private directory.
    pub fn has_nothing_left_within(&self, limit: Duration) {
        until(
            limit,
            || self.leftovers().is_empty(),
            || format!("left behind: {:#?}", self.leftovers()),
        );
    }

    /// The processes and temporary files of this student's redislings.
    fn leftovers(&self) -> Vec<String> {
        let mut left = self.processes();
        let entries = std::fs::read_dir(self.path("tmp")).unwrap().flatten();
        left.extend(entries.map(|entry| entry.path().display().to_string()));
        left
    }

    /// The command lines of all processes that descend from this student's redislings.
    pub fn processes(&self) -> Vec<String> {
        self.process_folders().iter().map(|process| command_line(process)).collect()
    }

    /// The process ids of this student's Redis servers.
    pub fn servers(&self) -> Vec<i32> {
        let mut ids = Vec::new();
        for process in self.process_folders() {
            let command = command_line(&process);
            // Only the first word: redislings itself has an argument `--server`.
            let is_server = command.split(' ').next().is_some_and(|word| word.ends_with("-server"));
            if is_server
                && let Ok(id) = process.file_name().unwrap().to_string_lossy().parse::<i32>()
            {
                ids.push(id);
            }
        }
        ids
    }

    /// The folders in /proc of this student's processes. TMPDIR in their environment identifies
    /// them. A Redis server overwrites its environment with its title, but it works in a folder
    /// below TMPDIR.
    fn process_folders(&self) -> Vec<PathBuf> {
        let tmp = self.path("tmp");
        let all = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        all.filter(|process| has_tmpdir(process, &tmp) || works_below(process, &tmp)).collect()
    }

    pub fn waits_for_the_file(&self, name: &str, limit: Duration) {
        let path = self.path(name);
        until(limit, || path.exists(), || format!("`{}` never came", path.display()));
    }
}

fn has_tmpdir(process: &Path, tmp: &Path) -> bool {
    let variable = format!("TMPDIR={}", tmp.display());
    let environment = std::fs::read(process.join("environ")).unwrap_or_default();
    environment.split(|&byte| byte == 0).any(|entry| entry == variable.as_bytes())
}

fn works_below(process: &Path, folder: &Path) -> bool {
    std::fs::read_link(process.join("cwd")).is_ok_and(|directory| directory.starts_with(folder))
}

/// The place in a progress file where the student stopped.
fn place(exercise: &str) -> String {
    format!(
        "[place]\nlesson = \"snapshotting\"\nstep = \"by its exercise\"\n\
         exercise = \"{exercise}\"\n"
    )
}

fn command_line(process: &Path) -> String {
    let words = std::fs::read(process.join("cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&words).replace('\0', " ")
}
