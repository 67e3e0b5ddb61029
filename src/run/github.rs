//! GitHub runs commands that it finds in a job's output, on both streams: `::error::` at the start
//! of a line, spaces aside, and `##[error]` anywhere in one. Only our own annotations may be such
//! commands, nothing that a program printed or a lesson says.
//! <https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions>

use super::output::out;
use super::variable;
use crate::random;

/// Whether a job of GitHub's reads what is printed.
pub(super) fn is_reading() -> bool {
    variable("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// While it lives, GitHub runs no command that it finds on standard output. Elsewhere it does
/// nothing. A program can't end it: the token is drawn after the program has ended.
pub(super) struct CommandsStopped {
    token: Option<String>,
}

impl CommandsStopped {
    pub(super) fn new() -> Self {
        let token = is_reading().then(random::word);
        if let Some(token) = &token {
            out(&format!("::stop-commands::{token}\n"));
        }
        Self { token }
    }
}

impl Drop for CommandsStopped {
    fn drop(&mut self) {
        if let Some(token) = &self.token {
            out(&format!("::{token}::\n"));
        }
    }
}

/// The same text for people without any command in it. Standard error can't be stopped: GitHub
/// reads the streams side by side, and what is stopped on one is stopped on the other.
pub(super) fn without_commands(text: &str) -> String {
    with_marks(text, ": :", "## [")
}

/// The same XML or HTML without any command in it.
pub(super) fn markup_without_commands(text: &str) -> String {
    with_marks(text, "&#58;:", "#&#35;[")
}

/// `colons` in place of `::` at the start of a line, `signs` in place of `##[`.
fn with_marks(text: &str, colons: &str, signs: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start().len();
        let (space, rest) = line.split_at(indent);
        safe.push_str(space);
        match rest.strip_prefix("::") {
            Some(rest) => {
                safe.push_str(colons);
                safe.push_str(rest);
            }
            None => safe.push_str(rest),
        }
    }
    safe.replace("##[", signs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_broken_and_other_text_stays() {
        let text = "error: a::b\n  ::error::x\n\n3 | ##[add-mask]x\n";
        let safe = "error: a::b\n  : :error::x\n\n3 | ## [add-mask]x\n";
        assert_eq!(without_commands(text), safe);
        let safe = "error: a::b\n  &#58;:error::x\n\n3 | #&#35;[add-mask]x\n";
        assert_eq!(markup_without_commands(text), safe);
    }
}
