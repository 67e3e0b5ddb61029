//! What went through the relay, as plain values on one time axis.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use redis::Value;

use super::event::{Event, Mark, Step};
use crate::redis_cli::commands::{has_subcommands, named_keys};

/// How the argument begins of the runner's own PINGs on a connection of an answer, which are not the
/// answer's and not in the timeline.
pub const BARRIER: &str = "redislings:has-everything-arrived?";

/// Everything that went through the relay while an answer ran.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timeline {
    /// In the order in which the commands came, over all connections.
    pub exchanges: Vec<Exchange>,
    /// In the order in which they came.
    pub messages: Vec<Message>,
    /// How many later messages were not kept.
    pub messages_left_out: u64,
    /// In the order of their times.
    pub marks: Vec<Mark>,
    /// What happened beside the answer, in order.
    pub steps: Vec<Step>,
    /// How many exchanges were not kept; they lie between the first and the last kept ones.
    pub left_out: u64,
    /// The index of the exchange from which on none is left out.
    pub complete_from: usize,
    /// The names of those, in upper case.
    pub left_out_names: BTreeSet<String>,
    /// Connections that the server closed while their client used them, with the times.
    pub cut_off: BTreeMap<u32, Duration>,
    /// Whether a connection could not be followed to its end: other commands may have been sent.
    pub is_incomplete: bool,
    /// The names, in upper case, of saves that reached the server without the relay.
    pub came_past: BTreeSet<String>,
    /// How many commands of each name were refused or failed, including those left out; names in
    /// upper case.
    pub refusals: Vec<(String, u64)>,
}

/// Whether a timeline confirms a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// The claim is true.
    Yes,
    /// The claim is false.
    No,
    /// The exchanges that would decide it were not kept.
    Unknown,
}

impl Timeline {
    /// Everything in the order of time. A mark follows all that may have come before it.
    pub fn events(&self) -> Vec<Event<'_>> {
        let mut events: Vec<Event<'_>> = self.exchanges.iter().map(Event::Exchange).collect();
        events.extend(self.messages.iter().map(Event::Message));
        events.extend(self.steps.iter().map(Event::Step));
        events.extend(self.marks.iter().map(Event::Mark));
        // Stable, so that each kind keeps its order.
        events.sort_by_key(Event::at);
        events
    }

    /// The values that successful CONFIG SETs gave this setting, in order, each with the index of
    /// its command.
    pub fn values_set(&self, setting: &str) -> impl Iterator<Item = (usize, String)> {
        self.exchanges
            .iter()
            .enumerate()
            .filter(|(_, exchange)| exchange.outcome == CommandOutcome::Done)
            .filter_map(move |(index, exchange)| Some((index, exchange.value_set(setting)?)))
    }

    /// Whether a command that begins like this may have been left out.
    pub(super) fn may_have_lost(&self, start: &[Vec<u8>]) -> bool {
        self.is_incomplete
            || start.first().is_some_and(|name| self.left_out_names.contains(&upper_case(name)))
    }

    /// Whether a command that begins like this was refused or failed.
    pub fn has_refused<W: AsRef<[u8]>>(&self, start: &[W]) -> Shown {
        let Some(name) = start.first() else { return Shown::No };
        let mut kept = 0;
        for exchange in &self.exchanges {
            if exchange.outcome != CommandOutcome::Refused {
                continue;
            }
            if exchange.begins_with(start) {
                return Shown::Yes;
            }
            kept += u64::from(exchange.begins_with(&[name]));
        }
        match self.refusals_of(name) {
            all if all <= kept => Shown::No,
            _ if start.len() == 1 => Shown::Yes,
            _ => Shown::Unknown,
        }
    }

    /// How many commands of this name were refused or failed, including those left out.
    pub fn refusals_of(&self, name: impl AsRef<[u8]>) -> u64 {
        let name = upper_case(name.as_ref());
        self.refusals.iter().filter(|(refused, _)| *refused == name).map(|(_, count)| count).sum()
    }

    /// For each exchange, when it ran at the earliest: when it came, but not before the reply to an
    /// earlier command of its connection, for it may have been sent without waiting.
    pub fn earliest_runs(&self) -> Vec<Duration> {
        let mut latest: BTreeMap<u32, Duration> = BTreeMap::new();
        let mut runs = Vec::with_capacity(self.exchanges.len());
        for exchange in &self.exchanges {
            let replied = latest.entry(exchange.connection).or_default();
            runs.push(exchange.at.max(*replied));
            *replied = exchange.ended().max(*replied);
        }
        runs
    }

    /// For each exchange, whether it was sent before the reply to the one before it on its
    /// connection, or the next one was sent before its own reply: the replies to a pipeline come
    /// together, and say nothing about when each command ran.
    pub fn pipelined(&self) -> Vec<bool> {
        let mut latest: BTreeMap<u32, usize> = BTreeMap::new();
        let mut pipelined = vec![false; self.exchanges.len()];
        for (index, exchange) in self.exchanges.iter().enumerate() {
            if let Some(before) = latest.insert(exchange.connection, index)
                && exchange.at < self.exchanges[before].ended()
            {
                pipelined[before] = true;
                pipelined[index] = true;
            }
        }
        pipelined
    }

    /// The indexes of all exchanges in the order in which Redis ran them. A command that was sent
    /// early may run late, after a command that blocks: the time of its reply shows when. Commands
    /// that MULTI queued ran at EXEC.
    pub fn as_they_ran(&self) -> Vec<usize> {
        let mut queued: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        let mut ran: Vec<(Duration, usize)> = Vec::with_capacity(self.exchanges.len());
        // On one connection, no command runs before an earlier one.
        let mut latest: BTreeMap<u32, Duration> = BTreeMap::new();
        for (index, exchange) in self.exchanges.iter().enumerate() {
            if exchange.is_queued() {
                queued.entry(exchange.connection).or_default().push(index);
                continue;
            }
            let at = latest.entry(exchange.connection).or_default();
            *at = exchange.ended().max(*at);
            if exchange.name() == "EXEC" {
                let run = queued.remove(&exchange.connection).unwrap_or_default();
                ran.extend(run.into_iter().map(|index| (*at, index)));
            }
            ran.push((*at, index));
        }
        ran.sort_by_key(|(at, _)| *at);
        let never_run = queued.into_values().flatten();
        ran.into_iter().map(|(_, index)| index).chain(never_run).collect()
    }
}

