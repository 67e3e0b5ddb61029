//! The files of an installation, and whether its directory still contains exactly these.
//!
//! Any program of the user may change them. An installation therefore writes a manifest of hashes,
//! which is compared before the first use. From then on the contents are kept in memory, and files
//! are compared with them, and restored, before each further use.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::sanitize::ShownPath as _;

/// In the root directory.
const MANIFEST: &str = "manifest.json";
/// The downloaded wheels. They are not in the manifest, since pip compares them with the pinned
/// hashes when it installs them.
pub(super) const WHEELS: &str = "wheels";
const FORMAT: u32 = 1;
/// File times have steps of a few milliseconds: a change within the same step would not show.
const TIME_STEP: Duration = Duration::from_millis(100);
/// An unreadable directory reveals its content only after it has been restored.
const PASSES: usize = 3;

#[derive(Serialize, Deserialize)]
struct Manifest {
    format: u32,
    entries: BTreeMap<String, TreeEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum TreeEntry {
    Directory { mode: u32 },
    File { mode: u32, size: u64, sha256: String },
    Link { target: String },
}

/// Why a directory can't be used as it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// No installation was finished.
    NotInstalled,
    /// This path was added, changed or removed since.
    Changed(PathBuf),
}

/// Everything that belongs into the directory, including its manifest.
#[derive(Debug)]
pub(super) struct Tree {
    root: PathBuf,
    /// By the path relative to the root, whose own path is empty.
    entries: BTreeMap<PathBuf, Known>,
}

#[derive(Debug)]
struct Known {
    entry: TreeEntry,
    /// A file's content.
    bytes: Vec<u8>,
    /// The stamp when it was last compared; `None` if it must be compared each time.
    stamp: Option<Stamp>,
}

/// Metadata that changes whenever the content may have changed: device, inode, owner, mode, size,
/// and the times of the last changes of content and metadata.
type Stamp = (u64, u64, u32, u32, u64, (i64, i64), (i64, i64));

impl Tree {
    /// Records what is below `root`, makes it private, and writes the manifest.
    pub(super) fn record(root: &Path) -> io::Result<Self> {
        let mut entries = BTreeMap::new();
        let mut manifest = Manifest { format: FORMAT, entries: BTreeMap::new() };
        for (path, metadata) in walk(root) {
            let place = place_of(root, &path);
            if !metadata.is_symlink() {
                fs::set_permissions(&place, Permissions::from_mode(metadata.mode() & 0o700))?;
            }
            let known = Known::read(&place)?;
            manifest.entries.insert(name_of(&path)?.to_owned(), known.entry.clone());
            entries.insert(path, known);
        }
        let manifest = Known::file(0o600, serde_json::to_vec_pretty(&manifest)?);
        let mut tree = Self { root: root.to_owned(), entries };
        tree.put(Path::new(MANIFEST), &manifest)?;
        tree.entries.insert(PathBuf::from(MANIFEST), manifest);
        Ok(tree)
    }

