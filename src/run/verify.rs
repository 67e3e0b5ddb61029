//! `redislings verify`: the lessons proved, for authors and CI, on one server or on each that the course
//! names.

mod report;

use std::sync::atomic::{AtomicUsize, Ordering};

use super::course::Place;
use super::output::out;
use super::waiting::Spinner;
use super::{Exit, Stop, choose_server, choose_server_of, load, tell, tell_line};
use crate::attempt::Python;
use crate::cli::{Common, Format};
use crate::lesson::Course;
use crate::present::{json, terminal};
use crate::server::{ServerVersion, Source, Wanted};
use crate::telling::Told;
use crate::verify::{self, Case, CaseResult};
use report::{Report, outcome};

/// What to verify on.
pub(super) enum On {
    /// Whatever server there is.
    Any,
    /// One of this version.
    Version(ServerVersion),
    /// Each that the course names.
    Matrix,
}

impl On {
    /// From the command line.
    pub(super) fn of(matrix: bool, version: Option<&str>) -> Result<Self, Stop> {
        match version {
            _ if matrix => Ok(Self::Matrix),
            Some(text) => parse(text).map(Self::Version),
            None => Ok(Self::Any),
        }
    }
}

fn parse(text: &str) -> Result<ServerVersion, Stop> {
    ServerVersion::parse(text).ok_or_else(|| {
        let help = "write redis or valkey, a space and a version as in \"redis 7.0\"";
        Stop::Usage(format!("`{text}` is not a server and its version"), help.to_owned())
    })
}

pub(super) fn verify(
    common: &Common,
    only: &[String],
    on: &On,
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
    if Place::of(common) == Place::BuiltIn {
        tell_line("there is no folder `lessons` here, so the built-in course is verified");
    }
    let course = load(common)?;
    if let Some(name) = verify::unknown_names(&course, only).first() {
        let help = "name a lesson, an exercise (`redislings list` shows all) or one case of it";
        return Err(Stop::Usage(
            format!("there is nothing called `{name}` to verify"),
            help.to_owned(),
        ));
    }
    let work = Work { common, course: &course, cases: verify::cases(&course, only), jobs, format };
    match on {
        On::Any => work.on_one(None),
        On::Version(version) => work.on_one(Some(version)),
        On::Matrix => work.on_each(&versions(&course)?),
    }
}

fn versions(course: &Course) -> Result<Vec<ServerVersion>, Stop> {
    if course.server_versions.is_empty() {
        let fact = format!("the course `{}` names no servers", course.path.display());
        let help = "write `[server]` and `versions = [\"redis 7.0\"]` into its `course.toml`, or use \
                    `--server-version`";
        return Err(Stop::Usage(fact, help.to_owned()));
    }
    course.server_versions.iter().map(|text| parse(text)).collect()
}

/// What is to be proved, whatever on.
struct Work<'w> {
    common: &'w Common,
    course: &'w Course,
    cases: Vec<Case<'w>>,
    jobs: u8,
    format: Format,
}

/// What became of it on one server.
struct Proved {
    /// `None`: not run, see [`verify::run`].
    results: Vec<Option<CaseResult>>,
    /// Why nothing was run.
    unchecked: Option<Stop>,
}

