//! Verdicts, problems and lists for people. With [`super::markdown`] and [`super::evidence`] the only user of `colored`.

use std::fmt::Write as _;

use colored::Colorize as _;

use super::evidence;
use super::plain;
use super::text::{clean, display_width, truncate, wrap};
use crate::attempt::evidence::{Run, Typed};
use crate::error::WorldError;
use crate::verdict::{Finding, Outcome, Verdict};

/// An answer's output shown on the screen: at most so many lines of it.
const OUTPUT_LINES: usize = 20;

/// A verdict below what the answer printed ([`run`], or nothing where that was seen already) and above what
/// it rests on ([`evidence::blocks`]), prose within `width` columns.
pub fn verdict(
    exercise: &str,
    server: &str,
    printed: &str,
    verdict: &Verdict,
    blocks: &str,
    width: usize,
) -> String {
    let fits = display_width(exercise) + 2 + display_width(server) <= width;
    let gap = if fits { "  " } else { "\n" };
    let mut text = format!("{}{gap}{}\n\n", exercise.bold(), server.dimmed());
    text.push_str(printed);
    for finding in &verdict.findings {
        text.push_str(&self::finding(finding, width));
    }
    text.push_str(&evidence::cause(verdict, width));
    text.push_str(blocks);
    let met = verdict.findings.iter().filter(|finding| finding.outcome == Outcome::Met).count();
    let all = verdict.findings.len();
    let last = if verdict.passed() {
        format!("passed: all {all} checks met").green().bold()
    } else {
        format!("not passed: {met} of {all} checks met").red().bold()
    };
    let _ = writeln!(text, "\n{last}");
    text
}

/// What an answer or an example printed: commands with their replies, or a program's output.
pub fn run(run: &Run) -> String {
    match run {
        Run::Typed(typed) => self::typed(typed),
        Run::Program(program) => {
            output("the program printed", &program.stdout.text)
                + &output("its errors", &program.stderr.text)
        }
    }
}

/// Commands and replies as in a redis-cli session.
pub fn typed(typed: &Typed) -> String {
    let mut text = String::new();
    for exchange in &typed.exchanges {
        text.push_str("  ");
        text.push_str(&typed_line("redis>", &exchange.line));
        text.push_str(&reply(&exchange.reply));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// A line as it stands behind a prompt.
pub fn typed_line(prompt: &str, line: &str) -> String {
    format!("{} {}\n", prompt.dimmed(), clean(line).cyan())
}

/// A reply as redis-cli prints it.
pub fn reply(reply: &str) -> String {
    reply.lines().fold(String::new(), |text, line| text + "  " + &clean(line) + "\n")
}

fn output(title: &str, printed: &str) -> String {
    let lines: Vec<&str> = printed.lines().collect();
    if lines.is_empty() {
        return String::new();
    }
    let mut text = format!("  {}\n", format!("{title}:").dimmed());
    let left_out = lines.len().saturating_sub(OUTPUT_LINES);
    if left_out > 0 {
        let _ = writeln!(text, "    {}", format!("… {left_out} lines before").dimmed());
    }
    for line in &lines[left_out..] {
        let _ = writeln!(text, "    {}", clean(line));
    }
    text.push('\n');
    text
}

fn finding(finding: &Finding, width: usize) -> String {
    let says = within(&finding.says, width, 4);
    let mut text = match finding.outcome {
        Outcome::Met => format!("  {} {says}\n", "✓".green()),
        Outcome::Unmet => format!("  {} {}\n", "✗".red().bold(), says.bold()),
        Outcome::NotReached => {
            let says = within(&format!("{} (not reached)", finding.says), width, 4);
            format!("  {} {}\n", "-".dimmed(), says.dimmed())
        }
    };
    if finding.outcome == Outcome::Unmet {
        let _ = writeln!(text, "      expected  {}", within(&clean(&finding.expected), width, 16));
        let _ = writeln!(text, "      found     {}", within(&clean(&finding.found), width, 16));
        if let Some(otherwise) = &finding.otherwise {
            let _ = writeln!(text, "      {} {}", "→".yellow(), within(otherwise, width, 8));
        }
    }
    text
}

/// Text that begins in column `indent`, its further lines below its beginning.
fn within(text: &str, width: usize, indent: usize) -> String {
    wrap(text, width.saturating_sub(indent), &" ".repeat(indent))
}

/// `error: fact`, then `help: next step`.
pub fn world_error(error: &WorldError) -> String {
    let mut text = format!("{}: {}\n", "error".red().bold(), printable_lines(&error.fact));
    for (index, line) in error.help.lines().enumerate() {
        let start = if index == 0 { "help:".cyan().bold() } else { "     ".normal() };
        let _ = writeln!(text, "{start} {}", clean(line));
    }
    text
}

/// The one line that says which server and why, and lines about what takes its time.
pub fn notice(line: &str, width: usize) -> String {
    format!("{} {}\n", "·".dimmed(), wrap(line, width.saturating_sub(2), "  "))
}

/// Where somebody is, from the nearest to the widest: one line without its end.
pub fn place(parts: &[&str]) -> String {
    let separator = if plain::is_on() { ", " } else { " · " };
    clean(&parts.join(separator)).dimmed().to_string()
}

/// A title, and under it a line for each entry.
pub fn heading(text: &str) -> String {
    format!("{}\n", text.bold())
}

/// An exercise in a list.
pub fn exercise_line(id: &str, title: &str, mark: ExerciseMark, width: usize) -> String {
    let (sign, more) = match mark {
        ExerciseMark::Passed => ("✓".green(), String::new()),
        ExerciseMark::Open => ("○".dimmed(), String::new()),
        ExerciseMark::Next => ("○".normal(), format!("  {}", "◄ next".yellow())),
    };
    format!("  {sign} {id:<width$}  {}{more}\n", title.dimmed())
}

/// How far the student is with an exercise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExerciseMark {
    /// Passed.
    Passed,
    /// Not passed.
    Open,
    /// Not passed, and where the student goes on.
    Next,
}

/// A lesson or an exercise that can be chosen.
#[derive(Debug, Clone, Copy)]
pub struct ListEntry<'t> {
    /// From 1 on.
    pub number: usize,
    /// Of the lesson, or of the exercise's step.
    pub title: &'t str,
    /// Of the exercise; `None`: a lesson.
    pub id: Option<&'t str>,
    /// Whether the exercise was passed.
    pub passed: bool,
    /// Whether Enter chooses it.
    pub is_chosen: bool,
    /// Whether the student is there.
    pub is_here: bool,
}

