//! Who kept the others waiting.

use std::time::Duration;

use super::case::{Case, is_queued, is_script, text, time, took};
use super::server::seen_at;
use super::symptom::Symptom;
use super::{Found, Pointer};
use crate::attempt::evidence::Wait;
use crate::redis_cli::words::is_waiting_pop;
use crate::tap::{Exchange, Outcome};

/// SAVE stops the server until the file is written (Redis facts 10.5).
pub(super) fn save_is_used(case: &Case<'_>) -> Option<Found> {
    let index = case.last_done(&["SAVE"])?;
    Some(seen_at(index).with(duration_of(case, index)))
}

/// The same where its effect on others was seen.
pub(super) fn save_blocks(case: &Case<'_>) -> Option<Found> {
    let (index, wait) = blocker(case, &|it| it.name() == "SAVE" && it.error().is_none())?;
    Some(waited(index).with(time(wait.took)))
}

pub(super) fn script_blocks(case: &Case<'_>) -> Option<Found> {
    let (index, wait) = blocker(case, &is_script)?;
    Some(waited(index).with(name_of(case, index)).with(time(wait.took)))
}

pub(super) fn slow_command_blocks(case: &Case<'_>) -> Option<Found> {
    let (index, wait) = blocker(case, &|it| !is_script(it) && it.name() != "SAVE")?;
    // A command may have been kept waiting itself, by whatever did it: INFO knows how long it was at work.
    let worked = case.worked(case.exchange(index)?)?;
    (worked >= wait.took / 2).then_some(())?;
    Some(waited(index).with(name_of(case, index)).with(time(wait.took)))
}

/// Paused clients wait by order. A pause of writes lets PING through.
pub(super) fn client_pause(case: &Case<'_>) -> Option<Found> {
    let is_for_all =
        |it: &Exchange| it.words.get(3).is_none_or(|mode| !mode.eq_ignore_ascii_case(b"write"));
    let index = case.last_done(&["CLIENT", "PAUSE"])?;
    let pause = case.exchange(index)?;
    let asked = pause.words.get(2).and_then(|word| text(word).parse().ok());
    let asked = Duration::from_millis(asked?);
    let until = pause.at + asked;
    if case.last_done(&["CLIENT", "UNPAUSE"]).is_some_and(|unpause| unpause > index) {
        return None;
    }
    // Whoever had no reply by then may have waited for it, if it was to last so long.
    let to_the_end = until >= case.evidence.took;
    let waited_since = |it: &Exchange| {
        let (at, waited) = (it.at, took(it) >= asked / 2);
        at >= pause.at && at < until && if it.reply.is_some() { waited } else { to_the_end }
    };
    let stands = if case.shows(Symptom::Blocked) {
        let wait = longest(case)?;
        is_for_all(pause) && wait.at + wait.took > pause.at && asked >= wait.took / 2
    } else if case.shows(Symptom::EndedBadly) {
        // An answer is out of time by a pause only if that went on until then.
        let failed = (case.evidence.run.timed_out() && to_the_end) || says_timeout(case);
        let later = case.numbered().filter(|(at, _)| *at > index);
        failed && later.map(|(_, it)| it).any(waited_since)
    } else {
        is_for_all(pause)
            && to_the_end
            && case.evidence.doubt.as_ref().is_some_and(|it| it.contains("says nothing"))
    };
    stands.then(|| seen_at(index).with(time(asked)))
}

/// Without a reply to the end, and the others are told BUSY or nothing: the server was not to be looked at any
/// more. A script that was only longer than its client's patience had ended by then.
pub(super) fn endless_script(case: &Case<'_>) -> Option<Found> {
    let is_running =
        |it: &Exchange| is_script(it) && it.reply.is_none() && it.outcome == Outcome::Unknown;
    let (index, script) = case.numbered().rev().find(|(_, it)| is_running(it))?;
    if case.last_look().is_some() {
        return None;
    }
    let busy =
        case.exchanges().iter().any(|it| it.error().is_some_and(|it| it.starts_with("BUSY")));
    let silent = case
        .evidence
        .doubt
        .as_ref()
        .is_some_and(|it| it.contains("says nothing") || it.contains("BUSY"));
    let stands = if case.shows(Symptom::EndedBadly) {
        case.evidence.run.timed_out() || says_timeout(case) || case.failed_saying("BUSY")
    } else {
        busy || silent || case.shows(Symptom::Blocked)
    };
    stands.then(|| seen_at(index).with(script.name()))
}

/// The client gave up, the server did not.
pub(super) fn client_gave_up(case: &Case<'_>) -> Option<Found> {
    let (index, _) =
        case.numbered().rev().find(|(_, it)| it.name() == "SAVE" && it.reply.is_none())?;
    let last = case.numbered().rev().find(|(_, it)| it.outcome != Outcome::Refused)?;
    let is_last = last.0 == index || case.exchanges()[index..].iter().all(|it| it.name() == "SAVE");
    (is_last && says_timeout(case) && !case.evidence.run.timed_out())
        .then(|| Found::at([Pointer::Exchange(index), Pointer::ProgramErrors]))
}

/// `BLPOP key 0` and its like wait for somebody else, for ever if need be.
pub(super) fn waits_for_others(case: &Case<'_>) -> Option<Found> {
    let (index, exchange) = case.numbered().next_back()?;
    let name = exchange.name();
    let is_for_clients = waits_by_itself(&name) && !name.starts_with("WAIT");
    let is_waiting = exchange.reply.is_none() && is_for_clients;
    (case.evidence.run.timed_out() && is_waiting).then(|| seen_at(index).with(name))
}

fn says_timeout(case: &Case<'_>) -> bool {
    ["TimeoutError", "Timeout reading", "timed out"].iter().any(|it| case.failed_saying(it))
}

fn waited(index: usize) -> Found {
    Found::at([Pointer::Exchange(index), Pointer::LongestWait])
}

fn name_of(case: &Case<'_>, index: usize) -> String {
    case.exchange(index).map(Exchange::name).unwrap_or_default()
}

fn duration_of(case: &Case<'_>, index: usize) -> String {
    let exchange = case.exchange(index).filter(|it| it.reply.is_some() && !is_queued(it));
    exchange.map(|it| format!(" (here {})", time(took(it)))).unwrap_or_default()
}

fn longest(case: &Case<'_>) -> Option<Wait> {
    case.evidence.waits.as_ref().map(|waits| waits.longest)
}

/// The first command of this kind that was at work for most of the longest wait.
fn blocker(case: &Case<'_>, is_it: &dyn Fn(&Exchange) -> bool) -> Option<(usize, Wait)> {
    let wait = longest(case)?;
    let covers = |it: &Exchange| {
        let end = it.reply.as_ref().map_or(wait.at + wait.took, |reply| it.at + reply.took);
        let shared = end.min(wait.at + wait.took).saturating_sub(it.at.max(wait.at));
        shared * 10 >= wait.took * 6
    };
    let first = case.numbered().find(|(_, it)| covers(it) && !waits_by_itself(&it.name()));
    first.filter(|(_, it)| is_it(it)).map(|(index, _)| (index, wait))
}

/// Commands that make only their own connection wait.
fn waits_by_itself(name: &str) -> bool {
    let others = ["WAIT", "WAITAOF", "XREAD", "XREADGROUP", "SUBSCRIBE", "PSUBSCRIBE", "MONITOR"];
    is_waiting_pop(name) || others.contains(&name)
}
