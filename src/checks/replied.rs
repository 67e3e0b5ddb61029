//! `replied = { "PUBLISH orders" = ">= 1" }`: what the answer's last such command was answered.

use std::sync::Arc;

use super::expected::{Expected, Extra, pairs_with, texts_of};
use super::reply::compared;
use super::sent::start;
use super::values::{CommandStart, each};
use super::{Kind, Scope, Seen, Subject, all, joined};
use crate::attempt::evidence::Evidence;
use crate::lesson::toml_table::{Entry, Toml};
use crate::lesson::words::RandomWords;
use crate::relay::LastReply;

pub const KIND: Kind = Kind {
    key: "replied",
    rows: &[(
        "`replied = { \"PUBLISH orders\" = \">= 1\" }`",
        "the answer's last command that begins like this was answered so, see [What was \
         replied](#what-was-replied)",
    )],
    read: |toml, entry| {
        let commands = each(toml, entry, "{ \"PUBLISH orders\" = \">= 1\" }", command)?;
        Some(Arc::new(Replied(commands)))
    },
};

#[derive(Debug)]
struct Replied(Vec<(CommandStart, Expected)>);

fn command(toml: &mut Toml<'_>, entry: Entry<'_>) -> Option<(CommandStart, Expected)> {
    let start = start(toml, entry.key, entry.key_span())?;
    Some((start, Expected::read(toml, entry, Extra::Nothing)?))
}

impl Subject for Replied {
    fn texts(&self) -> Vec<&str> {
        texts_of(&self.0)
    }

    fn with_words(&self, words: &RandomWords) -> Option<Arc<dyn Subject>> {
        Some(Arc::new(Self(pairs_with(&self.0, words))))
    }

    fn sentence(&self) -> String {
        joined(&self.0, |(start, reply)| format!("`{start}` was answered {reply}"))
    }

    fn scope(&self) -> Scope {
        Scope::Run
    }

    fn judge(&self, evidence: &Evidence) -> Option<Seen> {
        let replies: Vec<_> =
            self.0.iter().map(|(start, expected)| Looked::at(start, expected, evidence)).collect();
        let is_open = replies.iter().any(|looked| looked.met.is_none());
        let is_unmet = replies.iter().any(|looked| looked.met == Some(false));
        (is_unmet || !is_open).then(|| all(&replies, Looked::seen))
    }
}

struct Looked<'a> {
    start: &'a CommandStart,
    expected: &'a Expected,
    reply: LastReply,
    /// `None`: what was recorded does not decide.
    met: Option<bool>,
}

impl<'a> Looked<'a> {
    fn at(start: &'a CommandStart, expected: &'a Expected, evidence: &Evidence) -> Self {
        let reply = evidence.timeline.last_reply(&start.0);
        let met = match &reply {
            LastReply::Never => Some(false),
            LastReply::Was(reply) => Some(expected.is_met_by(reply)),
            LastReply::Unknown => None,
        };
        Self { start, expected, reply, met }
    }

    fn seen(&self) -> Seen {
        let Self { start, expected, .. } = self;
        let met = self.met != Some(false);
        let LastReply::Was(reply) = &self.reply else {
            return Seen {
                met,
                expected: format!("{start} → {expected}"),
                found: format!("{start} was never run"),
            };
        };
        compared(&start.to_string(), expected, Some(reply), met)
    }
}
