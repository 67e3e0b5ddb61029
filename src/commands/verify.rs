//! `redislings verify`: tests the lessons, for authors and CI, on one server or on each that the
//! course names.

mod cases;
mod changed;
mod interrupted;
mod partition;
mod report;
mod update;
mod watch;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::course::{self, report_problems};
use super::reports::Reports;
use super::waiting::Spinner;
use super::{Exit, Stop, choose_version, report_message, server_version, tell, variable};
use crate::attempt::Python;
use crate::cleanup;
use crate::cli::{Common, VerifyOptions};
use crate::error::EnvironmentError;
use crate::lesson::{Course, Problem};
use crate::present::verify::warning;
use crate::progress_event::ProgressEvent;
use crate::sanitize::ShownPath as _;
use crate::server::{PreservedServer, ServerVersion, Source, Wanted};
use crate::verify::choice::Slice;
use crate::verify::coverage;
use crate::verify::plan::Plan;
use crate::verify::report::{Conclusion, Report, ServerReport};
use crate::verify::{self, Case, CaseResult, Done, Interpreters, Jobs, PreservedFailure, Runner};
use interrupted::Unfinished;

pub(super) fn verify(common: &Common, options: &VerifyOptions) -> Result<Exit, Stop> {
    let reports = Reports::of(&options.reporting.reports, options.output.format, &variable)?;
    let slice = partition::wanted(options.partition.as_deref(), &variable)?;
    let version = options.server_version.as_deref().map(server_version).transpose()?;
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
    let only = options.only.clone();
    let reports = Arc::new(reports);
    let request = VerifyRequest { common, options, only, reports, slice, version };
    if options.watch { watch::watch(request) } else { request.run() }
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
    /// The names of the wanted cases; empty: all.
    only: Vec<String>,
    reports: Arc<Reports>,
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
        let cases::WantedCases { cases, all, unmade, nothing } = cases::wanted(&course, self)?;
        let versions = self.versions(&course)?;
        let names = versions.iter().map(|version| name_of(version.as_ref())).collect();
        self.reports.begin(&Plan::new(&course, &cases, self.slice, names))?;
        let of_loader = if self.names_cases() || self.options.changed.is_some() {
            chosen(of_loader, &cases, self.names_cases())
        } else {
            of_loader
        };
        let cases = Slice::part(self.slice, cases);
        let verification = Verification { request: self, course: &course, cases, unmade };
        let report = verification.unfinished(&versions, &of_loader, nothing);
        let unfinished =
            Unfinished::begin(report.clone(), self.options.repeat, Arc::clone(&self.reports));
        let (mut servers, mut results) = (Vec::new(), Vec::new());
        for (index, version) in versions.iter().enumerate() {
            let (server, of_server) = verification.on(version.as_ref(), (index, &unfinished))?;
            unfinished.server(index, server.clone());
            servers.push(server);
            results.push(of_server);
        }
        drop(unfinished);
        let problems = coverage::warnings(of_loader, &verification.cases, &all, &results);
        if !self.reports.report_to_people() {
            report_problems(&problems);
        }
        let warnings = problems.iter().map(warning).collect();
        let report = Report { servers, warnings, ..report };
        if let Some(why) = report.nothing.as_ref().filter(|_| !self.reports.report_to_people()) {
            report_message(&format!("nothing to run: {why}"));
        }
        conclude(&report, &self.reports)
    }

    /// Whether only a part of the lessons' cases was asked for.
    fn names_cases(&self) -> bool {
        !self.only.is_empty()
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
        let done = verification.run_cases(self.version.as_ref(), &|_, _| {})?;
        update::write(&verification.cases, &done.results)
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
        course.server_versions.iter().map(|text| server_version(text).map(Some)).collect()
    }
}

