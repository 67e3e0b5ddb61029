//! Runs a program to its end, with a time limit and bounded output, and leaves none of its
//! processes running.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::evidence::{Output, ProgramEnd, ProgramRun};
use super::lost_time::LostTime;
use super::orphans;
use crate::cleanup::{ProcessGroup, lock};

/// How much of a stream is kept of its beginning, and as much of its end.
const KEPT_BYTES: usize = 16 * 1024 * 1024;

/// How often a running program is checked for being held up or cancelled.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// How long a stream may stay open after the program's end: an escaped process may hold it open.
const DRAIN_DEADLINE: Duration = Duration::from_millis(500);

/// The environment variable that marks a program's child processes.
pub const MARK: &str = "REDISLINGS_ATTEMPT";

pub(super) struct StartedProgram {
    pub(super) group: ProcessGroup,
    pub(super) stdout: Box<dyn Read + Send>,
    pub(super) stderr: Box<dyn Read + Send>,
    /// Blocks until the program has ended.
    pub(super) wait: Box<dyn FnOnce() -> std::io::Result<ExitStatus> + Send>,
}

/// Runs `command` in `directory` for at most `limit`, with an empty stdin; `cancel` ends it earlier,
/// as the limit would. When it ends, its
/// process group is killed at once, and child processes that left the group a moment later. Its
/// output is collected later: an escaped process may hold it open, but the server must be looked at
/// now.
pub fn run(
    command: &mut Command,
    directory: &Path,
    limit: Duration,
    cancel: &CancellationToken,
) -> std::io::Result<FinishedProgram> {
    command
        .current_dir(directory)
        .env(MARK, directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let (group, mut child) = ProcessGroup::spawn_without_terminal(command)?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(std::io::Error::other("cannot read its output"));
    };
    let wait = Box::new(move || child.wait());
    watch(
        StartedProgram { group, stdout: Box::new(stdout), stderr: Box::new(stderr), wait },
        directory,
        limit,
        cancel,
    )
}

/// The rest of [`run`], for a program that was started in `directory` with [`MARK`] set to it.
pub(super) fn watch(
    started: StartedProgram,
    directory: &Path,
    limit: Duration,
    cancel: &CancellationToken,
) -> std::io::Result<FinishedProgram> {
    let StartedProgram { group, stdout, stderr, wait } = started;
    let (stdout, stderr) = (drain(stdout)?, drain(stderr)?);
    let (sender, ended) = mpsc::channel();
    let (clean_sender, cleaned) = mpsc::channel();
    let mark = directory.to_owned();
    thread::Builder::new().name("program".into()).spawn(move || {
        let status = wait();
        let _ = sender.send((status, Instant::now()));
        // After sending the result: on a busy machine this took seconds, but the server must be
        // looked at now.
        kill_stragglers(&mark);
        let _ = clean_sender.send(());
    })?;
    let (end, held_up) = watch_until_end(&group, &ended, limit, cancel);
    let (end, ended_at) = match end {
        Some((status, at)) => (status.map(program_end), at),
        None => (Ok(ProgramEnd::TimedOut), Instant::now()),
    };
    group.kill();
    let end = end?;
    if end == ProgramEnd::TimedOut {
        let _ = ended.recv_timeout(DRAIN_DEADLINE);
    }
    let directory = directory.to_owned();
    Ok(FinishedProgram { end, ended_at, held_up, stdout, stderr, cleaned, directory })
}

type End = (std::io::Result<ExitStatus>, Instant);

