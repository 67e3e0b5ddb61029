//! `sent = { order = ["SET", "BGSAVE"] }`: which commands were run, in which order, and which were
//! refused.

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use toml::de::DeValue;

use super::expected::{Expected, Extra};
use super::values::{CommandStart, command, each, each_string};
use super::{Kind, Scope, Seen, Subject, all};
use crate::attempt::evidence::Evidence;
use crate::lesson::Span;
use crate::lesson::toml_table::{Entry, Toml, Value, entries};
use crate::redis_cli::words;
use crate::relay::{CommandOutcome, Exchange, Replies, Shown, Timeline};

pub const KIND: Kind = Kind {
    key: "sent",
    rows: &[
        (
            "`sent = { order = [\"SET\", \"BGSAVE\"] }`",
            "these commands were run with success, in this order, see [What was \
             sent](#what-was-sent)",
        ),
        (
            "`sent = { order = [{ command = \"XACK orders\", reply = \"1\" }] }`",
            "the same, and answered like this, see [Expected values](#expected-values)",
        ),
        ("`sent = { refused = \"SAVE\" }`", "this command was refused at least once"),
        ("`sent = { never = \"SAVE\" }`", "this command was never run with success"),
    ],
    read: |toml, entry| Some(Arc::new(Sent(read(toml, entry)?))),
};

/// How many commands a long list shows at its beginning and at its end.
const SHOWN_AT_EACH_END: usize = 3;

#[derive(Debug)]
pub struct Sent(Vec<Condition>);

/// A command of an order.
#[derive(Debug, Clone)]
struct Step {
    start: CommandStart,
    /// What it must be answered; `None`: anything but an error.
    reply: Option<Expected>,
}

impl Step {
    /// Whether the exchange of this index was answered as it must be; `None` if that is unknown.
    fn accepts(&self, replies: &Replies<'_>, index: usize) -> Option<bool> {
        let Some(expected) = &self.reply else { return Some(true) };
        replies.printed(index).map(|reply| expected.is_met_by(&reply))
    }
}

impl AsRef<[Vec<u8>]> for Step {
    fn as_ref(&self) -> &[Vec<u8>] {
        &self.start.0
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reply {
            Some(reply) => write!(f, "{} (answered {reply})", self.start),
            None => self.start.fmt(f),
        }
    }
}

/// One thing that a timeline must show.
#[derive(Debug, Clone)]
enum Condition {
    /// These commands succeeded in this order, with any others between them.
    Order(Vec<Step>),
    /// This command was refused or failed at least once.
    Refused(CommandStart),
    /// This command never succeeded.
    Never(CommandStart),
}

impl Condition {
    fn is_shown_by(&self, timeline: &Timeline) -> Shown {
        match self {
            Self::Order(steps) => {
                let replies = timeline.replies();
                timeline.has_in_order(steps, |step, index| step.accepts(&replies, index))
            }
            Self::Refused(start) => timeline.has_refused(&start.0),
            Self::Never(start) => match timeline.has_in_order(&[&start.0], |_, _| Some(true)) {
                Shown::Yes => Shown::No,
                Shown::No => Shown::Yes,
                Shown::Unknown => Shown::Unknown,
            },
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(steps) if steps.len() > 1 => {
                write!(f, "run with success, in this order: {}", in_order(steps))
            }
            Self::Order(steps) => write!(f, "run with success: {}", in_order(steps)),
            Self::Refused(start) => write!(f, "{start} refused at least once"),
            Self::Never(start) => write!(f, "{start} never run with success"),
        }
    }
}

/// `SET order:1001, then BGSAVE`.
fn in_order<T: fmt::Display>(parts: &[T]) -> String {
    parts.iter().map(T::to_string).collect::<Vec<_>>().join(", then ")
}

impl Subject for Sent {
    fn sentence(&self) -> String {
        self.0.iter().map(Condition::to_string).collect::<Vec<_>>().join("; ")
    }

    fn scope(&self) -> Scope {
        Scope::Run
    }

    fn judge(&self, evidence: &Evidence) -> Option<Seen> {
        let timeline = &evidence.timeline;
        let shown: Vec<Shown> =
            self.0.iter().map(|condition| condition.is_shown_by(timeline)).collect();
        let is_left_open = shown.contains(&Shown::Unknown) && !shown.contains(&Shown::No);
        (!is_left_open).then(|| all(&self.0, |condition| look_at(condition, timeline)))
    }
}

impl Sent {
    /// The commands that must run with success.
    pub fn wanted(&self) -> impl Iterator<Item = &CommandStart> {
        let orders = self.0.iter().filter_map(|condition| match condition {
            Condition::Order(steps) => Some(steps),
            Condition::Refused(_) | Condition::Never(_) => None,
        });
        orders.flatten().map(|step| &step.start)
    }
}

