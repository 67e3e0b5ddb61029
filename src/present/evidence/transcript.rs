//! What Redis saw: commands with their replies, messages and marks, in readable lines.

use std::time::Duration;

use colored::Colorize as _;

use super::columns::Columns;
use super::event_text::{line_of, short_reply, shown_at, time};
use crate::attempt::evidence::{Run, TypedExchange};
use crate::present::plain;
use crate::redis_cli::{reply, words};
use crate::relay::{CommandOutcome, Event, Exchange, Timeline};
use crate::topics::{self, awaited_by, is_durable};
use crate::verdict::Pointer;

/// How much of a transcript to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The first and the last lines, and all important lines between them.
    Short,
    Long,
}

/// The number of lines of the short form.
const LINES: usize = 12;
/// The maximum number of equal refusals shown.
const SAME_REFUSALS: usize = 3;
/// A poll may alternate between two or three commands.
const LONGEST_PERIOD: usize = 3;

/// One line: an event, or repetitions of a command.
pub(in crate::present) struct TranscriptLine<'a> {
    pub(in crate::present) first: Event<'a>,
    pub(in crate::present) last: Event<'a>,
    pub(in crate::present) count: usize,
    pub(in crate::present) marked: bool,
    /// The index of `first` among the exchanges, if it is one.
    pub(in crate::present) index: usize,
}

impl TranscriptLine<'_> {
    /// [`CommandOutcome::Done`] for what is no command.
    pub(in crate::present) fn outcome(&self) -> CommandOutcome {
        self.last.exchange().map_or(CommandOutcome::Done, |exchange| exchange.outcome)
    }
}

/// All lines, and whether to show each.
pub(super) fn lines<'a>(
    transcript: &'a Timeline,
    pointers: &[Pointer],
    form: Form,
) -> Vec<(TranscriptLine<'a>, bool)> {
    let lines = match form {
        Form::Long => each(transcript, pointers),
        Form::Short => runs(transcript, pointers),
    };
    let kept = match form {
        Form::Long => vec![true; lines.len()],
        Form::Short => kept(&lines, LINES),
    };
    lines.into_iter().zip(kept).collect()
}

/// The block with its title; empty if there is nothing to show.
pub(super) fn block(
    transcript: &Timeline,
    pointers: &[Pointer],
    form: Form,
    width: usize,
) -> String {
    let lines = lines(transcript, pointers, form);
    if lines.is_empty() {
        return String::new();
    }
    let columns = Columns::new(&lines, width);
    let mut text = format!("  {}\n", "what Redis saw".dimmed());
    let mut skipped: Vec<&TranscriptLine<'_>> = Vec::new();
    for (line, is_kept) in &lines {
        if *is_kept {
            text.push_str(&more(&mut skipped));
            text.push_str(&columns.line(line, form));
        } else {
            skipped.push(line);
        }
    }
    text + &more(&mut skipped) + &not_kept(transcript)
}

/// The note about commands that the relay did not record.
pub(super) fn not_kept(transcript: &Timeline) -> String {
    match transcript.left_out {
        0 => String::new(),
        count => aside(&format!("{count} more in the middle were not kept")),
    }
}

/// A line of the short form, as values.
pub(in crate::present) struct GistLine<'a> {
    pub(in crate::present) first: Event<'a>,
    /// The command, and its number of repetitions.
    pub(in crate::present) command: String,
    pub(in crate::present) reply: String,
    pub(in crate::present) marked: bool,
    /// How many commands between this line and the previous one are left out.
    pub(in crate::present) skipped: usize,
}

/// The short form in about `room` lines, without cutting them.
pub(in crate::present) fn gist<'a>(
    transcript: &'a Timeline,
    pointers: &[Pointer],
    room: usize,
) -> Vec<GistLine<'a>> {
    let lines = runs(transcript, pointers);
    let mut shown = Vec::new();
    let mut skipped = 0;
    for (line, kept) in lines.iter().zip(kept(&lines, room)) {
        if !kept {
            skipped += line.count;
            continue;
        }
        let (command, reply) = (command(line), reply_of(line));
        let skipped = std::mem::take(&mut skipped);
        shown.push(GistLine { first: line.first, command, reply, marked: line.marked, skipped });
    }
    shown
}

