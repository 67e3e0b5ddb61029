//! What became of commands whose replies nobody saw, as far as the server's counters tell.

use std::collections::{BTreeMap, BTreeSet};

use crate::server::Snapshot;
use crate::tap::{Outcome, Transcript};

/// A client that gave up, CLIENT REPLY and an EXEC with a very long reply leave commands without a known end.
/// Where INFO commandstats counts as many successful calls as there are such commands, all of them succeeded;
/// where it counts none of them, none has.
pub(super) fn settle(transcript: &mut Transcript, before: &Snapshot, now: &Snapshot) {
    let mut counts: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for exchange in &transcript.exchanges {
        let count = counts.entry(exchange.name()).or_default();
        match exchange.outcome {
            Outcome::Done => count.0 += 1,
            Outcome::Unknown => count.1 += 1,
            Outcome::Refused | Outcome::NotRun => {}
        }
    }
    // A script can't save: who saved more often than the tap has seen came past it.
    let mut came_past = BTreeSet::new();
    for name in ["SAVE", "BGSAVE"] {
        let (done, unknown) = counts.get(name).copied().unwrap_or_default();
        let is_kept = !transcript.left_out_names.contains(name);
        if is_kept && called(name, before, now) > done + unknown {
            came_past.insert(name.to_owned());
        }
    }
    // Where a connection could not be followed, they may have come by that.
    if !transcript.is_incomplete {
        transcript.is_incomplete = !came_past.is_empty();
        transcript.came_past = came_past;
    }
    for exchange in transcript.exchanges.iter_mut().filter(|it| it.outcome == Outcome::Unknown) {
        let name = exchange.name();
        if transcript.left_out_names.contains(&name) {
            continue;
        }
        let (done, unknown) = counts.get(&name).copied().unwrap_or_default();
        let called = called(&name, before, now);
        if called == done + unknown {
            exchange.outcome = Outcome::Done;
        } else if called == done {
            exchange.outcome = Outcome::Refused;
        }
    }
}

fn called(name: &str, before: &Snapshot, now: &Snapshot) -> i64 {
    let name = name.to_lowercase();
    now.successful_calls(&name) - before.successful_calls(&name)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::tap::Exchange;

    fn settled(commands: &[(&str, Outcome)], info: &str) -> Vec<Outcome> {
        let exchange = |&(name, outcome): &(&str, Outcome)| Exchange {
            at: Duration::ZERO,
            connection: 1,
            words: vec![name.as_bytes().to_vec()],
            reply: None,
            outcome,
        };
        let exchanges = commands.iter().map(exchange).collect();
        let mut transcript = Transcript { exchanges, ..Transcript::default() };
        settle(&mut transcript, &Snapshot::of(0, ""), &Snapshot::of(0, info));
        transcript.exchanges.iter().map(|exchange| exchange.outcome).collect()
    }

    #[test]
    fn a_command_that_was_counted_has_succeeded() {
        let sent = [("SAVE", Outcome::Done), ("SAVE", Outcome::Unknown)];
        assert_eq!(settled(&sent, "cmdstat_save:calls=2\n"), [Outcome::Done, Outcome::Done]);
    }

    #[test]
    fn a_command_that_was_not_counted_has_not() {
        let sent = [("SAVE", Outcome::Unknown)];
        assert_eq!(settled(&sent, "cmdstat_save:calls=1,failed_calls=1\n"), [Outcome::Refused]);
    }

    #[test]
    fn a_save_that_the_tap_has_not_seen_came_past_it() {
        let mut transcript = Transcript::default();
        let now = Snapshot::of(0, "cmdstat_save:calls=1\n");
        settle(&mut transcript, &Snapshot::of(0, ""), &now);
        assert!(transcript.is_incomplete && transcript.came_past.contains("SAVE"));
        let mut unfollowed = Transcript { is_incomplete: true, ..Transcript::default() };
        settle(&mut unfollowed, &Snapshot::of(0, ""), &now);
        assert!(unfollowed.came_past.is_empty());
    }

    #[test]
    fn one_of_two_leaves_both_unknown() {
        let sent = [("SAVE", Outcome::Unknown), ("SAVE", Outcome::Unknown)];
        assert_eq!(settled(&sent, "cmdstat_save:calls=1\n"), [Outcome::Unknown; 2]);
    }
}
