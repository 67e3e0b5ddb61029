//! From the command line to an exit code: the translation between `cli` and the stages.

mod check;
mod course;
mod github;
mod hint;
mod init;
mod export;
mod learn;
mod list;
mod merge;
mod new;
mod output;
mod reports;
mod reset;
mod path;
mod shell;
mod shell_files;
mod solution;
mod verify;
mod waiting;

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::attempt;
use crate::cleanup;
use crate::cli::{self, Cli, Command, Common};
use crate::doctor;
use crate::error::WorldError;
use crate::present::{error_width, terminal};
use crate::private;
use crate::progress::Progress;
use crate::sanitize::{clean, clean_lines, is_unsafe};
use crate::server::{Address, Chosen, ServerVersion, Source, Wanted, matching, source, versions};
use crate::tap::{self, Tap};
use crate::telling::Told;
use course::{find, load};
use output::{err, out};

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Exit {
    Passed,
    FellShort,
    CommandLineOrLesson,
    Unchecked,
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Passed => 0,
            Exit::FellShort => 1,
            Exit::CommandLineOrLesson => 2,
            Exit::Unchecked => 3,
            Exit::Interrupted => 130,
        })
    }
}

/// Why a run ends early.
enum Stop {
    /// The command line: a fact and a help.
    Usage(String, String),
    /// Lessons, already told.
    Lessons,
    World(WorldError),
}

impl From<WorldError> for Stop {
    fn from(error: WorldError) -> Self {
        Self::World(error)
    }
}

/// Runs the program.
pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    private::make_everything_private();
    let arguments: Vec<OsString> = arguments.collect();
    // clap quotes words of the command line as they are: file names from `*` may be among them.
    let is_safe = !arguments.iter().any(|word| word.to_string_lossy().contains(is_unsafe));
    let cli = match parse(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to standard output and mistakes to standard error; it exits with 0 or 2.
            if error.use_stderr() && (!is_safe || github::is_reading()) {
                err(&clean_lines(&error.render().to_string()));
            } else {
                let _ = error.print();
            }
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    output::set_looks(&cli.common);
    attempt::inherited::pass_on(cli.common.pass_env.clone());
    let exit = match cleanup::Guard::new() {
        Ok(_guard) => dispatch(cli),
        Err(error) => Err(Stop::World(error)),
    };
    let exit = exit.unwrap_or_else(|stop| {
        tell(&stop);
        match stop {
            Stop::Usage(..) | Stop::Lessons => Exit::CommandLineOrLesson,
            Stop::World(_) => Exit::Unchecked,
        }
    });
    if output::is_lost() {
        let help = "free some space, or write it elsewhere";
        err(&terminal::world_error(&WorldError::new("the result could not be written", help)));
        return Exit::Unchecked.into();
    }
    exit.into()
}

/// clap decides by itself on the colours of its own texts, but for who wants words only, which must be known
/// before there is something to tell of the command line.
fn parse(arguments: Vec<OsString>) -> Result<Cli, clap::Error> {
    let is_set = std::env::var_os("REDISLINGS_PLAIN").is_some_and(|value| value != "0");
    let color = if is_set || arguments.iter().any(|it| it == "--plain") {
        clap::ColorChoice::Never
    } else {
        clap::ColorChoice::Auto
    };
    let matches = Cli::command().color(color).try_get_matches_from(arguments)?;
    Cli::from_arg_matches(&matches)
}

fn tell(stop: &Stop) {
    match stop {
        // The fact quotes the command line, where a word may hold line ends.
        Stop::Usage(fact, help) => {
            err(&terminal::world_error(&WorldError::new(clean(fact), help)));
        }
        Stop::Lessons => {}
        Stop::World(error) => err(&terminal::world_error(error)),
    }
}

