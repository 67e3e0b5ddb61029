//! What clients asked through the tap and what they were answered, as plain values.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use redis::Value;

use crate::redis_cli::words::has_subcommands;

/// Everything that went through the tap while an answer ran.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Transcript {
    /// In the order in which the commands came, over all connections.
    pub exchanges: Vec<Exchange>,
    /// How many exchanges more there were than are kept; they lie between the first and the last kept ones.
    pub left_out: u64,
    /// The names of those, in upper case.
    pub left_out_names: BTreeSet<String>,
    /// Whether a connection could not be followed to its end: then nobody knows what else was sent.
    pub is_incomplete: bool,
    /// The names, in upper case, of saves that came to the server by another way than through the tap.
    pub came_past: BTreeSet<String>,
    /// How many commands of each name were refused or failed, also of those left out; names in upper case.
    pub refusals: Vec<(String, u64)>,
}

/// What a transcript says to a claim about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// It shows that it is so.
    Yes,
    /// It shows that it isn't.
    No,
    /// What would decide it was not kept.
    Unknown,
}

impl Transcript {
    /// Whether commands that begin like these were run with success in this order, whatever came between.
    pub fn has_in_order<S: AsRef<[Vec<u8>]>>(&self, starts: &[S]) -> Shown {
        let has_all =
            |counts: fn(Outcome) -> bool| self.places(starts, counts).len() == starts.len();
        if has_all(|outcome| outcome == Outcome::Done) {
            Shown::Yes
        } else if has_all(|outcome| matches!(outcome, Outcome::Done | Outcome::Unknown))
            || starts.iter().any(|start| self.may_have_lost(start.as_ref()))
        {
            Shown::Unknown
        } else {
            Shown::No
        }
    }

    /// Puts the mark [`BGSAVE_ENDED`] behind what came up to this moment, since the answer began; `seen`: when the end
    /// was seen.
    pub fn mark_bgsave_ended(&mut self, at: Duration, seen: Duration) {
        let words = vec![BGSAVE_ENDED.as_bytes().to_vec()];
        let reply = Some(Reply {
            value: Value::SimpleString(String::new()),
            took: seen.saturating_sub(at),
        });
        let mark = Exchange { at, connection: 0, words, reply, outcome: Outcome::Done };
        let place = self.exchanges.partition_point(|exchange| exchange.at <= at);
        self.exchanges.insert(place, mark);
    }

    /// What CONFIG SET has set this setting to with success, in order, and the places of those commands.
    pub fn values_set(&self, setting: &str) -> impl Iterator<Item = (usize, String)> {
        let done = |exchange: &Exchange| exchange.outcome == Outcome::Done;
        self.exchanges
            .iter()
            .enumerate()
            .filter(move |(_, exchange)| done(exchange))
            .filter_map(move |(place, exchange)| Some((place, exchange.value_set(setting)?)))
    }

    /// Whether one that begins like this may be among those that are not kept.
    fn may_have_lost(&self, start: &[Vec<u8>]) -> bool {
        let is_left_out = |word: &Vec<u8>| self.left_out_names.contains(&upper_case(word));
        self.is_incomplete || start.first().is_some_and(is_left_out)
    }

    /// Whether a command that begins like this was refused or failed.
    pub fn has_refused<W: AsRef<[u8]>>(&self, start: &[W]) -> Shown {
        let refused = || self.exchanges.iter().filter(|it| it.outcome == Outcome::Refused);
        let Some(name) = start.first() else { return Shown::No };
        if refused().any(|it| it.begins_with(start)) {
            return Shown::Yes;
        }
        let kept = refused().filter(|it| it.begins_with(&[name])).count() as u64;
        match self.refusals_of(name) {
            all if all <= kept => Shown::No,
            _ if start.len() == 1 => Shown::Yes,
            _ => Shown::Unknown,
        }
    }

    /// How many commands of this name were refused or failed, also of those left out.
    pub fn refusals_of(&self, name: impl AsRef<[u8]>) -> u64 {
        let name = upper_case(name.as_ref());
        self.refusals.iter().filter(|(it, _)| *it == name).map(|(_, count)| count).sum()
    }

    /// The places of the earliest commands that were run with success and begin like these, in this order:
    /// of as many of them, from the first on, as there are.
    pub fn run_in_order<S: AsRef<[Vec<u8>]>>(&self, starts: &[S]) -> Vec<usize> {
        self.places(starts, |outcome| outcome == Outcome::Done)
    }

    fn places<S: AsRef<[Vec<u8>]>>(&self, starts: &[S], counts: fn(Outcome) -> bool) -> Vec<usize> {
        let mut places = Vec::new();
        for place in self.as_they_ran() {
            let Some(next) = starts.get(places.len()) else { break };
            let exchange = &self.exchanges[place];
            if counts(exchange.outcome) && exchange.begins_with(next.as_ref()) {
                places.push(place);
            }
        }
        places
    }

    /// The places of all exchanges in the order in which Redis ran them. What was sent early may run late, behind a
    /// command that waits: its own reply tells when. What MULTI queued ran at EXEC.
    fn as_they_ran(&self) -> Vec<usize> {
        let mut queued: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        let mut ran: Vec<(Duration, usize)> = Vec::with_capacity(self.exchanges.len());
        // On one connection nothing is run before what came earlier.
        let mut latest: BTreeMap<u32, Duration> = BTreeMap::new();
        for (place, exchange) in self.exchanges.iter().enumerate() {
            if exchange.is_queued() {
                queued.entry(exchange.connection).or_default().push(place);
                continue;
            }
            let at = latest.entry(exchange.connection).or_default();
            *at = exchange.ended().max(*at);
            if exchange.name() == "EXEC" {
                let run = queued.remove(&exchange.connection).unwrap_or_default();
                ran.extend(run.into_iter().map(|place| (*at, place)));
            }
            ran.push((*at, place));
        }
        ran.sort_by_key(|(at, _)| *at);
        let never = queued.into_values().flatten();
        ran.into_iter().map(|(_, place)| place).chain(never).collect()
    }
}

