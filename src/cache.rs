//! The user's cache directory: what is installed once and may be deleted at any time.
//!
//! Answers run as the user and may change what is in it, so nothing is believed: see [`Tree`].

mod pip;
mod tree;

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::Read as _;
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, Once};
use std::time::Instant;

use etcetera::BaseStrategy as _;
use nix::libc::O_NOFOLLOW;
use nix::unistd::geteuid;

use self::tree::{Mismatch, Tree, WHEELS};
use crate::cleanup::{self, lock};
use crate::disk;
use crate::error::WorldError;
use crate::sanitize::ShownPath as _;
use crate::telling::{TICK, Told, seconds};

pub use self::pip::{Packages, install as install_packages};
pub(crate) use self::tree::hexadecimal;

/// The entries of the cache that this run uses, by their directories. None is ever taken out.
static IN_USE: Mutex<BTreeMap<PathBuf, Arc<Mutex<Tree>>>> = Mutex::new(BTreeMap::new());

static MENDING_AT_END: Once = Once::new();

/// What is to be in the cache.
pub struct Installation<'i> {
    /// The directory's name.
    pub name: &'i str,
    /// `the bundled server`.
    pub what: &'i str,
    /// Told before it is installed for the first time.
    pub line: &'i str,
}

/// What is in the cache by some name.
#[derive(Debug, PartialEq, Eq)]
pub enum Installed {
    /// Nothing, or nothing that was finished.
    No,
    /// In this directory, all as it was installed.
    Intact(PathBuf),
    /// This was changed since it was installed.
    Changed(PathBuf),
}

/// `~/.cache/redislings` or what `XDG_CACHE_HOME` says.
pub fn directory() -> Result<PathBuf, WorldError> {
    let strategy = etcetera::choose_base_strategy().map_err(|_| {
        WorldError::new("no home directory is known", "set HOME, or XDG_CACHE_HOME")
    })?;
    Ok(strategy.cache_dir().join("redislings"))
}

/// What is there by that name. Only looks.
pub fn installed(name: &str) -> Result<Installed, WorldError> {
    let cache = directory()?;
    refuse_another_users(&cache)?;
    let root = cache.join(name);
    Ok(match load(&root)? {
        Ok(_) => Installed::Intact(root),
        Err(Mismatch::NotInstalled) => Installed::No,
        Err(Mismatch::Changed(path)) => Installed::Changed(root.join(path)),
    })
}

