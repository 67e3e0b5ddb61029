//! The student's own editor.

use std::path::Path;
use std::process::Command;

use crate::cleanup;
use crate::error::EnvironmentError;
use crate::redis_cli::words;
use crate::server::source::on_path;

/// Opens the file in `$VISUAL` or `$EDITOR`, else in the first known editor on PATH, and waits
/// until it exits.
pub fn open(path: &Path) -> Result<(), EnvironmentError> {
    let (program, arguments) = editor()?;
    let status = cleanup::run_in_foreground(Command::new(&program).args(arguments).arg(path))
        .map_err(|error| failed(&program, &error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(&program, &status.to_string())) }
}

fn failed(program: &str, why: &str) -> EnvironmentError {
    EnvironmentError::new(
        format!("the editor `{program}` failed: {why}"),
        "set EDITOR to an editor that waits until you close the file, for example EDITOR=nano",
    )
}

fn editor() -> Result<(String, Vec<String>), EnvironmentError> {
    let configured = ["VISUAL", "EDITOR"].into_iter().filter_map(|name| std::env::var(name).ok());
    if let Some(command) = configured.into_iter().find(|command| !command.trim().is_empty()) {
        let words = words::split(&command).unwrap_or_default();
        let mut words = words.into_iter().map(|word| String::from_utf8_lossy(&word).into_owned());
        let program = words.next().unwrap_or(command);
        return Ok((program, words.collect()));
    }
    let found = ["nano", "vim", "vi"].into_iter().find(|name| on_path(name).is_some());
    found.map(|name| (name.to_owned(), Vec::new())).ok_or_else(|| {
        EnvironmentError::new(
            "no editor found",
            "set EDITOR, or edit the file in another window and choose check",
        )
    })
}