/// The mark that the runner puts where it saw a background save end.
pub const BGSAVE_ENDED: &str = "@bgsave-ended";

/// A command and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Exchange {
    /// When it came, since the answer began.
    pub at: Duration,
    /// Which connection it came from: 1 for the first one of this answer.
    pub connection: u32,
    /// Name and arguments. A long argument is cut and says how much is missing, passwords are replaced.
    pub words: Vec<Vec<u8>>,
    /// `None`: no reply had come when the answer ended, or the connection has none (CLIENT REPLY OFF).
    pub reply: Option<Reply>,
    /// What became of it: for a command inside MULTI what EXEC said.
    pub outcome: Outcome,
}

/// What came back for a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// As it came; long strings are cut, and say how much is missing.
    pub value: Value,
    /// From the command's coming to the reply's.
    pub took: Duration,
}

/// What became of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was run and succeeded.
    Done,
    /// It was refused, or failed.
    Refused,
    /// It was queued by MULTI and never run: DISCARD, or an EXEC that failed or never came.
    NotRun,
    /// No reply came, so nobody knows.
    Unknown,
}

impl Exchange {
    /// The command's name in upper case.
    pub fn name(&self) -> String {
        self.words.first().map(|word| upper_case(word)).unwrap_or_default()
    }

    /// Whether it is no command but the mark of [`Transcript::mark_bgsave_ended`].
    pub fn is_mark(&self) -> bool {
        self.connection == 0
    }

    /// Whether MULTI queued it.
    pub fn is_queued(&self) -> bool {
        matches!(&self.reply, Some(Reply { value: Value::SimpleString(text), .. }) if text == "QUEUED")
    }

    /// What CONFIG SET sets the setting to; it takes several pairs since Redis 7.0.
    pub fn value_set(&self, setting: &str) -> Option<String> {
        if !self.begins_with(&["CONFIG", "SET"]) {
            return None;
        }
        let mut pairs = self.words[2..].chunks_exact(2);
        let pair = pairs.find(|pair| pair[0].eq_ignore_ascii_case(setting.as_bytes()))?;
        Some(String::from_utf8_lossy(&pair[1]).into_owned())
    }

    /// When its reply came, since the answer began; when it came itself, if it had none.
    pub fn ended(&self) -> Duration {
        self.at + self.reply.as_ref().map_or(Duration::ZERO, |reply| reply.took)
    }

    /// Whether the command line begins with these words: the name in any case, arguments as they are, in any
    /// case too where they are a subcommand such as `CONFIG resetstat`.
    pub fn begins_with<W: AsRef<[u8]>>(&self, words: &[W]) -> bool {
        let is_like = |(index, (own, word)): (usize, (&Vec<u8>, &W))| {
            if index == 0 || (index == 1 && has_subcommands(&self.name())) {
                own.eq_ignore_ascii_case(word.as_ref())
            } else {
                own == word.as_ref()
            }
        };
        words.len() <= self.words.len() && self.words.iter().zip(words).enumerate().all(is_like)
    }

    /// Whether arguments, or the ends of some, are left out of `words`.
    pub fn is_cut(&self) -> bool {
        let is_shortened = |word: &Vec<u8>| {
            let text = String::from_utf8_lossy(word);
            text.contains("… (") && text.ends_with(" more bytes)")
        };
        self.lacks_arguments() || self.words.iter().any(is_shortened)
    }

    /// Whether arguments are left out of `words`, and not only the ends of some.
    pub fn lacks_arguments(&self) -> bool {
        self.words.last().is_some_and(|word| {
            let text = String::from_utf8_lossy(word);
            text.starts_with("… (") && text.ends_with(" more arguments)")
        })
    }

    /// How many arguments are left out of `words`.
    pub fn arguments_left_out(&self) -> usize {
        let last = self.words.last().map(|word| String::from_utf8_lossy(word).into_owned());
        let last = last.filter(|_| self.lacks_arguments()).unwrap_or_default();
        let digits: String = last.chars().filter(char::is_ascii_digit).collect();
        digits.parse().unwrap_or(0)
    }

    /// Whether a client sends it by itself to set up its connection, and it says nothing of what the client
    /// is for. Refused it does, but for the subcommand of a newer client that the server doesn't know.
    pub fn only_sets_up_the_connection(&self) -> bool {
        let sets_up: [&[&str]; 8] = [
            &["HELLO"],
            &["AUTH"],
            &["COMMAND"],
            &["CLIENT", "SETINFO"],
            &["CLIENT", "SETNAME"],
            &["CLIENT", "ID"],
            &["CLIENT", "GETNAME"],
            &["CLIENT", "MAINT_NOTIFICATIONS"],
        ];
        let matters = self.outcome == Outcome::Refused && self.name() != "CLIENT";
        !matters && sets_up.iter().any(|words| self.begins_with(words))
    }

    /// The error it was answered by: `ERR Background save already in progress`.
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

/// A command's name as it is compared and told.
pub(super) fn upper_case(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_uppercase()
}

#[cfg(test)]
mod tests;