/// The note about skipped lines; clears them.
pub(super) fn more(skipped: &mut Vec<&TranscriptLine<'_>>) -> String {
    if skipped.is_empty() {
        return String::new();
    }
    let all: usize = skipped.iter().map(|line| line.count).sum();
    let refused = skipped.iter().filter(|line| line.outcome() == CommandOutcome::Refused);
    let note = match refused.map(|line| line.count).sum::<usize>() {
        0 => format!("{all} more"),
        refused => format!("{all} more, {refused} of them refused"),
    };
    skipped.clear();
    aside(&note)
}

fn aside(note: &str) -> String {
    if plain::is_on() {
        return format!("  {note}\n");
    }
    format!("    {}\n", format!("… {note}").dimmed())
}

fn each<'a>(transcript: &'a Timeline, pointers: &[Pointer]) -> Vec<TranscriptLine<'a>> {
    let mut lines = Vec::new();
    let mut index = 0;
    for event in transcript.events() {
        let marked = event.exchange().is_some() && pointers.contains(&Pointer::Exchange(index));
        lines.push(TranscriptLine { first: event, last: event, count: 1, marked, index });
        index += usize::from(event.exchange().is_some());
    }
    lines
}

/// Leaves out commands that a client sends on its own, and shows repeated commands as one line.
fn runs<'a>(transcript: &'a Timeline, pointers: &[Pointer]) -> Vec<TranscriptLine<'a>> {
    folded(each(transcript, pointers))
}

/// The same for the commands of one connection, or of all of them.
pub(in crate::present) fn commands_of<'a>(
    transcript: &'a Timeline,
    pointers: &[Pointer],
    connection: Option<u32>,
) -> Vec<TranscriptLine<'a>> {
    let mut lines = each(transcript, pointers);
    lines.retain(|line| {
        let exchange = line.first.exchange();
        exchange.is_some_and(|exchange| connection.is_none_or(|own| own == exchange.connection))
    });
    folded(lines)
}

