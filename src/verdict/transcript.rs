//! `sent`: which commands were run, in which order, and which were refused.

use std::fmt::Write as _;

use super::Seen;
use crate::lesson::check::in_order;
use crate::lesson::{CommandStart, Sent};
use crate::redis_cli::words;
use crate::tap::transcript::{Exchange, Outcome};
use crate::tap::{Shown, Transcript};

/// Of a longer story the beginning and the end are told, so many commands each.
const TOLD: usize = 3;

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
    let last = places.last().copied();
    let behind = last.map(|place| (place, &starts[places.len() - 1]));
    let found =
        format!("{}; {}", story(starts, transcript), what_became_of(missing, behind, transcript));
    Seen::unmet(expected, found)
}

/// What was run, in order, by the words of the lesson where they fit; repetitions are told once.
fn story(starts: &[CommandStart], transcript: &Transcript) -> String {
    let mut parts: Vec<String> = Vec::new();
    for exchange in transcript.exchanges.iter().filter(|it| it.outcome == Outcome::Done) {
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
    if parts.len() > 2 * TOLD + 1 {
        let end = parts.split_off(parts.len() - TOLD);
        parts.truncate(TOLD);
        parts.push("…".to_owned());
        parts.extend(end);
    }
    in_order(&parts)
}

/// Its name and first argument.
fn short(exchange: &Exchange) -> String {
    let mut text = words::join(&exchange.words[..exchange.words.len().min(2)]);
    if let Some((cut, _)) = text.char_indices().nth(40) {
        text.truncate(cut);
        text.push('…');
    }
    text
}

/// Why the first command that is missing in the order does not count; `behind` is the last one that does.
fn what_became_of(
    missing: &CommandStart,
    behind: Option<(usize, &CommandStart)>,
    transcript: &Transcript,
) -> String {
    let from = behind.map_or(0, |(place, _)| place + 1);
    let mut rest = transcript.exchanges.iter().skip(from);
    match (rest.find(|it| it.begins_with(&missing.0)), behind) {
        (Some(exchange), _) => match exchange.outcome {
            Outcome::Refused => refusal(missing, exchange),
            Outcome::NotRun => format!("{missing} was queued by MULTI and never run"),
            Outcome::Done | Outcome::Unknown => format!("no reply came to {missing}"),
        },
        (None, Some((_, last))) => format!("no {missing} after {last}"),
        (None, None) => format!("no {missing}"),
    }
}

fn look_at_refusal(start: &CommandStart, transcript: &Transcript) -> Seen {
    let expected = format!("{start} refused at least once");
    let like_it = || transcript.exchanges.iter().filter(|it| it.begins_with(&start.0));
    if transcript.has_refused(&start.0) == Shown::Yes {
        let refused = like_it().find(|it| it.outcome == Outcome::Refused);
        let found = refused.map_or_else(|| format!("{start} was refused"), |it| refusal(start, it));
        return Seen { met: true, expected, found };
    }
    let found = match like_it().count() {
        0 if transcript.left_out > 0 => format!("no {start} was seen"),
        0 => format!("{start} was never sent"),
        1 if like_it().any(|it| it.outcome == Outcome::Done) => {
            format!("{start} was sent once and succeeded")
        }
        1 => format!("{start} was sent once and not refused"),
        _ if transcript.left_out > 0 => format!("{start} was never refused"),
        times => format!("{start} was sent {times} times and never refused"),
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
