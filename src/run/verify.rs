//! `redislings verify`: the lessons proved, for authors and CI, on one server or on each that the course
//! names.

mod changed;
mod partition;
mod report;
mod update;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::course::{Place, language_of_name, tell_problems};
use super::reports::Reports;
use super::waiting::{Counted, Spinner};
use super::{Exit, Stop, choose_server, choose_server_of, tell, tell_line};
use crate::attempt::Python;
use crate::cli::{CaseChoice, Common, LanguageName, Running, VerifyOn};
use crate::lesson::{Course, Problem};
use crate::present::verify::warning;
use crate::server::{Kept, ServerVersion, Source, Wanted};
use crate::telling::Told;
use crate::verify::choice::{Choice, Name, Slice};
use crate::verify::plan::Plan;
use crate::verify::report::{CaseOutcome, Conclusion, Report, ServerReport};
use crate::verify::{self, Case, CaseResult, Done, Interpreters, KeptServer, Proof, Work};

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
    /// Ids and globs; none: everything.
    pub(super) only: &'w [String],
    pub(super) language: Option<LanguageName>,
    pub(super) on: On,
    pub(super) slice: Option<Slice>,
    /// Only lessons that differ from this commit; empty: from where the branch began.
    pub(super) changed: Option<&'w str>,
    pub(super) jobs: u8,
    pub(super) repeat: u32,
    pub(super) fail_fast: bool,
    pub(super) keep: bool,
    pub(super) update: bool,
    pub(super) reports: Reports,
}

