//! The user's cache directory: what is installed once and may be deleted at any time.
//!
//! Answers run as the user and may change the cache, so everything is verified: see [`Tree`].

mod pip;
mod tree;

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};

use etcetera::BaseStrategy as _;
use nix::libc::O_NOFOLLOW;
use nix::unistd::geteuid;

use self::tree::{Mismatch, Tree, WHEELS};
use crate::cleanup::{self, lock};
use crate::error::{EnvironmentError, EnvironmentErrorKind};
use crate::progress_event::{ProgressEvent, TICK, seconds};
use crate::sanitize::ShownPath as _;
use crate::{disk, private};

pub use self::pip::{Packages, install as install_packages};
pub(crate) use self::tree::hexadecimal;

/// The cache entries that this run uses, by their directories. None is ever removed.
static IN_USE: Mutex<BTreeMap<PathBuf, Arc<Mutex<Tree>>>> = Mutex::new(BTreeMap::new());

/// How often an installer is asked whether it has ended.
const POLL: Duration = Duration::from_millis(50);

static MENDING_AT_END: Once = Once::new();

pub struct Installation<'i> {
    /// The name of its directory in the cache.
    pub name: &'i str,
    /// `the bundled server`.
    pub what: &'i str,
    /// The message before its first installation.
    pub line: &'i str,
}

/// The state of a cache entry.
#[derive(Debug, PartialEq, Eq)]
pub enum Installed {
    /// There is none, or its installation was not finished.
    No,
    /// It is in this directory, unchanged.
    Intact(PathBuf),
    /// This path was changed since the installation.
    Changed(PathBuf),
}

/// `~/.cache/redislings`, or below `XDG_CACHE_HOME`.
pub fn directory() -> Result<PathBuf, EnvironmentError> {
    let strategy = etcetera::choose_base_strategy().map_err(|_| {
        EnvironmentError::new("no home directory found", "set HOME or XDG_CACHE_HOME")
    })?;
    Ok(strategy.cache_dir().join("redislings"))
}

/// The state of the entry of that name. Changes nothing.
pub fn installed(name: &str) -> Result<Installed, EnvironmentError> {
    let cache = directory()?;
    refuse_another_users(&cache)?;
    let root = cache.join(name);
    Ok(match load(&root)? {
        Ok(_) => Installed::Intact(root),
        Err(Mismatch::NotInstalled) => Installed::No,
        Err(Mismatch::Changed(path)) => Installed::Changed(root.join(path)),
    })
}

/// Returns the entry's directory. If it is missing or was changed, `fill` installs it. Concurrent
/// runs wait for each other and report that; a failed installation leaves nothing that looks
/// finished. `fill` finds the wheels that an earlier installation has downloaded.
pub fn install(
    wanted: &Installation<'_>,
    report: &dyn Fn(ProgressEvent<'_>),
    fill: impl FnOnce(&Path) -> Result<(), EnvironmentError>,
) -> Result<PathBuf, EnvironmentError> {
    let cache = prepared_directory()?;
    let root = cache.join(wanted.name);
    if tree_around(&root).is_some() {
        return ensure_intact(&root).map(|()| root);
    }
    if let Ok(tree) = load(&root)? {
        return Ok(use_from_now_on(tree));
    }
    let file = locked(&root, report).map_err(cannot_write(&cache))?;
    // Another thread or process may have installed it in the meantime.
    if tree_around(&root).is_some() {
        drop(file);
        return ensure_intact(&root).map(|()| root);
    }
    let mismatch = match load(&root)? {
        Ok(tree) => return Ok(use_from_now_on(tree)),
        Err(mismatch) => mismatch,
    };
    let is_repair = mismatch != Mismatch::NotInstalled;
    match mismatch {
        Mismatch::NotInstalled => report(ProgressEvent::Message(wanted.line)),
        Mismatch::Changed(path) => report(ProgressEvent::Message(&format!(
            "{} was changed in the cache (`{}`): reinstalling it",
            wanted.what,
            root.join(path).shown()
        ))),
    }
    clear(&root).map_err(cannot_write(&root))?;
    let recorded = fill(&root).and_then(|()| Tree::record(&root).map_err(cannot_write(&root)));
    recorded.map(use_from_now_on).map_err(|error| {
        let room = disk::check_room(&cache, "set XDG_CACHE_HOME to another place");
        // Half an installation is useless; but its wheels may repair it later.
        let _ = if is_repair { clear(&root) } else { tree::remove(&root) };
        room.err().unwrap_or(error)
    })
}

/// Call this before each use of a file, wherever it is: if the file is in a cache entry that this
/// run uses, the whole entry is restored. Cheap if nothing was changed.
pub fn ensure_intact(file: &Path) -> Result<(), EnvironmentError> {
    let Some(tree) = tree_around(file) else { return Ok(()) };
    let mut tree = lock(&tree);
    if tree.differences().is_empty() {
        return Ok(());
    }
    let root = tree.root().to_owned();
    prepared_directory()?;
    let _lock = locked(&root, &|_| ()).map_err(cannot_write(&root))?;
    tree.mend().map_err(cannot_write(&root))
}

/// The cache entry in use that contains the file.
fn tree_around(file: &Path) -> Option<Arc<Mutex<Tree>>> {
    let in_use = lock(&IN_USE);
    in_use.iter().find(|(root, _)| file.starts_with(root)).map(|(_, tree)| Arc::clone(tree))
}

fn use_from_now_on(tree: Tree) -> PathBuf {
    MENDING_AT_END.call_once(|| cleanup::at_end(mend_at_end));
    let root = tree.root().to_owned();
    lock(&IN_USE).entry(root.clone()).or_insert_with(|| Arc::new(Mutex::new(tree)));
    root
}

/// Restores what the last answer has changed, also the manifest, before the next run trusts it.
/// Skips entries that are locked, so that nobody waits.
fn mend_at_end() {
    let trees: Vec<_> = lock(&IN_USE).values().cloned().collect();
    for tree in trees {
        let Ok(mut tree) = tree.try_lock() else { continue };
        if tree.differences().is_empty() {
            continue;
        }
        let Ok(file) = lock_file(tree.root()) else { continue };
        if file.try_lock().is_ok() {
            // The next run notices what can't be restored.
            let _ = tree.mend();
        }
    }
}

/// Creates the cache directory if needed, and makes it private.
pub fn prepared_directory() -> Result<PathBuf, EnvironmentError> {
    let cache = directory()?;
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&cache);
    made.map_err(cannot_write(&cache))?;
    refuse_another_users(&cache)?;
    private::close_to_others(&cache).map_err(cannot_write(&cache))?;
    Ok(cache)
}

