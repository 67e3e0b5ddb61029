//! The server was ended, locked, changed, or never spoken to.

use super::case::{Case, set_to, text};
use super::symptom::Symptom;
use super::{Found, Pointer};
use crate::attempt::evidence::Run;
use crate::tap::{Exchange, Outcome};

pub(super) fn resetstat(case: &Case<'_>) -> Option<Found> {
    case.last_done(&["CONFIG", "RESETSTAT"]).map(seen_at)
}

/// Only where it was not refused: a successful SHUTDOWN closes the connection without a reply.
pub(super) fn shutdown(case: &Case<'_>) -> Option<Found> {
    let ends = |it: &Exchange| it.name() == "SHUTDOWN" && it.error().is_none();
    let index = case.numbered().rev().find(|(_, it)| ends(it))?.0;
    server_is_gone(case).then(|| seen_at(index))
}

pub(super) fn debug_ended_the_server(case: &Case<'_>) -> Option<Found> {
    let ending = ["SEGFAULT", "PANIC", "RESTART", "CRASH-AND-RECOVER", "OOM"];
    let ends = |it: &Exchange| {
        let subcommand = it.words.get(1).map(|word| text(word).to_uppercase());
        it.name() == "DEBUG"
            && it.error().is_none()
            && subcommand.is_some_and(|word| ending.contains(&word.as_str()))
    };
    let (index, exchange) = case.numbered().rev().find(|(_, it)| ends(it))?;
    let subcommand = exchange.words.get(1).map(|word| text(word).to_uppercase())?;
    server_is_gone(case).then(|| seen_at(index).with(subcommand))
}

fn server_is_gone(case: &Case<'_>) -> bool {
    case.evidence.doubt.as_ref().is_some_and(|doubt| {
        ["gone", "anew", "says nothing"].iter().any(|word| doubt.contains(word))
    })
}

pub(super) fn slow_down_changed(case: &Case<'_>) -> Option<Found> {
    let (index, _) = case.last_set("rdb-key-save-delay")?;
    let doubt = case.evidence.doubt.as_ref()?;
    doubt.contains("rdb-key-save-delay").then(|| seen_at(index))
}

/// A lock that was set, and somebody whom it kept out.
pub(super) fn locked_out(case: &Case<'_>) -> Option<Found> {
    let locks = |it: &Exchange| {
        let sets = ["requirepass", "maxclients", "bind", "port"];
        let name = sets.into_iter().find(|name| set_to(it, name).is_some());
        let acl = ["ACL SETUSER", "ACL DELUSER"]
            .into_iter()
            .find(|name| it.begins_with(&name.split(' ').collect::<Vec<_>>()));
        name.or(acl).filter(|_| it.outcome == Outcome::Done)
    };
    let (index, name) = case.numbered().find_map(|(index, it)| Some((index, locks(it)?)))?;
    let kept_out = ["NOAUTH", "WRONGPASS", "NOPERM", "max number of clients"];
    let is_refusal = |it: &Exchange| {
        it.error().is_some_and(|error| kept_out.iter().any(|word| error.contains(word)))
    };
    let refused = case.numbered().find(|(at, it)| *at > index && is_refusal(it));
    let doubted = case.shows(Symptom::InDoubt)
        && case.evidence.doubt.as_ref().is_some_and(|it| it.contains("says nothing"));
    // Whoever was turned away with the connection may not have read why.
    let hung_up = ["refused", "closed", "reset", "Broken pipe"];
    let failed = kept_out.iter().any(|word| case.failed_saying(word))
        || ((refused.is_some() || matches!(name, "bind" | "port" | "maxclients"))
            && hung_up.iter().any(|word| case.failed_saying(word)));
    let concerned = doubted
        || (case.shows(Symptom::EndedBadly) && failed)
        || (!case.shows_any(&[Symptom::InDoubt, Symptom::EndedBadly]) && refused.is_some());
    let places = std::iter::once(index).chain(refused.map(|(at, _)| at));
    let evidence: Vec<Pointer> = places.map(Pointer::Exchange).collect();
    concerned.then(|| Found::at(evidence).with(name))
}

pub(super) fn password_not_asked(case: &Case<'_>) -> Option<Found> {
    let index = case
        .last_refused(&["AUTH", "HELLO"], "without any password configured")
        .or_else(|| case.last_refused(&["AUTH", "HELLO"], "WRONGPASS"))?;
    // A password that the answer itself has set is another matter.
    let was_set = case.last_set("requirepass").is_some() || case.last_done(&["ACL"]).is_some();
    let failed = case.failed_saying("password") || case.failed_saying("AUTH");
    (!was_set && failed).then(|| seen_at(index))
}

pub(super) fn became_a_replica(case: &Case<'_>) -> Option<Found> {
    let is_master =
        |it: &Exchange| it.words.get(1).is_some_and(|word| word.eq_ignore_ascii_case(b"no"));
    let last = case.last_done(&["REPLICAOF"]).max(case.last_done(&["SLAVEOF"]))?;
    let refused = case.numbered().rev().find(|(index, it)| {
        *index > last && it.error().is_some_and(|error| error.starts_with("READONLY"))
    });
    let concerned = !case.shows(Symptom::EndedBadly) || case.failed_saying("read only");
    let (at, _) = refused.filter(|_| concerned && !case.exchange(last).is_some_and(is_master))?;
    Some(Found::at([Pointer::Exchange(last), Pointer::Exchange(at)]))
}

/// redis-py: `Error 111 connecting to localhost:6380. Connection refused.`
pub(super) fn connected_elsewhere(case: &Case<'_>) -> Option<Found> {
    let line = case.errors()?.lines().rev().find(|line| line.contains(" connecting to "))?;
    let after = line.split_once(" connecting to ")?.1;
    let place = after.split_whitespace().next()?.trim_end_matches(['.', ',']);
    let is_ours = ["localhost:6379", "127.0.0.1:6379"].contains(&place);
    (nothing_came(case) && !is_ours)
        .then(|| Found::at([Pointer::ProgramErrors]).with(place.to_owned()))
}

pub(super) fn nothing_was_sent(case: &Case<'_>) -> Option<Found> {
    let is_program = matches!(case.evidence.run, Run::Program(_));
    (is_program && nothing_came(case)).then(Found::default)
}

pub(super) fn no_command_was_given(case: &Case<'_>) -> Option<Found> {
    let Run::Typed(typed) = &case.evidence.run else { return None };
    let is_idle = typed.exchanges.iter().all(|it| it.line.starts_with('@'));
    (is_idle && nothing_came(case)).then(Found::default)
}

/// Neither through the tap, nor past it as far as the server counts.
fn nothing_came(case: &Case<'_>) -> bool {
    let counted = ["set", "mset", "get", "save", "bgsave", "lastsave", "hset", "config"];
    // A client of ours that watches who has to wait sends PING.
    let ping = case.evidence.waits.is_none().then_some("ping");
    let silent = case.last_look().is_some_and(|now| {
        counted.into_iter().chain(ping).all(|name| case.calls_at(now, name) <= 0)
    });
    silent && case.exchanges().is_empty() && case.evidence.transcript.left_out == 0
}

pub(super) fn seen_at(index: usize) -> Found {
    Found::at([Pointer::Exchange(index)])
}