/// One line of a list from which one is chosen.
pub fn list_line(entry: &ListEntry<'_>, width: usize) -> String {
    let title = clean(entry.title);
    let here = if entry.is_here { "  (you are here)" } else { "" };
    if plain::is_on() {
        let state = match (entry.id, entry.passed) {
            (None, _) => "lesson",
            (Some(_), true) => "done",
            (Some(_), false) => "open",
        };
        return format!("{}: {state}: {title}{here}\n", entry.number);
    }
    let cursor = if entry.is_chosen { "> ".cyan().bold().to_string() } else { "  ".to_owned() };
    let line = match entry.id {
        None => format!("{cursor}{}", title.bold()),
        Some(id) => {
            let mark = if entry.passed { "✓".green() } else { "○".dimmed() };
            format!("{cursor}  {mark} {title}  {}{here}", id.dimmed())
        }
    };
    format!("{}\n", truncate(&line, width))
}

/// One examined thing of `doctor`.
pub fn examined(name: &str, state: State, found: &str, advice: Option<&str>) -> String {
    let mark = match state {
        State::Good => "✓".green(),
        State::Missing => "○".yellow(),
        State::Bad => "✗".red().bold(),
    };
    let mut text = format!("{mark} {:<16} {}\n", name.bold(), printable_lines(found));
    if let Some(advice) = advice {
        let _ = writeln!(text, "  {} {advice}", "help:".cyan().bold());
    }
    text
}

/// How an examined thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// There.
    Good,
    /// Not there, and not needed as long as something else is.
    Missing,
    /// Not there, and needed.
    Bad,
}

/// A good or a bad end of something, in one line.
pub fn result_line(good: bool, text: &str) -> String {
    let text = if good { text.green().bold() } else { text.red().bold() };
    format!("{text}\n")
}

/// Text that is to be overlooked at first.
pub fn faint(text: &str) -> String {
    text.dimmed().to_string()
}

/// Emphasised text inside a line.
pub fn strong(text: &str) -> String {
    text.bold().to_string()
}

/// What a program or a server printed must not move the cursor: line ends stay, all else is cleaned.
fn printable_lines(text: &str) -> String {
    text.lines().map(|line| clean(line).into_owned()).collect::<Vec<_>>().join("\n")
}

/// A line of `verify`'s summary.
pub fn group_line(name: &str, good: usize, all: usize) -> String {
    let mark = if good == all { "✓".green() } else { "✗".red().bold() };
    format!("{mark} {name}: {good} of {all}\n")
}