fn load(root: &Path) -> Result<Result<Tree, Mismatch>, EnvironmentError> {
    refuse_another_users(root)?;
    Ok(Tree::load(root))
}

/// Fails if another user owns the path: they could have put anything there.
fn refuse_another_users(place: &Path) -> Result<(), EnvironmentError> {
    let owners = [std::fs::symlink_metadata(place), std::fs::metadata(place)];
    let ours = geteuid().as_raw();
    match owners.into_iter().flatten().map(|metadata| metadata.uid()).find(|uid| *uid != ours) {
        None => Ok(()),
        Some(uid) => {
            let fact = format!(
                "`{}` belongs to another user (uid {uid}), who may have put anything there",
                place.shown()
            );
            Err(EnvironmentError::new(fact, "set XDG_CACHE_HOME to a directory of your own"))
        }
    }
}

/// Removes everything but the wheels; creates the private directory if it is missing.
fn clear(root: &Path) -> io::Result<()> {
    let is_directory = std::fs::symlink_metadata(root).is_ok_and(|metadata| metadata.is_dir());
    if !is_directory {
        tree::remove(root)?;
        return DirBuilder::new().mode(0o700).create(root);
    }
    std::fs::set_permissions(root, Permissions::from_mode(0o700))?;
    for entry in std::fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_name() != WHEELS || !entry.file_type()?.is_dir() {
            tree::remove(&entry.path())?;
        }
    }
    Ok(())
}

/// The lock file beside an entry; whoever changes the entry holds the lock.
fn lock_file(root: &Path) -> io::Result<File> {
    let mut path = root.as_os_str().to_owned();
    path.push(".lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600).custom_flags(O_NOFOLLOW);
    let file = options.open(path)?;
    // Anybody who can open the file can keep us waiting.
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

fn cannot_write(place: &Path) -> impl Fn(io::Error) -> EnvironmentError {
    move |error| {
        let fact = format!("cannot write to the cache directory `{}`: {error}", place.shown());
        EnvironmentError::new(
            fact,
            disk::help_to_write(&error, "set XDG_CACHE_HOME to another place"),
        )
    }
}

/// Waits for the lock of an entry; it is held until the file is dropped.
fn locked(root: &Path, report: &dyn Fn(ProgressEvent<'_>)) -> io::Result<File> {
    let file = lock_file(root)?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => {}
        }
        let waited = seconds(began.elapsed());
        report(ProgressEvent::Status(&format!(
            "another redislings is installing it: waiting, {waited}"
        )));
        std::thread::park_timeout(TICK);
        cleanup::stop_if_a_signal_came();
    }
}

/// Runs a program that installs something.
#[derive(Clone, Copy)]
pub struct Installer<'i> {
    /// `the bundled server`.
    pub what: &'i str,
    /// What to do if it fails.
    pub help: &'i str,
}

