//! What `verify` found, as plain values: all that any report shows, from one run or merged from several.

use std::time::Duration;

use super::case::Kind;
use super::choice::Slice;
use crate::error::WorldError;

/// All that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The course's title.
    pub course: String,
    /// Which part of the cases it is about; `None`: all that were wanted.
    pub slice: Option<Slice>,
    /// In the order in which they were wanted; one without a name where any server would do.
    pub servers: Vec<ServerReport>,
    /// What to look at in the lessons, though every case is as it must be.
    pub warnings: Vec<Warning>,
    /// Why it is less than what was wanted: parts that are missing, did not end or contradict one another. Only a
    /// merged report has any.
    pub incomplete: Vec<WorldError>,
}

/// The cases on one server.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerReport {
    /// `redis 7.0`; empty: any.
    pub wanted: String,
    /// Why there was none.
    pub unchecked: Option<WorldError>,
    /// In the lessons' order.
    pub cases: Vec<CaseReport>,
    /// By the clock, preparations and servers' starts included; of merged parts the longest.
    pub took: Duration,
}

/// One case on one server.
#[derive(Debug, Clone, PartialEq)]
pub struct CaseReport {
    /// `creating-snapshots/python/wrong-2`.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// The lesson's id.
    pub lesson: String,
    /// As the lesson was found: `lessons/04-snapshotting.md`.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// The server that ran it: `redis 7.0.15 (container)`; empty where none started.
    pub server: String,
    /// What became of it.
    pub outcome: CaseOutcome,
    /// What is not as it must be, a sentence each.
    pub problems: Vec<String>,
    /// Why it could not be checked.
    pub unchecked: Option<WorldError>,
    /// The verdict with the evidence's table and the transcript, where something is not as it must be; may hold
    /// colours.
    pub details: String,
    /// The command that repeats just this case.
    pub repeat: String,
    /// How often it was run.
    pub runs: u32,
    /// How often one of them was begun again, since this machine had kept it from being judged.
    pub again: u32,
    /// Whether not all of its runs were alike.
    pub is_flaky: bool,
    /// Of all runs together; the start of servers aside.
    pub took: Duration,
}

/// What became of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseOutcome {
    /// It is as it must be.
    Passed,
    /// It is not.
    Failed,
    /// The world failed.
    Unchecked,
    /// Something ended the run before.
    NotRun,
}

impl CaseOutcome {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Passed, Self::Failed, Self::Unchecked, Self::NotRun];

    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unchecked => "unchecked",
            Self::NotRun => "not-run",
        }
    }
}

/// Something to look at in a lesson.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// As the lesson was found.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The fact.
    pub message: String,
    /// The next step.
    pub help: String,
}

/// How it ended, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conclusion {
    /// Every case is as it must be.
    Passed,
    /// A case is not. It says more than any that could not be checked.
    Failed,
    /// No case fell short, but not all could be checked.
    Unchecked,
}

impl Conclusion {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unchecked => "unchecked",
        }
    }
}

impl Report {
    /// Every case on every server.
    pub fn cases(&self) -> impl Iterator<Item = &CaseReport> {
        self.servers.iter().flat_map(|server| &server.cases)
    }

    /// How it ended.
    pub fn conclusion(&self) -> Conclusion {
        let on_each = self.servers.iter().map(ServerReport::conclusion);
        let missing = self.incomplete.iter().map(|_| Conclusion::Unchecked);
        worst(&on_each.chain(missing).collect::<Vec<_>>())
    }
}

impl ServerReport {
    /// How it ended on this server.
    pub fn conclusion(&self) -> Conclusion {
        if self.count(CaseOutcome::Failed) > 0 {
            Conclusion::Failed
        } else if self.unchecked.is_some() || self.count(CaseOutcome::Passed) < self.cases.len() {
            Conclusion::Unchecked
        } else {
            Conclusion::Passed
        }
    }

    /// How many cases ended like this.
    pub fn count(&self, outcome: CaseOutcome) -> usize {
        self.cases.iter().filter(|case| case.outcome == outcome).count()
    }

    /// How many cases were not alike in all their runs.
    pub fn flaky(&self) -> usize {
        self.cases.iter().filter(|case| case.is_flaky).count()
    }

    /// How often runs were begun again.
    pub fn again(&self) -> u32 {
        self.cases.iter().map(|case| case.again).sum()
    }

    /// The cases that are not as they must be, or could not be checked.
    pub fn broken(&self) -> impl Iterator<Item = &CaseReport> {
        let is_broken =
            |it: &&CaseReport| matches!(it.outcome, CaseOutcome::Failed | CaseOutcome::Unchecked);
        self.cases.iter().filter(is_broken)
    }

    /// The server that ran them: `redis 7.0.15 (container)`.
    pub fn server(&self) -> &str {
        let named = self.cases.iter().find(|case| !case.server.is_empty());
        named.map_or("no server", |case| case.server.as_str())
    }
}

fn worst(conclusions: &[Conclusion]) -> Conclusion {
    if conclusions.contains(&Conclusion::Failed) {
        Conclusion::Failed
    } else if conclusions.contains(&Conclusion::Unchecked) {
        Conclusion::Unchecked
    } else {
        Conclusion::Passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_case_says_more_than_an_unchecked_one() {
        use Conclusion::{Failed, Passed, Unchecked};
        assert_eq!(worst(&[Unchecked, Failed, Passed]), Failed);
        assert_eq!(worst(&[Passed, Unchecked, Passed]), Unchecked);
        assert_eq!(worst(&[Passed, Passed]), Passed);
    }
}