/// A message that the server pushed to a subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// When it came, counted from the answer's beginning.
    pub at: Duration,
    /// The subscriber's connection, as in [`Exchange::connection`].
    pub connection: u32,
    /// The pattern by which it was subscribed to, if it was one.
    pub pattern: Option<Vec<u8>>,
    pub channel: Vec<u8>,
    /// Cut, as replies are.
    pub payload: Vec<u8>,
}

impl Message {
    /// Whether only the beginning of its payload was kept.
    pub fn is_cut(&self) -> bool {
        is_shortened(&self.payload)
    }
}

/// A command, its reply and its outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// When the command came, counted from the answer's beginning.
    pub at: Duration,
    /// The connection's number: 1 for the first one of this answer.
    pub connection: u32,
    /// Name and arguments. A long argument is cut and ends with a note of how much is missing;
    /// passwords are hidden.
    pub words: Vec<Vec<u8>>,
    /// `None`: no reply had come when the answer ended, or the connection gets none (CLIENT REPLY
    /// OFF).
    pub reply: Option<Reply>,
    /// For a command inside MULTI, the outcome from EXEC's reply.
    pub outcome: CommandOutcome,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// As it came; long strings are cut and end with a note of how much is missing.
    pub value: Value,
    /// From the arrival of the command to the arrival of the reply.
    pub took: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandOutcome {
    /// It ran and succeeded.
    Done,
    /// It was refused, or failed.
    Refused,
    /// MULTI queued it but it never ran: DISCARD, or an EXEC that failed or never came.
    NotRun,
    /// No reply came.
    Unknown,
}

impl Exchange {
    /// The command's name in upper case.
    pub fn name(&self) -> String {
        self.words.first().map(|word| upper_case(word)).unwrap_or_default()
    }

    /// Whether MULTI queued it.
    pub fn is_queued(&self) -> bool {
        match &self.reply {
            Some(Reply { value: Value::SimpleString(text), .. }) => text == "QUEUED",
            _ => false,
        }
    }

