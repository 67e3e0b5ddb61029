//! Runs answers in forks of one warmed interpreter; `zygote.py` is the other side.
//!
//! The interpreter reads its own files before it reports that it is ready, so before any answer
//! runs: an answer that changes them has no effect.
//!
//! Requests go through one socket, each with four descriptors: the answer's stdout and stderr, a
//! pipe with the rest of the request (file, directory, environment; NULs between them), and a
//! socket on which the fork reports its process id and later its wait status, one per line.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{
    BufRead as _, BufReader, Error, ErrorKind, IoSlice, PipeReader, Read as _, Write as _,
};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use nix::unistd::Pid;
use tokio_util::sync::CancellationToken;

use crate::attempt::orphans;
use crate::attempt::program::{self, FinishedProgram, MARK, StartedProgram};
use crate::cleanup::{self, ProcessGroup, lock};

const ZYGOTE: &str = include_str!("zygote.py");
/// Precedes a fork's wait status.
const ENDED: &str = "ended ";
/// The interpreter writes this when it is ready for requests.
const HELLO: &str = "redislings: ready\n";
/// How long it may take to start; the packages may come from a cold disk.
const START_DEADLINE: Duration = Duration::from_secs(60);
/// How long it may take to fork; a busy machine was seen to fork nothing for 64 s.
const FORK_DEADLINE: Duration = Duration::from_secs(180);

type Environment = BTreeMap<OsString, OsString>;

/// An interpreter that forks.
#[derive(Debug)]
pub(super) struct Zygote {
    control: UnixStream,
    group: ProcessGroup,
    interpreter: Mutex<Child>,
    /// Holds its own files, and is its mark (`REDISLINGS_ATTEMPT` in its environment).
    folder: PathBuf,
    lost: AtomicBool,
}

impl Zygote {
    /// Starts `python` and waits until it has imported `packages`.
    pub(super) fn start(
        python: &Path,
        packages: &[String],
        mut environment: Environment,
    ) -> std::io::Result<Self> {
        let folder = private_directory("zygote")?;
        environment.insert(MARK.into(), folder.clone().into());
        let program = folder.join("zygote.py");
        std::fs::write(&program, ZYGOTE)?;
        let (control, theirs) = UnixStream::pair()?;
        let mut command = Command::new(python);
        command.arg(program).args(packages).env_clear().envs(environment).current_dir(&folder);
        command.stdin(Stdio::null());
        command.stdout(OwnedFd::from(theirs.try_clone()?)).stderr(OwnedFd::from(theirs));
        let (group, child) = ProcessGroup::spawn_without_terminal(&mut command)?;
        // The command holds the other end of the control socket; drop it, so that we can see when
        // the interpreter closes that end.
        drop(command);
        let lost = AtomicBool::new(false);
        let zygote = Self { control, group, interpreter: Mutex::new(child), folder, lost };
        zygote.wait_until_ready()?;
        Ok(zygote)
    }

    /// An error if the interpreter prints anything but the greeting: a fresh Python would print it
    /// for every answer, but a fork would not.
    fn wait_until_ready(&self) -> std::io::Result<()> {
        self.control.set_read_timeout(Some(START_DEADLINE))?;
        let mut said = Vec::new();
        (&self.control).take(HELLO.len() as u64).read_to_end(&mut said)?;
        if said == HELLO.as_bytes() {
            return Ok(());
        }
        self.group.kill();
        let _ = (&self.control).take(4096).read_to_end(&mut said);
        Err(Error::other(format!("it prints `{}`", String::from_utf8_lossy(&said).trim())))
    }

    /// Does the same as [`program::run`]. `None`: the interpreter was lost before anything ran.
    /// After an error the answer may have run in part.
    pub(super) fn run(
        &self,
        answer: &Path,
        directory: &Path,
        environment: &Environment,
        limit: Duration,
        cancel: &CancellationToken,
    ) -> Option<std::io::Result<FinishedProgram>> {
        if self.lost.load(Ordering::SeqCst) {
            return None;
        }
        // A fork that gets no complete request ends by itself.
        let Ok(started) = self.fork().and_then(|fork| fork.begin(answer, directory, environment))
        else {
            self.give_up();
            return None;
        };
        let finished = program::watch(started, directory, limit, cancel);
        if finished.is_err() {
            self.give_up();
            program::kill_stragglers(directory);
        }
        Some(finished)
    }

    fn fork(&self) -> std::io::Result<Fork> {
        let (stdout, their_stdout) = std::io::pipe()?;
        let (stderr, their_stderr) = std::io::pipe()?;
        let (their_request, request) = std::io::pipe()?;
        let (status, their_status) = UnixStream::pair()?;
        let descriptors = [
            their_stdout.as_raw_fd(),
            their_stderr.as_raw_fd(),
            their_request.as_raw_fd(),
            their_status.as_raw_fd(),
        ];
        let message = [IoSlice::new(b".")];
        let rights = [ControlMessage::ScmRights(&descriptors)];
        sendmsg::<()>(self.control.as_raw_fd(), &message, &rights, MsgFlags::empty(), None)?;
        Ok(Fork { stdout, stderr, request, status })
    }

