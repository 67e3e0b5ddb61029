//! Locks: a key that only one client may set, and that only its owner may delete.

use std::time::Duration;

use redis::Value;

use crate::redis_cli::{commands, words};
use crate::relay::{CommandOutcome, Exchange, StepKind};
use crate::verdict::diagnosis::facts::{Facts, text};
use crate::verdict::diagnosis::{Cause, seen_at};

/// DEL of a key that the answer had set first, and then another client.
pub fn deleted_anothers(facts: &Facts<'_>) -> Option<Cause> {
    let asked = facts.keys_of_the_check();
    let mut deletions = facts.numbered().filter(|(_, exchange)| {
        ["DEL", "UNLINK", "GETDEL"].contains(&exchange.name().as_str())
            && exchange.outcome == CommandOutcome::Done
            && !matches!(exchange.reply_value(), Some(Value::Int(0) | Value::Nil))
    });
    deletions.find_map(|(index, exchange)| {
        let [_, key] = &exchange.words[..] else { return None };
        let others = last_set_by_another(facts, key, exchange)?;
        let own = facts.exchanges()[..index].iter().any(|own| {
            own.outcome == CommandOutcome::Done && own.ended() <= others && sets(&own.words, key)
        });
        let set_again = facts.exchanges()[..index]
            .iter()
            .any(|own| own.at >= others && !commands::only_reads(&own.words) && own.names_key(key));
        (own && !set_again && asked.contains(key))
            .then(|| seen_at(index).with(exchange.name()).with(text(key)))
    })
}

/// When another client set the key last before this command came.
fn last_set_by_another(facts: &Facts<'_>, key: &[u8], before: &Exchange) -> Option<Duration> {
    let steps = facts.evidence.timeline.steps.iter().rev();
    let mut set = steps.filter(|step| match &step.what {
        StepKind::Ran { line, reply } => {
            let words = words::split(line).unwrap_or_default();
            sets(&words, key)
                && !matches!(reply, Value::Nil | Value::Int(0) | Value::ServerError(_))
        }
        _ => false,
    });
    set.find(|step| step.at <= before.at).map(|step| step.at)
}

/// SET … NX was answered nil, and then the answer changed what the check asks about.
pub fn went_on_without(facts: &Facts<'_>) -> Option<Cause> {
    let asked = facts.keys_of_the_check();
    let (index, refused) = facts.numbered().find(|(_, exchange)| was_there_already(exchange))?;
    let key = refused.words.get(1)?;
    let later = || facts.exchanges()[index + 1..].iter();
    let was_taken_later = later().any(|later| {
        later.names_key(key) && !was_there_already(later) && !commands::only_reads(&later.words)
    });
    let next = later().find(|later| {
        later.outcome == CommandOutcome::Done
            && !later.names_key(key)
            && !sets_only_if_new(later)
            && commands::written_keys(&later.words)
                .iter()
                .any(|at| asked.contains(&later.words[*at]))
    })?;
    let what = words::join(&next.words[..next.words.len().min(2)]);
    let name = if refused.name() == "SETNX" { "SETNX" } else { "SET … NX" };
    (!was_taken_later && !facts.has_script())
        .then(|| seen_at(index).with(name).with(text(key)).with(format!("`{what}`")))
}

/// Whether it is a SET with NX, or SETNX, that the server answered with nil or 0.
fn was_there_already(exchange: &Exchange) -> bool {
    let did_nothing = matches!(exchange.reply_value(), Some(Value::Nil | Value::Int(0)));
    did_nothing && sets_only_if_new(exchange)
}

/// With GET a reply says nothing of it.
fn sets_only_if_new(exchange: &Exchange) -> bool {
    match exchange.name().as_str() {
        "SET" => exchange.has_option(&["NX"]) && !exchange.has_option(&["GET"]),
        name => name == "SETNX",
    }
}

fn sets(words: &[Vec<u8>], key: &[u8]) -> bool {
    commands::written_keys(words).iter().any(|index| words[*index] == key)
}
