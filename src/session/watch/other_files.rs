//! Files in the answers' folder that are not the open exercise's: a student who saves one of them
//! waits for a check that never comes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::stamp::{FileStamp, SETTLED};

pub(super) struct OtherFiles {
    folder: PathBuf,
    known: BTreeMap<PathBuf, FileStamp>,
    /// A file that was saved, and when that is told: an editor may save in several steps.
    saved: Option<(PathBuf, Instant)>,
}

impl OtherFiles {
    pub(super) fn of(folder: &Path) -> Self {
        let mut files = Self { folder: folder.to_owned(), known: BTreeMap::new(), saved: None };
        files.forget();
        files
    }

    /// Takes the files as they are now as known.
    pub(super) fn forget(&mut self) {
        self.known = self.read();
        self.saved = None;
    }

    /// Looks for changes of files of which `is_other` is true.
    pub(super) fn find_change(&mut self, now: Instant, is_other: impl Fn(&Path) -> bool) {
        let files = self.read();
        let changed = files
            .iter()
            .find(|(file, stamp)| is_other(file) && self.known.get(*file) != Some(*stamp));
        if let Some((file, _)) = changed {
            self.saved = Some((file.clone(), now + SETTLED));
        }
        self.known = files;
    }

    /// When [`Self::saved`] has something to report.
    pub(super) fn due(&self) -> Option<Instant> {
        self.saved.as_ref().map(|(_, due)| *due)
    }

    pub(super) fn saved(&mut self) -> Option<PathBuf> {
        let (file, _) = self.saved.take_if(|(_, due)| *due <= Instant::now())?;
        file.is_file().then_some(file)
    }

    fn read(&self) -> BTreeMap<PathBuf, FileStamp> {
        let mut files = BTreeMap::new();
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let file = entry.path();
            if may_be_meant_as_an_answer(&file)
                && file.is_file()
                && let Some(stamp) = FileStamp::of(&file)
            {
                files.insert(file, stamp);
            }
        }
        files
    }
}

/// Not what editors write beside a file, nor the answers that redislings has set aside
/// (`saving.1.py`).
fn may_be_meant_as_an_answer(file: &Path) -> bool {
    let extension = file.extension().and_then(|extension| extension.to_str());
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let is_backup = stem.rsplit_once('.').is_some_and(|(_, end)| end.parse::<u32>().is_ok());
    matches!(extension, Some("py" | "redis" | "txt")) && !stem.starts_with(['.', '#']) && !is_backup
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_editors_and_reset_write_is_not_meant_as_an_answer() {
        for name in ["a.py", "a_b.redis", "a.txt"] {
            assert!(may_be_meant_as_an_answer(Path::new(name)), "{name}");
        }
        for name in ["a.1.py", ".a.py.swp", "a.py~", "#a.py#", ".#a.py", "4913", "a.bak", ".a.py"] {
            assert!(!may_be_meant_as_an_answer(Path::new(name)), "{name}");
        }
    }
}
