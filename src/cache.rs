//! The user's cache directory: what is installed once and may be deleted at any time.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use etcetera::BaseStrategy as _;

use crate::error::WorldError;

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
/// wait for one another; a run that failed leaves nothing that looks finished.
pub fn install(
    name: &str,
    fill: impl FnOnce(&Path) -> Result<(), WorldError>,
) -> Result<PathBuf, WorldError> {
    let cache = directory()?;
    let failed = |error: std::io::Error| {
        let fact = format!("cannot write to the cache directory `{}`: {error}", cache.display());
        WorldError::new(
            fact,
            "make it writable, free some space, or set XDG_CACHE_HOME to another place",
        )
    };
    std::fs::create_dir_all(&cache).map_err(failed)?;
    let lock = File::create(cache.join(format!("{name}.lock"))).map_err(failed)?;
    lock.lock().map_err(failed)?;
    let place = cache.join(name);
    if place.join(FINISHED).is_file() {
        return Ok(place);
    }
    if place.exists() {
        std::fs::remove_dir_all(&place).map_err(failed)?;
    }
    std::fs::create_dir_all(&place).map_err(failed)?;
    fill(&place)?;
    File::create(place.join(FINISHED)).map_err(failed)?;
    Ok(place)
}

/// Runs an installer to its end, in a process group of its own that ends with us.
pub fn run_installer(command: &mut Command, what: &str) -> Result<(), WorldError> {
    let shown = format!("{} {}", command.get_program().display(), arguments(command));
    let failed = |why: String| {
        WorldError::new(
            format!("{what} could not be installed: {why}"),
            format!("this was run:\n{shown}"),
        )
    };
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let (_group, child) =
        crate::cleanup::ProcessGroup::spawn(command).map_err(|error| failed(error.to_string()))?;
    let output = child.wait_with_output().map_err(|error| failed(error.to_string()))?;
    crate::cleanup::stop_if_a_signal_came();
    if output.status.success() {
        return Ok(());
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    let last =
        errors.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    Err(failed(last.trim().to_owned()))
}

fn arguments(command: &Command) -> String {
    let words = command.get_args().map(|word| word.to_string_lossy());
    words
        .map(|word| if word.contains(' ') { format!("'{word}'") } else { word.into_owned() })
        .collect::<Vec<_>>()
        .join(" ")
}
