//! `sent = { order = ["SET", "BGSAVE"] }`: which commands were run, in which order, and which were
//! refused.

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use super::values::{CommandStart, command, each, each_string};
use super::{Kind, Scope, Seen, Subject, all};
use crate::attempt::evidence::Evidence;
use crate::lesson::Span;
use crate::lesson::toml_table::{Entry, Toml};
use crate::redis_cli::words;
use crate::relay::{CommandOutcome, Exchange, Shown, Timeline};

pub const KIND: Kind = Kind {
    key: "sent",
    rows: &[
        (
            "`sent = { order = [\"SET\", \"BGSAVE\"] }`",
            "these commands were run with success, in this order, see [What was \
             sent](#what-was-sent)",
        ),
        ("`sent = { refused = \"SAVE\" }`", "this command was refused at least once"),
    ],
    read: |toml, entry| Some(Arc::new(Sent(read(toml, entry)?))),
};

/// How many commands a long list shows at its beginning and at its end.
const SHOWN_AT_EACH_END: usize = 3;

#[derive(Debug)]
pub struct Sent(Vec<Condition>);

/// One thing that a timeline must show.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    /// These commands succeeded in this order, with any others between them.
    Order(Vec<CommandStart>),
    /// This command was refused or failed at least once.
    Refused(CommandStart),
}

impl Condition {
    fn is_shown_by(&self, timeline: &Timeline) -> Shown {
        match self {
            Self::Order(starts) => timeline.has_in_order(starts),
            Self::Refused(start) => timeline.has_refused(&start.0),
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order(starts) if starts.len() > 1 => {
                write!(f, "run with success, in this order: {}", in_order(starts))
            }
            Self::Order(starts) => write!(f, "run with success: {}", in_order(starts)),
            Self::Refused(start) => write!(f, "{start} refused at least once"),
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
        self.0.iter().flat_map(|condition| match condition {
            Condition::Order(starts) => starts.as_slice(),
            Condition::Refused(_) => &[],
        })
    }
}

/// Reads the value of `sent`; `None` if a part of it has a problem.
fn read(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<Vec<Condition>> {
    let example = "{ order = [\"SET\", \"BGSAVE\"] }";
    let parts = each(toml, entry, example, |toml, entry| match entry.key {
        "order" => Some(vec![Condition::Order(each_string(toml, entry, false, start)?)]),
        "refused" => {
            let starts = each_string(toml, entry, true, start)?;
            Some(starts.into_iter().map(Condition::Refused).collect())
        }
        _ => {
            toml.unknown_key(entry, "`sent`", &["order", "refused"]);
            None
        }
    })?;
    Some(parts.concat())
}

/// Reads the beginning of a command line; reports one that is not.
fn start(toml: &mut Toml<'_>, text: &str, span: Span) -> Option<CommandStart> {
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
        Condition::Order(starts) => look_at_order(starts, timeline),
        Condition::Refused(start) => look_at_refusal(start, timeline),
    };
    if !seen.met && timeline.left_out > 0 {
        let left_out = timeline.left_out;
        let _ = write!(seen.found, " ({left_out} commands in the middle were not kept)");
    }
    seen
}

fn look_at_order(starts: &[CommandStart], timeline: &Timeline) -> Seen {
    let expected = format!("run with success: {}", in_order(starts));
    let places = timeline.run_in_order(starts);
    let Some(missing) = starts.get(places.len()) else {
        return Seen { met: true, expected, found: in_order(starts) };
    };
    let last = places.last().map(|place| (*place, &starts[places.len() - 1]));
    let found =
        format!("{}; {}", commands_run(starts, timeline), why_missing(missing, last, timeline));
    Seen::unmet(expected, found)
}

/// The commands that were run, in order, in the lesson's words where they fit, without repetitions.
fn commands_run(starts: &[CommandStart], timeline: &Timeline) -> String {
    let mut parts: Vec<String> = Vec::new();
    for exchange in &timeline.exchanges {
        if exchange.outcome != CommandOutcome::Done {
            continue;
        }
        let start = starts.iter().find(|start| exchange.begins_with(&start.0));
        if start.is_none() && exchange.only_sets_up_the_connection() {
            continue;
        }
        let part = start.map_or_else(|| short(exchange), ToString::to_string);
        if parts.last() != Some(&part) {
            parts.push(part);
        }
    }
    if parts.is_empty() {
        return "nothing was run".to_owned();
    }
    if parts.len() > 2 * SHOWN_AT_EACH_END + 1 {
        let end = parts.split_off(parts.len() - SHOWN_AT_EACH_END);
        parts.truncate(SHOWN_AT_EACH_END);
        parts.push("…".to_owned());
        parts.extend(end);
    }
    in_order(&parts)
}

/// The command's name and first argument, in 40 characters at most.
fn short(exchange: &Exchange) -> String {
    let mut text = words::join(&exchange.words[..exchange.words.len().min(2)]);
    if let Some((cut, _)) = text.char_indices().nth(40) {
        text.truncate(cut);
        text.push('…');
    }
    text
}

/// Why the first command that is missing from the order does not count; `last` is the last one that
/// does.
fn why_missing(
    missing: &CommandStart,
    last: Option<(usize, &CommandStart)>,
    timeline: &Timeline,
) -> String {
    let from = last.map_or(0, |(place, _)| place + 1);
    let mut rest = timeline.exchanges.iter().skip(from);
    match (rest.find(|exchange| exchange.begins_with(&missing.0)), last) {
        (Some(exchange), _) => match exchange.outcome {
            CommandOutcome::Refused => refusal(missing, exchange),
            CommandOutcome::NotRun => format!("{missing} was queued by MULTI and never run"),
            CommandOutcome::Done | CommandOutcome::Unknown => format!("{missing} got no reply"),
        },
        (None, Some((_, last))) => format!("no {missing} after {last}"),
        (None, None) => format!("no {missing}"),
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

/// `SAVE was refused: ERR Background save already in progress`.
fn refusal(start: &CommandStart, exchange: &Exchange) -> String {
    match exchange.error() {
        Some(error) => format!("{start} was refused: {error}"),
        None => format!("{start} was refused"),
    }
}
