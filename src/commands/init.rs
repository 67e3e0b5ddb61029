//! `redislings init`: writes the built-in course to a folder.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::output::out;
use super::shell::shell_word;
use super::{Exit, Stop};
use crate::cleanup;
use crate::disk;
use crate::error::EnvironmentError;
use crate::lesson::course::shipped;
use crate::present::terminal;
use crate::private;
use crate::sanitize::ShownPath as _;

/// Tells the student how to continue.
const README: &str = include_str!("init/README.md");

pub(super) fn init(dir: &Path) -> Result<Exit, Stop> {
    ensure_free(dir)?;
    write_out(dir).map_err(|error| {
        let fact = format!("the course cannot be written to `{}`: {error}", dir.shown());
        let help = disk::help_to_write(&error, "name a folder that you can write to");
        EnvironmentError::new(fact, format!("nothing was left behind; {help}"))
    })?;
    out(&summary(dir));
    Ok(Exit::Passed)
}

/// The folder must not exist yet, or be empty.
fn ensure_free(dir: &Path) -> Result<(), Stop> {
    let name = dir.shown();
    match fs::read_dir(dir).and_then(|mut entries| entries.next().transpose()) {
        Ok(Some(entry)) => {
            let holds = Path::new(&entry.file_name()).shown();
            Err(in_use(format!("the folder `{name}` is not empty: it holds `{holds}`")))
        }
        Ok(None) => Ok(()),
        Err(_) if dir.is_file() => Err(in_use(format!("`{name}` is a file"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => {
            let fact = format!("the folder `{name}` cannot be read: {error}");
            Err(EnvironmentError::new(fact, "name another folder").into())
        }
    }
}

fn in_use(fact: String) -> Stop {
    Stop::usage(fact, "name a folder that does not exist yet, or an empty one")
}

fn write_out(dir: &Path) -> io::Result<()> {
    // Ctrl-C waits until everything is written or nothing is left.
    let _creating = cleanup::creating();
    let missing = missing_folders(dir);
    private::make_shared_folder(dir).and_then(|()| fill(dir)).inspect_err(|_| {
        // The innermost first. A folder that somebody else has filled meanwhile stays.
        for folder in missing {
            let _ = fs::remove_dir(folder);
        }
    })
}

/// The folder and its parents that do not exist yet, the innermost first.
fn missing_folders(dir: &Path) -> Vec<PathBuf> {
    let folders = dir.ancestors().filter(|folder| !folder.as_os_str().is_empty());
    folders.take_while(|folder| !folder.exists()).map(Path::to_owned).collect()
}

/// Writes all files or none: they move to their place after all are written.
fn fill(dir: &Path) -> io::Result<()> {
    let staging = tempfile::Builder::new().prefix(".redislings-").tempdir_in(dir)?;
    let lessons = staging.path().join(super::course::FOLDER);
    fs::create_dir(&lessons)?;
    for (name, text) in shipped::FILES {
        fs::write(lessons.join(name), text)?;
    }
    fs::write(staging.path().join("README.md"), README)?;
    private::share_folder(staging.path())?;
    fs::rename(&lessons, dir.join(super::course::FOLDER))?;
    fs::rename(staging.path().join("README.md"), dir.join("README.md")).inspect_err(|_| {
        let _ = fs::remove_dir_all(dir.join(super::course::FOLDER));
    })
}

fn summary(dir: &Path) -> String {
    let mut text = terminal::heading("created");
    let names = shipped::FILES.iter().map(|(name, _)| *name);
    let lessons = names.map(|name| dir.join(super::course::FOLDER).join(name));
    for file in std::iter::once(dir.join("README.md")).chain(lessons) {
        let _ = writeln!(text, "  {}", file.shown());
    }
    text += &terminal::heading("\nnext");
    text + &format!("  cd {}\n  redislings\n", shell_word(&dir.to_string_lossy()))
}
