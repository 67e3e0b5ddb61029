//! `redislings verify`: tests the lessons, for authors and CI, on one server or on each that the
//! course names.

mod cases;
mod changed;
mod partition;
mod report;
mod update;

use std::time::Instant;

use super::course::{self, report_problems};
use super::reports::Reports;
use super::waiting::Spinner;
use super::{Exit, Stop, choose_server, report_message, tell, variable};
use crate::attempt::Python;
use crate::cli::{Common, VerifyOptions};
use crate::error::EnvironmentError;
use crate::lesson::{Course, Problem};
use crate::present::verify::warning;
use crate::progress_event::ProgressEvent;
use crate::sanitize::ShownPath as _;
use crate::server::{PreservedServer, ServerVersion, Source, Wanted, by_version};
use crate::verify::choice::Slice;
use crate::verify::coverage;
use crate::verify::plan::Plan;
use crate::verify::report::{CaseOutcome, Conclusion, Report, ServerReport};
use crate::verify::{self, Case, CaseResult, Interpreters, PreservedFailure, Runner};

pub(super) fn verify(common: &Common, options: &VerifyOptions) -> Result<Exit, Stop> {
    let reports = Reports::of(&options.reporting.reports, options.output.format, &variable)?;
    let slice = partition::wanted(options.partition.as_deref(), &variable)?;
    let version = options.server_version.as_deref().map(parse).transpose()?;
    if matches!(super::wanted(common)?, Wanted::Address(_)) {
        return Err(Stop::usage(
            "`verify` can't use a server at an address: each case needs a fresh one",
            "leave `--server` out, or use container, process or bundled",
        ));
    }
    if course::folder(common).is_none() {
        ensure_no_files_needed(options)?;
        report_message("there is no folder `lessons` here, so the built-in course is verified");
    }
    reports.try_targets()?;
    VerifyRequest { common, options, reports, slice, version }.run()
}

fn parse(text: &str) -> Result<ServerVersion, Stop> {
    ServerVersion::parse(text).ok_or_else(|| {
        let help = "write redis or valkey, a space and a version as in \"redis 7.0\"";
        Stop::usage(format!("`{text}` is not a server and its version"), help)
    })
}

/// The built-in course has no files to rewrite or to compare.
fn ensure_no_files_needed(options: &VerifyOptions) -> Result<(), Stop> {
    let (option, why) = match options {
        _ if options.changed.is_some() => ("--changed", "has no git history"),
        _ if options.update => ("--update", "can't be rewritten"),
        _ => return Ok(()),
    };
    let help = format!("name a folder with `--lessons`, or leave out `{option}`");
    Err(Stop::Usage(format!("the built-in course {why}"), help))
}

/// What the command line and the CI's variables ask for.
struct VerifyRequest<'r> {
    common: &'r Common,
    options: &'r VerifyOptions,
    reports: Reports,
    slice: Option<Slice>,
    version: Option<ServerVersion>,
}

impl VerifyRequest<'_> {
    fn run(&self) -> Result<Exit, Stop> {
        let (mut course, mut of_loader) = self.load()?;
        if self.options.update {
            self.update_replies(&course)?;
            (course, of_loader) = self.load()?;
        }
        let cases::WantedCases { cases, all, unmade } = cases::wanted(&course, self)?;
        let versions = self.versions(&course)?;
        let names = versions.iter().map(|version| name_of(version.as_ref())).collect();
        self.reports.begin(&Plan::new(&course, &cases, self.slice, names))?;
        let cases = Slice::part(self.slice, cases);
        let verification = Verification { request: self, course: &course, cases, unmade };
        let (mut servers, mut results) = (Vec::new(), Vec::new());
        for version in &versions {
            let (server, of_server) = verification.on(version.as_ref())?;
            servers.push(server);
            results.push(of_server);
        }
        let problems = coverage::warnings(of_loader, &verification.cases, &all, &results);
        if !self.reports.report_to_people() {
            report_problems(&problems);
        }
        let report = Report {
            course: course.title.clone(),
            slice: self.slice,
            servers,
            warnings: problems.iter().map(warning).collect(),
            incomplete: Vec::new(),
        };
        conclude(&report, &self.reports)
    }

    /// The course and the loader's warnings. Errors go to standard error and to the reports.
    fn load(&self) -> Result<(Course, Vec<Problem>), Stop> {
        course::read(self.common).map_err(|problems| self.unloadable(&problems))
    }

    fn unloadable(&self, problems: &[Problem]) -> Stop {
        report_problems(problems);
        if let Err(error) = self.reports.unloadable(problems) {
            tell(&Stop::Environment(error));
        }
        Stop::Lessons
    }

    /// Runs the examples and rewrites their replies. The run that follows verifies the result.
    fn update_replies(&self, course: &Course) -> Result<(), Stop> {
        let mut cases = Slice::part(self.slice, cases::wanted(course, self)?.cases);
        cases.retain(update::has_replies);
        let verification = Verification { request: self, course, cases, unmade: None };
        let results = verification.run_cases(self.version.as_ref(), &|_, _| {})?;
        update::write(&verification.cases, &results)
    }

    /// The servers to verify on; `None`: any.
    fn versions(&self, course: &Course) -> Result<Vec<Option<ServerVersion>>, Stop> {
        if !self.options.server_matrix {
            return Ok(vec![self.version.clone()]);
        }
        if course.server_versions.is_empty() {
            let fact = format!("the course `{}` names no servers", course.path.shown());
            let help = "add `[server]` and `versions = [\"redis 7.0\"]` to its `course.toml`, or \
                        use `--server-version`";
            return Err(Stop::usage(fact, help));
        }
        course.server_versions.iter().map(|text| parse(text).map(Some)).collect()
    }
}

