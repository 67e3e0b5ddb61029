//! No process, private directory or container outlives redislings.
//!
//! The program can end in three ways:
//! - normally or by a panic: values are dropped, then [`Guard`] ends what is left;
//! - by SIGINT, SIGTERM or SIGHUP: a thread ends everything, then the signal has its default
//!   effect, so that the shell sees what happened;
//! - by SIGKILL: the *reaper*, a `sh` that reads a pipe from us, sees end of file. It kills the
//!   process groups that it watches, processes with our mark in their environment and those that
//!   work in the private directory, then removes the directory. A container ends by itself, since
//!   its input ends.
//!
//! If the reaper was killed too, the next run removes what is left: see [`leftovers`].

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpgrp, tcgetpgrp};
use process_wrap::std::{CommandWrap, CommandWrapper as _, ProcessSession};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::disk;
use crate::error::EnvironmentError;
use crate::leftovers;
use crate::sanitize::ShownPath as _;

const REAPER: &str = r#"
trap '' HUP INT TERM QUIT
groups=
while read -r word group; do
  case $word in
    watch) groups="$groups $group" ;;
    forget)
      kept=
      for g in $groups; do [ "$g" = "$group" ] || kept="$kept $g"; done
      groups=$kept ;;
  esac
done
for g in $groups; do kill -s KILL -- "-$g" 2>/dev/null; done
# Processes that left their group (setsid) have our mark in their environment, which Linux shows.
for e in $(grep -lsaF "REDISLINGS_ATTEMPT=$1/" /proc/[0-9]*/environ); do
  e=${e#/proc/}
  kill -s KILL "${e%/environ}" 2>/dev/null
done
# A server that was just starting: its group is unknown, and it wipes its environment. Its working
# directory is here and it reads its configuration from here; a user's shell here has another input.
here=$(cd -P -- "$1" && pwd -P)
[ -n "$here" ] && ls -l /proc/[0-9]*/cwd 2>/dev/null | while IFS= read -r line; do
  case $line in *" -> $here/"*)
    process=${line#*/proc/}
    process=${process%%/*}
    case $(readlink "/proc/$process/fd/0") in
      /dev/null | "$here"/*) kill -s KILL "$process" 2>/dev/null ;;
    esac ;;
  esac
done
rm -rf -- "$1"
"#;

/// How long a signal handler waits for the student's editor, which saves its text and restores the
/// terminal.
const EDITOR_DEADLINE: Duration = Duration::from_secs(2);
/// How long a signal handler waits for the terminal to accept output.
const TERMINAL_DEADLINE: Duration = Duration::from_secs(1);
/// How long a signal handler waits for a container that is being created.
const CREATION_DEADLINE: Duration = Duration::from_secs(15);

/// A Ctrl-C may kill each new reaper while it is starting.
const REAPER_TRIES: usize = 5;

static CLOSING: AtomicBool = AtomicBool::new(false);
static ENDED: AtomicBool = AtomicBool::new(false);
static NEXT_DIRECTORY: AtomicU32 = AtomicU32::new(0);
static SESSION: Mutex<Option<RunState>> = Mutex::new(None);
static CREATING: RwLock<()> = RwLock::new(());
/// Set by SIGINT itself, before the signal thread runs.
static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
/// The number of [`InterruptibleWait`]s: while there is one, Ctrl-C interrupts the wait, not the
/// program.
static WAITING: AtomicU32 = AtomicU32::new(0);
/// The student's editor, while it runs.
static FOREGROUND: Mutex<Option<Pid>> = Mutex::new(None);
/// The terminal's modes at the start of the program.
static MODES: Mutex<Option<Termios>> = Mutex::new(None);
/// Restores the terminal; set by the session.
static RESTORE_TERMINAL: Mutex<Option<Box<dyn Fn() + Send>>> = Mutex::new(None);
static AT_END: Mutex<Vec<Box<dyn FnOnce() + Send>>> = Mutex::new(Vec::new());

struct RunState {
    directory: tempfile::TempDir,
    reaper: Reaper,
    /// Held while the run lives; `None` if the file system has no locks.
    _lock: Option<File>,
}

/// The `sh` that ends what we leave behind. It may die before us: a Ctrl-C that comes while it is
/// starting, before it has its own process group, kills it too. It is then replaced.
struct Reaper {
    shell: Child,
    directory: PathBuf,
    groups: BTreeSet<i32>,
}

impl Reaper {
    fn start(directory: &Path) -> std::io::Result<Self> {
        let shell = start_reaper(directory)?;
        Ok(Self { shell, directory: directory.to_owned(), groups: BTreeSet::new() })
    }

    fn watch(&mut self, group: i32) -> std::io::Result<()> {
        self.groups.insert(group);
        self.send("watch", group).or_else(|_| self.replace())
    }

    fn forget(&mut self, group: i32) {
        self.groups.remove(&group);
        if self.send("forget", group).is_err() {
            // If no other can be started, the next `watch` and the end try again.
            let _ = self.replace();
        }
    }

    fn send(&mut self, word: &str, group: i32) -> std::io::Result<()> {
        let pipe = self.shell.stdin.as_mut().ok_or(ErrorKind::BrokenPipe)?;
        pipe.write_all(format!("{word} {group}\n").as_bytes())
    }

    fn replace(&mut self) -> std::io::Result<()> {
        for _ in 0..REAPER_TRIES {
            let _ = self.shell.kill();
            let _ = self.shell.wait();
            self.shell = start_reaper(&self.directory)?;
            let groups: Vec<i32> = self.groups.iter().copied().collect();
            if groups.into_iter().all(|group| self.send("watch", group).is_ok()) {
                return Ok(());
            }
        }
        Err(ErrorKind::BrokenPipe.into())
    }

    /// Makes the reaper end everything, and waits for it.
    fn end(mut self) {
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

/// Ends everything when dropped: hold one while the program runs.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Starts to listen for SIGINT, SIGTERM and SIGHUP.
    pub fn new() -> Result<Self, EnvironmentError> {
        if let Ok(modes) = tcgetattr(std::io::stdin()) {
            *lock(&MODES) = Some(modes);
        }
        let signals = Signals::new(heeded_signals()).map_err(cannot_listen)?;
        signal_hook::flag::register(SIGINT, Arc::clone(&INTERRUPTED)).map_err(cannot_listen)?;
        thread::Builder::new()
            .name("signals".into())
            .spawn(move || handle_signals(signals))
            .map_err(cannot_listen)?;
        Ok(Self(()))
    }
}

fn cannot_listen(error: std::io::Error) -> EnvironmentError {
    EnvironmentError::new(
        format!("cannot listen for signals: {error}"),
        "close other programs and try again",
    )
}

fn handle_signals(mut signals: Signals) {
    let mut ended = false;
    for signal in signals.forever() {
        if signal == SIGINT && lock(&FOREGROUND).is_some() {
            INTERRUPTED.store(false, Ordering::SeqCst);
            continue;
        }
        // The waiting thread reads INTERRUPTED.
        if signal == SIGINT && WAITING.load(Ordering::SeqCst) > 0 {
            continue;
        }
        let ending = thread::Builder::new().name("ending".into());
        // After a second signal nobody wants to wait for the engine; the reaper cleans up.
        if ended || ending.spawn(move || end_by(signal)).is_err() {
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
        ended = true;
    }
}

/// Signals that were ignored when we started (`nohup`) stay ignored. Linux reports them in /proc;
/// other systems only to unsafe code.
fn heeded_signals() -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let mut signals = vec![SIGINT, SIGTERM, SIGHUP];
    signals.retain(|signal| ignored & (1 << (signal - 1)) == 0);
    signals
}

impl Drop for Guard {
    fn drop(&mut self) {
        if CLOSING.load(Ordering::SeqCst) {
            wait_for_the_end();
        }
        // Threads that still run must start nothing more.
        ENDED.store(true, Ordering::SeqCst);
        end_everything();
    }
}

/// Restores the terminal's line editing and echo: a prompt that a signal interrupts had changed
/// them.
fn restore_modes() {
    // In the background, the system would stop us for this call.
    let is_ours = tcgetpgrp(std::io::stdin()).is_ok_and(|group| group == getpgrp());
    if let (true, Some(modes)) = (is_ours, &*lock(&MODES)) {
        let _ = tcsetattr(std::io::stdin(), SetArg::TCSANOW, modes);
    }
}

fn end_by(signal: i32) {
    CLOSING.store(true, Ordering::SeqCst);
    write_with_deadline(|| {
        if let Some(restore) = &*lock(&RESTORE_TERMINAL) {
            restore();
        }
    });
    end_foreground();
    end_everything();
    restore_modes();
    write_with_deadline(|| {
        let mut stderr = std::io::stderr();
        if std::io::IsTerminal::is_terminal(&stderr) {
            // Undo what a prompt may have left: bracketed paste off, cursor on.
            let _ = stderr.write_all(b"\x1b[?2004l\x1b[?25h\n");
        }
    });
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}

/// Writes to the terminal with a deadline: a terminal that accepts no output (a frozen window, a
/// lost network connection) would block for ever.
fn write_with_deadline(write: impl FnOnce() + Send + 'static) {
    let (done, end) = mpsc::channel::<()>();
    let work = move || {
        write();
        drop(done);
    };
    if thread::Builder::new().name("terminal".into()).spawn(work).is_ok() {
        let _ = end.recv_timeout(TERMINAL_DEADLINE);
    }
}

/// After a signal has ended servers, nothing may be concluded from their absence: blocks until the
/// signal ends the process. Returns at once if no signal came.
pub fn stop_if_a_signal_came() {
    if CLOSING.load(Ordering::SeqCst) {
        wait_for_the_end();
    }
}

/// Like [`stop_if_a_signal_came`], but waits for a signal: we notice that a terminal is gone before
/// the system sends SIGHUP.
pub fn stop_if_a_signal_comes(within: Duration) {
    let deadline = Instant::now() + within;
    while Instant::now() < deadline {
        stop_if_a_signal_came();
        thread::park_timeout(Duration::from_millis(5));
    }
}

fn wait_for_the_end() {
    // `end_by` ends the process; the deadline is for a default handler that does not.
    thread::park_timeout(Duration::from_secs(60));
}

/// Runs a program that has the terminal to itself: the student's editor. Meanwhile we ignore
/// Ctrl-C, which the terminal sends to us too; a signal that ends us ends the program first.
pub fn run_in_foreground(command: &mut Command) -> std::io::Result<ExitStatus> {
    stop_if_a_signal_came();
    let mut child = {
        let mut foreground = lock(&FOREGROUND);
        INTERRUPTED.store(false, Ordering::SeqCst);
        let child = command.spawn()?;
        *foreground = i32::try_from(child.id()).ok().map(Pid::from_raw);
        child
    };
    let status = child.wait();
    // A Ctrl-C just before the end is still the editor's, even if the signal thread sees it only
    // now.
    let deadline = Instant::now() + EDITOR_DEADLINE;
    while INTERRUPTED.load(Ordering::SeqCst) && Instant::now() < deadline {
        thread::park_timeout(Duration::from_millis(1));
    }
    *lock(&FOREGROUND) = None;
    stop_if_a_signal_came();
    status
}

/// While this lives, Ctrl-C interrupts a wait and not the program.
#[derive(Debug)]
pub struct InterruptibleWait(());

impl InterruptibleWait {
    /// Begins the wait; an earlier Ctrl-C does not count.
    pub fn begin() -> Self {
        INTERRUPTED.store(false, Ordering::SeqCst);
        WAITING.fetch_add(1, Ordering::SeqCst);
        Self(())
    }

    /// Whether Ctrl-C was pressed since the wait began.
    pub fn is_interrupted(&self) -> bool {
        INTERRUPTED.load(Ordering::SeqCst)
    }
}

impl Drop for InterruptibleWait {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::SeqCst);
    }
}

fn end_foreground() {
    let Some(editor) = *lock(&FOREGROUND) else { return };
    let _ = kill(editor, Signal::SIGTERM);
    let deadline = Instant::now() + EDITOR_DEADLINE;
    while lock(&FOREGROUND).is_some() && Instant::now() < deadline {
        thread::park_timeout(Duration::from_millis(10));
    }
    if lock(&FOREGROUND).is_some() {
        let _ = kill(editor, Signal::SIGKILL);
    }
}

fn end_everything() {
    let deadline = Instant::now() + CREATION_DEADLINE;
    let mut creating = CREATING.try_write();
    while creating.is_err() && Instant::now() < deadline {
        thread::park_timeout(Duration::from_millis(10));
        creating = CREATING.try_write();
    }
    if let Some(session) = lock(&SESSION).take() {
        session.reaper.end();
        let _ = session.directory.close();
    }
    for end in std::mem::take(&mut *lock(&AT_END)) {
        end();
    }
}

/// Sets how a signal restores the terminal. It does so before it ends anything, which may take a
/// moment.
pub fn restore_the_terminal_by(restore: impl Fn() + Send + 'static) {
    *lock(&RESTORE_TERMINAL) = Some(Box::new(restore));
}

/// Runs `end` when the program ends, normally or by a signal.
pub fn at_end(end: impl FnOnce() + Send + 'static) {
    lock(&AT_END).push(Box::new(end));
}

/// Hold the result while you create something that [`at_end`] must find: a signal waits for it.
pub fn creating() -> RwLockReadGuard<'static, ()> {
    stop_at_the_end();
    let guard = CREATING.read().unwrap_or_else(PoisonError::into_inner);
    stop_at_the_end();
    guard
}

fn stop_at_the_end() {
    stop_if_a_signal_came();
    if ENDED.load(Ordering::SeqCst) {
        wait_for_the_end();
    }
}

/// The private directory of this run, removed however the program ends.
pub fn session_directory() -> Result<PathBuf, EnvironmentError> {
    with_session(|session| Ok(session.directory.path().to_owned()))
}

/// Fails if this run's private directory is gone, or if its disk is full.
pub fn check_room() -> Result<(), EnvironmentError> {
    let directory = session_directory()?;
    if directory.exists() {
        return disk::check_room(disk::temporary_folder(), "set TMPDIR to another place");
    }
    let fact = format!("`{}` was removed while redislings was running", directory.shown());
    Err(EnvironmentError::new(
        fact,
        "try again, and leave the files of redislings alone while it runs",
    ))
}

/// Creates an empty private directory, removed however the program ends.
pub fn private_directory(name: &str) -> Result<PathBuf, EnvironmentError> {
    let number = NEXT_DIRECTORY.fetch_add(1, Ordering::Relaxed);
    with_session(|session| {
        let path = session.directory.path().join(format!("{name}-{number}"));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(path)
    })
}

/// A private directory that is removed when this is dropped.
#[derive(Debug)]
pub struct PassingDirectory(PathBuf);

impl PassingDirectory {
    pub fn new(name: &str) -> Result<Self, EnvironmentError> {
        private_directory(name).map(Self)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for PassingDirectory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A process group. Dropping this kills the whole group; if we are killed first, the reaper does.
#[derive(Debug)]
pub struct ProcessGroup(Pid);

impl ProcessGroup {
    /// Starts `command` as the leader of a new session and process group. It thus has no terminal,
    /// from which it could read our keys, or to which it could write what looks like our verdict.
    /// Start each command only once.
    pub fn spawn(command: &mut Command) -> Result<(Self, Child), std::io::Error> {
        let _creating = creating();
        with_session(|_| Ok(())).map_err(|error| std::io::Error::other(error.fact))?;
        ProcessSession.pre_spawn(command, &CommandWrap::with_new("", |_| ()))?;
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

    /// The CPU time of the leader in clock ticks, if it is in an uninterruptible system call
    /// (Linux's state `D`).
    pub fn leader_in_the_kernel(&self) -> Option<u64> {
        let fields = stat(&PathBuf::from(format!("/proc/{}", self.0)))?;
        let (user, system) = (ticks(&fields, 11)?, ticks(&fields, 12)?);
        (fields.first()? == "D").then_some(user + system)
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

fn with_session<T>(
    work: impl FnOnce(&RunState) -> std::io::Result<T>,
) -> Result<T, EnvironmentError> {
    let mut session = lock(&SESSION);
    if session.is_none() {
        // Nobody would remove what is created after the end.
        if CLOSING.load(Ordering::SeqCst) || ENDED.load(Ordering::SeqCst) {
            return Err(no_directory(std::io::Error::other("redislings is shutting down")));
        }
        *session = Some(start_session().map_err(no_directory)?);
    }
    session
        .as_ref()
        .map_or_else(|| Err(std::io::Error::other("no session")), work)
        .map_err(no_directory)
}

fn no_directory(error: std::io::Error) -> EnvironmentError {
    let folder = disk::temporary_folder();
    EnvironmentError::new(
        format!("cannot create a private directory in `{}`: {error}", folder.shown()),
        "free some space there, or set TMPDIR to a directory that you can write to",
    )
}

fn start_session() -> std::io::Result<RunState> {
    let directory = tempfile::Builder::new()
        .prefix(leftovers::PREFIX)
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(disk::temporary_folder())?;
    let lock = leftovers::hold_lock(directory.path()).ok();
    let reaper = Reaper::start(directory.path())?;
    // If the thread can't start, the next run sweeps.
    let _ = thread::Builder::new().name("sweep".into()).spawn(|| leftovers::sweep(end_dead_run));
    Ok(RunState { directory, reaper, _lock: lock })
}

/// Does what the reaper of the dead run would have done.
fn end_dead_run(directory: &Path) {
    if let Ok(reaper) = Reaper::start(directory) {
        reaper.end();
    }
}

/// Locks a mutex, even if another thread panicked while it held the lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
