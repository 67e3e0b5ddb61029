//! The server was ended, locked, changed, or never spoken to.

use super::case::{Case, text};
use super::symptom::Symptom;
use super::{Found, Pointer};
use crate::attempt::evidence::Run;
use crate::server::Snapshot;
use crate::tap::{Exchange, Outcome};

pub(super) fn resetstat(case: &Case<'_>) -> Option<Found> {
    let doubt = case.evidence.doubt.as_ref()?;
    let index = case.last_done(&["CONFIG", "RESETSTAT"])?;
    doubt.contains("counters were reset").then(|| seen_at(index))
}

/// A successful SHUTDOWN closes the connection without a reply; `SHUTDOWN ABORT` has one.
pub(super) fn shutdown(case: &Case<'_>) -> Option<Found> {
    let ends = |it: &Exchange| it.name() == "SHUTDOWN" && it.reply.is_none();
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
    let name = "rdb-key-save-delay";
    let mut settings = case.exercise.settings.iter();
    let wanted = settings.find(|(setting, _)| setting == name).map(|(_, value)| value.as_str());
    let mut set = case.evidence.transcript.values_set(name);
    let (index, _) = set.find(|(_, value)| Some(value.as_str()) != wanted)?;
    let doubt = case.evidence.doubt.as_ref()?;
    doubt.contains("rdb-key-save-delay").then(|| seen_at(index))
}

/// The user by whom the server is looked at (`CheckerUser`).
const CHECKER: &[u8] = b"checker";
/// So few clients are soon too many.
const FEW_CLIENTS: usize = 16;

/// A lock that was set, and somebody whom it kept out.
pub(super) fn locked_out(case: &Case<'_>) -> Option<Found> {
    let locks = case.numbered().filter_map(|(index, it)| Some((index, lock(it)?)));
    locks.into_iter().find_map(|(index, name)| {
        let is_refusal = |it: &Exchange| it.error().is_some_and(|error| is_of(name, &error));
        let refused = case.numbered().find(|(at, it)| *at > index && is_refusal(it));
        let is_tight = match name {
            "bind" | "port" => true,
            "maxclients" => case
                .exchange(index)
                .and_then(|it| it.value_set(name))
                .is_some_and(|it| it.parse::<usize>().is_ok_and(|clients| clients <= FEW_CLIENTS)),
            _ => false,
        };
        let doubted = case.shows(Symptom::InDoubt)
            && case
                .evidence
                .doubt
                .as_ref()
                .is_some_and(|it| it.contains("says nothing") && (is_tight || is_of(name, it)));
        // Whoever was turned away with the connection may not have read why.
        let hung_up = ["refused", "closed", "reset", "Broken pipe"];
        let failed = case.last_error().is_some_and(|line| {
            is_of(name, line)
                || ((refused.is_some() || is_tight) && hung_up.iter().any(|it| line.contains(it)))
        });
        // Who came in all the same, or later, was not kept from doing what is missing. Whoever was turned
        // away before he had asked is without a reply, or is known to INFO alone.
        let from = refused.map(|(at, _)| at).or(is_tight.then_some(index + 1));
        let rest = from.map_or(&[][..], |from| &case.exchanges()[from..]);
        let somebody_came = !rest.is_empty() || (is_tight && has_rejected(case));
        let nobody_came_in = somebody_came && rest.iter().all(|it| it.outcome != Outcome::Done);
        let concerned = if case.shows(Symptom::InDoubt) {
            doubted
        } else if case.shows(Symptom::EndedBadly) {
            failed
        } else {
            nobody_came_in
        };
        let places = std::iter::once(index).chain(refused.map(|(at, _)| at));
        let evidence: Vec<Pointer> = places.map(Pointer::Exchange).collect();
        concerned.then(|| Found::at(evidence).with(name))
    })
}

/// Connections over `maxclients`.
fn has_rejected(case: &Case<'_>) -> bool {
    let field = "rejected_connections";
    case.last_look()
        .is_some_and(|now| now.snapshot.number(field) > case.evidence.before.number(field))
}

/// What this command has locked.
fn lock(exchange: &Exchange) -> Option<&'static str> {
    let sets = ["requirepass", "maxclients", "bind", "port"];
    let name = sets.into_iter().find(|name| exchange.value_set(name).is_some());
    // The rights of another user keep out only him.
    let users: [&[u8]; 2] = [b"default", CHECKER];
    let concerns_us = exchange.words.iter().skip(2).any(|user| users.contains(&user.as_slice()));
    let acl = [("ACL SETUSER", "SETUSER"), ("ACL DELUSER", "DELUSER")].into_iter();
    let mut acl = acl.filter(|(_, word)| concerns_us && exchange.begins_with(&["ACL", word]));
    name.or(acl.next().map(|(name, _)| name)).filter(|_| exchange.outcome == Outcome::Done)
}

/// Whether somebody was kept out by this lock.
fn is_of(lock: &str, error: &str) -> bool {
    let says: &[&str] = match lock {
        "requirepass" => &["NOAUTH", "WRONGPASS", "Authentication required"],
        "ACL SETUSER" | "ACL DELUSER" => {
            &["NOAUTH", "WRONGPASS", "NOPERM", "Authentication required", "authentication failed"]
        }
        "maxclients" => &["max number of clients"],
        _ => &[],
    };
    says.iter().any(|it| error.contains(it))
}