/// The warnings about what was chosen: of lessons with a case, or if cases were named, only of
/// their sections.
fn chosen(warnings: Vec<Problem>, cases: &[Case<'_>], are_named: bool) -> Vec<Problem> {
    let mut chosen = warnings;
    chosen.retain(|warning| {
        let is_of_course = warning.path.extension().is_some_and(|extension| extension == "toml");
        is_of_course || cases.iter().any(|case| concerns(warning, case, are_named))
    });
    chosen
}

/// Whether a warning is about the case's lesson, or only its section.
fn concerns(warning: &Problem, case: &Case<'_>, only_its_section: bool) -> bool {
    let start = warning.span.as_ref().map(|span| span.start);
    let is_there = start.is_none_or(|start| case.step.span.contains(&start));
    case.lesson.path == warning.path && (is_there || !only_its_section)
}

/// Ends the reports; errors of servers go to standard error too.
pub(super) fn conclude(report: &Report, reports: &Reports) -> Result<Exit, Stop> {
    for error in report.servers.iter().filter_map(|server| server.unchecked.clone()) {
        tell(&Stop::Environment(error));
    }
    reports.end(report)?;
    Ok(match report.conclusion() {
        Conclusion::Passed | Conclusion::NothingToRun => Exit::Passed,
        Conclusion::Failed => Exit::FellShort,
        Conclusion::Unchecked => Exit::Unchecked,
    })
}

fn name_of(version: Option<&ServerVersion>) -> String {
    version.map(ToString::to_string).unwrap_or_default()
}

/// In a container each server needs a port, and all share its memory.
const ROOM_IN_A_CONTAINER: usize = 32;

fn jobs(wanted: Option<u8>, source: &Source) -> Jobs {
    let room = match source {
        Source::Container(_) => ROOM_IN_A_CONTAINER,
        _ => usize::MAX,
    };
    wanted.map_or_else(|| Jobs::as_carried(room), |number| Jobs::Fixed(number.into()))
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
    /// A report of which no case has run.
    fn unfinished(
        &self,
        versions: &[Option<ServerVersion>],
        warnings: &[Problem],
        nothing: Option<String>,
    ) -> Report {
        let mut servers = Vec::new();
        for version in versions.iter().map(Option::as_ref) {
            let cases = self.cases.iter();
            let cases = cases
                .map(|case| report::case(self.request, version, case, report::Ended::NotRun))
                .collect();
            let (wanted, took) = (name_of(version), Duration::ZERO);
            servers.push(ServerReport { wanted, unchecked: None, cases, took });
        }
        Report {
            course: self.course.title.clone(),
            slice: self.request.slice,
            servers,
            warnings: warnings.iter().map(warning).collect(),
            incomplete: Vec::new(),
            nothing: nothing.filter(|_| self.cases.is_empty()),
        }
    }

    /// `unfinished` takes what is found on this server, which has that index in it.
    fn on(
        &self,
        version: Option<&ServerVersion>,
        (server, unfinished): (usize, &Unfinished),
    ) -> Result<(ServerReport, CaseResults), Stop> {
        let began = Instant::now();
        let VerifyRequest { options, reports, .. } = self.request;
        let wanted = name_of(version);
        // A repeated case is reported only after all its runs, so it can't be streamed.
        let is_streamed = options.repeat == 1 && reports.is_streamed();
        let report_case = |index: usize, so_far: &CaseResult| {
            let (case, result) = (&self.cases[index], report::Ended::Run(so_far));
            let case = report::case(self.request, version, case, result);
            if is_streamed {
                reports.case(&wanted, &case);
            }
            unfinished.case(server, index, case);
        };
        let (done, unchecked) = match self.run_cases(version, &report_case) {
            Ok(done) => (done, None),
            Err(Stop::Environment(error)) => match course::fault_of(self.course, &error) {
                Some(problem) => return Err(self.request.unloadable(&[problem])),
                None => (Done::none(self.cases.len()), Some(error)),
            },
            Err(stop) => return Err(stop),
        };
        let results = done.results;
        let mut cases = Vec::new();
        for (index, (case, result)) in self.cases.iter().zip(&results).enumerate() {
            let ended = match result {
                Some(result) => report::Ended::Run(result),
                None if done.not_for_server.contains(&index) => report::Ended::NotForServer,
                None => report::Ended::NotRun,
            };
            let case = report::case(self.request, version, case, ended);
            if !is_streamed || result.is_none() {
                reports.case(&wanted, &case);
            }
            cases.push(case);
        }
        let server = ServerReport { wanted, unchecked, cases, took: began.elapsed() };
        reports.server(&server);
        Ok((server, results))
    }

    /// `ended` is called as each run of a case ends, with the result of all its runs so far.
    fn run_cases(
        &self,
        version: Option<&ServerVersion>,
        ended: &(dyn Fn(usize, &CaseResult) + Sync),
    ) -> Result<Done, Stop> {
        if let Some(error) = &self.unmade {
            return Err(error.clone().into());
        }
        if self.cases.is_empty() {
            return Ok(Done::none(0));
        }
        let spinner = Spinner::new();
        let report = |event: ProgressEvent<'_>| spinner.tell(event);
        let options = self.request.options;
        let source = &self.source(version, &report)?;
        let runner = Runner {
            cases: &self.cases,
            source,
            jobs: jobs(options.jobs, source),
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
        let done = runner.run(begin, &|index, result, so_far| {
            // What fails since its server was ended has not failed.
            cleanup::stop_if_a_signal_came();
            let failures = spinner.count(runs, Some(result.is_good()));
            if !result.is_good() {
                tell_failure(&spinner, options, &self.cases[index].id, (failures, runs));
            }
            ended(index, so_far);
        })?;
        drop(spinner);
        if let Some(kept) = &done.kept {
            report_preserved_server(&self.cases[kept.case], kept);
        }
        Ok(done)
    }

    fn source(
        &self,
        version: Option<&ServerVersion>,
        report: &dyn Fn(ProgressEvent<'_>),
    ) -> Result<Source, Stop> {
        let common = self.request.common;
        let chosen = choose_version(common, version, report)?;
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

/// Names the first failures as they come, and after some says how to end sooner.
fn tell_failure(
    spinner: &Spinner,
    options: &VerifyOptions,
    id: &str,
    (failures, runs): (usize, usize),
) {
    const NAMED: usize = 3;
    const MANY_RUNS: usize = 50;
    if failures <= NAMED && runs > 1 {
        spinner.tell(ProgressEvent::Message(&format!("failed: {id}")));
    }
    if failures == NAMED && runs >= MANY_RUNS && !options.fail_fast {
        spinner.tell(ProgressEvent::Message("`--fail-fast` ends after the first failure"));
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
