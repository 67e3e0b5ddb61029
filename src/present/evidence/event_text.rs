//! The words of a transcript's events: commands, messages, marks and replies.

use std::time::Duration;

use redis::Value;

use crate::lesson::check::time_words;
use crate::present::plain;
use crate::present::text::{clean, reveal};
use crate::redis_cli::reply;
use crate::relay::{CommandOutcome, Event, Exchange, Message, Step, StepKind};
use crate::runner_line::{START_MARK, STOP_MARK};
use crate::topics::{TOPICS, mark_sentence};

const NO_REPLY: &str = "(no reply)";

pub(super) fn line_of(event: Event<'_>) -> String {
    match event {
        Event::Exchange(exchange) => reveal(&command_line(&exchange.words)).into_owned(),
        Event::Message(message) => reveal(&message_line(message)).into_owned(),
        Event::Mark(mark) if mark.word == STOP_MARK => "(the server was stopped)".to_owned(),
        Event::Mark(mark) if mark.word == START_MARK => "(the server was started)".to_owned(),
        Event::Mark(mark) => {
            format!("({})", mark_sentence(mark.word).unwrap_or_else(|| mark.word.to_owned()))
        }
        Event::Step(step) => match &step.what {
            StepKind::Ran { line, .. } => format!("another client: {}", reveal(line)),
            StepKind::Passed(time) => format!("({} pass)", time_words(*time)),
            StepKind::DiskRefuses => "(the disk refuses saves)".to_owned(),
            StepKind::DiskWorks => "(the disk takes saves again)".to_owned(),
            StepKind::KilledAnswer => "(the answer is killed and begins again)".to_owned(),
            StepKind::KilledServer => "(the server is killed and starts again)".to_owned(),
        },
    }
}

/// `◄ message orders "order:1001 paid"`.
fn message_line(message: &Message) -> String {
    let words = message.pattern.iter().chain([&message.channel, &message.payload]);
    let words: Vec<String> = words.map(|word| typed_word(word)).collect();
    let arrow = plain::sign_or("◄ ", "");
    let kind = if message.pattern.is_some() { "pmessage" } else { "message" };
    format!("{arrow}{kind} {}", words.join(" "))
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

/// Plain if possible, else in redis-cli's quotes.
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

/// The reply in one line, shortened to its important parts.
pub fn reply_line(exchange: &Exchange) -> String {
    let Some(reply) = &exchange.reply else { return NO_REPLY.to_owned() };
    let text = match (exchange.error(), &reply.value) {
        (Some(error), _) => error,
        (None, Value::BulkString(_) | Value::VerbatimString { .. })
            if exchange.name() == "INFO" =>
        {
            info(exchange, &reply.value)
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

/// The fields of INFO that a topic shows, or else its number of lines.
fn info(exchange: &Exchange, value: &Value) -> String {
    let text = reply::format_reply_to(&exchange.words, value);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| {
            let field = line.split(':').next().unwrap_or_default();
            TOPICS.iter().any(|topic| topic.shown_fields.contains(&field))
        })
        .collect();
    if lines.is_empty() { format!("{} lines", text.lines().count()) } else { lines.join(", ") }
}

/// What happened to the command after its reply: `QUEUED` does not say.
fn became(exchange: &Exchange) -> &'static str {
    let queued = exchange
        .reply
        .as_ref()
        .is_some_and(|reply| matches!(&reply.value, Value::SimpleString(text) if text == "QUEUED"));
    match exchange.outcome {
        CommandOutcome::NotRun => ", never run",
        CommandOutcome::Refused if queued => ", then refused",
        _ => "",
    }
}

/// When the event came or, for a mark, when it was seen.
pub(in crate::present) fn shown_at(event: Event<'_>) -> Duration {
    match event {
        Event::Exchange(exchange) => exchange.at,
        Event::Message(message) => message.at,
        Event::Mark(mark) => mark.seen,
        Event::Step(step) => step.at,
    }
}

/// [`reply_line`] of a command; empty for anything else.
pub(super) fn short_reply(event: Event<'_>) -> String {
    match event {
        Event::Exchange(exchange) => reply_line(exchange),
        _ => whole_reply(event).join("  "),
    }
}

/// The lines of a command's whole reply; none for anything else.
pub(super) fn whole_reply(event: Event<'_>) -> Vec<String> {
    if let Event::Step(Step { what: StepKind::Ran { reply, .. }, .. }) = event {
        return reply::format(reply).lines().map(|line| reveal(line).into_owned()).collect();
    }
    let Some(exchange) = event.exchange() else { return Vec::new() };
    let Some(reply) = &exchange.reply else { return vec![NO_REPLY.to_owned()] };
    let text = reply::format_reply_to(&exchange.words, &reply.value);
    let mut lines: Vec<String> = text.lines().map(|line| reveal(line).into_owned()).collect();
    match lines.first_mut() {
        Some(first) => first.push_str(became(exchange)),
        None => lines.push(String::new()),
    }
    lines
}
