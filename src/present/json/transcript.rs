//! What went through the relay, and what happened beside it.

use serde::Serialize;

use super::milliseconds;
use crate::present::evidence::command_line;
use crate::redis_cli::reply;
use crate::relay::{self, StepKind, Timeline};

#[derive(Debug, Serialize)]
pub(super) struct CheckTranscript {
    exchanges: Vec<CheckExchange>,
    left_out: u64,
    messages: Vec<CheckMessage>,
    messages_left_out: u64,
    marks: Vec<CheckMark>,
    steps: Vec<CheckStep>,
}

/// What happened beside the answer.
#[derive(Debug, Serialize)]
struct CheckStep {
    at_ms: f64,
    #[serde(flatten)]
    what: CheckStepKind,
}

#[derive(Debug, Serialize)]
#[serde(tag = "step", rename_all = "kebab-case")]
enum CheckStepKind {
    /// Another client sent this line.
    Ran {
        line: String,
        reply: String,
    },
    /// So much time passed for keys and pending entries.
    Passed {
        seconds: f64,
    },
    DiskRefuses,
    DiskWorks,
    /// The answer was killed, and began again.
    KilledAnswer,
    KilledServer,
}

/// A message that the server pushed to a subscriber.
#[derive(Debug, Serialize)]
struct CheckMessage {
    at_ms: f64,
    connection: u32,
    /// `null` unless it was subscribed to by a pattern.
    pattern: Option<String>,
    channel: String,
    payload: String,
}

/// What the runner has seen, such as the end of a background save.
#[derive(Debug, Serialize)]
struct CheckMark {
    /// When it was seen.
    at_ms: f64,
    /// The trigger of a `[[meanwhile]]` that fires then.
    mark: &'static str,
}

#[derive(Debug, Serialize)]
struct CheckExchange {
    at_ms: f64,
    connection: u32,
    command: String,
    /// As redis-cli prints it; `null` without a reply.
    reply: Option<String>,
    took_ms: Option<f64>,
    outcome: &'static str,
}

pub(super) fn transcript(transcript: &Timeline) -> CheckTranscript {
    CheckTranscript {
        exchanges: transcript.exchanges.iter().map(exchange).collect(),
        left_out: transcript.left_out,
        messages: transcript.messages.iter().map(message).collect(),
        messages_left_out: transcript.messages_left_out,
        marks: transcript.marks.iter().map(mark).collect(),
        steps: transcript.steps.iter().map(step).collect(),
    }
}

fn message(message: &relay::Message) -> CheckMessage {
    CheckMessage {
        at_ms: milliseconds(message.at),
        connection: message.connection,
        pattern: message.pattern.as_deref().map(text_of),
        channel: text_of(&message.channel),
        payload: text_of(&message.payload),
    }
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn mark(mark: &relay::Mark) -> CheckMark {
    CheckMark { at_ms: milliseconds(mark.seen), mark: mark.word }
}

fn step(step: &relay::Step) -> CheckStep {
    let what = match &step.what {
        StepKind::Ran { line, reply } => {
            CheckStepKind::Ran { line: line.clone(), reply: reply::format(reply) }
        }
        StepKind::Passed(time) => CheckStepKind::Passed { seconds: time.as_secs_f64() },
        StepKind::DiskRefuses => CheckStepKind::DiskRefuses,
        StepKind::DiskWorks => CheckStepKind::DiskWorks,
        StepKind::KilledAnswer => CheckStepKind::KilledAnswer,
        StepKind::KilledServer => CheckStepKind::KilledServer,
    };
    CheckStep { at_ms: milliseconds(step.at), what }
}

fn exchange(exchange: &relay::Exchange) -> CheckExchange {
    let reply = exchange.reply.as_ref();
    CheckExchange {
        at_ms: milliseconds(exchange.at),
        connection: exchange.connection,
        command: command_line(&exchange.words),
        reply: reply.map(|reply| reply::format_reply_to(&exchange.words, &reply.value)),
        took_ms: reply.map(|reply| milliseconds(reply.took)),
        outcome: match exchange.outcome {
            relay::CommandOutcome::Done => "done",
            relay::CommandOutcome::Refused => "refused",
            relay::CommandOutcome::NotRun => "not-run",
            relay::CommandOutcome::Unknown => "unknown",
        },
    }
}
