//! `redislings verify`: the lessons proved, for authors and CI, on one server or on each that the course
//! names.

mod cases;
mod changed;
mod partition;
mod report;
mod update;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::course::{Place, tell_problems};
use super::reports::Reports;
use super::waiting::{Counted, Spinner};
use super::{Exit, Stop, choose_server, choose_server_of, tell, tell_line, variable};
use crate::attempt::Python;
use crate::cli::{CaseChoice, Common, Running, VerifyOn};
use crate::error::WorldError;
use crate::lesson::{Course, Problem};
use crate::present::verify::warning;
use crate::sanitize::ShownPath as _;
use crate::server::{Kept, ServerVersion, Source, Wanted};
use crate::telling::Told;
use crate::verify::choice::Slice;
use crate::verify::coverage;
use crate::verify::plan::Plan;
use crate::verify::report::{CaseOutcome, Conclusion, Report, ServerReport};
use crate::verify::{self, Case, CaseResult, Done, Interpreters, KeptServer, Work};

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

/// What to verify, on what, and how it is told.
pub(super) struct Wish<'w> {
    pub(super) choice: &'w CaseChoice,
    pub(super) running: &'w Running,
    pub(super) on: On,
    pub(super) slice: Option<Slice>,
    pub(super) reports: Reports,
}

impl<'w> Wish<'w> {
    /// From the command line and what the CI says of its parts.
    pub(super) fn of(
        choice: &'w CaseChoice,
        on: &VerifyOn,
        running: &'w Running,
        reports: Reports,
    ) -> Result<Self, Stop> {
        let slice = partition::wanted(choice.partition.as_deref(), &variable)?;
        Ok(Self { choice, running, on: On::of(on)?, slice, reports })
    }

    fn jobs(&self) -> usize {
        self.running.jobs.unwrap_or_else(usual_jobs).into()
    }
}

pub(super) fn verify(common: &Common, wish: &Wish<'_>) -> Result<Exit, Stop> {
    if matches!(super::wanted(common)?, Wanted::Address(_)) {
        let help = "leave `--server` out, or use container, process or bundled";
        return Err(Stop::Usage(
            "a server behind an address can't be verified with: each case needs a fresh one"
                .to_owned(),
            help.to_owned(),
        ));
    }
    if Place::of(common) == Place::BuiltIn {
        refuse_what_needs_files(wish)?;
        tell_line("there is no folder `lessons` here, so the built-in course is verified");
    }
    wish.reports.try_targets()?;
    let (mut course, mut of_loader) = load(common, wish)?;
    if wish.running.update {
        update_replies(common, &course, wish)?;
        (course, of_loader) = load(common, wish)?;
    }
    let cases::Wanted { cases, all, unmade } = cases::wanted(&course, wish)?;
    let versions = match &wish.on {
        On::Any => vec![None],
        On::Version(version) => vec![Some(version.clone())],
        On::Matrix => versions(&course)?.into_iter().map(Some).collect(),
    };
    let names = versions.iter().map(|version| name_of(version.as_ref())).collect();
    wish.reports.begin(&Plan::new(&course, &cases, wish.slice, names))?;
    let cases = Slice::part(wish.slice, cases);
    let run = Verification { common, course: &course, cases, unmade, wish };
    let (mut report, results) = run.on_each(&versions)?;
    let warnings = coverage::warnings(of_loader, &run.cases, &all, &results);
    report.warnings.extend(warnings.iter().map(warning));
    if !wish.reports.tell_people() {
        tell_problems(&warnings);
    }
    for server in &report.servers {
        if let Some(error) = &server.unchecked {
            tell(&Stop::World(error.clone()));
        }
    }
    wish.reports.end(&report)?;
    Ok(exit(report.conclusion()))
}

/// The course and what the loader warns of. What keeps it from being loaded is told, and reported as well.
fn load(common: &Common, wish: &Wish<'_>) -> Result<(Course, Vec<Problem>), Stop> {
    Place::of(common).load().map_err(|problems| unloadable(&problems, wish))
}

fn unloadable(problems: &[Problem], wish: &Wish<'_>) -> Stop {
    tell_problems(problems);
    if let Err(error) = wish.reports.unloadable(problems) {
        tell(&Stop::World(error));
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

fn refuse_what_needs_files(wish: &Wish<'_>) -> Result<(), Stop> {
    let (option, why) = match wish {
        _ if wish.choice.changed.is_some() => ("--changed", "has no git history"),
        _ if wish.running.update => ("--update", "can't be rewritten"),
        _ => return Ok(()),
    };
    let help = format!("name a folder with `--lessons`, or leave `{option}` out");
    Err(Stop::Usage(format!("the built-in course {why}"), help))
}

/// A run of its own: what it writes is proved by the one that follows.
fn update_replies(common: &Common, course: &Course, wish: &Wish<'_>) -> Result<(), Stop> {
    let wanted = cases::wanted(course, wish)?;
    let mut cases = Slice::part(wish.slice, wanted.cases);
    cases.retain(update::has_replies);
    let version = match &wish.on {
        On::Version(version) => Some(version),
        On::Any | On::Matrix => None,
    };
    let run = Verification { common, course, cases, unmade: None, wish };
    let results = run.prove(version, &|_, _| {})?;
    update::write(&run.cases, &results)
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
        let help = "write `[server]` and `versions = [\"redis 7.0\"]` into its `course.toml`, or use \
                    `--server-version`";
        return Err(Stop::Usage(fact, help.to_owned()));
    }
    course.server_versions.iter().map(|text| parse(text)).collect()
}

/// What became of the cases on one server.
type Results = Vec<Option<CaseResult>>;

/// What is to be proved, whatever on.
struct Verification<'v> {
    common: &'v Common,
    course: &'v Course,
    cases: Vec<Case<'v>>,
    /// Why mutants are missing among them.
    unmade: Option<WorldError>,
    wish: &'v Wish<'v>,
}

