//! The user's cache directory: what is installed once and may be deleted at any time.

use std::fs::{File, TryLockError};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Instant;

use etcetera::BaseStrategy as _;

use crate::disk;
use crate::error::WorldError;
use crate::sanitize::ShownPath as _;
use crate::telling::{TICK, Told, seconds};

/// Written last into a finished installation.
const FINISHED: &str = ".finished";

/// `~/.cache/redislings` or what `XDG_CACHE_HOME` says.
pub fn directory() -> Result<PathBuf, WorldError> {
    let no_home = |_| WorldError::new("no home directory is known", "set HOME, or XDG_CACHE_HOME");
    Ok(etcetera::choose_base_strategy().map_err(no_home)?.cache_dir().join("redislings"))
}

/// Whether [`install`] of that name was finished before, and where it stands.
pub fn installed(name: &str) -> Option<PathBuf> {
    let place = directory().ok()?.join(name);
    place.join(FINISHED).is_file().then_some(place)
}

/// The directory `name` of the cache, filled by `fill` if no run did before. Runs at the same time
/// wait for one another, which `telling` hears of; a run that failed leaves nothing that looks finished.
pub fn install(
    name: &str,
    telling: &dyn Fn(Told<'_>),
    fill: impl FnOnce(&Path) -> Result<(), WorldError>,
) -> Result<PathBuf, WorldError> {
    let cache = directory()?;
    let failed = |error: std::io::Error| {
        let fact = format!("cannot write to the cache directory `{}`: {error}", cache.shown());
        WorldError::new(
            fact,
            "make it writable, free some space, or set XDG_CACHE_HOME to another place",
        )
    };
    std::fs::create_dir_all(&cache).map_err(failed)?;
    let lock = File::create(cache.join(format!("{name}.lock"))).map_err(failed)?;
    wait_for(&lock, telling).map_err(failed)?;
    let place = cache.join(name);
    if place.join(FINISHED).is_file() {
        return Ok(place);
    }
    if place.exists() {
        std::fs::remove_dir_all(&place).map_err(failed)?;
    }
    std::fs::create_dir_all(&place).map_err(failed)?;
    if let Err(error) = fill(&place) {
        let room = disk::check_room(&cache, "set XDG_CACHE_HOME to another place");
        // Half of it would only take room.
        let _ = std::fs::remove_dir_all(&place);
        return Err(room.err().unwrap_or(error));
    }
    File::create(place.join(FINISHED)).map_err(failed)?;
    Ok(place)
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
        crate::cleanup::stop_if_a_signal_came();
    }
}

/// Runs an installer to its end, in a process group of its own that ends with us. `telling` gets the time
/// that it takes, twice a second at least.
pub fn run_installer(
    command: &mut Command,
    what: &str,
    telling: &dyn Fn(Told<'_>),
) -> Result<(), WorldError> {
    let shown = format!("{} {}", Path::new(command.get_program()).shown(), arguments(command));
    let failed = |why: String| {
        WorldError::new(
            format!("{what} could not be installed: {why}"),
            format!("this was run:\n{shown}"),
        )
    };
    // Killed in the middle, pip would leave its temporary folders behind.
    let temporary = crate::cleanup::PassingDirectory::new("installer")?;
    command.env("TMPDIR", temporary.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let (_group, mut child) =
        crate::cleanup::ProcessGroup::spawn(command).map_err(|error| failed(error.to_string()))?;
    let errors = errors_of(&mut child, &|elapsed| {
        telling(Told::Progress(&format!("installing {what}: {elapsed}")));
    })
    .map_err(|error| failed(error.to_string()))?;
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    crate::cleanup::stop_if_a_signal_came();
    if status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&errors);
    let last =
        errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    // pip's last line would have it that the package does not exist.
    let is_cut_off = errors.lines().any(|line| line.contains("Retrying (Retry("));
    let cut_off = if is_cut_off { "no package index was reached: " } else { "" };
    Err(failed(format!("{cut_off}{}", last.trim())))
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
        let told = RefCell::new(Vec::new());
        let telling = |it: Told<'_>| told.borrow_mut().push(format!("{it:?}"));
        let end = run_installer(Command::new("sh").args(["-c", script]), "a thing", &telling);
        (end, told.into_inner())
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
        let ours = crate::cleanup::session_directory().unwrap();
        let script = format!("case $TMPDIR in '{}'/*) ;; *) exit 1 ;; esac", ours.display());
        assert_eq!(installed_by(&script).0, Ok(()));
    }
}
