//! What Redis saw: commands and their replies, in lines that can be read.

use std::time::Duration;

use colored::Colorize as _;
use redis::Value;

use super::columns::Columns;
use crate::attempt::commands::WAIT_BGSAVE;
use crate::attempt::evidence::{Run, TypedExchange};
use crate::present::plain;
use crate::present::text::{clean, reveal};
use crate::redis_cli::{reply, words};
use crate::tap::{Exchange, Outcome, Transcript};
use crate::verdict::Pointer;

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The first and the last lines, and all that matters between them.
    Short,
    /// Everything.
    Long,
}

/// The short form's lines.
const LINES: usize = 12;
/// Refusals that say the same are shown so often at most.
const SAME_REFUSALS: usize = 3;
/// A poll may ask two or three things by turns.
const LONGEST_PERIOD: usize = 3;

/// One line: a command, or a run of the same one.
pub(super) struct Line<'a> {
    pub(super) first: &'a Exchange,
    pub(super) last: &'a Exchange,
    pub(super) count: usize,
    pub(super) marked: bool,
}

/// All lines, and whether each is shown.
pub(super) fn lines<'a>(
    transcript: &'a Transcript,
    pointers: &[Pointer],
    form: Form,
) -> Vec<(Line<'a>, bool)> {
    let lines = match form {
        Form::Long => each(&transcript.exchanges, pointers),
        Form::Short => runs(&transcript.exchanges, pointers),
    };
    let kept = match form {
        Form::Long => vec![true; lines.len()],
        Form::Short => kept(&lines, LINES),
    };
    lines.into_iter().zip(kept).collect()
}

/// The block with its title; nothing where there is nothing to tell.
pub(super) fn block(
    transcript: &Transcript,
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
    let mut skipped: Vec<&Line<'_>> = Vec::new();
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

/// What the tap has left out.
pub(super) fn not_kept(transcript: &Transcript) -> String {
    match transcript.left_out {
        0 => String::new(),
        count => aside(&format!("{count} more in the middle were not kept")),
    }
}

/// A line of the short form, as values.
pub(in crate::present) struct Told<'a> {
    pub(in crate::present) first: &'a Exchange,
    /// The command, and how often it was sent.
    pub(in crate::present) command: String,
    pub(in crate::present) reply: String,
    pub(in crate::present) marked: bool,
    /// How many commands between this line and the one above are not told.
    pub(in crate::present) skipped: usize,
}

/// The short form in about `room` lines, uncut.
pub(in crate::present) fn gist<'a>(
    transcript: &'a Transcript,
    pointers: &[Pointer],
    room: usize,
) -> Vec<Told<'a>> {
    let lines = runs(&transcript.exchanges, pointers);
    let mut told = Vec::new();
    let mut skipped = 0;
    for (line, kept) in lines.iter().zip(kept(&lines, room)) {
        if !kept {
            skipped += line.count;
            continue;
        }
        let (command, reply) = (command(line), reply_line(line.last));
        let skipped = std::mem::take(&mut skipped);
        told.push(Told { first: line.first, command, reply, marked: line.marked, skipped });
    }
    told
}

/// What is left out here.
pub(super) fn more(skipped: &mut Vec<&Line<'_>>) -> String {
    if skipped.is_empty() {
        return String::new();
    }
    let all: usize = skipped.iter().map(|line| line.count).sum();
    let refused = skipped.iter().filter(|line| line.first.outcome == Outcome::Refused);
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

fn each<'a>(exchanges: &'a [Exchange], pointers: &[Pointer]) -> Vec<Line<'a>> {
    let line = |(index, it): (usize, &'a Exchange)| Line {
        first: it,
        last: it,
        count: 1,
        marked: pointers.contains(&Pointer::Exchange(index)),
    };
    exchanges.iter().enumerate().map(line).collect()
}

/// Commands that a client sends by itself are left out; what is asked again and again is one line.
fn runs<'a>(exchanges: &'a [Exchange], pointers: &[Pointer]) -> Vec<Line<'a>> {
    let mut rest = each(exchanges, pointers);
    rest.retain(|line| line.marked || !line.first.only_sets_up_the_connection());
    let mut lines = Vec::new();
    let mut at = 0;
    while at < rest.len() {
        let (period, times) = repetition(&rest[at..]);
        for offset in at..at + period {
            let of_run = || rest[offset..at + period * times].iter().step_by(period);
            let marked = of_run().any(|line| line.marked);
            let last = of_run().next_back().map_or(rest[offset].last, |line| line.last);
            lines.push(Line { first: rest[offset].first, last, count: times, marked });
        }
        at += period * times;
    }
    lines
}

