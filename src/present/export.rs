//! The journal as markdown, to keep or hand in.

mod markup;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use time::OffsetDateTime;

use super::evidence;
use super::journal::{Attempt, JournalChange, JournalCheck, JournalCommand, JournalEntry};
use super::text::{display_width, number};
use crate::verdict::Outcome;
use markup::{cell, fence, inline};

/// The maximum width of the command column.
const WIDEST_COMMAND: usize = 44;

/// A section for each session with a subsection for each exercise or step, in the order in which
/// the student began them.
pub fn markdown(entries: &[JournalEntry]) -> String {
    let sessions = grouped(entries.iter(), |entry| &entry.session);
    let parts: Vec<String> = sessions.iter().map(|entries| session(entries)).collect();
    parts.join("\n")
}

/// Groups entries by key, in the order of each group's first entry.
fn grouped<'e>(
    entries: impl Iterator<Item = &'e JournalEntry>,
    key: fn(&JournalEntry) -> &str,
) -> Vec<Vec<&'e JournalEntry>> {
    let mut groups: Vec<Vec<&JournalEntry>> = Vec::new();
    for entry in entries {
        match groups.iter_mut().find(|group| key(group[0]) == key(entry)) {
            Some(group) => group.push(entry),
            None => groups.push(vec![entry]),
        }
    }
    groups
}

/// The exercise, or the step of an exploration.
fn place(entry: &JournalEntry) -> &str {
    entry.attempt.as_ref().map_or(&entry.title, |attempt| &attempt.exercise)
}

fn session(entries: &[&JournalEntry]) -> String {
    let begun = entries.first().map_or(0, |entry| entry.at);
    let mut text = format!("# redislings: session of {} UTC\n", &utc(begun)[..16]);
    let _ = writeln!(text, "\n{}", summary(entries));
    for group in grouped(entries.iter().copied(), place) {
        let _ = writeln!(text, "\n## {}", inline(&group[0].title));
        if let Some(attempt) = &group[0].attempt {
            let _ = writeln!(text, "\nExercise {}.", inline(&format!("`{}`", attempt.exercise)));
        }
        for (index, entry) in group.iter().enumerate() {
            text.push_str(&self::entry(entry, index + 1));
        }
    }
    text
}

fn summary(entries: &[&JournalEntry]) -> String {
    let mut attempts: Vec<&Attempt> =
        entries.iter().filter_map(|entry| entry.attempt.as_ref()).collect();
    if attempts.is_empty() {
        return "No attempts.".to_owned();
    }
    let all = number(attempts.len(), "attempt");
    let exercises = number(count_exercises(&attempts), "exercise");
    attempts.retain(|attempt| attempt.passed());
    format!("{all} at {exercises}, {} passed.", count_exercises(&attempts))
}

fn count_exercises(attempts: &[&Attempt]) -> usize {
    attempts.iter().map(|attempt| &attempt.exercise).collect::<BTreeSet<_>>().len()
}

fn entry(entry: &JournalEntry, number: usize) -> String {
    let title = match &entry.attempt {
        None => "At the prompt".to_owned(),
        Some(attempt) if attempt.passed() => format!("Attempt {number}: passed"),
        Some(_) => format!("Attempt {number}: not passed"),
    };
    let mut text = format!("\n### {title}\n\n{} UTC, {}\n", utc(entry.at), inline(&entry.server));
    if let Some(attempt) = &entry.attempt {
        text.push_str(&answer(attempt));
        text.push_str(&checks(attempt));
        text.push_str(&picture(attempt));
    }
    text.push_str(&commands(entry));
    if let Some(attempt) = &entry.attempt {
        text.push_str(&changes(&attempt.changes));
        text.push_str(&sentence("What the snapshot file alone holds", attempt.dump.as_deref()));
        text.push_str(&sentence("Who had to wait", attempt.waits.as_deref()));
    }
    text
}

fn answer(attempt: &Attempt) -> String {
    let mut text = String::new();
    if let Some(answer) = &attempt.answer {
        let word = answer.language.word();
        let _ = write!(text, "\nThe answer:\n\n{}", fence(word, &answer.text));
    }
    for (title, printed) in
        [("The program printed", &attempt.stdout), ("Its errors", &attempt.stderr)]
    {
        if !printed.is_empty() {
            let _ = write!(text, "\n{title}:\n\n{}", fence("text", printed));
        }
    }
    text
}