/// Ends the reports; errors of servers go to standard error too.
pub(super) fn conclude(report: &Report, reports: &Reports) -> Result<Exit, Stop> {
    for error in report.servers.iter().filter_map(|server| server.unchecked.clone()) {
        tell(&Stop::Environment(error));
    }
    reports.end(report)?;
    Ok(match report.conclusion() {
        Conclusion::Passed => Exit::Passed,
        Conclusion::Failed => Exit::FellShort,
        Conclusion::Unchecked => Exit::Unchecked,
    })
}

fn name_of(version: Option<&ServerVersion>) -> String {
    version.map(ToString::to_string).unwrap_or_default()
}

fn usual_jobs() -> u8 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u8::try_from(8 * cores).unwrap_or(u8::MAX).min(16)
}

/// The results on one server, in the cases' order.
type CaseResults = Vec<Option<CaseResult>>;

/// The cases to run, on any server.
struct Verification<'v> {
    request: &'v VerifyRequest<'v>,
    course: &'v Course,
    cases: Vec<Case<'v>>,
    /// Why mutants could not be made.
    unmade: Option<EnvironmentError>,
}

impl Verification<'_> {
    fn on(&self, version: Option<&ServerVersion>) -> Result<(ServerReport, CaseResults), Stop> {
        let began = Instant::now();
        let VerifyRequest { options, reports, .. } = self.request;
        let wanted = name_of(version);
        // A repeated case is reported only after all its runs, so it can't be streamed.
        let is_streamed = options.repeat == 1 && reports.is_streamed();
        let report_case = |index: usize, result: &CaseResult| {
            if is_streamed {
                let case = report::case(self.request, version, &self.cases[index], Some(result));
                reports.case(&wanted, &case);
            }
        };
        let (results, unchecked) = match self.run_cases(version, &report_case) {
            Ok(results) => (results, None),
            Err(Stop::Environment(error)) => (vec![None; self.cases.len()], Some(error)),
            Err(stop) => return Err(stop),
        };
        let mut cases = Vec::new();
        for (case, result) in self.cases.iter().zip(&results) {
            let case = report::case(self.request, version, case, result.as_ref());
            if !is_streamed || case.outcome == CaseOutcome::NotRun {
                reports.case(&wanted, &case);
            }
            cases.push(case);
        }
        let server = ServerReport { wanted, unchecked, cases, took: began.elapsed() };
        reports.server(&server);
        Ok((server, results))
    }

    /// `ended` is called as each run of a case ends.
    fn run_cases(
        &self,
        version: Option<&ServerVersion>,
        ended: &(dyn Fn(usize, &CaseResult) + Sync),
    ) -> Result<CaseResults, Stop> {
        if let Some(error) = &self.unmade {
            return Err(error.clone().into());
        }
        if self.cases.is_empty() {
            return Ok(Vec::new());
        }
        let spinner = Spinner::new();
        let report = |event: ProgressEvent<'_>| spinner.tell(event);
        let options = self.request.options;
        let runner = Runner {
            cases: &self.cases,
            source: &self.source(version, &report)?,
            jobs: options.jobs.unwrap_or_else(usual_jobs).into(),
            repeat: options.repeat,
            fail_fast: options.fail_fast,
            keep: options.keep,
        };
        let runs = self.cases.len() * options.repeat as usize;
        let begin = || {
            let python = self.python(&report)?;
            spinner.count(runs, None);
            Ok(python)
        };
        let done = runner.run(begin, &|index, result| {
            spinner.count(runs, Some(result.is_good()));
            ended(index, result);
        })?;
        drop(spinner);
        if let Some(kept) = &done.kept {
            report_preserved_server(&self.cases[kept.case], kept);
        }
        Ok(done.results)
    }

    fn source(
        &self,
        version: Option<&ServerVersion>,
        report: &dyn Fn(ProgressEvent<'_>),
    ) -> Result<Source, Stop> {
        let common = self.request.common;
        let chosen = match version {
            Some(version) => {
                by_version::choose(&super::wanted(common)?, version, common.image(), report)?
            }
            None => choose_server(common, report)?,
        };
        report(ProgressEvent::Message(&format!("server: {}", chosen.name)));
        Ok(chosen.source)
    }

    /// The interpreters, if a case needs Python.
    fn python(
        &self,
        report: &dyn Fn(ProgressEvent<'_>),
    ) -> Result<Option<Interpreters>, EnvironmentError> {
        if !verify::needs_python(&self.cases) {
            return Ok(None);
        }
        let packages = &self.course.python_packages;
        let fresh = Python::find(packages, report)?;
        let warmed = fresh.warmed(packages).ok();
        Ok(Some(Interpreters { fresh, warmed }))
    }
}

fn report_preserved_server(case: &Case<'_>, kept: &PreservedFailure) {
    match &kept.server {
        Ok(PreservedServer { endpoint, end }) => {
            let (id, url) = (&case.id, &endpoint.url);
            report_message(&format!(
                "the server of `{id}` is still running: connect with `redis-cli -u {url}`, stop it \
                 with `{end}`"
            ));
        }
        Err(error) => tell(&Stop::Environment(error.clone())),
    }
}
