//! The check `sent`: which commands were run, in which order, and which were refused.

use std::fmt::Write as _;

use super::Seen;
use crate::lesson::check::in_order;
use crate::lesson::{CommandStart, Sent};
use crate::redis_cli::words;
use crate::relay::transcript::{CommandOutcome, Exchange};
use crate::relay::{Shown, Transcript};

/// How many commands a long list shows at its beginning and at its end.
const SHOWN_AT_EACH_END: usize = 3;

pub(super) fn look_at_sent(sent: &Sent, transcript: &Transcript) -> Seen {
    let mut seen = match sent {
        Sent::Order(starts) => look_at_order(starts, transcript),
        Sent::Refused(start) => look_at_refusal(start, transcript),
    };
    if !seen.met && transcript.left_out > 0 {
        let left_out = transcript.left_out;
        let _ = write!(seen.found, " ({left_out} commands in the middle were not kept)");
    }
    seen
}

fn look_at_order(starts: &[CommandStart], transcript: &Transcript) -> Seen {
    let expected = format!("run with success: {}", in_order(starts));
    let places = transcript.run_in_order(starts);
    let Some(missing) = starts.get(places.len()) else {
        return Seen { met: true, expected, found: in_order(starts) };
    };
    let last = places.last().map(|place| (*place, &starts[places.len() - 1]));
    let found =
        format!("{}; {}", commands_run(starts, transcript), why_missing(missing, last, transcript));
    Seen::unmet(expected, found)
}

/// The commands that were run, in order, in the lesson's words where they fit, without repetitions.
fn commands_run(starts: &[CommandStart], transcript: &Transcript) -> String {
    let mut parts: Vec<String> = Vec::new();
    for exchange in &transcript.exchanges {
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
    transcript: &Transcript,
) -> String {
    let from = last.map_or(0, |(place, _)| place + 1);
    let mut rest = transcript.exchanges.iter().skip(from);
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

fn look_at_refusal(start: &CommandStart, transcript: &Transcript) -> Seen {
    let expected = format!("{start} refused at least once");
    let sent: Vec<&Exchange> =
        transcript.exchanges.iter().filter(|exchange| exchange.begins_with(&start.0)).collect();
    if transcript.has_refused(&start.0) == Shown::Yes {
        let refused = sent.iter().find(|exchange| exchange.outcome == CommandOutcome::Refused);
        let found = match refused {
            Some(exchange) => refusal(start, exchange),
            None => format!("{start} was refused"),
        };
        return Seen { met: true, expected, found };
    }
    let found = match sent.as_slice() {
        [] if transcript.left_out > 0 => format!("no {start} was seen"),
        [] => format!("{start} was never sent"),
        [only] if only.outcome == CommandOutcome::Done => {
            format!("{start} was sent once and succeeded")
        }
        [_] => format!("{start} was sent once and not refused"),
        _ if transcript.left_out > 0 => format!("{start} was never refused"),
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
