//! Which exercises the student has passed and where they were, in one readable file keyed by
//! exercise id.
//!
//! Several sessions may run at once: each change is applied to the current content of the file,
//! under a lock, so that no session undoes the changes of another.

mod course_lock;
mod record;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

pub use course_lock::NotLocked;
pub use record::{Position, ProgressChange, Record};

use crate::backup;
use crate::disk;
use crate::error::EnvironmentError;
use crate::private;
use crate::sanitize::ShownPath as _;
use crate::state;

/// The student's progress in the course.
#[derive(Debug)]
pub struct Progress {
    path: PathBuf,
    /// Includes changes that could not be written.
    record: Record,
    /// Changes that are not in the file yet: the next write includes them.
    unwritten: Vec<ProgressChange>,
    is_new: bool,
    /// Whether the student knows that the file can't be written. Then only a change that matters
    /// says so again.
    is_failure_known: bool,
}

/// The content of the progress file.
enum StoredProgress {
    Nothing,
    Damaged,
    Sound(Record),
}

impl Progress {
    /// The user's own file: `~/.local/state/redislings/progress.toml`.
    pub fn of_the_user() -> Result<(Self, Option<String>), EnvironmentError> {
        Self::load(&state::directory()?.join("progress.toml"))
    }

    /// Reads the file. A damaged file is kept under another name; the second value then says so.
    pub fn load(path: &Path) -> Result<(Self, Option<String>), EnvironmentError> {
        let found = read(path).map_err(|error| unusable("read", path, &error))?;
        let is_new = matches!(found, StoredProgress::Nothing);
        let (record, warning) = match found {
            StoredProgress::Nothing => (Record::default(), None),
            StoredProgress::Sound(record) => (record, None),
            StoredProgress::Damaged => {
                after_damage(path).map_err(|error| unusable("move", path, &error))?
            }
        };
        let path = path.to_owned();
        let (unwritten, is_failure_known) = (Vec::new(), false);
        Ok((Self { path, record, unwritten, is_new, is_failure_known }, warning))
    }

    /// Whether there was no file: the student's first start.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// What is known of the file, with the changes that could not be written.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Whether all changes are in the file.
    pub fn is_kept(&self) -> bool {
        self.unwritten.is_empty()
    }

    pub fn has(&self, exercise: &str) -> bool {
        self.record.has(exercise)
    }

    /// Forgets everything about these exercises.
    pub fn forget(&mut self, exercises: &[&str]) -> Result<(), EnvironmentError> {
        self.note(ProgressChange::Forgotten(exercises.iter().map(|&id| id.to_owned()).collect()))
    }

    /// Forgets where the student was: the course starts from the beginning.
    pub fn forget_place(&mut self) -> Result<(), EnvironmentError> {
        self.note(ProgressChange::Moved(None))
    }

    /// Why nothing can be saved here, for the start of a session; it is said only once.
    pub fn refusal(&mut self) -> Option<String> {
        let folder = backup::folder_of(&self.path);
        let why = disk::why_unwritable(private::make_private_folder(folder), folder)?;
        self.is_failure_known = true;
        Some(format!(
            "your progress can't be saved: `{}` is {why}; set XDG_STATE_HOME to a folder that you \
             can write to",
            folder.shown()
        ))
    }

    /// Takes the lock that marks this session as running, unless another session holds it.
    pub fn lock_session(&self) -> Result<File, NotLocked> {
        course_lock::take(&self.path.with_file_name("session.lock"))
    }

    /// Applies a change in memory, and writes it if possible. A failure that is known is an error
    /// again only if the change must not be lost.
    pub fn note(&mut self, change: ProgressChange) -> Result<(), EnvironmentError> {
        let is_precious = change.is_precious();
        change.apply(&mut self.record);
        self.unwritten.push(change);
        let lock = lock_of(&self.path);
        let merged = state::in_turn(&lock, || self.merge());
        let is_known = std::mem::replace(&mut self.is_failure_known, merged.is_err());
        match merged {
            Err(_) if is_known && !is_precious => Ok(()),
            Err(error) => Err(unusable("write", &self.path, &error)),
            Ok(None) => Ok(()),
            Ok(Some(aside)) => {
                let help = "this session's progress was written to a new file";
                Err(EnvironmentError::new(damaged(&aside), help))
            }
        }
    }

    /// Brings the file and this value to the same state. Returns the new name of a damaged file.
    fn merge(&mut self) -> std::io::Result<Option<PathBuf>> {
        let found = read(&self.path)?;
        let aside = match found {
            StoredProgress::Damaged => Some(set_aside(&self.path)?),
            StoredProgress::Nothing | StoredProgress::Sound(_) => None,
        };
        let (before, after) = match found {
            StoredProgress::Sound(before) => {
                let mut after = before.clone();
                self.unwritten.iter().for_each(|change| change.apply(&mut after));
                (Some(before), after)
            }
            // The file is gone or damaged: write all that this session has in memory.
            StoredProgress::Nothing | StoredProgress::Damaged => (None, self.record.clone()),
        };
        if before.as_ref() != Some(&after) {
            write(&self.path, &after, self.unwritten.iter().any(ProgressChange::is_precious))?;
        }
        self.record = after;
        self.unwritten.clear();
        Ok(aside)
    }
}

fn lock_of(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

fn read(path: &Path) -> std::io::Result<StoredProgress> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Record::of(&bytes).map_or(StoredProgress::Damaged, StoredProgress::Sound)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(StoredProgress::Nothing),
        Err(error) => Err(error),
    }
}

/// Writes the whole file or nothing. If the file is a link, for example into a folder of settings
/// under git, its target is replaced.
fn write(path: &Path, record: &Record, to_the_disk: bool) -> std::io::Result<()> {
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let text = record.text().map_err(std::io::Error::other)?;
    let mut new = tempfile::NamedTempFile::new_in(backup::folder_of(&target))?;
    new.write_all(text.as_bytes())?;
    if to_the_disk {
        new.as_file().sync_all()?;
    }
    new.persist(&target)?;
    Ok(())
}

/// Moves a damaged file aside, unless another session has already replaced it.
fn after_damage(path: &Path) -> std::io::Result<(Record, Option<String>)> {
    state::in_turn(&lock_of(path), || match read(path)? {
        StoredProgress::Nothing => Ok((Record::default(), None)),
        StoredProgress::Sound(record) => Ok((record, None)),
        StoredProgress::Damaged => Ok((Record::default(), Some(damaged(&set_aside(path)?)))),
    })
}

fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    backup::set_aside(path, |number| path.with_extension(format!("damaged-{number}.toml")))
}

fn damaged(aside: &Path) -> String {
    format!("the progress file was damaged; it is kept as `{}`", aside.shown())
}

fn unusable(verb: &str, path: &Path, error: &std::io::Error) -> EnvironmentError {
    let fact = format!("cannot {verb} the progress file `{}`: {error}", path.shown());
    let otherwise = "set XDG_STATE_HOME to another place";
    EnvironmentError::new(fact, disk::help_to_write(error, otherwise))
}
