//! A program run to its end: time limit, bounded output, nothing of it left running.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::evidence::{Output, ProgramEnd, ProgramRun};
use super::stragglers;
use crate::cleanup::ProcessGroup;

/// Kept of a stream: this much of its beginning and as much of its end.
const KEPT_BYTES: usize = 16 * 1024 * 1024;

/// Between two looks at what a program does.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// How long a stream may stay open after the program ended: a process that escaped may hold it.
const DRAIN_DEADLINE: Duration = Duration::from_millis(500);

/// The environment variable by which a program's children are found again.
pub const MARK: &str = "REDISLINGS_ATTEMPT";

/// A program that runs.
pub(super) struct Started {
    pub(super) group: ProcessGroup,
    pub(super) stdout: Box<dyn Read + Send>,
    pub(super) stderr: Box<dyn Read + Send>,
    /// Returns when it has ended.
    pub(super) wait: Box<dyn FnOnce() -> std::io::Result<ExitStatus> + Send>,
}

/// Runs `command`, `limit` at most, in `directory` and with nothing to read. When it ends, all
/// that it started ends: its group at once, what has left that a moment later.
/// Its output is collected later: a process that escaped may hold it, and the server must be looked at now.
pub fn run(command: &mut Command, directory: &Path, limit: Duration) -> std::io::Result<Finished> {
    command
        .current_dir(directory)
        .env(MARK, directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let (group, mut child) = ProcessGroup::spawn(command)?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(std::io::Error::other("its output can't be read"));
    };
    let wait = Box::new(move || child.wait());
    watch(
        Started { group, stdout: Box::new(stdout), stderr: Box::new(stderr), wait },
        directory,
        limit,
    )
}

/// The rest of [`run`], of a program that was started in `directory` with [`MARK`] set to that.
pub(super) fn watch(
    started: Started,
    directory: &Path,
    limit: Duration,
) -> std::io::Result<Finished> {
    let Started { group, stdout, stderr, wait } = started;
    let (stdout, stderr) = (drain(stdout)?, drain(stderr)?);
    let (sender, ended) = mpsc::channel();
    let (is_clean, cleaned) = mpsc::channel();
    let mark = directory.to_owned();
    let wait = move || {
        let status = wait();
        let _ = sender.send((status, Instant::now()));
        // Here and not before the result is told: on a busy machine it took seconds, and the server is to be looked at now.
        kill_stragglers(&mark);
        let _ = is_clean.send(());
    };
    thread::Builder::new().name("program".into()).spawn(wait)?;
    let (ended_or_not, held_up) = watch_until_end(&group, &ended, limit);
    let (end, ended_at) = match ended_or_not {
        Some((status, at)) => (status.map(program_end), at),
        None => (Ok(ProgramEnd::TimedOut), Instant::now()),
    };
    group.kill();
    let end = end?;
    if end == ProgramEnd::TimedOut {
        let _ = ended.recv_timeout(DRAIN_DEADLINE);
    }
    let directory = directory.to_owned();
    Ok(Finished { end, ended_at, held_up, stdout, stderr, cleaned, directory })
}

type End = (std::io::Result<ExitStatus>, Instant);

/// Its end, `None` if that has not come when the limit is over; and how long it was held up at most.
fn watch_until_end(
    group: &ProcessGroup,
    ended: &Receiver<End>,
    limit: Duration,
) -> (Option<End>, Duration) {
    let deadline = Instant::now() + limit;
    let mut held_up = HeldUp::default();
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let end = match ended.recv_timeout(left.min(LOOK_PAUSE)) {
            Ok(end) => Some(end),
            Err(RecvTimeoutError::Timeout) if left > LOOK_PAUSE => {
                held_up.look(group.leader_in_the_kernel(), Instant::now());
                continue;
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        };
        held_up.look(None, Instant::now());
        return (end, held_up.longest);
    }
}

/// How long a program did nothing but wait for the system. A busy Linux was seen to let programs wait for seconds where
/// they take memory, fork or end, since what held a lock got no processor.
#[derive(Default)]
struct HeldUp {
    since: Option<(Instant, u64)>,
    longest: Duration,
}

impl HeldUp {
    /// `time`: how long it has run, if it waits for the system now.
    fn look(&mut self, time: Option<u64>, now: Instant) {
        if let Some((since, ran)) = self.since {
            // What is not seen waiting any more has waited until then at most.
            self.longest = self.longest.max(now - since);
            self.since = time.filter(|&time| time == ran).map(|_| (since, ran));
        }
        if self.since.is_none() {
            self.since = time.map(|time| (now, time));
        }
    }
}