/// The directory of that name in the cache, filled by `fill` if no run did before, or if it is not any more as it was
/// then. Runs at the same time wait for one another, which `telling` hears of; a run that failed leaves nothing that looks
/// finished. `fill` finds the wheels there that an earlier one has downloaded.
pub fn install(
    wanted: &Installation<'_>,
    telling: &dyn Fn(Told<'_>),
    fill: impl FnOnce(&Path) -> Result<(), WorldError>,
) -> Result<PathBuf, WorldError> {
    let cache = prepared_directory()?;
    let root = cache.join(wanted.name);
    if tree_around(&root).is_some() {
        return ensure_intact(&root).map(|()| root);
    }
    if let Ok(tree) = load(&root)? {
        return Ok(use_from_now_on(tree));
    }
    let file = lock_file(&root).map_err(|error| cannot_write(&cache, &error))?;
    wait_for(&file, telling).map_err(|error| cannot_write(&cache, &error))?;
    // Somebody else may have done it meanwhile.
    if tree_around(&root).is_some() {
        drop(file);
        return ensure_intact(&root).map(|()| root);
    }
    let is_mended = match load(&root)? {
        Ok(tree) => return Ok(use_from_now_on(tree)),
        Err(Mismatch::NotInstalled) => {
            telling(Told::Line(wanted.line));
            false
        }
        Err(Mismatch::Changed(path)) => {
            let path = root.join(path);
            telling(Told::Line(&format!(
                "{} was changed in the cache (`{}`): installing it again",
                wanted.what,
                path.shown()
            )));
            true
        }
    };
    clear(&root).map_err(|error| cannot_write(&root, &error))?;
    let recorded =
        fill(&root).and_then(|()| Tree::record(&root).map_err(|error| cannot_write(&root, &error)));
    match recorded {
        Ok(tree) => Ok(use_from_now_on(tree)),
        Err(error) => {
            let room = disk::check_room(&cache, "set XDG_CACHE_HOME to another place");
            // Half of it would only take room; but its wheels may mend it when what was wrong is gone.
            let _ = if is_mended { clear(&root) } else { tree::remove(&root) };
            Err(room.err().unwrap_or(error))
        }
    }
}

/// To be called before each use of a file, wherever it is: of what this run uses of the cache, everything is made as it was
/// when it was found. Cheap where nothing was changed.
pub fn ensure_intact(file: &Path) -> Result<(), WorldError> {
    let Some(tree) = tree_around(file) else { return Ok(()) };
    let mut tree = lock(&tree);
    if tree.differences().is_empty() {
        return Ok(());
    }
    let root = tree.root().to_owned();
    prepared_directory()?;
    let _lock = lock_file(&root)
        .and_then(|file| wait_for(&file, &|_| ()).map(|()| file))
        .map_err(|error| cannot_write(&root, &error))?;
    tree.mend().map_err(|error| cannot_write(&root, &error))
}

/// The entry of the cache that this run uses and that the file belongs to.
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

/// What the last answer has changed is as it was before the next run believes it; its manifest too. Nobody waits for that.
fn mend_at_end() {
    let trees: Vec<_> = lock(&IN_USE).values().cloned().collect();
    for tree in trees {
        let Ok(mut tree) = tree.try_lock() else { continue };
        if tree.differences().is_empty() {
            continue;
        }
        let Ok(file) = lock_file(tree.root()) else { continue };
        if file.try_lock().is_ok() {
            // What can't be mended is seen by the next run.
            let _ = tree.mend();
        }
    }
}

/// The cache directory, for us alone.
fn prepared_directory() -> Result<PathBuf, WorldError> {
    let cache = directory()?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&cache)
        .map_err(|error| cannot_write(&cache, &error))?;
    refuse_another_users(&cache)?;
    let metadata = std::fs::metadata(&cache).map_err(|error| cannot_write(&cache, &error))?;
    if metadata.mode() & 0o077 != 0 {
        std::fs::set_permissions(&cache, Permissions::from_mode(0o700))
            .map_err(|error| cannot_write(&cache, &error))?;
    }
    Ok(cache)
}

fn load(root: &Path) -> Result<Result<Tree, Mismatch>, WorldError> {
    refuse_another_users(root)?;
    Ok(Tree::load(root))
}

/// Whoever it belongs to could have put anything there.
fn refuse_another_users(place: &Path) -> Result<(), WorldError> {
    let owners = [std::fs::symlink_metadata(place), std::fs::metadata(place)];
    let ours = geteuid().as_raw();
    match owners.into_iter().flatten().map(|metadata| metadata.uid()).find(|uid| *uid != ours) {
        None => Ok(()),
        Some(uid) => {
            let fact = format!(
                "`{}` belongs to another user (uid {uid}), who may have put anything there",
                place.shown()
            );
            Err(WorldError::new(fact, "set XDG_CACHE_HOME to a directory of your own"))
        }
    }
}

/// Leaves nothing there but the wheels; makes the directory, for us alone.
fn clear(root: &Path) -> std::io::Result<()> {
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

/// Beside an entry: who changes that holds it.
fn lock_file(root: &Path) -> std::io::Result<File> {
    let mut path = root.as_os_str().to_owned();
    path.push(".lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true).mode(0o600).custom_flags(O_NOFOLLOW);
    let file = options.open(path)?;
    // Who may open it may keep us waiting.
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

fn cannot_write(place: &Path, error: &std::io::Error) -> WorldError {
    let fact = format!("cannot write to the cache directory `{}`: {error}", place.shown());
    let help = "make it writable, free some space, or set XDG_CACHE_HOME to another place";
    WorldError::new(fact, help)
}

fn wait_for(lock: &File, telling: &dyn Fn(Told<'_>)) -> std::io::Result<()> {
    let began = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) => {}
        }
        let waited = seconds(began.elapsed());
        telling(Told::Progress(&format!("another redislings installs it: waiting, {waited}")));
        std::thread::park_timeout(TICK);
        cleanup::stop_if_a_signal_came();
    }
}

/// Runs programs that install something.
#[derive(Clone, Copy)]
pub struct Installer<'i> {
    /// `the bundled server`.
    pub what: &'i str,
    /// What else to do, where it fails.
    pub help: &'i str,
}

