//! Process groups that end with us.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use process_wrap::std::{CommandWrap, CommandWrapper as _, ProcessSession};

use super::run::{SESSION, with_session};
use super::{creating, lock};

/// A process group. Dropping this kills the whole group; if we are killed first, the reaper does.
#[derive(Debug)]
pub struct ProcessGroup(Pid);

impl ProcessGroup {
    /// Starts `command` as the leader of a new session and process group. It thus has no terminal,
    /// from which it could read our keys, or to which it could write what looks like our verdict.
    /// Start each command only once.
    pub fn spawn_without_terminal(command: &mut Command) -> Result<(Self, Child), std::io::Error> {
        ProcessSession.pre_spawn(command, &CommandWrap::with_new("", |_| ()))?;
        Self::start(command)
    }

    /// Starts `command`, which does not ask for a terminal, as the leader of a new process group.
    /// A session of its own would need `fork`: that copies all our page tables, and was a tenth of
    /// the processor time of `verify`. The system starts this one without (`posix_spawn`).
    pub fn spawn(command: &mut Command) -> Result<(Self, Child), std::io::Error> {
        Self::start(command.process_group(0))
    }

    fn start(command: &mut Command) -> Result<(Self, Child), std::io::Error> {
        let _creating = creating();
        with_session(|_| Ok(())).map_err(|error| std::io::Error::other(error.fact))?;
        let mut child = command.spawn()?;
        let id = i32::try_from(child.id()).map_err(std::io::Error::other)?;
        match Self::watched(Pid::from_raw(id)) {
            Ok(group) => Ok((group, child)),
            Err(error) => {
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// Watches the group whose leader `start` starts and returns.
    pub fn started_by(
        start: impl FnOnce() -> Result<Pid, std::io::Error>,
    ) -> Result<Self, std::io::Error> {
        let _creating = creating();
        Self::watched(start()?)
    }

    /// If the reaper can't watch the group, kills it at once.
    fn watched(leader: Pid) -> std::io::Result<Self> {
        let group = Self(leader);
        // Release the lock before a group is dropped: dropping takes it too.
        let watched = match lock(&SESSION).as_mut() {
            Some(session) => session.reaper.watch(leader.as_raw()),
            None => Err(std::io::Error::other("redislings is shutting down")),
        };
        watched.map(|()| group)
    }

    /// SIGKILL to every process of the group.
    pub fn kill(&self) {
        let _ = killpg(self.0, Signal::SIGKILL);
    }

    /// Tells the reaper to leave the group alone. It outlives us if this is never dropped.
    pub fn forget(&self) {
        if let Some(session) = lock(&SESSION).as_mut() {
            session.reaper.forget(self.0.as_raw());
        }
    }

    /// What the leader does now; `None` where the system does not tell.
    pub fn leader(&self) -> Option<Leader> {
        let fields = stat(&PathBuf::from(format!("/proc/{}", self.0)))?;
        let (user, system) = (ticks(&fields, 11)?, ticks(&fields, 12)?);
        let state = fields.first()?.as_str();
        Some(Leader {
            is_in_the_kernel: state == "D",
            is_ready: ["D", "R"].contains(&state),
            ticks: user + system,
        })
    }

    /// Whether a signal such as SIGSTOP has stopped the leader (Linux's state `T`).
    pub fn leader_is_stopped(&self) -> bool {
        let fields = stat(&PathBuf::from(format!("/proc/{}", self.0)));
        fields.is_some_and(|fields| fields.first().is_some_and(|state| state == "T"))
    }

    /// Whether a process of the group still runs. On Linux, zombies do not count: it may take long
    /// until an orphan is reaped.
    pub fn runs(&self) -> bool {
        killpg(self.0, None).is_ok()
            && running_groups().is_none_or(|groups| groups.contains(&self.0))
    }
}

/// A process at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Leader {
    /// In an uninterruptible system call (Linux's state `D`).
    pub is_in_the_kernel: bool,
    /// It runs, or would run if it could.
    pub is_ready: bool,
    /// The processor time used so far, in clock ticks of 10 ms.
    pub ticks: u64,
}

/// The process groups of all processes except zombies; `None` without /proc.
fn running_groups() -> Option<Vec<Pid>> {
    stat(Path::new("/proc/self"))?;
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    Some(processes.filter_map(|entry| running_group(&stat(&entry.path())?)).collect())
}

fn running_group(fields: &[String]) -> Option<Pid> {
    let group = fields.get(2)?.parse().ok()?;
    (!matches!(fields[0].as_str(), "Z" | "X")).then_some(Pid::from_raw(group))
}

fn ticks(fields: &[String], index: usize) -> Option<u64> {
    fields.get(index)?.parse().ok()
}

/// The fields after the name in a process's `stat` file: in `4711 (name) S 1 4700 …` they are
/// state, parent, group and more. `process` is its folder in /proc. A name may contain `)`.
fn stat(process: &Path) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(process.join("stat")).ok()?;
    Some(text.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        self.kill();
        self.forget();
    }
}