fn dispatch(cli: Cli) -> Result<Exit, Stop> {
    let common = &cli.common;
    match cli.command {
        None => learn::learn(common),
        Some(Command::List { only, open, done, output }) => {
            let state = match (open, done) {
                (true, _) => list::State::Open,
                (_, true) => list::State::Done,
                _ => list::State::Any,
            };
            list::list(common, &list::Filter { only: &only, state }, output.format)
        }
        Some(Command::Path { exercise, language, begin }) => {
            path::path(common, exercise.as_deref(), language, begin)
        }
        Some(Command::Hint { exercise, number, all }) => {
            let which = if all { hint::Which::All } else { hint::Which::One(number.into()) };
            hint::hint(common, &exercise, which)
        }
        Some(Command::Solution { exercise, language, yes }) => {
            solution::solution(common, &exercise, language, yes)
        }
        Some(Command::Check { exercise, answer, language, transcript, output }) => {
            let show = check::Show { format: output.format, transcript };
            check::check(common, &exercise, answer.as_deref(), language, show)
        }
        Some(Command::Verify { choice, on, running, reporting, output }) => {
            let reports = reports(&reporting, output.format)?;
            let wish = verify::Wish::of(&choice, &on, &running, reports)?;
            verify::verify(common, &wish)
        }
        Some(Command::Merge { files, reporting }) => {
            merge::merge(&files, &reports(&reporting, cli::Format::Human)?)
        }
        Some(Command::Reset { exercises, all, yes }) => {
            reset::reset(common, &reset::Wish { exercises: &exercises, all, yes })
        }
        Some(Command::Init { dir }) => init::init(&dir),
        Some(Command::New { lesson }) => new::new(common, &lesson),
        Some(Command::Export { file, all, force }) => {
            export::export(&export::Wish { file: file.as_deref(), all, force })
        }
        Some(Command::Doctor) => Ok(examine(common)),
        Some(Command::Completions { shell }) => Ok(shell_files::completions(shell)),
        Some(Command::Man) => shell_files::man(),
    }
}

fn reports(reporting: &cli::Reporting, format: cli::Format) -> Result<reports::Reports, Stop> {
    reports::Reports::of(&reporting.reports, format, &variable)
}

/// The folder in which a file is.
fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What an environment variable says; an empty one says nothing.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn examine(common: &Common) -> Exit {
    let packages = match course::Place::of(common).load() {
        Ok((course, _)) => course.python_packages,
        // Doctor looks at the machine; `verify` and `list` tell what is wrong with lessons.
        Err(_) => crate::lesson::course::default_packages(),
    };
    let (report, good) = doctor::examine(&common.image, &packages);
    out(&report);
    let verdict = if good {
        "everything that is needed is here"
    } else {
        "something that is needed is missing"
    };
    out(&format!("\n{}", terminal::result_line(good, verdict)));
    if good { Exit::Passed } else { Exit::Unchecked }
}

/// The student's progress; what is odd about its file is told.
fn progress() -> Result<Progress, Stop> {
    let (progress, told) = Progress::of_the_user()?;
    if let Some(told) = told {
        tell_line(&told);
    }
    Ok(progress)
}

/// A line about what happens, beside the result.
fn tell_line(line: &str) {
    err(&terminal::notice(line, error_width()));
}

/// Finds where servers come from.
fn choose_server(common: &Common, telling: &dyn Fn(Told<'_>)) -> Result<Chosen, Stop> {
    let wanted = wanted(common)?;
    let may_be_container = matches!(wanted, Wanted::Auto | Wanted::Container);
    if may_be_container && versions::is_image_template(&common.image) {
        return Err(Stop::Usage(
            format!("`--image {}` is for servers of a wanted version only", common.image),
            "name one image, or use `verify --server-matrix`".to_owned(),
        ));
    }
    Ok(source::choose(&wanted, &common.image, telling)?)
}

/// The same for a server of that version.
fn choose_server_of(
    version: &ServerVersion,
    common: &Common,
    telling: &dyn Fn(Told<'_>),
) -> Result<Chosen, Stop> {
    Ok(matching::choose(&wanted(common)?, version, &common.image, telling)?)
}

fn wanted(common: &Common) -> Result<Wanted, Stop> {
    match common.server.as_str() {
        "auto" => Ok(Wanted::Auto),
        "container" => Ok(Wanted::Container),
        "process" => Ok(Wanted::Process),
        "bundled" => Ok(Wanted::Bundled),
        url if url.contains("://") => match Address::parse(url, common.allow_non_empty) {
            Ok(address) => Ok(Wanted::Address(Box::new(address))),
            Err(why) => Err(Stop::Usage(
                format!("the address of `--server` can't be used: {why}"),
                "an address is written `redis://host:port`".to_owned(),
            )),
        },
        other => Err(Stop::Usage(
            format!("`--server {other}` is not known"),
            "one of auto, container, process, bundled, or an address `redis://host:port`"
                .to_owned(),
        )),
    }
}

/// Opens the address at which answers find the lesson's server.
fn open_tap(common: &Common, source: &Source) -> Result<Tap, WorldError> {
    let tap = Tap::open(match common.port {
        cli::Port::Auto => tap::Port::Usual,
        cli::Port::Number(0) => tap::Port::Free,
        cli::Port::Number(port) => tap::Port::This(port),
    })?;
    let is_usual = matches!(source, Source::Address(it) if it.is_local(tap::USUAL_PORT));
    Ok(if is_usual { tap.before_the_usual_port() } else { tap })
}

fn is_interactive() -> bool {
    let dumb = output::is_dumb();
    let all = std::io::stdin().is_terminal()
        && std::io::stdout().is_terminal()
        && std::io::stderr().is_terminal();
    all && !dumb
}
