//! Which exercises were passed and where the student was, in one readable file keyed by exercise id.
//!
//! Several sessions may run at once: each change is made to what the file holds at that moment, under a lock,
//! so that none undoes what another has noted.

mod record;
mod session_lock;
#[cfg(test)]
mod tests;

use std::io::Write as _;
use std::path::{Path, PathBuf};

pub use record::Place;
pub use session_lock::{NotLocked, SessionLock};

use crate::backup;
use crate::error::WorldError;
use crate::sanitize::ShownPath as _;
use crate::state;
use record::{Change, Record};

/// What is known of the student's way through the course.
#[derive(Debug)]
pub struct Progress {
    path: PathBuf,
    /// With every change, also those that could not be written.
    record: Record,
    /// Changes that the file does not have yet: the next write takes them along.
    unwritten: Vec<Change>,
    is_new: bool,
}

/// What stands where the file should be.
enum Found {
    Nothing,
    Damaged,
    Sound(Record),
}

impl Progress {
    /// The user's own file: `~/.local/state/redislings/progress.toml`.
    pub fn of_the_user() -> Result<(Self, Option<String>), WorldError> {
        Self::load(&state::directory()?.join("progress.toml"))
    }

    /// Reads the file. A damaged one is kept under another name; then the second value says so.
    pub fn load(path: &Path) -> Result<(Self, Option<String>), WorldError> {
        let found = read(path).map_err(|error| unusable("read", path, &error))?;
        let is_new = matches!(found, Found::Nothing);
        let (record, told) = match found {
            Found::Nothing => (Record::default(), None),
            Found::Sound(record) => (record, None),
            Found::Damaged => after_damage(path).map_err(|error| unusable("move", path, &error))?,
        };
        Ok((Self { path: path.to_owned(), record, unwritten: Vec::new(), is_new }, told))
    }

    /// The same file, for another thread: what both note is merged.
    pub fn again(&self) -> Result<Self, WorldError> {
        Self::load(&self.path).map(|(progress, _)| progress)
    }

    /// Whether there was no file: the very first start.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Whether all that was noted stands in the file.
    pub fn is_kept(&self) -> bool {
        self.unwritten.is_empty()
    }

    /// Whether the exercise was passed.
    pub fn has(&self, exercise: &str) -> bool {
        self.record.passed.contains(exercise)
    }

    /// Notes a passed exercise, and that no attempt has failed since.
    pub fn add(&mut self, exercise: &str) -> Result<(), WorldError> {
        self.note(Change::Passed(exercise.to_owned()))
    }

    /// Forgets that these were passed, attempted, and which hints were seen.
    pub fn forget(&mut self, exercises: &[&str]) -> Result<(), WorldError> {
        self.note(Change::Forgotten(exercises.iter().map(|&id| id.to_owned()).collect()))
    }

    /// How many attempts have failed since the exercise was last passed or reset.
    pub fn failed_attempts(&self, exercise: &str) -> u32 {
        self.record.effort(exercise).failed_attempts
    }

    /// Notes a failed attempt, and says how many there are now.
    pub fn add_failed_attempt(&mut self, exercise: &str) -> Result<u32, WorldError> {
        self.note(Change::Failed(exercise.to_owned()))?;
        Ok(self.failed_attempts(exercise))
    }

    /// How many of the exercise's hints were shown.
    pub fn hints_seen(&self, exercise: &str) -> u32 {
        self.record.effort(exercise).hints_seen
    }

    /// Notes how many of the exercise's hints were shown.
    pub fn set_hints_seen(&mut self, exercise: &str, number: u32) -> Result<(), WorldError> {
        self.note(Change::HintsSeen(exercise.to_owned(), number))
    }

    /// Where the student was.
    pub fn place(&self) -> Option<Place> {
        self.record.place.clone()
    }

    /// Notes where the student is. Cheap enough for every step: it does not wait for the disk.
    pub fn set_place(&mut self, place: Place) -> Result<(), WorldError> {
        self.note(Change::Moved(Some(place)))
    }

    /// Forgets where the student was: the course begins at its beginning.
    pub fn forget_place(&mut self) -> Result<(), WorldError> {
        self.note(Change::Moved(None))
    }

    /// Says for as long as the value lives that a session runs; or who else's does.
    pub fn lock_session(&self) -> Result<SessionLock, NotLocked> {
        SessionLock::take(&self.path.with_file_name("session.lock"))
    }

    /// Keeps a change in mind, and writes it if that is possible.
    fn note(&mut self, change: Change) -> Result<(), WorldError> {
        change.apply(&mut self.record);
        self.unwritten.push(change);
        let lock = lock_of(&self.path);
        let aside = state::in_turn(&lock, || self.merge())
            .map_err(|error| unusable("write", &self.path, &error))?;
        match aside {
            None => Ok(()),
            Some(aside) => {
                let help = "what this session knows of you was written to a new one";
                Err(WorldError::new(damaged(&aside), help))
            }
        }
    }

    /// Brings the file and this value to the same state. Gives the new name of a damaged file.
    fn merge(&mut self) -> std::io::Result<Option<PathBuf>> {
        let found = read(&self.path)?;
        let aside = match found {
            Found::Damaged => Some(set_aside(&self.path)?),
            Found::Nothing | Found::Sound(_) => None,
        };
        let (before, after) = match found {
            Found::Sound(before) => {
                let mut after = before.clone();
                self.unwritten.iter().for_each(|change| change.apply(&mut after));
                (Some(before), after)
            }
            // Whoever took the file away did not take what this session remembers.
            Found::Nothing | Found::Damaged => (None, self.record.clone()),
        };
        if before.as_ref() != Some(&after) {
            write(&self.path, &after, self.unwritten.iter().any(Change::is_precious))?;
        }
        self.record = after;
        self.unwritten.clear();
        Ok(aside)
    }
}

fn lock_of(path: &Path) -> PathBuf {
    path.with_extension("lock")
}

fn read(path: &Path) -> std::io::Result<Found> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Record::of(&bytes).map_or(Found::Damaged, Found::Sound)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Found::Nothing),
        Err(error) => Err(error),
    }
}

/// Whole or not at all. Where the file is a link, say into a folder of settings under git, what it leads to is
/// replaced.
fn write(path: &Path, record: &Record, to_the_disk: bool) -> std::io::Result<()> {
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().unwrap_or(Path::new("."));
    let text = record.text().map_err(std::io::Error::other)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(text.as_bytes())?;
    if to_the_disk {
        new.as_file().sync_all()?;
    }
    new.persist(&target)?;
    Ok(())
}

/// Another session may have seen the same damage and have written a new file by now.
fn after_damage(path: &Path) -> std::io::Result<(Record, Option<String>)> {
    state::in_turn(&lock_of(path), || match read(path)? {
        Found::Nothing => Ok((Record::default(), None)),
        Found::Sound(record) => Ok((record, None)),
        Found::Damaged => Ok((Record::default(), Some(damaged(&set_aside(path)?)))),
    })
}

fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    backup::set_aside(path, |number| path.with_extension(format!("damaged-{number}.toml")))
}

fn damaged(aside: &Path) -> String {
    format!("the progress file was damaged; it is kept as `{}`", aside.shown())
}

fn unusable(verb: &str, path: &Path, error: &std::io::Error) -> WorldError {
    let fact = format!("cannot {verb} the progress file `{}`: {error}", path.shown());
    WorldError::new(
        fact,
        "make it writable, free some space, or set XDG_STATE_HOME to another place",
    )
}
