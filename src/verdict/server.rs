//! Checks of the server at one moment: LASTSAVE, counters, INFO, replies, settings.

use super::{Seen, all};
use crate::attempt::evidence::{Evidence, Observation, forks_for_saves, is_saving};
use crate::lesson::check::names_of_calls;
use crate::lesson::{Comparison, Expected, Lastsave, Subject};
use crate::server::{BgsaveEnd, ServerInfo};

pub(super) fn look_at_server(subject: &Subject, now: &Observation, evidence: &Evidence) -> Seen {
    let before = &evidence.before;
    match subject {
        Subject::Lastsave(expected) => {
            look_at_lastsave(*expected, before.lastsave, now.info.lastsave)
        }
        Subject::Calls(calls) => all(calls, |(names, count)| {
            look_at_calls(names, *count, successful_calls(names, &now.info, before))
        }),
        Subject::Info(fields) => {
            all(fields, |(field, expected)| look_at_info(field, expected, now, evidence))
        }
        Subject::Reply(replies) => {
            all(replies, |(command, expected)| look_at_reply(command, expected, now))
        }
        Subject::Config(settings) => {
            all(settings, |(name, expected)| look_at_setting(name, expected, now))
        }
        // These are not about a moment of the server: `look` handles them before.
        Subject::Stdout(_)
        | Subject::Exit(_)
        | Subject::Blocked(_)
        | Subject::Sent(_)
        | Subject::Dump(_) => Seen::unmet(String::new(), String::new()),
    }
}

/// Whether the result depends on calls of ours that a busy server may or may not have run: then it
/// is unknown how many were the answer's.
pub(super) fn leaves_open(subject: &Subject, now: &Observation, evidence: &Evidence) -> bool {
    let Subject::Calls(calls) = subject else { return false };
    let mut is_open = false;
    for (names, count) in calls {
        let most = successful_calls(names, &now.info, &evidence.before);
        let least = most - unsure_calls(names, &now.info, &evidence.before);
        match (count.holds(float(most)), count.holds(float(least))) {
            // Unmet in any case.
            (false, false) => return false,
            (true, true) => {}
            (true, false) | (false, true) => is_open = true,
        }
    }
    is_open
}

/// Tests for a different value, not a greater one: a clock may be set back (`tests/facts`,
/// LASTSAVE).
fn look_at_lastsave(expected: Lastsave, before: i64, now: i64) -> Seen {
    let (met, text) = match expected {
        Lastsave::Advanced => (now != before, "another LASTSAVE than before"),
        Lastsave::Unchanged => (now == before, "the same LASTSAVE as before"),
    };
    let found = match now - before {
        0 => format!("LASTSAVE is still {before}: no snapshot was finished"),
        difference => format!("LASTSAVE went from {before} to {now} ({difference:+} s)"),
    };
    Seen { met, expected: text.to_owned(), found }
}

/// The calls of all these commands since `before`, added up.
fn successful_calls(names: &[String], now: &ServerInfo, before: &ServerInfo) -> i64 {
    names.iter().map(|name| now.successful_calls(name) - before.successful_calls(name)).sum()
}

fn unsure_calls(names: &[String], now: &ServerInfo, before: &ServerInfo) -> i64 {
    names.iter().map(|name| now.unsure_calls(name) - before.unsure_calls(name)).sum()
}

fn look_at_calls(names: &[String], count: Comparison, made: i64) -> Seen {
    let name = names_of_calls(names);
    Seen {
        met: count.holds(float(made)),
        expected: format!("{name} called with success: {count}"),
        found: format!("{name} called with success: {made}"),
    }
}

fn look_at_reply(command: &str, expected: &str, now: &Observation) -> Seen {
    let reply = now.replies.get(command);
    let found = reply.map_or("no reply", |reply| reply.terminal.as_str());
    Seen {
        met: reply.is_some_and(|reply| reply.is(expected)),
        expected: format!("{command} → {expected}"),
        found: format!("{command} → {found}"),
    }
}

fn look_at_setting(name: &str, expected: &str, now: &Observation) -> Seen {
    let found = now.config.get(name).map_or("unknown here", String::as_str);
    Seen {
        met: found == expected,
        expected: format!("{name} {expected}"),
        found: format!("{name} {found}"),
    }
}

fn look_at_info(field: &str, expected: &Expected, now: &Observation, evidence: &Evidence) -> Seen {
    let before = &evidence.before;
    let value = now.info.field(field).unwrap_or_default();
    let number = value.parse::<f64>().ok();
    let met = match expected {
        Expected::Text(text) => value == text,
        Expected::Number(comparison) => number.is_some_and(|number| comparison.holds(number)),
        Expected::MoreBy(difference) => {
            let was = before.field(field).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
            Comparison::is(*difference).holds(number.unwrap_or(0.0) - was)
        }
    };
    let shown = if value.is_empty() { "missing" } else { value };
    let mut seen =
        Seen { met, expected: format!("{field} {expected}"), found: format!("{field} {shown}") };
    if let Expected::MoreBy(_) = expected {
        let was = before.field(field).unwrap_or("missing");
        seen.found = format!("{field} went from {was} to {shown}");
    }
    if seen.met
        && let Some(truth) = what_info_misses(field, value, now, evidence)
    {
        seen = Seen { met: false, found: truth, ..seen };
    }
    seen
}

/// INFO's two blind spots (`tests/facts`, INFO persistence and commandstats): a background save
/// that a signal ended leaves the status as it was, and one that is only scheduled is not in
/// progress yet.
fn what_info_misses(
    field: &str,
    value: &str,
    now: &Observation,
    evidence: &Evidence,
) -> Option<String> {
    match field {
        "rdb_last_bgsave_status" if value == "ok" && more_ends_than_forks(now) => {
            let text = "the server's log shows more background saves that ended than began, so \
                        something else wrote to it";
            Some(text.to_owned())
        }
        "rdb_last_bgsave_status" if value == "ok" && was_killed(now) => {
            let text = "INFO still says ok, but the server's log says that a signal ended the \
                        background save (FLUSHALL does that): it left no snapshot";
            Some(text.to_owned())
        }
        "rdb_bgsave_in_progress" if value == "0" && is_saving(&now.info, &evidence.before) => {
            let text = "rdb_bgsave_in_progress 0, but a background save was scheduled and has not \
                        begun";
            Some(text.to_owned())
        }
        _ => None,
    }
}

fn was_killed(now: &Observation) -> bool {
    now.bgsave_ends.last() == Some(&BgsaveEnd::Killed)
}

/// A script can write to the server's log (`redis.log`), but can't begin a save that way. Where
/// saves do not fork (Valkey's forkless ones), the number of forks says nothing.
fn more_ends_than_forks(now: &Observation) -> bool {
    let forks = forks_for_saves(&now.info);
    forks > 0 && i64::try_from(now.bgsave_ends.len()).is_ok_and(|ends| ends > forks)
}

#[expect(clippy::cast_precision_loss, reason = "counters stay far below 2^53")]
fn float(number: i64) -> f64 {
    number as f64
}