impl Installer<'_> {
    /// Runs the command to its end, in a process group that ends with us, and in an empty
    /// directory, since the user's may have a `json.py`. Reports the elapsed time at least twice a
    /// second.
    pub fn run(
        &self,
        command: &mut Command,
        report: &dyn Fn(ProgressEvent<'_>),
    ) -> Result<(), EnvironmentError> {
        let what = self.what;
        let shown = format!("{} {}", Path::new(command.get_program()).shown(), arguments(command));
        let failed = |why: &str| {
            let fact = format!("{what} could not be installed: {why}");
            EnvironmentError::new(fact, format!("{}\nthe command was:\n{shown}", self.help))
        };
        // If pip is killed, its temporary folders must not be left behind.
        let temporary = cleanup::PassingDirectory::new("installer")?;
        command.env("TMPDIR", temporary.path()).current_dir(temporary.path());
        let errors = temporary.path().join("errors");
        let status = self.run_to_its_end(command, &errors, report);
        let status = status.map_err(|error| failed(&error.to_string()))?;
        cleanup::stop_if_a_signal_came();
        if status.success() {
            return Ok(());
        }
        let errors = std::fs::read(&errors).unwrap_or_default();
        let errors = String::from_utf8_lossy(&errors);
        if let Some(mismatch) = pip::hash_mismatch(&errors) {
            return Err(mismatch);
        }
        // On a full disk there is no message.
        cleanup::check_room()?;
        let last =
            errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("no message");
        // In this case pip's last line says that the package does not exist.
        let is_cut_off = errors.lines().any(|line| line.contains("Retrying (Retry("));
        if let Some((package, newest)) = pip::unknown_version(&errors).filter(|_| !is_cut_off) {
            let fact = format!("there is no `{package}`; the newest that pip finds is {newest}");
            let kind = EnvironmentErrorKind::NoSuchPackage;
            return Err(EnvironmentError::new(fact, self.help).of(kind));
        }
        let cut_off = if is_cut_off { "no package index is reachable: " } else { "" };
        Err(failed(&format!("{cut_off}{}", last.trim())))
    }

    fn run_to_its_end(
        &self,
        command: &mut Command,
        errors: &Path,
        report: &dyn Fn(ProgressEvent<'_>),
    ) -> io::Result<ExitStatus> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(errors)?);
        let (_group, mut child) = cleanup::ProcessGroup::spawn_without_terminal(command)?;
        let began = Instant::now();
        loop {
            let (what, elapsed) = (self.what, seconds(began.elapsed()));
            report(ProgressEvent::Status(&format!("installing {what}: {elapsed}")));
            match child.try_wait()? {
                Some(status) => return Ok(status),
                None => std::thread::park_timeout(POLL),
            }
        }
    }
}

fn arguments(command: &Command) -> String {
    let words = command.get_args().map(|word| word.to_string_lossy());
    words
        .map(|word| if word.contains(' ') { format!("'{word}'") } else { word.into_owned() })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// Runs a shell script as the installer; returns its result and the progress events.
    fn installed_by(script: &str) -> (Result<(), EnvironmentError>, Vec<String>) {
        let lines = RefCell::new(Vec::new());
        let report = |event: ProgressEvent<'_>| lines.borrow_mut().push(format!("{event:?}"));
        let installer = Installer { what: "a thing", help: "do without" };
        let end = installer.run(Command::new("sh").args(["-c", script]), &report);
        (end, lines.into_inner())
    }

    #[test]
    fn an_installer_reports_its_time_twice_a_second() {
        let (end, events) = installed_by("sleep 1.1");
        assert_eq!(end, Ok(()));
        assert!(events.len() >= 3, "{events:?}");
        assert_eq!(events[0], "Status(\"installing a thing: 0 s\")");
        assert!(events.contains(&"Status(\"installing a thing: 1 s\")".to_owned()), "{events:?}");
    }

    #[test]
    fn an_installer_that_fails_is_quoted() {
        let (end, _) = installed_by("echo no network >&2; echo >&2; exit 1");
        assert_eq!(end.unwrap_err().fact, "a thing could not be installed: no network");
    }

    #[test]
    fn an_installers_temporary_files_are_in_our_private_directory() {
        let ours = cleanup::session_directory().unwrap();
        let script = format!("case $TMPDIR in '{}'/*) ;; *) exit 1 ;; esac", ours.shown());
        assert_eq!(installed_by(&script).0, Ok(()));
    }
}
