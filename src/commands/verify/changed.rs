//! Finds the lessons that a git diff touches.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::super::{Stop, variable};
use crate::backup::folder_of;
use crate::error::EnvironmentError;
use crate::lesson::Course;
use crate::verify::choice::lessons_among;

/// What `--changed` chooses.
pub(super) struct Changed {
    /// The lessons' files that differ, including uncommitted and untracked ones.
    pub(super) lessons: Vec<PathBuf>,
    /// What they were compared with, and what to do if nothing differs from it.
    base: Base,
}

/// A commit, and how it was named.
struct Base {
    name: String,
    commit: String,
    is_head: bool,
}

impl Changed {
    /// Why there may be nothing to verify.
    pub(super) fn none_differs(&self) -> String {
        let Base { name, commit, is_head } = &self.base;
        let short = commit.get(..8).unwrap_or(commit);
        let compared = if *is_head {
            format!("no lesson differs from `{name}`, which is HEAD itself ({short})")
        } else {
            format!("no lesson differs from {short}, where the branch left `{name}`")
        };
        format!("{compared}; leave out `--changed` to verify all, or name another commit")
    }
}

/// The lessons that differ from the commit where the branch left `base`. If `base` is empty, see
/// [`default_base`].
pub(super) fn lessons(course: &Course, base: &str) -> Result<Changed, Stop> {
    let folder = if course.path.is_dir() { course.path.as_path() } else { folder_of(&course.path) };
    let top = git(folder, &["rev-parse", "--show-toplevel"]).map_err(no_repository)?;
    let base = if base.is_empty() {
        default_base(folder).ok_or_else(no_base)?
    } else {
        common_commit(folder, base).ok_or_else(|| no_commit(base))?
    };
    let differing = git(folder, &["diff", "--name-only", "-z", &base.commit]);
    let untracked =
        git(folder, &["ls-files", "--others", "--exclude-standard", "--full-name", "-z", ":/"]);
    let names = differing.and_then(|names| Ok(names + &untracked?)).map_err(no_repository)?;
    let top = Path::new(&top).canonicalize().unwrap_or_else(|_| top.into());
    let files: Vec<PathBuf> =
        names.split('\0').filter(|name| !name.is_empty()).map(|name| top.join(name)).collect();
    Ok(Changed { lessons: lessons_among(course, &files), base })
}

/// The output of `git`, without the last line break. The error is the first line of its standard
/// error.
fn git(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments).stdin(Stdio::null());
    let output = command.output().map_err(|error| format!("`git` can't be run: {error}"))?;
    if output.status.success() {
        let text = String::from_utf8_lossy(&output.stdout);
        return Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned());
    }
    let error = String::from_utf8_lossy(&output.stderr);
    Err(error.lines().next().unwrap_or("`git` failed").to_owned())
}

/// The last commit that HEAD and `base` have in common, or `base` itself if the clone is too shallow
/// to find it.
fn common_commit(folder: &Path, name: &str) -> Option<Base> {
    let wanted = format!("{name}^{{commit}}");
    let commit = git(folder, &["rev-parse", "--verify", "--quiet", &wanted]).ok()?;
    let commit = git(folder, &["merge-base", &commit, "HEAD"]).unwrap_or(commit);
    let is_head = git(folder, &["rev-parse", "HEAD"]).is_ok_and(|head| head == commit);
    // `origin/HEAD` stands for a branch.
    let branch = git(folder, &["rev-parse", "--abbrev-ref", name]).ok();
    let name = branch.filter(|branch| !branch.is_empty()).unwrap_or_else(|| name.to_owned());
    Some(Base { name, commit, is_head })
}

/// The commit where the branch began, according to the CI or else the repository.
fn default_base(folder: &Path) -> Option<Base> {
    let of_the_ci = variable("GITHUB_BASE_REF")
        .map(|branch| format!("origin/{branch}"))
        .or_else(|| variable("CI_MERGE_REQUEST_DIFF_BASE_SHA"));
    if let Some(base) = of_the_ci {
        return common_commit(folder, &base);
    }
    let usual = ["origin/HEAD", "origin/main", "origin/master", "main", "master"];
    usual.into_iter().find_map(|base| common_commit(folder, base))
}

fn no_repository(why: String) -> Stop {
    let help = "run it in a git repository with `git` installed, or leave out `--changed`";
    Stop::Environment(EnvironmentError::new(format!("cannot tell what has changed: {why}"), help))
}

fn no_base() -> Stop {
    let fact = "cannot tell what has changed: git finds no commit where the branch began";
    let help = "fetch the target branch with its history (`fetch-depth: 0`), or name a commit: \
                `--changed=BASE`";
    Stop::Environment(EnvironmentError::new(fact, help))
}

fn no_commit(base: &str) -> Stop {
    let help = "name a commit, a branch or a tag that `git rev-parse` knows; fetch it first if it \
                is missing here";
    Stop::usage(format!("git knows no commit `{base}`"), help)
}
