//! The student's own editor.

use std::path::Path;
use std::process::Command;

use crate::cleanup;
use crate::error::WorldError;
use crate::redis_cli::words;
use crate::server::source::on_path;

/// Opens the file in `$VISUAL` or `$EDITOR`, else in the first editor that is there, and waits for its end.
pub fn open(path: &Path) -> Result<(), WorldError> {
    let (program, arguments) = editor()?;
    let failed = |why: String| {
        let fact = format!("the editor `{program}` failed: {why}");
        WorldError::new(
            fact,
            "set EDITOR to an editor that waits until you close the file, for example EDITOR=nano",
        )
    };
    let status = cleanup::run_in_foreground(Command::new(&program).args(arguments).arg(path))
        .map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(status.to_string())) }
}

fn editor() -> Result<(String, Vec<String>), WorldError> {
    let told = ["VISUAL", "EDITOR"].into_iter().filter_map(|name| std::env::var(name).ok());
    if let Some(command) = told.into_iter().find(|command| !command.trim().is_empty()) {
        let words = words::split(&command).unwrap_or_default();
        let mut words = words.into_iter().map(|word| String::from_utf8_lossy(&word).into_owned());
        let program = words.next().unwrap_or(command);
        return Ok((program, words.collect()));
    }
    let found = ["nano", "vim", "vi"].into_iter().find(|name| on_path(name).is_some());
    found.map(|name| (name.to_owned(), Vec::new())).ok_or_else(|| {
        WorldError::new(
            "no editor is known",
            "set EDITOR, or edit the file in a window of its own and choose check",
        )
    })
}
