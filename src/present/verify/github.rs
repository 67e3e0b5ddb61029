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
        text.push_str(&command("error", [], name, &could_not_be_checked(error)));
    }
    for server in &report.servers {
        for case in server.broken() {
            let mut message = sentences(case);
            message.push(format!("repeat: {}", case.repeat));
            let at = [("file", locate(&case.file)), ("line", Some(case.line.to_string()))];
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
    let at = [
        ("file", locate(&warning.file)),
        ("line", Some(warning.line.to_string())),
        ("col", Some(warning.column.to_string())),
    ];
    let help =
        if warning.help.is_empty() { String::new() } else { format!("\nhelp: {}", warning.help) };
    command(level, at, "redislings", &format!("{}{help}", warning.message))
}

/// Omits line and column without a file: GitHub would attribute them to some file.
fn command<const N: usize>(
    level: &str,
    at: [(&str, Option<String>); N],
    title: &str,
    message: &str,
) -> String {
    let has_file = at.iter().any(|(name, value)| *name == "file" && value.is_some());
    let at = at.into_iter().filter(|_| has_file);
    let properties = at.filter_map(|(name, value)| Some((name, value?)));
    let properties = properties.chain([("title", title.to_owned())]);
    let properties: Vec<String> =
        properties.map(|(name, value)| format!("{name}={}", property(&value))).collect();
    format!("::{level} {}::{}\n", properties.join(","), data(message))
}

fn data(text: &str) -> String {
    let text = text.replace('%', "%25");
    text.replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
