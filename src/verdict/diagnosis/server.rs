//! The server was ended, locked or changed, or nobody talked to it.

use super::cause::{Cause, seen_at};
use super::diagnosed::Pointer;
use super::facts::{Facts, text};
use super::symptom::{ENDED_BADLY, EVIDENCE_INVALID};
use crate::attempt::evidence::Run;
use crate::checks::calls::Calls;
use crate::relay::{CommandOutcome, Exchange};
use crate::runner_line;
use crate::server::ServerInfo;
use crate::topics::is_durable;

pub fn resetstat(facts: &Facts<'_>) -> Option<Cause> {
    let index = facts.last_done(&["CONFIG", "RESETSTAT"])?;
    facts.is_invalid_saying(&["counters were reset"]).then(|| seen_at(index))
}

/// A successful SHUTDOWN closes the connection without a reply; `SHUTDOWN ABORT` has one.
pub fn shutdown(facts: &Facts<'_>) -> Option<Cause> {
    let index = facts
        .exchanges()
        .iter()
        .rposition(|exchange| exchange.name() == "SHUTDOWN" && exchange.reply.is_none())?;
    server_is_gone(facts).then(|| seen_at(index))
}

pub fn debug_ended_the_server(facts: &Facts<'_>) -> Option<Cause> {
    let (index, subcommand) = facts
        .numbered()
        .rev()
        .find_map(|(index, exchange)| Some((index, fatal_debug_subcommand(exchange)?)))?;
    server_is_gone(facts).then(|| seen_at(index).with(subcommand))
}

fn fatal_debug_subcommand(exchange: &Exchange) -> Option<String> {
    let subcommand = text(exchange.words.get(1)?).to_uppercase();
    let is_fatal =
        ["SEGFAULT", "PANIC", "RESTART", "CRASH-AND-RECOVER", "OOM"].contains(&subcommand.as_str());
    (is_fatal && exchange.name() == "DEBUG" && exchange.error().is_none()).then_some(subcommand)
}

fn server_is_gone(facts: &Facts<'_>) -> bool {
    facts.is_invalid_saying(&["gone", "anew", "says nothing"])
}

/// The user that the checker connects as (`CheckerUser`).
const CHECKER: &[u8] = b"checker";
/// A `maxclients` up to this soon turns clients away.
const FEW_CLIENTS: usize = 16;

/// The answer locked the server, and the lock kept somebody out.
pub fn locked_out(facts: &Facts<'_>) -> Option<Cause> {
    facts.numbered().find_map(|(index, exchange)| locked_out_by(facts, index, lock_of(exchange)?))
}

fn locked_out_by(facts: &Facts<'_>, index: usize, lock: &'static str) -> Option<Cause> {
    let is_tight = is_tight(facts, index, lock);
    let refused = facts.numbered().find(|(at, exchange)| {
        *at > index && exchange.error().is_some_and(|error| is_refusal_of(lock, &error))
    });
    let refused = refused.map(|(at, _)| at);
    let is_concerned = if facts.shows(EVIDENCE_INVALID) {
        facts.is_invalid_saying(&["says nothing"])
            && (is_tight || facts.is_invalid_saying(refusals_of(lock)))
    } else if facts.shows(ENDED_BADLY) {
        let may_hang_up = refused.is_some() || is_tight;
        facts
            .last_error()
            .is_some_and(|line| is_refusal_of(lock, line) || (may_hang_up && says_hung_up(line)))
    } else {
        // A client that was turned away before it sent anything has no refusal in the timeline.
        let from = refused.or(is_tight.then_some(index + 1));
        nobody_came_in(facts, from, is_tight)
    };
    is_concerned.then(|| seen_at(index).and(refused).with(lock))
}

/// Whether the lock keeps out new clients without a refusal that the relay sees.
fn is_tight(facts: &Facts<'_>, index: usize, lock: &str) -> bool {
    match lock {
        "bind" | "port" => true,
        "maxclients" => facts
            .exchange(index)
            .and_then(|exchange| exchange.value_set(lock))
            .and_then(|value| value.parse::<usize>().ok())
            .is_some_and(|clients| clients <= FEW_CLIENTS),
        _ => false,
    }
}

/// A client whose connection was closed may not have read why.
fn says_hung_up(line: &str) -> bool {
    ["refused", "closed", "reset", "Broken pipe"].iter().any(|word| line.contains(word))
}

/// Whether clients came from this exchange on, and none succeeded. A client that got in anyway, or
/// later, was not kept from doing what is missing. Clients that were turned away before they sent
/// anything have no reply, or are known only from INFO.
fn nobody_came_in(facts: &Facts<'_>, from: Option<usize>, is_tight: bool) -> bool {
    let rest = from.map_or(&[][..], |from| &facts.exchanges()[from..]);
    let somebody_came = !rest.is_empty() || (is_tight && has_rejected(facts));
    somebody_came && rest.iter().all(|exchange| exchange.outcome != CommandOutcome::Done)
}

