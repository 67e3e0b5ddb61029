//! What is known of the student's work on one exercise.

use std::time::Instant;

use super::backstage::Judged;
use crate::attempt::Run;
use crate::attempt::commands::is_endless;
use crate::attempt::commands::{WAIT_BGSAVE, is_wait};
use crate::lesson::Exercise;
use crate::present::checks::Mark;
use crate::verdict::{LiveVerdict, Outcome, Tick};

/// A longer repetition is no answer that somebody wants to read.
const MOST_TIMES: usize = 100;

/// All of it is forgotten when the student goes to another step.
#[derive(Default)]
pub(super) struct Work {
    /// The last verdict.
    pub(super) judged: Option<Judged>,
    /// How the checks stand in what is done by hand.
    pub(super) live: Option<LiveVerdict>,
    /// What goes on there just now: a background save, a server that answers nobody; may be empty.
    pub(super) now: String,
    /// Whether something is done by hand, on a server that lives.
    pub(super) is_at_hand: bool,
    /// What was typed at the prompt on that server.
    pub(super) typed: Vec<String>,
    /// Whether a background save ran there when it was last looked at.
    pub(super) saves: bool,
    /// The hint that was shown last.
    pub(super) hint: Option<usize>,
    /// What the example printed that ran last.
    pub(super) example: Option<Run>,
    /// An order that is not carried out yet.
    pub(super) busy: Option<Busy>,
}

/// What the student waits for.
pub(super) struct Busy {
    /// `checking answers/creating-snapshots.py`.
    pub(super) what: String,
    /// How far it is; may be empty.
    pub(super) progress: String,
    /// When the wait began.
    pub(super) since: Instant,
}

impl Busy {
    pub(super) fn with(what: String) -> Self {
        Self { what, progress: String::new(), since: Instant::now() }
    }
}

impl Work {
    /// How each check stands: what is done by hand comes before the verdict on an earlier answer.
    pub(super) fn marks(&self, exercise: &Exercise) -> Vec<Mark> {
        match (&self.live, &self.judged) {
            (Some(live), _) => live.ticks.iter().map(|tick| mark_of(*tick)).collect(),
            (None, Some(judged)) => {
                exercise.checks.iter().map(|check| judged_mark(&check.id, judged)).collect()
            }
            (None, None) => vec![Mark::Open; exercise.checks.len()],
        }
    }

    /// The sentences of checks that have been met since `before`.
    pub(super) fn newly_met(&self, before: &[Mark], exercise: &Exercise) -> Vec<String> {
        let now = self.marks(exercise);
        let checks = exercise.checks.iter().zip(before.iter().zip(&now));
        let is_new = |(was, is): (&Mark, &Mark)| *was != Mark::Met && *is == Mark::Met;
        checks.filter(|(_, marks)| is_new(*marks)).map(|(check, _)| check.sentence()).collect()
    }

    /// A line typed at the prompt becomes part of what may be an answer.
    pub(super) fn keep_in_mind(&mut self, line: &str) {
        self.typed.extend(as_answer(line));
    }

    /// What was done by hand is over.
    pub(super) fn forget_work_by_hand(&mut self) {
        self.live = None;
        self.now.clear();
        self.is_at_hand = false;
        self.typed.clear();
        self.saves = false;
    }

    /// Keeps in mind whether a background save runs. Where the student has seen one end, what is kept of the lines
    /// must wait for it too: run one after the other they would come to their end first.
    pub(super) fn note_saving(&mut self, saves: bool) {
        let has_waited = self.typed.last().is_none_or(|line| is_wait(line));
        if self.saves && !saves && !has_waited {
            self.typed.push(format!("{WAIT_BGSAVE}  # you waited here"));
        }
        self.saves = saves;
    }
}

/// A typed line as lines of an answer's file: without what is never answered there, and a repetition (`3 PING`)
/// written out.
fn as_answer(line: &str) -> Vec<String> {
    let line = line.trim();
    let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let times = first.parse::<usize>().ok().filter(|_| !rest.trim().is_empty());
    let (times, command) = times.map_or((1, line), |times| (times.min(MOST_TIMES), rest.trim()));
    if is_endless(command) { Vec::new() } else { vec![command.to_owned(); times] }
}

fn mark_of(tick: Tick) -> Mark {
    match tick {
        Tick::Met => Mark::Met,
        Tick::Open => Mark::Open,
        Tick::AtTheEnd => Mark::AtTheEnd,
        Tick::OfAProgram => Mark::OfAProgram,
    }
}

fn judged_mark(check: &str, judged: &Judged) -> Mark {
    let finding = judged.verdict.findings.iter().find(|finding| finding.check == check);
    match finding.map(|finding| finding.outcome) {
        Some(Outcome::Met) => Mark::Met,
        Some(Outcome::Unmet) => Mark::Unmet,
        Some(Outcome::NotReached) => Mark::NotReached,
        // Not asked of this answer.
        None => Mark::OfAProgram,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repetition_is_written_out_and_what_never_ends_is_left_out() {
        assert_eq!(as_answer(" SET a 1 "), ["SET a 1"]);
        assert_eq!(as_answer("3 PING"), ["PING", "PING", "PING"]);
        assert_eq!(as_answer("7"), ["7"]);
        assert!(as_answer("monitor").is_empty() && as_answer("SUBSCRIBE a").is_empty());
    }
}
