//! Shared helpers: the program as a user starts it, real servers, container images, a terminal.

pub mod image;
pub mod redis_server;
pub mod terminal;

use std::io::Write as _;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use redislings::server::source::{choose, on_path};
use redislings::server::{Source, Wanted};

pub const DEADLINE: Duration = Duration::from_secs(60);

/// A private folder with a working directory, a home and temporary files for the program. The cache
/// is shared, so that pip installs packages only once.
pub struct Workspace {
    folder: tempfile::TempDir,
}

impl Workspace {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "tmp", "work"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    /// A file in the working directory.
    pub fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.work().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// The TMPDIR of `redislings`.
    pub fn temporary_folder(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    /// The names of the files that runs have left in the temporary folder.
    pub fn leftovers(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.temporary_folder()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    /// `redislings` with these arguments and Lesson 4.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_redislings"));
        command.args(arguments).current_dir(self.work());
        command.env("REDISLINGS_LESSONS", lesson_4());
        command.env("REDISLINGS_SERVER", local_server());
        // Tests run in parallel; only tests of port 6379 may use it.
        command.env("REDISLINGS_PORT", "0");
        command.env("HOME", self.folder.path().join("home")).env("TMPDIR", self.temporary_folder());
        command
            .env("XDG_CACHE_HOME", cache())
            .env_remove("XDG_STATE_HOME")
            .env_remove("PYTHONPATH");
        command.env("TERM", "xterm-256color");
        for name in [
            "REDISLINGS_PLAIN",
            "NO_COLOR",
            "CLICOLOR",
            "CLICOLOR_FORCE",
            "REDISLINGS_IMAGE",
            "EDITOR",
            "VISUAL",
            "CI_NODE_INDEX",
            "CI_NODE_TOTAL",
            "JOB_COMPLETION_INDEX",
            "GITHUB_ACTIONS",
            "GITHUB_BASE_REF",
            "GITHUB_STEP_SUMMARY",
            "GITHUB_WORKSPACE",
            "CI_MERGE_REQUEST_DIFF_BASE_SHA",
        ] {
            command.env_remove(name);
        }
        command
    }

    /// Runs the program to its end with an empty standard input.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::from(self.command(arguments).stdin(Stdio::null()).output().unwrap())
    }

    /// Runs the program to its end with this standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.command(arguments);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Ended::from(child.wait_with_output().unwrap())
    }

    /// Starts the program without waiting for its end.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The verdict of an answer, as JSON, and the exit code.
    pub fn check(&self, exercise: &str, name: &str, answer: &str) -> (serde_json::Value, i32) {
        self.check_with(exercise, name, answer, &[])
    }

    pub fn check_with(
        &self,
        exercise: &str,
        name: &str,
        answer: &str,
        more: &[&str],
    ) -> (serde_json::Value, i32) {
        let path = self.file(name, answer);
        let mut arguments = vec!["check", exercise, path.to_str().unwrap(), "--format", "json"];
        arguments.extend(more);
        let ended = self.run(&arguments);
        let json = serde_json::from_str(&ended.stdout);
        (
            json.unwrap_or_else(|error| panic!("{error} in: {}{}", ended.stdout, ended.stderr)),
            ended.code,
        )
    }
}

/// The output of a run and its exit code.
#[derive(Debug)]
pub struct Ended {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code().unwrap_or(-1),
        }
    }
}

pub fn shipped_lessons() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("lessons")
}

/// A course of the shipped Lesson 4 alone. Most tests need some lesson, and not to change with the
/// others.
pub fn lesson_4() -> PathBuf {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lesson-4/lessons");
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["04-snapshotting.md", "course.toml"] {
            // Another test run may read the file just now.
            let new = folder.join(format!(".{name}.{}", std::process::id()));
            std::fs::copy(shipped_lessons().join(name), &new).unwrap();
            std::fs::rename(new, folder.join(name)).unwrap();
        }
        folder
    });
    FOLDER.clone()
}

/// `XDG_CACHE_HOME` if it is set, otherwise a folder next to the build.
pub fn cache() -> PathBuf {
    match std::env::var_os("XDG_CACHE_HOME") {
        Some(cache) => PathBuf::from(cache),
        None => Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"),
    }
}

/// The kind of server process that this machine can have.
pub fn local_server() -> &'static str {
    if on_path("redis-server").or(on_path("valkey-server")).is_some() {
        "process"
    } else {
        "bundled"
    }
}

/// A server of that kind.
pub fn local_source() -> Source {
    let wanted = if local_server() == "process" { Wanted::Process } else { Wanted::Bundled };
    choose(&wanted, "", &|_| ()).unwrap().source
}

/// Says that a test is skipped. This goes directly to standard error, because the test runner hides
/// the output of passed tests.
pub fn report_skipped(test: &str, why: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
}

/// The same command, run by a shell after this line of shell code, such as `umask 000`.
pub fn after_shell_line(line: &str, command: &Command) -> Command {
    let mut wrapped = Command::new("sh");
    wrapped.args(["-c", &format!("{line} && exec \"$@\""), "sh"]);
    wrapped.arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        wrapped.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    wrapped
}

/// Whether a process has ended. A zombie counts as ended.
pub fn has_ended(pid: i32) -> bool {
    let output = Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output().unwrap();
    output.stdout.is_empty() || output.stdout.starts_with(b"Z")
}

/// Polls until the condition holds.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// Calls `work` for each item, `at_once` at a time. A failure does not stop the others. Most of the
/// time is spent waiting for servers.
pub fn on_each<T: Sync>(all: &[T], at_once: usize, work: impl Fn(&T) + Sync) {
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = std::panic::catch_unwind(AssertUnwindSafe(|| work(one)));
                    failed.fetch_add(usize::from(result.is_err()), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(failed.into_inner(), 0);
}

/// The ids of unmet checks.
pub fn unmet(verdict: &serde_json::Value) -> Vec<&str> {
    let findings = verdict["findings"].as_array().unwrap();
    let unmet = findings.iter().filter(|finding| finding["outcome"] == "unmet");
    unmet.map(|finding| finding["check"].as_str().unwrap()).collect()
}

/// What a check found.
pub fn found<'v>(verdict: &'v serde_json::Value, check: &str) -> &'v str {
    let findings = verdict["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["check"] == check).unwrap()["found"].as_str().unwrap()
}

/// The working directories of processes below the program's temporary folder. Only Linux has them;
/// elsewhere the list is empty.
pub fn processes_in(workspace: &Workspace) -> Vec<String> {
    let temporary = workspace.work().parent().unwrap().join("tmp");
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let folders = processes
        .flatten()
        .filter_map(|process| std::fs::read_link(process.path().join("cwd")).ok());
    folders
        .filter(|folder| folder.starts_with(&temporary))
        .map(|folder| folder.display().to_string())
        .collect()
}
