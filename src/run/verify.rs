//! `redislings verify`: the lessons proved, for authors and CI, on one server or on each that the course
//! names.

mod changed;
mod partition;
mod report;
mod update;

use std::sync::atomic::{AtomicUsize, Ordering};

use super::course::{Place, language_of_name};
use super::output::out;
use super::waiting::Spinner;
use super::{Exit, Stop, choose_server, choose_server_of, load, tell, tell_line};
use crate::attempt::Python;
use crate::cli::{CaseChoice, Common, Format, LanguageName, Running, VerifyOn};
use crate::lesson::Course;
use crate::present::json;
use crate::present::verify::human;
use crate::server::{Kept, ServerVersion, Source, Wanted};
use crate::telling::Told;
use crate::verify::choice::{Choice, Name, Slice};
use crate::verify::report::{Conclusion, Report, ServerReport};
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
    let mut course = load(common)?;
    if wish.update {
        update_replies(common, &course, wish)?;
        course = load(common)?;
    }
    let cases = chosen_cases(&course, wish)?;
    let versions = match &wish.on {
        On::Any => vec![None],
        On::Version(version) => vec![Some(version.clone())],
        On::Matrix => versions(&course)?.into_iter().map(Some).collect(),
    };
    let run = Verification { common, course: &course, cases, wish };
    let report = run.on_each(&versions)?;
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
    let mut cases = chosen_cases(course, wish)?;
    cases.retain(update::has_replies);
    let version = match &wish.on {
        On::Version(version) => Some(version),
        On::Any | On::Matrix => None,
    };
    let run = Verification { common, course, cases, wish };
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

fn chosen_cases<'c>(course: &'c Course, wish: &Wish<'_>) -> Result<Vec<Case<'c>>, Stop> {
    let all = verify::cases(course);
    let names = wish.only.iter().map(|text| named(text, &all)).collect::<Result<_, _>>()?;
    let language = wish.language.map(language_of_name);
    let lessons = wish.changed.map(|base| changed::lessons(course, base)).transpose()?;
    let choice = Choice { names, language, lessons };
    let wanted = all.into_iter().filter(|case| choice.wants(case)).collect();
    Ok(match wish.slice {
        Some(slice) => slice.of(wanted),
        None => wanted,
    })
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
        })
    }

    fn on(&self, version: Option<&ServerVersion>) -> Result<ServerReport, Stop> {
        let (results, unchecked) = match self.prove(version) {
            Ok(results) => (results, None),
            Err(Stop::World(error)) => (vec![None; self.cases.len()], Some(error)),
            Err(stop) => return Err(stop),
        };
        let context = report::Context { common: self.common, version };
        let reports = self.cases.iter().zip(&results);
        Ok(ServerReport {
            wanted: version.map(ToString::to_string).unwrap_or_default(),
            unchecked,
            cases: reports.map(|(case, result)| context.case(case, result.as_ref())).collect(),
        })
    }

    fn prove(&self, version: Option<&ServerVersion>) -> Result<Vec<Option<CaseResult>>, Stop> {
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
