//! The commands. They connect `cli` with the stages and turn the result into an exit code.

mod check;
mod course;
mod export;
mod github;
mod hint;
mod init;
mod learn;
mod list;
mod merge;
mod new;
mod output;
mod path;
mod reports;
mod reset;
mod shell;
mod shell_files;
mod solution;
mod verify;
mod waiting;

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::FromArgMatches as _;

use crate::attempt;
use crate::cleanup;
use crate::cli::{self, Cli, Command, Common};
use crate::doctor;
use crate::error::EnvironmentError;
use crate::present::{error_width, terminal};
use crate::private;
use crate::progress::Progress;
use crate::progress_event::ProgressEvent;
use crate::relay::{self, Relay};
use crate::sanitize::{clean, clean_lines, is_unsafe};
use crate::server::{
    Address, Chosen, ServerVersion, Source, Wanted, by_version, container, source, versions,
};
use course::{find, load};
use output::{err, out};

/// How a command ends. Of several results, the worst is the greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
enum Exit {
    Passed = 0,
    FellShort = 1,
    CommandLineOrLesson = 2,
    Unchecked = 3,
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command ends early.
enum Stop {
    /// A mistake on the command line: a fact and a help.
    Usage(String, String),
    /// Mistakes in lessons, already reported.
    Lessons,
    Environment(EnvironmentError),
}

impl Stop {
    fn usage(fact: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage(fact.into(), help.into())
    }
}

impl From<EnvironmentError> for Stop {
    fn from(error: EnvironmentError) -> Self {
        Self::Environment(error)
    }
}

pub fn main(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    private::make_everything_private();
    let arguments: Vec<OsString> = arguments.collect();
    let again = arguments.clone();
    // clap quotes the command line without escaping it, and a shell's `*` may add any file name.
    let is_safe = !arguments.iter().any(|word| word.to_string_lossy().contains(is_unsafe));
    let cli = match parse(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to standard output and exits with 0, mistakes to standard error with 2.
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
    let begun = begin(&cli, again);
    let exit = begun.map_err(Stop::Environment).and_then(|_guard| dispatch(cli));
    let exit = exit.unwrap_or_else(|stop| {
        tell(&stop);
        match stop {
            Stop::Usage(..) | Stop::Lessons => Exit::CommandLineOrLesson,
            Stop::Environment(_) => Exit::Unchecked,
        }
    });
    if output::is_lost() {
        let fact = "the result could not be written";
        let error = EnvironmentError::new(fact, "free some space, or write it elsewhere");
        tell(&Stop::Environment(error));
        return Exit::Unchecked.into();
    }
    exit.into()
}

/// What must happen before anything is started.
fn begin(cli: &Cli, arguments: Vec<OsString>) -> Result<cleanup::Guard, EnvironmentError> {
    if cli.may_need_an_engine() {
        container::hand_over_address(arguments.into_iter())?;
    }
    cleanup::Guard::new()
}

/// clap decides on the colours of its own messages. It must know of `--plain` before it parses,
/// since parsing may fail.
fn parse(arguments: Vec<OsString>) -> Result<Cli, clap::Error> {
    let is_set = std::env::var_os("REDISLINGS_PLAIN").is_some_and(|value| value != "0");
    let color = if is_set || arguments.iter().any(|argument| argument == "--plain") {
        clap::ColorChoice::Never
    } else {
        clap::ColorChoice::Auto
    };
    let mut definition = cli::definition().color(color);
    let matches = definition.try_get_matches_from_mut(arguments)?;
    cli::refuse_without_effect(&mut definition, &matches)?;
    Cli::from_arg_matches(&matches)
}

fn tell(stop: &Stop) {
    match stop {
        // The fact quotes the command line, where a word may contain line breaks.
        Stop::Usage(fact, help) => {
            err(&terminal::environment_error(&EnvironmentError::new(clean(fact), help)));
        }
        Stop::Lessons => {}
        Stop::Environment(error) => err(&terminal::environment_error(error)),
    }
}

fn dispatch(cli: Cli) -> Result<Exit, Stop> {
    let common = &cli.common;
    let Some(command) = cli.command else { return learn::learn(common) };
    match command {
        Command::List(options) => list::list(common, &options),
        Command::Path { exercise, language, begin } => {
            path::path(common, exercise.as_deref(), language, begin)
        }
        Command::Hint { exercise, number, all } => {
            hint::hint(common, exercise.as_deref(), number, all)
        }
        Command::Solution { exercise, language, yes } => {
            solution::solution(common, exercise.as_deref(), language, yes)
        }
        Command::Check(options) => check::check(common, &options),
        Command::Verify(options) => verify::verify(common, &options),
        Command::Merge { files, reporting } => merge::merge(&files, &reporting),
        Command::Reset(options) => reset::reset(common, &options),
        Command::Init { dir } => init::init(&dir),
        Command::New { lesson } => new::new(common, &lesson),
        Command::Export(options) => export::export(&options),
        Command::Doctor => Ok(examine(common)),
        Command::Completions { shell } => shell_files::completions(&shell),
        Command::Man => shell_files::man(),
    }
}

/// The value of an environment variable; `None` if it is empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn examine(common: &Common) -> Exit {
    let packages = match course::read(common) {
        Ok((course, _)) => course.python_packages,
        // `doctor` examines the machine; `verify` and `list` report mistakes in lessons.
        Err(_) => crate::lesson::course::default_packages(),
    };
    let (report, good) = doctor::examine(common.image(), &packages);
    out(&report);
    let verdict = if good { "everything needed is here" } else { "something needed is missing" };
    out(&format!("\n{}", terminal::result_line(good, verdict)));
    if good { Exit::Passed } else { Exit::Unchecked }
}

/// The student's progress. Reports damage of its file.
fn progress() -> Result<Progress, Stop> {
    let (progress, damage) = Progress::of_the_user()?;
    if let Some(damage) = damage {
        report_message(&damage);
    }
    Ok(progress)
}

/// Prints a line about progress to standard error.
fn report_message(line: &str) {
    err(&terminal::notice(line, error_width()));
}

/// Chooses where servers come from.
fn choose_server(common: &Common, report: &dyn Fn(ProgressEvent<'_>)) -> Result<Chosen, Stop> {
    let wanted = wanted(common)?;
    let may_be_container = matches!(wanted, Wanted::Auto | Wanted::Container);
    if may_be_container && versions::is_image_template(common.image()) {
        return Err(Stop::usage(
            format!("`--image {}` is a template, which needs a server version", common.image()),
            "name one image, or use `verify --server-matrix`",
        ));
    }
    if common.image.is_some() {
        container::forget_failed_pull(common.image());
    }
    Ok(source::choose(&wanted, common.image(), report)?)
}

/// Chooses a server of this version, such as `redis 7.0`, if one is wanted.
fn choose_version(
    common: &Common,
    version: Option<&ServerVersion>,
    report: &dyn Fn(ProgressEvent<'_>),
) -> Result<Chosen, Stop> {
    match version {
        Some(version) => Ok(by_version::choose(&wanted(common)?, version, common.image(), report)?),
        None => choose_server(common, report),
    }
}

fn server_version(text: &str) -> Result<ServerVersion, Stop> {
    ServerVersion::parse(text).ok_or_else(|| {
        let help = "write redis or valkey, a space and a version as in \"redis 7.0\"";
        Stop::usage(format!("`{text}` is not a server and its version"), help)
    })
}

fn wanted(common: &Common) -> Result<Wanted, Stop> {
    match common.server.as_str() {
        "auto" => Ok(Wanted::Auto),
        "container" => Ok(Wanted::Container),
        "process" => Ok(Wanted::Process),
        "bundled" => Ok(Wanted::Bundled),
        url if url.contains("://") => match Address::parse(url, common.allow_non_empty) {
            Ok(address) => Ok(Wanted::Address(Box::new(address))),
            Err(why) => Err(Stop::usage(
                format!("the address of `--server` can't be used: {why}"),
                "write an address as `redis://host:port`",
            )),
        },
        other => Err(Stop::usage(
            format!("`--server {other}` is not known"),
            "use auto, container, process, bundled, or an address such as `redis://host:port`",
        )),
    }
}

/// Opens the relay through which answers reach the lesson's server.
fn open_relay(common: &Common, source: &Source) -> Result<Relay, EnvironmentError> {
    let relay = Relay::open(common.port)?;
    let is_usual =
        matches!(source, Source::Address(address) if address.is_local(relay::USUAL_PORT));
    Ok(if is_usual { relay.before_the_usual_port() } else { relay })
}

fn is_interactive() -> bool {
    !output::is_dumb()
        && std::io::stdin().is_terminal()
        && std::io::stdout().is_terminal()
        && std::io::stderr().is_terminal()
}