/// A program that has ended, and its output as far as it was read.
pub struct Finished {
    end: ProgramEnd,
    ended_at: Instant,
    held_up: Duration,
    stdout: Drain,
    stderr: Drain,
    /// Tells when what left the program's group was looked for.
    cleaned: Receiver<()>,
    directory: PathBuf,
}

impl Finished {
    /// Whether it was ended because its time was over.
    pub fn is_overdue(&self) -> bool {
        self.end == ProgramEnd::TimedOut
    }

    /// When its end was noticed.
    pub fn ended_at(&self) -> Instant {
        self.ended_at
    }

    /// How long it waited at most for the system to let it go on; zero where the system does not show that.
    pub fn held_up(&self) -> Duration {
        self.held_up
    }

    /// Waits for the output's end, but not for long, and removes the directory.
    pub fn collect(self) -> ProgramRun {
        let _ = self.cleaned.recv_timeout(DRAIN_DEADLINE);
        let deadline = Instant::now() + DRAIN_DEADLINE;
        let (stdout, stderr) = (collect(&self.stdout, deadline), collect(&self.stderr, deadline));
        ProgramRun { end: self.end, stdout, stderr }
    }
}

impl Drop for Finished {
    fn drop(&mut self) {
        // One that was being started when the program ended shows itself by now.
        kill_stragglers(&self.directory);
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

pub(super) fn kill_stragglers(directory: &Path) {
    stragglers::kill_marked(&format!("{MARK}={}", directory.display()));
}

fn program_end(status: ExitStatus) -> ProgramEnd {
    use std::os::unix::process::ExitStatusExt as _;
    match status.code() {
        Some(code) => ProgramEnd::Exited(code),
        None => ProgramEnd::Signalled(status.signal().unwrap_or_default()),
    }
}

/// A stream that a thread reads to its end, so that the program never waits for us.
struct Drain {
    kept: Arc<Mutex<Kept>>,
    ended: Receiver<()>,
}

fn drain(mut stream: impl Read + Send + 'static) -> std::io::Result<Drain> {
    let kept = Arc::new(Mutex::new(Kept::default()));
    let (sender, ended) = mpsc::channel();
    let shared = Arc::clone(&kept);
    let read = move || {
        let mut buffer = [0_u8; 16 * 1024];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            shared.lock().unwrap_or_else(PoisonError::into_inner).add(&buffer[..count]);
        }
        // The program may see that nobody reads any more.
        drop(stream);
        let _ = sender.send(());
    };
    thread::Builder::new().name("output".into()).spawn(read)?;
    Ok(Drain { kept, ended })
}

/// What was printed so far, if the stream does not end: a process that escaped may hold it.
fn collect(stream: &Drain, deadline: Instant) -> Output {
    let _ = stream.ended.recv_timeout(deadline.saturating_duration_since(Instant::now()));
    std::mem::take(&mut *stream.kept.lock().unwrap_or_else(PoisonError::into_inner)).into_output()
}

/// The beginning and the end of a stream.
#[derive(Default)]
struct Kept {
    beginning: Vec<u8>,
    /// Up to twice as much as is kept: what is too much goes seldom, and at once.
    end: Vec<u8>,
    omitted: u64,
}

impl Kept {
    fn add(&mut self, bytes: &[u8]) {
        let room = KEPT_BYTES - self.beginning.len();
        let (beginning, end) = bytes.split_at(room.min(bytes.len()));
        self.beginning.extend_from_slice(beginning);
        self.end.extend_from_slice(end);
        if self.end.len() > 2 * KEPT_BYTES {
            self.leave_out();
        }
    }

    fn leave_out(&mut self) {
        let too_many = self.end.len().saturating_sub(KEPT_BYTES);
        self.end.drain(..too_many);
        self.omitted += too_many as u64;
    }

    fn into_output(mut self) -> Output {
        self.leave_out();
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
        run(Command::new("sh").args(["-c", script]), directory.path(), limit).unwrap().collect()
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
        let script = format!(
            "python3 -c 'import os,time\nif os.fork(): os._exit(0)\nos.setsid()\nopen(\"{}\",\"w\").write(str(os.getpid()))\ntime.sleep(300)'; while [ ! -s {} ]; do :; done",
            pid.display(),
            pid.display()
        );
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
