//! `redislings verify`: tests the lessons, for authors and CI, on one server or on each that the
//! course names.

mod cases;
mod changed;
mod partition;
mod report;
mod update;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::course::{Place, report_problems};
use super::reports::Reports;
use super::waiting::{Counted, Spinner};
use super::{Exit, Stop, choose_server, choose_server_of, report_message, tell, variable};
use crate::attempt::Python;
use crate::cli::{CaseChoice, Common, RunOptions, VerifyOn};
use crate::error::EnvironmentError;
use crate::lesson::{Course, Problem};
use crate::present::verify::warning;
use crate::progress_event::ProgressEvent;
use crate::sanitize::ShownPath as _;
use crate::server::{PreservedServer, ServerVersion, Source, Wanted};
use crate::verify::choice::Slice;
use crate::verify::coverage;
use crate::verify::plan::Plan;
use crate::verify::report::{CaseOutcome, Conclusion, Report, ServerReport};
use crate::verify::{self, Case, CaseResult, Done, Interpreters, PreservedFailure, Runner};

/// The servers to verify on.
pub(super) enum On {
    /// Any server.
    Any,
    Version(ServerVersion),
    /// Each version that the course names.
    Matrix,
}

impl On {
    fn of(on: &VerifyOn) -> Result<Self, Stop> {
        match &on.server_version {
            _ if on.server_matrix => Ok(Self::Matrix),
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

pub(super) struct VerifyOptions<'w> {
    pub(super) choice: &'w CaseChoice,
    pub(super) running: &'w RunOptions,
    pub(super) on: On,
    pub(super) slice: Option<Slice>,
    pub(super) reports: Reports,
}

impl<'w> VerifyOptions<'w> {
    /// From the command line and the CI's variables.
    pub(super) fn of(
        choice: &'w CaseChoice,
        on: &VerifyOn,
        running: &'w RunOptions,
        reports: Reports,
    ) -> Result<Self, Stop> {
        let slice = partition::wanted(choice.partition.as_deref(), &variable)?;
        Ok(Self { choice, running, on: On::of(on)?, slice, reports })
    }

    fn jobs(&self) -> usize {
        self.running.jobs.unwrap_or_else(usual_jobs).into()
    }
}

pub(super) fn verify(common: &Common, options: &VerifyOptions<'_>) -> Result<Exit, Stop> {
    if matches!(super::wanted(common)?, Wanted::Address(_)) {
        let help = "leave `--server` out, or use container, process or bundled";
        return Err(Stop::Usage(
            "`verify` can't use a server at an address: each case needs a fresh one".to_owned(),
            help.to_owned(),
        ));
    }
    if Place::of(common) == Place::BuiltIn {
        ensure_no_files_needed(options)?;
        report_message("there is no folder `lessons` here, so the built-in course is verified");
    }
    options.reports.try_targets()?;
    let (mut course, mut of_loader) = load(common, options)?;
    if options.running.update {
        update_replies(common, &course, options)?;
        (course, of_loader) = load(common, options)?;
    }
    let cases::WantedCases { cases, all, unmade } = cases::wanted(&course, options)?;
    let versions = match &options.on {
        On::Any => vec![None],
        On::Version(version) => vec![Some(version.clone())],
        On::Matrix => versions(&course)?.into_iter().map(Some).collect(),
    };
    let names = versions.iter().map(|version| name_of(version.as_ref())).collect();
    options.reports.begin(&Plan::new(&course, &cases, options.slice, names))?;
    let cases = Slice::part(options.slice, cases);
    let verification = Verification { common, course: &course, cases, unmade, options };
    let (mut report, results) = verification.on_each(&versions)?;
    let warnings = coverage::warnings(of_loader, &verification.cases, &all, &results);
    report.warnings.extend(warnings.iter().map(warning));
    if !options.reports.report_to_people() {
        report_problems(&warnings);
    }
    for server in &report.servers {
        if let Some(error) = &server.unchecked {
            tell(&Stop::Environment(error.clone()));
        }
    }
    options.reports.end(&report)?;
    Ok(exit(report.conclusion()))
}

/// The course and the loader's warnings. Errors go to standard error and to the reports.
fn load(common: &Common, options: &VerifyOptions<'_>) -> Result<(Course, Vec<Problem>), Stop> {
    Place::of(common).load().map_err(|problems| unloadable(&problems, options))
}

fn unloadable(problems: &[Problem], options: &VerifyOptions<'_>) -> Stop {
    report_problems(problems);
    if let Err(error) = options.reports.unloadable(problems) {
        tell(&Stop::Environment(error));
    }
    Stop::Lessons
}

fn name_of(version: Option<&ServerVersion>) -> String {
    version.map(ToString::to_string).unwrap_or_default()
}

fn usual_jobs() -> u8 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u8::try_from(8 * cores).unwrap_or(u8::MAX).min(16)
}

/// The built-in course has no files to rewrite or to compare.
fn ensure_no_files_needed(options: &VerifyOptions<'_>) -> Result<(), Stop> {
    let (option, why) = match options {
        _ if options.choice.changed.is_some() => ("--changed", "has no git history"),
        _ if options.running.update => ("--update", "can't be rewritten"),
        _ => return Ok(()),
    };
    let help = format!("name a folder with `--lessons`, or leave out `{option}`");
    Err(Stop::Usage(format!("the built-in course {why}"), help))
}

/// Runs the examples and rewrites their replies. The run that follows verifies the result.
fn update_replies(
    common: &Common,
    course: &Course,
    options: &VerifyOptions<'_>,
) -> Result<(), Stop> {
    let wanted = cases::wanted(course, options)?;
    let mut cases = Slice::part(options.slice, wanted.cases);
    cases.retain(update::has_replies);
    let version = match &options.on {
        On::Version(version) => Some(version),
        On::Any | On::Matrix => None,
    };
    let verification = Verification { common, course, cases, unmade: None, options };
    let results = verification.run_cases(version, &|_, _| {})?;
    update::write(&verification.cases, &results)
}

pub(super) fn exit(conclusion: Conclusion) -> Exit {
    match conclusion {
        Conclusion::Passed => Exit::Passed,
        Conclusion::Failed => Exit::FellShort,
        Conclusion::Unchecked => Exit::Unchecked,
    }
}

fn versions(course: &Course) -> Result<Vec<ServerVersion>, Stop> {
    if course.server_versions.is_empty() {
        let fact = format!("the course `{}` names no servers", course.path.shown());
        let help = "add `[server]` and `versions = [\"redis 7.0\"]` to its `course.toml`, or use \
                    `--server-version`";
        return Err(Stop::Usage(fact, help.to_owned()));
    }
    course.server_versions.iter().map(|text| parse(text)).collect()
}

/// The results on one server, in the cases' order.
type CaseResults = Vec<Option<CaseResult>>;

/// The cases to run, on any server.
struct Verification<'v> {
    common: &'v Common,
    course: &'v Course,
    cases: Vec<Case<'v>>,
    /// Why mutants could not be made.
    unmade: Option<EnvironmentError>,
    options: &'v VerifyOptions<'v>,
}

