//! Nothing of ours outlives us: processes, private directories, containers.
//!
//! Three ways out, one each:
//! - by itself or by a panic: values are dropped, then [`Guard`] ends what is left;
//! - by SIGINT, SIGTERM or SIGHUP: a thread ends everything, then the signal does its default work,
//!   so that the shell sees what happened;
//! - by SIGKILL: the *reaper*, a `sh` that reads our pipe, sees its end, kills the process groups it
//!   was told to watch, what bears our mark and what works in the private directory, and removes that. A container
//!   ends by itself, since its input ends.
//!
//! What is left where both were killed is swept at the next start: see [`leftovers`].

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

use crate::disk;
use crate::error::WorldError;
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
# What left its group (setsid), by the mark in its environment; Linux shows that in /proc.
for e in $(grep -lsaF "REDISLINGS_ATTEMPT=$1/" /proc/[0-9]*/environ); do
  e=${e#/proc/}
  kill -s KILL "${e%/environ}" 2>/dev/null
done
# A server that was being started as we were killed: nobody could tell us its group. It works here and reads its
# configuration here, while somebody who looks around here reads something else. It wipes its environment; Linux shows the
# rest in /proc.
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

/// How long a signal waits for the student's editor, which rescues its text and the terminal.
const EDITOR_DEADLINE: Duration = Duration::from_secs(2);
/// How long a signal waits for the terminal to take what is written to it.
const TERMINAL_DEADLINE: Duration = Duration::from_secs(1);
/// How long a signal waits for a container that is just being created.
const CREATION_DEADLINE: Duration = Duration::from_secs(15);

/// Each may be ended by another Ctrl-C at its birth.
const REAPER_TRIES: usize = 5;

static CLOSING: AtomicBool = AtomicBool::new(false);
static ENDED: AtomicBool = AtomicBool::new(false);
static NEXT_DIRECTORY: AtomicU32 = AtomicU32::new(0);
static SESSION: Mutex<Option<Session>> = Mutex::new(None);
static CREATING: RwLock<()> = RwLock::new(());
/// Set at the moment of a SIGINT, before the thread hears of it.
static INTERRUPTED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);
/// How many [`InterruptibleWait`]s there are: Ctrl-C is meant for the innermost, not for the program.
static WAITING: AtomicU32 = AtomicU32::new(0);
/// The student's editor, while it runs.
static FOREGROUND: Mutex<Option<Pid>> = Mutex::new(None);
/// The terminal's modes before anybody changed them.
static MODES: Mutex<Option<Termios>> = Mutex::new(None);
/// How the terminal is given back as it was.
static RESTORE_TERMINAL: Mutex<Option<Box<dyn Fn() + Send>>> = Mutex::new(None);
static AT_END: Mutex<Vec<Box<dyn FnOnce() + Send>>> = Mutex::new(Vec::new());

struct Session {
    directory: tempfile::TempDir,
    reaper: Reaper,
    /// Open as long as the run lives, where the file system knows locks.
    _lock: Option<File>,
}

/// The `sh` that ends what we leave behind. It may die before us: a Ctrl-C that comes while it is being started, before
/// it has a process group of its own, is meant for it too. Then another takes its place.
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
        self.tell("watch", group).or_else(|_| self.replace())
    }

    fn forget(&mut self, group: i32) {
        self.groups.remove(&group);
        if self.tell("forget", group).is_err() {
            // Where no other can be started, it is tried again when there is more to watch, and at the end.
            let _ = self.replace();
        }
    }

    fn tell(&mut self, word: &str, group: i32) -> std::io::Result<()> {
        let pipe = self.shell.stdin.as_mut().ok_or(ErrorKind::BrokenPipe)?;
        pipe.write_all(format!("{word} {group}\n").as_bytes())
    }

    fn replace(&mut self) -> std::io::Result<()> {
        for _ in 0..REAPER_TRIES {
            let _ = self.shell.kill();
            let _ = self.shell.wait();
            self.shell = start_reaper(&self.directory)?;
            let groups: Vec<i32> = self.groups.iter().copied().collect();
            if groups.into_iter().all(|group| self.tell("watch", group).is_ok()) {
                return Ok(());
            }
        }
        Err(ErrorKind::BrokenPipe.into())
    }

    /// Has it end everything; waits until it has.
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

