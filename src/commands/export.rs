//! `redislings export`: writes the journal as markdown.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use super::output::out_without_commands;
use super::{Exit, Stop, report_message};
use crate::cli::ExportOptions;
use crate::error::EnvironmentError;
use crate::journal;
use crate::present::export;
use crate::private;
use crate::sanitize::ShownPath as _;

pub(super) fn export(options: &ExportOptions) -> Result<Exit, Stop> {
    let path = journal::path_of_the_user()?;
    let journal = journal::read(&path)?;
    let journal = if options.all { journal } else { journal.last_session() };
    if journal.damaged > 0 {
        let lines = if journal.damaged == 1 { "line" } else { "lines" };
        report_message(&format!(
            "skipped {} unreadable {lines} of `{}`",
            journal.damaged,
            path.shown()
        ));
    }
    if journal.entries.is_empty() {
        let fact = format!("nothing to export: `{}` contains no attempt", path.shown());
        return Err(EnvironmentError::new(fact, "start `redislings` and answer an exercise").into());
    }
    let text = export::markdown(&journal.entries);
    match options.file.as_deref().filter(|path| *path != Path::new("-")) {
        None => out_without_commands(&text),
        Some(file) => {
            write(file, &text, options.force)?;
            report_message(&format!("wrote `{}`", file.shown()));
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
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(Stop::usage(
            format!("`{}` already exists", file.shown()),
            "choose another name, or replace it with `--force`",
        )),
        Err(error) => {
            let fact = format!("cannot write `{}`: {error}", file.shown());
            Err(EnvironmentError::new(fact, "choose a place that you can write to").into())
        }
    }
}