impl Verification<'_> {
    /// Runs the cases on each server.
    fn on_each(
        &self,
        versions: &[Option<ServerVersion>],
    ) -> Result<(Report, Vec<CaseResults>), Stop> {
        let (mut servers, mut all_results) = (Vec::new(), Vec::new());
        for version in versions {
            let (server, results) = self.on(version.as_ref())?;
            servers.push(server);
            all_results.push(results);
        }
        let report = Report {
            course: self.course.title.clone(),
            slice: self.options.slice,
            servers,
            warnings: Vec::new(),
            incomplete: Vec::new(),
        };
        Ok((report, all_results))
    }

    fn on(&self, version: Option<&ServerVersion>) -> Result<(ServerReport, CaseResults), Stop> {
        let began = Instant::now();
        let context =
            report::Context { common: self.common, version, repeat: self.options.running.repeat };
        let (wanted, reports) = (name_of(version), &self.options.reports);
        // A repeated case is reported only after all its runs, so it can't be streamed.
        let is_streamed = self.options.running.repeat == 1 && reports.is_streamed();
        let report_case = |index: usize, result: &CaseResult| {
            if is_streamed {
                reports.case(&wanted, &context.case(&self.cases[index], Some(result)));
            }
        };
        let (results, unchecked) = match self.run_cases(version, &report_case) {
            Ok(results) => (results, None),
            Err(Stop::Environment(error)) => (vec![None; self.cases.len()], Some(error)),
            Err(stop) => return Err(stop),
        };
        let mut cases = Vec::new();
        for (case, result) in self.cases.iter().zip(&results) {
            let case = context.case(case, result.as_ref());
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
            return Err(Stop::Environment(error.clone()));
        }
        if self.cases.is_empty() {
            return Ok(Vec::new());
        }
        let spinner = Spinner::new();
        let report = |event: ProgressEvent<'_>| spinner.tell(event);
        let source = self.source(version, &report)?;
        let runner = Runner {
            cases: &self.cases,
            source: &source,
            jobs: self.options.jobs(),
            repeat: self.options.running.repeat,
            fail_fast: self.options.running.fail_fast,
            keep: self.options.running.keep,
        };
        let done = run_with_spinner(&runner, || self.python(&report), &spinner, ended)?;
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
        let chosen = match version {
            Some(version) => choose_server_of(version, self.common, report),
            None => choose_server(self.common, report),
        }?;
        report(ProgressEvent::Message(&format!("server: {}", chosen.why)));
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

/// Runs the cases and counts them on the spinner.
fn run_with_spinner(
    runner: &Runner<'_>,
    python: impl FnOnce() -> Result<Option<Interpreters>, EnvironmentError>,
    spinner: &Spinner,
    ended: &(dyn Fn(usize, &CaseResult) + Sync),
) -> Result<Done, EnvironmentError> {
    let (count, failures) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let all = runner.cases.len() * runner.repeat as usize;
    let begin = || {
        let python = python()?;
        spinner.count(Counted { done: 0, all, failures: 0 });
        Ok(python)
    };
    let done = |index: usize, result: &CaseResult| {
        let done = count.fetch_add(1, Ordering::Relaxed) + 1;
        let failed = usize::from(!result.is_good());
        let failures = failures.fetch_add(failed, Ordering::Relaxed) + failed;
        spinner.count(Counted { done, all, failures });
        ended(index, result);
    };
    runner.run(begin, &done)
}