    /// Reads what is below `root` and compares it with the manifest there.
    pub(super) fn load(root: &Path) -> Result<Self, Mismatch> {
        let mut manifest = read_manifest(root)?;
        let mut entries = BTreeMap::new();
        for (path, metadata) in walk(root) {
            let expected = path.to_str().and_then(|name| manifest.entries.remove(name));
            let is_manifest = path == Path::new(MANIFEST);
            // Do not read a file that can't match: it may not fit in memory.
            let may_match =
                is_manifest || expected.as_ref().is_some_and(|entry| entry.fits(&metadata));
            let known = if may_match { Known::read(&place_of(root, &path)).ok() } else { None };
            match known {
                Some(known) if is_manifest || expected.as_ref() == Some(&known.entry) => {
                    entries.insert(path, known);
                }
                _ => return Err(Mismatch::Changed(path)),
            }
        }
        match manifest.entries.into_keys().next() {
            Some(missing) => Err(Mismatch::Changed(PathBuf::from(missing))),
            None => Ok(Self { root: root.to_owned(), entries }),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The paths, relative to the root, that were changed, removed or added.
    pub(super) fn differences(&mut self) -> Vec<PathBuf> {
        let found = walk(&self.root);
        let mut different: Vec<PathBuf> =
            found.keys().filter(|path| !self.entries.contains_key(*path)).cloned().collect();
        for (path, known) in &mut self.entries {
            let place = place_of(&self.root, path);
            if !found.get(path).is_some_and(|metadata| known.is_still(&place, metadata)) {
                different.push(path.clone());
            }
        }
        different
    }

    /// Restores everything. A program that runs meanwhile sees each file either changed or
    /// restored, never in between.
    pub(super) fn mend(&mut self) -> io::Result<()> {
        for _ in 0..PASSES {
            let different = self.differences();
            if different.is_empty() {
                return Ok(());
            }
            for path in &different {
                // The order matters: first remove what is in the way, then restore parents before
                // their content.
                match self.entries.get(path) {
                    Some(known) => self.put(path, known)?,
                    None => remove(&place_of(&self.root, path))?,
                }
            }
        }
        match self.differences().first() {
            Some(path) => Err(io::Error::other(format!("`{}` keeps changing", path.shown()))),
            None => Ok(()),
        }
    }

    fn put(&self, path: &Path, known: &Known) -> io::Result<()> {
        let place = place_of(&self.root, path);
        let mut temporary = tempfile::Builder::new();
        temporary.prefix(".new-");
        let new = match &known.entry {
            TreeEntry::Directory { mode } => return put_directory(&place, *mode),
            TreeEntry::File { mode, .. } => {
                let mut file = temporary.tempfile_in(self.above())?;
                file.write_all(&known.bytes)?;
                file.as_file().set_permissions(Permissions::from_mode(*mode))?;
                file.into_temp_path()
            }
            TreeEntry::Link { target } => {
                let link = |path: &Path| std::os::unix::fs::symlink(target, path);
                temporary.make_in(self.above(), link)?.into_temp_path()
            }
        };
        // Renaming over a directory fails.
        if fs::symlink_metadata(&place).is_ok_and(|metadata| metadata.is_dir()) {
            remove(&place)?;
        }
        new.persist(&place).map_err(|error| error.error)
    }

    /// The folder for temporary files: on the same file system, but not in the tree.
    fn above(&self) -> &Path {
        self.root.parent().unwrap_or(&self.root)
    }
}

impl Known {
    fn read(place: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(place)?;
        let mode = metadata.mode() & 0o7777;
        let entry = if metadata.is_dir() {
            TreeEntry::Directory { mode }
        } else if metadata.is_symlink() {
            TreeEntry::Link { target: name_of(&fs::read_link(place)?)?.to_owned() }
        } else {
            let (bytes, stamp) = read(place)?;
            return Ok(Self { stamp, ..Self::file(mode, bytes) });
        };
        Ok(Self { entry, bytes: Vec::new(), stamp: trusted_stamp(&metadata) })
    }

    fn file(mode: u32, bytes: Vec<u8>) -> Self {
        let (size, sha256) = (bytes.len() as u64, hexadecimal(&Sha256::digest(&bytes)));
        Self { entry: TreeEntry::File { mode, size, sha256 }, bytes, stamp: None }
    }

    fn is_still(&mut self, place: &Path, metadata: &Metadata) -> bool {
        if self.stamp == Some(stamp_of(metadata)) {
            return true;
        }
        // Do not read a file that can't match: it may not fit in memory.
        let found = if self.entry.fits(metadata) { Self::read(place).ok() } else { None };
        let is_same = found.as_ref().is_some_and(|found| found.entry == self.entry);
        self.stamp = found.filter(|_| is_same).and_then(|found| found.stamp);
        is_same
    }
}

impl TreeEntry {
    /// Compares what the metadata shows; the content is not read.
    fn fits(&self, metadata: &Metadata) -> bool {
        match self {
            Self::Directory { mode } => metadata.is_dir() && is_private(metadata, *mode),
            Self::File { mode, size, .. } => {
                metadata.is_file() && is_private(metadata, *mode) && metadata.len() == *size
            }
            Self::Link { .. } => metadata.is_symlink() && is_ours(metadata),
        }
    }
}

fn stamp_of(metadata: &Metadata) -> Stamp {
    (
        metadata.dev(),
        metadata.ino(),
        metadata.uid(),
        metadata.mode(),
        metadata.size(),
        (metadata.mtime(), metadata.mtime_nsec()),
        (metadata.ctime(), metadata.ctime_nsec()),
    )
}

/// `None` if a change in the next moment might not show.
fn trusted_stamp(metadata: &Metadata) -> Option<Stamp> {
    let seconds = u64::try_from(metadata.ctime()).ok()?;
    let nanos = u32::try_from(metadata.ctime_nsec()).ok()?;
    let changed = UNIX_EPOCH + Duration::new(seconds, nanos);
    let age = SystemTime::now().duration_since(changed).ok()?;
    (age > TIME_STEP).then(|| stamp_of(metadata))
}

fn read_manifest(root: &Path) -> Result<Manifest, Mismatch> {
    let place = root.join(MANIFEST);
    let metadata = fs::symlink_metadata(&place);
    if metadata.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Err(Mismatch::NotInstalled);
    }
    let is_private = metadata.is_ok_and(|file| file.is_file() && is_private(&file, 0o600));
    let bytes = if is_private { read(&place).ok() } else { None };
    let manifest = bytes.and_then(|(bytes, _)| serde_json::from_slice::<Manifest>(&bytes).ok());
    match manifest {
        None => Err(Mismatch::Changed(PathBuf::from(MANIFEST))),
        Some(manifest) if manifest.format == FORMAT => Ok(manifest),
        Some(_) => Err(Mismatch::NotInstalled),
    }
}

/// Creates a directory or sets its mode.
fn put_directory(place: &Path, mode: u32) -> io::Result<()> {
    let metadata = fs::symlink_metadata(place);
    if !metadata.is_ok_and(|metadata| metadata.is_dir() && is_ours(&metadata)) {
        remove(place)?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(place)?;
    }
    fs::set_permissions(place, Permissions::from_mode(mode))
}

/// Everything below `root` except the wheels, by relative path. Unreadable entries are left out.
fn walk(root: &Path) -> BTreeMap<PathBuf, Metadata> {
    let mut found = BTreeMap::new();
    let Ok(metadata) = fs::symlink_metadata(root) else { return found };
    let mut folders = Vec::new();
    if metadata.is_dir() {
        folders.push(PathBuf::new());
    }
    found.insert(PathBuf::new(), metadata);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(place_of(root, &folder)).into_iter().flatten().flatten() {
            let path = folder.join(entry.file_name());
            let Ok(metadata) = entry.metadata() else { continue };
            if path == Path::new(WHEELS) {
                continue;
            }
            if metadata.is_dir() {
                folders.push(path.clone());
            }
            found.insert(path, metadata);
        }
    }
    found
}