/// Reads the value of `sent`; `None` if a part of it has a problem.
fn read(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Vec<Condition>> {
    let example = "{ order = [\"SET\", \"BGSAVE\"] }";
    let parts = each(toml, entry, example, |toml, entry| match entry.key {
        "order" => Some(vec![Condition::Order(steps(toml, entry)?)]),
        "refused" => conditions(toml, entry, Condition::Refused),
        "never" => conditions(toml, entry, Condition::Never),
        _ => {
            toml.unknown_key(entry, "`sent`", &["order", "refused", "never"]);
            None
        }
    })?;
    Some(parts.concat())
}

/// Reads a command or an array of commands, each a condition of its own.
fn conditions(
    toml: &mut Toml<'_>,
    entry: Entry<'_>,
    condition: fn(CommandStart) -> Condition,
) -> Option<Vec<Condition>> {
    let starts = each_string(toml, entry, true, start)?;
    Some(starts.into_iter().map(condition).collect())
}

/// Reads an array of commands, each a string or a table with its reply.
fn steps(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Vec<Step>> {
    let DeValue::Array(items) = entry.value.get_ref() else {
        toml.wrong_type(entry.key, entry.value, "an array of commands");
        return None;
    };
    if items.is_empty() {
        toml.error(entry.value.span(), format!("`{}` is empty", entry.key), None);
        return None;
    }
    let steps: Vec<Option<Step>> = items.iter().map(|item| step(toml, entry.key, item)).collect();
    steps.into_iter().collect()
}

fn step(toml: &mut Toml<'_>, key: &str, item: &Value<'_>) -> Option<Step> {
    match item.get_ref() {
        DeValue::String(text) => Some(Step { start: start(toml, text, item.span())?, reply: None }),
        DeValue::Table(table) => {
            let (mut command, mut reply) = (None, None);
            for entry in entries(table) {
                match entry.key {
                    "command" => {
                        let text = toml.string(entry)?;
                        command = Some(start(toml, text, entry.value.span())?);
                    }
                    "reply" => reply = Some(Expected::read(toml, entry, Extra::Nothing)?),
                    _ => toml.unknown_key(entry, "a command of `order`", &["command", "reply"]),
                }
            }
            if command.is_none() {
                let help = "write `{ command = \"XACK orders\", reply = \"1\" }`";
                toml.error(item.span(), "this names no command", Some(help.to_owned()));
            }
            Some(Step { start: command?, reply })
        }
        _ => {
            toml.wrong_type(key, item, "an array of strings");
            None
        }
    }
}

/// Reads the beginning of a command line; reports one that is not.
pub(super) fn start(toml: &mut Toml<'_>, text: &str, span: Span) -> Option<CommandStart> {
    let words = command(toml, text, span.clone())?;
    match words.first() {
        Some(name) if name.starts_with(b"@") => {
            let help = "name commands that the answer sends; to check the server while the answer \
                        runs, use `[[meanwhile]]`";
            let message = format!("`{text}` is for the runner and never sent");
            toml.error(span, message, Some(help.to_owned()));
            None
        }
        Some(name) if !name.is_empty() => Some(CommandStart(words)),
        _ => {
            let help = Some("write the beginning of a line: \"SET order:1001\"".to_owned());
            toml.error(span, "this names no command", help);
            None
        }
    }
}

fn look_at(sent: &Condition, timeline: &Timeline) -> Seen {
    let mut seen = match sent {
        Condition::Order(steps) => look_at_order(steps, timeline),
        Condition::Refused(start) => look_at_refusal(start, timeline),
        Condition::Never(start) => look_at_absence(start, timeline),
    };
    if !seen.met && timeline.left_out > 0 {
        let left_out = timeline.left_out;
        let _ = write!(seen.found, " ({left_out} commands in the middle were not kept)");
    }
    seen
}

fn look_at_order(steps: &[Step], timeline: &Timeline) -> Seen {
    let expected = format!("run with success: {}", in_order(steps));
    let replies = timeline.replies();
    let places = timeline.run_in_order(steps, |step, index| step.accepts(&replies, index));
    let Some(missing) = steps.get(places.len()) else {
        return Seen { met: true, expected, found: in_order(steps) };
    };
    let last = places.last().map(|place| (*place, &steps[places.len() - 1].start));
    let why = why_missing(missing, last, timeline, &replies);
    Seen::unmet(expected, format!("{}; {why}", commands_run(steps, timeline)))
}

/// The commands that were run, in order, in the lesson's words where they fit, without repetitions.
fn commands_run(steps: &[Step], timeline: &Timeline) -> String {
    let mut parts: Vec<String> = Vec::new();
    for exchange in &timeline.exchanges {
        if exchange.outcome != CommandOutcome::Done {
            continue;
        }
        let step = steps.iter().find(|step| exchange.begins_with(&step.start.0));
        if step.is_none() && exchange.only_sets_up_the_connection() {
            continue;
        }
        let part = step.map_or_else(|| short(exchange, steps), |step| step.start.to_string());
        if parts.last() != Some(&part) {
            parts.push(part);
        }
    }
    if parts.is_empty() {
        return "nothing was run with success".to_owned();
    }
    if parts.len() > 2 * SHOWN_AT_EACH_END + 1 {
        let end = parts.split_off(parts.len() - SHOWN_AT_EACH_END);
        parts.truncate(SHOWN_AT_EACH_END);
        parts.push("…".to_owned());
        parts.extend(end);
    }
    in_order(&parts)
}

/// The command's name and first argument, and as much as a step of the same name tells, in 40
/// characters at most.
fn short(exchange: &Exchange, steps: &[Step]) -> String {
    let is_alike = |step: &&Step| exchange.begins_with(&step.start.0[..1]);
    let told = steps.iter().filter(is_alike).map(|step| step.start.0.len()).max();
    let words = told.unwrap_or_default().max(2).min(exchange.words.len());
    let mut text = words::join(&exchange.words[..words]);
    if let Some((cut, _)) = text.char_indices().nth(40) {
        text.truncate(cut);
        text.push('…');
    }
    text
}

/// Why the first command that is missing from the order does not count; `last` is the last one that
/// does.
fn why_missing(
    missing: &Step,
    last: Option<(usize, &CommandStart)>,
    timeline: &Timeline,
    replies: &Replies<'_>,
) -> String {
    let start = &missing.start;
    let from = last.map_or(0, |(place, _)| place + 1);
    let mut rest = timeline.exchanges.iter().enumerate().skip(from);
    match (rest.find(|(_, exchange)| exchange.begins_with(&start.0)), last) {
        (Some((index, exchange)), _) => match (exchange.outcome, replies.printed(index)) {
            (CommandOutcome::Refused, _) => refusal(start, exchange),
            (CommandOutcome::NotRun, _) => format!("{start} was queued by MULTI and never run"),
            (CommandOutcome::Done, Some(reply)) => {
                let lines: Vec<&str> = reply.terminal.lines().map(str::trim).collect();
                format!("{start} was answered {}", lines.join("  "))
            }
            (CommandOutcome::Done | CommandOutcome::Unknown, _) => format!("{start} got no reply"),
        },
        (None, Some((_, last))) => format!("no {start} after {last}"),
        (None, None) => format!("no {start}"),
    }
}

fn look_at_refusal(start: &CommandStart, timeline: &Timeline) -> Seen {
    let expected = format!("{start} refused at least once");
    let sent: Vec<&Exchange> =
        timeline.exchanges.iter().filter(|exchange| exchange.begins_with(&start.0)).collect();
    if timeline.has_refused(&start.0) == Shown::Yes {
        let refused = sent.iter().find(|exchange| exchange.outcome == CommandOutcome::Refused);
        let found = match refused {
            Some(exchange) => refusal(start, exchange),
            None => format!("{start} was refused"),
        };
        return Seen { met: true, expected, found };
    }
    let found = match sent.as_slice() {
        [] if timeline.left_out > 0 => format!("no {start} was seen"),
        [] => format!("{start} was never sent"),
        [only] if only.outcome == CommandOutcome::Done => {
            format!("{start} was sent once and succeeded")
        }
        [_] => format!("{start} was sent once and not refused"),
        _ if timeline.left_out > 0 => format!("{start} was never refused"),
        all => format!("{start} was sent {} times and never refused", all.len()),
    };
    Seen::unmet(expected, found)
}

fn look_at_absence(start: &CommandStart, timeline: &Timeline) -> Seen {
    let expected = format!("{start} never run with success");
    let done = timeline.exchanges.iter().filter(|exchange| {
        exchange.outcome == CommandOutcome::Done && exchange.begins_with(&start.0)
    });
    match done.count() {
        0 => Seen { met: true, expected, found: format!("no {start}") },
        1 => Seen::unmet(expected, format!("{start} was run once")),
        count => Seen::unmet(expected, format!("{start} was run {count} times")),
    }
}

/// `SAVE was refused: ERR Background save already in progress`.
fn refusal(start: &CommandStart, exchange: &Exchange) -> String {
    match exchange.error() {
        Some(error) => format!("{start} was refused: {error}"),
        None => format!("{start} was refused"),
    }
}
