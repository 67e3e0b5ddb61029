//! The lines of a `redis` answer, and what Redis said to them.

use super::cause::Cause;
use super::diagnosed::Pointer;
use super::facts::Facts;
use crate::attempt::evidence::{Run, TypedExchange};
use crate::redis_cli::words;

/// A line of the answer and its exchange.
#[derive(Debug, Clone, Copy)]
pub(super) struct AnswerLine<'a> {
    pub(super) typed: &'a TypedExchange,
    /// The index of the exchange, if the line was sent.
    pub(super) index: Option<usize>,
}

impl<'a> AnswerLine<'a> {
    /// The error that redis-cli prints for the line.
    pub(super) fn error(self) -> Option<&'a str> {
        let reply = self.typed.reply.as_str();
        reply.strip_prefix("(error) ").or_else(|| (reply == UNREADABLE).then_some(reply))
    }

    pub(super) fn found(self) -> Cause {
        let evidence: Vec<Pointer> = self.index.map(Pointer::Exchange).into_iter().collect();
        Cause::at(evidence).with(self.typed.number.to_string())
    }
}

/// What redis-cli prints for a line whose quotes are not closed.
pub(super) const UNREADABLE: &str = "Invalid argument(s)";

/// The lines of a `redis` answer, each with its exchange.
pub(super) fn lines<'a>(facts: &Facts<'a>) -> Vec<AnswerLine<'a>> {
    let Run::Typed(run) = &facts.evidence.run else { return Vec::new() };
    let mut lines = Vec::new();
    let mut next = 0;
    for typed in &run.exchanges {
        let words = words::split(&typed.line).unwrap_or_default();
        let index = facts
            .numbered()
            .find(|(index, exchange)| *index >= next && exchange.words == words)
            .map(|(index, _)| index);
        next = index.map_or(next, |index| index + 1);
        lines.push(AnswerLine { typed, index });
    }
    lines
}

/// Whether Redis did not understand the words of the command.
pub(super) fn is_about_words(error: &str) -> bool {
    is_unknown(error)
        || ["wrong number of arguments", "syntax error", "not an integer", "invalid", UNREADABLE]
            .iter()
            .any(|text| error.contains(text))
}

pub(super) fn is_unknown(error: &str) -> bool {
    error.contains("unknown command") || error.contains("unknown subcommand")
}
