//! The state of the student's work on one step.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::worker::messages::{JudgedAnswer, RunNumber, StepVisit};
use crate::attempt::Run;
use crate::lesson::{Exercise, Language};
use crate::present::checks::Mark;
use crate::redis_cli::commands::is_endless;
use crate::topics::{self, BackgroundWork};
use crate::verdict::{LiveVerdict, Outcome, Tick};

/// A repetition (`3 PING`) is written out at most this many times, so that the file stays readable.
const MOST_TIMES: usize = 100;

/// Reset when the student goes to another step.
#[derive(Default)]
pub(super) struct StepState {
    /// The last verdict.
    pub(super) judged: Option<Rc<JudgedAnswer>>,
    /// The verdict before that.
    pub(super) previous: Option<Rc<JudgedAnswer>>,
    /// The checks' state in the work by hand.
    pub(super) live: Option<LiveVerdict>,
    /// What the server of the work by hand is doing: a work in the background, or too busy to
    /// answer; may be empty.
    pub(super) now: String,
    /// Whether the student has asked for a fresh server, which is not there yet.
    pub(super) starts_over: bool,
    /// Whether there is work by hand on a running server.
    pub(super) is_at_hand: bool,
    /// The lines typed at the prompt on that server.
    pub(super) typed: Vec<String>,
    /// The work that was running there in the background at the last look.
    pub(super) running: Option<&'static BackgroundWork>,
    /// When it was first seen.
    pub(super) running_since: Option<Instant>,
    /// The language of the answer's file that was edited last, if there is one.
    pub(super) file: Option<Language>,
    /// Whether the checks are listed or folded, if the student has chosen.
    pub(super) lists_checks: Option<bool>,
    /// The index of the last hint shown.
    pub(super) hint: Option<usize>,
    /// The last run of an example.
    pub(super) example: Option<Run>,
    /// A request that the worker has not finished yet.
    pub(super) busy: Option<Busy>,
}

/// What the student is waiting for.
pub(super) struct Busy {
    /// `checking answers/creating-snapshots.py`.
    pub(super) what: String,
    /// May be empty.
    pub(super) progress: String,
    /// When the wait began.
    pub(super) since: Instant,
}

/// What the worker runs for a verdict or an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PendingRun {
    pub(super) number: RunNumber,
    pub(super) kind: RunKind,
    /// Where it began.
    pub(super) visit: StepVisit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunKind {
    Check,
    Judging,
    Example,
}

impl RunKind {
    /// Begins a sentence about its end.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Check => "the check",
            Self::Judging => "the judging",
            Self::Example => "the example",
        }
    }
}

impl Busy {
    pub(super) fn with(what: String, since: Instant) -> Self {
        Self { what, progress: String::new(), since }
    }

    pub(super) fn elapsed(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }
}

impl StepState {
    /// The state of each check. Work by hand takes precedence over an earlier verdict.
    pub(super) fn marks(&self, exercise: &Exercise) -> Vec<Mark> {
        match (&self.live, &self.judged) {
            (Some(live), _) => live.ticks.iter().map(|tick| mark_of(*tick)).collect(),
            (None, Some(judged)) => {
                exercise.checks.iter().map(|check| judged_mark(&check.id, judged)).collect()
            }
            (None, None) => vec![Mark::Open; exercise.checks.len()],
        }
    }

    /// The sentences of checks that have got this mark since `before`.
    pub(super) fn newly(&self, mark: Mark, before: &[Mark], exercise: &Exercise) -> Vec<String> {
        let mut sentences = Vec::new();
        for ((check, was), is) in exercise.checks.iter().zip(before).zip(self.marks(exercise)) {
            if *was != mark && is == mark {
                sentences.push(check.sentence());
            }
        }
        sentences
    }

    /// Records a line typed at the prompt: it may become part of an answer.
    pub(super) fn record_line(&mut self, line: &str) {
        self.typed.extend(as_answer(line));
    }

    /// Clears the state of work by hand when it is over.
    pub(super) fn forget_work_by_hand(&mut self) {
        self.live = None;
        self.now.clear();
        self.is_at_hand = false;
        self.typed.clear();
        self.running = None;
        self.running_since = None;
    }

    /// Records which work is running in the background. If the student has seen it end, the
    /// recorded lines get a line that waits for it: run in a row, they would end before the work
    /// does.
    pub(super) fn note_running(&mut self, running: Option<&'static BackgroundWork>, now: Instant) {
        let has_waited = self.typed.last().is_none_or(|line| topics::awaited_by(line).is_some());
        if let Some(ended) = self.running.filter(|ended| running != Some(*ended) && !has_waited) {
            self.typed.extend(ended.wait_line.map(|line| format!("{line}  # you waited here")));
        }
        if self.running != running {
            self.running_since = running.map(|_| now);
        }
        self.running = running;
    }

    /// How long the work has been running, in whole seconds.
    pub(super) fn seconds_running(&self, now: Instant) -> u64 {
        self.running_since.map_or(0, |since| now.saturating_duration_since(since).as_secs())
    }
}

/// A typed line as lines of an answer file: none for a command that never ends, and a repetition
/// (`3 PING`) written out.
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
        Tick::Spoilt => Mark::Spoilt,
        Tick::NotJudged => Mark::NotReached,
        Tick::AtTheEnd => Mark::AtTheEnd,
        Tick::OfAProgram => Mark::OfAProgram,
    }
}

fn judged_mark(check: &str, judged: &JudgedAnswer) -> Mark {
    let finding = judged.verdict.findings.iter().find(|finding| finding.check == check);
    match finding.map(|finding| finding.outcome) {
        Some(Outcome::Met) => Mark::Met,
        Some(Outcome::Unmet) => Mark::Unmet,
        Some(Outcome::NotReached) => Mark::NotReached,
        // Not judged for this answer.
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
        assert!(as_answer("monitor").is_empty());
    }
}