fn folded(mut rest: Vec<TranscriptLine<'_>>) -> Vec<TranscriptLine<'_>> {
    rest.retain(|line| {
        let exchange = line.first.exchange();
        line.marked || !exchange.is_some_and(Exchange::only_sets_up_the_connection)
    });
    let mut lines = Vec::new();
    let mut at = 0;
    while at < rest.len() {
        let (period, times) = repetition(&rest[at..]);
        for offset in at..at + period {
            let repeated: Vec<&TranscriptLine<'_>> =
                rest[offset..at + period * times].iter().step_by(period).collect();
            let first = rest[offset].first;
            let last = repeated.last().map_or(rest[offset].last, |line| line.last);
            let marked = repeated.iter().any(|line| line.marked);
            let index = rest[offset].index;
            lines.push(TranscriptLine { first, last, count: times, marked, index });
        }
        at += period * times;
    }
    lines
}

/// How many of the first lines form a repeated group, and how often it occurs.
fn repetition(lines: &[TranscriptLine<'_>]) -> (usize, usize) {
    for period in 1..=LONGEST_PERIOD {
        let times = occurrences(lines, period);
        if times > 1 {
            return (period, times);
        }
    }
    (1, 1)
}

/// How often the first `period` lines occur in a row.
fn occurrences(lines: &[TranscriptLine<'_>], period: usize) -> usize {
    let group = &lines[..period.min(lines.len())];
    lines.chunks_exact(period).take_while(|chunk| are_same(chunk, group)).count().max(1)
}

fn are_same(lines: &[TranscriptLine<'_>], others: &[TranscriptLine<'_>]) -> bool {
    lines.iter().zip(others).all(|(line, other)| is_same(line.first, other.first))
}

/// Each message and each mark is a line of its own.
fn is_same(one: Event<'_>, other: Event<'_>) -> bool {
    let (Some(one), Some(other)) = (one.exchange(), other.exchange()) else { return false };
    one.words == other.words && one.connection == other.connection && one.outcome == other.outcome
}

/// Which lines to show: all important ones, then the first and the last ones.
fn kept(lines: &[TranscriptLine<'_>], room: usize) -> Vec<bool> {
    let mut kept = important(lines);
    let mut room = room.saturating_sub(kept.iter().filter(|is_kept| **is_kept).count());
    let all = lines.len();
    for turn in 0..all {
        // Alternate between both ends: 0, last, 1, last but one …
        let index = if turn % 2 == 0 { turn / 2 } else { all - 1 - turn / 2 };
        if room > 0 && !kept[index] {
            kept[index] = true;
            room -= 1;
        }
    }
    kept
}

/// Which lines are important: saves, marks, the first equal refusals, and evidence for the cause.
fn important(lines: &[TranscriptLine<'_>]) -> Vec<bool> {
    let mut refusals: Vec<(String, String)> = Vec::new();
    let mut important = Vec::new();
    for line in lines {
        let is_important = match line.first {
            _ if line.marked => true,
            Event::Mark(_) | Event::Step(_) => true,
            Event::Message(_) => false,
            Event::Exchange(exchange) if exchange.outcome == CommandOutcome::Refused => {
                let refusal = (exchange.name(), exchange.error().unwrap_or_default());
                let same = refusals.iter().filter(|earlier| **earlier == refusal).count();
                refusals.push(refusal);
                same < SAME_REFUSALS
            }
            Event::Exchange(exchange) => is_durable(&exchange.name()),
        };
        important.push(is_important);
    }
    important
}

/// Whether the shown lines come from several connections.
pub(super) fn are_of_several_connections(lines: &[(TranscriptLine<'_>, bool)]) -> bool {
    let shown = lines.iter().filter(|(_, is_kept)| *is_kept);
    let mut connections = shown.filter_map(|(line, _)| line.first.connection());
    let first = connections.next();
    connections.any(|connection| Some(connection) != first)
}

/// The event, and a command's number of repetitions.
pub(super) fn command(line: &TranscriptLine<'_>) -> String {
    line_of(line.first) + &times(line)
}

/// The last reply of a line; also the first one where several commands were answered differently.
/// Who polls, waits for another reply, so that the last one says it all.
pub(super) fn reply_of(line: &TranscriptLine<'_>) -> String {
    let (first, last) = (short_reply(line.first), short_reply(line.last));
    let polls = line
        .first
        .exchange()
        .is_some_and(|exchange| topics::status_commands().any(|status| status == exchange.name()));
    if line.count < 2 || first == last || polls { last } else { format!("{first} … {last}") }
}

/// The number of repetitions and the time of the last one; empty for a single command.
pub(super) fn times(line: &TranscriptLine<'_>) -> String {
    if line.count > 1 { format!(" ×{} until {}", line.count, until(line)) } else { String::new() }
}

pub(super) fn until(line: &TranscriptLine<'_>) -> String {
    match shown_at(line.last) {
        at if at < Duration::from_secs(1) => time(at),
        at => format!("+{:.1} s", at.as_secs_f64()),
    }
}

/// Whether the transcript shows a typed line and its reply; `true` for the runner's own line that
/// waits.
///
/// `position` is the index of the next exchange; advances it.
fn says_the_same(typed: &TypedExchange, sent: &[Exchange], position: &mut usize) -> bool {
    if typed.line.starts_with('@') {
        return awaited_by(&typed.line).is_some_and(|work| typed.reply == work.none_runs());
    }
    let Some(exchange) = sent.get(*position) else { return false };
    let same = words::split(&typed.line).is_ok_and(|words| words == exchange.words);
    *position += usize::from(same);
    let replied = exchange.reply.as_ref();
    let printed = replied.map(|reply| reply::format_reply_to(&exchange.words, &reply.value));
    // Below it stand the messages that came with it.
    let rest = printed.and_then(|printed| typed.reply.strip_prefix(&printed));
    same && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('\n'))
}

/// Whether the transcript shows all typed lines and their replies.
pub fn is_shown_by(run: &Run, transcript: &Timeline) -> bool {
    let Run::Typed(typed) = run else { return false };
    let sent = &transcript.exchanges;
    let mut position = 0;
    transcript.left_out == 0
        && typed.stopped.is_none()
        && typed.exchanges.iter().all(|exchange| says_the_same(exchange, sent, &mut position))
        && position == sent.len()
}
