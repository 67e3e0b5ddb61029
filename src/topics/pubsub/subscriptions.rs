//! When the answer was subscribed to what.

use std::time::Duration;

use crate::redis_cli::words;
use crate::relay::{CommandOutcome, Exchange, Message, StepKind};
use crate::verdict::diagnosis::facts::{Facts, text};
use crate::verdict::diagnosis::{Cause, seen_at};

/// A program that has done nothing for so long only waits.
const IDLE: Duration = Duration::from_secs(2);

/// One channel of one SUBSCRIBE, or one pattern.
struct Subscription<'a> {
    index: usize,
    exchange: &'a Exchange,
    channel: &'a [u8],
    is_pattern: bool,
}

impl Subscription<'_> {
    fn hears(&self, channel: &[u8]) -> bool {
        // Of other patterns nothing is concluded.
        let starts = self.channel.strip_suffix(b"*").filter(|start| !start.contains(&b'*'));
        match starts {
            Some(start) if self.is_pattern => channel.starts_with(start),
            _ => self.channel == channel,
        }
    }
}

fn subscriptions<'a>(facts: &Facts<'a>) -> Vec<Subscription<'a>> {
    let mut subscriptions = Vec::new();
    for (index, exchange) in facts.numbered() {
        let name = exchange.name();
        let subscribes = ["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"].contains(&name.as_str());
        if subscribes && exchange.outcome != CommandOutcome::Refused {
            let channels = exchange.words.iter().skip(1);
            subscriptions.extend(channels.map(|channel| {
                let is_pattern = name == "PSUBSCRIBE";
                Subscription { index, exchange, channel, is_pattern }
            }));
        }
    }
    subscriptions
}

/// The messages on a channel that anybody published, with their times.
fn published(facts: &Facts<'_>) -> Vec<(Duration, Vec<Vec<u8>>)> {
    let own = facts.exchanges().iter();
    let own = own.filter(|exchange| exchange.outcome == CommandOutcome::Done);
    let own = own.map(|exchange| (exchange.at, exchange.words.clone()));
    let steps = facts.evidence.timeline.steps.iter();
    let others = steps.filter_map(|step| match &step.what {
        StepKind::Ran { line, .. } => Some((step.at, words::split(line).unwrap_or_default())),
        _ => None,
    });
    let is_publish =
        |words: &[Vec<u8>]| words.len() == 3 && words[0].eq_ignore_ascii_case(b"PUBLISH");
    own.chain(others).filter(|(_, words)| is_publish(words)).collect()
}

/// A message was published first, and only then the answer subscribed to its channel.
pub fn too_late(facts: &Facts<'_>) -> Option<Cause> {
    let subscriptions = subscriptions(facts);
    let heard = |channel: &[u8]| {
        let mut messages = facts.evidence.timeline.messages.iter();
        messages.any(|message: &Message| message.channel == channel)
    };
    let asked = asked_channels(facts);
    published(facts).iter().find_map(|(at, words)| {
        let channel = &words[1];
        let first = subscriptions.iter().find(|subscription| subscription.hears(channel))?;
        let is_asked = asked.is_empty() || asked.contains(channel);
        let is_late = first.exchange.at > *at && !heard(channel) && is_asked;
        is_late.then(|| seen_at(first.index).with(text(&words[2])).with(text(channel)))
    })
}

/// The channels that the exercise's checks name.
fn asked_channels(facts: &Facts<'_>) -> Vec<Vec<u8>> {
    let checks = facts.exercise.checks.iter();
    checks.flat_map(|check| check.subject.channels()).map(|name| name.as_bytes().to_vec()).collect()
}

/// The server closed the connection of a subscriber, and the client subscribed again on another one.
pub fn subscribed_again(facts: &Facts<'_>) -> Option<Cause> {
    // An exercise that closes every connection has its own fault to tell.
    let steps = &facts.evidence.timeline.steps;
    let is_planned = steps.iter().any(|step| match &step.what {
        StepKind::Ran { line, .. } => line.to_uppercase().starts_with("CLIENT KILL"),
        _ => false,
    });
    if is_planned {
        return None;
    }
    let subscriptions = subscriptions(facts);
    let cut_off = &facts.evidence.timeline.cut_off;
    let (again, channel) = subscriptions.iter().find_map(|first| {
        let closed = cut_off.get(&first.exchange.connection)?;
        let again = subscriptions.iter().find(|again| {
            again.channel == first.channel
                && again.exchange.connection != first.exchange.connection
                && again.exchange.at >= *closed
        })?;
        Some((again.index, first.channel))
    })?;
    Some(seen_at(again).with(text(channel)))
}

/// The program ran out of time while it only listened, and its subscription had not ended.
pub fn still_subscribed(facts: &Facts<'_>) -> Option<Cause> {
    let timeline = &facts.evidence.timeline;
    let sent = timeline.exchanges.iter().map(Exchange::ended).max().unwrap_or_default();
    let heard = timeline.messages.iter().map(|message| message.at).max().unwrap_or_default();
    let was_idle = sent.max(heard) + IDLE < facts.evidence.took;
    if !facts.evidence.run.timed_out() || !was_idle {
        return None;
    }
    // Where nothing came, nothing could have ended a loop that waits for it; and somebody who waits
    // for the answer may have more to say.
    let all_came = facts.evidence.came.len() == facts.exercise.meanwhile.len();
    if timeline.messages.is_empty() || !all_came {
        return None;
    }
    let subscriptions = subscriptions(facts);
    let last = subscriptions.last()?;
    let ended = facts.exchanges()[last.index + 1..].iter().any(|exchange| {
        let ends = ["UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "RESET", "QUIT"];
        exchange.connection == last.exchange.connection && ends.contains(&&*exchange.name())
    });
    (!ended).then(|| seen_at(last.index).with(text(last.channel)))
}

/// A subscription to keyspace events of a server that sends none.
pub fn events_are_off(facts: &Facts<'_>) -> Option<Cause> {
    const SETTING: &str = "notify-keyspace-events";
    let subscriptions = subscriptions(facts);
    let to_events = subscriptions.iter().find(|one| one.channel.starts_with(b"__key"))?;
    let is_set = facts.exercise.settings.iter().any(|(name, _)| name == SETTING)
        || facts.last_set(SETTING).is_some()
        || facts.has_script();
    let is_complete = facts.evidence.timeline.left_out == 0;
    (!is_set && is_complete).then(|| seen_at(to_events.index).with(text(to_events.channel)))
}
