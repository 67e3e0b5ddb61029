//! `redislings init`: the shipped course in a folder of its own.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::output::out;
use super::shell::shell_word;
use super::{Exit, Stop};
use crate::cleanup;
use crate::error::WorldError;
use crate::lesson::course::shipped;
use crate::present::terminal;
use crate::private;
use crate::sanitize::ShownPath as _;

/// For the student: how to go on from there.
const README: &str = include_str!("init/README.md");

pub(super) fn init(dir: &Path) -> Result<Exit, Stop> {
    refuse_what_is_in_use(dir)?;
    write_out(dir).map_err(|error| {
        let fact = format!("the course cannot be written to `{}`: {error}", dir.shown());
        let help = "nothing of it was left there; free some space, or name a folder that you can \
                    write to";
        WorldError::new(fact, help)
    })?;
    out(&report(dir));
    Ok(Exit::Passed)
}

/// Only what does not exist yet and an empty folder are free.
fn refuse_what_is_in_use(dir: &Path) -> Result<(), Stop> {
    let refuse = |fact: String| {
        let help = "name a folder that does not exist yet, or an empty one".to_owned();
        Err(Stop::Usage(fact, help))
    };
    let name = dir.shown();
    match fs::read_dir(dir) {
        Ok(mut entries) => match entries.next() {
            Some(Ok(entry)) => {
                let holds = Path::new(&entry.file_name()).shown();
                refuse(format!("the folder `{name}` is not empty: it holds `{holds}`"))
            }
            Some(Err(error)) => Err(unreadable(dir, &error).into()),
            None => Ok(()),
        },
        Err(_) if dir.is_file() => refuse(format!("`{name}` is a file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unreadable(dir, &error).into()),
    }
}

fn unreadable(dir: &Path, error: &io::Error) -> WorldError {
    let fact = format!("`{}` cannot be looked into: {error}", dir.shown());
    WorldError::new(fact, "name another folder")
}

fn write_out(dir: &Path) -> io::Result<()> {
    // Ctrl-C waits until all is there or nothing.
    let _creating = cleanup::creating();
    let missing = missing_folders(dir);
    private::make_shared_folder(dir).and_then(|()| fill(dir)).inspect_err(|_| {
        // The innermost first; one that somebody else has filled meanwhile stays.
        for folder in missing {
            let _ = fs::remove_dir(folder);
        }
    })
}

/// The folder and those above it that do not exist yet, the innermost first.
fn missing_folders(dir: &Path) -> Vec<PathBuf> {
    let named = dir.ancestors().filter(|it| !it.as_os_str().is_empty());
    named.take_while(|it| !it.exists()).map(Path::to_owned).collect()
}

/// All or nothing: what is written is moved to its place when all of it is there.
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

fn report(dir: &Path) -> String {
    let mut text = terminal::heading("made");
    let lessons = shipped::FILES.map(|(name, _)| dir.join(super::course::FOLDER).join(name));
    for file in std::iter::once(dir.join("README.md")).chain(lessons) {
        let _ = writeln!(text, "  {}", file.shown());
    }
    text += &terminal::heading("\ngo on with");
    text + &format!("  cd {}\n  redislings\n", shell_word(&dir.to_string_lossy()))
}
