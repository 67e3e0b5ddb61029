//! The evidence of a verdict in words only, one fact a line, for [`plain`](crate::present::plain).

use super::Row;
use super::event_text;
use super::transcript::{self, Form, TranscriptLine};
use super::waits::{milliseconds, pings};
use crate::attempt::evidence::Waits;
use crate::present::plain;
use crate::present::text::{reveal, wrap};
use crate::relay::{CommandOutcome, Timeline};
use crate::verdict::Pointer;

/// Marks the evidence for the cause.
const MARK: &str = " (see the cause)";
/// The short form cuts longer commands and replies.
const LONGEST: usize = 200;

/// What Redis saw; empty if there is nothing to show.
pub(super) fn transcript(
    transcript: &Timeline,
    pointers: &[Pointer],
    form: Form,
    width: usize,
) -> String {
    let lines = transcript::lines(transcript, pointers, form);
    if lines.is_empty() {
        return String::new();
    }
    let several = transcript::are_of_several_connections(&lines);
    let mut text = "what Redis saw:\n".to_owned();
    let mut skipped: Vec<&TranscriptLine<'_>> = Vec::new();
    for (line, is_kept) in &lines {
        if *is_kept {
            text.push_str(&transcript::more(&mut skipped));
            text.push_str(&listed(&event(line, form, several), width));
        } else {
            skipped.push(line);
        }
    }
    text.push_str(&transcript::more(&mut skipped));
    text.push_str(&transcript::not_kept(transcript));
    text
}

fn event(line: &TranscriptLine<'_>, form: Form, several: bool) -> String {
    let is_long = form == Form::Long;
    let at = event_text::time(event_text::shown_at(line.first));
    let at = at.trim_start_matches('+');
    let connection = match line.first.connection() {
        Some(number) if several => format!(" on connection {number}"),
        _ => String::new(),
    };
    let command = event_text::line_of(line.first);
    let command = if is_long { command } else { cut(&command) };
    let times = match line.count {
        1 => String::new(),
        count => {
            format!(", {count} times until {}", transcript::until(line).trim_start_matches('+'))
        }
    };
    let reply = if is_long {
        event_text::whole_reply(line.last).join("; ")
    } else {
        cut(&transcript::reply_of(line))
    };
    let reply = match (reply.as_str(), line.outcome()) {
        ("", _) => String::new(),
        (reply, CommandOutcome::Refused) => format!("; refused: {reply}"),
        (reply, _) => format!("; reply: {reply}"),
    };
    format!("at {at}{connection}: {command}{times}{reply}{}", mark(line.marked))
}

fn mark(is_marked: bool) -> &'static str {
    if is_marked { MARK } else { "" }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{} and more", &text[..at]),
        None => text.to_owned(),
    }
}

pub(super) fn table(rows: &[Row], width: usize) -> String {
    rows.iter().fold("what has changed:\n".to_owned(), |text, row| {
        let (before, after) = (reveal(&row.before), reveal(&row.after));
        let change =
            if before.is_empty() { after.into_owned() } else { format!("{before}, then {after}") };
        let line = format!("{}: {}{}", row.field, plain::worded(&change), mark(row.marked));
        text + &listed(&line, width)
    })
}

pub(super) fn waits(waits: &Waits, is_marked: bool, width: usize) -> String {
    let longest = milliseconds(waits.longest.took);
    let line = format!(
        "who had to wait: the longest wait was {longest}, of {}{}",
        pings(waits.pings),
        mark(is_marked)
    );
    wrap(&line, width, "  ") + "\n"
}

fn listed(line: &str, width: usize) -> String {
    format!("  {}\n", wrap(line, width.saturating_sub(4), "    "))
}