fn name_of(path: &Path) -> io::Result<&str> {
    path.to_str().ok_or_else(|| io::Error::other(format!("`{}` is not UTF-8", path.shown())))
}

/// Joins the paths without a slash at the end, which would follow a link.
fn place_of(root: &Path, path: &Path) -> PathBuf {
    if path.as_os_str().is_empty() { root.to_owned() } else { root.join(path) }
}

/// A file's content, and its stamp from before it was read.
fn read(place: &Path) -> io::Result<(Vec<u8>, Option<Stamp>)> {
    let mut file: File =
        OpenOptions::new().read(true).custom_flags(O_NOFOLLOW | O_NONBLOCK).open(place)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other(format!("`{}` is not a regular file", place.shown())));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok((bytes, trusted_stamp(&metadata)))
}

fn is_ours(metadata: &Metadata) -> bool {
    metadata.uid() == geteuid().as_raw()
}

/// Whether it is ours and has this mode, which must give others no permissions.
fn is_private(metadata: &Metadata, mode: u32) -> bool {
    let others = mode & 0o077;
    is_ours(metadata) && metadata.mode() & 0o7777 == mode && others == 0
}

/// Removes whatever is there, if anything, also directories without write permission.
pub(super) fn remove(place: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(place) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        metadata => metadata?,
    };
    if !metadata.is_dir() {
        return fs::remove_file(place);
    }
    fs::set_permissions(place, Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(place)? {
        remove(&entry?.path())?;
    }
    fs::remove_dir(place)
}

/// Lower-case hexadecimal digits, two per byte.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

#[cfg(test)]
mod tests;
