//! Which exercises were passed, in one readable file keyed by exercise id.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use serde::{Deserialize, Serialize};

use crate::error::WorldError;

/// What the file holds; ids that the course does not have (renamed, from another course) stay.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    path: PathBuf,
    file: ProgressFile,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct ProgressFile {
    passed: BTreeSet<String>,
    /// What another version wrote: kept as it is.
    #[serde(flatten)]
    other: toml::Table,
}

impl Progress {
    /// The user's own file: `~/.local/state/redislings/progress.toml`.
    pub fn of_the_user() -> Result<(Self, Option<String>), WorldError> {
        let no_home =
            |_| WorldError::new("no home directory is known", "set HOME, or XDG_STATE_HOME");
        let strategy = etcetera::choose_base_strategy().map_err(no_home)?;
        let folder = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
        Self::load(&folder.join("redislings").join("progress.toml"))
    }

    /// Reads the file. A damaged one is kept under another name; then the second value says so.
    pub fn load(path: &Path) -> Result<(Self, Option<String>), WorldError> {
        let empty = Self { path: path.to_owned(), file: ProgressFile::default() };
        let text = match std::fs::read(path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((empty, None)),
            Err(error) => return Err(unusable("read", path, &error)),
        };
        if let Ok(file) = toml::from_str::<ProgressFile>(&text) {
            return Ok((Self { file, ..empty }, None));
        }
        let aside = free_name(path);
        std::fs::rename(path, &aside).map_err(|error| unusable("move", path, &error))?;
        let told = format!("the progress file was damaged; it is kept as `{}`", aside.display());
        Ok((empty, Some(told)))
    }

    /// Whether the exercise was passed.
    pub fn has(&self, exercise: &str) -> bool {
        self.file.passed.contains(exercise)
    }

    /// Notes a passed exercise and writes the file: whole or not at all.
    pub fn add(&mut self, exercise: &str) -> Result<(), WorldError> {
        if !self.file.passed.insert(exercise.to_owned()) {
            return Ok(());
        }
        self.write().map_err(|error| unusable("write", &self.path, &error))
    }

    fn write(&self) -> std::io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let text = toml::to_string_pretty(&self.file).map_err(std::io::Error::other)?;
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        new.write_all(b"# The exercises you have passed, by id.\n")?;
        new.write_all(text.as_bytes())?;
        new.as_file().sync_all()?;
        new.persist(&self.path)?;
        Ok(())
    }
}

fn unusable(verb: &str, path: &Path, error: &std::io::Error) -> WorldError {
    let fact = format!("cannot {verb} the progress file `{}`: {error}", path.display());
    WorldError::new(fact, "make it writable, or set XDG_STATE_HOME to another place")
}

fn free_name(path: &Path) -> PathBuf {
    let name = |number: u32| path.with_extension(format!("damaged-{number}.toml"));
    (1..10_000).map(name).find(|candidate| !candidate.exists()).unwrap_or_else(|| name(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_passed_is_there_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/progress.toml");
        let (mut progress, _) = Progress::load(&path).unwrap();
        progress.add("creating-snapshots").unwrap();
        let (again, told) = Progress::load(&path).unwrap();
        assert!(again.has("creating-snapshots") && !again.has("other") && told.is_none());
    }

    #[test]
    fn a_damaged_file_is_kept_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("progress.toml");
        std::fs::write(&path, "passed = [").unwrap();
        let (progress, told) = Progress::load(&path).unwrap();
        assert!(progress.file.passed.is_empty() && told.unwrap().contains("damaged-1"));
        assert_eq!(
            std::fs::read_to_string(folder.path().join("progress.damaged-1.toml")).unwrap(),
            "passed = ["
        );
    }

    #[test]
    fn what_another_version_wrote_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("progress.toml");
        std::fs::write(&path, "passed = []\nstreak = 3\n").unwrap();
        let (mut progress, told) = Progress::load(&path).unwrap();
        progress.add("here").unwrap();
        assert!(told.is_none() && std::fs::read_to_string(&path).unwrap().contains("streak = 3"));
    }

    #[test]
    fn ids_of_other_courses_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("progress.toml");
        std::fs::write(&path, "passed = [\"elsewhere\"]").unwrap();
        let (mut progress, _) = Progress::load(&path).unwrap();
        progress.add("here").unwrap();
        assert!(Progress::load(&path).unwrap().0.has("elsewhere"));
    }
}