pub(super) fn password_not_asked(case: &Case<'_>) -> Option<Found> {
    let index = case
        .last_refused(&["AUTH", "HELLO"], "without any password configured")
        .or_else(|| case.last_refused(&["AUTH", "HELLO"], "WRONGPASS"))?;
    // A password that the answer or the exercise has set is another matter.
    let setup = case.exercise.setup.iter().map(|code| code.text.to_lowercase());
    let was_set = case.last_set("requirepass").is_some()
        || case.last_done(&["ACL"]).is_some()
        || case.exercise.settings.iter().any(|(name, _)| name == "requirepass" || name == "user")
        || setup.into_iter().any(|it| it.contains("requirepass") || it.contains("acl"));
    let failed = case.failed_saying("password") || case.failed_saying("AUTH");
    (!was_set && failed).then(|| seen_at(index))
}

pub(super) fn became_a_replica(case: &Case<'_>) -> Option<Found> {
    let is_master =
        |it: &Exchange| it.words.get(1).is_some_and(|word| word.eq_ignore_ascii_case(b"no"));
    let last = case.last_done(&["REPLICAOF"]).max(case.last_done(&["SLAVEOF"]))?;
    let (missing, writes) = (case.missing(), case.writes());
    let is_missing = |at: usize| {
        let of = |key: &[u8]| writes.iter().any(|it| it.index == at && it.is_to_store(key));
        let was_stored = |key: &[u8]| writes.iter().any(|it| it.has_stored(key));
        missing.iter().any(|it| of(&it.key) && !was_stored(&it.key))
    };
    let ended_badly = case.shows(Symptom::EndedBadly);
    let concerned = |at: usize| {
        if ended_badly { case.failed_saying("read only") } else { is_missing(at) }
    };
    let (at, _) = case.numbered().rev().find(|(index, it)| {
        let is_refusal = it.error().is_some_and(|error| error.starts_with("READONLY"));
        *index > last && is_refusal && concerned(*index)
    })?;
    if case.exchange(last).is_some_and(is_master) {
        return None;
    }
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

/// A server of ours lets nobody in but through the tap. Whoever has locked others out has another cause, and so has an
/// answer that was refused there and went on.
pub(super) fn came_by_the_servers_own_port(case: &Case<'_>) -> Option<Found> {
    if case.last_done(&["ACL"]).or(case.last_done(&["CONFIG", "SET"])).is_some() {
        return None;
    }
    let (before, now) = (&case.evidence.before, &case.last_look()?.snapshot);
    let was_refused = refused_without_password(now) > refused_without_password(before)
        && !case.numbered().any(|(_, exchange)| is_locked(exchange));
    let stopped_there = case.failed_saying("Authentication required") || waits_there(case);
    (was_refused && stopped_there).then(Found::default)
}

/// redis-py tries again and again, for longer than most answers have: nothing else keeps the answer then, and it did
/// nothing of what it was for.
fn waits_there(case: &Case<'_>) -> bool {
    let is_idle = case.numbered().all(|(_, exchange)| {
        let is_save = ["SAVE", "BGSAVE"].contains(&exchange.name().as_str());
        exchange.reply.is_some() && !is_save
    });
    case.evidence.run.timed_out() && is_idle
}

/// A server of the student's own may want a password at the lesson's address too.
fn is_locked(exchange: &Exchange) -> bool {
    exchange.error().is_some_and(|error| error.starts_with("NOAUTH"))
}

/// How many commands came from clients that had not said a password: `errorstat_NOAUTH:count=3`.
fn refused_without_password(snapshot: &Snapshot) -> Option<u64> {
    snapshot.field("errorstat_NOAUTH")?.strip_prefix("count=")?.parse().ok()
}

pub(super) fn nothing_was_sent(case: &Case<'_>) -> Option<Found> {
    let is_program = matches!(case.evidence.run, Run::Program(_));
    let or_elsewhere = if case.evidence.usual_port_is_taken {
        ", or it went to the other Redis on 6379"
    } else {
        ""
    };
    (is_program && case.ended_well() && nothing_came(case))
        .then(|| Found::default().with(or_elsewhere))
}

pub(super) fn no_command_was_given(case: &Case<'_>) -> Option<Found> {
    let Run::Typed(typed) = &case.evidence.run else { return None };
    let is_idle = typed.exchanges.iter().all(|it| it.line.starts_with('@'));
    (is_idle && nothing_came(case)).then(Found::default)
}

/// Neither through the tap, nor past it as far as the server counts.
fn nothing_came(case: &Case<'_>) -> bool {
    // A client of ours that watches who has to wait sends PING, and whoever connects or looks at INFO these.
    let ping = case.evidence.waits.is_some().then_some("ping");
    let is_ours = |name: &str| {
        ping == Some(name) || ["auth", "hello", "multi", "exec", "info"].contains(&name)
    };
    let silent = case.last_look().is_some_and(|now| {
        let mut names = now.snapshot.called_commands();
        names.all(|name| is_ours(name) || case.calls_at(now, name) <= 0)
    });
    silent && case.exchanges().is_empty() && case.evidence.transcript.left_out == 0
}

pub(super) fn seen_at(index: usize) -> Found {
    Found::at([Pointer::Exchange(index)])
}