/// Ends everything when dropped: hold one for as long as the program runs.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Starts to listen for SIGINT, SIGTERM and SIGHUP.
    pub fn new() -> Result<Self, WorldError> {
        let failed = |error: std::io::Error| {
            WorldError::new(
                format!("cannot listen for signals: {error}"),
                "close other programs and try again",
            )
        };
        if let Ok(modes) = tcgetattr(std::io::stdin()) {
            *lock(&MODES) = Some(modes);
        }
        let mut signals = signal_hook::iterator::Signals::new(heeded_signals()).map_err(failed)?;
        signal_hook::flag::register(SIGINT, Arc::clone(&INTERRUPTED)).map_err(failed)?;
        let listen = move || {
            let mut ended = false;
            for signal in signals.forever() {
                if signal == SIGINT && lock(&FOREGROUND).is_some() {
                    INTERRUPTED.store(false, Ordering::SeqCst);
                    continue;
                }
                // Whoever waits looks at the flag.
                if signal == SIGINT && WAITING.load(Ordering::SeqCst) > 0 {
                    continue;
                }
                let ending = thread::Builder::new().name("ending".into());
                // Whoever asks twice does not want to wait for the engine; the reaper does its work.
                if ended || ending.spawn(move || end_by(signal)).is_err() {
                    let _ = signal_hook::low_level::emulate_default_handler(signal);
                }
                ended = true;
            }
        };
        thread::Builder::new().name("signals".into()).spawn(listen).map_err(failed)?;
        Ok(Self(()))
    }
}

/// Whoever started us with a signal ignored (`nohup`) wants it ignored. Linux tells; elsewhere it can't
/// be asked without unsafe code.
fn heeded_signals() -> Vec<i32> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    let is_heeded = |signal: &i32| ignored & (1 << (signal - 1)) == 0;
    [SIGINT, SIGTERM, SIGHUP].into_iter().filter(is_heeded).collect()
}

impl Drop for Guard {
    fn drop(&mut self) {
        if CLOSING.load(Ordering::SeqCst) {
            wait_for_the_end();
        }
        // A thread that still works may start nothing more.
        ENDED.store(true, Ordering::SeqCst);
        end_everything();
    }
}

/// The terminal's line editing and echo as they were at the start: a prompt that a signal interrupts has its own.
fn restore_modes() {
    // In the background the system would stop us for it.
    let is_ours = tcgetpgrp(std::io::stdin()).is_ok_and(|group| group == getpgrp());
    if let (true, Some(modes)) = (is_ours, &*lock(&MODES)) {
        let _ = tcsetattr(std::io::stdin(), SetArg::TCSANOW, modes);
    }
}

fn end_by(signal: i32) {
    CLOSING.store(true, Ordering::SeqCst);
    if_the_terminal_lets_us(|| {
        if let Some(restore) = &*lock(&RESTORE_TERMINAL) {
            restore();
        }
    });
    end_foreground();
    end_everything();
    restore_modes();
    if_the_terminal_lets_us(|| {
        let mut stderr = std::io::stderr();
        if std::io::IsTerminal::is_terminal(&stderr) {
            // Bracketed paste off, cursor on: what a prompt may have left.
            let _ = stderr.write_all(b"\x1b[?2004l\x1b[?25h\n");
        }
    });
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}

/// A terminal that takes nothing any more (a frozen window, a network that is gone) would keep who writes to it, and
/// whoever waits for that, for ever.
fn if_the_terminal_lets_us(write: impl FnOnce() + Send + 'static) {
    let (done, end) = mpsc::channel::<()>();
    let work = move || {
        write();
        drop(done);
    };
    if thread::Builder::new().name("terminal".into()).spawn(work).is_ok() {
        let _ = end.recv_timeout(TERMINAL_DEADLINE);
    }
}

/// Where a signal has already ended servers, nothing may be concluded from their absence: stay here
/// until the signal ends the process. Returns at once when no signal came.
pub fn stop_if_a_signal_came() {
    if CLOSING.load(Ordering::SeqCst) {
        wait_for_the_end();
    }
}

