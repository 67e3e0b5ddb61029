//! Files that look like lessons, but are not where lessons are looked for, or not called so.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::problem::{Problem, one_of};
use super::names::{
    MARKDOWN, TEXT, extension, in_reading_order, is_numbered, is_readme, lessons_among, lossy,
};
use crate::sanitize::ShownPath as _;

/// How deep folders are searched, and how many: a course may stand beside anything.
const DEEPEST: usize = 3;
const MOST_FOLDERS: usize = 200;
/// Folders of other tools.
const NO_COURSE: [&str; 3] = ["node_modules", "target", "venv"];
/// Endings of documents that other tools read, and of text.
const DOCUMENTS: [&str; 7] = ["mdx", "mkd", "mdown", "qmd", "rmd", "ipynb", "rst"];
/// How many are named.
const NAMED: usize = 3;

/// Folders and README files below a folder that hold lessons.
#[derive(Debug, Default)]
pub(super) struct Below {
    folders: Vec<PathBuf>,
    /// The README of a folder that holds no other lesson.
    pages: Vec<PathBuf>,
}

impl Below {
    pub(super) fn of(folder: &Path) -> Self {
        let mut below = Self::default();
        let (mut level, mut left) = (vec![folder.to_owned()], MOST_FOLDERS);
        for _ in 0..DEEPEST {
            level = level.iter().flat_map(|folder| folders_in(folder)).take(left).collect();
            left -= level.len();
            for folder in &level {
                below.look_into(folder);
            }
        }
        below
    }

    fn look_into(&mut self, folder: &Path) {
        let files = files_in(folder);
        if !lessons_among(&files, MARKDOWN).is_empty() {
            self.folders.push(folder.to_owned());
        } else if let Some(page) = files.into_iter().find(|file| is_readme(file)) {
            self.pages.push(page);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.folders.is_empty() && self.pages.is_empty()
    }

    /// What to give in place of a folder without lessons.
    pub(super) fn help(&self, folder: &Path) -> String {
        let (found, what) =
            if self.folders.is_empty() { (&self.pages, "file") } else { (&self.folders, "folder") };
        let that = if found.len() == 1 { format!("that {what}") } else { format!("one {what}") };
        let example = found.first().map(|path| path.shown()).unwrap_or_default();
        format!("lessons stand in {}: give {that}, `--lessons {example}`", named(found, folder))
    }

    /// The warning where the folder has lessons of its own.
    pub(super) fn warning(&self, folder: &Path) -> Option<Problem> {
        let pages = self.pages.iter();
        let pages = pages.filter(|page| is_numbered(page.parent().and_then(Path::file_name)));
        let found: Vec<PathBuf> = self.folders.iter().chain(pages).cloned().collect();
        if found.is_empty() {
            return None;
        }
        let message = format!("what stands in {} is not loaded", named(&found, folder));
        let help = "a course is one folder: move lessons up, or give their folder with `--lessons`";
        Some(Problem::of_path(folder, message, Some(help.to_owned())).into_warning())
    }
}

/// Warnings about files that are called like lessons but for their ending.
pub(super) fn misnamed(files: &[PathBuf], lessons: &[PathBuf]) -> Vec<Problem> {
    let mut warnings = Vec::new();
    for file in in_reading_order(files.to_vec()) {
        let extension = extension(&file);
        let is_text = TEXT.contains(&&*extension) && is_numbered(file.file_stem());
        let is_document = is_text || DOCUMENTS.contains(&&*extension);
        if !is_document || lessons.contains(&file) {
            continue;
        }
        let help = "a lesson's name ends in `.md`; if it is none, put it into another folder";
        let problem = Problem::of_path(&file, "not loaded", Some(help.to_owned()));
        warnings.push(problem.into_warning());
    }
    warnings
}

/// Their names below the folder.
fn named(found: &[PathBuf], folder: &Path) -> String {
    let names = found.iter().take(NAMED);
    let names: Vec<String> =
        names.map(|path| path.strip_prefix(folder).unwrap_or(path).shown()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let more = found.len().saturating_sub(NAMED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    one_of(&names).replace(" or ", " and ") + &more
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let folders = folders.map(|entry| folder.join(entry.file_name())).filter(|folder| {
        let name = lossy(folder.file_name());
        !name.starts_with(['.', '_']) && !NO_COURSE.contains(&&*name)
    });
    in_reading_order(folders.collect())
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    files.map(|entry| folder.join(entry.file_name())).collect()
}