impl Verification<'_> {
    /// The report and what it is made of, for each server.
    fn on_each(&self, versions: &[Option<ServerVersion>]) -> Result<(Report, Vec<Results>), Stop> {
        let on_each = versions.iter().map(|version| self.on(version.as_ref()));
        let (servers, results) = on_each.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        let report = Report {
            course: self.course.title.clone(),
            slice: self.wish.slice,
            servers,
            warnings: Vec::new(),
            incomplete: Vec::new(),
        };
        Ok((report, results))
    }

    fn on(&self, version: Option<&ServerVersion>) -> Result<(ServerReport, Results), Stop> {
        let began = Instant::now();
        let context =
            report::Context { common: self.common, version, repeat: self.wish.running.repeat };
        let (wanted, reports) = (name_of(version), &self.wish.reports);
        // A case that is repeated has ended when all its runs have.
        let ends_here = self.wish.running.repeat == 1 && reports.is_streamed();
        let streamed = |index: usize, result: &CaseResult| {
            if ends_here {
                reports.case(&wanted, &context.case(&self.cases[index], Some(result)));
            }
        };
        let (results, unchecked) = match self.prove(version, &streamed) {
            Ok(results) => (results, None),
            Err(Stop::World(error)) => (vec![None; self.cases.len()], Some(error)),
            Err(stop) => return Err(stop),
        };
        let cases = self.cases.iter().zip(&results);
        let cases: Vec<_> = cases.map(|(it, result)| context.case(it, result.as_ref())).collect();
        for case in cases.iter().filter(|it| !ends_here || it.outcome == CaseOutcome::NotRun) {
            reports.case(&wanted, case);
        }
        let server = ServerReport { wanted, unchecked, cases, took: began.elapsed() };
        reports.server(&server);
        Ok((server, results))
    }

    /// `ended` is called as each run of a case ends.
    fn prove(
        &self,
        version: Option<&ServerVersion>,
        ended: &(dyn Fn(usize, &CaseResult) + Sync),
    ) -> Result<Results, Stop> {
        if let Some(error) = &self.unmade {
            return Err(Stop::World(error.clone()));
        }
        if self.cases.is_empty() {
            return Ok(Vec::new());
        }
        let spinner = Spinner::new();
        let telling = |told: Told<'_>| spinner.tell(told);
        let source = self.source(version, &telling)?;
        let work = Work {
            cases: &self.cases,
            source: &source,
            jobs: self.wish.jobs(),
            repeat: self.wish.running.repeat,
            fail_fast: self.wish.running.fail_fast,
            keep: self.wish.running.keep,
        };
        let done = run(&work, || self.python(&telling), &spinner, ended)?;
        drop(spinner);
        if let Some(kept) = &done.kept {
            tell_of_kept(&self.cases[kept.case], kept);
        }
        Ok(done.results)
    }

    fn source(
        &self,
        version: Option<&ServerVersion>,
        telling: &dyn Fn(Told<'_>),
    ) -> Result<Source, Stop> {
        let chosen = match version {
            Some(version) => choose_server_of(version, self.common, telling),
            None => choose_server(self.common, telling),
        }?;
        telling(Told::Line(&format!("server: {}", chosen.why)));
        Ok(chosen.source)
    }

    /// What the cases need of Python.
    fn python(&self, telling: &dyn Fn(Told<'_>)) -> Result<Option<Interpreters>, WorldError> {
        if !verify::needs_python(&self.cases) {
            return Ok(None);
        }
        let packages = &self.course.python_packages;
        let fresh = Python::find(packages, telling)?;
        let warmed = fresh.warmed(packages).ok();
        Ok(Some(Interpreters { fresh, warmed }))
    }
}

fn tell_of_kept(case: &Case<'_>, kept: &KeptServer) {
    match &kept.server {
        Ok(Kept { endpoint, end }) => {
            let (id, url) = (&case.id, &endpoint.url);
            tell_line(&format!(
                "the server of `{id}` still runs: `redis-cli -u {url}`; to end it: `{end}`"
            ));
        }
        Err(error) => tell(&Stop::World(error.clone())),
    }
}

fn run(
    work: &Work<'_>,
    python: impl FnOnce() -> Result<Option<Interpreters>, WorldError>,
    spinner: &Spinner,
    ended: &(dyn Fn(usize, &CaseResult) + Sync),
) -> Result<Done, WorldError> {
    let (count, failures) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let all = work.cases.len() * work.repeat as usize;
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
    work.run(begin, &done)
}