/// The same for a signal that is on its way: a terminal that is gone is noticed before the system says so.
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

/// Runs a program that has the terminal to itself: the student's editor. Ctrl-C is its own key
/// meanwhile, though the terminal sends it to us too; a signal that ends us ends it first.
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
    // A Ctrl-C just before the end is still the editor's, also when the thread hears of it only now.
    let deadline = Instant::now() + EDITOR_DEADLINE;
    while INTERRUPTED.load(Ordering::SeqCst) && Instant::now() < deadline {
        thread::park_timeout(Duration::from_millis(1));
    }
    *lock(&FOREGROUND) = None;
    stop_if_a_signal_came();
    status
}

/// While it lives, Ctrl-C ends a wait and not the program.
#[derive(Debug)]
pub struct InterruptibleWait(());

impl InterruptibleWait {
    /// Begins; a Ctrl-C from before does not count.
    pub fn begin() -> Self {
        INTERRUPTED.store(false, Ordering::SeqCst);
        WAITING.fetch_add(1, Ordering::SeqCst);
        Self(())
    }

    /// Whether Ctrl-C was pressed.
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

/// A signal gives the terminal back by this before it ends anything: what follows may take a moment.
pub fn restore_the_terminal_by(restore: impl Fn() + Send + 'static) {
    *lock(&RESTORE_TERMINAL) = Some(Box::new(restore));
}

/// Run `end` when the program ends, by itself or by a signal.
pub fn at_end(end: impl FnOnce() + Send + 'static) {
    lock(&AT_END).push(Box::new(end));
}

/// Hold the result while something is created that [`at_end`] must find: a signal waits for it.
pub fn creating() -> RwLockReadGuard<'static, ()> {
    let stop_at_the_end = || {
        stop_if_a_signal_came();
        if ENDED.load(Ordering::SeqCst) {
            wait_for_the_end();
        }
    };
    stop_at_the_end();
    let guard = CREATING.read().unwrap_or_else(PoisonError::into_inner);
    stop_at_the_end();
    guard
}

/// The directory of this run, readable by us only, removed when the program ends, however it ends.
pub fn session_directory() -> Result<PathBuf, WorldError> {
    with_session(|session| Ok(session.directory.path().to_owned()))
}

/// Tells of this run's private directory if it is gone, or if there is no room left for it.
pub fn check_room() -> Result<(), WorldError> {
    let directory = session_directory()?;
    if directory.exists() {
        return disk::check_room(disk::temporary_folder(), "set TMPDIR to another place");
    }
    let fact = format!("`{}` is gone: somebody has removed it", directory.shown());
    Err(WorldError::new(fact, "leave the files of redislings alone while it runs, and try again"))
}

/// A new empty directory, readable by us only, removed when the program ends, however it ends.
pub fn private_directory(name: &str) -> Result<PathBuf, WorldError> {
    let number = NEXT_DIRECTORY.fetch_add(1, Ordering::Relaxed);
    with_session(|session| {
        let path = session.directory.path().join(format!("{name}-{number}"));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(path)
    })
}

/// The same, removed already when this is dropped.
#[derive(Debug)]
pub struct PassingDirectory(PathBuf);

