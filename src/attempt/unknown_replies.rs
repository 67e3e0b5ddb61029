//! Infers from the server's counters whether commands without a seen reply succeeded.

use std::collections::{BTreeMap, BTreeSet};

use redis::Value;

use crate::relay::{CommandOutcome, StepKind, Timeline};
use crate::server::ServerInfo;
use crate::topics::durable_commands;

/// A client that gave up, CLIENT REPLY, and an EXEC with a very long reply leave commands with an
/// unknown outcome. If INFO commandstats counts all of them as successful calls, all succeeded; if
/// it counts none, none did.
pub(super) fn resolve_unknown_replies(
    timeline: &mut Timeline,
    before: &ServerInfo,
    now: &ServerInfo,
) {
    let mut counts: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for exchange in &timeline.exchanges {
        let count = counts.entry(exchange.name()).or_default();
        match exchange.outcome {
            CommandOutcome::Done => count.0 += 1,
            CommandOutcome::Unknown => count.1 += 1,
            CommandOutcome::Refused | CommandOutcome::NotRun => {}
        }
    }
    for step in &timeline.steps {
        if let StepKind::Ran { line, reply } = &step.what
            && !matches!(reply, Value::ServerError(_))
        {
            let name = line.split_whitespace().next().unwrap_or_default().to_uppercase();
            counts.entry(name).or_default().0 += 1;
        }
    }
    // A script cannot save, so a save that the relay has not seen came to the server another way.
    let mut came_past = BTreeSet::new();
    for name in durable_commands() {
        let (done, unknown) = counts.get(name).copied().unwrap_or_default();
        let is_kept = !timeline.left_out_names.contains(name);
        if is_kept && called(name, before, now) > done + unknown {
            came_past.insert(name.to_owned());
        }
    }
    // If a connection could not be followed, the saves may have come on that one.
    if !timeline.is_incomplete {
        timeline.is_incomplete = !came_past.is_empty();
        timeline.came_past = came_past;
    }
    if now.run_id() != before.run_id() {
        // A server that started anew counts anew.
        return;
    }
    for exchange in &mut timeline.exchanges {
        if exchange.outcome != CommandOutcome::Unknown {
            continue;
        }
        let name = exchange.name();
        if timeline.left_out_names.contains(&name) {
            continue;
        }
        let (done, unknown) = counts.get(&name).copied().unwrap_or_default();
        let called = called(&name, before, now);
        if called == done + unknown {
            exchange.outcome = CommandOutcome::Done;
        } else if called == done {
            exchange.outcome = CommandOutcome::Refused;
        }
    }
}

fn called(name: &str, before: &ServerInfo, now: &ServerInfo) -> i64 {
    let name = name.to_lowercase();
    now.successful_calls(&name) - before.successful_calls(&name)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::relay::Exchange;

    fn settled(commands: &[(&str, CommandOutcome)], info: &str) -> Vec<CommandOutcome> {
        let exchange = |&(name, outcome): &(&str, CommandOutcome)| Exchange {
            at: Duration::ZERO,
            connection: 1,
            words: vec![name.as_bytes().to_vec()],
            reply: None,
            outcome,
        };
        let exchanges = commands.iter().map(exchange).collect();
        let mut timeline = Timeline { exchanges, ..Timeline::default() };
        resolve_unknown_replies(&mut timeline, &ServerInfo::of(0, ""), &ServerInfo::of(0, info));
        timeline.exchanges.iter().map(|exchange| exchange.outcome).collect()
    }

    #[test]
    fn a_command_that_was_counted_has_succeeded() {
        let sent = [("SAVE", CommandOutcome::Done), ("SAVE", CommandOutcome::Unknown)];
        assert_eq!(
            settled(&sent, "cmdstat_save:calls=2\n"),
            [CommandOutcome::Done, CommandOutcome::Done]
        );
    }

    #[test]
    fn a_command_that_was_not_counted_has_not() {
        let sent = [("SAVE", CommandOutcome::Unknown)];
        assert_eq!(
            settled(&sent, "cmdstat_save:calls=1,failed_calls=1\n"),
            [CommandOutcome::Refused]
        );
    }

    #[test]
    fn a_server_that_started_anew_says_nothing_of_commands_before() {
        let sent = [("SHUTDOWN", CommandOutcome::Unknown)];
        assert_eq!(settled(&sent, "run_id:other\n"), [CommandOutcome::Unknown]);
    }

    #[test]
    fn a_save_that_the_relay_has_not_seen_came_past_it() {
        let mut timeline = Timeline::default();
        let now = ServerInfo::of(0, "cmdstat_save:calls=1\n");
        resolve_unknown_replies(&mut timeline, &ServerInfo::of(0, ""), &now);
        assert!(timeline.is_incomplete && timeline.came_past.contains("SAVE"));
        let mut unfollowed = Timeline { is_incomplete: true, ..Timeline::default() };
        resolve_unknown_replies(&mut unfollowed, &ServerInfo::of(0, ""), &now);
        assert!(unfollowed.came_past.is_empty());
    }

    #[test]
    fn one_of_two_leaves_both_unknown() {
        let sent = [("SAVE", CommandOutcome::Unknown), ("SAVE", CommandOutcome::Unknown)];
        assert_eq!(settled(&sent, "cmdstat_save:calls=1\n"), [CommandOutcome::Unknown; 2]);
    }
}
