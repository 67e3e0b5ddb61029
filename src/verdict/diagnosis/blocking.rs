//! What made other clients wait.

use std::time::Duration;

use super::cause::{Cause, seen_at};
use super::diagnosed::Pointer;
use super::facts::{Facts, is_script, time, took};
use super::symptom::{BLOCKED, ENDED_BADLY};
use crate::attempt::evidence::Wait;
use crate::redis_cli::commands;
use crate::relay::{CommandOutcome, Exchange};
use crate::topics::is_known_blocker;

pub fn script_blocks(facts: &Facts<'_>) -> Option<Cause> {
    let Blocker { index, exchange, wait } = blocker(facts)?;
    is_script(exchange).then(|| waited(index).with(exchange.name()).with(time(wait.took)))
}

pub fn slow_command_blocks(facts: &Facts<'_>) -> Option<Cause> {
    let Blocker { index, exchange, wait } = blocker(facts)?;
    if is_script(exchange) || is_known_blocker(&exchange.name()) {
        return None;
    }
    // Something else may have made this command wait too, so INFO must confirm that it was slow.
    let worked = facts.worked(exchange)?;
    (worked >= wait.took / 2).then(|| waited(index).with(exchange.name()).with(time(wait.took)))
}

/// A CLIENT PAUSE and how long it was to last.
struct Pause<'a> {
    command: &'a Exchange,
    asked: Duration,
}

impl Pause<'_> {
    /// A pause of writes lets PING through.
    fn is_for_all(&self) -> bool {
        self.command.words.get(3).is_none_or(|mode| !mode.eq_ignore_ascii_case(b"write"))
    }

    fn until(&self) -> Duration {
        self.command.at + self.asked
    }

    fn lasts_to_the_end(&self, facts: &Facts<'_>) -> bool {
        self.until() >= facts.evidence.took
    }

    /// Whether this later command may have waited because of the pause. One without a reply may
    /// have waited if the pause was to last until the answer's end.
    fn may_have_delayed(&self, later: &Exchange, facts: &Facts<'_>) -> bool {
        let has_waited = if later.reply.is_some() {
            took(later) >= self.asked / 2
        } else {
            self.lasts_to_the_end(facts)
        };
        later.at >= self.command.at && later.at < self.until() && has_waited
    }
}

pub fn client_pause(facts: &Facts<'_>) -> Option<Cause> {
    let index = facts.last_done(&["CLIENT", "PAUSE"])?;
    let command = facts.exchange(index)?;
    let pause = Pause { command, asked: command.asked_pause()? };
    let is_unpaused = facts.last_done(&["CLIENT", "UNPAUSE"]) > Some(index);
    let explains = if facts.shows(BLOCKED) {
        let wait = longest(facts)?;
        // UNPAUSE has to wait as well.
        pause.is_for_all()
            && wait.at < pause.until()
            && wait.at + wait.took > command.at
            && pause.asked >= wait.took / 2
    } else if is_unpaused {
        false
    } else if facts.shows(ENDED_BADLY) {
        // The answer ran out of time because of the pause only if the pause lasted until then.
        let timed_out = facts.evidence.run.timed_out() && pause.lasts_to_the_end(facts);
        let mut later = facts.exchanges()[index + 1..].iter();
        (timed_out || says_timeout(facts))
            && later.any(|exchange| pause.may_have_delayed(exchange, facts))
    } else {
        pause.is_for_all()
            && pause.lasts_to_the_end(facts)
            && facts.is_invalid_saying(&["says nothing"])
    };
    explains.then(|| seen_at(index).with(time(pause.asked)))
}

/// The script got no reply, and the server could not be observed any more. A script that only took
/// longer than its client's timeout would have ended by then.
pub fn endless_script(facts: &Facts<'_>) -> Option<Cause> {
    let (index, script) = facts.numbered().rev().find(|(_, exchange)| {
        is_script(exchange)
            && exchange.reply.is_none()
            && exchange.outcome == CommandOutcome::Unknown
    })?;
    if facts.last_look().is_some() {
        return None;
    }
    let explains = if facts.shows(ENDED_BADLY) {
        facts.evidence.run.timed_out() || says_timeout(facts) || facts.failed_saying("BUSY")
    } else {
        facts.shows(BLOCKED) || server_was_busy(facts)
    };
    explains.then(|| seen_at(index).with(script.name()))
}

/// Redis answers BUSY, or nothing, while a script runs.
fn server_was_busy(facts: &Facts<'_>) -> bool {
    let says_busy = facts
        .exchanges()
        .iter()
        .any(|exchange| exchange.error().is_some_and(|error| error.starts_with("BUSY")));
    says_busy || facts.is_invalid_saying(&["says nothing", "BUSY"])
}

/// `BLPOP key 0` and similar commands wait for another client, forever if need be.
pub fn waits_for_others(facts: &Facts<'_>) -> Option<Cause> {
    let (index, exchange) = facts.numbered().next_back()?;
    let name = exchange.name();
    let waits_for_clients = waits_alone(&name) && !name.starts_with("WAIT");
    // A client that gives up on a reply asks again, on another connection.
    let is_again = facts.exchanges()[..index].iter().any(|earlier| earlier.words == exchange.words);
    let is_waiting = exchange.reply.is_none() && waits_for_clients && !is_again;
    (facts.evidence.run.timed_out() && is_waiting).then(|| seen_at(index).with(name))
}

pub fn says_timeout(facts: &Facts<'_>) -> bool {
    ["TimeoutError", "Timeout reading", "timed out"].iter().any(|text| facts.failed_saying(text))
}

pub fn waited(index: usize) -> Cause {
    Cause::at([Pointer::Exchange(index), Pointer::LongestWait])
}

fn longest(facts: &Facts<'_>) -> Option<Wait> {
    facts.evidence.waits.as_ref().map(|waits| waits.longest)
}

/// A command that ran for most of the longest wait.
pub struct Blocker<'a> {
    pub index: usize,
    pub exchange: &'a Exchange,
    pub wait: Wait,
}

/// The first command that ran for most of the longest wait of another client.
pub fn blocker<'a>(facts: &Facts<'a>) -> Option<Blocker<'a>> {
    let wait = longest(facts)?;
    let (index, exchange) = facts
        .numbered()
        .find(|(_, exchange)| covers_most_of(wait, exchange) && !waits_alone(&exchange.name()))?;
    Some(Blocker { index, exchange, wait })
}

fn covers_most_of(wait: Wait, exchange: &Exchange) -> bool {
    let wait_end = wait.at + wait.took;
    let end = exchange.reply.as_ref().map_or(wait_end, |reply| exchange.at + reply.took);
    let shared = end.min(wait_end).saturating_sub(exchange.at.max(wait.at));
    shared * 10 >= wait.took * 6
}

/// Whether the command makes only its own connection wait.
fn waits_alone(name: &str) -> bool {
    commands::any_has(name, "blocking") || commands::never_ends(name)
}
