//! Notices when the student saves an answer.
//!
//! File events arrive at once where the file system sends them. Network folders and folders of
//! another system (WSL's `/mnt/c`) send none, or not for all changes, so the files are also polled
//! twice a second; if polling is what finds a change, the student is told.

mod other_files;
mod stamp;

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use self::other_files::OtherFiles;
use self::stamp::{FileStamp, SETTLED};
use crate::disk;

/// How often the files are polled.
const POLL: Duration = Duration::from_millis(500);
/// A change without an event within this time was found by polling.
const EVENT_LATENESS: Duration = Duration::from_millis(400);

/// Watches the files of one exercise's answers.
pub struct Watch {
    /// Sends the events until it is dropped.
    watcher: Option<RecommendedWatcher>,
    events: Receiver<()>,
    files: BTreeMap<PathBuf, SeenFile>,
    other_files: OtherFiles,
    polled: Instant,
    last_event: Option<Instant>,
    /// A change that may be incomplete, and when to look at it again.
    unsettled: Option<(PathBuf, Option<FileStamp>, Instant)>,
    polling: Polling,
}

/// Whether files have to be polled, and whether the student has been told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Polling {
    NotNeeded,
    Unreported,
    Reported,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct SeenFile {
    stamp: Option<FileStamp>,
    /// The hash of the content; `None` if there is no file.
    hash: Option<u64>,
}

impl Watch {
    /// Starts watching the folder, or polling it where that is impossible.
    /// `wake` is called when [`Self::saved`] may have something to report.
    pub fn start(folder: &Path, wake: impl Fn() + Send + 'static) -> Self {
        let (sender, events) = mpsc::channel();
        let watcher = watch_folder(folder, sender, wake).ok();
        let polling = if watcher.is_some() { Polling::NotNeeded } else { Polling::Unreported };
        Self {
            watcher,
            events,
            files: BTreeMap::new(),
            other_files: OtherFiles::of(folder),
            polled: Instant::now(),
            last_event: None,
            unsettled: None,
            polling,
        }
    }

    /// Watches these files from now on, starting from their current content.
    pub fn look_after(&mut self, files: impl IntoIterator<Item = PathBuf>) {
        self.files = files.into_iter().map(|file| (file.clone(), see(&file))).collect();
        self.unsettled = None;
        self.other_files.forget();
    }

    /// Takes the file's current content as known.
    pub fn knows(&mut self, file: &Path) {
        self.knows_all([file]);
    }

    /// Takes the current content of these files as known.
    pub fn knows_all(&mut self, files: impl IntoIterator<Item = impl AsRef<Path>>) {
        for file in files {
            if let Some(seen) = self.files.get_mut(file.as_ref()) {
                *seen = see(file.as_ref());
            }
        }
        self.unsettled = None;
        self.other_files.forget();
    }

    /// A file whose content differs from the known one, if it was saved and has not changed since.
    /// The new content is known from then on.
    pub fn saved(&mut self) -> Option<PathBuf> {
        let now = Instant::now();
        if self.events.try_iter().count() > 0 {
            self.last_event = Some(now);
            self.polled = now;
            self.find_change(now);
        } else if now.duration_since(self.polled) >= POLL {
            self.polled = now;
            self.find_change(now);
        }
        let (file, stamp, due) = self.unsettled.clone().filter(|(.., due)| *due <= now)?;
        if FileStamp::of(&file) != stamp {
            self.unsettled = Some((file.clone(), FileStamp::of(&file), now + SETTLED));
            return None;
        }
        self.unsettled = None;
        let seen = see(&file);
        let known = self.files.insert(file.clone(), seen);
        // A deleted file cannot be checked.
        let is_new = seen.hash.is_some() && known.is_some_and(|known| known.hash != seen.hash);
        let had_event =
            self.last_event.is_some_and(|at| at.elapsed() < EVENT_LATENESS + due.elapsed());
        let listens = self.watcher.is_some();
        if is_new && (!had_event || !listens) && self.polling == Polling::NotNeeded {
            self.polling = Polling::Unreported;
        }
        is_new.then_some(file)
    }

    /// A file that was saved and is not among those that are watched. To be asked after
    /// [`Self::saved`].
    pub fn saved_besides(&mut self) -> Option<PathBuf> {
        self.other_files.saved()
    }