    /// The value that CONFIG SET gives the setting; it takes several pairs since Redis 7.0.
    pub fn value_set(&self, setting: &str) -> Option<String> {
        if !self.begins_with(&["CONFIG", "SET"]) {
            return None;
        }
        let mut pairs = self.words[2..].chunks_exact(2);
        let pair = pairs.find(|pair| pair[0].eq_ignore_ascii_case(setting.as_bytes()))?;
        Some(String::from_utf8_lossy(&pair[1]).into_owned())
    }

    /// For how long CLIENT PAUSE asks.
    pub fn asked_pause(&self) -> Option<Duration> {
        let millis = self.words.get(2).filter(|_| self.begins_with(&["CLIENT", "PAUSE"]))?;
        String::from_utf8_lossy(millis).parse().ok().map(Duration::from_millis)
    }

    /// When its reply came, counted from the answer's beginning; without a reply, when the command
    /// came.
    pub fn ended(&self) -> Duration {
        self.at + self.reply.as_ref().map_or(Duration::ZERO, |reply| reply.took)
    }

    /// The reply as it came; that to a command inside MULTI is `QUEUED`.
    pub fn reply_value(&self) -> Option<&Value> {
        self.reply.as_ref().map(|reply| &reply.value)
    }

    /// Whether the command names this key.
    pub fn names_key(&self, key: &[u8]) -> bool {
        named_keys(&self.words).iter().any(|index| self.words[*index] == key)
    }

    /// Whether an argument behind the first two, such as a key and its value, is one of these words.
    pub fn has_option(&self, options: &[&str]) -> bool {
        self.words.iter().skip(3).any(|word| is_any(word, options))
    }

    /// Whether the command line begins with these words. The name matches in any case, and so does
    /// a subcommand (`CONFIG resetstat`); other arguments must be equal.
    pub fn begins_with<W: AsRef<[u8]>>(&self, words: &[W]) -> bool {
        if words.len() > self.words.len() {
            return false;
        }
        self.words.iter().zip(words).enumerate().all(|(index, (own, word))| {
            if index == 0 || (index == 1 && has_subcommands(&self.name())) {
                own.eq_ignore_ascii_case(word.as_ref())
            } else {
                own == word.as_ref()
            }
        })
    }

    /// Whether whole arguments, or the ends of some, are left out of `words`.
    pub fn is_cut(&self) -> bool {
        self.lacks_arguments() || self.words.iter().any(|word| is_shortened(word))
    }

    /// Whether whole arguments are left out of `words`.
    pub fn lacks_arguments(&self) -> bool {
        self.arguments_left_out().is_some()
    }

    /// How many arguments are left out of `words`.
    pub fn arguments_left_out(&self) -> Option<usize> {
        let note = std::str::from_utf8(self.words.last()?).ok()?;
        note.strip_prefix("… (")?.strip_suffix(" more arguments)")?.parse().ok()
    }

    /// Whether a client library sends this command by itself to set up its connection, so that it
    /// says nothing about the answer. A refused one matters, except for CLIENT: an old server may
    /// not know the subcommand of a newer client.
    pub fn only_sets_up_the_connection(&self) -> bool {
        const SETUP_COMMANDS: [&[&str]; 8] = [
            &["HELLO"],
            &["AUTH"],
            &["COMMAND"],
            &["CLIENT", "SETINFO"],
            &["CLIENT", "SETNAME"],
            &["CLIENT", "ID"],
            &["CLIENT", "GETNAME"],
            &["CLIENT", "MAINT_NOTIFICATIONS"],
        ];
        let matters = self.outcome == CommandOutcome::Refused && self.name() != "CLIENT";
        !matters && SETUP_COMMANDS.iter().any(|words| self.begins_with(words))
    }

    /// The error that it got as its reply: `ERR Background save already in progress`.
    pub fn error(&self) -> Option<String> {
        match &self.reply.as_ref()?.value {
            Value::ServerError(error) => {
                let line = crate::redis_cli::reply::error_line(error.code(), error.details());
                Some(line.trim_start_matches("(error) ").to_owned())
            }
            _ => None,
        }
    }
}

/// Whether the word is one of these names, in any case.
pub fn is_any(word: &[u8], names: &[&str]) -> bool {
    names.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
}

pub(super) fn is_shortened(word: &[u8]) -> bool {
    let text = String::from_utf8_lossy(word);
    text.contains("… (") && text.ends_with(" more bytes)")
}

/// A command's name in the form in which it is compared and shown.
pub(super) fn upper_case(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_uppercase()
}

#[cfg(test)]
mod tests;