    fn give_up(&self) {
        self.lost.store(true, Ordering::SeqCst);
        self.group.kill();
    }
}

impl Drop for Zygote {
    fn drop(&mut self) {
        self.group.kill();
        let _ = lock(&self.interpreter).wait();
        // Processes that left a fork's process group on a system that does not show the fork's own
        // mark (macOS).
        for _ in 0..2 {
            orphans::kill_marked(&format!("{MARK}={}", self.folder.display()));
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Our ends of the descriptors that were sent with a request.
struct Fork {
    stdout: PipeReader,
    stderr: PipeReader,
    request: std::io::PipeWriter,
    status: UnixStream,
}

impl Fork {
    fn begin(
        self,
        answer: &Path,
        directory: &Path,
        environment: &Environment,
    ) -> std::io::Result<StartedProgram> {
        let Self { stdout, stderr, mut request, status } = self;
        status.set_read_timeout(Some(FORK_DEADLINE))?;
        let mut status = BufReader::new(status);
        let group = ProcessGroup::started_by(|| next(&mut status, "").map(Pid::from_raw))?;
        status.get_ref().set_read_timeout(None)?;
        let mut environment = environment.clone();
        environment.insert(MARK.into(), directory.into());
        let mut text = [answer.as_os_str().as_bytes(), directory.as_os_str().as_bytes()].join(&0);
        text.push(0);
        text.extend(joined(&environment));
        // If the fork died meanwhile, its wait status will show that.
        let _ = request.write_all(&text);
        drop(request);
        let wait = Box::new(move || next(&mut status, ENDED).map(ExitStatus::from_raw));
        Ok(StartedProgram { group, stdout: Box::new(stdout), stderr: Box::new(stderr), wait })
    }
}

fn private_directory(name: &str) -> std::io::Result<PathBuf> {
    cleanup::private_directory(name).map_err(|error| Error::other(error.fact))
}

/// The number on the next line, after this word.
fn next(status: &mut BufReader<UnixStream>, word: &str) -> std::io::Result<i32> {
    let mut line = String::new();
    status.read_line(&mut line)?;
    let number = line.strip_prefix(word).and_then(|line| line.strip_suffix('\n')?.parse().ok());
    number.ok_or_else(|| Error::new(ErrorKind::UnexpectedEof, "the warmed Python was lost"))
}

/// The environment as `NAME=value`, with NULs between them.
fn joined(environment: &Environment) -> Vec<u8> {
    let pairs: Vec<Vec<u8>> = environment
        .iter()
        .map(|(name, value)| [name.as_bytes(), value.as_bytes()].join(&b'='))
        .collect();
    pairs.join(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts `python3` with our `sitecustomize.py` and the directory `after`.
    fn start(after: &Path, packages: &[&str]) -> std::io::Result<Zygote> {
        let site = tempfile::tempdir()?;
        std::fs::write(
            site.path().join("sitecustomize.py"),
            crate::attempt::python::SITECUSTOMIZE,
        )?;
        let mut environment: Environment = std::env::vars_os().collect();
        let path = [site.path().as_os_str(), after.as_os_str()].join(&OsString::from(":"));
        environment.insert("PYTHONPATH".into(), path);
        let packages: Vec<String> = packages.iter().map(|&name| name.to_owned()).collect();
        Zygote::start(Path::new("python3"), &packages, environment)
    }

    fn refusal(after: &Path, packages: &[&str]) -> String {
        start(after, packages).expect_err("a refusal").to_string()
    }

    #[test]
    fn an_interpreter_that_prints_when_it_starts_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        start(folder.path(), &["json"]).unwrap();
        std::fs::write(folder.path().join("sitecustomize.py"), "print('hello from home')").unwrap();
        let refusal = refusal(folder.path(), &["json"]);
        assert!(refusal.contains("hello from home"), "{refusal}");
    }

    #[test]
    fn an_interpreter_whose_path_depends_on_the_answers_directory_is_refused() {
        assert!(refusal(Path::new("relative"), &["json"]).contains("depends on"));
    }

    #[test]
    fn an_interpreter_without_the_packages_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refusal = refusal(folder.path(), &["no_such_package"]);
        assert!(refusal.contains("No module named 'no_such_package'"), "{refusal}");
    }

    #[test]
    fn an_interpreter_with_threads_of_its_own_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let module = "import threading, time\n\
                      threading.Thread(target=time.sleep, args=(99,), daemon=True).start()";
        std::fs::write(folder.path().join("busy.py"), module).unwrap();
        assert!(refusal(folder.path(), &["busy"]).contains("start threads"));
    }
}
