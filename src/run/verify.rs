//! `redislings verify`: the lessons proved, for authors and CI, on one server or on each that the course
//! names.

mod cases;
mod changed;
mod partition;
mod report;
mod update;

use std::sync::atomic::{AtomicUsize, Ordering};

use super::course::{Place, tell_problems};
use super::output::out;
use super::waiting::Spinner;
use super::{Exit, Stop, choose_server, choose_server_of, tell, tell_line};
use crate::attempt::Python;
use crate::cli::{CaseChoice, Common, Format, Running, VerifyOn};
use crate::error::WorldError;
use crate::lesson::{Course, Problem};
use crate::present::json;
use crate::present::verify::human;
use crate::server::{Kept, ServerVersion, Source, Wanted};
use crate::telling::Told;
use crate::verify::choice::Slice;
use crate::verify::coverage;
use crate::verify::report::{Conclusion, Report, ServerReport, Warning};
use crate::verify::{self, Case, CaseResult, Done, KeptServer, Proof, Work};

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
    pub(super) on: On,
    pub(super) slice: Option<Slice>,
    pub(super) jobs: u8,
    pub(super) repeat: u32,
    pub(super) fail_fast: bool,
    pub(super) keep: bool,
    pub(super) update: bool,
    pub(super) format: Format,
}

impl<'w> Wish<'w> {
    /// From the command line and what the CI says of its parts.
    pub(super) fn of(
        choice: &'w CaseChoice,
        on: &VerifyOn,
        running: &Running,
        format: Format,
    ) -> Result<Self, Stop> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Ok(Self {
            choice,
            on: On::of(on)?,
            slice: partition::wanted(choice.partition.as_deref(), &variable)?,
            jobs: running.jobs.unwrap_or_else(usual_jobs),
            repeat: running.repeat,
            fail_fast: running.fail_fast,
            keep: running.keep,
            update: running.update,
            format,
        })
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
    let (mut course, mut of_loader) = load(common)?;
    if wish.update {
        update_replies(common, &course, wish)?;
        (course, of_loader) = load(common)?;
    }
    let cases::Wanted { cases, all, unmade } = cases::wanted(&course, wish)?;
    let versions = match &wish.on {
        On::Any => vec![None],
        On::Version(version) => vec![Some(version.clone())],
        On::Matrix => versions(&course)?.into_iter().map(Some).collect(),
    };
    let run = Verification { common, course: &course, cases: part_of(cases, wish), unmade, wish };
    let (mut report, results) = run.on_each(&versions)?;
    let warnings = coverage::warnings(of_loader, &run.cases, &all, &results);
    report.warnings.extend(warnings.iter().map(warning));
    tell_problems(&warnings);
    for server in &report.servers {
        if let Some(error) = &server.unchecked {
            tell(&Stop::World(error.clone()));
        }
    }
    out(&match wish.format {
        Format::Human => human::text(&report),
        Format::Json => json::verified(&report),
    });
    Ok(exit(report.conclusion()))
}

/// The course and what the loader warns of; what keeps it from being loaded is told.
fn load(common: &Common) -> Result<(Course, Vec<Problem>), Stop> {
    Place::of(common).load().map_err(|problems| {
        tell_problems(&problems);
        Stop::Lessons
    })
}

fn warning(problem: &Problem) -> Warning {
    let (line, column) = problem.position().unwrap_or((1, 1));
    Warning {
        file: problem.path.display().to_string(),
        line,
        column,
        message: problem.message.clone(),
        help: problem.help.clone().unwrap_or_default(),
    }
}

fn usual_jobs() -> u8 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u8::try_from(4 * cores).unwrap_or(u8::MAX).min(16)
}

fn refuse_what_needs_files(wish: &Wish<'_>) -> Result<(), Stop> {
    let (option, why) = match wish {
        _ if wish.choice.changed.is_some() => ("--changed", "has no git history"),
        _ if wish.update => ("--update", "can't be rewritten"),
        _ => return Ok(()),
    };
    let help = format!("name a folder with `--lessons`, or leave `{option}` out");
    Err(Stop::Usage(format!("the built-in course {why}"), help))
}

