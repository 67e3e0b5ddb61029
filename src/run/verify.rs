//! `redislings verify`: the lessons proved, for authors and CI.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::output::{err, out};
use super::{Exit, Stop, choose_server, load, tell_line};
use crate::attempt::Python;
use crate::cli::{Common, Format};
use crate::error::WorldError;
use crate::lesson::Course;
use crate::present::text::clean;
use crate::present::{json, terminal};
use crate::server::source::DEFAULT_IMAGE;
use crate::server::{Source, Wanted};
use crate::verify::{self, Case, CaseResult};

pub(super) fn verify(
    common: &Common,
    only: &[String],
    jobs: u8,
    format: Format,
) -> Result<Exit, Stop> {
    if matches!(super::wanted(common)?, Wanted::Address(_)) {
        let help = "leave `--server` out, or use container, process or bundled";
        return Err(Stop::Usage(
            "a server behind an address can't be verified with: each case needs a fresh one"
                .to_owned(),
            help.to_owned(),
        ));
    }
    let course = load(common)?;
    if let Some(name) = verify::unknown_names(&course, only).first() {
        let help = "name a lesson, an exercise (`redislings list` shows all) or one case of it";
        return Err(Stop::Usage(
            format!("there is nothing called `{name}` to verify"),
            help.to_owned(),
        ));
    }
    let cases = verify::cases(&course, only);
    if cases.is_empty() {
        return Ok(report(&cases, &[], common, format));
    }
    let (results, unchecked) = match prepare(common, &course, &cases) {
        Ok((source, python)) => (run(&cases, &source, python.as_ref(), jobs), None),
        Err(Stop::World(error)) => (vec![None; cases.len()], Some(error)),
        Err(stop) => return Err(stop),
    };
    let exit = report(&cases, &results, common, format);
    match unchecked {
        Some(error) => Err(Stop::World(error)),
        None => Ok(exit),
    }
}

fn report(
    cases: &[Case<'_>],
    results: &[Option<CaseResult>],
    common: &Common,
    format: Format,
) -> Exit {
    let report = Report { cases, results, common };
    out(&match format {
        Format::Human => report.human(),
        Format::Json => report.json(),
    });
    report.exit()
}

/// What the cases need; nothing where there are none.
fn prepare(
    common: &Common,
    course: &Course,
    cases: &[Case<'_>],
) -> Result<(Source, Option<Python>), Stop> {
    let chosen = choose_server(common)?;
    tell_line(&format!("server: {}", chosen.why));
    let python = if verify::needs_python(cases) {
        Some(Python::find(&course.python_packages, &tell_line)?)
    } else {
        None
    };
    Ok((chosen.source, python))
}

fn run(
    cases: &[Case<'_>],
    source: &Source,
    python: Option<&Python>,
    jobs: u8,
) -> Vec<Option<CaseResult>> {
    let count = AtomicUsize::new(0);
    let show_progress = std::io::stderr().is_terminal();
    let done = |index: usize, _: &CaseResult| {
        let count = count.fetch_add(1, Ordering::Relaxed) + 1;
        if show_progress {
            err(&format!("\r\u{1b}[K{count} of {} · {}", cases.len(), cases[index].id));
        }
    };
    let results = verify::run(cases, source, python, jobs.into(), &done);
    if show_progress {
        err("\r\u{1b}[K");
    }
    results
}

struct Report<'r> {
    cases: &'r [Case<'r>],
    /// `None`: not run, see [`verify::run`].
    results: &'r [Option<CaseResult>],
    common: &'r Common,
}

impl Report<'_> {
    fn pairs(&self) -> impl Iterator<Item = (&Case<'_>, Option<&CaseResult>)> {
        self.cases.iter().zip(self.results.iter().map(Option::as_ref))
    }

    fn run(&self) -> impl Iterator<Item = &CaseResult> {
        self.results.iter().flatten()
    }

    fn exit(&self) -> Exit {
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
        let lessons = self.common.lessons.display().to_string();
        for (option, value, default) in
            [("--lessons", &*lessons, "lessons"), ("--image", &*self.common.image, DEFAULT_IMAGE)]
        {
            if value != default {
                command = format!("{command} {option} {}", shell_word(value));
            }
        }
        command
    }

    fn human(&self) -> String {
        let mut text = String::new();
        for (case, result) in self.pairs() {
            if let Some(result) = result.filter(|result| !result.is_good()) {
                text.push_str(&self.broken(case, result));
            }
        }
        for (group, good, all) in self.groups() {
            text.push_str(&terminal::group_line(group, good, all));
        }
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
        text.push('\n');
        text + &terminal::result_line(good == all, &line)
    }

    fn broken(&self, case: &Case<'_>, result: &CaseResult) -> String {
        let mut text = terminal::heading(&case.id);
        let _ = writeln!(text, "  --> {}:{}", case.lesson.path.display(), case.line);
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

    fn json(&self) -> String {
        let repeats: Vec<String> = self.cases.iter().map(|case| self.repeat(case)).collect();
        let outcome = match self.exit() {
            Exit::Passed => "passed",
            Exit::FellShort => "failed",
            _ => "unchecked",
        };
        let told: Vec<Vec<String>> =
            self.results.iter().map(|result| told(result.as_ref())).collect();
        let cases =
            self.pairs().zip(&repeats).zip(&told).map(|(((case, result), repeat), problems)| {
                let (file, line) = (case.lesson.path.display().to_string(), case.line);
                json::VerifyCase {
                    case: &case.id,
                    file,
                    line,
                    outcome: case_outcome(result),
                    problems,
                    repeat,
                }
            });
        json::text(&json::Verify { outcome, server: self.server(), cases: cases.collect() })
    }
}

/// As a shell reads it back.
fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-:@=+,".contains(c);
    if text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
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
