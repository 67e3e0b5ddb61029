//! The evidence of a verdict, for people: what Redis saw, what has changed, who had to wait, and
//! the cause.

mod columns;
mod event_text;
mod transcript;
mod waits;
mod words;

#[cfg(test)]
pub(crate) mod tests;

pub use event_text::{command_line, reply_line};
pub(super) use event_text::{shown_at, time};
pub use transcript::{Form, is_shown_by};
pub(super) use transcript::{GistLine, TranscriptLine, commands_of, gist};
pub(super) use waits::numbers;

use colored::Colorize as _;

use super::markdown::inline_code;
use super::plain;
use super::text::{display_width, reveal, wrap};
use crate::attempt::evidence::{Evidence, FileContents, LoadFailure};
use crate::server::DUMP_FILE;
use crate::topics::TOPICS;
use crate::verdict::changes::changes;
use crate::verdict::{Pointer, Verdict};

/// Marks the evidence for the cause, because colour alone is not enough.
pub(super) const MARK: &str = "◄ see the cause";

/// The number of keys shown if not all are known.
const SOME_KEYS: usize = 6;

/// The indentation of a value below its field.
const BELOW: usize = 6;

/// The maximum width without a screen.
const WIDEST: usize = 100;

/// The cause, if it is known; prose within `width` columns.
pub fn cause(verdict: &Verdict, width: usize) -> String {
    let Some(diagnosis) = &verdict.diagnosis else { return String::new() };
    if plain::is_on() {
        return format!(
            "\n{}\n",
            wrap(&format!("cause: {}", plain::worded(&reveal(&diagnosis.cause))), width, "  ")
        );
    }
    let text = inline_code(&wrap(&reveal(&diagnosis.cause), width.saturating_sub(9), "         "));
    format!("\n  {} {text}\n", "cause:".yellow().bold())
}

/// The transcript, the table of changes, the keys of the snapshot file, and the waits unless a
/// picture has shown them; without empty blocks.
pub fn blocks(
    evidence: &Evidence,
    verdict: &Verdict,
    form: Form,
    has_picture: bool,
    width: usize,
) -> String {
    let pointers = pointers(verdict);
    let width = if plain::is_on() { width } else { width.min(WIDEST) };
    let transcript = if plain::is_on() {
        words::transcript(&evidence.timeline, pointers, form, width)
    } else {
        transcript::block(&evidence.timeline, pointers, form, width)
    };
    let mut text = String::new();
    let waits = if has_picture { String::new() } else { waits(evidence, pointers, width) };
    let table = table(evidence, pointers, width);
    for block in [transcript, table, restored(evidence, width), waits] {
        if !block.is_empty() {
            text.push('\n');
            text.push_str(&block);
        }
    }
    text
}

/// The keys that a second server found in the snapshot file; `None` if it was not loaded.
pub(super) fn held_by_the_dump(evidence: &Evidence) -> Option<String> {
    Some(match evidence.restored()? {
        Err(LoadFailure::NoFile) => format!("no `{DUMP_FILE}` in the server's directory"),
        Err(_) => "a server can't load it".to_owned(),
        Ok(loaded) => held(loaded.file.as_ref()?),
    })
}