impl Installer<'_> {
    /// Runs it to its end, in a process group of its own that ends with us, and in an empty directory: the user's may have
    /// a `json.py`. `telling` gets the time that it takes, twice a second at least.
    pub fn run(&self, command: &mut Command, telling: &dyn Fn(Told<'_>)) -> Result<(), WorldError> {
        let what = self.what;
        let shown = format!("{} {}", Path::new(command.get_program()).shown(), arguments(command));
        let failed = |why: &str| {
            let fact = format!("{what} could not be installed: {why}");
            WorldError::new(fact, format!("{}\nthis was run:\n{shown}", self.help))
        };
        // Killed in the middle, pip would leave its temporary folders behind.
        let temporary = cleanup::PassingDirectory::new("installer")?;
        command.env("TMPDIR", temporary.path()).current_dir(temporary.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let (_group, mut child) =
            cleanup::ProcessGroup::spawn(command).map_err(|error| failed(&error.to_string()))?;
        let errors = errors_of(&mut child, &|elapsed| {
            telling(Told::Progress(&format!("installing {what}: {elapsed}")));
        })
        .map_err(|error| failed(&error.to_string()))?;
        let status = child.wait().map_err(|error| failed(&error.to_string()))?;
        cleanup::stop_if_a_signal_came();
        if status.success() {
            return Ok(());
        }
        let errors = String::from_utf8_lossy(&errors);
        if let Some(mismatch) = pip::hash_mismatch(&errors) {
            return Err(mismatch);
        }
        let last =
            errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        // pip's last line would have it that the package does not exist.
        let is_cut_off = errors.lines().any(|line| line.contains("Retrying (Retry("));
        let cut_off = if is_cut_off { "no package index was reached: " } else { "" };
        Err(failed(&format!("{cut_off}{}", last.trim())))
    }
}

/// All that a program writes to standard error until it closes it, which is at its end.
fn errors_of(child: &mut Child, tick: &dyn Fn(&str)) -> std::io::Result<Vec<u8>> {
    let began = Instant::now();
    let (send, receive) = mpsc::channel();
    let mut stream = child.stderr.take();
    let read = move || {
        let mut errors = Vec::new();
        let end = stream.as_mut().map_or(Ok(0), |stream| stream.read_to_end(&mut errors));
        // Nobody waits any more where a signal came.
        let _ = send.send(end.map(|_| errors));
    };
    std::thread::Builder::new().name("installer".into()).spawn(read)?;
    loop {
        tick(&seconds(began.elapsed()));
        match receive.recv_timeout(TICK) {
            Ok(errors) => return errors,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(Vec::new()),
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

    /// How an installer ends that is this shell script, and what is told meanwhile.
    fn installed_by(script: &str) -> (Result<(), WorldError>, Vec<String>) {
        let lines = RefCell::new(Vec::new());
        let telling = |told: Told<'_>| lines.borrow_mut().push(format!("{told:?}"));
        let installer = Installer { what: "a thing", help: "do without" };
        let end = installer.run(Command::new("sh").args(["-c", script]), &telling);
        (end, lines.into_inner())
    }

    #[test]
    fn an_installer_that_takes_a_second_is_heard_of_twice_a_second() {
        let (end, told) = installed_by("sleep 1.1");
        assert_eq!(end, Ok(()));
        assert!(told.len() >= 3, "{told:?}");
        assert_eq!(told[0], "Progress(\"installing a thing: 0 s\")");
        assert!(told.contains(&"Progress(\"installing a thing: 1 s\")".to_owned()), "{told:?}");
    }

    #[test]
    fn an_installer_that_fails_is_quoted() {
        let (end, _) = installed_by("echo no network >&2; echo >&2; exit 1");
        assert_eq!(end.unwrap_err().fact, "a thing could not be installed: no network");
    }

    #[test]
    fn what_an_installer_keeps_for_a_moment_goes_with_us_however_it_ends() {
        let ours = cleanup::session_directory().unwrap();
        let script = format!("case $TMPDIR in '{}'/*) ;; *) exit 1 ;; esac", ours.shown());
        assert_eq!(installed_by(&script).0, Ok(()));
    }
}