fn checks(attempt: &Attempt) -> String {
    let met = attempt.checks.iter().filter(|check| check.outcome == Outcome::Met).count();
    let mut text = format!("\n{met} of {} met:\n\n", number(attempt.checks.len(), "check"));
    for check in &attempt.checks {
        text.push_str(&self::check(check));
    }
    text + &sentence("Cause", attempt.cause.as_deref())
}

fn check(check: &JournalCheck) -> String {
    let says = inline(&check.says);
    match check.outcome {
        Outcome::Met => format!("- ✓ met: {says}\n"),
        Outcome::NotReached => format!("- – not judged: {says}\n"),
        Outcome::Unmet => {
            let (expected, found) = (in_lines(&check.expected), in_lines(&check.found));
            let advice = check.otherwise.as_deref().map(inline);
            let advice = advice.map(|advice| format!("  - advice: {advice}\n")).unwrap_or_default();
            format!("- ✗ unmet: {says}\n  - expected: {expected}\n  - found: {found}\n{advice}")
        }
    }
}

/// One line of prose; the lines of a longer text in a block below the item.
fn in_lines(text: &str) -> String {
    let Some((first, _)) = text.split_once('\n').filter(|_| text.contains('\n')) else {
        return inline(text);
    };
    let rest = &text[first.len() + 1..];
    let block = fence("text", rest)
        .lines()
        .fold(String::new(), |block, line| format!("{block}\n    {line}"));
    format!("{}{block}", inline(first))
}

fn sentence(title: &str, text: Option<&str>) -> String {
    text.map(|text| format!("\n{title}: {}\n", inline(text))).unwrap_or_default()
}

fn picture(attempt: &Attempt) -> String {
    let picture = attempt.picture.as_deref();
    picture
        .map(|lanes| format!("\nIn order of time:\n\n{}", fence("text", lanes)))
        .unwrap_or_default()
}

fn commands(entry: &JournalEntry) -> String {
    if entry.commands.is_empty() {
        return "\nRedis saw no command.\n".to_owned();
    }
    let times = entry.commands.iter().map(|command| display_width(&time(command)));
    let commands = entry.commands.iter().map(|command| display_width(&command.command));
    let time_width = times.max().unwrap_or(0);
    let command_width = commands.max().unwrap_or(0).min(WIDEST_COMMAND);
    let connections = entry.commands.iter().map(|command| command.connection);
    let has_several = connections.filter(|number| *number != 0).collect::<BTreeSet<_>>().len() > 1;
    let mut lines = String::new();
    for command in &entry.commands {
        if command.skipped > 0 {
            let _ = writeln!(lines, "… {} more", command.skipped);
        }
        let connection = match command.connection {
            _ if !has_several => String::new(),
            0 => "    ".to_owned(),
            number => format!("{:<4}", format!("#{number}")),
        };
        let time = time(command);
        let gap = " ".repeat(command_width.saturating_sub(display_width(&command.command)));
        let reply = format!("{}{}", command.reply, mark(command.marked));
        let line = format!("{time:>time_width$}  {connection}{}{gap}  {reply}", command.command);
        let _ = writeln!(lines, "{}", line.trim_end());
    }
    if entry.left_out > 0 {
        let _ = writeln!(lines, "… {} more in the middle were not kept", entry.left_out);
    }
    format!("\nWhat Redis saw:\n\n{}", fence("text", &lines))
}

fn mark(is_marked: bool) -> String {
    if is_marked { format!("  {}", evidence::MARK) } else { String::new() }
}

fn time(command: &JournalCommand) -> String {
    evidence::time(Duration::from_micros(command.at_us))
}

fn changes(changes: &[JournalChange]) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let mut text = "\nWhat has changed:\n\n| | before | after |\n|---|---|---|\n".to_owned();
    for change in changes {
        let JournalChange { field, before, after, .. } = change;
        let (field, before, after) = (cell(field), cell(before), cell(after));
        let _ = writeln!(text, "| {field} | {before} | {after}{} |", mark(change.marked));
    }
    text
}

/// `2026-11-25 09:31:05`; the start of 1970 if the time is out of range.
fn utc(seconds: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (hour, minute, second) = time.to_hms();
    format!("{} {hour:02}:{minute:02}:{second:02}", time.date())
}
