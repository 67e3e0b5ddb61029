//! What `verify` tells of one server, for people and for programs.

use std::fmt::Write as _;

use super::super::Exit;
use super::super::shell::{lessons_option, shell_word};
use crate::cli::Common;
use crate::error::WorldError;
use crate::present::text::clean;
use crate::present::{json, terminal};
use crate::server::ServerVersion;
use crate::server::source::DEFAULT_IMAGE;
use crate::verify::{Case, CaseResult};

/// The cases and what became of them on one server.
pub(super) struct Report<'r> {
    pub(super) cases: &'r [Case<'r>],
    /// `None`: not run, see [`crate::verify::run`].
    pub(super) results: &'r [Option<CaseResult>],
    pub(super) common: &'r Common,
    /// The wanted version, which is named to repeat a case.
    pub(super) version: Option<&'r ServerVersion>,
}

impl Report<'_> {
    fn pairs(&self) -> impl Iterator<Item = (&Case<'_>, Option<&CaseResult>)> {
        self.cases.iter().zip(self.results.iter().map(Option::as_ref))
    }

    fn run(&self) -> impl Iterator<Item = &CaseResult> {
        self.results.iter().flatten()
    }

    /// How it ended.
    pub(super) fn exit(&self) -> Exit {
        if self.run().any(|result| !result.problems.is_empty()) {
            Exit::FellShort
        } else if self.run().count() < self.cases.len()
            || self.run().any(|result| result.unchecked.is_some())
        {
            Exit::Unchecked
        } else {
            Exit::Passed
        }
    }

    fn server(&self) -> &str {
        let named = self.run().find(|result| !result.server.is_empty());
        named.map_or("no server", |result| result.server.as_str())
    }

    /// The command that repeats just this case.
    fn repeat(&self, case: &Case<'_>) -> String {
        let mut command = format!("redislings verify {} --server {}", case.id, self.common.server);
        if let Some(lessons) = lessons_option(self.common) {
            command = format!("{command} {lessons}");
        }
        if self.common.image != DEFAULT_IMAGE {
            command = format!("{command} --image {}", shell_word(&self.common.image));
        }
        if let Some(version) = self.version {
            command = format!("{command} --server-version '{version}'");
        }
        command
    }

    /// What is not as it must be, and what there is.
    pub(super) fn body(&self) -> String {
        let mut text = String::new();
        for (case, result) in self.pairs() {
            if let Some(result) = result.filter(|result| !result.is_good()) {
                text.push_str(&self.broken(case, result));
            }
        }
        for (group, good, all) in self.groups() {
            text.push_str(&terminal::group_line(group, good, all));
        }
        text
    }

    /// The result in one line, and whether it is a good one.
    pub(super) fn line(&self) -> (bool, String) {
        let good = self.run().filter(|result| result.is_good()).count();
        let all = self.cases.len();
        let not_run = match all - self.run().count() {
            0 => String::new(),
            count => format!("; {count} were not run"),
        };
        let line = match all {
            0 => "the lessons load; there is nothing in them to run".to_owned(),
            _ => format!("{good} of {all} cases as they must be, on {}{not_run}", self.server()),
        };
        (good == all, line)
    }

    fn broken(&self, case: &Case<'_>, result: &CaseResult) -> String {
        let mut text = terminal::heading(&case.id);
        text.push_str(&terminal::place(&case.lesson.path.display().to_string(), case.line));
        for problem in &result.problems {
            let _ = writeln!(text, "  {}", clean(problem));
        }
        if let Some(WorldError { fact, help }) = &result.unchecked {
            let _ = writeln!(
                text,
                "  could not be checked: {fact}\n  help: {}",
                help.replace('\n', "\n        ")
            );
        }
        let _ = writeln!(text, "  repeat: {}\n", self.repeat(case));
        text
    }

    /// Cases by what stands before the last `/` of their ids, in order: name, good ones, all.
    fn groups(&self) -> Vec<(&str, usize, usize)> {
        let mut groups: Vec<(&str, usize, usize)> = Vec::new();
        for (case, result) in self.pairs() {
            let name = case.id.rsplit_once('/').map_or(case.id.as_str(), |(group, _)| group);
            if groups.last().is_none_or(|group| group.0 != name) {
                groups.push((name, 0, 0));
            }
            if let Some(group) = groups.last_mut() {
                group.1 += usize::from(result.is_some_and(CaseResult::is_good));
                group.2 += 1;
            }
        }
        groups
    }

    /// For [`Self::document`].
    pub(super) fn facts(&self) -> Facts {
        Facts {
            repeats: self.cases.iter().map(|case| self.repeat(case)).collect(),
            told: self.results.iter().map(|result| told(result.as_ref())).collect(),
        }
    }

    /// The JSON of it.
    pub(super) fn document<'d>(&'d self, facts: &'d Facts) -> json::Verify<'d> {
        let cases = self.pairs().zip(&facts.repeats).zip(&facts.told);
        let cases = cases.map(|(((case, result), repeat), problems)| json::VerifyCase {
            case: &case.id,
            file: case.lesson.path.display().to_string(),
            line: case.line,
            outcome: case_outcome(result),
            problems,
            repeat,
        });
        json::Verify {
            outcome: outcome(self.exit()),
            server: self.server(),
            cases: cases.collect(),
        }
    }
}

/// What the JSON borrows: a command to repeat and what broke, for each case.
pub(super) struct Facts {
    repeats: Vec<String>,
    told: Vec<Vec<String>>,
}

/// The word for it in JSON.
pub(super) fn outcome(exit: Exit) -> &'static str {
    match exit {
        Exit::Passed => "passed",
        Exit::FellShort => "failed",
        _ => "unchecked",
    }
}

fn told(result: Option<&CaseResult>) -> Vec<String> {
    match result {
        Some(result) => {
            let unchecked = result.unchecked.iter().map(|error| error.fact.clone());
            result.problems.iter().cloned().chain(unchecked).collect()
        }
        None => vec!["not run, since no server could be started".to_owned()],
    }
}

fn case_outcome(result: Option<&CaseResult>) -> &'static str {
    match result {
        Some(result) if result.is_good() => "passed",
        Some(result) if result.unchecked.is_none() => "failed",
        _ => "unchecked",
    }
}