impl<'w> Wish<'w> {
    /// From the command line and what the CI says of its parts.
    pub(super) fn of(
        choice: &'w CaseChoice,
        on: &VerifyOn,
        running: &Running,
        reports: Reports,
    ) -> Result<Self, Stop> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Ok(Self {
            only: &choice.only,
            language: choice.language,
            on: On::of(on)?,
            slice: partition::wanted(choice.partition.as_deref(), &variable)?,
            changed: choice.changed.as_deref(),
            jobs: running.jobs.unwrap_or_else(usual_jobs),
            repeat: running.repeat,
            fail_fast: running.fail_fast,
            keep: running.keep,
            update: running.update,
            reports,
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
    wish.reports.try_targets()?;
    let (mut course, mut problems) = load(common, wish)?;
    if wish.update {
        update_replies(common, &course, wish)?;
        (course, problems) = load(common, wish)?;
    }
    let wanted = wanted_cases(&course, wish)?;
    let versions = match &wish.on {
        On::Any => vec![None],
        On::Version(version) => vec![Some(version.clone())],
        On::Matrix => versions(&course)?.into_iter().map(Some).collect(),
    };
    let names = versions.iter().map(|version| name_of(version.as_ref())).collect();
    wish.reports.begin(&Plan::new(&course, &wanted, wish.slice, names))?;
    let run = Verification { common, course: &course, cases: part_of(wanted, wish), wish };
    let mut report = run.on_each(&versions)?;
    report.warnings.extend(problems.iter().map(warning));
    for server in &report.servers {
        if let Some(error) = &server.unchecked {
            tell(&Stop::World(error.clone()));
        }
    }
    wish.reports.end(&report)?;
    Ok(exit(report.conclusion()))
}

/// What keeps the lessons from being loaded is reported as well; what does not stands in the report for people.
fn load(common: &Common, wish: &Wish<'_>) -> Result<(Course, Vec<Problem>), Stop> {
    match Place::of(common).load() {
        Ok((course, warnings)) => {
            if !wish.reports.tell_people() {
                tell_problems(&warnings);
            }
            Ok((course, warnings))
        }
        Err(problems) => {
            tell_problems(&problems);
            if let Err(error) = wish.reports.unloadable(&problems) {
                tell(&Stop::World(error));
            }
            Err(Stop::Lessons)
        }
    }
}

fn name_of(version: Option<&ServerVersion>) -> String {
    version.map(ToString::to_string).unwrap_or_default()
}

fn usual_jobs() -> u8 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u8::try_from(4 * cores).unwrap_or(u8::MAX).min(16)
}

fn refuse_what_needs_files(wish: &Wish<'_>) -> Result<(), Stop> {
    let (option, why) = match wish {
        _ if wish.changed.is_some() => ("--changed", "has no git history"),
        _ if wish.update => ("--update", "can't be rewritten"),
        _ => return Ok(()),
    };
    let help = format!("name a folder with `--lessons`, or leave `{option}` out");
    Err(Stop::Usage(format!("the built-in course {why}"), help))
}

/// A run of its own: what it writes is proved by the one that follows.
fn update_replies(common: &Common, course: &Course, wish: &Wish<'_>) -> Result<(), Stop> {
    let mut cases = part_of(wanted_cases(course, wish)?, wish);
    cases.retain(update::has_replies);
    let version = match &wish.on {
        On::Version(version) => Some(version),
        On::Any | On::Matrix => None,
    };
    let run = Verification { common, course, cases, wish };
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

/// Of all parts.
fn wanted_cases<'c>(course: &'c Course, wish: &Wish<'_>) -> Result<Vec<Case<'c>>, Stop> {
    let all = verify::cases(course);
    let names = wish.only.iter().map(|text| named(text, &all)).collect::<Result<_, _>>()?;
    let language = wish.language.map(language_of_name);
    let lessons = wish.changed.map(|base| changed::lessons(course, base)).transpose()?;
    let choice = Choice { names, language, lessons };
    Ok(all.into_iter().filter(|case| choice.wants(case)).collect())
}

fn part_of<'c>(wanted: Vec<Case<'c>>, wish: &Wish<'_>) -> Vec<Case<'c>> {
    match wish.slice {
        Some(slice) => slice.of(wanted),
        None => wanted,
    }
}

fn named(text: &str, all: &[Case<'_>]) -> Result<Name, Stop> {
    let name = Name::parse(text).map_err(|why| {
        let help = "`*` stands for anything, `?` for one character, `[ab]` for one of these";
        Stop::Usage(format!("`{text}` is no glob: {why}"), help.to_owned())
    })?;
    if all.iter().any(|case| name.names(case)) {
        return Ok(name);
    }
    let help = "name a lesson, an exercise (`redislings list` shows all) or one case of it";
    Err(Stop::Usage(format!("there is nothing called `{text}` to verify"), help.to_owned()))
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
struct Verification<'v> {
    common: &'v Common,
    course: &'v Course,
    cases: Vec<Case<'v>>,
    wish: &'v Wish<'v>,
}

impl Verification<'_> {
    fn on_each(&self, versions: &[Option<ServerVersion>]) -> Result<Report, Stop> {
        let servers = versions.iter().map(|version| self.on(version.as_ref()));
        Ok(Report {
            course: self.course.title.clone(),
            slice: self.wish.slice,
            servers: servers.collect::<Result<_, _>>()?,
            warnings: Vec::new(),
            incomplete: Vec::new(),
        })
    }

    fn on(&self, version: Option<&ServerVersion>) -> Result<ServerReport, Stop> {
        let began = Instant::now();
        let context = report::Context { common: self.common, version, repeat: self.wish.repeat };
        let (wanted, reports) = (name_of(version), &self.wish.reports);
        // A case that is repeated has ended when all have.
        let ends_here = self.wish.repeat == 1 && reports.is_streamed();
        let streamed = |index: usize, proof: &Proof| {
            if ends_here {
                let result = CaseResult { proofs: vec![proof.clone()] };
                reports.case(&wanted, &context.case(&self.cases[index], Some(&result)));
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
        Ok(server)
    }

    /// `ended` is called as each run of a case ends.
    fn prove(
        &self,
        version: Option<&ServerVersion>,
        ended: &(dyn Fn(usize, &Proof) + Sync),
    ) -> Result<Vec<Option<CaseResult>>, Stop> {
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
        let done = run(&work, &spinner, ended);
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
    ) -> Result<(Source, Option<Interpreters>), Stop> {
        let chosen = match version {
            Some(version) => choose_server_of(version, self.common, telling),
            None => choose_server(self.common, telling),
        }?;
        telling(Told::Line(&format!("server: {}", chosen.why)));
        self.start_host(&chosen.source);
        let python = if verify::needs_python(&self.cases) {
            let packages = &self.course.python_packages;
            let fresh = Python::find(packages, telling)?;
            let warmed = fresh.warmed(packages).ok();
            Some(Interpreters { fresh, warmed })
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

fn run(work: &Work<'_>, spinner: &Spinner, ended: &(dyn Fn(usize, &Proof) + Sync)) -> Done {
    let (count, failures) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let all = work.cases.len() * work.repeat as usize;
    spinner.count(Counted { done: 0, all, failures: 0 });
    let done = |index: usize, proof: &Proof| {
        let done = count.fetch_add(1, Ordering::Relaxed) + 1;
        let failures = failures.fetch_add(usize::from(!proof.is_good()), Ordering::Relaxed);
        let failures = failures + usize::from(!proof.is_good());
        spinner.count(Counted { done, all, failures });
        ended(index, proof);
    };
    work.run(&done)
}