/// How many lines from here on are repeated, and how often.
fn repetition(lines: &[Line<'_>]) -> (usize, usize) {
    let times = |period: usize| {
        let unit = &lines[..period.min(lines.len())];
        let chunks = lines.chunks_exact(period);
        let same =
            |chunk: &[Line<'_>]| chunk.iter().zip(unit).all(|(a, b)| is_same(a.first, b.first));
        chunks.take_while(|chunk| same(chunk)).count().max(1)
    };
    let repeated = (1..=LONGEST_PERIOD).map(|period| (period, times(period)));
    repeated.into_iter().find(|(_, times)| *times > 1).unwrap_or((1, 1))
}

fn is_same(one: &Exchange, other: &Exchange) -> bool {
    one.words == other.words && one.connection == other.connection && one.outcome == other.outcome
}

/// Saves, refusals and what the cause rests on always; then the first and the last ones.
fn kept(lines: &[Line<'_>], room: usize) -> Vec<bool> {
    let mut said: Vec<(String, String)> = Vec::new();
    let mut is_told = |line: &Line<'_>| {
        let exchange = line.first;
        let name = exchange.name();
        if line.marked {
            return true;
        }
        if exchange.outcome == Outcome::Refused {
            said.push((name, exchange.error().unwrap_or_default()));
            let same = said.iter().filter(|it| Some(*it) == said.last()).count();
            return same <= SAME_REFUSALS;
        }
        exchange.is_mark() || matches!(name.as_str(), "SAVE" | "BGSAVE")
    };
    let mut kept: Vec<bool> = lines.iter().map(&mut is_told).collect();
    let mut room = room.saturating_sub(kept.iter().filter(|it| **it).count());
    let all = lines.len();
    // From both ends by turns: 0, last, 1, last but one …
    let by_turns = (0..all).map(|turn| if turn % 2 == 0 { turn / 2 } else { all - 1 - turn / 2 });
    for index in by_turns {
        if room > 0 && !kept[index] {
            kept[index] = true;
            room -= 1;
        }
    }
    kept
}

/// Whether it matters which connection a shown line came from.
pub(super) fn are_of_several_connections(lines: &[(Line<'_>, bool)]) -> bool {
    let shown = lines.iter().filter(|(_, is_kept)| *is_kept).map(|(line, _)| line.first.connection);
    let mut connections = shown.filter(|&connection| connection != 0);
    let first = connections.next();
    connections.any(|connection| Some(connection) != first)
}

/// The command, and how often it was sent.
pub(super) fn command(line: &Line<'_>) -> String {
    line_of(line.first) + &times(line)
}

pub(super) fn line_of(exchange: &Exchange) -> String {
    if exchange.is_mark() {
        return "(the background save has ended)".to_owned();
    }
    reveal(&command_line(&exchange.words)).into_owned()
}

/// How often a run was sent, and until when; nothing for one.
pub(super) fn times(line: &Line<'_>) -> String {
    if line.count > 1 { format!(" ×{} until {}", line.count, until(line)) } else { String::new() }
}

pub(super) fn until(line: &Line<'_>) -> String {
    match line.last.at {
        at if at < Duration::from_secs(1) => time(at),
        at => format!("+{:.1} s", at.as_secs_f64()),
    }
}

/// Milliseconds below ten seconds, seconds above.
pub(in crate::present) fn time(at: Duration) -> String {
    if at < Duration::from_secs(10) {
        format!("+{:.1} ms", at.as_secs_f64() * 1000.0)
    } else {
        format!("+{:.1} s", at.as_secs_f64())
    }
}

/// The command as it would be typed.
pub fn command_line(words: &[Vec<u8>]) -> String {
    words.iter().map(|word| typed_word(word)).collect::<Vec<_>>().join(" ")
}

/// Plain where it can be, else in redis-cli's quotes.
fn typed_word(word: &[u8]) -> String {
    let printed = reply::format(&Value::BulkString(word.to_vec()));
    match std::str::from_utf8(word) {
        Ok("") | Err(_) => printed,
        Ok(text)
            if !text.contains([' ', '"', '\'', '\\']) && !text.chars().any(char::is_control) =>
        {
            clean(text).into_owned()
        }
        Ok(_) => printed,
    }
}

/// The reply in one line, reduced to what matters.
pub fn reply_line(exchange: &Exchange) -> String {
    let Some(came) = &exchange.reply else { return no_reply(exchange).to_owned() };
    let text = match (exchange.error(), &came.value) {
        (Some(error), _) => error,
        (None, Value::BulkString(_) | Value::VerbatimString { .. })
            if exchange.name() == "INFO" =>
        {
            info(exchange, &came.value)
        }
        (None, Value::Array(items)) if items.len() > 3 => format!("{} items", items.len()),
        (None, value) => reply::format_reply_to(&exchange.words, value)
            .lines()
            .map(str::trim)
            .collect::<Vec<_>>()
            .join("  "),
    };
    reveal(&(text + became(exchange))).into_owned()
}

/// What INFO's many lines are read for.
fn info(exchange: &Exchange, value: &Value) -> String {
    let telling = ["rdb_bgsave_in_progress:", "rdb_last_bgsave_status:"];
    let text = reply::format_reply_to(&exchange.words, value);
    let is_telling = |line: &&str| telling.iter().any(|field| line.starts_with(field));
    let lines: Vec<&str> = text.lines().filter(is_telling).collect();
    if lines.is_empty() { format!("{} lines", text.lines().count()) } else { lines.join(", ") }
}

/// `QUEUED` tells nothing of what came of it.
fn became(exchange: &Exchange) -> &'static str {
    let queued = exchange
        .reply
        .as_ref()
        .is_some_and(|it| matches!(&it.value, Value::SimpleString(text) if text == "QUEUED"));
    match exchange.outcome {
        Outcome::NotRun => ", never run",
        Outcome::Refused if queued => ", then refused",
        _ => "",
    }
}

fn no_reply(exchange: &Exchange) -> &'static str {
    if exchange.is_mark() { "" } else { "(no reply)" }
}

/// When it came, or, of the mark, when it was seen.
pub(super) fn told_at(exchange: &Exchange) -> Duration {
    if exchange.is_mark() { exchange.ended() } else { exchange.at }
}

pub(super) fn whole_reply(exchange: &Exchange) -> Vec<String> {
    let Some(came) = &exchange.reply else { return vec![no_reply(exchange).to_owned()] };
    let text = reply::format_reply_to(&exchange.words, &came.value);
    let mut lines: Vec<String> = text.lines().map(|line| reveal(line).into_owned()).collect();
    match lines.first_mut() {
        Some(first) => first.push_str(became(exchange)),
        None => lines.push(String::new()),
    }
    lines
}

/// Whether the transcript says of a typed line what its echo would say; `true` for our own line that waits.
///
/// `position` is that of the exchange to look at, and moves on.
fn says_the_same(typed: &TypedExchange, sent: &[&Exchange], position: &mut usize) -> bool {
    if typed.line.starts_with('@') {
        let name = typed.line.split_whitespace().next().unwrap_or_default();
        return name.eq_ignore_ascii_case(WAIT_BGSAVE) && typed.reply == "no background save runs";
    }
    let Some(exchange) = sent.get(*position) else { return false };
    let same = words::split(&typed.line).is_ok_and(|words| words == exchange.words);
    *position += usize::from(same);
    let replied = exchange.reply.as_ref();
    let reply = replied.map(|it| reply::format_reply_to(&exchange.words, &it.value));
    same && reply.is_some_and(|reply| reply == typed.reply)
}

/// Whether everything that was typed, and what came of it, is in the transcript.
pub fn is_told_by(run: &Run, transcript: &Transcript) -> bool {
    let Run::Typed(typed) = run else { return false };
    let sent: Vec<&Exchange> = transcript.exchanges.iter().filter(|it| !it.is_mark()).collect();
    let mut position = 0;
    transcript.left_out == 0
        && typed.stopped.is_none()
        && typed.exchanges.iter().all(|it| says_the_same(it, &sent, &mut position))
        && position == sent.len()
}