impl PassingDirectory {
    /// A new one.
    pub fn new(name: &str) -> Result<Self, WorldError> {
        private_directory(name).map(Self)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for PassingDirectory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A process group of ours, killed whole when dropped, or by the reaper if we are killed first.
#[derive(Debug)]
pub struct ProcessGroup(Pid);

impl ProcessGroup {
    /// Starts `command` as the leader of a new session, and with it of a new process group: it has no terminal, from
    /// which it could read our keys, or on which it could write what looks like our verdict. To be started once.
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

    /// The group of which `start` makes the process that it returns the leader.
    pub fn started_by(
        start: impl FnOnce() -> Result<Pid, std::io::Error>,
    ) -> Result<Self, std::io::Error> {
        let _creating = creating();
        Self::watched(start()?)
    }

    /// A group that nobody would end after us may not be: then it is killed at once.
    fn watched(leader: Pid) -> std::io::Result<Self> {
        let group = Self(leader);
        // The lock is let go before a group is dropped, which takes it too.
        let watched = match lock(&SESSION).as_mut() {
            Some(session) => session.reaper.watch(leader.as_raw()),
            None => Err(std::io::Error::other("this run ends")),
        };
        watched.map(|()| group)
    }

    /// SIGKILL to every process of the group.
    pub fn kill(&self) {
        let _ = killpg(self.0, Signal::SIGKILL);
    }

    /// The reaper does not end it any more: it may outlive us, if nobody drops this.
    pub fn forget(&self) {
        if let Some(session) = lock(&SESSION).as_mut() {
            session.reaper.forget(self.0.as_raw());
        }
    }

    /// How long its leader has run, in ticks of the system, if it waits for the system in a way that no signal ends (Linux's
    /// state `D`).
    pub fn leader_in_the_kernel(&self) -> Option<u64> {
        let fields = stat(&PathBuf::from(format!("/proc/{}", self.0)))?;
        let ticks = |place: usize| fields.get(place)?.parse::<u64>().ok();
        (fields.first()? == "D").then_some(ticks(11)? + ticks(12)?)
    }

    /// Whether its leader was stopped by a signal, as by SIGSTOP, as far as the system tells (Linux's state `T`).
    pub fn leader_is_stopped(&self) -> bool {
        let fields = stat(&PathBuf::from(format!("/proc/{}", self.0)));
        fields.is_some_and(|fields| fields.first().is_some_and(|state| state == "T"))
    }

    /// Whether a process of the group still runs. A zombie does not, as far as the system tells (Linux): it
    /// may be long until somebody reaps an orphan.
    pub fn runs(&self) -> bool {
        killpg(self.0, None).is_ok() && running_groups().is_none_or(|it| it.contains(&self.0))
    }
}

/// The process groups of all processes that are no zombies; `None` where there is no /proc.
fn running_groups() -> Option<Vec<Pid>> {
    stat(Path::new("/proc/self"))?;
    let processes = std::fs::read_dir("/proc").ok()?.flatten();
    let group = |fields: Vec<String>| {
        let group = fields.get(2)?.parse().ok()?;
        (!matches!(fields[0].as_str(), "Z" | "X")).then_some(Pid::from_raw(group))
    };
    Some(processes.filter_map(|entry| stat(&entry.path())).filter_map(group).collect())
}

/// What Linux tells of a process behind its name, by its folder in /proc: `4711 (name) S 1 4700 …` is state, parent, group
/// and more. A name may hold anything, also `)`.
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

fn with_session<T>(work: impl FnOnce(&Session) -> std::io::Result<T>) -> Result<T, WorldError> {
    let failed = |error: std::io::Error| {
        let place = disk::temporary_folder();
        WorldError::new(
            format!("cannot make a private directory in `{}`: {error}", place.shown()),
            "free some space there, or set TMPDIR to a directory that you can write to",
        )
    };
    let mut session = lock(&SESSION);
    if session.is_none() {
        // Nobody would remove what is made after the end.
        if CLOSING.load(Ordering::SeqCst) || ENDED.load(Ordering::SeqCst) {
            return Err(failed(std::io::Error::other("this run ends")));
        }
        *session = Some(start_session().map_err(failed)?);
    }
    session.as_ref().map_or_else(|| Err(std::io::Error::other("no session")), work).map_err(failed)
}

fn start_session() -> std::io::Result<Session> {
    let directory = tempfile::Builder::new()
        .prefix(leftovers::PREFIX)
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(disk::temporary_folder())?;
    let lock = leftovers::hold_lock(directory.path()).ok();
    let reaper = Reaper::start(directory.path())?;
    // Without a thread nothing is swept this time.
    let _ = thread::Builder::new().name("sweep".into()).spawn(|| leftovers::sweep(end_dead_run));
    Ok(Session { directory, reaper, _lock: lock })
}

/// Does what the reaper of that run would have done.
fn end_dead_run(directory: &Path) {
    if let Ok(reaper) = Reaper::start(directory) {
        reaper.end();
    }
}

/// A value that a panic left behind is still the value.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
