//! The program broke off.

use super::case::Case;
use super::{Found, Pointer};

/// Python reads the whole file before it runs its first line.
pub(super) fn program_is_no_python(case: &Case<'_>) -> Option<Found> {
    let line = case.last_error().filter(|_| case.exchanges().is_empty())?;
    let name = line.split(':').next().unwrap_or(line);
    let is_unread = matches!(name, "SyntaxError" | "IndentationError" | "TabError");
    is_unread.then(|| Found::at([Pointer::ProgramErrors]).with(name))
}

/// An exception that no other diagnosis knows: what comes behind it never ran.
pub(super) fn program_failed(case: &Case<'_>) -> Option<Found> {
    let line = case.last_error().filter(|line| is_exception(line))?;
    let name = line.split(':').next().unwrap_or(line);
    Some(Found::at([Pointer::ProgramErrors]).with(name))
}

/// `NameError: name 'clinet' is not defined`; a text of the program's own is none.
pub(super) fn is_exception(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default();
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    name.chars().all(is_name) && (last.ends_with("Error") || last.ends_with("Exception"))
}