/// Whether the server rejected connections over `maxclients`.
fn has_rejected(facts: &Facts<'_>) -> bool {
    let field = "rejected_connections";
    facts
        .last_look()
        .is_some_and(|now| now.info.number(field) > facts.evidence.before.number(field))
}

/// How this command locked the server, if it did.
fn lock_of(exchange: &Exchange) -> Option<&'static str> {
    if exchange.outcome != CommandOutcome::Done {
        return None;
    }
    let settings = ["requirepass", "maxclients", "bind", "port"];
    if let Some(name) = settings.into_iter().find(|name| exchange.value_set(name).is_some()) {
        return Some(name);
    }
    // The rights of another user keep out only that user.
    let users: [&[u8]; 2] = [b"default", CHECKER];
    if !exchange.words.iter().skip(2).any(|user| users.contains(&user.as_slice())) {
        return None;
    }
    let commands = [("ACL SETUSER", "SETUSER"), ("ACL DELUSER", "DELUSER")];
    let command = commands.into_iter().find(|(_, second)| exchange.begins_with(&["ACL", second]));
    command.map(|(lock, _)| lock)
}

/// Whether this lock can be the reason for the error.
fn is_refusal_of(lock: &str, error: &str) -> bool {
    refusals_of(lock).iter().any(|text| error.contains(text))
}

fn refusals_of(lock: &str) -> &'static [&'static str] {
    match lock {
        "requirepass" => {
            &["NOAUTH", "WRONGPASS", "Authentication required", "client already authenticated"]
        }
        "ACL SETUSER" | "ACL DELUSER" => {
            &["NOAUTH", "WRONGPASS", "NOPERM", "Authentication required", "authentication failed"]
        }
        "maxclients" => &["max number of clients"],
        _ => &[],
    }
}

/// A command of which the check wants none.
pub fn unwanted_command(facts: &Facts<'_>) -> Option<Cause> {
    facts.check?.of_kind::<Calls>()?.unwanted().find_map(|name| {
        let words: Vec<&str> = name.split('|').collect();
        let index = facts.last_done(&words)?;
        Some(seen_at(index).with(words.join(" ").to_uppercase()))
    })
}

pub fn password_not_asked(facts: &Facts<'_>) -> Option<Cause> {
    let index = facts
        .last_refused(&["AUTH", "HELLO"], "without any password configured")
        .or_else(|| facts.last_refused(&["AUTH", "HELLO"], "WRONGPASS"))?;
    // A password that the answer or the exercise has set is another matter.
    let was_set = facts.last_set("requirepass").is_some()
        || facts.last_done(&["ACL"]).is_some()
        || facts.exercise.settings.iter().any(|(name, _)| name == "requirepass" || name == "user")
        || facts.exercise.setup.iter().any(|code| sets_a_password(&code.text));
    let has_failed = facts.failed_saying("password") || facts.failed_saying("AUTH");
    (!was_set && has_failed).then(|| seen_at(index))
}

fn sets_a_password(setup: &str) -> bool {
    let setup = setup.to_lowercase();
    setup.contains("requirepass") || setup.contains("acl")
}

pub fn became_a_replica(facts: &Facts<'_>) -> Option<Cause> {
    let last = facts.last_done(&["REPLICAOF"]).max(facts.last_done(&["SLAVEOF"]))?;
    if is_replica_of_no_one(facts.exchange(last)?) {
        return None;
    }
    let (refused, _) = facts.numbered().rev().find(|(index, exchange)| {
        *index > last
            && exchange.error().is_some_and(|error| error.starts_with("READONLY"))
            && explains_the_finding(facts, *index)
    })?;
    Some(seen_at(last).and(refused))
}

/// `REPLICAOF NO ONE`.
fn is_replica_of_no_one(exchange: &Exchange) -> bool {
    exchange.words.get(1).is_some_and(|word| word.eq_ignore_ascii_case(b"no"))
}

/// Whether the program failed because its write was refused, or the refused write at `index` would
/// have stored what is missing.
fn explains_the_finding(facts: &Facts<'_>, index: usize) -> bool {
    if facts.shows(ENDED_BADLY) {
        return facts.failed_saying("read only");
    }
    let writes = facts.writes();
    facts.missing().iter().any(|missing| {
        let key = &missing.key;
        let was_to_store =
            writes.iter().any(|write| write.index == index && write.is_to_store(key));
        was_to_store && !writes.iter().any(|write| write.has_stored(key))
    })
}

