//! GitHub runs commands that it finds in a job's output, on both streams: `::error::` at the start
//! of a line, after optional spaces, and `##[error]` anywhere in a line. Only our own annotations
//! may be such commands, never the text of a program or a lesson.
//! <https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions>

use super::output::out;
use super::variable;
use crate::random;

/// Whether the output goes to a job on GitHub Actions.
pub(super) fn is_reading() -> bool {
    variable("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// While it lives, GitHub runs no commands on standard output. Outside of GitHub it does nothing. A
/// program's output can't end it, since its random token is made after the program has ended.
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

/// The text for people, with its commands disabled. Standard error can't use [`CommandsStopped`]:
/// GitHub reads both streams together, and stopping commands on one stops them on the other.
pub(super) fn without_commands(text: &str) -> String {
    with_marks(text, ": :", "## [")
}

/// The XML or HTML, with its commands disabled.
pub(super) fn markup_without_commands(text: &str) -> String {
    with_marks(text, "&#58;:", "#&#35;[")
}

/// Replaces `::` at the start of a line by `colons`, and `##[` by `signs`.
fn with_marks(text: &str, colons: &str, signs: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match line.trim_start().strip_prefix("::") {
            Some(rest) => {
                safe.push_str(&line[..line.len() - "::".len() - rest.len()]);
                safe.push_str(colons);
                safe.push_str(rest);
            }
            None => safe.push_str(line),
        }
    }
    safe.replace("##[", signs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_disabled_and_other_text_stays() {
        let text = "error: a::b\n  ::error::x\n\n3 | ##[add-mask]x\n";
        let safe = "error: a::b\n  : :error::x\n\n3 | ## [add-mask]x\n";
        assert_eq!(without_commands(text), safe);
        let safe = "error: a::b\n  &#58;:error::x\n\n3 | #&#35;[add-mask]x\n";
        assert_eq!(markup_without_commands(text), safe);
    }
}
