//! `redislings export`: the journal as markdown.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use super::output::out_without_commands;
use super::{Exit, Stop, tell_line};
use crate::error::WorldError;
use crate::journal;
use crate::present::export;
use crate::private;
use crate::sanitize::ShownPath as _;

/// What is written where.
pub(super) struct Wish<'w> {
    /// `None`: standard output.
    pub(super) file: Option<&'w Path>,
    /// Every session, not only the last one.
    pub(super) all: bool,
    /// Also over a file that is there.
    pub(super) force: bool,
}

pub(super) fn export(wish: &Wish<'_>) -> Result<Exit, Stop> {
    let path = journal::path_of_the_user()?;
    let kept = journal::read(&path)?;
    let kept = if wish.all { kept } else { kept.last_session() };
    if kept.damaged > 0 {
        let lines = if kept.damaged == 1 { "1 line" } else { &format!("{} lines", kept.damaged) };
        tell_line(&format!("{lines} of `{}` can't be read and are left out", path.shown()));
    }
    if kept.entries.is_empty() {
        let fact = format!("there is nothing to export: no attempt stands in `{}`", path.shown());
        return Err(WorldError::new(fact, "start `redislings` and answer an exercise").into());
    }
    let text = export::markdown(&kept.entries);
    match wish.file.filter(|path| *path != Path::new("-")) {
        None => out_without_commands(&text),
        Some(file) => {
            write(file, &text, wish.force)?;
            tell_line(&format!("written: `{}`", file.shown()));
        }
    }
    Ok(Exit::Passed)
}

fn write(file: &Path, text: &str, force: bool) -> Result<(), Stop> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(!force).create(force).truncate(force);
    let opened = private::open_shared(&options, file);
    match opened.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(Stop::Usage(
            format!("`{}` exists already", file.shown()),
            "choose another name, or say `--force` to replace it".to_owned(),
        )),
        Err(error) => {
            let fact = format!("cannot write `{}`: {error}", file.shown());
            Err(WorldError::new(fact, "choose a place that you can write to").into())
        }
    }
}