/// redis-py: `Error 111 connecting to localhost:6380. Connection refused.`
pub fn connected_elsewhere(facts: &Facts<'_>) -> Option<Cause> {
    let line = facts.errors()?.lines().rev().find(|line| line.contains(" connecting to "))?;
    let after = line.split_once(" connecting to ")?.1;
    let address = after.split_whitespace().next()?.trim_end_matches(['.', ',']);
    let is_ours = ["localhost:6379", "127.0.0.1:6379"].contains(&address);
    // It says so itself, whatever other clients and we have sent.
    let came = !facts.exchanges().is_empty() || facts.evidence.timeline.left_out > 0;
    (!came && !is_ours).then(|| Cause::at([Pointer::ProgramErrors]).with(address))
}

/// Our server lets clients in only through the relay. An answer that locked others out has another
/// cause, and so has one that was refused there and went on.
pub fn came_by_the_servers_own_port(facts: &Facts<'_>) -> Option<Cause> {
    if facts.last_done(&["ACL"]).or(facts.last_done(&["CONFIG", "SET"])).is_some() {
        return None;
    }
    let (before, now) = (&facts.evidence.before, &facts.last_look()?.info);
    let was_refused = refused_without_password(now) > refused_without_password(before)
        && !facts.numbered().any(|(_, exchange)| is_locked(exchange));
    // A client that speaks RESP3 begins with HELLO.
    let says = ["Authentication required", "client already authenticated"];
    let stopped_there = says.iter().any(|text| facts.failed_saying(text)) || waits_there(facts);
    (was_refused && stopped_there).then(Cause::default)
}

/// redis-py retries for longer than the time limit of most answers. Then nothing else holds up the
/// answer, and it has not saved yet.
fn waits_there(facts: &Facts<'_>) -> bool {
    let is_idle = facts
        .numbered()
        .all(|(_, exchange)| exchange.reply.is_some() && !is_durable(&exchange.name()));
    facts.evidence.run.timed_out() && is_idle
}

/// A server of the student's own may also ask for a password at the lesson's address.
fn is_locked(exchange: &Exchange) -> bool {
    exchange.error().is_some_and(|error| error.starts_with("NOAUTH"))
}

/// How many commands came from clients that had not sent a password: `errorstat_NOAUTH:count=3`.
fn refused_without_password(info: &ServerInfo) -> Option<u64> {
    info.field("errorstat_NOAUTH")?.strip_prefix("count=")?.parse().ok()
}

pub fn nothing_was_sent(facts: &Facts<'_>) -> Option<Cause> {
    let is_program = matches!(facts.evidence.run, Run::Program(_));
    let or_elsewhere = if facts.evidence.usual_port_is_taken {
        ", or it went to the other Redis on 6379"
    } else {
        ""
    };
    let may_work_on_files = facts.exercise.stop;
    (is_program && !may_work_on_files && facts.ended_well() && nothing_came(facts))
        .then(|| Cause::default().with(or_elsewhere))
}

pub fn no_command_was_given(facts: &Facts<'_>) -> Option<Cause> {
    let Run::Typed(typed) = &facts.evidence.run else { return None };
    let is_idle = typed.exchanges.iter().all(|exchange| {
        runner_line::is_for_the_runner(&exchange.line) && !runner_line::acts(&exchange.line)
    });
    (is_idle && nothing_came(facts)).then(Cause::default)
}

/// Whether no command came through the relay, and none past it as far as the server counts.
fn nothing_came(facts: &Facts<'_>) -> bool {
    let has_probe = facts.evidence.waits.is_some();
    let is_silent = facts.last_look().is_some_and(|now| {
        let mut names = now.info.called_commands();
        names.all(|name| {
            is_sent_by_us(name, has_probe)
                || is_asked_by_checks(facts, name)
                || facts.calls_at(now, name) <= 0
        })
    });
    is_silent && facts.exchanges().is_empty() && facts.evidence.timeline.left_out == 0
}

/// Our client that measures waits, the probe, sends PING; connecting and looking takes the other
/// commands.
fn is_sent_by_us(name: &str, has_probe: bool) -> bool {
    (has_probe && name == "ping")
        || ["auth", "hello"].contains(&name)
        || ServerInfo::ASKED.contains(&name)
}

/// Whether a look asks this: some looks come while the answer runs.
fn is_asked_by_checks(facts: &Facts<'_>, name: &str) -> bool {
    let checks = facts.exercise.checks.iter();
    let mut asked = checks.flat_map(|check| check.subject.expected_replies());
    asked.any(|(command, _)| {
        command.split_whitespace().next().is_some_and(|first| first.eq_ignore_ascii_case(name))
    })
}
