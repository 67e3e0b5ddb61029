//! The shell that cleans up after a run that was killed.

use std::collections::BTreeSet;
use std::io::{ErrorKind, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

const REAPER: &str = include_str!("reaper.sh");

/// A Ctrl-C may kill each new reaper while it is starting.
const REAPER_TRIES: usize = 5;

/// The `sh` that ends what we leave behind. It may die before us: a Ctrl-C that comes while it is
/// starting, before it has its own process group, kills it too. It is then replaced.
pub(super) struct Reaper {
    shell: Child,
    directory: PathBuf,
    groups: BTreeSet<i32>,
}

impl Reaper {
    pub(super) fn start(directory: &Path) -> std::io::Result<Self> {
        let shell = start_reaper(directory)?;
        Ok(Self { shell, directory: directory.to_owned(), groups: BTreeSet::new() })
    }

    pub(super) fn watch(&mut self, group: i32) -> std::io::Result<()> {
        self.groups.insert(group);
        self.send_groups().or_else(|_| self.replace())
    }

    pub(super) fn forget(&mut self, group: i32) {
        self.groups.remove(&group);
        if self.send_groups().is_err() {
            // If no other can be started, the next `watch` and the end try again.
            let _ = self.replace();
        }
    }

    fn send_groups(&mut self) -> std::io::Result<()> {
        let groups: Vec<String> = self.groups.iter().map(i32::to_string).collect();
        let pipe = self.shell.stdin.as_mut().ok_or(ErrorKind::BrokenPipe)?;
        pipe.write_all(format!("{}\n", groups.join(" ")).as_bytes())
    }

    fn replace(&mut self) -> std::io::Result<()> {
        for _ in 0..REAPER_TRIES {
            let _ = self.shell.kill();
            let _ = self.shell.wait();
            self.shell = start_reaper(&self.directory)?;
            if self.send_groups().is_ok() {
                return Ok(());
            }
        }
        Err(ErrorKind::BrokenPipe.into())
    }

    /// Makes the reaper end everything, and waits for it.
    pub(super) fn end(mut self) {
        let is_gone = !matches!(self.shell.try_wait(), Ok(None));
        if is_gone && self.replace().is_err() {
            for group in &self.groups {
                let _ = killpg(Pid::from_raw(*group), Signal::SIGKILL);
            }
        }
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

fn start_reaper(directory: &Path) -> std::io::Result<Child> {
    Command::new("sh")
        .args(["-c", REAPER, "redislings-reaper"])
        .arg(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}
