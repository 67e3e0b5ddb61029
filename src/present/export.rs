//! The journal as markdown, to be kept or handed in.

mod markup;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::time::Duration;

use time::OffsetDateTime;

use super::evidence;
use super::journal::{AnswerLanguage, Attempt, Change, Check, CheckOutcome, Command, Entry};
use super::text::display_width;
use markup::{cell, fence, inline};

/// A command's column gets no wider.
const WIDEST_COMMAND: usize = 44;

/// A part for each session, in it one for each exercise or step, each in the order in which they were begun.
pub fn markdown(entries: &[Entry]) -> String {
    let sessions = grouped(entries.iter(), |entry| &entry.session);
    let parts: Vec<String> = sessions.iter().map(|entries| session(entries)).collect();
    parts.join("\n")
}

/// Those with the same key together, in the order of the first of each.
fn grouped<'e>(
    entries: impl Iterator<Item = &'e Entry>,
    key: fn(&Entry) -> &str,
) -> Vec<Vec<&'e Entry>> {
    let mut groups: Vec<Vec<&Entry>> = Vec::new();
    for entry in entries {
        match groups.iter_mut().find(|group| key(group[0]) == key(entry)) {
            Some(group) => group.push(entry),
            None => groups.push(vec![entry]),
        }
    }
    groups
}

/// What was done at the same exercise, or at the same step.
fn place(entry: &Entry) -> &str {
    entry.attempt.as_ref().map_or(&entry.title, |attempt| &attempt.exercise)
}

fn session(entries: &[&Entry]) -> String {
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

fn summary(entries: &[&Entry]) -> String {
    let attempts: Vec<&Attempt> = entries.iter().filter_map(|it| it.attempt.as_ref()).collect();
    if attempts.is_empty() {
        return "Nothing was judged.".to_owned();
    }
    let count = |is_counted: fn(&Attempt) -> bool| {
        let counted = attempts.iter().filter(|it| is_counted(it));
        let mut ids: Vec<&str> = counted.map(|attempt| attempt.exercise.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.len()
    };
    format!(
        "{} at {}, {} passed.",
        number(attempts.len(), "attempt"),
        number(count(|_| true), "exercise"),
        count(Attempt::passed)
    )
}

fn number(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn entry(entry: &Entry, number: usize) -> String {
    let title = match &entry.attempt {
        None => "At the prompt".to_owned(),
        Some(attempt) if attempt.passed() => format!("Attempt {number}: passed"),
        Some(_) => format!("Attempt {number}: not passed"),
    };
    let mut text = format!("\n### {title}\n\n{} UTC, {}\n", utc(entry.at), inline(&entry.server));
    if let Some(attempt) = &entry.attempt {
        text.push_str(&answer(attempt));
        text.push_str(&checks(attempt));
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
        let word = match answer.language {
            AnswerLanguage::Python => "python",
            AnswerLanguage::Redis => "redis",
        };
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
    let met = attempt.checks.iter().filter(|check| check.outcome == CheckOutcome::Met).count();
    let mut text = format!("\n{met} of {} met:\n\n", number(attempt.checks.len(), "check"));
    for check in &attempt.checks {
        text.push_str(&self::check(check));
    }
    text + &sentence("Cause", attempt.cause.as_deref())
}

fn check(check: &Check) -> String {
    let says = inline(&check.says);
    match check.outcome {
        CheckOutcome::Met => format!("- ✓ met: {says}\n"),
        CheckOutcome::NotReached => format!("- – not reached: {says}\n"),
        CheckOutcome::Unmet => {
            let (expected, found) = (inline(&check.expected), inline(&check.found));
            let advice = check.otherwise.as_deref().map(inline);
            let advice = advice.map(|advice| format!("  - advice: {advice}\n")).unwrap_or_default();
            format!("- ✗ unmet: {says}\n  - expected: {expected}\n  - found: {found}\n{advice}")
        }
    }
}

fn sentence(title: &str, text: Option<&str>) -> String {
    text.map(|text| format!("\n{title}: {}\n", inline(text))).unwrap_or_default()
}

fn commands(entry: &Entry) -> String {
    if entry.commands.is_empty() {
        return "\nRedis saw no command.\n".to_owned();
    }
    let mut lines = String::new();
    let columns = Columns::new(&entry.commands);
    for command in &entry.commands {
        if command.skipped > 0 {
            let _ = writeln!(lines, "… {} more", command.skipped);
        }
        lines.push_str(&columns.line(command));
    }
    if entry.left_out > 0 {
        let _ = writeln!(lines, "… {} more in the middle were not kept", entry.left_out);
    }
    format!("\nWhat Redis saw:\n\n{}", fence("text", &lines))
}

/// Where the columns stand.
struct Columns {
    time: usize,
    command: usize,
    has_connections: bool,
}

impl Columns {
    fn new(commands: &[Command]) -> Self {
        let mut connections = commands.iter().map(|it| it.connection).filter(|&it| it != 0);
        let first = connections.next();
        let widest = |width: fn(&Command) -> usize| commands.iter().map(width).max().unwrap_or(0);
        Self {
            time: widest(|it| display_width(&time(it))),
            command: widest(|it| display_width(&it.command)).min(WIDEST_COMMAND),
            has_connections: connections.any(|connection| Some(connection) != first),
        }
    }

    fn line(&self, command: &Command) -> String {
        let connection = match command.connection {
            _ if !self.has_connections => String::new(),
            0 => "    ".to_owned(),
            number => format!("{:<4}", format!("#{number}")),
        };
        let gap = " ".repeat(self.command.saturating_sub(display_width(&command.command)));
        let mark = if command.marked { format!("  {}", evidence::MARK) } else { String::new() };
        let time = format!("{:>1$}", time(command), self.time);
        let line = format!("{time}  {connection}{}{gap}  {}{mark}", command.command, command.reply);
        line.trim_end().to_owned() + "\n"
    }
}

fn time(command: &Command) -> String {
    evidence::time(Duration::from_micros(command.at_us))
}

fn changes(changes: &[Change]) -> String {
    if changes.is_empty() {
        return String::new();
    }
    let mut text = "\nWhat has changed:\n\n| | before | after |\n|---|---|---|\n".to_owned();
    for change in changes {
        let mark = if change.marked { format!("  {}", evidence::MARK) } else { String::new() };
        let (field, before) = (cell(&change.field), cell(&change.before));
        let _ = writeln!(text, "| {field} | {before} | {}{mark} |", cell(&change.after));
    }
    text
}

/// `2026-11-25 09:31:05`; years that no clock shows are the first of all.
fn utc(seconds: i64) -> String {
    let it = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let month = u8::from(it.month());
    format!(
        "{:04}-{month:02}-{:02} {:02}:{:02}:{:02}",
        it.year(),
        it.day(),
        it.hour(),
        it.minute(),
        it.second()
    )
}
