//! The program broke off.

use super::case::Case;
use super::{Found, Pointer};

/// Python reads the whole file before it runs its first line, and has no way back to tell then. A module that can't
/// be read, or a text that is run as code, is met on the way.
pub(super) fn program_is_no_python(case: &Case<'_>) -> Option<Found> {
    let is_of_a_line = case.errors()?.contains("Traceback (most recent call last)");
    let line = case.last_error().filter(|_| case.exchanges().is_empty() && !is_of_a_line)?;
    let name = line.split(':').next().unwrap_or(line);
    let is_unread = matches!(name, "SyntaxError" | "IndentationError" | "TabError");
    is_unread.then(|| Found::at([Pointer::ProgramErrors]).with(name))
}

/// By `input()`, `getpass()` and whatever else reads standard input to a line's end.
pub(super) fn program_asks_for_input(case: &Case<'_>) -> Option<Found> {
    let line = case.last_error()?;
    let errors = case.errors()?;
    let is_asking = line == "EOFError: EOF when reading a line"
        || (line == "EOFError" && errors.contains("getpass"));
    is_asking.then(|| Found::at([Pointer::ProgramErrors]))
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
