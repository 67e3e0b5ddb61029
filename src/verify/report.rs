//! The results of `verify` as plain values, from one run or merged from several. They hold
//! everything that any output format shows. Their fields with serde's attributes are the format of
//! the JSON lines.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::case::CaseKind;
use super::choice::Slice;
use crate::error::EnvironmentError;

#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The course's title.
    pub course: String,
    /// The part of the wanted cases that it covers; `None`: all.
    pub slice: Option<Slice>,
    /// In the order in which they were requested; one without a name if any server would do.
    pub servers: Vec<ServerReport>,
    pub warnings: Vec<Warning>,
    /// Why the report does not cover all wanted cases: it was interrupted, or of what is merged
    /// parts are missing, did not finish or contradict each other.
    pub incomplete: Vec<EnvironmentError>,
    /// Why there is no case.
    pub nothing: Option<String>,
}

/// The cases on one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerReport {
    /// `redis 7.0`; empty: any server.
    pub wanted: String,
    /// Why no server could be used.
    pub unchecked: Option<EnvironmentError>,
    /// In the lessons' order.
    #[serde(skip)]
    pub cases: Vec<CaseReport>,
    /// Wall-clock time, including preparations and servers' starts. When parts are merged, the
    /// longest.
    #[serde(rename = "took_ms", with = "milliseconds")]
    pub took: Duration,
}

/// One case on one server; by default it has not run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CaseReport {
    /// `creating-snapshots/python/wrong-2`.
    #[serde(rename = "case")]
    pub id: String,
    pub kind: CaseKind,
    /// The lesson's id.
    pub lesson: String,
    /// The lesson's path, as given: `lessons/04-snapshotting.md`.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// The server that ran it: `redis 7.0.15 (container)`; empty if none started.
    pub server: String,
    pub outcome: CaseOutcome,
    /// A sentence for each failed expectation.
    pub problems: Vec<String>,
    /// Why it could not be checked.
    pub unchecked: Option<EnvironmentError>,
    /// For a failed case: the verdict, the evidence and the transcript. May contain colours.
    pub details: String,
    /// The command that repeats just this case.
    pub repeat: String,
    /// The number of runs, without retries.
    pub runs: u32,
    /// The number of retries after stalls of the machine. Missing in earlier versions.
    #[serde(default, rename = "again")]
    pub retries: u32,
    /// Whether its runs disagree.
    #[serde(rename = "flaky")]
    pub is_flaky: bool,
    /// The time of all runs together, without servers' starts.
    #[serde(rename = "took_ms", with = "milliseconds")]
    pub took: Duration,
}

impl CaseReport {
    /// Whether it failed or could not be checked.
    pub fn is_broken(&self) -> bool {
        matches!(self.outcome, CaseOutcome::Failed | CaseOutcome::Unchecked)
    }
}

/// From the mildest to the most severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaseOutcome {
    /// The run ended before the case started.
    #[default]
    NotRun,
    /// Its exercise is not for this server.
    NotForServer,
    /// It met its expectation.
    Passed,
    /// The environment failed.
    Unchecked,
    /// It did not meet its expectation.
    Failed,
}

impl CaseOutcome {
    pub const ALL: [Self; 5] =
        [Self::Passed, Self::Failed, Self::Unchecked, Self::NotRun, Self::NotForServer];

    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unchecked => "unchecked",
            Self::NotRun => "not-run",
            Self::NotForServer => "not-for-server",
        }
    }
}

/// A possible flaw in a lesson; it does not make the report fail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The lesson's path, as given.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub message: String,
    /// What to do next.
    pub help: String,
}

/// From the mildest to the most severe, which takes precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Conclusion {
    /// There is no case, so nothing is proved.
    NothingToRun,
    /// Every case passed.
    Passed,
    /// No case failed, but not all could be checked.
    Unchecked,
    /// At least one case failed.
    Failed,
}

impl Conclusion {
    /// The word in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::NothingToRun => "nothing-to-run",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Unchecked => "unchecked",
        }
    }

    /// The same for people.
    pub fn in_words(self) -> &'static str {
        if self == Self::NothingToRun { "nothing to run" } else { self.word() }
    }
}

impl Report {
    /// Every case on every server.
    pub fn cases(&self) -> impl Iterator<Item = &CaseReport> {
        self.servers.iter().flat_map(|server| &server.cases)
    }

    pub fn conclusion(&self) -> Conclusion {
        let on_each = self.servers.iter().map(ServerReport::conclusion);
        let missing = self.incomplete.iter().map(|_| Conclusion::Unchecked);
        on_each.chain(missing).max().unwrap_or(Conclusion::NothingToRun)
    }
}

impl ServerReport {
    pub fn conclusion(&self) -> Conclusion {
        if self.count(CaseOutcome::Failed) > 0 {
            Conclusion::Failed
        } else if self.unchecked.is_some() || self.count(CaseOutcome::Passed) < self.wanted_here() {
            Conclusion::Unchecked
        } else if self.wanted_here() == 0 {
            Conclusion::NothingToRun
        } else {
            Conclusion::Passed
        }
    }

    /// The number of cases with this outcome.
    pub fn count(&self, outcome: CaseOutcome) -> usize {
        self.cases.iter().filter(|case| case.outcome == outcome).count()
    }

    /// The number of cases that are for this server.
    pub fn wanted_here(&self) -> usize {
        self.cases.len() - self.count(CaseOutcome::NotForServer)
    }

    /// The number of flaky cases.
    pub fn flaky(&self) -> usize {
        self.cases.iter().filter(|case| case.is_flaky).count()
    }

    /// The number of retries.
    pub fn retries(&self) -> u32 {
        self.cases.iter().map(|case| case.retries).sum()
    }

    /// The cases that failed or could not be checked.
    pub fn broken(&self) -> impl Iterator<Item = &CaseReport> {
        self.cases.iter().filter(|case| case.is_broken())
    }

    /// The server that ran them: `redis 7.0.15 (container)`.
    pub fn server(&self) -> &str {
        let named = self.cases.iter().find(|case| !case.server.is_empty());
        named.map_or("no server", |case| case.server.as_str())
    }
}

/// Durations in milliseconds, rounded to microseconds: more digits are noise.
mod milliseconds {
    use std::time::Duration;

    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64((duration.as_secs_f64() * 1e6).round() / 1e3)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        let milliseconds = f64::deserialize(from)?;
        Duration::try_from_secs_f64(milliseconds / 1e3)
            .map_err(|_| D::Error::custom(format!("{milliseconds} is not a duration")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_case_takes_precedence_over_an_unchecked_one() {
        use Conclusion::{Failed, Passed, Unchecked};
        assert_eq!([Unchecked, Failed, Passed].into_iter().max(), Some(Failed));
        assert_eq!([Passed, Unchecked, Passed].into_iter().max(), Some(Unchecked));
        assert_eq!([Passed, Passed].into_iter().max(), Some(Passed));
    }
}