/// Waits for the program's end; `None` if it is still running at its limit, or when it is cancelled.
/// On a busy Linux the limit is extended by the time that was lost as the program began, to twice as
/// much at most.
/// Also gives the longest time for which it may have been held up.
fn watch_until_end(
    group: &ProcessGroup,
    ended: &Receiver<End>,
    limit: Duration,
    cancel: &CancellationToken,
) -> (Option<End>, Duration) {
    let began = Instant::now();
    let (mut held_up, mut lost) = (HeldUp::default(), LostTime::default());
    loop {
        let looked = Instant::now();
        let left = (began + limit + lost.time().min(limit)).saturating_duration_since(looked);
        let end = match ended.recv_timeout(left.min(LOOK_PAUSE)) {
            Ok(end) => Some(end),
            Err(RecvTimeoutError::Timeout) if left > LOOK_PAUSE && !cancel.is_cancelled() => {
                let (leader, now) = (group.leader(), Instant::now());
                lost.look(leader.filter(|leader| leader.is_ready), now);
                let waits = leader.filter(|leader| leader.is_in_the_kernel);
                held_up.look(waits.map(|leader| leader.ticks), now);
                continue;
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        };
        held_up.look(None, Instant::now());
        return (end, held_up.longest);
    }
}

/// The longest time for which a program only waited for the system. On a busy Linux, programs were
/// seen to wait for seconds when they allocated memory, forked or ended, because the holder of a
/// kernel lock got no processor.
#[derive(Default)]
struct HeldUp {
    since: Option<(Instant, u64)>,
    longest: Duration,
}

impl HeldUp {
    /// `time`: the processor time used so far, if the program is waiting for the system now.
    fn look(&mut self, time: Option<u64>, now: Instant) {
        if let Some((since, ran)) = self.since {
            // If the program is no longer waiting, it waited until now at most.
            self.longest = self.longest.max(now - since);
            self.since = time.filter(|&time| time == ran).map(|_| (since, ran));
        }
        if self.since.is_none() {
            self.since = time.map(|time| (now, time));
        }
    }
}

/// A program that has ended; its output may still be arriving.
pub struct FinishedProgram {
    pub(super) end: ProgramEnd,
    /// When its end was noticed.
    pub(super) ended_at: Instant,
    /// The longest time for which the system may have held it up; zero where the system does not
    /// show that.
    pub(super) held_up: Duration,
    stdout: Drain,
    stderr: Drain,
    /// Receives when processes that left the group have been killed.
    cleaned: Receiver<()>,
    directory: PathBuf,
}

impl FinishedProgram {
    /// Where it ran; removed with this value.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Waits briefly for the rest of the output, and removes the directory.
    pub fn collect(self) -> ProgramRun {
        let _ = self.cleaned.recv_timeout(DRAIN_DEADLINE);
        let deadline = Instant::now() + DRAIN_DEADLINE;
        let (stdout, stderr) = (collect(&self.stdout, deadline), collect(&self.stderr, deadline));
        ProgramRun { end: self.end, stdout, stderr }
    }
}

impl Drop for FinishedProgram {
    fn drop(&mut self) {
        // A process that was just starting when the program ended is visible by now.
        kill_stragglers(&self.directory);
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

pub(super) fn kill_stragglers(directory: &Path) {
    orphans::kill_marked(&format!("{MARK}={}", directory.display()));
}

fn program_end(status: ExitStatus) -> ProgramEnd {
    use std::os::unix::process::ExitStatusExt as _;
    match status.code() {
        Some(code) => ProgramEnd::Exited(code),
        None => ProgramEnd::Signalled(status.signal().unwrap_or_default()),
    }
}

/// A stream that a thread reads to its end, so that the program never blocks on a full pipe.
struct Drain {
    kept: Arc<Mutex<OutputTail>>,
    ended: Receiver<()>,
}

fn drain(mut stream: impl Read + Send + 'static) -> std::io::Result<Drain> {
    let kept = Arc::new(Mutex::new(OutputTail::default()));
    let (sender, ended) = mpsc::channel();
    let shared = Arc::clone(&kept);
    thread::Builder::new().name("output".into()).spawn(move || {
        let mut buffer = [0_u8; 16 * 1024];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            lock(&shared).add(&buffer[..count]);
        }
        // Close the pipe before reporting the end: a writer may notice that nobody reads.
        drop(stream);
        let _ = sender.send(());
    })?;
    Ok(Drain { kept, ended })
}

/// The output up to `deadline`, or to the stream's end: an escaped process may hold it open.
fn collect(stream: &Drain, deadline: Instant) -> Output {
    let _ = stream.ended.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    std::mem::take(&mut *lock(&stream.kept)).into_output()
}

/// The beginning and the end of a stream.
#[derive(Default)]
struct OutputTail {
    beginning: Vec<u8>,
    /// Grows to twice [`KEPT_BYTES`] before it is cut, so that it is seldom moved.
    end: Vec<u8>,
    omitted: u64,
}

impl OutputTail {
    fn add(&mut self, bytes: &[u8]) {
        let room = KEPT_BYTES - self.beginning.len();
        let (beginning, end) = bytes.split_at(room.min(bytes.len()));
        self.beginning.extend_from_slice(beginning);
        self.end.extend_from_slice(end);
        if self.end.len() > 2 * KEPT_BYTES {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let too_many = self.end.len().saturating_sub(KEPT_BYTES);
        self.end.drain(..too_many);
        self.omitted += too_many as u64;
    }

    fn into_output(mut self) -> Output {
        self.cut();
        let mut bytes = self.beginning;
        if self.omitted > 0 {
            bytes.extend_from_slice(
                format!("\n[{} bytes left out here]\n", self.omitted).as_bytes(),
            );
        }
        bytes.extend(self.end);
        Output { text: String::from_utf8_lossy(&bytes).into_owned(), omitted: self.omitted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> ProgramRun {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        let cancel = CancellationToken::new();
        run(command.args(["-c", script]), directory.path(), limit, &cancel).unwrap().collect()
    }

    #[test]
    fn output_and_exit_status_are_kept() {
        let run = shell("echo out; echo err >&2; exit 3", Duration::from_secs(10));
        assert_eq!(run.end, ProgramEnd::Exited(3));
        assert_eq!((run.stdout.text.as_str(), run.stderr.text.as_str()), ("out\n", "err\n"));
    }

    #[test]
    fn a_program_without_an_end_is_ended() {
        let run = shell("echo begun; while :; do :; done", Duration::from_millis(300));
        assert_eq!((run.end, run.stdout.text.as_str()), (ProgramEnd::TimedOut, "begun\n"));
    }

    #[test]
    fn a_cancelled_program_is_ended_long_before_its_limit() {
        let directory = tempfile::tempdir().unwrap();
        let cancel = CancellationToken::new();
        cancel.cancel();
        let mut command = Command::new("sh");
        command.args(["-c", "while :; do :; done"]);
        let limit = Duration::from_secs(3600);
        let finished = run(&mut command, directory.path(), limit, &cancel).unwrap();
        assert_eq!(finished.end, ProgramEnd::TimedOut);
        drop(finished);
        assert!(!directory.path().exists());
    }

    #[test]
    fn a_program_is_held_up_from_the_first_look_that_sees_it_wait_to_the_first_that_does_not() {
        let began = Instant::now();
        let mut held_up = HeldUp::default();
        for (at, time) in [(0, None), (50, Some(7)), (900, Some(7)), (950, Some(8)), (1000, None)] {
            held_up.look(time, began + Duration::from_millis(at));
        }
        assert_eq!(held_up.longest, Duration::from_millis(900));
    }

    #[test]
    fn children_end_with_the_program() {
        let directory = tempfile::tempdir().unwrap();
        let pid = directory.path().join("pid");
        shell(&format!("sleep 300 & echo $! > {}", pid.display()), Duration::from_secs(10));
        let pid: i32 = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
        assert!(has_ended(pid), "the child still runs");
    }

    #[test]
    fn a_child_that_leaves_the_process_group_ends_too() {
        let directory = tempfile::tempdir().unwrap();
        let pid = directory.path().join("pid");
        let python = format!(
            "import os,time\nif os.fork(): os._exit(0)\nos.setsid()\n\
             open(\"{}\",\"w\").write(str(os.getpid()))\ntime.sleep(300)",
            pid.display()
        );
        let script = format!("python3 -c '{python}'; while [ ! -s {} ]; do :; done", pid.display());
        shell(&script, Duration::from_secs(10));
        let pid: i32 = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
        assert!(has_ended(pid), "the child still runs");
    }

    #[test]
    fn endless_output_is_bounded_and_its_end_kept() {
        let run = shell("yes | head -c 50000000; echo last", Duration::from_secs(20));
        assert!(run.stdout.text.len() < 2 * KEPT_BYTES + 100);
        assert!(run.stdout.text.ends_with("last\n") && run.stdout.omitted > 0);
    }

    fn has_ended(pid: i32) -> bool {
        let pid = nix::unistd::Pid::from_raw(pid);
        let deadline = Instant::now() + Duration::from_secs(5);
        while Instant::now() < deadline {
            if nix::sys::signal::kill(pid, None).is_err() || is_zombie(pid) {
                return true;
            }
            thread::park_timeout(Duration::from_millis(5));
        }
        false
    }

    fn is_zombie(pid: nix::unistd::Pid) -> bool {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| stat.contains(") Z "))
    }
}
