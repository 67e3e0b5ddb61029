//! When the student saves an answer.
//!
//! File events come at once where the file system sends them. Network folders and those of another system (WSL's
//! `/mnt/c`) send none, or not for all changes, so the files are also looked at twice a second; where that is what
//! finds a change, the student is told.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant, SystemTime};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::disk;

/// How often the files are looked at without an event.
const POLL: Duration = Duration::from_millis(500);
/// An editor may save in several steps: so long nothing may change before the file counts as saved.
const SETTLED: Duration = Duration::from_millis(60);
/// A change that no event announced within this time was found by polling.
const EVENT_LATENESS: Duration = Duration::from_millis(400);

/// Watches the files of one exercise's answers.
pub(super) struct Watch {
    /// Sends the events for as long as it lives.
    watcher: Option<RecommendedWatcher>,
    events: Receiver<()>,
    files: BTreeMap<PathBuf, Seen>,
    polled: Instant,
    last_event: Option<Instant>,
    /// A change that may not be whole yet, and when it is looked at again.
    unsettled: Option<(PathBuf, Option<Stamp>, Instant)>,
    polls: Polling,
}

/// Whether the student knows that files are polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Polling {
    NotNeeded,
    ToBeTold,
    Told,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    bytes: u64,
    /// Another file in its place may be as long, and made within the same tick of the clock.
    inode: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Seen {
    stamp: Option<Stamp>,
    /// Of the content; `None`: there is no file.
    hash: Option<u64>,
}

impl Watch {
    /// Begins to watch the folder; one that can't be watched is polled.
    pub(super) fn start(folder: &Path) -> Self {
        let (sender, events) = mpsc::channel();
        let on_event = move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| may_be_a_save(event.kind)) {
                let _ = sender.send(());
            }
        };
        // The folder, not the file: editors put a new file in its place.
        let watcher = notify::recommended_watcher(on_event).ok().and_then(|mut watcher| {
            watcher.watch(folder, RecursiveMode::NonRecursive).ok().map(|()| watcher)
        });
        let polls = if watcher.is_some() { Polling::NotNeeded } else { Polling::ToBeTold };
        Self {
            watcher,
            events,
            files: BTreeMap::new(),
            polled: Instant::now(),
            last_event: None,
            unsettled: None,
            polls,
        }
    }

    /// These are the files from now on; as they are now, they are known.
    pub(super) fn look_after(&mut self, files: impl IntoIterator<Item = PathBuf>) {
        self.files = files.into_iter().map(|file| (file.clone(), see(&file))).collect();
        self.unsettled = None;
    }

    /// As the file is now, it is known.
    pub(super) fn knows(&mut self, file: &Path) {
        if let Some(seen) = self.files.get_mut(file) {
            *seen = see(file);
        }
        self.unsettled = None;
    }

    /// A file with another content than the known one, saved and left alone since; it is known then.
    pub(super) fn saved(&mut self) -> Option<PathBuf> {
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
        if stamp_of(&file) != stamp {
            self.unsettled = Some((file.clone(), stamp_of(&file), now + SETTLED));
            return None;
        }
        self.unsettled = None;
        let seen = see(&file);
        let known = self.files.insert(file.clone(), seen);
        // Without a file there is nothing to check.
        let is_new = seen.hash.is_some() && known.is_some_and(|known| known.hash != seen.hash);
        let had_event =
            self.last_event.is_some_and(|at| at.elapsed() < EVENT_LATENESS + due.elapsed());
        let listens = self.watcher.is_some();
        if is_new && (!had_event || !listens) && self.polls == Polling::NotNeeded {
            self.polls = Polling::ToBeTold;
        }
        is_new.then_some(file)
    }

    /// Said once: that files are polled here.
    pub(super) fn told_of_polling(&mut self) -> Option<&'static str> {
        if self.polls != Polling::ToBeTold {
            return None;
        }
        self.polls = Polling::Told;
        let nobody_watches = "this folder tells nobody of saved files, so your answer is looked at twice a second; \
                              `c` checks at once";
        Some(nobody_watches)
    }

    fn find_change(&mut self, now: Instant) {
        let changed = self.files.iter().find(|(file, seen)| stamp_of(file) != seen.stamp);
        if let Some((file, _)) = changed {
            let stamp = stamp_of(file);
            if self.unsettled.as_ref().is_none_or(|(it, was, _)| it != file || *was != stamp) {
                self.unsettled = Some((file.clone(), stamp, now + SETTLED));
            }
        }
    }
}

/// Opening and reading a file is none: we read it too.
fn may_be_a_save(kind: EventKind) -> bool {
    use notify::event::{AccessKind, AccessMode};
    match kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        EventKind::Any | EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_) => true,
        EventKind::Other => false,
    }
}

fn stamp_of(file: &Path) -> Option<Stamp> {
    let found = std::fs::metadata(file).ok()?;
    Some(Stamp { modified: found.modified().ok(), bytes: found.len(), inode: found.ino() })
}

fn see(file: &Path) -> Seen {
    let stamp = stamp_of(file);
    let hash = disk::read_text_file(file).ok().map(|content| {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        hasher.finish()
    });
    Seen { stamp, hash }
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
        let mut watch = Watch::start(folder);
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
    fn a_file_saved_without_a_change_and_one_that_is_read_are_not_news() {
        let folder = tempfile::tempdir().unwrap();
        let (mut watch, file) = watched(folder.path());
        std::fs::write(&file, "one").unwrap();
        std::fs::read(&file).unwrap();
        assert_eq!(saved_within(&mut watch, WHILE), None);
    }

    #[test]
    fn without_events_a_change_is_found_all_the_same_and_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let (mut watch, file) = watched(folder.path());
        // As where the file system sends none.
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