impl Work<'_> {
    fn on_one(&self, version: Option<&ServerVersion>) -> Result<Exit, Stop> {
        let proved = self.prove(version)?;
        let report = self.report(&proved, version);
        out(&match self.format {
            Format::Human => {
                let (good, line) = report.line();
                format!("{}\n{}", report.body(), terminal::result_line(good, &line))
            }
            Format::Json => json::text(&report.document(&report.facts())),
        });
        let exit = report.exit();
        proved.unchecked.map_or(Ok(exit), Err)
    }

    fn on_each(&self, versions: &[ServerVersion]) -> Result<Exit, Stop> {
        let mut all = Vec::new();
        for version in versions {
            self.tell(&terminal::heading(&version.to_string()));
            let proved = self.prove(Some(version))?;
            if let Some(stop) = &proved.unchecked {
                tell(stop);
            }
            self.tell(&(self.report(&proved, Some(version)).body() + "\n"));
            all.push(proved);
        }
        let reports: Vec<(&ServerVersion, Report<'_>)> = versions
            .iter()
            .zip(&all)
            .map(|(version, proved)| (version, self.report(proved, Some(version))))
            .collect();
        let exit = worst(reports.iter().map(|(_, report)| report.exit()));
        for (version, report) in &reports {
            let (good, line) = report.line();
            self.tell(&terminal::result_line(good, &format!("{version}: {line}")));
        }
        if self.format == Format::Json {
            out(&matrix_document(exit, &reports, &all));
        }
        Ok(exit)
    }

    /// To people only.
    fn tell(&self, text: &str) {
        if self.format == Format::Human {
            out(text);
        }
    }

    fn report<'r>(&'r self, proved: &'r Proved, version: Option<&'r ServerVersion>) -> Report<'r> {
        Report { cases: &self.cases, results: &proved.results, common: self.common, version }
    }

    fn prove(&self, version: Option<&ServerVersion>) -> Result<Proved, Stop> {
        if self.cases.is_empty() {
            return Ok(Proved { results: Vec::new(), unchecked: None });
        }
        let spinner = Spinner::new();
        match self.prepare(version, &|told| spinner.tell(told)) {
            Ok((source, python)) => {
                let results = run(&self.cases, &source, python.as_ref(), self.jobs, &spinner);
                Ok(Proved { results, unchecked: None })
            }
            Err(stop @ Stop::World(_)) => {
                Ok(Proved { results: vec![None; self.cases.len()], unchecked: Some(stop) })
            }
            Err(stop) => Err(stop),
        }
    }

    /// What the cases need.
    fn prepare(
        &self,
        version: Option<&ServerVersion>,
        telling: &dyn Fn(Told<'_>),
    ) -> Result<(Source, Option<Python>), Stop> {
        let chosen = match version {
            Some(version) => choose_server_of(version, self.common, telling),
            None => choose_server(self.common, telling),
        }?;
        telling(Told::Line(&format!("server: {}", chosen.why)));
        let python = if verify::needs_python(&self.cases) {
            Some(Python::find(&self.course.python_packages, telling)?)
        } else {
            None
        };
        Ok((chosen.source, python))
    }
}

/// One case that fell short says more than any that could not be checked.
fn worst(exits: impl Iterator<Item = Exit>) -> Exit {
    exits.fold(Exit::Passed, |worst, exit| match (worst, exit) {
        (Exit::FellShort, _) | (_, Exit::FellShort) => Exit::FellShort,
        (Exit::Passed, exit) => exit,
        (worst, _) => worst,
    })
}

fn matrix_document(exit: Exit, reports: &[(&ServerVersion, Report<'_>)], all: &[Proved]) -> String {
    let facts: Vec<_> = reports.iter().map(|(_, report)| report.facts()).collect();
    let servers =
        reports.iter().zip(all).zip(&facts).map(|(((version, report), proved), facts)| {
            let reason = match &proved.unchecked {
                Some(Stop::World(error)) => Some(error.fact.as_str()),
                _ => None,
            };
            json::VerifyServer {
                wanted: version.to_string(),
                reason,
                verified: report.document(facts),
            }
        });
    json::text(&json::VerifyMatrix { outcome: outcome(exit), servers: servers.collect() })
}

fn run(
    cases: &[Case<'_>],
    source: &Source,
    python: Option<&Python>,
    jobs: u8,
    spinner: &Spinner,
) -> Vec<Option<CaseResult>> {
    let count = AtomicUsize::new(0);
    let all = cases.len();
    spinner.tell(Told::Progress(&format!("0 of {all} cases have run")));
    let done = |index: usize, _: &CaseResult| {
        let count = count.fetch_add(1, Ordering::Relaxed) + 1;
        let (cases, last) = ("cases have run", &cases[index].id);
        spinner.tell(Told::Progress(&format!("{count} of {all} {cases}, the last is {last}")));
    };
    verify::run(cases, source, python, jobs.into(), &done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_case_says_more_than_an_unchecked_one() {
        let of = |exits: &[Exit]| worst(exits.iter().copied());
        assert_eq!(of(&[Exit::Unchecked, Exit::FellShort, Exit::Passed]), Exit::FellShort);
        assert_eq!(of(&[Exit::FellShort, Exit::Unchecked]), Exit::FellShort);
        assert_eq!(of(&[Exit::Passed, Exit::Unchecked, Exit::Passed]), Exit::Unchecked);
        assert_eq!(of(&[Exit::Passed, Exit::Passed]), Exit::Passed);
    }
}
