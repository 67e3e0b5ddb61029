//! Remembers for a day that an image could not be pulled, so that `--server auto` does not wait for
//! a registry that can't be reached at each start.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::cache;
use crate::disk;

/// After this time the image is asked for again.
pub const MEMORY: Duration = Duration::from_secs(24 * 60 * 60);
/// In the cache directory.
const FILE: &str = "failed-pulls.toml";

/// A pull that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedPull {
    image: String,
    /// `DOCKER_HOST`: another engine may reach the registry.
    engine: String,
    /// In seconds since 1970.
    at: u64,
    /// The engine's reason.
    pub why: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct FailedPulls {
    pull: Vec<FailedPull>,
}

impl FailedPull {
    /// How long ago it failed; `None` if that is forgotten, or in the future: the clock was set.
    pub fn age(&self) -> Option<Duration> {
        let at = UNIX_EPOCH.checked_add(Duration::from_secs(self.at))?;
        SystemTime::now().duration_since(at).ok().filter(|age| *age < MEMORY)
    }
}

/// The pull of this image that failed within the last day.
pub fn failed_pull(image: &str) -> Option<FailedPull> {
    let engine = engine();
    read()
        .pull
        .into_iter()
        .find(|pull| pull.image == image && pull.engine == engine && pull.age().is_some())
}

/// Asks for the image again next time.
pub fn forget_failed_pull(image: &str) {
    if failed_pull(image).is_some() {
        replace(image, None);
    }
}

/// The image and the engine's reason.
pub(super) fn remember(image: &str, why: &str) {
    let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (image, engine, why) = (image.to_owned(), engine(), why.to_owned());
    replace(&image.clone(), Some(FailedPull { image, engine, at, why }));
}

fn replace(image: &str, new: Option<FailedPull>) {
    let (mut pulls, engine) = (read(), engine());
    pulls
        .pull
        .retain(|pull| pull.age().is_some() && !(pull.image == image && pull.engine == engine));
    pulls.pull.extend(new);
    // Without the memory, each start asks the registry again.
    let _ = write(&pulls);
}

fn engine() -> String {
    std::env::var("DOCKER_HOST").unwrap_or_default()
}

fn file() -> io::Result<PathBuf> {
    Ok(cache::directory().map_err(io::Error::other)?.join(FILE))
}

/// Nothing if there is no file, or if it is damaged.
fn read() -> FailedPulls {
    let bytes = file().and_then(|file| disk::read_text_file(&file)).unwrap_or_default();
    toml::from_str(&String::from_utf8_lossy(&bytes)).unwrap_or_default()
}

fn write(pulls: &FailedPulls) -> io::Result<()> {
    let folder = cache::prepared_directory().map_err(io::Error::other)?;
    let text = toml::to_string_pretty(pulls).map_err(io::Error::other)?;
    let mut new = tempfile::NamedTempFile::new_in(&folder)?;
    new.write_all(text.as_bytes())?;
    new.persist(folder.join(FILE))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(seconds_ago: i64) -> FailedPull {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let at = now.checked_add_signed(-seconds_ago).unwrap();
        FailedPull { image: "a".into(), engine: String::new(), at, why: "no".into() }
    }

    #[test]
    fn a_failed_pull_is_remembered_for_a_day() {
        assert!(failed(60).age().is_some());
        assert_eq!(failed(24 * 60 * 60).age(), None);
    }

    #[test]
    fn a_failure_in_the_future_is_forgotten() {
        assert_eq!(failed(-3600).age(), None);
    }
}
