//! GitHub annotations: workflow commands, which GitHub reads anywhere in a log. It shows the first
//! ten errors and the first ten warnings of a step, and of each message 4 KB
//! (<https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions>,
//! <https://docs.github.com/en/rest/checks/runs>).

use super::{could_not_be_checked, is_error, sentences, title, unchecked_at_large, warning};
use crate::lesson::Problem;
use crate::verify::report::{Report, Warning};

/// Maps a lesson's path to its path in the repository; `None` if it is not in the repository.
pub type LocateFile<'p> = &'p dyn Fn(&str) -> Option<String>;

/// Of each level.
const SHOWN: usize = 10;
/// A message's length in bytes, escaped.
const LONGEST: usize = 4096;
const CUT: &str = "%0A…";

/// One annotation for each broken case, for each server or part that could not be checked, and for
/// each warning. Of more than GitHub shows, the last one says how many are left out.
pub fn annotations(report: &Report, locate: LocateFile<'_>) -> String {
    let mut errors = Vec::new();
    // Errors about many cases come first, to be among those that GitHub shows.
    for (name, error) in unchecked_at_large(report) {
        errors.push(command("error", None, name, &could_not_be_checked(error), ""));
    }
    for server in &report.servers {
        for case in server.broken() {
            let repeat = format!("repeat: {}", case.repeat);
            let at = locate(&case.file).map(|file| (file, format!("line={}", case.line)));
            let message = sentences(case).join("\n");
            errors.push(command("error", at, &title(case, server), &message, &repeat));
        }
    }
    let warnings = report.warnings.iter().map(|warning| annotation("warning", warning, locate));
    let notice = report.nothing.iter().map(|why| command("notice", None, "redislings", why, ""));
    let all = [shown("error", errors), shown("warning", warnings.collect()), notice.collect()];
    all.concat()
}

/// One annotation for each problem of a lesson.
pub fn problems(problems: &[Problem], locate: LocateFile<'_>) -> String {
    let (errors, warnings): (Vec<&Problem>, _) =
        problems.iter().partition(|problem| is_error(problem));
    let mut text = String::new();
    for (level, problems) in [("error", errors), ("warning", warnings)] {
        let all = problems.into_iter().map(|one| annotation(level, &warning(one), locate));
        text.push_str(&shown(level, all.collect()));
    }
    text
}

/// The annotations of a level, the last of them about those that are left out.
fn shown(level: &str, mut all: Vec<String>) -> String {
    if all.len() > SHOWN {
        let left_out = all.split_off(SHOWN - 1).len();
        let message = format!(
            "{left_out} more of {}: GitHub shows {SHOWN} annotations of a kind for each step; the \
             log and the job's summary have all",
            left_out + all.len()
        );
        all.push(command(level, None, "redislings", &message, ""));
    }
    all.concat()
}

fn annotation(level: &str, warning: &Warning, locate: LocateFile<'_>) -> String {
    let Warning { file, line, column, message, help } = warning;
    let at = locate(file).map(|file| (file, format!("line={line},col={column}")));
    let help = if help.is_empty() { String::new() } else { format!("help: {help}") };
    command(level, at, "redislings", message, &help)
}

/// `at`: the file and the place in it. Without a file, GitHub would attribute a line to some file.
/// Where the message is too long, `last` is kept.
fn command(
    level: &str,
    at: Option<(String, String)>,
    title: &str,
    message: &str,
    last: &str,
) -> String {
    let at = at.map(|(file, place)| format!("file={},{place},", property(&file)));
    let last = cut(&data(last), LONGEST / 2);
    let last = if last.is_empty() { last } else { format!("%0A{last}") };
    let message = cut(&data(message), LONGEST.saturating_sub(last.len()));
    format!("::{level} {}title={}::{message}{last}\n", at.unwrap_or_default(), property(title))
}

/// Escaped text of at most so many bytes.
fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let room = limit.saturating_sub(CUT.len());
    let room = (0..=room).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    // An escape has three characters.
    let end = match text[..room].rfind('%') {
        Some(at) if at + 3 > room => at,
        _ => room,
    };
    format!("{}{CUT}", &text[..end])
}

fn data(text: &str) -> String {
    let text = text.replace('%', "%25");
    text.replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_and_its_last_line_kept() {
        let text = command("error", None, "t", &"é%\n".repeat(3000), "repeat: redislings verify a");
        let (_, message) = text.trim_end().split_once("::error title=t::").unwrap();
        assert!(message.len() <= LONGEST, "{}", message.len());
        let (cut, last) = message.split_once(CUT).unwrap();
        assert_eq!(last, "%0Arepeat: redislings verify a");
        assert!(cut.chars().all(|c| "é%250A".contains(c)), "{cut}");
    }

    #[test]
    fn an_escape_is_not_split() {
        for limit in 8..30 {
            let text = cut(&"%25".repeat(20), limit);
            assert!(text.len() <= limit, "{text}");
            assert_eq!(text.strip_suffix(CUT).unwrap().len() % 3, 0, "{text}");
        }
    }

    #[test]
    fn of_more_than_ten_the_last_says_how_many_are_left_out() {
        let all = |count: usize| shown("error", vec!["::error title=t::m\n".to_owned(); count]);
        assert_eq!(all(10).matches("title=t").count(), 10);
        let many = all(25);
        assert_eq!((many.lines().count(), many.matches("title=t").count()), (10, 9));
        assert!(many.ends_with("have all\n") && many.contains("::16 more of 25: "), "{many}");
    }
}
