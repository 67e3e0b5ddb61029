//! Output, problems and lists for people. Uses `colored`, as do [`super::markdown`] and
//! [`super::evidence`].

use std::fmt::Write as _;

use colored::Colorize as _;

pub use super::lists::{
    EntryKind, ExerciseMark, ListEntry, answer_line, exercise_line, group_line, heading, list_line,
};

use super::text::{clean, number, reveal, wrap};
use super::{error_width, output_width, plain};
use crate::attempt::evidence::{Run, Typed};
use crate::error::EnvironmentError;
use crate::lesson::Problem;
use crate::lesson::problem::Severity;

/// The maximum number of lines of an answer's output.
const OUTPUT_LINES: usize = 20;

/// The output of an answer or an example: commands with their replies, or a program's output.
pub fn run(run: &Run) -> String {
    match run {
        Run::Typed(typed) => self::typed(typed),
        Run::Program(program) => {
            output("the program printed", &program.stdout.text)
                + &output("its errors", &program.stderr.text)
        }
    }
}

/// Commands and replies as redis-cli prints them.
fn typed(typed: &Typed) -> String {
    let mut text = String::new();
    for exchange in &typed.exchanges {
        let _ = write!(text, "  {}", typed_line("redis>", &exchange.line));
        for line in exchange.reply.lines() {
            let _ = writeln!(text, "  {}", reveal(line));
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// A line after its prompt.
pub fn typed_line(prompt: &str, line: &str) -> String {
    format!("{} {}\n", prompt.dimmed(), reveal(line).cyan())
}

fn output(title: &str, printed: &str) -> String {
    let lines: Vec<&str> = printed.lines().collect();
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("  {}\n", format!("{title}:").dimmed());
    let left_out = lines.len().saturating_sub(OUTPUT_LINES);
    if left_out > 0 {
        let dots = plain::sign_or("… ", "");
        let _ = writeln!(
            text,
            "    {}",
            format!("{dots}{}", number(left_out, "earlier line")).dimmed()
        );
    }
    for line in &lines[left_out..] {
        let _ = writeln!(text, "    {}", clean(line));
    }
    text.push('\n');
    text
}

/// Text that begins in column `indent`; its other lines are indented as far.
pub(super) fn within(text: &str, width: usize, indent: usize) -> String {
    wrap(text, width.saturating_sub(indent), &" ".repeat(indent))
}

/// `error: fact`, then `help: next step`, for standard error.
pub fn environment_error(error: &EnvironmentError) -> String {
    let width = error_width();
    let (first, rest) = error.fact.split_once('\n').unwrap_or((&error.fact, ""));
    let mut text = format!("{}: {}\n", "error".red().bold(), within(first, width, 7));
    for line in rest.lines() {
        let _ = writeln!(text, "{}", within(line, width, 4));
    }
    for (index, line) in error.help.lines().enumerate() {
        if index == 0 {
            let _ = writeln!(text, "{} {}", "help:".cyan().bold(), within(line, width, 6));
        } else {
            // A command or a list, unwrapped so that it can be copied.
            let _ = writeln!(text, "      {line}");
        }
    }
    text
}

/// A problem of a lesson in plain output.
pub fn problem(problem: &Problem) -> String {
    let word = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let help = problem.help.as_ref().map(|help| format!("  help: {help}\n")).unwrap_or_default();
    // The message about a cycle of checks has arrows.
    let message = problem.message.replace(" → ", ", which needs ");
    format!("{word}: {}: {message}\n{help}", problem.place())
}

/// A notice, such as the line that names the server and the reason for it.
pub fn notice(line: &str, width: usize) -> String {
    if plain::is_on() {
        return wrap(&clean(line), width, "  ") + "\n";
    }
    format!("{} {}\n", "·".dimmed(), wrap(&clean(line), width.saturating_sub(2), "  "))
}

/// The student's position, from the nearest part to the widest, without a line break.
pub fn where_one_is(parts: &[&str]) -> String {
    let separator = if plain::is_on() { ", " } else { " · " };
    parts.join(separator).dimmed().to_string()
}

/// One finding of `doctor`.
pub fn examined(name: &str, state: FindingState, found: &str, advice: Option<&str>) -> String {
    let (word, mark) = match state {
        FindingState::Good => ("good", "✓".green()),
        FindingState::Missing => ("missing", "○".yellow()),
        FindingState::Bad => ("bad", "✗".red().bold()),
    };
    if plain::is_on() {
        let advice = advice.map(|advice| format!("  help: {advice}\n")).unwrap_or_default();
        return format!("{word}: {name}: {}\n{advice}", printable_lines(found));
    }
    let width = output_width();
    // On a narrow screen, the text goes below the name.
    let (gap, indent) = if width < 60 { ("\n  ", 2) } else { (" ", 19) };
    let found = within(&printable_lines(found), width, indent);
    let mut text = format!("{mark} {:<16}{gap}{found}\n", name.bold());
    if let Some(advice) = advice {
        let _ = writeln!(text, "  {} {}", "help:".cyan().bold(), within(advice, width, 8));
    }
    text
}

/// The result of one examination of `doctor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingState {
    /// Available.
    Good,
    /// Not available, but there is an alternative.
    Missing,
    /// Not available, but needed.
    Bad,
}

/// A line that reports success or failure.
pub fn result_line(good: bool, text: &str) -> String {
    result(good, text) + "\n"
}

fn result(good: bool, text: &str) -> String {
    if good { text.green() } else { text.red() }.bold().to_string()
}

/// The mark after the title of a passed exercise.
pub fn passed_mark() -> String {
    plain::sign_or("✓ passed", "(passed)").green().to_string()
}

/// Unobtrusive text.
pub fn faint(text: &str) -> String {
    text.dimmed().to_string()
}

/// Cleans the output of a program or a server, so that it cannot move the cursor. Keeps line
/// breaks.
pub fn printable_lines(text: &str) -> String {
    text.lines().map(|line| clean(line).into_owned()).collect::<Vec<_>>().join("\n")
}

/// The location of a case of `verify`.
pub fn place(path: &str, line: usize) -> String {
    format!("  {} {path}:{line}\n", plain::sign_or("-->", "at"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lists_and_notices_have_no_sign() {
        plain::while_on(|| {
            assert_eq!(
                exercise_line("a", "A title", ExerciseMark::Passed, 9),
                "  a: A title, passed\n"
            );
            assert_eq!(
                exercise_line("a", "A title", ExerciseMark::Open, 9),
                "  a: A title, open\n"
            );
            assert_eq!(notice("server: here", 80), "server: here\n");
            assert_eq!(group_line("a", 1, 2, true), "broken: a: 1 of 2\n");
            assert_eq!(group_line("a", 0, 2, false), "not run: a: 0 of 2\n");
            assert_eq!(
                examined("image", FindingState::Missing, "none", Some("pull it")),
                "missing: image: none\n  help: pull it\n"
            );
        });
    }
}