/// A run of its own: what it writes is proved by the one that follows.
fn update_replies(common: &Common, course: &Course, wish: &Wish<'_>) -> Result<(), Stop> {
    let wanted = cases::wanted(course, wish)?;
    let mut cases = part_of(wanted.cases, wish);
    cases.retain(update::has_replies);
    let version = match &wish.on {
        On::Version(version) => Some(version),
        On::Any | On::Matrix => None,
    };
    let run = Verification { common, course, cases, unmade: None, wish };
    let results = run.prove(version)?;
    update::write(&run.cases, &results)
}

fn exit(conclusion: Conclusion) -> Exit {
    match conclusion {
        Conclusion::Passed => Exit::Passed,
        Conclusion::Failed => Exit::FellShort,
        Conclusion::Unchecked => Exit::Unchecked,
    }
}

fn part_of<'c>(wanted: Vec<Case<'c>>, wish: &Wish<'_>) -> Vec<Case<'c>> {
    match wish.slice {
        Some(slice) => slice.of(wanted),
        None => wanted,
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
        };
        Ok((report, results))
    }

    fn on(&self, version: Option<&ServerVersion>) -> Result<(ServerReport, Results), Stop> {
        let (results, unchecked) = match self.prove(version) {
            Ok(results) => (results, None),
            Err(Stop::World(error)) => (vec![None; self.cases.len()], Some(error)),
            Err(stop) => return Err(stop),
        };
        let context = report::Context { common: self.common, version };
        let reports = self.cases.iter().zip(&results);
        let report = ServerReport {
            wanted: version.map(ToString::to_string).unwrap_or_default(),
            unchecked,
            cases: reports.map(|(case, result)| context.case(case, result.as_ref())).collect(),
        };
        Ok((report, results))
    }

    fn prove(&self, version: Option<&ServerVersion>) -> Result<Results, Stop> {
        if let Some(error) = &self.unmade {
            return Err(Stop::World(error.clone()));
        }
        if self.cases.is_empty() {
            return Ok(Vec::new());
        }
        let spinner = Spinner::new();
        let (source, python) = self.prepare(version, &|told| spinner.tell(told))?;
        let work = Work {
            cases: &self.cases,
            source: &source,
            python: python.as_ref(),
            jobs: self.wish.jobs.into(),
            repeat: self.wish.repeat,
            fail_fast: self.wish.fail_fast,
            keep: self.wish.keep,
        };
        let done = run(&work, &spinner);
        drop(spinner);
        if let Some(kept) = &done.kept {
            tell_of_kept(&self.cases[kept.case], kept);
        }
        Ok(done.results)
    }

    /// The first server needs it soon, and Python can be looked for meanwhile. What is in the way will be told by that
    /// server.
    fn start_host(&self, source: &Source) {
        let runs = self.cases.len() * self.wish.repeat as usize;
        source.make_room_for(verify::servers_at_a_time(runs, self.wish.jobs.into()));
        let source = source.clone();
        let warm_up = move || drop(source.warm_up());
        // Without a thread the first server waits for it.
        let _ = std::thread::Builder::new().name("host".into()).spawn(warm_up);
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
        self.start_host(&chosen.source);
        let python = if verify::needs_python(&self.cases) {
            Some(Python::find(&self.course.python_packages, telling)?)
        } else {
            None
        };
        Ok((chosen.source, python))
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

fn run(work: &Work<'_>, spinner: &Spinner) -> Done {
    let count = AtomicUsize::new(0);
    let all = work.cases.len() * work.repeat as usize;
    spinner.tell(Told::Progress(&format!("0 of {all} cases have run")));
    let done = |index: usize, _: &Proof| {
        let count = count.fetch_add(1, Ordering::Relaxed) + 1;
        let (cases, last) = ("cases have run", &work.cases[index].id);
        spinner.tell(Told::Progress(&format!("{count} of {all} {cases}, the last is {last}")));
    };
    work.run(&done)
}
