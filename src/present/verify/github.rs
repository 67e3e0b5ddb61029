//! GitHub annotations: workflow commands, which GitHub reads anywhere in a log. It shows the first
//! ten errors and the first ten warnings of a step
//! (<https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions>).

use super::{could_not_be_checked, is_error, sentences, title, unchecked_at_large, warning};
use crate::lesson::Problem;
use crate::verify::report::{Report, Warning};

/// Maps a lesson's path to its path in the repository; `None` if it is not in the repository.
pub type LocateFile<'p> = &'p dyn Fn(&str) -> Option<String>;

/// One annotation for each broken case, for each server or part that could not be checked, and for
/// each warning.
pub fn annotations(report: &Report, locate: LocateFile<'_>) -> String {
    let mut text = String::new();
    // Errors about many cases come first, to be among the ten that GitHub shows.
    for (name, error) in unchecked_at_large(report) {
        text.push_str(&command("error", None, name, &could_not_be_checked(error)));
    }
    for server in &report.servers {
        for case in server.broken() {
            let mut message = sentences(case);
            message.push(format!("repeat: {}", case.repeat));
            let at = locate(&case.file).map(|file| (file, format!("line={}", case.line)));
            text.push_str(&command("error", at, &title(case, server), &message.join("\n")));
        }
    }
    text.extend(report.warnings.iter().map(|warning| annotation("warning", warning, locate)));
    text
}

/// One annotation for each problem of a lesson.
pub fn problems(problems: &[Problem], locate: LocateFile<'_>) -> String {
    let mut text = String::new();
    for problem in problems {
        let level = if is_error(problem) { "error" } else { "warning" };
        text.push_str(&annotation(level, &warning(problem), locate));
    }
    text
}

fn annotation(level: &str, warning: &Warning, locate: LocateFile<'_>) -> String {
    let Warning { file, line, column, message, help } = warning;
    let at = locate(file).map(|file| (file, format!("line={line},col={column}")));
    let help = if help.is_empty() { String::new() } else { format!("\nhelp: {help}") };
    command(level, at, "redislings", &format!("{message}{help}"))
}

/// `at`: the file and the place in it. Without a file, GitHub would attribute a line to some file.
fn command(level: &str, at: Option<(String, String)>, title: &str, message: &str) -> String {
    let at = at.map(|(file, place)| format!("file={},{place},", property(&file)));
    format!("::{level} {}title={}::{}\n", at.unwrap_or_default(), property(title), data(message))
}

fn data(text: &str) -> String {
    let text = text.replace('%', "%25");
    text.replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