fn held(FileContents { keys, values, count, .. }: &FileContents) -> String {
    match count {
        0 => "no key in database 0".to_owned(),
        count => {
            let all = usize::try_from(*count).unwrap_or(keys.len()).max(keys.len());
            let named = if all > keys.len() { keys.len().min(SOME_KEYS) } else { keys.len() };
            let more = match all - named {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let named: Vec<String> = keys[..named]
                .iter()
                .map(|key| match values.get(key) {
                    Some(value) => format!("{key} = {value}"),
                    None => key.clone(),
                })
                .collect();
            format!("{}{more}", named.join(", "))
        }
    }
}

fn restored(evidence: &Evidence, width: usize) -> String {
    let Some(held) = held_by_the_dump(evidence) else { return String::new() };
    if plain::is_on() {
        let line = format!("what the snapshot file alone holds: {}", reveal(&held));
        return wrap(&line, width, "  ") + "\n";
    }
    let held = wrap(&reveal(&held), width.saturating_sub(4), "    ");
    format!("  {}\n    {held}\n", "what the snapshot file alone holds".dimmed())
}

pub(super) fn pointers(verdict: &Verdict) -> &[Pointer] {
    verdict.diagnosis.as_ref().map_or(&[], |diagnosis| &diagnosis.evidence)
}

fn waits(evidence: &Evidence, pointers: &[Pointer], width: usize) -> String {
    let Some(waits) = evidence.waits.as_ref().filter(|waits| waits.pings > 0) else {
        return String::new();
    };
    let is_marked = pointers.contains(&Pointer::LongestWait);
    if plain::is_on() {
        return words::waits(waits, is_marked, width);
    }
    waits::block(waits, is_marked, width)
}

/// A row of the table of changes. `marked`: whether it is evidence for the cause.
pub(super) struct Row {
    pub(super) field: String,
    pub(super) before: String,
    pub(super) after: String,
    pub(super) marked: bool,
}

/// The table of changes, as values.
pub(super) fn rows(evidence: &Evidence, pointers: &[Pointer]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for change in changes(evidence) {
        rows.push(Row {
            marked: is_pointed_at(&change.field, pointers),
            field: change.field.into_owned(),
            before: change.before,
            after: change.after,
        });
    }
    rows.extend(log_row(evidence, pointers));
    rows
}

fn is_pointed_at(field: &str, pointers: &[Pointer]) -> bool {
    pointers.iter().any(|pointer| matches!(pointer, Pointer::Row(row) if *row == field))
}

fn table(evidence: &Evidence, pointers: &[Pointer], width: usize) -> String {
    let rows = rows(evidence, pointers);
    if rows.is_empty() {
        return String::new();
    }
    if plain::is_on() {
        return words::table(&rows, width);
    }
    let column = rows.iter().map(|row| display_width(&row.field)).max().unwrap_or(0);
    let mut text = format!("  {}\n", "what has changed".dimmed());
    for row in &rows {
        text.push_str(&table_line(row, column, width));
    }
    text
}

/// A value that does not fit after its field goes below it.
fn table_line(row: &Row, column: usize, width: usize) -> String {
    let arrow = if row.before.is_empty() { "" } else { " → " };
    let value = format!("{}{arrow}{}", reveal(&row.before), reveal(&row.after));
    let mark = if row.marked { display_width(MARK) + 2 } else { 0 };
    let indent = 4 + column + 2;
    let fits = indent + display_width(&value) + mark <= width;
    let (gap, indent) = if fits {
        (" ".repeat(column + 2 - display_width(&row.field)), indent)
    } else {
        (format!("\n{}", " ".repeat(BELOW)), BELOW)
    };
    let value = wrap(&value, width.saturating_sub(indent), &" ".repeat(indent));
    let last = value.lines().last().unwrap_or_default().trim_start();
    let mark = if row.marked { mark_behind(last, indent, width) } else { String::new() };
    format!("    {}{gap}{value}{mark}\n", row.field)
}

/// The end of work in the background in the log, if it is evidence for the cause.
fn log_row(evidence: &Evidence, pointers: &[Pointer]) -> Option<Row> {
    let now = evidence.last()?;
    let mut ends = TOPICS.iter().filter_map(|topic| (topic.log_row)(now));
    let after = ends.next().filter(|_| pointers.contains(&Pointer::Log))?;
    let field = "the server's log".to_owned();
    Some(Row { field, before: String::new(), after: after.to_owned(), marked: true })
}

/// The mark after text that begins in column `indent`, or below the text if it does not fit.
fn mark_behind(text: &str, indent: usize, width: usize) -> String {
    let fits = indent.saturating_add(display_width(text) + 2 + display_width(MARK)) <= width;
    let gap = if fits { "  ".to_owned() } else { format!("\n{}", " ".repeat(indent)) };
    let gap = if text.is_empty() { String::new() } else { gap };
    format!("{gap}{}", MARK.yellow())
}