    /// What to tell the student if files are polled; returned only once.
    pub fn told_of_polling(&mut self) -> Option<&'static str> {
        if self.polling != Polling::Unreported {
            return None;
        }
        self.polling = Polling::Reported;
        Some(
            "this folder sends no file events, so your answer is polled twice a second; \
             `c` checks at once",
        )
    }

    /// How long [`Self::saved`] has nothing to report, unless there is an event.
    pub fn rests_for(&self) -> Duration {
        let look = self.polled + POLL;
        let due = self.unsettled.as_ref().map_or(look, |(.., due)| look.min(*due));
        let due = self.other_files.due().map_or(due, |other| due.min(other));
        due.saturating_duration_since(Instant::now())
    }

    fn find_change(&mut self, now: Instant) {
        self.other_files.find_change(now, |file| !self.files.contains_key(file));
        let changed = self.files.iter().find(|(file, seen)| FileStamp::of(file) != seen.stamp);
        if let Some((file, _)) = changed {
            let stamp = FileStamp::of(file);
            if self.unsettled.as_ref().is_none_or(|(path, was, _)| path != file || *was != stamp) {
                self.unsettled = Some((file.clone(), stamp, now + SETTLED));
            }
        }
    }
}

/// Watches the folder, not the files: editors replace a file with a new one.
fn watch_folder(
    folder: &Path,
    saves: Sender<()>,
    wake: impl Fn() + Send + 'static,
) -> notify::Result<RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| may_be_a_save(event.kind)) {
            let _ = saves.send(());
            wake();
        }
    })?;
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// Opening and reading a file does not count: we read it too.
fn may_be_a_save(kind: EventKind) -> bool {
    use notify::event::{AccessKind, AccessMode};
    match kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) => true,
        EventKind::Other => false,
    }
}

fn see(file: &Path) -> SeenFile {
    let stamp = FileStamp::of(file);
    let hash = disk::read_text_file(file).ok().map(|content| {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        hasher.finish()
    });
    SeenFile { stamp, hash }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved_within(watch: &mut Watch, limit: Duration) -> Option<PathBuf> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(file) = watch.saved() {
                return Some(file);
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        None
    }

    fn watched(folder: &Path) -> (Watch, PathBuf) {
        let file = folder.join("a.py");
        std::fs::write(&file, "one").unwrap();
        let mut watch = Watch::start(folder, || {});
        watch.look_after([file.clone()]);
        (watch, file)
    }

    const SOON: Duration = Duration::from_secs(5);
    const WHILE: Duration = Duration::from_millis(800);

    #[test]
    fn a_saved_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (mut watch, file) = watched(folder.path());
        assert!(watch.watcher.is_some());
        std::fs::write(&file, "two").unwrap();
        assert_eq!(saved_within(&mut watch, SOON), Some(file));
        assert_eq!(watch.told_of_polling(), None);
    }

    #[test]
    fn another_file_in_the_folder_is_noticed_once_and_its_directory_never() {
        let folder = tempfile::tempdir().unwrap();
        let (mut watch, _) = watched(folder.path());
        let other = folder.path().join("b.py");
        std::fs::create_dir(folder.path().join("c.py")).unwrap();
        std::fs::write(&other, "two").unwrap();
        let deadline = Instant::now() + SOON;
        let mut told = None;
        while told.is_none() && Instant::now() < deadline {
            assert_eq!(saved_within(&mut watch, Duration::from_millis(20)), None);
            told = watch.saved_besides();
        }
        assert_eq!(told, Some(other));
        assert_eq!(saved_within(&mut watch, WHILE), None);
        assert_eq!(watch.saved_besides(), None);
    }

    #[test]
    fn a_file_that_is_replaced_by_another_is_noticed_again_and_again() {
        let folder = tempfile::tempdir().unwrap();
        let (mut watch, file) = watched(folder.path());
        for text in ["two", "three"] {
            let new = folder.path().join("new");
            std::fs::write(&new, text).unwrap();
            std::fs::rename(&new, &file).unwrap();
            assert_eq!(saved_within(&mut watch, SOON), Some(file.clone()));
        }
    }

    #[test]
    fn a_file_saved_without_a_change_and_one_that_is_read_are_not_reported() {
        let folder = tempfile::tempdir().unwrap();
        let (mut watch, file) = watched(folder.path());
        std::fs::write(&file, "one").unwrap();
        std::fs::read(&file).unwrap();
        assert_eq!(saved_within(&mut watch, WHILE), None);
    }

    #[test]
    fn without_events_a_change_is_found_by_polling_and_reported_once() {
        let folder = tempfile::tempdir().unwrap();
        let (mut watch, file) = watched(folder.path());
        // As on a file system that sends no events.
        watch.watcher = None;
        std::fs::write(&file, "two").unwrap();
        while watch.events.try_recv().is_ok() {}
        watch.last_event = None;
        assert_eq!(saved_within(&mut watch, SOON), Some(file));
        assert!(watch.told_of_polling().is_some() && watch.told_of_polling().is_none());
    }

    #[test]
    fn a_file_that_is_still_being_written_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (mut watch, file) = watched(folder.path());
        std::fs::write(&file, "").unwrap();
        watch.find_change(Instant::now());
        std::fs::write(&file, "whole").unwrap();
        assert_eq!(saved_within(&mut watch, SOON), Some(file.clone()));
        assert_eq!(saved_within(&mut watch, WHILE), None, "one save is one check");
    }
}
